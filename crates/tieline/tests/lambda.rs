//! `tieline lambda invoke` as its callers see it: a process that is given an event and an
//! environment, and says one line.
#![allow(clippy::unwrap_used)]

#[path = "command/harness.rs"]
#[allow(dead_code, reason = "this binary starts no servers")]
mod harness;
#[path = "../../lambda/tests/recorded/mod.rs"]
mod recorded;

use harness::{Ran, run_with};
use recorded::{FUNCTION, Invocation, Outcome, compare_all};
use serde_json::json;

/// The one line of an invocation, read by the rules callers go by.
fn outcome(ran: &Ran) -> Outcome {
    assert_eq!(ran.stdout.matches('\n').count(), 1, "one line and its end: {ran:?}");
    let line = ran.json();
    match ran.code {
        0 => Ok(line),
        1 => {
            let members = line.as_object().unwrap();
            let text = |name: &str| members[name].as_str().unwrap().to_owned();
            assert_eq!(members.len(), 2, "{line}");
            Err((text("errorType"), text("errorMessage")))
        }
        other => panic!("left with {other}: {ran:?}"),
    }
}

fn invoke(function: &str, variables: &[(&str, &str)], event: &str) -> Outcome {
    outcome(&run_with(&["lambda", "invoke", function, "--event", "-"], variables, event))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recorded_exchanges_are_the_commands_as_well() {
    compare_all(async |Invocation { function, variables, event, now }| {
        let run = move || {
            let now = now.to_string();
            let arguments = ["lambda", "invoke", &function, "--event", "-", "--now", &now];
            let variables: Vec<(&str, &str)> =
                variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            outcome(&run_with(&arguments, &variables, &event.to_string()))
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    })
    .await;
}

#[test]
fn what_cannot_be_done_is_one_line_with_a_type_and_a_text() {
    let event = json!({ "Details": { "Parameters": { "sf_operation": "lookup" } } }).to_string();
    for (function, variables, event, error_type, text) in [
        ("nonsense", &[][..], event.as_str(), "lambda.unknown_function", "none of"),
        ("contact-records", &[], &event, "lambda.unknown_function", "not offered yet"),
        ("sfCTRTrigger.lambda_handler", &[], &event, "lambda.unknown_function", "not offered yet"),
        ("dip", &[], "{", "lambda.malformed_event", "no JSON"),
        ("dip", &[], "", "lambda.malformed_event", "no JSON"),
        (FUNCTION, &[], &event, "Exception", "'SF_CREDENTIALS_SECRETS_MANAGER_ARN'"),
        ("dip", &[("SF_CREDENTIALS_SECRETS_MANAGER_ARN", "sf")], &event, "Exception", "'SF_VERSION'"),
    ] {
        let (answered, said) = invoke(function, variables, event).unwrap_err();
        assert_eq!(answered, error_type, "{function}: {said}");
        assert!(said.contains(text), "{function}: {said}");
    }
}

#[test]
fn an_event_may_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("event.json");
    std::fs::write(&file, json!({ "Details": { "Parameters": {} } }).to_string()).unwrap();
    let ran = run_with(&["lambda", "invoke", "dip", "--event", &file.display().to_string()], &[], "");
    assert_eq!(outcome(&ran).unwrap_err().0, "Exception", "the environment is looked at");
    let ran = run_with(&["lambda", "invoke", "dip", "--event", "/nowhere/event.json"], &[], "");
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{ran:?}");
    assert!(ran.stderr.contains("/nowhere/event.json"), "{ran:?}");
}

#[test]
fn a_time_without_a_zone_is_wrong_usage() {
    let ran =
        run_with(&["lambda", "invoke", "dip", "--event", "-", "--now", "2024-02-28T23:30:15"], &[], "{}");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
}
