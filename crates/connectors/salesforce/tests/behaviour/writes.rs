use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tieline_core::{Attached, Crm, JsonMap, OutboxRow, RecordFile, RecordId, RowFailure, Written};

use super::org::{calls, org, page, problem};
use crate::stand_in::{Reply, Seen};

fn map(value: Value) -> JsonMap {
    serde_json::from_value(value).unwrap()
}

fn interaction(key: &str) -> OutboxRow {
    OutboxRow {
        object: "Interaction__c".into(),
        key_field: "Key__c".into(),
        key: key.into(),
        record: None,
        fields: map(json!({"Channel__c": "voice"})),
        unless_changed: JsonMap::new(),
    }
}

fn task(key: &str) -> OutboxRow {
    OutboxRow {
        object: "Task".into(),
        key_field: "CallObject".into(),
        key: key.into(),
        record: None,
        fields: map(json!({"Subject": "voice inbound", "Status": "Completed"})),
        unless_changed: JsonMap::new(),
    }
}

fn id(n: usize) -> String {
    format!("00T00000000000{n}AAA")
}

fn describe(request: &Seen) -> Option<Reply> {
    let field = |name: &str, external: bool| json!({"name": name, "externalId": external, "createable": true, "updateable": true});
    request.path.ends_with("/describe").then(|| {
        let fields = if request.path.contains("Interaction__c") {
            json!([field("Key__c", true), field("Channel__c", false)])
        } else {
            json!([field("CallObject", false), field("Subject", false), field("Status", false)])
        };
        Reply::Json(200, json!({"fields": fields}))
    })
}

fn saved(id: &str, created: bool) -> Value {
    json!({"id": id, "success": true, "errors": [], "created": created})
}

fn refused(code: &str, message: &str, fields: &[&str]) -> Value {
    json!({"success": false, "errors": [{"statusCode": code, "message": message, "fields": fields}]})
}

fn records(request: &Seen) -> Vec<Value> {
    request.json()["records"].as_array().unwrap().clone()
}

fn written(id: &str, created: bool, dropped: &[&str]) -> Written {
    Written {
        record: Some(RecordId::new(id).unwrap()),
        created,
        dropped: dropped.iter().map(ToString::to_string).collect(),
    }
}

#[tokio::test]
async fn rows_with_an_external_id_are_upserted_in_one_call() {
    let (server, salesforce) = org(|request| {
        describe(request).unwrap_or_else(|| {
            Reply::Json(200, json!([saved("a00000000000001AAA", true), saved("a00000000000002AAA", false)]))
        })
    })
    .await;
    let rows = [interaction("demo:c-1"), interaction("demo:c-2")];
    let results = salesforce.write(&rows).await.unwrap();
    assert_eq!(results[0], Ok(written("a00000000000001AAA", true, &[])));
    assert_eq!(results[1], Ok(written("a00000000000002AAA", false, &[])));
    salesforce.write(&rows).await.unwrap();

    let calls = calls(&server);
    assert_eq!(calls.len(), 3, "one description serves both writes");
    assert_eq!(calls[1].method, "PATCH");
    assert_eq!(calls[1].path, "/services/data/v62.0/composite/sobjects/Interaction__c/Key__c");
    assert_eq!(
        calls[1].json(),
        json!({"allOrNone": false, "records": [
            {"attributes": {"type": "Interaction__c"}, "Key__c": "demo:c-1", "Channel__c": "voice"},
            {"attributes": {"type": "Interaction__c"}, "Key__c": "demo:c-2", "Channel__c": "voice"}]})
    );
    assert_eq!(calls[1].json(), calls[2].json());
}

