//! Dips over HTTP against the simulated Salesforce, in our manner and in the reference's.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::{Org, Serve};

const WORKSPACES: &str = r#"
[workspaces.ours]
contact_center = "connect"
crm = "salesforce"
keys = [{ name = "ivr", secret = "env:TIELINE_DIP_KEY", operations = ["dips:*"] }]

[workspaces.theirs]
contact_center = "connect"
crm = "salesforce"
compat = "legacy"

[[workspaces.theirs.keys]]
name = "ivr"
secret = "env:TIELINE_DIP_KEY"
operations = ["dips:*"]

[[workspaces.theirs.keys]]
name = "narrow"
secret = "env:TIELINE_REPORTING_KEY"
operations = ["dips:lookup", "dips:phoneLookup", "dips:query"]
objects = { Contact = ["*"] }
"#;

struct House {
    org: Org,
    serve: Serve,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl House {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let org = Org::start().await;
        let serve = Serve::start(support::serve(&org, folder.path(), WORKSPACES));
        Self { org, serve, http: tieline_server::client().unwrap(), _folder: folder }
    }

    async fn ask(&self, workspace: &str, key: &str, event: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}/v1/workspaces/{workspace}/dips", self.serve.url));
        let answer = request.bearer_auth(key).json(event).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn ours(&self, parameters: Value) -> (u16, Value) {
        self.ask("ours", "dip-key", &json!({ "Details": { "Parameters": parameters } })).await
    }

    async fn theirs(&self, parameters: Value) -> (u16, Value) {
        self.ask("theirs", "dip-key", &json!({ "Details": { "Parameters": parameters } })).await
    }

    async fn narrow(&self, parameters: Value) -> (u16, Value) {
        self.ask("theirs", "reporting-key", &json!({ "Details": { "Parameters": parameters } })).await
    }
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["code"].as_str().unwrap_or_else(|| panic!("{answer:?}")))
}

#[tokio::test]
async fn a_flow_may_ask_in_plain_words_or_the_references_and_gets_the_same() {
    let house = House::start().await;
    let plain = json!({ "operation": "lookup", "object": "Contact", "fields": "Id, Account.Name", "LastName": "O'Neil" });
    let reference = json!({ "sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id, Account.Name", "LastName": "O'Neil" });
    let answer = house.ours(plain).await;
    assert_eq!(
        answer,
        (200, json!({ "Id": "003000000000002AAA", "Account.Name": "Oakhurst Schools", "sf_count": "1" }))
    );
    assert_eq!(house.ours(reference).await, answer);
    let who =
        house.ours(json!({ "operation": "phoneLookup", "phone": "+12025550143", "fields": "Name" })).await;
    assert_eq!(who, (200, json!({ "Name": "Anna Keller", "sf_count": "1" })));
}

#[tokio::test]
async fn the_guides_example_answers_what_the_guide_says() {
    let guide = std::fs::read_to_string(support::harness::repository("docs/guides/dips.md")).unwrap();
    let asked = guide.split("-d '").nth(1).unwrap().split('\'').next().unwrap();
    let told = guide.split("```json\n").nth(1).unwrap().split("\n```").next().unwrap();
    let house = House::start().await;
    let (status, answer) = house.ask("ours", "dip-key", &serde_json::from_str(asked).unwrap()).await;
    assert_eq!((status, answer), (200, serde_json::from_str(told).unwrap()));
}

/// Puts the ids the examples were given where the guide writes `500…`.
fn with_ids(text: &str, ids: &[String]) -> String {
    ids.iter()
        .rev()
        .fold(text.to_owned(), |text, id| text.replace(&format!("\"{}…\"", &id[..3]), &format!("\"{id}\"")))
}

#[tokio::test]
async fn the_guides_operations_answer_what_the_guide_says() {
    let guide = std::fs::read_to_string(support::harness::repository("docs/guides/dips.md")).unwrap();
    let house = House::start().await;
    let mut ids: Vec<String> = Vec::new();
    let examples: Vec<&str> = guide.split("```json question\n").skip(1).collect();
    assert_eq!(examples.len(), 12);
    for example in examples {
        let asked = with_ids(example.split("\n```").next().unwrap(), &ids);
        let told = example.split("```json answer\n").nth(1).unwrap().split("\n```").next().unwrap();
        let (status, answer) = house.ours(serde_json::from_str(&asked).unwrap()).await;
        assert_eq!(status, 200, "{asked}: {answer}");
        if let Some(id) = answer.get("Id").and_then(Value::as_str) {
            ids.push(id.to_owned());
        }
        let told: Value = serde_json::from_str(told).unwrap();
        let (told, answer) = (told.as_object().unwrap(), answer.as_object().unwrap());
        assert_eq!(answer.keys().collect::<Vec<_>>(), told.keys().collect::<Vec<_>>(), "{asked}");
        for (name, value) in told {
            let (given, expected) = (answer[name].as_str().unwrap(), value.as_str().unwrap());
            match expected.strip_suffix('…') {
                Some(start) => assert!(given.starts_with(start), "{asked}: {name} is {given}"),
                None => assert_eq!(given, expected, "{asked}: {name}"),
            }
        }
    }
}

