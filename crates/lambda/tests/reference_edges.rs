//! What the reference functions do beside what was recorded of them, asked of ours by their names.
#![allow(clippy::unwrap_used)]

mod recorded;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use recorded::aws::Aws;
use recorded::stand_in::{Reply, Seen, StandIn};
use serde_json::{Value, json};
use tieline_core::FixedClock;
use tieline_lambda::{Environment, Functions};

struct World {
    org: StandIn,
    aws: Aws,
}

impl World {
    async fn new(mut aws: Value, org: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        if aws.get("secret").is_none() {
            aws["secret"] = json!({"Password": "p", "AccessToken": "t", "ConsumerKey": "k",
                "ConsumerSecret": "s", "AuthToken": "T0"});
        }
        Self { org: StandIn::start(org).await, aws: Aws::start(&aws).await }
    }

    /// The answer, or type and text of the error.
    async fn ask(&self, function: &str, event: Value) -> Result<Value, (String, String)> {
        self.ask_with(function, event, &[]).await
    }

    async fn ask_with(
        &self,
        function: &str,
        event: Value,
        further: &[(&str, &str)],
    ) -> Result<Value, (String, String)> {
        let mut variables = self.aws.variables(true);
        for (name, value) in [
            ("SF_HOST", self.org.url().as_str().trim_end_matches('/')),
            ("SF_VERSION", "v62.0"),
            ("SF_USERNAME", "api@example.com"),
            ("SF_PRODUCTION", "false"),
            ("SF_ADAPTER_NAMESPACE", "-"),
            ("SF_CREDENTIALS_SECRETS_MANAGER_ARN", "sf"),
            // All that another runtime than AWS's may set.
            ("AWS_DEFAULT_REGION", "eu-west-3"),
        ] {
            variables.push((name.into(), value.into()));
        }
        variables.extend(further.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let environment: Environment = variables.into_iter().collect();
        let clock = Arc::new(FixedClock("2026-05-04T08:00:00Z".parse().unwrap()));
        let answer = Functions::new(environment, clock).invoke(function, &event).await;
        answer.map_err(|error| (error.error_type, error.error_message))
    }

    fn asked(&self) -> Vec<String> {
        self.org.seen().iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect()
    }
}

fn created(request: &Seen) -> Reply {
    if request.method == "GET" {
        let names = ["Region__c", "AC_Object_Name__c", "StartInterval__c", "Created_Date__c", "Occupancy__c"];
        let fields: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        Reply::Json(200, json!({ "fields": fields }))
    } else {
        Reply::Json(201, json!({"id": "00T000000000001AAA", "success": true, "errors": []}))
    }
}

fn dip(parameters: &Value) -> Value {
    json!({"Details": {"Parameters": parameters}})
}

fn handed_on(document: &Value) -> Value {
    json!({"async": true, "record": STANDARD.encode(document.to_string())})
}

const DIP: &str = "sfInvokeAPI.lambda_handler";
const RECORD: &str = "sfContactTraceRecord.lambda_handler";

#[tokio::test]
async fn without_a_token_the_first_request_earns_the_refusal_that_brings_one() {
    let org = |request: &Seen| {
        if request.is_token_request() {
            Reply::Json(200, json!({"access_token": "T7"}))
        } else if request.authorization() == Some("Bearer T7") {
            created(request)
        } else {
            Reply::Json(401, json!([{"errorCode": "INVALID_SESSION_ID", "message": "none"}]))
        }
    };
    let bare = json!({"Password": "p", "AccessToken": "t", "ConsumerKey": "k", "ConsumerSecret": "s"});
    let mut empty = bare.clone();
    empty["AuthToken"] = "".into();
    let event = dip(&json!({"sf_operation": "create", "sf_object": "Task", "Subject": "Ring"}));
    for secret in [bare, empty] {
        let world = World::new(json!({ "secret": secret }), org).await;
        assert_eq!(world.ask(DIP, event.clone()).await, Ok(json!({"Id": "00T000000000001AAA"})));
        let create = "POST /services/data/v62.0/sobjects/Task";
        assert_eq!(world.asked(), [create, "POST /services/oauth2/token", create]);
        assert_eq!(world.org.seen()[0].authorization().map(str::trim_end), Some("Bearer"));
        // By our own name nothing is asked that must be refused.
        let world = World::new(json!({ "secret": secret }), org).await;
        world.ask("dip", event.clone()).await.unwrap();
        assert_eq!(world.asked(), ["POST /services/oauth2/token", create]);
    }
}

#[tokio::test]
async fn what_the_org_says_is_told_as_the_reference_tells_it() {
    let record = json!({"ContactId": "c-9", "Attributes": {"postcallCTRImportEnabled": "true"}});
    let create = dip(&json!({"sf_operation": "create", "sf_object": "Task", "Subject": "Ring"}));
    for (status, body, expected) in [
        (
            500,
            json!([{"errorCode": "UNKNOWN_EXCEPTION", "message": "it broke"}]),
            "UNKNOWN_EXCEPTION: it broke",
        ),
        (503, json!([{"errorCode": "SERVER_UNAVAILABLE", "message": "busy"}]), "SERVER_UNAVAILABLE: busy"),
        (
            403,
            json!([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "spent"}]),
            "REQUEST_LIMIT_EXCEEDED: spent",
        ),
        (500, json!({}), "request returned status code: 500"),
        (404, json!([{"errorCode": "NOT_FOUND", "message": "nowhere"}]), "NOT_FOUND: nowhere"),
    ] {
        for (function, event) in [(DIP, &create), (RECORD, &handed_on(&record))] {
            let reply = body.clone();
            let world = World::new(json!({}), move |_| Reply::Json(status, reply.clone())).await;
            let error = world.ask(function, event.clone()).await.unwrap_err();
            assert_eq!(error, ("Exception".into(), expected.into()), "{function} {status}");
        }
    }
    // A field that the org does not name cannot be left out, so nothing is tried again.
    let world = World::new(json!({}), |request| match request.method.as_str() {
        "GET" => created(request),
        _ => Reply::Json(400, json!([{"errorCode": "INVALID_FIELD", "message": "some field"}])),
    })
    .await;
    let error = world.ask(RECORD, handed_on(&record)).await.unwrap_err();
    assert_eq!(error.1, "INVALID_FIELD: some field");
    assert_eq!(world.asked().len(), 2);
    // Of several, the first with a message.
    let several =
        json!([{"errorCode": "A"}, {"errorCode": "B", "message": "b"}, {"errorCode": "C", "message": "c"}]);
    let world = World::new(json!({}), move |_| Reply::Json(400, several.clone())).await;
    assert_eq!(world.ask(DIP, create.clone()).await.unwrap_err().1, "B: b");
    for (function, event) in [(DIP, create), (RECORD, handed_on(&record))] {
        let world = World::new(json!({}), |request| {
            if request.is_token_request() {
                Reply::Json(200, json!({"access_token": "T7"}))
            } else {
                Reply::Json(401, json!([]))
            }
        })
        .await;
        let error = world.ask(function, event).await.unwrap_err();
        assert_eq!(error, ("InvalidAuthTokenException".into(), String::new()), "{function}");
    }
}