#[tokio::test]
async fn rows_without_an_external_id_are_looked_for_once_then_updated_or_created() {
    let (server, salesforce) = org(|request| {
        describe(request).unwrap_or_else(|| {
            match (request.method.as_str(), request.path.ends_with("/query")) {
                ("GET", true) => page(&json!([{"attributes": {}, "Id": id(2), "CallObject": "c-'2"}])),
                ("PATCH", _) => Reply::Json(200, json!([saved(&id(2), false), saved(&id(3), false)])),
                _ => Reply::Json(200, json!([{"id": id(1), "success": true, "errors": []}])),
            }
        })
    })
    .await;
    let known = OutboxRow { record: Some(RecordId::new(id(3)).unwrap()), ..task("c-3") };
    let results = salesforce.write(&[task("c-1"), task("c-'2"), known]).await.unwrap();
    assert_eq!(results[0], Ok(written(&id(1), true, &[])));
    assert_eq!(results[1], Ok(written(&id(2), false, &[])));
    assert_eq!(results[2], Ok(written(&id(3), false, &[])));

    let calls = calls(&server);
    assert_eq!(calls.len(), 4, "description, one query, one update, one create");
    assert_eq!(
        calls[1].soql(),
        r"SELECT Id, CallObject FROM Task WHERE CallObject IN ('c-1', 'c-\'2') ORDER BY CreatedDate, Id"
    );
    assert_eq!(
        records(&calls[2]),
        [
            json!({"attributes": {"type": "Task"}, "id": id(2), "Subject": "voice inbound", "Status": "Completed"}),
            json!({"attributes": {"type": "Task"}, "id": id(3), "Subject": "voice inbound", "Status": "Completed"})
        ]
    );
    assert_eq!(records(&calls[3])[0]["CallObject"], "c-1");
}

#[tokio::test]
async fn what_a_person_changed_is_not_overwritten() {
    let (server, salesforce) = org(|request| {
        describe(request).unwrap_or_else(|| match request.method.as_str() {
            "GET" => page(&json!([
                {"Id": id(1), "CallObject": "c-1", "Status": "Not Started"},
                {"Id": id(2), "CallObject": "c-2", "Status": "Waiting on someone else"}])),
            _ => Reply::Json(200, json!([saved(&id(1), false), saved(&id(2), false)])),
        })
    })
    .await;
    let closing = |row: OutboxRow| OutboxRow { unless_changed: map(json!({"Status": "Not Started"})), ..row };
    let known = OutboxRow { record: Some(RecordId::new(id(2)).unwrap()), ..task("c-2") };
    salesforce.write(&[closing(task("c-1")), closing(known)]).await.unwrap();

    let calls = calls(&server);
    assert_eq!(
        calls[1].soql(),
        format!(
            "SELECT Id, CallObject, Status FROM Task WHERE CallObject IN ('c-1') OR Id IN ('{}') ORDER BY CreatedDate, Id",
            id(2)
        )
    );
    let sent = records(&calls[2]);
    assert_eq!(sent[0]["Status"], "Completed");
    assert_eq!(sent[1].get("Status"), None, "a person moved it on");
    assert_eq!(sent[1]["Subject"], "voice inbound");
}

#[tokio::test]
async fn a_field_the_org_has_not_is_dropped_reported_and_left_out_next_time() {
    let (server, salesforce) = org(|request| {
        describe(request).unwrap_or_else(|| {
            let bad = records(request).iter().any(|row| row.get("Gone__c").is_some());
            if bad {
                problem(400, "INVALID_FIELD", "No such column 'Gone__c' on sobject of type Interaction__c")
            } else {
                Reply::Json(200, records(request).iter().map(|_| saved("a00000000000001AAA", true)).collect())
            }
        })
    })
    .await;
    let with_gone = || {
        let mut row = interaction("demo:c-1");
        row.fields.insert("Gone__c".into(), "x".into());
        row
    };
    let results = salesforce.write(&[with_gone(), interaction("demo:c-2")]).await.unwrap();
    assert_eq!(results[0], Ok(written("a00000000000001AAA", true, &["Gone__c"])));
    assert_eq!(results[1], Ok(written("a00000000000001AAA", true, &[])), "an innocent row is written whole");
    let before = calls(&server).len();
    let again = salesforce.write(&[with_gone(), interaction("demo:c-2")]).await.unwrap();
    assert_eq!(again[0], Ok(written("a00000000000001AAA", true, &["Gone__c"])));
    assert_eq!(calls(&server).len() - before, 1, "known by now");
}

