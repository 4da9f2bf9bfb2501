//! What somebody with a raw connection, or with a page of their own, can try.

use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::garbage::operations;
use crate::harness::{Answer, Server};

/// Sends bytes as they are; what came back until the other side closed.
async fn raw(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address.trim_start_matches("http://")).await.unwrap();
    // The server may have answered and closed before it read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn every_answer_says_who_may_frame_it_and_it_is_never_everybody() {
    let server = Server::start().await;
    for (method, pattern) in operations() {
        let path = pattern.replace("{workspace}", "demo").replace("{connection}", "connect");
        let path = path.replace("{attempt}", "attempt-0123456789abcdef").replace("{contact}", "c-1");
        let request = server.request(method.clone(), &path.replace("{path}", "nothing.js"));
        for request in [request.try_clone().unwrap(), request.header("host", "evil.example.com")] {
            let answer = Answer::of(request.header("accept", "text/html")).await;
            let policy = answer.header("content-security-policy");
            let ancestors = policy.split("frame-ancestors ").nth(1).unwrap().split(';').next().unwrap();
            assert!(!ancestors.contains('*') && !ancestors.trim().is_empty(), "{method} {path}: {policy}");
            let own = server.issuer.origin.as_str();
            assert!(
                ancestors == "'none'" || (pattern.starts_with("/panel/") && ancestors == own),
                "{policy}"
            );
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{method} {path}");
            assert!(answer.headers.get("access-control-allow-origin").is_none(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn no_preflight_is_ever_granted() {
    let server = Server::start().await;
    for (_, pattern) in operations() {
        let path = pattern.replace("{workspace}", "demo").replace("{connection}", "connect");
        let request = server.request(Method::OPTIONS, &path).header("origin", "https://evil.example.com");
        let request = request.header("access-control-request-method", "POST");
        let answer = Answer::of(request.header("access-control-request-headers", "x-tieline-panel")).await;
        let granted = answer.headers.keys().find(|name| name.as_str().starts_with("access-control-"));
        assert!(granted.is_none(), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_refused_however_it_is_said() {
    let server = Server::start().await;
    let ours = format!("localhost:{}", server.address.rsplit(':').next().unwrap());
    for head in [
        "GET /healthz HTTP/1.1\r\nHost: evil.example.com".to_owned(),
        format!("GET /healthz HTTP/1.1\r\nHost: evil.example.com\r\nHost: {ours}"),
        format!("GET /healthz HTTP/1.1\r\nHost: {ours}\r\nHost: evil.example.com"),
        format!("GET http://evil.example.com/healthz HTTP/1.1\r\nHost: {ours}"),
        format!("GET /healthz HTTP/1.1\r\nHost: {ours}.evil.example.com"),
        "GET /healthz HTTP/1.1".to_owned(),
    ] {
        let answer = raw(&server, format!("{head}\r\nConnection: close\r\n\r\n").as_bytes()).await;
        assert_eq!(status(&answer), "421", "{head}: {answer}");
        assert!(answer.contains("foreign_host"), "{answer}");
    }
}

#[tokio::test]
async fn requests_that_are_not_http_or_far_too_large_are_refused_and_the_next_is_answered() {
    let server = Server::start().await;
    let ours = format!("Host: localhost:{}\r\n", server.address.rsplit(':').next().unwrap());
    let many = "x-a: 1\r\n".repeat(500);
    let long = "a".repeat(1_000_000);
    let dip = format!(
        "POST /v1/workspaces/demo/dips HTTP/1.1\r\n{ours}Authorization: Bearer sandbox-dip-key\r\n\
         Content-Type: application/json\r\nConnection: close\r\n"
    );
    for bytes in [
        format!("GET /healthz HTTP/1.1\r\n{ours}{many}\r\n"),
        format!("GET /healthz HTTP/1.1\r\n{ours}x: {long}\r\n\r\n"),
        format!("GET /{long} HTTP/1.1\r\n{ours}\r\n"),
        format!("GET /healthz HTTP/1.1\r\n{ours}x: \0\r\n\r\n"),
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\r\n\r\n".to_owned(),
        format!("{dip}Content-Length: -1\r\n\r\n"),
        format!("{dip}Content-Length: 99999999999\r\n\r\n"),
        format!("{dip}Transfer-Encoding: chunked\r\n\r\nZZ\r\n"),
        format!("{dip}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ] {
        let answer = raw(&server, bytes.as_bytes()).await;
        assert!(status(&answer).starts_with('4'), "{}: {answer}", &bytes[..bytes.len().min(80)]);
    }
    assert_eq!(Answer::of(server.get("/healthz")).await.status, 200);
}

#[tokio::test]
async fn json_that_says_two_things_is_asked_about_one_operation_only() {
    // Which of two equal members counts may differ between parsers; the key must allow what is done.
    let server = Server::start_with(|config| {
        for workspace in config.workspaces.values_mut() {
            workspace.keys[0].operations = vec!["dips:lookup".parse().unwrap()];
        }
    })
    .await;
    for (first, second) in [("lookup", "create"), ("create", "create")] {
        let body = format!(
            r#"{{"Details":{{"Parameters":{{"sf_operation":"{first}","sf_operation":"{second}","sf_object":"Case"}}}}}}"#
        );
        let request = server.post("/v1/workspaces/demo/dips").bearer_auth("sandbox-dip-key");
        let answer = Answer::of(request.header("content-type", "application/json").body(body)).await;
        assert_eq!(answer.problem(), "dip.not_allowed");
    }
}
