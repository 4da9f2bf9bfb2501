use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Org};

async fn fault(org: &Org, body: Value) -> u64 {
    let answer = org.control("faults", body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body["id"].as_u64().unwrap()
}

#[tokio::test]
async fn a_refused_connection_does_nothing_and_the_next_request_works() {
    let org = Org::start().await;
    fault(&org, json!({"kind": "refuse", "match": {"path": "/sobjects/Lead"}})).await;
    let lead = json!({"LastName": "A", "Company": "B"});

    let refused = org.request(Method::POST, "/sobjects/Lead").json(&lead).send().await;

    assert!(refused.is_err());
    assert_eq!(org.count("Lead").await, 8);
    org.create("Lead", lead).await;
}

#[tokio::test]
async fn a_lost_answer_leaves_the_record_behind() {
    let org = Org::start().await;
    fault(&org, json!({"kind": "commit_then_lose", "match": {"method": "POST"}})).await;

    // A request that commits nothing does not use the fault up.
    assert_eq!(org.post("/sobjects/Lead", json!({})).await.status, 400);
    let lost = org
        .request(Method::POST, "/sobjects/Lead")
        .json(&json!({"LastName": "A", "Company": "B"}))
        .send()
        .await;

    assert!(lost.is_err());
    assert_eq!(org.count("Lead").await, 9);
    let log =
        org.http.get(org.url("/sandbox/v1/requests")).send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!((&log[1]["committed"], &log[1]["status"]), (&json!(true), &Value::Null));
}

#[tokio::test]
async fn a_held_answer_comes_when_the_fault_is_deleted() {
    let org = Org::start().await;
    let id = fault(&org, json!({"kind": "commit_then_hang", "match": {"contact": "c-42"}})).await;
    let task = org.request(Method::POST, "/sobjects/Task").json(&json!({"CallObject": "c-42"}));
    let other = org.create("Task", json!({"CallObject": "c-1"})).await;
    assert!(!other.is_empty());

    let held = tokio::spawn(async move { Answer::read(task.send().await.unwrap()).await });
    // Committed, and not answered: everybody else sees the record meanwhile.
    while org.count("Task WHERE CallObject = 'c-42'").await == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!held.is_finished());
    org.http
        .delete(org.url(&format!("/sandbox/v1/faults/{id}")))
        .header("x-tieline-sandbox", "1")
        .send()
        .await
        .unwrap();

    assert_eq!(held.await.unwrap().status, 201);
}

#[tokio::test]
async fn a_locked_row_is_refused_row_by_row() {
    let org = Org::start().await;
    fault(&org, json!({"kind": "lock", "times": 2})).await;
    let record = json!({"attributes": {"type": "Interaction__c"}, "Key__c": "k"});

    let collection =
        org.patch("/composite/sobjects/Interaction__c/Key__c", json!({"records": [record]})).await;
    let single = org.patch("/sobjects/Interaction__c/Key__c/k", json!({})).await;
    let after = org.patch("/sobjects/Interaction__c/Key__c/k", json!({})).await;

    assert_eq!(collection.body[0]["errors"][0]["statusCode"], "UNABLE_TO_LOCK_ROW");
    assert_eq!((single.status.as_u16(), single.code()), (400, "UNABLE_TO_LOCK_ROW"));
    assert_eq!(after.status, 201);
}

#[tokio::test]
async fn statuses_come_with_salesforces_bodies() {
    let org = Org::start().await;
    for (status, expected) in
        [(401, "INVALID_SESSION_ID"), (403, "REQUEST_LIMIT_EXCEEDED"), (500, "SERVER_UNAVAILABLE")]
    {
        fault(&org, json!({"kind": "status", "status": status})).await;
        let answer = org.query("SELECT Id FROM Lead").await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, expected));
    }
    fault(&org, json!({"kind": "status", "status": 503})).await;
    let html = org.query("SELECT Id FROM Lead").await;
    assert!(html.body.as_str().unwrap().starts_with("<html>"), "{html:?}");
}

#[tokio::test]
async fn an_answer_can_be_cut_or_come_late() {
    let org = Org::start().await;
    fault(&org, json!({"kind": "truncate"})).await;
    let cut = org.query("SELECT Id FROM Lead").await;
    assert!(cut.body.as_str().unwrap().starts_with("{\"totalSize\""), "{cut:?}");

    fault(&org, json!({"kind": "slow", "delay_ms": 60_000})).await;
    let late = tokio::time::timeout(Duration::from_millis(50), org.query("SELECT Id FROM Lead")).await;
    assert!(late.is_err());
}
