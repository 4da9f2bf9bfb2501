use serde_json::json;

use crate::harness::Instance;

#[tokio::test]
async fn an_event_looks_like_one_from_an_eventbridge_api_destination() {
    let mut instance = Instance::start().await;
    instance.call(json!({"from": "+12025550143"})).await;

    let event = instance.next().await;

    assert_eq!(event.header("x-tieline-key"), "sandbox-eventbridge-key");
    assert_eq!(event.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(event.header("user-agent"), "Amazon/EventBridge/ApiDestinations");
    assert_eq!(event.header("range"), "bytes=0-1048575");
    assert_eq!(event.body["version"], "0");
    assert!(event.body["detail"].is_object());
}

#[tokio::test]
async fn a_record_looks_like_one_from_firehose_also_compressed() {
    let mut instance = Instance::start_with(|to| to.gzip = true).await;
    let call = instance.call(json!({"from": "+12025550143"})).await;
    instance.act(&call, "hangup").await;
    instance.events(4).await;
    instance.advance("PT3S").await;

    let request = instance.next().await;

    assert_eq!(request.header("x-amz-firehose-protocol-version"), "1.0");
    assert_eq!(request.header("x-amz-firehose-access-key"), "sandbox-firehose-key");
    assert_eq!(request.header("content-encoding"), "gzip");
    assert_eq!(request.header("x-amz-firehose-request-id"), request.body["requestId"]);
    assert_eq!(request.records[0]["ContactId"], call);
}

#[tokio::test]
async fn a_delivery_that_is_not_taken_is_tried_again_later_and_kept() {
    let mut instance = Instance::start().await;
    instance.answer_next(&[(503, ""), (429, "60")]);
    instance.call(json!({"from": "+12025550143"})).await;
    let first = instance.next().await;
    instance.next().await;
    let waiting = instance.settled_deliveries().await;
    assert_eq!(waiting[0]["status"], "waiting");
    assert_eq!(waiting[0]["answered"], 503);
    assert_eq!(waiting[1]["next"], "2026-11-20T12:01:00Z");

    instance.advance("PT2S").await;
    let again = instance.next().await;
    assert_eq!(again.body["id"], first.body["id"]);
    let half = instance.settled_deliveries().await;
    assert_eq!((&half[0]["status"], &half[0]["attempts"]), (&json!("delivered"), &json!(2)));
    assert_eq!(half[1]["status"], "waiting");
    instance.advance("PT58S").await;
    instance.next().await;

    assert!(instance.settled_deliveries().await.iter().all(|delivery| delivery["status"] == "delivered"));
}

#[tokio::test]
async fn an_event_that_is_refused_for_good_is_not_tried_again() {
    let mut instance = Instance::start().await;
    instance.answer_next(&[(400, ""), (200, "")]);
    instance.call(json!({"from": "+12025550143"})).await;
    instance.events(2).await;

    instance.advance("P1D").await;

    let all = instance.settled_deliveries().await;
    assert_eq!((&all[0]["status"], &all[0]["attempts"]), (&json!("failed"), &json!(1)));
    assert!(instance.nothing_arrived());
}

#[tokio::test]
async fn a_record_acknowledged_in_the_wrong_shape_counts_as_refused() {
    let mut instance = Instance::start().await;
    let call = instance.call(json!({"from": "+12025550143"})).await;
    instance.act(&call, "hangup").await;
    instance.events(4).await;
    instance.answer_next(&[(200, "")]);
    instance.advance("PT3S").await;
    let first = instance.next().await;
    assert_eq!(instance.settled_deliveries().await[4]["answered"], 500);

    instance.advance("PT2S").await;

    assert_eq!(instance.next().await.body["requestId"], first.body["requestId"]);
    assert_eq!(instance.settled_deliveries().await[4]["status"], "delivered");
}

#[tokio::test]
async fn any_delivery_can_be_sent_once_more() {
    let mut instance = Instance::start().await;
    instance.call(json!({"from": "+12025550143"})).await;
    let first = instance.next().await;
    instance.next().await;
    instance.settled_deliveries().await;

    let (status, _) = instance.post("/deliveries/1/again", json!({})).await;

    assert_eq!(status, 202);
    assert_eq!(instance.next().await.body, first.body);
    assert_eq!(instance.post("/deliveries/99/again", json!({})).await.0, 404);
}

#[tokio::test]
async fn deliveries_can_come_twice() {
    let mut instance = Instance::start().await;
    instance.break_with(json!({"kind": "deliver_twice", "match": {"path": "event"}})).await;
    instance.call(json!({"from": "+12025550143"})).await;

    let (first, second) = (instance.next().await, instance.next().await);

    assert_eq!(first.body, second.body);
    assert_eq!(instance.next().await.event_type(), "QUEUED");
}

#[tokio::test]
async fn deliveries_can_come_late_or_never() {
    let mut instance = Instance::start().await;
    instance.break_with(json!({"kind": "deliver_late", "delay_ms": 90_000})).await;
    instance.break_with(json!({"kind": "deliver_never"})).await;
    instance.call(json!({"from": "+12025550143"})).await;
    assert!(instance.nothing_arrived());

    instance.advance("PT90S").await;

    assert_eq!(instance.next().await.event_type(), "INITIATED");
    let all = instance.settled_deliveries().await;
    assert_eq!((&all[1]["eventType"], &all[1]["status"]), (&json!("QUEUED"), &json!("kept")));
}

#[tokio::test]
async fn deliveries_can_overtake_each_other() {
    let mut instance = Instance::start().await;
    instance.break_with(json!({"kind": "deliver_shuffled"})).await;
    instance.call(json!({"from": "+12025550143"})).await;
    assert_eq!(instance.next().await.event_type(), "QUEUED");

    instance.advance("PT0.001S").await;

    assert_eq!(instance.next().await.event_type(), "INITIATED");
}
