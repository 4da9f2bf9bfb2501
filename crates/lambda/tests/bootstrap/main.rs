//! The program `bootstrap` under a stand-in for the Runtime API of AWS Lambda.
#![allow(clippy::unwrap_used)]

mod package;
mod program;
mod runtime_api;
#[path = "../../../connectors/salesforce/tests/stand_in/mod.rs"]
mod stand_in;

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use program::{Program, variables};
use runtime_api::RuntimeApi;
use serde_json::{Value, json};
use stand_in::{Reply, Seen, StandIn};

/// Somebody's number, which no log may hold.
const NUMBER: &str = "+442079460143";

struct World {
    api: RuntimeApi,
    salesforce: StandIn,
    aws: StandIn,
}

impl World {
    async fn new(salesforce: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let aws = StandIn::start(|_| {
            let secret = json!({"Password": "pw", "AccessToken": "tok", "ConsumerKey": "ck",
                                "ConsumerSecret": "cs", "AuthToken": "T1"});
            Reply::Json(200, json!({"ARN": "sf", "Name": "sf", "SecretString": secret.to_string()}))
        })
        .await;
        Self { api: RuntimeApi::start().await, salesforce: StandIn::start(salesforce).await, aws }
    }

    fn start(&self, handler: &str, further: &[(&str, &str)]) -> Program {
        let variables = variables(&self.salesforce, &self.aws);
        let mut variables: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        variables.extend(further);
        Program::start(self.api.addr, handler, &variables)
    }
}

fn one_contact(_: &Seen) -> Reply {
    Reply::Json(
        200,
        json!({"totalSize": 1, "done": true, "records": [{"attributes": {}, "Id": "003", "N__c": 1}]}),
    )
}

fn lookup(more: &Value) -> Value {
    let mut parameters = json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id, N__c",
                                "LastName": "Keller"});
    parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"Name": "ContactFlowEvent", "Details": {"Parameters": parameters,
           "ContactData": {"ContactId": "c-1", "CustomerEndpoint": {"Address": NUMBER}}}})
}

#[tokio::test]
async fn events_are_answered_one_after_the_other_and_the_secret_is_read_once() {
    let world = World::new(one_contact).await;
    let _program = world.start("dip", &[]);
    for name in ["Keller", "O'Neil", "Jones"] {
        let said = world.api.invoke(lookup(&json!({"LastName": name}))).await;
        assert!(said.path.starts_with("invocation/8476a536-"), "{}", said.path);
        assert!(said.path.ends_with("/response"), "{said:?}");
        assert_eq!(said.body, json!({"Id": "003", "N__c": "1", "sf_count": "1"}));
    }
    assert_eq!(world.aws.seen().len(), 1);
    assert_eq!(world.salesforce.seen().len(), 3);
}

#[tokio::test]
async fn the_handler_of_the_configuration_is_the_function() {
    let world = World::new(one_contact).await;
    let _program = world.start("sfInvokeAPI.lambda_handler", &[]);
    let said = world.api.invoke(lookup(&json!({}))).await;
    assert_eq!(said.body, json!({"Id": "003", "N__c": 1, "sf_count": 1}));
}

#[tokio::test]
async fn a_failure_has_a_type_and_a_text_and_the_next_event_is_answered() {
    let world = World::new(one_contact).await;
    let mut program = world.start("dip", &[]);
    let said = world.api.invoke(json!({"Details": {"Parameters": {"sf_operation": "Lookup"}}})).await;
    assert!(said.path.ends_with("/error"), "{said:?}");
    assert_eq!(said.body["errorType"], "dip.unknown_operation");
    assert!(!said.body["errorMessage"].as_str().unwrap().is_empty());
    assert!(said.headers.contains_key("lambda-runtime-function-error-type"), "{said:?}");

    // The platform lets no such event through; a stand-in might.
    let said = world.api.invoke("{\"Details\":").await;
    assert!(said.path.ends_with("/error"), "{said:?}");
    // Deeper than any contact flow.
    let said = world.api.invoke("[".repeat(10_000) + &"]".repeat(10_000)).await;
    assert_eq!(said.body["errorType"], "lambda.malformed_event");

    assert!(world.api.invoke(lookup(&json!({}))).await.path.ends_with("/response"));
    assert!(program.runs());
}

#[tokio::test]
async fn an_event_may_have_six_megabytes() {
    let world = World::new(one_contact).await;
    let mut program = world.start("dip", &[]);
    let mut event = lookup(&json!({}));
    event["Details"]["ContactData"]["Attributes"] = json!({"text": "ü".repeat(3 << 20)});
    assert!(event.to_string().len() > 6 << 20);
    let said = world.api.invoke(event).await;
    assert_eq!(said.body["Id"], "003");
    // Too large for the platform's front door, so that only a test can bring it.
    let said = world.api.invoke(lookup(&json!({"LastName": "x".repeat(10 << 20)}))).await;
    assert!(said.path.ends_with("/error"), "{}", said.path);
    assert!(program.runs());
}

#[tokio::test]
async fn a_dip_out_of_time_answers_before_the_platform_ends_the_process() {
    let world =
        World::new(
            |request| {
                if request.soql().contains("Slow") { Reply::Drip("{") } else { one_contact(request) }
            },
        )
        .await;
    let mut program = world.start("dip", &[]);
    // Connections and the secret are there.
    world.api.invoke(lookup(&json!({}))).await;
    let started = Instant::now();
    let said = world.api.invoke_within(Duration::from_secs(1), lookup(&json!({"LastName": "Slow"}))).await;
    let took = started.elapsed();
    assert_eq!(said.body["errorType"], "dip.deadline", "{said:?}");
    // The dip's own limit would be 6 s.
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(world.api.invoke(lookup(&json!({}))).await.body["Id"], "003");
    assert!(program.runs());
}

