use serde_json::json;

use crate::harness::Org;

#[tokio::test]
async fn later_parts_use_what_earlier_parts_answered() {
    let org = Org::start().await;
    let parts = json!([
        {"method": "POST", "url": "/services/data/v62.0/sobjects/Account", "referenceId": "company", "body": {"Name": "New Ltd"}},
        {"method": "POST", "url": "/services/data/v62.0/sobjects/Contact", "referenceId": "person",
            "body": {"LastName": "New", "AccountId": "@{company.id}"}},
        {"method": "GET", "url": "/services/data/v62.0/sobjects/Contact/@{person.id}?fields=Account.Name", "referenceId": "read"},
        {"method": "GET", "url": "/services/data/v62.0/query?q=SELECT+Id+FROM+Account+WHERE+Name='New+Ltd'", "referenceId": "query"},
        {"method": "PATCH", "url": "/services/data/v62.0/sobjects/Account/@{query.records[0].Id}", "referenceId": "change", "body": {"Site": "x"}},
    ]);

    let answer = org.post("/composite", json!({"compositeRequest": parts})).await;

    let parts = answer.body["compositeResponse"].as_array().unwrap();
    let statuses: Vec<u64> = parts.iter().map(|p| p["httpStatusCode"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 201, 200, 200, 204], "{answer:?}");
    assert_eq!(parts[2]["body"]["Account"]["Name"], "New Ltd");
    assert!(parts[0]["httpHeaders"]["Location"].as_str().unwrap().contains("/sobjects/Account/001"));
    assert_eq!(parts[4]["referenceId"], "change");
}

#[tokio::test]
async fn all_or_none_undoes_the_parts_before_the_failure() {
    let org = Org::start().await;
    let parts = json!([
        {"method": "POST", "url": "/services/data/v62.0/sobjects/Account", "referenceId": "a", "body": {"Name": "New Ltd"}},
        {"method": "POST", "url": "/services/data/v62.0/sobjects/Contact", "referenceId": "b", "body": {}},
    ]);

    let undone = org.post("/composite", json!({"allOrNone": true, "compositeRequest": parts})).await;
    assert_eq!(undone.body["compositeResponse"][0]["body"][0]["errorCode"], "PROCESSING_HALTED");
    assert_eq!(undone.body["compositeResponse"][1]["body"][0]["errorCode"], "REQUIRED_FIELD_MISSING");
    assert_eq!(org.count("Account").await, 12);

    let kept = org.post("/composite", json!({"compositeRequest": parts})).await;
    assert_eq!(kept.body["compositeResponse"][0]["httpStatusCode"], 201);
    assert_eq!(org.count("Account").await, 13);
}

#[tokio::test]
async fn a_batch_runs_its_parts_alone() {
    let org = Org::start().await;
    let batch = json!({"haltOnError": true, "batchRequests": [
        {"method": "GET", "url": "v62.0/sobjects/Account/001000000000001AAA?fields=Name"},
        {"method": "PATCH", "url": "v62.0/sobjects/Account/001000000000001AAA", "richInput": {"Nope": 1}},
        {"method": "GET", "url": "v62.0/limits"},
    ]});

    let answer = org.post("/composite/batch", batch).await;

    assert_eq!(answer.body["hasErrors"], true);
    assert_eq!(answer.body["results"][0]["result"]["Name"], "Keller & Sons");
    assert_eq!(answer.body["results"][1]["statusCode"], 400);
    assert_eq!(answer.body["results"][2]["result"][0]["errorCode"], "BATCH_PROCESSING_HALTED");
    let too_many = vec![json!({"method": "GET", "url": "v62.0/limits"}); 26];
    assert_eq!(
        org.post("/composite/batch", json!({"batchRequests": too_many})).await.code(),
        "LIMIT_EXCEEDED"
    );
}
