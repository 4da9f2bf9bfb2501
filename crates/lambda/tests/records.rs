//! Contact records through the function, against a scripted org or a scripted server.
#![allow(clippy::unwrap_used)]

#[path = "../../connectors/salesforce/tests/stand_in/mod.rs"]
mod stand_in;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use stand_in::{Reply, Seen, StandIn};
use tieline_core::FixedClock;
use tieline_lambda::{Environment, Functions, LambdaError};

const OBJECT: &str = "amazonconnect__AC_ContactTraceRecord__c";

fn record(contact: &str, updated: &str) -> Value {
    json!({"ContactId": contact, "Channel": "VOICE", "LastUpdateTimestamp": updated,
           "Attributes": {"postcallCTRImportEnabled": "true"}})
}

fn kinesis(data: &[String]) -> Value {
    let records: Vec<Value> = data
        .iter()
        .enumerate()
        .map(|(n, data)| json!({"eventSource": "aws:kinesis", "kinesis": {"sequenceNumber": format!("s{n}"), "data": STANDARD.encode(data)}}))
        .collect();
    json!({ "Records": records })
}

fn batch_of(records: &[Value]) -> Value {
    kinesis(&records.iter().map(Value::to_string).collect::<Vec<_>>())
}

/// Takes everything but rows whose contact is in `refused`.
async fn org(refused: &'static [&'static str]) -> StandIn {
    StandIn::start(move |request| {
        if request.path.ends_with("/describe") {
            return Reply::Json(200, json!({"fields": [
                {"name": "amazonconnect__ContactId__c", "externalId": true},
                {"name": "amazonconnect__Region__c", "externalId": false}]}));
        }
        if request.path.contains("/composite/") {
            let results: Vec<Value> = rows(request)
                .iter()
                .map(|row| {
                    let contact = row["amazonconnect__ContactId__c"].as_str().unwrap();
                    if refused.contains(&contact) {
                        json!({"success": false, "errors": [{"statusCode": "STRING_TOO_LONG", "message": "Jane Doe: too long", "fields": []}]})
                    } else {
                        json!({"id": "a00000000000001AAA", "success": true, "created": true, "errors": []})
                    }
                })
                .collect();
            return Reply::Json(200, json!(results));
        }
        Reply::Json(200, json!({"id": "a00000000000001AAA", "success": true, "created": false, "errors": []}))
    })
    .await
}

fn rows(request: &Seen) -> Vec<Value> {
    request.json()["records"].as_array().unwrap().clone()
}

struct World {
    org: StandIn,
    aws: StandIn,
    variables: Vec<(String, String)>,
}