#[tokio::test]
async fn a_handler_that_is_none_is_reported_before_any_event() {
    let world = World::new(one_contact).await;
    let program = world.start("nonsense.handler", &[]);
    let said = world.api.said().await;
    assert_eq!(said.path, "init/error");
    assert_eq!(said.body["errorType"], "lambda.unknown_function");
    assert_eq!(said.headers["lambda-runtime-function-error-type"], "lambda.unknown_function");
    let (code, wrote) = program.ended().await;
    assert_eq!(code, Some(1), "{wrote}");
    assert!(wrote.contains("lambda.unknown_function"), "{wrote}");
}

#[tokio::test]
async fn without_the_platform_s_variables_it_says_what_it_is() {
    let program = Program::start_from(
        env!("CARGO_BIN_EXE_bootstrap").as_ref(),
        "127.0.0.1:1",
        "dip",
        &[("AWS_LAMBDA_RUNTIME_API", "")],
    );
    let (code, wrote) = program.ended().await;
    assert_eq!(code, Some(1));
    assert!(wrote.contains("tieline lambda invoke"), "{wrote}");
}

#[tokio::test]
async fn the_log_is_lines_of_json_without_anybody_s_data() {
    let world = World::new(|request| {
        if request.soql().contains("Refused") {
            let message = format!("no such column as {NUMBER}");
            return Reply::Json(400, json!([{"errorCode": "INVALID_FIELD", "message": message}]));
        }
        one_contact(request)
    })
    .await;
    let program = world.start("dip", &[("LOGGING_LEVEL", "DEBUG")]);
    world.api.invoke(lookup(&json!({"LastName": "Keller", "Phone": NUMBER}))).await;
    world.api.invoke(lookup(&json!({"LastName": "Refused"}))).await;
    let (code, wrote) = program.terminated().await;
    assert_eq!(code, Some(0), "SIGTERM is a good end: {wrote}");
    let lines: Vec<Value> = wrote.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |message: &str| lines.iter().find(|line| line["message"] == message).unwrap();
    assert_eq!(of("Answered")["function"], "dip");
    assert!(of("Answered")["duration_ms"].is_u64());
    assert_eq!(of("Failed")["error.kind"], "dip.crm_rejected");
    assert!(of("Failed")["request_id"].as_str().unwrap().starts_with("8476a536"));
    for secret in [NUMBER, "2079460143", "Keller", "Refused", "pwtok", "Bearer", "SELECT"] {
        assert!(!wrote.contains(secret), "{secret} in {wrote}");
    }
}

#[tokio::test]
async fn the_level_of_the_log_is_the_reference_s_variable() {
    let world = World::new(one_contact).await;
    let program = world.start("dip", &[("LOGGING_LEVEL", "ERROR")]);
    world.api.invoke(lookup(&json!({}))).await;
    assert_eq!(program.terminated().await, (Some(0), String::new()));
}

/// What a stream is told decides which records come again, so the platform must get it as it is.
#[tokio::test]
async fn a_batch_with_poison_in_the_middle_names_it_and_writes_the_others() {
    let world = World::new(|request| {
        if request.path.ends_with("/describe") {
            return Reply::Json(200, json!({"fields": [{"name": "ContactId__c", "externalId": true}]}));
        }
        let rows = request.json()["records"].as_array().unwrap().len();
        let row = json!({"id": "a00000000000001AAA", "success": true, "created": true, "errors": []});
        Reply::Json(200, json!(vec![row; rows]))
    })
    .await;
    let mut program = world.start("contact-records", &[("POSTCALL_CTR_IMPORT_ENABLED", "true")]);
    let batch = |poison: bool| {
        let records: Vec<Value> = (0..5)
            .map(|n| {
                let data = match n {
                    2 if poison => "{\"ContactId\":".to_owned(),
                    n => json!({"ContactId": format!("c-{n}"), "Channel": "VOICE",
                                "Attributes": {"postcallCTRImportEnabled": "true"}})
                    .to_string(),
                };
                json!({"eventSource": "aws:kinesis",
                       "kinesis": {"sequenceNumber": format!("s{n}"), "data": STANDARD.encode(data)}})
            })
            .collect();
        json!({ "Records": records })
    };
    let said = world.api.invoke(batch(true)).await;
    assert!(said.path.ends_with("/response"), "{said:?}");
    assert_eq!(said.body, json!({"batchItemFailures": [{"itemIdentifier": "s2"}]}));
    let writes = |from: usize| -> Vec<String> {
        let calls = world.salesforce.seen().split_off(from);
        let rows = calls.iter().filter(|call| call.path.contains("/composite/"));
        rows.flat_map(|call| call.json()["records"].as_array().unwrap().clone())
            .map(|row| row["ContactId__c"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(writes(0), ["c-0", "c-1", "c-3", "c-4"]);

    let before = world.salesforce.seen().len();
    let said = world.api.invoke(batch(false)).await;
    assert_eq!(said.body, json!({"batchItemFailures": []}));
    assert_eq!(writes(before).len(), 5);
    assert!(program.runs());
}
