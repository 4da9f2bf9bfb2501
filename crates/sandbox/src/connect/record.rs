//! Contact records as Connect streams them through Firehose: every known key, in
//! alphabetical order, with an explicit null where there is nothing.
//!
//! Written from Amazon Connect administrator guide, "Data model for Amazon Connect
//! contact records" (read 2026-11-20), and the null policy of captured records.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::{Call, Direction, Ending, SUBTYPE};
use super::event::{seconds, whole_seconds};
use super::instance::Instance;

/// The contact record of a call that is over. `updated` orders its versions.
pub fn record(instance: &Instance, call: &Call, updated: Timestamp) -> Value {
    let time = |at: Option<Timestamp>| at.map(seconds);
    json!({
        "AWSAccountId": instance.account,
        "AWSContactTraceRecordFormatVersion": "2017-03-10",
        "Agent": agent(instance, call),
        "AgentConnectionAttempts": call.attempts,
        "AnsweringMachineDetectionStatus": null,
        "Attributes": call.attributes,
        "Campaign": {"CampaignId": null},
        "Channel": "VOICE",
        "ConnectedToSystemTimestamp": time(call.reached),
        "ContactDetails": {},
        "ContactId": call.id,
        "CustomerEndpoint": {"Address": call.customer, "Type": call.customer_type()},
        "CustomerId": null,
        "DisconnectReason": call.ending.map(Ending::reason),
        "DisconnectTimestamp": time(call.ended),
        "InitialContactId": null,
        "InitiationMethod": call.initiation(),
        "InitiationTimestamp": seconds(call.started),
        "InstanceARN": instance.arn(),
        "LastUpdateTimestamp": seconds(updated),
        "MediaStreams": [{"Type": "AUDIO"}],
        "NextContactId": null,
        "PreviousContactId": null,
        "QualityMetrics": null,
        "Queue": queue(instance, call),
        "Recording": null,
        "Recordings": null,
        "References": [],
        "RelatedContactId": null,
        "ScheduledTimestamp": null,
        "SegmentAttributes": {"connect:Subtype": {"ValueString": SUBTYPE}},
        "SystemEndpoint": {"Address": call.system, "Type": "TELEPHONE_NUMBER"},
        "Tags": {"aws:connect:instanceId": instance.id, "aws:connect:systemEndpoint": call.system},
        "TransferCompletedTimestamp": null,
        "TransferredToEndpoint": null,
        "VoiceIdResult": null,
    })
}

fn agent(instance: &Instance, call: &Call) -> Value {
    // An agent who dialled is on the contact from the start, also when nobody answered.
    let Some(login) =
        call.agent.as_ref().filter(|_| call.joined.is_some() || call.direction == Direction::Outbound)
    else {
        return Value::Null;
    };
    let between = |from: Option<Timestamp>, to: Option<Timestamp>| match (from, to) {
        (Some(from), Some(to)) => to.as_millisecond() - from.as_millisecond(),
        _ => 0,
    };
    let (wrap_begin, wrap_end) = call.wrap_up;
    let held = call.holds.total_ms;
    let talked = between(call.joined, call.ended) - held;
    json!({
        "ARN": instance.agent_arn(login),
        "AfterContactWorkDuration": whole_seconds(between(wrap_begin, wrap_end)),
        "AfterContactWorkEndTimestamp": wrap_end.map(seconds),
        "AfterContactWorkStartTimestamp": wrap_begin.map(seconds),
        "AgentInitiatedHoldDuration": whole_seconds(held),
        "AgentInteractionDuration": whole_seconds(talked.max(0)),
        "ConnectedToAgentTimestamp": call.joined.map(seconds),
        "CustomerHoldDuration": whole_seconds(held),
        "HierarchyGroups": null,
        "LongestHoldDuration": whole_seconds(call.holds.longest_ms),
        "NumberOfHolds": call.holds.count,
        "RoutingProfile": {
            "ARN": instance.child("routing-profile", &instance.routing_profile.id),
            "Name": instance.routing_profile.name,
        },
        "Username": login,
    })
}

fn queue(instance: &Instance, call: &Call) -> Value {
    let (Some(queue), Some(queued)) = (&call.queue, call.queued) else { return Value::Null };
    let left = call.dequeued.or(call.ended);
    json!({
        "ARN": instance.child("queue", &queue.id),
        "DequeueTimestamp": left.map(seconds),
        "Duration": left.map(|left| whole_seconds(left.as_millisecond() - queued.as_millisecond())),
        "EnqueueTimestamp": seconds(queued),
        "Name": queue.name,
    })
}
