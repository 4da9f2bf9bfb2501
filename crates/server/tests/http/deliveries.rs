//! What contact centers send, and what they are told.

use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::RequestBuilder;
use secrecy::SecretString;
use serde_json::{Value, json};
use tieline_aws::AwsSettings;
use tieline_engine::config::{Connection, FilesConfig, SecretKeys};

use crate::harness::{Answer, Server};

const DELIVERIES: &str = "/v1/connections/connect/deliveries";

fn event(server: &Server) -> RequestBuilder {
    // As EventBridge sends it; `Range` is to be ignored.
    server
        .post(DELIVERIES)
        .header("content-type", "application/json; charset=utf-8")
        .header("user-agent", "Amazon/EventBridge/ApiDestinations")
        .header("range", "bytes=0-1048575")
        .header("x-tieline-key", "sandbox-eventbridge-key")
}

fn firehose(server: &Server) -> RequestBuilder {
    server
        .post(DELIVERIES)
        .header("x-amz-firehose-protocol-version", "1.0")
        .header("x-amz-firehose-request-id", "5c1e8b70-93d4-4a2f-b6e8-0d71f4c9a235")
        .header("x-amz-firehose-access-key", "sandbox-firehose-key")
        .header("content-type", "application/json")
}

fn an_event(id: &str) -> Value {
    json!({
        "version": "0", "id": id, "detail-type": "Amazon Connect Contact Event", "source": "aws.connect",
        "time": "2026-11-20T09:00:00Z", "detail": { "eventType": "INITIATED", "contactId": "c-1" },
    })
}

fn batch(records: &[&str]) -> Value {
    let records: Vec<Value> =
        records.iter().map(|text| json!({ "data": BASE64_STANDARD.encode(text) })).collect();
    json!({ "requestId": "5c1e8b70-93d4-4a2f-b6e8-0d71f4c9a235", "timestamp": 1_780_000_000_000_i64, "records": records })
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

async fn stored(server: &Server) -> u64 {
    server.store.waiting_deliveries().await.unwrap()
}

#[tokio::test]
async fn an_event_is_stored_before_it_is_acknowledged_and_once() {
    let server = Server::start().await;
    for _ in 0..3 {
        let answer = Answer::of(event(&server).json(&an_event("e-1"))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(stored(&server).await, 1);
}

#[tokio::test]
async fn a_bad_key_is_sent_again_and_poison_is_not() {
    let server = Server::start().await;
    let wrong = server.post(DELIVERIES).header("x-tieline-key", "wrong").json(&an_event("e-1"));
    assert_eq!(Answer::of(wrong).await.problem(), "unauthorized");
    let none = Answer::of(server.post(DELIVERIES).json(&an_event("e-1"))).await;
    assert_eq!(none.problem(), "unauthorized");
    // The key of one way does not open the other, nor an unknown connection.
    let crossed = server.post(DELIVERIES).header("x-tieline-key", "sandbox-firehose-key");
    assert_eq!(Answer::of(crossed.json(&an_event("e-1"))).await.problem(), "unauthorized");
    let nowhere =
        server.post("/v1/connections/nowhere/deliveries").header("x-tieline-key", "sandbox-eventbridge-key");
    assert_eq!(Answer::of(nowhere.json(&an_event("e-1"))).await.problem(), "unauthorized");

    assert_eq!(Answer::of(event(&server).body("{\"detail\":")).await.problem(), "delivery_malformed");
    assert_eq!(Answer::of(event(&server).json(&json!({ "a": 1 }))).await.problem(), "delivery_malformed");
    assert_eq!(stored(&server).await, 0);
}

#[tokio::test]
async fn an_old_and_a_new_key_both_work_while_one_replaces_the_other() {
    let server = Server::start_with(|config| {
        for connection in config.connections.values_mut() {
            if let Connection::AmazonConnect(connect) = connection {
                let keys = ["old-key", "new-key"].map(SecretString::from);
                connect.eventbridge_keys = SecretKeys::new(&keys);
            }
        }
    })
    .await;
    for (key, status) in [("old-key", 200), ("new-key", 200), ("sandbox-eventbridge-key", 401)] {
        let request = server.post(DELIVERIES).header("x-tieline-key", key).json(&an_event(key));
        assert_eq!(Answer::of(request).await.status, status, "{key}");
    }
}

#[tokio::test]
async fn a_firehose_batch_is_answered_in_firehoses_own_form() {
    let server = Server::start().await;
    let body = batch(&["{\"ContactId\":\"a\"}{\"ContactId\":\"b\"}", "", "{\"ContactId\":\"c\"}"]);
    let answer = Answer::of(firehose(&server).json(&body)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("content-length"), answer.text.len().to_string());
    assert!(answer.headers.get("content-encoding").is_none());
    let now = server.state.clock.now().as_millisecond();
    assert_eq!(
        answer.json(),
        json!({ "requestId": "5c1e8b70-93d4-4a2f-b6e8-0d71f4c9a235", "timestamp": now })
    );
    assert_eq!(stored(&server).await, 3);
}

#[tokio::test]
async fn a_batch_may_be_packed_and_its_sum_is_counted_unpacked() {
    let server = Server::start().await;
    let packed = gzip(batch(&["{\"ContactId\":\"a\"}"]).to_string().as_bytes());
    let answer = Answer::of(firehose(&server).header("content-encoding", "gzip").body(packed)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(stored(&server).await, 1);

    let bomb = gzip(&vec![b' '; 9 * 1024 * 1024]);
    let answer = Answer::of(firehose(&server).header("content-encoding", "gzip").body(bomb)).await;
    // 413 would make Firehose throw the batch away.
    assert_eq!(answer.status, 400);
    assert!(answer.json()["errorMessage"].as_str().unwrap().starts_with("body_too_large: "), "{answer:?}");
}

#[tokio::test]
async fn a_firehose_failure_echoes_the_request_and_says_why() {
    let server = Server::start().await;
    let wrong = server
        .post(DELIVERIES)
        .header("x-amz-firehose-request-id", "r-1")
        .header("x-amz-firehose-access-key", "wrong")
        .json(&batch(&["{}"]));
    let answer = Answer::of(wrong).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["requestId"], "r-1");
    assert!(answer.json()["errorMessage"].as_str().unwrap().starts_with("unauthorized: "));
    assert!(answer.json()["timestamp"].is_i64());

    let poison = Answer::of(firehose(&server).body("not a batch")).await;
    assert_eq!(poison.status, 400);
    assert_eq!(poison.json()["requestId"], "5c1e8b70-93d4-4a2f-b6e8-0d71f4c9a235");
    assert_eq!(stored(&server).await, 0);
}

#[tokio::test]
async fn the_request_id_is_taken_from_the_body_where_the_header_is_missing() {
    let server = Server::start().await;
    let request = server.post(DELIVERIES).header("x-amz-firehose-access-key", "sandbox-firehose-key");
    let answer = Answer::of(request.json(&batch(&["{\"ContactId\":\"a\"}"]))).await;
    assert_eq!(answer.json()["requestId"], "5c1e8b70-93d4-4a2f-b6e8-0d71f4c9a235");
}

#[tokio::test]
async fn a_single_event_of_more_than_a_mebibyte_is_refused() {
    let server = Server::start().await;
    let mut large = an_event("e-1");
    large["detail"]["padding"] = json!("x".repeat(1024 * 1024));
    assert_eq!(Answer::of(event(&server).json(&large)).await.problem(), "body_too_large");
}

#[tokio::test]
async fn too_many_at_once_are_told_to_come_back() {
    let server = Server::start().await;
    let all = u32::try_from(server.state.intake.available_permits()).unwrap();
    let held = server.state.intake.acquire_many(all).await.unwrap();
    let answer = Answer::of(event(&server).json(&an_event("e-1"))).await;
    assert_eq!(answer.problem(), "overloaded");
    assert_eq!(answer.header("retry-after"), "2");
    let answer = Answer::of(firehose(&server).json(&batch(&["{}"]))).await;
    assert_eq!(answer.status, 503);
    assert!(answer.json()["errorMessage"].as_str().unwrap().starts_with("overloaded: "), "{answer:?}");
    drop(held);
    assert_eq!(Answer::of(event(&server).json(&an_event("e-1"))).await.status, 200);
}

fn notification(keys: &[&str]) -> Value {
    let record = |key: &&str| {
        json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "rep"},
        "object": {"key": key, "eTag": "1", "sequencer": "0A"}}})
    };
    json!({"Records": keys.iter().map(record).collect::<Vec<_>>()})
}