#[tokio::test]
async fn bad_questions_have_a_code_over_http() {
    let house = House::start().await;
    let of = |parameters: Value| json!({ "Details": { "Parameters": parameters } });
    for (event, status, ours, theirs) in [
        (json!([]), 400, "dip.malformed_event", "dip.malformed_event"),
        (json!({ "Details": null }), 400, "dip.malformed_event", "dip.malformed_event"),
        (of(json!([])), 400, "dip.malformed_event", "dip.malformed_event"),
        (of(json!({})), 400, "dip.missing_parameter", "dip.missing_parameter"),
        (of(json!({ "sf_operation": "nope" })), 400, "dip.unknown_operation", "dip.unknown_operation"),
        (of(json!({ "sf_operation": 7 })), 400, "dip.invalid_parameter", "dip.unknown_operation"),
        (
            of(json!({ "sf_operation": "update", "sf_object": "Case" })),
            400,
            "dip.missing_parameter",
            "dip.missing_parameter",
        ),
        (
            of(json!({ "sf_operation": "update", "sf_object": "Case", "sf_id": "..", "Subject": "x" })),
            400,
            "dip.unsafe_value",
            "dip.unsafe_value",
        ),
        (
            of(
                json!({ "sf_operation": "update", "sf_object": "Nope__c", "sf_id": "500000000000001", "A": "x" }),
            ),
            422,
            "dip.crm_rejected",
            "dip.crm_rejected",
        ),
        (
            of(json!({ "sf_operation": "delete", "sf_object": "Case", "sf_id": "1", "Status": "x" })),
            400,
            "dip.invalid_parameter",
            "dip.invalid_parameter",
        ),
        (
            of(json!({ "sf_operation": "search", "sf_object": "Case", "sf_fields": 5, "q": "x" })),
            400,
            "dip.invalid_parameter",
            "dip.invalid_parameter",
        ),
    ] {
        assert_eq!(code(&house.ask("ours", "dip-key", &event).await), (status, ours), "{event}");
        assert_eq!(code(&house.ask("theirs", "dip-key", &event).await), (status, theirs), "{event}");
    }
}

#[tokio::test]
async fn a_nested_answer_is_asked_for_and_late_ones_are_errors() {
    let house = House::start().await;
    let (_, nested) = house
        .ours(json!({ "operation": "lookup", "object": "Contact", "fields": "Account.Name", "Id": "003000000000001AAA", "shape": "nested" }))
        .await;
    assert_eq!((&nested["Account"]["Name"], &nested["sf_count"]), (&json!("Keller & Sons"), &json!(1)));

    let slow = json!({ "kind": "slow", "delay_ms": 5_000, "match": { "path": "/query" }, "times": 1 });
    house.org.break_with(slow).await;
    let late = house
        .ours(json!({ "operation": "lookup", "object": "Contact", "fields": "Id", "LastName": "x", "deadline_ms": "200" }))
        .await;
    assert_eq!(code(&late), (504, "dip.deadline"));
}

#[tokio::test]
async fn what_a_caller_says_is_never_part_of_a_query() {
    let house = House::start().await;
    for injection in ["x' OR Id != '", r"\' OR Id != null OR Name = '", "'; --", "<img onerror>", "a\nb"] {
        for manner in ["ours", "theirs"] {
            for parameters in [
                json!({ "sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id", "LastName": injection }),
                json!({ "sf_operation": "query", "query": "SELECT Id FROM Contact WHERE LastName = 'who'", "who": injection }),
            ] {
                let answer =
                    house.ask(manner, "dip-key", &json!({ "Details": { "Parameters": parameters } })).await;
                let count =
                    if manner == "ours" { json!({ "sf_count": "0" }) } else { json!({ "sf_count": 0 }) };
                assert_eq!(answer, (200, count), "{manner}: {injection:?}");
            }
        }
    }
    for parameters in [
        json!({ "sf_operation": "lookup", "sf_object": "Contact WHERE Id != null", "sf_fields": "Id", "LastName": "x" }),
        json!({ "sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id FROM User", "LastName": "x" }),
        json!({ "sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id", "Id != null OR Id": "x" }),
    ] {
        assert_eq!(code(&house.ours(parameters.clone()).await), (400, "dip.unsafe_value"), "{parameters}");
        assert_eq!(code(&house.theirs(parameters.clone()).await), (400, "dip.unsafe_value"), "{parameters}");
    }
    let large = "x".repeat(64 * 1024);
    let large = json!({ "operation": "lookup", "object": "Contact", "fields": "Id", "LastName": large });
    assert_eq!(code(&house.ours(large).await), (413, "body_too_large"));
}

