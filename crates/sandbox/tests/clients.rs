//! Clients that know nothing of us, as they come from their registries: simple-salesforce and
//! jsforce create, read, update, upsert, query, page, search and get errors over TLS; boto3 asks
//! the Connect API and its bucket.
//!
//! `clients/run.sh` installs them into a cache folder and runs the scripts beside it. Where they
//! cannot be installed the test fails and says what is missing.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tieline_sandbox::connect::{AmazonConnect, Settings};
use tieline_sandbox::salesforce::{Options, RunningSalesforce, Salesforce};
use tieline_sandbox::{Addresses, World};

#[tokio::test(flavor = "multi_thread")]
async fn simple_salesforce_works_as_it_comes() {
    run("python").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jsforce_works_as_it_comes() {
    run("node").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_works_as_it_comes() {
    let world = World::new(1, Addresses::default());
    let connect = AmazonConnect::start(&world, ([127, 0, 0, 1], 0).into(), Settings::default()).unwrap();
    script("boto3", &[("SANDBOX_HTTP", connect.url())]).await;
}

async fn run(client: &str) {
    let data = tempfile::tempdir().unwrap();
    let world = World::new(1, Addresses::default());
    let free = ([127, 0, 0, 1], 0).into();
    let mut options = Options::new(free);
    options.tls_listen = Some(free);
    options.data = Some(data.path().to_owned());
    let salesforce = Salesforce::start(&world, options).await.unwrap();
    let token = prepare(&salesforce).await;

    let https = format!("https://127.0.0.1:{}", salesforce.tls_addr().unwrap().port());
    let authority = data.path().join("sandbox-ca.pem").to_str().unwrap().to_owned();
    script(
        client,
        &[
            ("SANDBOX_HTTP", salesforce.url()),
            ("SANDBOX_HTTPS", https),
            ("SANDBOX_CA", authority),
            ("SANDBOX_TOKEN", token),
        ],
    )
    .await;
}

/// Runs the client's script, which says by its exit code whether it is content.
async fn script(client: &str, variables: &[(&str, String)]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/run.sh");
    let mut command = Command::new("bash");
    command.arg(script).arg(client).envs(variables.iter().cloned()).stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();

    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.code() != Some(3), "the client's packages are not there:\n{text}");
    // What the client did, for `--success-output`.
    println!("{text}");
    assert!(output.status.success(), "{client} disagrees with the sandbox:\n{text}");
}

/// A session, and pages small enough to need several.
async fn prepare(salesforce: &RunningSalesforce) -> String {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let control = async |path: &str, body: Value| {
        let url = format!("{}/sandbox/v1/{path}", salesforce.url());
        let request = http.post(url).header("x-tieline-sandbox", "1").json(&body);
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    control("settings", json!({"page_size": 15})).await;
    let session = control("sessions", json!({"username": "integration@example.com"})).await;
    session["access_token"].as_str().unwrap().to_owned()
}
