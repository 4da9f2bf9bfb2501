//! What every contestant is asked, and what the stand-in's org is like.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Contact records of one import, and rows of one report.
pub const ROWS: usize = 1_000;

/// Records the event source mapping hands over at once.
const BATCH: usize = 200;

/// The look-up or change a contact flow asks for, each with a text of its own.
pub fn dip(operation: &str, n: usize) -> Value {
    let parameters = match operation {
        "phoneLookup" => {
            json!({"sf_operation": operation, "sf_phone": "+12025550143", "sf_fields": "Id, Name"})
        }
        "lookup" => json!({"sf_operation": operation, "sf_object": "Contact", "sf_fields": "Id, Name",
                           "LastName": format!("Keller {n}")}),
        _ => {
            json!({"sf_operation": operation, "sf_object": "Task", "Subject": format!("Call {n}"), "Status": "Open"})
        }
    };
    // Each call is of another contact: a change asked twice by the same one would be made once.
    let contact = format!("4a573372-1f28-4e26-b97b-{n:012}");
    json!({"Name": "ContactFlowEvent", "Details": {"ContactData": {"Attributes": {}, "Channel": "VOICE",
        "ContactId": contact, "CustomerEndpoint": {"Address": "+12025550143", "Type": "TELEPHONE_NUMBER"},
        "InitialContactId": contact, "InitiationMethod": "INBOUND",
        "InstanceARN": "arn:aws:connect:eu-central-1:481200937715:instance/i", "PreviousContactId": contact,
        "Queue": null, "SystemEndpoint": {"Address": "+12025550100", "Type": "TELEPHONE_NUMBER"}},
        "Parameters": parameters}})
}

/// 1,000 contact records as the reference's trigger hands them on: one an invocation.
pub fn records_one_by_one() -> Vec<Value> {
    (0..ROWS).map(|n| json!({"async": true, "record": contact_record(n)})).collect()
}

/// The same 1,000 as the stream delivers them.
pub fn records_as_delivered() -> Vec<Value> {
    let record = |n: usize| {
        json!({"eventSource": "aws:kinesis", "eventID": format!("shardId-0:{n}"),
               "kinesis": {"sequenceNumber": n.to_string(), "partitionKey": n.to_string(), "data": contact_record(n)}})
    };
    let numbers: Vec<usize> = (0..ROWS).collect();
    numbers
        .chunks(BATCH)
        .map(|batch| json!({"Records": batch.iter().map(|n| record(*n)).collect::<Vec<_>>()}))
        .collect()
}

/// Tells that the report [`csv`] was put into the bucket.
pub fn report() -> Value {
    json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "eventTime": "2026-03-17T09:20:12.000Z", "awsRegion": "eu-central-1",
        "s3": {"bucket": {"name": "reports"}, "object": {"key": "connect/acme/queues.csv", "size": 1}}}]})
}

pub fn csv() -> String {
    let mut text = "Queue,StartInterval,EndInterval,Contacts queued,Contacts handled,Average queue answer time,Service level 20 seconds\n".to_owned();
    for n in 0..ROWS {
        writeln!(text, "Queue {n},2026-03-17T09:00:00Z,2026-03-17T09:30:00Z,{n},{n},12.5,87.5%").unwrap();
    }
    text
}

