//! AWS's own Python client signs the same as we do: addresses for names nobody would give, in every
//! partition, and the calls as they went over the wire.
//!
//! botocore comes from its registry, as for the sandbox's clients. Where it cannot be installed the
//! test fails and says so.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use http::Method;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use tieline_aws::{Aws, AwsCall, AwsKeys, AwsSettings, Presign, S3Host, Service, presign};
use tieline_core::FixedClock;

const AT: &str = "20260228T235959Z";
const TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJH+token/with=chars==";

fn keys(token: bool) -> AwsKeys {
    AwsKeys {
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: SecretString::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        session_token: token.then(|| SecretString::from(TOKEN)),
    }
}

/// Texts of every character that ever broke a signature, a different mixture each time.
fn odd_keys() -> Vec<String> {
    let letters: Vec<char> = "aZ09-_.~ !*'()%+=&?#@,;:/\\\"<>[]{}|^`$éß録🎧\u{301}".chars().collect();
    let mut seed = 7_u64;
    let mut next = |below: usize| {
        // Knuth's generator: any will do, and this one needs no crate.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    (0..150)
        .map(|_| {
            let length = 1 + next(40);
            let text: String = (0..length).map(|_| letters[next(letters.len())]).collect();
            format!("connect/{text}")
        })
        .collect()
}

/// `scheme://host/path`, and the parameters in any order.
fn parts(url: &str) -> (String, BTreeSet<String>) {
    let (address, query) = url.split_once('?').unwrap();
    (address.to_owned(), query.split('&').map(str::to_owned).collect())
}

async fn one_call(service: Service, target: Option<&'static str>) -> Value {
    let seen: Arc<Mutex<Option<Value>>> = Arc::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (noted, address) = (Arc::clone(&seen), endpoint.clone());
    let answer = move |request: Request| async move {
        let (parts, body) = request.into_parts();
        let headers: BTreeMap<String, String> = parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
        *noted.lock().unwrap() = Some(json!({
            "method": parts.method.as_str(), "url": format!("{address}{}", parts.uri),
            "headers": headers, "body": body,
        }));
        "{}"
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    let settings = AwsSettings {
        region: Some("eu-central-1".into()),
        keys: Some(keys(true)),
        endpoint: Some(endpoint),
        ..AwsSettings::default()
    };
    let aws = Aws::new(settings, Arc::new(FixedClock(Timestamp::UNIX_EPOCH)));
    let path = AwsCall::path_segments(&["queues", "arn:aws:connect:x/y z", "ü"]).unwrap();
    let mut call = AwsCall::new(service, Method::POST, path)
        .body(json!({"a": "é"}))
        .query("next token", "a/b+c=")
        .query("queueTypes", "STANDARD");
    call.target = target;
    aws.call(&call).await.unwrap();
    let mut seen = seen.lock().unwrap().take().unwrap();
    let name = match service {
        Service::SecretsManager => "secretsmanager",
        Service::Connect | Service::ContactLens => "connect",
        Service::Transcribe => "transcribe",
        Service::Comprehend => "comprehend",
        Service::StepFunctions => "states",
    };
    seen["service"] = name.into();
    seen["region"] = "eu-central-1".into();
    seen["token"] = TOKEN.into();
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn botocore_signs_the_same() {
    let at = "2026-02-28T23:59:59Z".parse::<Timestamp>().unwrap();
    let mut ours = Vec::new();
    let mut asked = Vec::new();
    let regions = ["us-east-1", "eu-central-1", "cn-northwest-1", "us-gov-east-1"];
    for (n, key) in odd_keys().iter().enumerate() {
        let region = regions[n % regions.len()];
        let bucket = if n % 7 == 0 { "my.dotted.bucket" } else { "connect-0123456789ab" };
        let token = n % 3 == 0;
        let query: &[(&str, &str)] = if n % 2 == 0 {
            &[("response-content-disposition", "attachment; filename=\"ü 1.wav\"")]
        } else {
            &[]
        };
        let expires = 1 + u64::try_from(n).unwrap() * 97;
        let keys = keys(token);
        let url = presign(&Presign {
            keys: &keys,
            region,
            host: S3Host::Regional,
            bucket,
            key,
            query,
            at,
            expires: Duration::from_secs(expires),
        })
        .unwrap();
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        let host = if bucket.contains('.') {
            format!("https://s3.{region}.amazonaws.com{suffix}/{bucket}")
        } else {
            format!("https://{bucket}.s3.{region}.amazonaws.com{suffix}")
        };
        asked.push(json!({
            "host": host, "key": key, "query": query, "region": region, "expires": expires,
            "at": AT, "token": token.then_some(TOKEN),
        }));
        ours.push(url);
    }
    let mut calls = Vec::new();
    for (service, target) in [
        (Service::SecretsManager, Some("secretsmanager.GetSecretValue")),
        (Service::Connect, None),
        (Service::ContactLens, None),
        (Service::Transcribe, Some("Transcribe.GetTranscriptionJob")),
        (Service::Comprehend, Some("Comprehend_20171127.DetectSentiment")),
    ] {
        calls.push(one_call(service, target).await);
    }

    let theirs = botocore(&json!({"presigned": asked, "calls": calls}));

    for (ours, theirs) in ours.iter().zip(theirs["presigned"].as_array().unwrap()) {
        assert_eq!(parts(ours), parts(theirs.as_str().unwrap()));
    }
    for (call, theirs) in calls.iter().zip(theirs["calls"].as_array().unwrap()) {
        assert_eq!(call["headers"]["authorization"], *theirs, "{}", call["service"]);
    }
}

fn botocore(asked: &Value) -> Value {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new("bash")
        .arg(crates.join("../../sandbox/tests/clients/run.sh"))
        .arg("botocore")
        .arg(crates.join("tests/clients/botocore_signs.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() != Some(3), "botocore is not there:\n{text}");
    assert!(output.status.success(), "{text}");
    serde_json::from_slice(&output.stdout).unwrap()
}