impl World {
    async fn new(org: StandIn) -> Self {
        let aws = StandIn::start(|_| {
            let secret = json!({"Password": "pw", "AccessToken": "tok", "ConsumerKey": "ck", "ConsumerSecret": "cs",
                "AuthToken": "T1", "TielineDeliveryKey": "k3y"});
            Reply::Json(200, json!({"ARN": "arn", "Name": "sf", "SecretString": secret.to_string()}))
        })
        .await;
        let (org_url, aws_url) = (org.url(), aws.url());
        let variables = [
            ("SF_HOST", org_url.as_str()),
            ("SF_VERSION", "v62.0"),
            ("SF_USERNAME", "api@example.com"),
            ("SF_ADAPTER_NAMESPACE", "amazonconnect"),
            ("SF_CREDENTIALS_SECRETS_MANAGER_ARN", "sf"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws_url.as_str()),
            ("AWS_ACCESS_KEY_ID", "dummy"),
            ("AWS_SECRET_ACCESS_KEY", "dummy"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { org, aws, variables }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    async fn run(&self, function: &str, event: &Value) -> Result<Value, LambdaError> {
        let environment: Environment = self.variables.clone().into_iter().collect();
        let clock = Arc::new(FixedClock("2026-11-21T12:00:00Z".parse().unwrap()));
        Functions::new(environment, clock).invoke(function, event).await
    }
}

fn failures(answer: &Value) -> Vec<&str> {
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_thousand_records_are_one_description_and_five_calls() {
    let world = World::new(org(&[]).await).await;
    let records: Vec<Value> = (0..1000).map(|n| record(&format!("c-{n}"), "2026-03-17T09:22:04Z")).collect();
    let answer = world.run("contact-records", &batch_of(&records)).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let calls = world.org.seen();
    assert_eq!(calls.len(), 6);
    assert_eq!(calls[0].path, format!("/services/data/v62.0/sobjects/{OBJECT}/describe"));
    assert_eq!(
        calls[1].path,
        format!("/services/data/v62.0/composite/sobjects/{OBJECT}/amazonconnect__ContactId__c")
    );
    assert_eq!(calls[1..].iter().map(|call| rows(call).len()).sum::<usize>(), 1000);
    let row = &rows(&calls[1])[0];
    assert_eq!(row["amazonconnect__Channel__c"], "VOICE");
    assert_eq!(row["amazonconnect__Region__c"], "eu-central-1");
    assert_eq!(row["amazonconnect__QueueName__c"], Value::Null);
}

#[tokio::test]
async fn poison_in_the_middle_is_told_and_the_others_are_written() {
    let world = World::new(org(&["c-5"]).await).await;
    let agent = json!({"AgentARN": "arn", "EventType": "HEART_BEAT"}).to_string();
    let data: Vec<String> = (0..8)
        .map(|n| match n {
            3 => "{\"ContactId\":".to_owned(),
            4 => agent.clone(),
            n => record(&format!("c-{n}"), "2026-03-17T09:22:04Z").to_string(),
        })
        .collect();
    let answer = world.run("contact-records", &kinesis(&data)).await.unwrap();
    assert_eq!(failures(&answer), ["s3", "s5"], "unreadable, and refused by the org");
    let sent: Vec<Value> = world.org.seen()[1..].iter().flat_map(rows).collect();
    let contacts: Vec<&str> =
        sent.iter().map(|row| row["amazonconnect__ContactId__c"].as_str().unwrap()).collect();
    assert_eq!(contacts, ["c-0", "c-1", "c-2", "c-5", "c-6", "c-7"]);

    let legacy = world.with("POSTCALL_CTR_IMPORT_ENABLED", "true");
    let answer = legacy.run("sfCTRTrigger.lambda_handler", &kinesis(&data)).await.unwrap();
    assert_eq!(failures(&answer), ["s3", "s5"]);
    let answer = legacy.run("sfCTRTrigger.lambda_handler", &kinesis(&data[..3])).await.unwrap();
    assert_eq!(answer, Value::Null);
}

#[tokio::test]
async fn only_the_newest_version_within_a_batch_is_written() {
    let world = World::new(org(&[]).await).await;
    let mut newest = record("c-1", "2026-03-17T09:22:06Z");
    newest["Channel"] = "CHAT".into();
    let records = [record("c-1", "2026-03-17T09:22:04Z"), newest, record("c-1", "2026-03-17T09:22:05Z")];
    world.run("contact-records", &batch_of(&records)).await.unwrap();
    let calls = world.org.seen();
    assert_eq!(calls.len(), 2);
    assert_eq!(
        calls[1].path,
        format!("/services/data/v62.0/sobjects/{OBJECT}/amazonconnect__ContactId__c/c-1")
    );
    assert_eq!(calls[1].json()["amazonconnect__Channel__c"], "CHAT");
}

#[tokio::test]
async fn an_org_that_is_down_fails_the_invocation_or_the_rows_it_did_not_take() {
    let world = World::new(StandIn::start(|_| Reply::Text(503, "text/html", "<html>".into())).await).await;
    let records = [record("c-1", "2026-03-17T09:22:04Z"), record("c-2", "2026-03-17T09:22:04Z")];
    let error = world.run("contact-records", &batch_of(&records)).await.unwrap_err();
    assert_eq!(error.error_type, "dip.crm_unavailable");
    let legacy = world.with("POSTCALL_CTR_IMPORT_ENABLED", "true");
    let error = legacy.run("sfCTRTrigger.lambda_handler", &batch_of(&records)).await.unwrap_err();
    assert_eq!(error.to_string(), "Exception: request returned status code: 503");

    let first = std::sync::atomic::AtomicBool::new(true);
    let org = StandIn::start(move |request| {
        if request.path.ends_with("/describe") {
            return Reply::Json(
                200,
                json!({"fields": [{"name": "amazonconnect__ContactId__c", "externalId": true}]}),
            );
        }
        if !first.swap(false, std::sync::atomic::Ordering::SeqCst) {
            return Reply::Text(503, "text/html", String::new());
        }
        let saved = json!({"id": "a00000000000001AAA", "success": true, "created": true, "errors": []});
        Reply::Json(200, rows(request).iter().map(|_| saved.clone()).collect())
    })
    .await;
    let world = World::new(org).await;
    let records: Vec<Value> = (0..203).map(|n| record(&format!("c-{n}"), "2026-03-17T09:22:04Z")).collect();
    let answer = world.run("contact-records", &batch_of(&records)).await.unwrap();
    assert_eq!(failures(&answer), ["s200", "s201", "s202"], "what was written stays done");
}

#[tokio::test]
async fn what_no_attribute_asks_for_reaches_nobody() {
    let world = World::new(org(&[]).await).await;
    let mut plain = record("c-1", "2026-03-17T09:22:04Z");
    for attributes in [json!({"postcallCTRImportEnabled": "True"}), json!({}), json!(null), json!("x")] {
        plain["Attributes"] = attributes;
        world.run("contact-records", &batch_of(std::slice::from_ref(&plain))).await.unwrap();
    }
    let off = world.with("POSTCALL_CTR_IMPORT_ENABLED", "false");
    off.run("contact-records", &batch_of(&[record("c-1", "2026-03-17T09:22:04Z")])).await.unwrap();
    assert!(off.org.seen().is_empty() && off.aws.seen().is_empty());

    let all = World::new(org(&[]).await).await.with("TIELINE_IMPORT", "all");
    all.run("contact-records", &batch_of(&[plain])).await.unwrap();
    assert_eq!(all.org.seen().len(), 2);
}

#[tokio::test]
async fn every_sender_is_answered_in_its_own_form() {
    let world = World::new(org(&[]).await).await;
    let good = record("c-1", "2026-03-17T09:22:04Z").to_string();
    let b64 = |text: &str| STANDARD.encode(text);
    let firehose = json!({"invocationId": "i", "records": [
        {"recordId": "r1", "data": b64(&good)}, {"recordId": "r2", "data": b64("nonsense")}]});
    let answer = world.run("contact-records", &firehose).await.unwrap();
    assert_eq!(answer["records"][0], json!({"recordId": "r1", "result": "Ok", "data": b64(&good)}));
    assert_eq!(answer["records"][1]["result"], "ProcessingFailed");

    let endpoint = json!({"requestId": "q", "timestamp": 1, "records": [{"data": b64(&good)}]});
    assert_eq!(
        world.run("contact-records", &endpoint).await.unwrap(),
        json!({"requestId": "q", "timestamp": 1_795_262_400_000_i64})
    );
    let queue = json!({"Records": [{"messageId": "m1", "body": good}, {"messageId": "m2", "body": "{}"}]});
    assert_eq!(failures(&world.run("contact-records", &queue).await.unwrap()), ["m2"]);
    let reference = json!({"async": true, "record": b64(&good)});
    assert_eq!(world.run("sfContactTraceRecord.lambda_handler", &reference).await.unwrap(), "Done");
    let document: Value = serde_json::from_str(&good).unwrap();
    assert_eq!(world.run("contact-records", &document).await.unwrap(), json!({"done": 1}));
    let nameless = json!({"Records": [{"kinesis": {"data": b64("nonsense")}}]});
    assert!(
        world.run("contact-records", &nameless).await.is_err(),
        "an empty name would fail the batch unsaid"
    );
    for strange in [json!({}), json!(7), json!("x"), json!({"Records": {}})] {
        assert_eq!(
            world.run("contact-records", &strange).await.unwrap_err().error_type,
            "lambda.malformed_event"
        );
    }
}

#[tokio::test]
async fn an_administrator_s_file_adds_a_field() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("contact-record.toml");
    std::fs::write(
        &file,
        "extends = \"built-in\"\n[fields]\nLanguage__c = { from = \"Attributes.language\", max = 20 }\n",
    )
    .unwrap();
    let world = World::new(org(&[]).await).await.with("TIELINE_PROFILES", folder.path().to_str().unwrap());
    let mut record = record("c-1", "2026-03-17T09:22:04Z");
    record["Attributes"]["language"] = "de".into();
    world.run("contact-records", &batch_of(std::slice::from_ref(&record))).await.unwrap();
    assert_eq!(world.org.seen()[1].json()["Language__c"], "de", "the org's own field has no namespace");

    std::fs::write(&file, "extends = \"built-in\"\n[fields]\nLanguage__c = 7\n").unwrap();
    let error = world.run("contact-records", &batch_of(&[record])).await.unwrap_err();
    assert_eq!(error.error_type, "lambda.bad_profile");
    assert!(error.error_message.contains("contact-record.toml: fields.Language__c"), "{error}");
}

#[tokio::test]
async fn what_the_org_lacks_is_told_before_a_record_is_written() {
    let org = StandIn::start(|request| {
        if !request.path.contains("AC_ContactTraceRecord__c") {
            return Reply::Json(
                404,
                json!([{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]),
            );
        }
        Reply::Json(
            200,
            json!({"fields": [
            {"name": "amazonconnect__ContactId__c", "type": "string", "externalId": true},
            {"name": "amazonconnect__Channel__c", "type": "string"},
            {"name": "amazonconnect__QueueDuration__c", "type": "boolean"}]}),
        )
    })
    .await;
    let world = World::new(org).await;
    let answer = world.run("profiles-check", &json!({})).await.unwrap();
    assert_eq!(answer["ok"], false);
    let problems: Vec<&str> = answer["contact-record"]["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem.as_str().unwrap())
        .collect();
    assert!(
        problems.contains(&"amazonconnect__QueueDuration__c: the org's field is of type boolean"),
        "{problems:?}"
    );
    assert!(problems.contains(&"amazonconnect__QueueName__c: the org has no such field"), "{problems:?}");
    assert!(!problems.iter().any(|problem| problem.contains("Channel__c") || problem.contains("Region__c")));
    assert_eq!(answer["analytics"]["problems"], json!(["NOT_FOUND: The requested resource does not exist"]));
    assert!(world.org.seen().iter().all(|request| request.method == "GET"));
}

#[tokio::test]
async fn forward_mode_hands_everything_to_the_server_and_is_done_when_it_is_stored() {
    let server = StandIn::start(|request| {
        match request.header("x-amz-firehose-access-key").or(request.header("x-tieline-key")) {
            Some("k3y") => Reply::Json(200, json!({})),
            _ => Reply::Json(401, json!({"code": "unauthorized"})),
        }
    })
    .await;
    let world = World::new(org(&[]).await)
        .await
        .with("TIELINE_URL", server.url().as_str())
        .with("TIELINE_CONNECTION", "connect");
    let data = [record("c-1", "2026-03-17T09:22:04Z").to_string(), "nonsense".to_owned()];
    let mut event = kinesis(&data);
    event["Records"].as_array_mut().unwrap().push(json!({"kinesis": {"sequenceNumber": "s2", "data": "?"}}));
    assert_eq!(failures(&world.run("contact-records", &event).await.unwrap()), ["s2"]);
    let bus =
        json!({"id": "e-1", "detail-type": "Amazon Connect Contact Event", "detail": {"contactId": "c-1"}});
    world.run("contact-records", &bus).await.unwrap();

    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].path, "/v1/connections/connect/deliveries");
    let sent = seen[0].json();
    let sent: Vec<&str> =
        sent["records"].as_array().unwrap().iter().map(|record| record["data"].as_str().unwrap()).collect();
    assert_eq!(
        sent,
        [STANDARD.encode(&data[0]), STANDARD.encode(&data[1])],
        "the server judges what can be unwrapped"
    );
    assert_eq!(seen[1].json(), bus);
    assert_eq!(seen[1].header("x-tieline-key"), Some("k3y"));
    assert!(world.org.seen().is_empty());

    let wrong = world.with("TIELINE_DELIVERY_KEY", "other");
    let error = wrong.run("contact-records", &event).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "lambda.not_forwarded: the server did not store it: unauthorized (status 401 Unauthorized)"
    );
}
