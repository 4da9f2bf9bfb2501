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
        ("sfExecuteAWSService.lambda_handler", &[], &event, "lambda.unknown_function", "is not offered"),
        ("contact-records", &[], &event, "lambda.malformed_event", "no batch of Kinesis"),
        ("sfCTRTrigger.lambda_handler", &[], &event, "KeyError", "'record'"),
        ("dip", &[], "{", "lambda.malformed_event", "no JSON"),
        ("dip", &[], "", "lambda.malformed_event", "no JSON"),
        (FUNCTION, &[], &event, "Exception", "'SF_CREDENTIALS_SECRETS_MANAGER_ARN'"),
        (
            "dip",
            &[("SF_CREDENTIALS_SECRETS_MANAGER_ARN", "sf")],
            &event,
            "lambda.not_configured",
            "'SF_VERSION'",
        ),
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
    assert_eq!(outcome(&ran).unwrap_err().0, "lambda.not_configured", "the environment is looked at");
    let ran = run_with(&["lambda", "invoke", "dip", "--event", "/nowhere/event.json"], &[], "");
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{ran:?}");
    assert!(ran.stderr.contains("/nowhere/event.json"), "{ran:?}");
}

#[test]
fn a_time_may_leave_its_offset_out_and_nothing_else() {
    let run = |now: &str| run_with(&["lambda", "invoke", "dip", "--event", "-", "--now", now], &[], "{}");
    for now in ["2024-02-28T23:30:15Z", "2024-02-28T23:30:15", "2024-02-28T23:30:15.125+01:00"] {
        assert_eq!(run(now).code, 1, "{now}: the environment is looked at");
    }
    for now in ["soon", "23:30:15", "2024-02-30T23:30:15", "1709163015"] {
        let ran = run(now);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{now}: {ran:?}");
        assert!(!ran.stderr.contains("a time lies from"), "{now}: {ran:?}");
    }
}

#[test]
fn the_last_day_of_9999_is_out_of_range_and_the_range_is_told() {
    let run = |now: &str| run_with(&["lambda", "invoke", "dip", "--event", "-", "--now", now], &[], "{}");
    assert_eq!(run("9999-12-30T22:00:00Z").code, 1, "the environment is looked at");
    for now in ["9999-12-31T00:00:00Z", "9999-12-30T22:00:01", "9999-12-30T20:00:00-05:00"] {
        let ran = run(now);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{now}: {ran:?}");
        assert!(ran.stderr.contains("to 9999-12-30T22:00:00.999999999Z"), "{now}: {ran:?}");
    }
}

/// A function whose secret and org are not there.
const NOWHERE: [(&str, &str); 8] = [
    ("SF_CREDENTIALS_SECRETS_MANAGER_ARN", "sf"),
    ("SF_HOST", "http://127.0.0.1:9"),
    ("SF_VERSION", "v62.0"),
    ("SF_USERNAME", "api@example.com"),
    ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ("AWS_ACCESS_KEY_ID", "id"),
    ("AWS_SECRET_ACCESS_KEY", "key"),
    ("AWS_REGION", "us-west-2"),
];

#[test]
fn a_call_does_not_die_with_the_crm() {
    let event = json!({ "Details": { "Parameters": {
        "sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id", "LastName": "x" } } })
    .to_string();
    let with_answer =
        [&NOWHERE[..], &[("TIELINE_DEADLINE_MS", "1500"), ("TIELINE_DEFAULT_ANSWER", r#"{"sf_count":"0"}"#)]]
            .concat();
    for function in ["dip", FUNCTION] {
        assert_eq!(invoke(function, &with_answer, &event), Ok(json!({ "sf_count": "0" })), "{function}");
        assert!(invoke(function, &NOWHERE, &event).is_err());
    }
    let create = event.replace("lookup", "create");
    assert!(invoke("dip", &with_answer, &create).is_err(), "a change never gets the default answer");
    let wrong = [&NOWHERE[..], &[("TIELINE_DEFAULT_ANSWER", "nobody")]].concat();
    let (_, said) = invoke("dip", &wrong, &event).unwrap_err();
    assert!(said.contains("TIELINE_DEFAULT_ANSWER"), "{said}");
}

#[test]
fn bad_events_have_a_type_and_a_short_text() {
    let huge = json!({ "Details": { "Parameters": { "sf_operation": "x".repeat(10 << 20) } } }).to_string();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (event, ours, theirs) in [
        ("[]", "dip.malformed_event", "KeyError"),
        (r#"{"Details":null}"#, "dip.malformed_event", "KeyError"),
        (r#"{"Details":{"Parameters":"x"}}"#, "dip.malformed_event", "TypeError"),
        (r#"{"Details":{"Parameters":{}}}"#, "dip.missing_parameter", "KeyError"),
        (r#"{"Details":{"Parameters":{"sf_operation":null}}}"#, "dip.missing_parameter", "Exception"),
        (
            r#"{"Details":{"Parameters":{"sf_operation":"update","sf_object":"Case"}}}"#,
            "dip.missing_parameter",
            "TypeError",
        ),
        (
            r#"{"Details":{"Parameters":{"sf_operation":"delete","sf_object":"Case","sf_id":".."}}}"#,
            "dip.unsafe_value",
            "Exception",
        ),
        (&huge, "dip.unknown_operation", "Exception"),
        (&deep, "lambda.malformed_event", "lambda.malformed_event"),
        ("\u{feff}{}", "lambda.malformed_event", "lambda.malformed_event"),
    ] {
        for (function, expected) in [("dip", ours), (FUNCTION, theirs)] {
            let (answered, said) = invoke(function, &NOWHERE, event).unwrap_err();
            let event = &event[..event.len().min(80)];
            assert_eq!(answered, expected, "{function}: {event}: {said}");
            assert!(said.len() < 400, "{function}: {event}: {} bytes", said.len());
        }
    }
}