#[tokio::test]
async fn a_document_that_is_no_contact_s_is_nothing_to_do_until_it_asks_to_be_imported() {
    let world = World::new(json!({}), created).await;
    for document in [json!({}), json!([]), json!({"Attributes": {"postcallCTRImportEnabled": "false"}})] {
        assert_eq!(world.ask(RECORD, handed_on(&document)).await, Ok("Done".into()), "{document}");
    }
    assert!(world.asked().is_empty());
    let asking = json!({"Attributes": {"postcallCTRImportEnabled": "true"}});
    assert!(world.ask(RECORD, handed_on(&asking)).await.is_err());
    // The region is the runtime's, whichever variable says it.
    let whole = json!({"ContactId": "c-9", "Attributes": {"postcallCTRImportEnabled": "true"}});
    assert_eq!(world.ask(RECORD, handed_on(&whole)).await, Ok("Done".into()));
    assert_eq!(world.org.seen().last().unwrap().json()["Region__c"], "eu-west-3");
}

#[tokio::test]
async fn what_else_is_on_the_stream_is_nothing_to_do_for_the_trigger_either() {
    let world = World::new(json!({}), created).await;
    let trigger = async |documents: &[Value]| {
        let records: Vec<Value> = documents
            .iter()
            .enumerate()
            .map(|(n, document)| {
                json!({"kinesis": {"sequenceNumber": format!("s{n}"), "data": STANDARD.encode(document.to_string())}})
            })
            .collect();
        let switches = [("POSTCALL_CTR_IMPORT_ENABLED", "True"), ("POSTCALL_TRANSCRIBE_ENABLED", "true")];
        world.ask_with("sfCTRTrigger.lambda_handler", json!({ "Records": records }), &switches).await
    };
    let refusing = json!({"Attributes": {"postcallCTRImportEnabled": "false"}});
    let others = [json!({}), json!([]), json!("x"), json!({"queue": "Billing"}), refusing];
    assert_eq!(trigger(&others).await, Ok(Value::Null));
    assert!(world.asked().is_empty());
    let asking = json!({"Attributes": {"postcallCTRImportEnabled": "true"}});
    assert_eq!(
        trigger(&[json!({}), asking]).await,
        Ok(json!({"batchItemFailures": [{"itemIdentifier": "s1"}]}))
    );
}