#[tokio::test]
async fn a_legacy_workspace_answers_in_the_references_shapes_and_words() {
    let house = House::start().await;
    let lookup = json!({ "sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id, Account.Name", "LastName": "O'Neil" });
    let (status, answer) = house.theirs(lookup).await;
    assert_eq!((status, &answer["sf_count"]), (200, &json!(1)), "a number, as recorded");
    assert_eq!(answer["Account"]["Name"], "Oakhurst Schools", "nested, as recorded");
    let (_, rows) = house
        .theirs(json!({ "sf_operation": "query", "query": "SELECT Id FROM Contact WHERE LastName = 'Moss' ORDER BY Id" }))
        .await;
    assert_eq!(rows["sf_count"], 2);
    assert!(rows["sf_records_1_Id"].is_string(), "{rows}");
    assert_eq!(
        house
            .theirs(json!({ "sf_operation": "phoneLookup", "sf_phone": "anonymous", "sf_fields": "Id" }))
            .await,
        (200, json!({ "sf_count": 0 }))
    );

    for (parameters, status, code, text) in [
        (json!({ "sf_operation": "Lookup" }), 400, "dip.unknown_operation", "sf_operation unknown"),
        (json!({ "operation": "lookup" }), 400, "dip.missing_parameter", "'sf_operation'"),
        (
            json!({ "sf_operation": "create" }),
            400,
            "dip.missing_parameter",
            "create() missing 1 required positional argument: 'sf_object'",
        ),
        (
            json!({ "sf_operation": "phoneLookup", "sf_phone": "2025550147", "sf_fields": "Id" }),
            400,
            "dip.invalid_parameter",
            "(0) Missing or invalid default region.",
        ),
        (
            json!({ "sf_operation": "create", "sf_object": "Nope__c", "A__c": "x" }),
            422,
            "dip.crm_rejected",
            "NOT_FOUND: The requested resource does not exist",
        ),
    ] {
        let (answered, problem) = house.theirs(parameters).await;
        assert_eq!(
            (answered, problem["code"].as_str(), problem["detail"].as_str()),
            (status, Some(code), Some(text)),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn a_legacy_create_asked_again_by_the_same_contact_is_done_once() {
    let house = House::start().await;
    let event = json!({ "Details": {
        "ContactData": { "ContactId": "c-7" },
        "Parameters": { "sf_operation": "create", "sf_object": "Case", "Subject": "Asked twice", "Origin": "Phone" },
    }});
    let first = house.ask("theirs", "dip-key", &event).await;
    assert_eq!(first.0, 200, "{first:?}");
    assert_eq!(house.ask("theirs", "dip-key", &event).await, first);
    assert_eq!(house.org.query("SELECT Id FROM Case WHERE Subject = 'Asked twice'").await.len(), 1);
}

#[tokio::test]
async fn a_keys_bounds_hold_in_the_legacy_manner_as_well() {
    let house = House::start().await;
    let lookup = |object: &str, fields: &str| json!({ "sf_operation": "lookup", "sf_object": object, "sf_fields": fields, "Name": "Anna Keller" });
    assert_eq!(house.narrow(lookup("Contact", "Id, Name")).await.0, 200);
    for refused in [
        lookup("Account", "Id"),
        lookup("Contact", "Id, (SELECT Id FROM Cases)"),
        json!({ "sf_operation": "query", "query": "SELECT Id FROM User" }),
        json!({ "sf_operation": "create", "sf_object": "Contact", "LastName": "x" }),
    ] {
        assert_eq!(code(&house.narrow(refused.clone()).await), (403, "dip.not_allowed"), "{refused}");
    }
    let unknown = house.ask("theirs", "nobodys-key", &json!({})).await;
    assert_eq!(code(&unknown), (401, "unauthorized"));
}