#[tokio::test]
async fn a_value_a_picklist_has_not_is_dropped_from_its_row_only() {
    let (server, salesforce) = org(|request| {
        describe(request).unwrap_or_else(|| {
            let results: Vec<Value> = records(request)
                .iter()
                .map(|row| match row.get("Channel__c").and_then(Value::as_str) {
                    Some("fax") => {
                        refused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value", &["Channel__c"])
                    }
                    _ => saved("a00000000000001AAA", true),
                })
                .collect();
            Reply::Json(200, json!(results))
        })
    })
    .await;
    let mut fax = interaction("demo:c-1");
    fax.fields.insert("Channel__c".into(), "fax".into());
    let results = salesforce.write(&[fax, interaction("demo:c-2")]).await.unwrap();
    assert_eq!(results[0], Ok(written("a00000000000001AAA", true, &["Channel__c"])));
    assert_eq!(results[1], Ok(written("a00000000000001AAA", true, &[])));
    let last = calls(&server).pop().unwrap();
    assert_eq!(records(&last).len(), 1, "only the refused row is sent again");
}

#[tokio::test]
async fn a_refused_row_leaves_the_others_alone_and_says_why() {
    let (_, salesforce) = org(|request| {
        describe(request).unwrap_or_else(|| {
            Reply::Json(
                200,
                json!([
                    saved("a00000000000001AAA", true),
                    refused("FIELD_CUSTOM_VALIDATION_EXCEPTION", "needs a queue", &[]),
                    refused("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", &[]),
                    refused(
                        "DUPLICATE_VALUE",
                        "duplicate value found: Key__c duplicates value on record",
                        &[]
                    ),
                ]),
            )
        })
    })
    .await;
    let rows: Vec<OutboxRow> = (1..=4).map(|n| interaction(&format!("demo:c-{n}"))).collect();
    let results = salesforce.write(&rows).await.unwrap();
    assert!(results[0].is_ok());
    assert_eq!(
        results[1],
        Err(RowFailure::Permanent {
            code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".into(),
            message: "needs a queue".into()
        })
    );
    assert!(matches!(results[2], Err(RowFailure::Contention { .. })));
    assert!(matches!(results[3], Err(RowFailure::Contention { .. })), "somebody created it meanwhile");
}

#[tokio::test]
async fn a_request_refused_as_a_whole_is_halved_until_the_row_is_found() {
    let (_, salesforce) = org(|request| {
        describe(request).unwrap_or_else(|| {
            let rows = records(request);
            if rows.iter().any(|row| row["Key__c"] == "demo:c-13") {
                problem(400, "JSON_PARSER_ERROR", "cannot deserialize")
            } else {
                Reply::Json(200, rows.iter().map(|_| saved("a00000000000001AAA", true)).collect())
            }
        })
    })
    .await;
    let rows: Vec<OutboxRow> = (0..32).map(|n| interaction(&format!("demo:c-{n}"))).collect();
    let results = salesforce.write(&rows).await.unwrap();
    for (n, result) in results.iter().enumerate() {
        assert_eq!(result.is_ok(), n != 13, "{n}: {result:?}");
    }
}

#[tokio::test]
async fn an_answer_lost_after_the_create_is_found_by_the_next_write() {
    let stored: Mutex<Vec<String>> = Mutex::default();
    let creates = AtomicUsize::new(0);
    let (_, salesforce) = org(move |request| {
        describe(request).unwrap_or_else(|| match request.method.as_str() {
            "GET" => {
                let found: Vec<Value> = stored
                    .lock()
                    .unwrap()
                    .iter()
                    .map(|key| json!({"Id": id(1), "CallObject": key}))
                    .collect();
                page(&json!(found))
            }
            "POST" => {
                creates.fetch_add(1, Ordering::SeqCst);
                stored.lock().unwrap().push(records(request)[0]["CallObject"].as_str().unwrap().to_owned());
                Reply::Cut("[")
            }
            _ => {
                assert_eq!(creates.load(Ordering::SeqCst), 1);
                Reply::Json(200, json!([saved(&id(1), false)]))
            }
        })
    })
    .await;
    assert!(salesforce.write(&[task("c-1")]).await.is_err());
    assert_eq!(salesforce.write(&[task("c-1")]).await.unwrap(), [Ok(written(&id(1), false, &[]))]);
}