#[tokio::test]
async fn news_of_files_are_taken_where_a_workspace_keeps_them_and_refused_elsewhere() {
    let news = notification(&["a.csv", "b+c.csv"]);
    let nobody = Server::start().await;
    let answer = Answer::of(event(&nobody).body(news.to_string())).await;
    assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (400, "delivery_malformed"));
    assert!(answer.text.contains("FILES_NOT_KEPT"), "{}", answer.text);
    assert_eq!(stored(&nobody).await, 0);

    let server = Server::start_with(|config| {
        for connection in config.connections.values_mut() {
            if let Connection::AmazonConnect(connect) = connection {
                connect.files = Some(Box::new(FilesConfig {
                    buckets: vec!["rep".into()],
                    region: "us-east-1".into(),
                    agent_reports: None,
                    queue_reports: None,
                    import: tieline_amazon_connect::Import::All,
                    redacted: tieline_amazon_connect::Redacted::Prefer,
                    transcription: None,
                    folder: None,
                    aws: AwsSettings::from_environment(|_| None),
                }));
            }
        }
        for workspace in config.workspaces.values_mut() {
            workspace.records = vec!["agent-report".into()];
        }
    })
    .await;
    for _ in 0..2 {
        assert_eq!(Answer::of(event(&server).body(news.to_string())).await.status, 200);
        assert_eq!(stored(&server).await, 2, "one an object, and once");
    }
    let bus = json!({"id": "e-9", "detail-type": "Object Created", "detail": {"bucket": {"name": "rep"},
        "object": {"key": "b c.csv", "etag": "1", "sequencer": "0A"}}});
    assert_eq!(Answer::of(event(&server).body(bus.to_string())).await.status, 200);
    assert_eq!(stored(&server).await, 2, "the same object, told by another sender");
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "rep"});
    assert_eq!(Answer::of(event(&server).body(test.to_string())).await.status, 200);
    let bad_key = notification(&["%FF.csv"]).to_string();
    for garbage in [r#"{"Records":7}"#, r#"{"Records":[7]}"#, r#"{"Records":[{"s3":{}}]}"#, &bad_key] {
        let answer = Answer::of(event(&server).body(garbage.to_owned())).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (400, "delivery_malformed"),
            "{garbage}"
        );
    }
    let unsigned = server.post(DELIVERIES).body(news.to_string());
    assert_eq!(Answer::of(unsigned).await.status, 401);
    assert_eq!(stored(&server).await, 2);
}
