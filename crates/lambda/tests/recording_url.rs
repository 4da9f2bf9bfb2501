//! The function `recording-url` against a secret and a bucket.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use tieline_core::FixedClock;
use tieline_lambda::{Environment, Functions};

const CALL: &str = "0123abcd-4567-89ab-cdef-0123456789ab";
const NOW: &str = "2024-01-01T00:04:00Z";

/// A bucket with one call that ended in 2024 and is filed under the last day of 2023, and a secret.
async fn world(secret: String, more: &[(&str, &str)]) -> Functions {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let answer = move |request: Request| {
        let secret = secret.clone();
        async move {
            let query = request.uri().query().unwrap_or_default().to_owned();
            if request.headers().contains_key("x-amz-target") {
                return json!({"SecretString": secret}).to_string();
            }
            assert!(request.uri().path().trim_end_matches('/') == "/calls", "{}", request.uri());
            if query.contains("2023%2F12%2F31") {
                let key = |id: &str| {
                    format!(
                        "<Contents><Key>connect/acme/CallRecordings/2023/12/31/{id}_20231231T23:59_UTC.wav</Key><LastModified>2024-01-01T00:03:00Z</LastModified><Size>9</Size></Contents>"
                    )
                };
                return format!("<ListBucketResult>{}{}</ListBucketResult>", key(CALL), key("unnamed"));
            }
            "<ListBucketResult></ListBucketResult>".to_owned()
        }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    let variables = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("TIELINE_RECORDINGS_BUCKET", "calls"),
        ("TIELINE_RECORDINGS_PREFIX", "connect/acme/CallRecordings"),
        ("SF_CREDENTIALS_SECRETS_MANAGER_ARN", "sf"),
        ("CLOUDFRONT_DISTRIBUTION_DOMAIN_NAME", "d111111abcdef8.cloudfront.net"),
    ];
    let environment: Environment = variables.iter().chain(more).copied().collect();
    Functions::new(environment, Arc::new(FixedClock(NOW.parse().unwrap())))
}

#[tokio::test]
async fn a_call_over_new_year_is_found_under_the_day_its_agent_joined() {
    let functions = world("{}".into(), &[]).await;
    // Late word: what is known is when the call was reported, on the next day and year.
    let answer = functions.invoke("recording-url", &json!({"contactId": CALL})).await.unwrap();
    assert_eq!((&answer["state"], &answer["count"]), (&json!("available"), &json!("1")));
    let url = answer["url"].as_str().unwrap();
    assert!(url.contains("/calls/connect/acme/CallRecordings/2023/12/31/0123abcd-4567-89ab-cdef-0123456789ab_20231231T23%3A59_UTC.wav?"), "{url}");
    assert!(url.contains("X-Amz-Date=20240101T000400Z&X-Amz-Expires=300&"), "{url}");
    assert_eq!(answer["expires_at"], "2024-01-01T00:09:00Z");
}

#[tokio::test]
async fn a_call_that_is_not_there_yet_is_pending_and_later_missing() {
    let functions = world("{}".into(), &[]).await;
    let other = "0123abcd-4567-89ab-cdef-000000000000";
    let ask =
        |connected: &str| json!({"Details": {"Parameters": {"contactId": other, "connectedAt": connected}}});
    let answer = functions.invoke("recording-url", &ask("2024-01-01T00:00:00Z")).await.unwrap();
    assert_eq!(answer, json!({"state": "pending", "next_look_at": "2024-01-01T00:05:00Z"}));
    let answer = functions.invoke("recording-url", &ask("2023-12-31T20:00:00Z")).await.unwrap();
    assert_eq!(answer, json!({"state": "missing"}));
}

#[tokio::test]
async fn the_reference_s_function_signs_for_its_distribution_for_an_hour() {
    let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 1024).unwrap();
    // PKCS#8 and with its breaks pasted into blanks: the reference read neither.
    let pem = key.to_pkcs8_pem(LineEnding::LF).unwrap().replace('\n', " ");
    let secret = json!({"CloudFrontPrivateKey": pem, "CloudFrontAccessKeyID": "K2JCJMDEHXQW5F"}).to_string();
    let functions = world(secret, &[]).await;
    let path = format!("calls/connect/acme/CallRecordings/2023/12/31/{CALL}_20231231T23:59_UTC.wav");

    let name = "sfGenerateAudioRecordingStreamingURL.lambda_handler";
    let answer = functions.invoke(name, &json!({"recordingPath": path})).await.unwrap();

    let Value::String(url) = answer else { panic!("{answer}") };
    let (address, query) = url.split_once('?').unwrap();
    assert_eq!(
        address,
        format!(
            "https://d111111abcdef8.cloudfront.net/connect/acme/CallRecordings/2023/12/31/{CALL}_20231231T23:59_UTC.wav"
        )
    );
    let parameters: Vec<(&str, &str)> = query.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
    assert_eq!(
        parameters.iter().map(|pair| pair.0).collect::<Vec<_>>(),
        ["Expires", "Signature", "Key-Pair-Id"]
    );
    // 2024-01-01T01:04:00Z
    assert_eq!((parameters[0].1, parameters[2].1), ("1704071040", "K2JCJMDEHXQW5F"));
    let policy = format!(
        r#"{{"Statement":[{{"Resource":"{address}","Condition":{{"DateLessThan":{{"AWS:EpochTime":1704071040}}}}}}]}}"#
    );
    let signature = parameters[1].1.replace('-', "+").replace('_', "=").replace('~', "/");
    key.to_public_key()
        .verify(
            Pkcs1v15Sign::new::<Sha1>(),
            &Sha1::digest(policy.as_bytes()),
            &BASE64_STANDARD.decode(signature).unwrap(),
        )
        .unwrap();
}

#[tokio::test]
async fn a_secret_without_the_key_says_which_member_it_lacks() {
    let functions = world(json!({"Password": "hunter2"}).to_string(), &[]).await;
    let name = "sfGenerateAudioRecordingStreamingURL.lambda_handler";
    let event = json!({"recordingPath": "b/connect/acme/CallRecordings/x.wav"});
    let error = functions.invoke(name, &event).await.unwrap_err();
    assert_eq!(error.error_message, "the secret has no `CloudFrontPrivateKey`");
}