#[tokio::test]
async fn a_write_of_nothing_asks_nothing_and_a_mixed_one_is_refused() {
    let (server, salesforce) = org(|_| page(&json!([]))).await;
    assert!(salesforce.write(&[]).await.unwrap().is_empty());
    assert!(salesforce.write(&[task("a"), interaction("b")]).await.is_err());
    let too_many: Vec<OutboxRow> = (0..201).map(|n| task(&n.to_string())).collect();
    assert!(salesforce.write(&too_many).await.is_err());
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_record_is_changed_by_its_id_and_nothing_else() {
    let (server, salesforce) = org(|request| match request.path.rsplit('/').next() {
        Some("a0R") => Reply::Bytes(204, Vec::new(), Vec::new()),
        _ => problem(404, "NOT_FOUND", "no such record"),
    })
    .await;
    let fields = map(json!({"Name": "x", "Score__c": -2.0}));
    let update = async |id: &str| salesforce.update("Note__c", &RecordId::new(id).unwrap(), &fields).await;

    update("a0R").await.unwrap();
    assert!(update("a0R/../x?y").await.is_err());

    let calls = calls(&server);
    assert_eq!(
        (calls[0].method.as_str(), calls[0].path.as_str()),
        ("PATCH", "/services/data/v62.0/sobjects/Note__c/a0R")
    );
    assert_eq!(calls[0].json(), json!({"Name": "x", "Score__c": -2.0}));
    assert!(calls[1].target.ends_with("/sobjects/Note__c/a0R%2F..%2Fx%3Fy"), "{}", calls[1].target);
}

/// An org that describes nothing but names, as older proxies and stand-ins do.
fn names_only(request: &Seen) -> Option<Reply> {
    request
        .path
        .ends_with("/describe")
        .then(|| Reply::Json(200, json!({"fields": [{"name": "Id"}, {"name": "Other__c"}]})))
}

#[tokio::test]
async fn a_single_row_is_upserted_by_its_address_with_the_key_escaped() {
    let (server, salesforce) = org(|request| {
        describe(request).unwrap_or_else(|| match request.path.rsplit('/').next().unwrap() {
            "new" => Reply::Json(201, json!({"id": "a00000000000001AAA", "success": true, "errors": []})),
            "old" => Reply::Json(200, saved("a00000000000002AAA", false)),
            _ => Reply::Json(204, Value::Null),
        })
    })
    .await;
    let write = async |key: &str| salesforce.write(&[interaction(key)]).await.unwrap().remove(0);
    assert_eq!(write("new").await, Ok(written("a00000000000001AAA", true, &[])));
    assert_eq!(write("old").await, Ok(written("a00000000000002AAA", false, &[])));
    let silent = Written { record: None, created: false, dropped: Vec::new() };
    assert_eq!(write("a/b?c#d é").await, Ok(silent), "before API 46 an update is answered with nothing");

    let calls = calls(&server);
    assert_eq!(calls.len(), 4, "one description");
    assert_eq!(calls[1].method, "PATCH");
    assert_eq!(calls[1].path, "/services/data/v62.0/sobjects/Interaction__c/Key__c/new");
    assert_eq!(calls[1].json(), json!({"Channel__c": "voice"}), "the key is in the address alone");
    assert_eq!(calls[3].target, "/services/data/v62.0/sobjects/Interaction__c/Key__c/a%2Fb%3Fc%23d%20%C3%A9");
}

#[tokio::test]
async fn a_key_that_no_address_can_hold_goes_in_a_body() {
    let (server, salesforce) = org(|request| {
        describe(request).unwrap_or_else(|| Reply::Json(200, json!([saved("a00000000000001AAA", true)])))
    })
    .await;
    for key in [".", "..", "jane@example.inc"] {
        assert!(salesforce.write(&[interaction(key)]).await.unwrap()[0].is_ok());
        let sent = calls(&server).pop().unwrap();
        assert_eq!(sent.path, "/services/data/v62.0/composite/sobjects/Interaction__c/Key__c");
        assert_eq!(records(&sent)[0]["Key__c"], key);
    }
}

#[tokio::test]
async fn a_single_row_that_is_refused_fails_alone_with_the_org_s_words() {
    let (_, salesforce) = org(|request| {
        names_only(request).unwrap_or_else(|| match request.path.rsplit('/').next().unwrap() {
            "two" => Reply::Json(300, json!(["/services/data/v62.0/sobjects/X/1", "/services/data/v62.0/sobjects/X/2"])),
            "locked" => problem(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access"),
            "long" => Reply::Json(400, json!([{"errorCode": "STRING_TOO_LONG", "message": "a"}, {"errorCode": "REQUIRED_FIELD_MISSING", "message": "b"}])),
            "gone" => problem(404, "NOT_FOUND", "The requested resource does not exist"),
            _ => Reply::Text(503, "text/html", "<html>".into()),
        })
    })
    .await;
    let write =
        async |key: &str| salesforce.write(&[interaction(key)]).await.map(|mut results| results.remove(0));
    let permanent =
        |code: &str, message: &str| Err(RowFailure::Permanent { code: code.into(), message: message.into() });
    assert_eq!(
        write("two").await.unwrap(),
        permanent("DUPLICATE_EXTERNAL_ID", "request returned status code: 300")
    );
    assert!(matches!(write("locked").await.unwrap(), Err(RowFailure::Contention { .. })));
    assert_eq!(write("long").await.unwrap(), permanent("STRING_TOO_LONG", "a; REQUIRED_FIELD_MISSING: b"));
    assert!(write("gone").await.is_err(), "the key field is not one: every row would fare so");
    assert!(write("down").await.is_err());
}

#[tokio::test]
async fn a_single_row_loses_a_field_the_org_has_not_and_is_written() {
    let (server, salesforce) = org(|request| {
        describe(request).unwrap_or_else(|| {
            if request.json().get("Gone__c").is_some() {
                problem(400, "INVALID_FIELD", "No such column 'Gone__c' on sobject of type Interaction__c")
            } else {
                Reply::Json(200, saved("a00000000000001AAA", false))
            }
        })
    })
    .await;
    let mut row = interaction("demo:c-1");
    row.fields.insert("Gone__c".into(), "x".into());
    for calls_so_far in [4, 5] {
        let results = salesforce.write(std::slice::from_ref(&row)).await.unwrap();
        assert_eq!(results[0], Ok(written("a00000000000001AAA", false, &["Gone__c"])));
        assert_eq!(calls(&server).len(), calls_so_far, "refused once, left out after that");
    }
}

#[tokio::test]
async fn an_org_configured_with_an_old_api_is_asked_in_one_that_has_the_call() {
    let server = crate::stand_in::StandIn::start(|request| {
        if request.is_token_request() {
            return super::org::token("T1");
        }
        describe(request).unwrap_or_else(|| {
            Reply::Json(200, json!([saved("a00000000000001AAA", true), saved("a00000000000002AAA", true)]))
        })
    })
    .await;
    let mut settings = super::org::settings(&server);
    settings.api_version = "v42.0".into();
    let salesforce = tieline_salesforce::Salesforce::new(
        &settings,
        std::sync::Arc::new(super::org::credentials()),
        super::org::clock(),
    )
    .unwrap();
    salesforce.write(&[interaction("a"), interaction("b")]).await.unwrap();
    let calls = calls(&server);
    assert_eq!(calls[0].path, "/services/data/v42.0/sobjects/Interaction__c/describe");
    assert_eq!(calls[1].path, "/services/data/v46.0/composite/sobjects/Interaction__c/Key__c");
}

#[tokio::test]
async fn an_object_s_fields_are_told_in_the_org_s_spelling() {
    let (_, salesforce) = org(|request| names_only(request).unwrap()).await;
    let fields = salesforce.fields("Thing__c").await.unwrap();
    assert_eq!(fields.spelling("other__C"), Some("Other__c"));
    assert!(fields.has("Other__c") && !fields.has("OTHER__c") && !fields.has("None__c"));
    assert_eq!(fields.names().count(), 2);
}

#[tokio::test]
async fn a_file_that_comes_twice_in_one_call_is_made_once() {
    let (server, salesforce) = org(|request| match request.method.as_str() {
        "GET" => page(&json!([])),
        "PATCH" => Reply::Text(204, "text/plain", String::new()),
        _ => Reply::Json(201, json!({"id": id(1), "success": true, "errors": []})),
    })
    .await;
    let parent = RecordId::new("a00000000000001AAA").unwrap();
    let file = |name: &str, text: &str| RecordFile {
        name: name.into(),
        description: "What was said".into(),
        text: text.into(),
    };
    let files = [file("Said.json", "first"), file("Said.json", "second")];
    let attached = files.each_ref().map(|file| Attached { parent: &parent, file, record: None });
    let results = salesforce.attach(&attached).await.unwrap();
    assert_eq!(results, [Ok(written(&id(1), true, &[])), Ok(written(&id(1), false, &[]))]);
    let methods: Vec<String> = calls(&server).into_iter().map(|request| request.method).collect();
    assert_eq!(methods, ["GET", "POST", "PATCH"]);
}