#[tokio::test]
async fn a_report_s_columns_do_not_replace_what_is_known_of_it() {
    let file = "Agent,StartInterval,Created Date,REGION,Occupancy\nkim,T4,yesterday,elsewhere,%\n";
    // A success is one even when the org says no more than the id.
    let org = |request: &Seen| match request.method.as_str() {
        "GET" => created(request),
        _ => Reply::Json(201, json!({"id": "a01000000000001AAA"})),
    };
    let world = World::new(json!({"s3": {"rep/x.csv": {"text": file}}}), org).await;
    let event = json!({"Records": [{"eventTime": "2026-05-04T07:30:00.000Z",
        "s3": {"bucket": {"name": "rep"}, "object": {"key": "x.csv"}}}]});
    assert_eq!(world.ask("sfIntervalAgent.lambda_handler", event).await, Ok(Value::Null));
    let sent = world.org.seen().pop().unwrap();
    assert!(sent.path.ends_with("/AC_Record_Id__c/kimT4eu-west-3"), "{}", sent.path);
    assert_eq!(
        sent.json(),
        json!({"AC_Object_Name__c": "kim", "StartInterval__c": "T4", "Occupancy__c": "",
               "Created_Date__c": "2026-05-04T07:30:00.000Z", "Region__c": "eu-west-3"})
    );
}

#[tokio::test]
async fn a_refusal_of_aws_is_told_in_the_words_of_the_reference_s_sdk() {
    let refusal = json!([{"$error": "BadRequestException", "$message": "no such bucket"}]);
    let world = World::new(
        json!({"responses": {"transcribe.start_transcription_job": refusal, "transcribe.get_transcription_job": refusal}}),
        created,
    )
    .await;
    let job = json!({"jobName": "c-9_1", "mediaFormat": "wav", "fileUri": "https://s3.amazonaws.com/b/x.wav",
        "languageCode": "de-DE", "transcriptDestination": "b", "outputEncryptionKMSKeyId": "", "settings": {}});
    for (function, event, operation) in [
        ("sfSubmitTranscribeJob.lambda_handler", job, "start_transcription_job"),
        (
            "sfGetTranscribeJobStatus.lambda_handler",
            json!({"TranscriptionJobName": "c-9_1"}),
            "get_transcription_job",
        ),
    ] {
        let text = format!(
            "An error occurred (BadRequestException) when calling the {operation} operation: no such bucket"
        );
        assert_eq!(world.ask(function, event).await.unwrap_err(), ("ClientError".into(), text));
    }
}
