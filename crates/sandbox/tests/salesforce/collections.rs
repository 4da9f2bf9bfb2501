use serde_json::{Value, json};

use crate::harness::Org;

fn contact(name: &str) -> Value {
    json!({"attributes": {"type": "Contact"}, "LastName": name})
}

fn interaction(key: &str, seconds: u32) -> Value {
    json!({"attributes": {"type": "Interaction__c"}, "Key__c": key, "Talk_Seconds__c": seconds})
}

#[tokio::test]
async fn rows_succeed_and_fail_alone() {
    let org = Org::start().await;
    let records = json!([contact("One"), {"attributes": {"type": "Contact"}}, contact("Three"), {"attributes": {"type": "Nope"}}, {}]);

    let answer = org.post("/composite/sobjects", json!({"records": records})).await;

    assert_eq!(answer.status, 200);
    let success: Vec<bool> =
        answer.body.as_array().unwrap().iter().map(|r| r["success"].as_bool().unwrap()).collect();
    assert_eq!(success, [true, false, true, false, false]);
    let error = &answer.body[1]["errors"][0];
    assert_eq!(error["statusCode"], "REQUIRED_FIELD_MISSING");
    assert_eq!(error["fields"], json!(["LastName"]));
    assert_eq!(answer.body[3]["errors"][0]["statusCode"], "INVALID_TYPE");
    assert_eq!(org.count("Contact").await, 42);
}

#[tokio::test]
async fn all_or_none_keeps_nothing_when_one_fails() {
    let org = Org::start().await;
    let records = json!([contact("One"), {"attributes": {"type": "Contact"}}]);

    let answer = org.post("/composite/sobjects", json!({"allOrNone": true, "records": records})).await;

    assert_eq!(answer.body[0]["errors"][0]["statusCode"], "ALL_OR_NONE_OPERATION_ROLLED_BACK");
    assert_eq!(answer.body[1]["errors"][0]["statusCode"], "REQUIRED_FIELD_MISSING");
    assert_eq!(org.count("Contact").await, 40);
    let log =
        org.http.get(org.url("/sandbox/v1/requests")).send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(log[0]["committed"], false);
}

#[tokio::test]
async fn two_hundred_records_are_upserted_in_one_call_and_more_are_refused() {
    let org = Org::start().await;
    let path = "/composite/sobjects/Interaction__c/Key__c";
    let records: Vec<Value> = (0..200).map(|n| interaction(&format!("k{n}"), n)).collect();

    let first = org.patch(path, json!({"records": records})).await;
    let second = org.patch(path, json!({"records": records})).await;

    let rows = |answer: &Value| answer.as_array().unwrap().clone();
    assert!(rows(&first.body).iter().all(|row| row["success"] == true && row["created"] == true));
    assert!(rows(&second.body).iter().all(|row| row["success"] == true && row["created"] == false));
    assert_eq!(first.body[7]["id"], second.body[7]["id"]);
    assert_eq!(org.count("Interaction__c").await, 200);

    let too_many: Vec<Value> = (0..201).map(|n| interaction(&format!("x{n}"), n)).collect();
    let refused = org.patch(path, json!({"records": too_many})).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (400, "EXCEEDED_ID_LIMIT"));
    assert_eq!(org.count("Interaction__c").await, 200);
}

#[tokio::test]
async fn a_key_twice_in_one_call_and_a_missing_key_are_refused_alone() {
    let org = Org::start().await;
    let records = json!([interaction("a", 1), interaction("b", 1), interaction("b", 2), {"attributes": {"type": "Interaction__c"}}, contact("x")]);

    let answer = org.patch("/composite/sobjects/Interaction__c/Key__c", json!({"records": records})).await;

    let codes: Vec<&str> = answer
        .body
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["errors"][0]["statusCode"].as_str().unwrap_or("ok"))
        .collect();
    assert_eq!(codes, ["ok", "DUPLICATE_VALUE", "DUPLICATE_VALUE", "MISSING_ARGUMENT", "INVALID_TYPE"]);
}

#[tokio::test]
async fn records_are_updated_read_and_deleted_together() {
    let org = Org::start().await;
    let made = org.post("/composite/sobjects", json!({"records": [contact("One"), contact("Two")]})).await;
    let (one, two) = (made.body[0]["id"].as_str().unwrap(), made.body[1]["id"].as_str().unwrap());

    let update = json!({"records": [
        {"attributes": {"type": "Contact"}, "id": one, "Title": "First"},
        {"attributes": {"type": "Contact"}, "id": "003000000000zzz", "Title": "x"},
        {"attributes": {"type": "Contact"}, "Title": "x"},
    ]});
    let updated = org.patch("/composite/sobjects", update).await;
    assert_eq!(updated.body[0], json!({"id": one, "success": true, "errors": []}));
    assert_eq!(updated.body[1]["errors"][0]["statusCode"], "INVALID_CROSS_REFERENCE_KEY");
    assert_eq!(updated.body[2]["errors"][0]["statusCode"], "MISSING_ARGUMENT");

    let read = org
        .post(
            "/composite/sobjects/Contact",
            json!({"ids": [two, "003000000000zzz", one], "fields": ["Name", "Title"]}),
        )
        .await;
    assert_eq!(
        (&read.body[0]["Name"], &read.body[1], &read.body[2]["Title"]),
        (&json!("Two"), &Value::Null, &json!("First"))
    );
    let got = org.get(&format!("/composite/sobjects/Contact?ids={one},{two}&fields=Id,Name")).await;
    assert_eq!(got.body[1]["Name"], "Two");

    let deleted = org.delete(&format!("/composite/sobjects?ids={one},{two},zzz&allOrNone=false")).await;
    assert_eq!(deleted.body[0]["success"], true);
    assert_eq!(deleted.body[2]["errors"][0]["statusCode"], "MALFORMED_ID");
    assert_eq!(org.count("Contact").await, 40);
}