/// With everything the reference wants to be there.
fn contact_record(n: usize) -> String {
    let record = json!({
        "AWSAccountId": "481200937715", "AWSContactTraceRecordFormatVersion": "2017-03-10",
        "Agent": {"ARN": "arn:aws:connect:eu-central-1:481200937715:instance/i/agent/a", "AfterContactWorkDuration": 5,
            "AfterContactWorkEndTimestamp": "2026-03-17T09:20:51Z", "AfterContactWorkStartTimestamp": "2026-03-17T09:19:34Z",
            "AgentInteractionDuration": 260, "ConnectedToAgentTimestamp": "2026-03-17T09:15:06Z",
            "CustomerHoldDuration": 31, "HierarchyGroups": null, "LongestHoldDuration": 31, "NumberOfHolds": 1,
            "RoutingProfile": {"ARN": "arn:aws:connect:eu-central-1:481200937715:instance/i/routing-profile/r", "Name": "Claims"},
            "Username": "m.keller"},
        "AgentConnectionAttempts": 1, "Attributes": {"postcallCTRImportEnabled": "true", "intent": "claim"},
        "Channel": "VOICE", "ConnectedToSystemTimestamp": "2026-03-17T09:14:02Z",
        "ContactId": format!("b7d1f6a2-0c3e-4e58-9a47-{n:012}"),
        "CustomerEndpoint": {"Address": "+12025550143", "Type": "TELEPHONE_NUMBER"},
        "DisconnectTimestamp": "2026-03-17T09:19:34Z", "InitialContactId": null, "InitiationMethod": "INBOUND",
        "InitiationTimestamp": "2026-03-17T09:14:02Z",
        "InstanceARN": "arn:aws:connect:eu-central-1:481200937715:instance/i",
        "LastUpdateTimestamp": "2026-03-17T09:21:00Z", "NextContactId": null, "PreviousContactId": null,
        "Queue": {"ARN": "arn:aws:connect:eu-central-1:481200937715:instance/i/queue/q", "DequeueTimestamp": "2026-03-17T09:15:06Z",
            "Duration": 25, "EnqueueTimestamp": "2026-03-17T09:14:40Z", "Name": "Claims"},
        "Recording": {"Location": "media/connect/acme/CallRecordings/x.wav", "Status": "AVAILABLE", "Type": "AUDIO", "DeletionReason": null},
        "SystemEndpoint": {"Address": "+12025550100", "Type": "TELEPHONE_NUMBER"},
        "TransferredToEndpoint": null, "TransferCompletedTimestamp": null,
    });
    STANDARD.encode(record.to_string())
}

/// The fields the two objects have in the reference's package, as far as they are sent here.
pub fn describe() -> Value {
    let names = [
        "AWSAccountId",
        "AfterContactWorkDuration",
        "AfterContactWorkEndTimestamp",
        "AfterContactWorkStartTimestamp",
        "AgentConnectedToAgentTimestamp",
        "AgentInteractionDuration",
        "AgentCustomerHoldDuration",
        "AgentHierarchyGroup",
        "AgentLongestHoldDuration",
        "AgentNumberOfHolds",
        "AgentUsername",
        "AgentRoutingProfileARN",
        "AgentRoutingProfileName",
        "AgentConnectionAttempts",
        "Attributes",
        "Channel",
        "ConnectedToSystemTimestamp",
        "CustomerEndpointAddress",
        "InitiationTimestamp",
        "InitialContactId",
        "Initiation_Method",
        "InstanceARN",
        "LastUpdateTimestamp",
        "NextContactId",
        "PreviousContactId",
        "DisconnectTimestamp",
        "QueueARN",
        "QueueDequeueTimestamp",
        "QueueDuration",
        "QueueEnqueueTimestamp",
        "QueueName",
        "RecordingLocation",
        "RecordingStatus",
        "RecordingDeletionReason",
        "SystemEndpointAddress",
        "TransferredToEndpoint",
        "TransferCompletedTimestamp",
        "Region",
        "ContactId",
        "AC_Object_Name",
        "AC_Record_Id",
        "StartInterval",
        "EndInterval",
        "Contacts_queued",
        "Contacts_handled",
        "Average_queue_answer_time",
        "Service_level_20_seconds",
        "Created_Date",
    ];
    let field = |name: &&str| {
        let key = ["ContactId", "AC_Record_Id"].contains(name);
        json!({"name": format!("amazonconnect__{name}__c"), "type": "string", "length": 32768,
               "createable": true, "updateable": true, "externalId": key, "idLookup": key, "unique": key,
               "label": name, "nillable": true})
    };
    json!({"name": "x", "createable": true, "updateable": true, "fields": names.iter().map(field).collect::<Vec<_>>()})
}
