//! [`Aws`] and [`Bucket`] against a server that looks like AWS, and is as sparing with headers as
//! stand-ins are.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::Method;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tieline_aws::{
    Aws, AwsCall, AwsError, AwsKeys, AwsSettings, PutMode, PutOutcome, Secrets, SecretsError, Service,
};
use tieline_core::FixedClock;

#[derive(Debug, Clone)]
struct Seen {
    method: Method,
    uri: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

type Reply = (u16, Vec<(&'static str, &'static str)>, &'static str);

#[derive(Clone, Default)]
struct StandIn {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl StandIn {
    async fn start(replies: impl IntoIterator<Item = Reply>) -> (Self, Aws) {
        let this =
            Self { replies: Arc::new(Mutex::new(replies.into_iter().collect())), seen: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(this.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let settings = AwsSettings {
            region: Some("eu-central-1".into()),
            keys: Some(AwsKeys {
                access_key_id: "AKIDEXAMPLE".into(),
                secret_access_key: SecretString::from("hunter2"),
                session_token: Some(SecretString::from("tok")),
            }),
            endpoint: Some(endpoint),
            ..AwsSettings::default()
        };
        (this, Aws::new(settings, Arc::new(FixedClock("2024-01-15T12:34:56Z".parse().unwrap()))))
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer(State(this): State<StandIn>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let body = to_bytes(body, 1 << 20).await.unwrap().to_vec();
    this.seen.lock().unwrap().push(Seen { method: parts.method, uri: parts.uri.to_string(), headers, body });
    let (status, headers, body) = this.replies.lock().unwrap().pop_front().expect("a reply is left");
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap()
}

fn call() -> AwsCall {
    AwsCall::new(
        Service::Connect,
        Method::POST,
        AwsCall::path_segments(&["metrics", "current", "i 1"]).unwrap(),
    )
    .body(json!({"MaxResults": 1}))
    .query("next", "a/b")
}

#[tokio::test]
async fn a_call_is_signed_for_its_service_and_carries_the_token() {
    let (aws, client) = StandIn::start([(200, vec![], r#"{"ok":true}"#)]).await;

    assert_eq!(client.call(&call()).await, Ok(json!({"ok": true})));

    let seen = &aws.seen()[0];
    assert_eq!(seen.uri, "/metrics/current/i%201?next=a%2Fb");
    assert_eq!(seen.headers["content-type"], "application/json");
    assert_eq!(seen.headers["x-amz-security-token"], "tok");
    assert!(seen.headers["authorization"].contains("/eu-central-1/connect/aws4_request"));
    assert!(seen.headers["authorization"].contains("host;x-amz-date;x-amz-security-token"));
    assert_eq!(seen.body, br#"{"MaxResults":1}"#);
    assert!(!format!("{client:?}").contains("hunter2"));
}

#[tokio::test]
async fn throttling_is_always_tried_again_and_a_failure_only_where_a_repetition_is_harmless() {
    let busy = || (429, vec![("x-amzn-errortype", "ThrottlingException")], "{}");
    let broken = || (500, vec![], r#"{"__type":"InternalServiceException"}"#);
    let fine = || (200, vec![], "{}");

    let (aws, client) = StandIn::start([busy(), fine()]).await;
    assert!(client.call(&call()).await.is_ok());
    assert_eq!(aws.seen().len(), 2);

    let (aws, client) = StandIn::start([broken(), fine()]).await;
    assert_eq!(client.call(&call()).await, Err(AwsError::Unavailable("InternalServiceException".into())));
    assert_eq!(aws.seen().len(), 1, "nobody wants two calls");
    assert!(client.call(&call().repeatable()).await.is_ok());

    let (aws, client) = StandIn::start([busy(), fine()]).await;
    assert!(client.call(&call().within(Duration::from_millis(100))).await.is_err());
    assert!(aws.seen().len() <= 1, "there was no time left for a second");
}

#[tokio::test]
async fn a_refusal_keeps_aws_s_code_and_its_text_stays_out_of_ours() {
    let body = r#"{"Message":"User: arn:aws:iam::111122223333:user/x is not authorized"}"#;
    let (_aws, client) =
        StandIn::start([(403, vec![("x-amzn-ErrorType", "AccessDeniedException:http://x/")], body)]).await;
    let error = client.call(&call()).await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDeniedException"));
    assert_eq!(error.to_string(), "AWS refused with AccessDeniedException (status 403)");
}

#[tokio::test]
async fn a_secret_is_read_and_a_refused_one_says_why() {
    let (aws, client) = StandIn::start([
        (200, vec![], r#"{"Name":"sf","SecretString":"{\"a\":1}"}"#),
        (400, vec![], r#"{"__type":"ResourceNotFoundException","Message":"no"}"#),
        (200, vec![], r#"{"Name":"sf","SecretBinary":"AA=="}"#),
    ])
    .await;
    let secrets = Secrets::new(client);
    assert_eq!(secrets.read("sf").await.unwrap().expose_secret(), r#"{"a":1}"#);
    let refused = secrets.read("sf").await.unwrap_err();
    assert!(matches!(&refused, SecretsError::Refused { code } if code == "ResourceNotFoundException"));
    assert!(matches!(secrets.read("sf").await, Err(SecretsError::NotText)));
    let seen = &aws.seen()[0];
    assert_eq!(seen.headers["x-amz-target"], "secretsmanager.GetSecretValue");
    assert_eq!(seen.headers["content-type"], "application/x-amz-json-1.1");
    assert_eq!(seen.body, br#"{"SecretId":"sf"}"#);
    let elsewhere = secrets.read("arn:aws:secretsmanager:us-west-2:111122223333:secret:sf");
    aws.replies.lock().unwrap().push_back((200, vec![], r#"{"SecretString":"x"}"#));
    elsewhere.await.unwrap();
    assert!(
        aws.seen()[3].headers["authorization"].contains("/us-west-2/secretsmanager/"),
        "its ARN says where"
    );
}

#[tokio::test]
async fn an_object_is_read_and_written_where_no_etag_and_no_date_are_answered() {
    let (aws, client) = StandIn::start([
        (200, vec![("x-amz-meta-PostcallTranscribe", "true")], "bytes"),
        (200, vec![("content-length", "5"), ("x-amz-meta-a", "b")], ""),
        (200, vec![], ""),
        (200, vec![("etag", "\"e1\""), ("last-modified", "Mon, 15 Jan 2024 12:34:56 GMT")], "bytes"),
    ])
    .await;
    let bucket = client.bucket("calls");

    let object = bucket.read("locks/a:b c.lock", 100).await.unwrap().unwrap();
    assert_eq!(object.bytes, "bytes");
    assert_eq!(object.metadata["postcalltranscribe"], "true");
    assert_eq!((object.etag, object.last_modified), (None, None));

    let info = bucket.head("k").await.unwrap().unwrap();
    assert_eq!((info.size, info.metadata["a"].as_str()), (5, "b"));

    let metadata = BTreeMap::from([("x".to_owned(), "y".to_owned())]);
    let written = bucket.put("k", "body", &metadata, "text/plain", PutMode::Overwrite).await.unwrap();
    assert_eq!(written, PutOutcome::Written { etag: None });

    let object = bucket.read("k", 100).await.unwrap().unwrap();
    assert_eq!(object.etag.as_deref(), Some("\"e1\""));
    assert_eq!(object.last_modified, Some("2024-01-15T12:34:56Z".parse::<Timestamp>().unwrap()));

    let seen = aws.seen();
    assert_eq!(seen[0].uri, "/calls/locks/a%3Ab%20c.lock");
    assert_eq!(seen[1].method, Method::HEAD);
    assert_eq!(seen[2].headers["x-amz-meta-x"], "y");
    assert_eq!(seen[2].headers["content-type"], "text/plain");
    assert_eq!(seen[2].body, b"body");
}

#[tokio::test]
async fn no_object_is_none_and_no_bucket_is_an_error() {
    let (_aws, client) = StandIn::start([
        (404, vec![], "<Error><Code>NoSuchKey</Code></Error>"),
        (404, vec![], ""),
        (404, vec![], ""),
        (404, vec![], "<Error><Code>NoSuchBucket</Code></Error>"),
        (403, vec![], "<Error><Code>AccessDenied</Code></Error>"),
        (301, vec![("x-amz-bucket-region", "eu-west-1")], "<Error><Code>PermanentRedirect</Code></Error>"),
        (403, vec![], "<Error><Code>RequestTimeTooSkewed</Code></Error>"),
        (403, vec![], ""),
    ])
    .await;
    let bucket = client.bucket("calls");
    assert_eq!(bucket.read("k", 1).await, Ok(None));
    assert_eq!(bucket.read("k", 1).await, Ok(None));
    assert_eq!(bucket.head("k").await, Ok(None));
    assert_eq!(bucket.read("k", 1).await.unwrap_err().code(), Some("NoSuchBucket"));
    assert_eq!(bucket.read("k", 1).await.unwrap_err().code(), Some("AccessDenied"));
    assert_eq!(bucket.read("k", 1).await.unwrap_err().code(), Some("PermanentRedirect"));
    assert_eq!(bucket.read("k", 1).await, Err(AwsError::ClockSkew));
    assert_eq!(bucket.head("k").await.unwrap_err().code(), Some("403"));
}

#[tokio::test]
async fn a_conditional_write_finds_somebody_else_s() {
    let (aws, client) = StandIn::start([
        (412, vec![], "<Error><Code>PreconditionFailed</Code></Error>"),
        (409, vec![], "<Error><Code>ConditionalRequestConflict</Code></Error>"),
        (412, vec![], ""),
        (200, vec![("etag", "\"e2\"")], ""),
    ])
    .await;
    let bucket = client.bucket("calls");
    let put = |mode| bucket.put("k", "v", EMPTY, "text/plain", mode);
    assert_eq!(put(PutMode::IfAbsent).await, Ok(PutOutcome::Exists));
    assert_eq!(put(PutMode::IfAbsent).await, Ok(PutOutcome::Exists));
    assert_eq!(put(PutMode::IfMatch("\"e1\"".into())).await, Ok(PutOutcome::Exists));
    assert_eq!(
        put(PutMode::IfMatch("\"e1\"".into())).await,
        Ok(PutOutcome::Written { etag: Some("\"e2\"".into()) })
    );
    assert_eq!(aws.seen()[0].headers["if-none-match"], "*");
    assert_eq!(aws.seen()[2].headers["if-match"], "\"e1\"");
}

static EMPTY: &BTreeMap<String, String> = &BTreeMap::new();

const FIRST: &str = "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t/1=</NextContinuationToken><Contents><Key>p/a:1.wav</Key><LastModified>2024-01-15T12:34:56.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>7</Size></Contents></ListBucketResult>";
const LAST: &str = "<ListBucketResult><Contents><Key>p/b&amp;c.wav</Key><LastModified>2024-01-15T12:34:56Z</LastModified><Size>8</Size></Contents></ListBucketResult>";

#[tokio::test]
async fn a_list_follows_its_pages() {
    let (aws, client) = StandIn::start([(200, vec![], FIRST), (200, vec![], LAST)]).await;
    let (objects, cut) = client.bucket("calls").list("p/", 100).await.unwrap();
    let keys: Vec<&str> = objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(keys, ["p/a:1.wav", "p/b&c.wav"]);
    assert!(!cut);
    assert!(aws.seen()[0].uri.contains("prefix=p%2F"));
    assert!(aws.seen()[1].uri.contains("continuation-token=t%2F1%3D"), "{}", aws.seen()[1].uri);

    let (_aws, client) = StandIn::start([(200, vec![], FIRST), (200, vec![], FIRST)]).await;
    let (objects, _) = client.bucket("calls").list("p/", 100).await.unwrap();
    assert_eq!(objects.len(), 2, "a server that repeats its page does not keep us");
}

#[tokio::test]
async fn nothing_is_signed_when_the_clock_is_wrong_or_a_browser_would_rewrite_the_key() {
    let late = vec![("date", "Mon, 15 Jan 2024 12:34:56 GMT")];
    let (_aws, client) = StandIn::start([(200, late, "x")]).await;
    let bucket = client.bucket("calls");
    let url = bucket.presign("p/a:1.wav", Duration::from_secs(300), &[]).await.unwrap();
    assert!(url.contains("/calls/p/a%3A1.wav?X-Amz-Algorithm="), "path style at an endpoint of one's own");
    assert!(url.contains("X-Amz-Date=20240115T123456Z"));
    assert_eq!(bucket.presign("p/../q", Duration::from_secs(300), &[]).await, Err(AwsError::UnsafeKey));
    bucket.read("k", 1).await.unwrap();
    assert_eq!(bucket.presign("p/a", Duration::from_secs(300), &[]).await, Err(AwsError::ClockSkew));
}

#[tokio::test]
async fn a_key_that_storage_would_rewrite_is_not_asked_for() {
    let (aws, client) = StandIn::start([]).await;
    for key in ["", "/a", "a//b", "a/../b", "a/"] {
        assert_eq!(client.bucket("calls").read(key, 1).await, Err(AwsError::UnsafeKey), "{key}");
    }
    assert!(aws.seen().is_empty());
}

#[tokio::test]
async fn an_object_larger_than_wanted_is_not_read() {
    let (_aws, client) = StandIn::start([(200, vec![], "12345")]).await;
    assert_eq!(client.bucket("calls").read("k", 4).await, Err(AwsError::TooLarge { limit: 4 }));
}

#[tokio::test]
async fn a_folder_stands_for_a_bucket() {
    let folder = tempfile::tempdir().unwrap();
    let day = folder.path().join("connect/acme/2024/01/15");
    std::fs::create_dir_all(&day).unwrap();
    std::fs::write(day.join("a_20240115T12:30_UTC.wav"), "0123456789").unwrap();
    std::fs::write(day.join("b.wav"), "x").unwrap();
    let (_aws, client) = StandIn::start([]).await;
    let bucket = client.bucket("calls").in_folder(folder.path()).unwrap();

    let (objects, _) = bucket.list("connect/acme/2024/01/15/a_", 10).await.unwrap();
    assert_eq!(objects.len(), 1);
    assert_eq!(objects[0].key, "connect/acme/2024/01/15/a_20240115T12:30_UTC.wav");
    assert_eq!(bucket.read_range(&objects[0].key, 2..5).await.unwrap().unwrap(), "234");
    assert_eq!(bucket.list("connect/none/", 10).await.unwrap().0, []);
    assert_eq!(bucket.head("connect/none").await, Ok(None));
    assert_eq!(bucket.read("../../etc/passwd", 10).await, Err(AwsError::UnsafeKey));
}
