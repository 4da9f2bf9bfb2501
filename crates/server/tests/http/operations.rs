use secrecy::SecretString;
use tieline_engine::config::SecretKeys;

use crate::harness::{Answer, Server};

#[tokio::test]
async fn a_server_says_that_it_lives_and_is_ready() {
    let server = Server::start().await;
    assert_eq!(Answer::of(server.get("/healthz")).await.json()["status"], "ok");
    assert_eq!(Answer::of(server.get("/readyz")).await.json()["status"], "ready");
}

#[tokio::test]
async fn metrics_count_by_route_and_never_by_address() {
    let server = Server::start().await;
    Answer::of(server.get("/panel/no-such-workspace")).await;
    Answer::of(server.get("/nowhere/at/all")).await;
    let answer = Answer::of(server.get("/metrics")).await;
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    let counted = "tieline_http_requests_total{route=\"/panel/{workspace}\",method=\"GET\",status=\"404\"} 1";
    assert!(answer.text.contains(counted), "{}", answer.text);
    assert!(answer.text.contains("route=\"none\""), "{}", answer.text);
    assert!(!answer.text.contains("no-such-workspace") && !answer.text.contains("nowhere"));
    assert!(
        answer.text.contains("tieline_queue_rows{queue=\"outbox\",state=\"waiting\"} 0"),
        "{}",
        answer.text
    );
    for told in [
        "tieline_crm_paused{connection=\"salesforce\"} 0",
        "tieline_crm_calls_total{connection=\"salesforce\",purpose=\"dip\"} 0",
        "tieline_crm_calls_refused_total{connection=\"salesforce\",purpose=\"other\"} 0",
        "tieline_pipeline_steps_total{what=\"rows_written\"} 0",
    ] {
        assert!(answer.text.contains(told), "{told} in {}", answer.text);
    }
    assert!(answer.text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn metrics_are_told_to_who_has_the_key_where_there_is_one() {
    let server = Server::start_with(|config| {
        config.metrics_key = Some(SecretKeys::new([&SecretString::from("a-key-for-metrics")]));
    })
    .await;
    assert_eq!(Answer::of(server.get("/metrics")).await.problem(), "unauthorized");
    let wrong = server.get("/metrics").header("authorization", "Bearer another");
    assert_eq!(Answer::of(wrong).await.problem(), "unauthorized");
    let right = server.get("/metrics").header("authorization", "Bearer a-key-for-metrics");
    assert_eq!(Answer::of(right).await.status, 200);
}

#[tokio::test]
async fn a_name_somebody_else_made_point_here_is_not_answered() {
    let server = Server::start().await;
    let port = server.address.rsplit(':').next().unwrap();
    for good in [format!("panel.localhost:{port}"), format!("localhost:{port}"), format!("127.0.0.1:{port}")]
    {
        assert_eq!(Answer::of(server.get("/healthz").header("host", &good)).await.status, 200, "{good}");
    }
    for bad in
        [format!("evil.example.com:{port}"), "panel.localhost".into(), format!("x.panel.localhost:{port}")]
    {
        let answer = Answer::of(server.get("/healthz").header("host", &bad)).await;
        assert_eq!(answer.problem(), "foreign_host", "{bad}");
    }
}

#[tokio::test]
async fn every_route_is_described() {
    let server = Server::start().await;
    let api = Answer::of(server.get("/openapi.json")).await.json();
    let mut calls: Vec<String> = api["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys().map(|method| method.to_uppercase());
            methods.map(move |method| format!("{method} {path}")).collect::<Vec<_>>()
        })
        .collect();
    calls.sort();
    insta::assert_snapshot!(calls.join("\n"));
}
