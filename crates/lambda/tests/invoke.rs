//! One invocation as text, and one process under many.
#![allow(clippy::unwrap_used)]

#[path = "../../connectors/salesforce/tests/stand_in/mod.rs"]
mod stand_in;

use std::sync::Arc;

use serde_json::{Value, json};
use stand_in::{Reply, Seen, StandIn};
use tieline_core::FixedClock;
use tieline_lambda::{Environment, Functions, run_invoke};

fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock("2024-02-28T23:30:15Z".parse().unwrap()))
}

async fn secrets_manager(token: &'static str) -> StandIn {
    StandIn::start(move |_| {
        let secret = json!({"Password": "pw", "AccessToken": "tok", "ConsumerKey": "ck", "ConsumerSecret": "cs",
                            "AuthToken": token});
        Reply::Json(200, json!({"ARN": "arn", "Name": "sf", "SecretString": secret.to_string()}))
    })
    .await
}

fn environment(salesforce: &StandIn, aws: &StandIn) -> Environment {
    [
        ("SF_HOST", salesforce.url().as_str()),
        ("SF_VERSION", "v62.0"),
        ("SF_USERNAME", "api@example.com"),
        ("SF_PRODUCTION", "false"),
        ("SF_ADAPTER_NAMESPACE", "-"),
        ("SF_CREDENTIALS_SECRETS_MANAGER_ARN", "sf"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws.url().as_str()),
        ("AWS_ACCESS_KEY_ID", "dummy"),
        ("AWS_SECRET_ACCESS_KEY", "dummy"),
    ]
    .into_iter()
    .collect()
}

/// Takes `T1` only; one row for every query.
fn org(request: &Seen) -> Reply {
    if request.is_token_request() {
        Reply::Json(200, json!({"access_token": "T1"}))
    } else if request.authorization() == Some("Bearer T1") {
        Reply::Json(
            200,
            json!({"totalSize": 1, "done": true, "records": [{"attributes": {}, "Id": "003", "N__c": 1}]}),
        )
    } else {
        Reply::Json(401, json!([{"errorCode": "INVALID_SESSION_ID", "message": "expired"}]))
    }
}

fn lookup(name: &str) -> Value {
    json!({"Details": {"Parameters": {"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id, N__c",
                                      "LastName": name}}})
}

#[tokio::test]
async fn an_answer_is_one_line_of_json_in_the_manner_of_its_name() {
    let (salesforce, aws) = (StandIn::start(org).await, secrets_manager("T1").await);
    let run = |function: &'static str| {
        let environment = environment(&salesforce, &aws);
        async move { run_invoke(function, lookup("a\nb").to_string().as_bytes(), environment, clock()).await }
    };
    assert_eq!(run("dip").await, (r#"{"Id":"003","N__c":"1","sf_count":"1"}"#.into(), 0));
    assert_eq!(run("sfInvokeAPI.lambda_handler").await, (r#"{"Id":"003","N__c":1,"sf_count":1}"#.into(), 0));
}

#[tokio::test]
async fn a_failure_is_one_line_with_its_type_and_text() {
    let (salesforce, aws) = (StandIn::start(org).await, secrets_manager("T1").await);
    let run = |function: &'static str, event: &'static str| {
        let environment = environment(&salesforce, &aws);
        async move {
            let (line, code) = run_invoke(function, event.as_bytes(), environment, clock()).await;
            assert_eq!(code, 1);
            assert!(!line.contains('\n'));
            let failure: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(failure.as_object().unwrap().len(), 2);
            (
                failure["errorType"].as_str().unwrap().to_owned(),
                failure["errorMessage"].as_str().unwrap().to_owned(),
            )
        }
    };
    assert_eq!(run("dip", "{").await.0, "lambda.malformed_event");
    assert_eq!(run("dip", "{}").await.0, "dip.malformed_event");
    assert_eq!(
        run("dip", r#"{"Details":{"Parameters":{"sf_operation":"Lookup"}}}"#).await.0,
        "dip.unknown_operation"
    );
    assert_eq!(
        run("sfInvokeAPI.lambda_handler", r#"{"Details":{"Parameters":{"sf_operation":"Lookup"}}}"#).await,
        ("Exception".into(), "sf_operation unknown".into())
    );
    assert_eq!(run("nonsense", "{}").await.0, "lambda.unknown_function");
    assert!(
        salesforce.seen().is_empty() && aws.seen().is_empty(),
        "nothing was asked for what cannot be answered"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_invocations_of_one_process_read_the_secret_once_and_sign_in_once() {
    let (salesforce, aws) = (StandIn::start(org).await, secrets_manager("expired").await);
    let functions = Arc::new(Functions::new(environment(&salesforce, &aws), clock()));
    let tasks: Vec<_> = (0..30)
        .map(|n| {
            let functions = Arc::clone(&functions);
            tokio::spawn(async move { functions.invoke("dip", &lookup(&n.to_string())).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap()["Id"], "003");
    }
    assert_eq!(aws.seen().len(), 1);
    assert_eq!(salesforce.seen().iter().filter(|request| request.is_token_request()).count(), 1);
    for request in salesforce.seen() {
        for secret in ["pwtok", "cs", "expired", "T1"] {
            assert!(!request.target.contains(secret), "{}", request.target);
        }
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_says_why_and_not_what() {
    let salesforce = StandIn::start(org).await;
    let denied =
        StandIn::start(|_| Reply::Json(400, json!({"__type": "AccessDeniedException", "message": "no"})))
            .await;
    let functions = Functions::new(environment(&salesforce, &denied), clock());
    let error = functions.invoke("sfInvokeAPI.lambda_handler", &lookup("x")).await.unwrap_err();
    assert!(error.error_message.contains("AccessDeniedException"), "{error}");
    assert_eq!(functions.invoke("dip", &lookup("x")).await.unwrap_err().error_type, "dip.crm_unauthorized");
    let half =
        StandIn::start(|_| Reply::Json(200, json!({"SecretString": "{\"ConsumerKey\": \"ck\"}"}))).await;
    let functions = Functions::new(environment(&salesforce, &half), clock());
    let error = functions.invoke("sfInvokeAPI.lambda_handler", &lookup("x")).await.unwrap_err();
    assert_eq!(error.error_message, "the secret has no `Password`");
    assert!(salesforce.seen().is_empty());
}
