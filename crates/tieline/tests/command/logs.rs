//! What a server says of itself holds nothing of the people it serves.

use std::fs::File;
use std::process::Stdio;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::demo::{Demo, VERIFIER, sign_in, ticket, until};
use crate::harness::{loopback, run};

const NUMBER: &str = "+12025550143";
const ATTRIBUTE: &str = "attribute-value-4711";

/// A panel with a ringing call whose caller is known, a click on a number, and nonsense.
async fn a_panel_works(demo: &Demo, ticket: &str, contact: &str) {
    let url = demo.tieline.replace("http://", "ws://") + "/v1/workspaces/demo/agent";
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("origin", demo.panel.parse().unwrap());
    request.headers_mut().insert("sec-websocket-protocol", "tieline.v1".parse().unwrap());
    let address = demo.tieline.trim_start_matches("http://");
    let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, tcp).await.unwrap();
    let snapshot = json!({
        "id": contact, "channel": "voice", "state": "connecting", "since": 1, "direction": "inbound",
        "customer": NUMBER, "attributes": { "greeting": ATTRIBUTE }, "is_monitor": false,
    });
    for frame in [
        json!({
            "t": "hello", "ticket": ticket,
            "page": {
                "id": "load-1", "tab": "tab-1", "host": "lightning", "build": "0.1.0", "visible": true,
                "focused": true, "capabilities": ["crm_page.search_and_pop", "phone.dial"],
            },
            "phone": {
                "kind": "amazon-connect", "ready": true, "audio_owner": true, "contacts": [snapshot],
                "agent": { "id": "agent-1", "login": "nora.quist" },
            },
        }),
        json!({
            "t": "event", "n": 1, "id": "e-1", "source": "voice_contact", "event": "connecting",
            "contact": contact, "state_at": 1, "seen_at": 1, "snapshot": snapshot,
        }),
        json!({
            "t": "event", "n": 2, "id": "e-2", "source": "crm_page", "event": "click_to_dial", "seen_at": 1,
            "payload": { "number": "(202) 555-0143" }, "cause": { "kind": "click" },
        }),
    ] {
        socket.send(Message::text(frame.to_string())).await.unwrap();
    }
    while let Some(Ok(message)) = socket.next().await {
        if message.to_text().is_ok_and(|frame| frame.contains("\"op\":\"dial\"")) {
            let nonsense = json!({ "t": "result", "cmd": NUMBER, "status": ATTRIBUTE });
            socket.send(Message::text(nonsense.to_string())).await.unwrap();
        }
    }
}

/// Look-ups that are answered, that are refused, and that the CRM does not answer.
async fn the_ivr_asks(demo: &Demo) {
    let dips = format!("{}/v1/workspaces/demo/dips", demo.tieline);
    let phone = json!({ "sf_operation": "phoneLookup", "sf_phone": NUMBER, "sf_fields": "Id,Name" });
    let create =
        json!({ "sf_operation": "create", "sf_object": "Case", "Subject": ATTRIBUTE, "Nope__c": NUMBER });
    let poison = json!({ "sf_operation": "query", "query": "{a}", "a": "Anna' OR Name LIKE '%" });
    let fault = json!({ "kind": "status", "status": 500, "times": 8 });
    for (parameters, key) in [
        (&phone, "sandbox-dip-key"),
        (&create, "sandbox-dip-key"),
        (&poison, "sandbox-dip-key"),
        (&phone, "a-wrong-key-that-somebody-typed"),
        (&phone, "sandbox-dip-key"),
    ] {
        let event = json!({ "Details": { "ContactData": { "CustomerEndpoint": { "Address": NUMBER } },
            "Parameters": parameters } });
        demo.http.post(&dips).bearer_auth(key).json(&event).send().await.unwrap();
        if key.starts_with("a-wrong") {
            let faults = format!("{}/sandbox/v1/faults", demo.salesforce);
            let set = demo.http.post(faults).header("x-tieline-sandbox", "1").json(&fault);
            assert_eq!(set.send().await.unwrap().status(), 201);
        }
    }
    let broken = demo.http.post(&dips).bearer_auth("sandbox-dip-key");
    let broken =
        broken.header("content-type", "application/json").body(format!("{{\"Anna Keller\": {NUMBER}"));
    assert_eq!(broken.send().await.unwrap().status(), 400);
}

/// A call from its first ring to its records in the CRM.
async fn a_customer_calls(demo: &Demo) -> String {
    let connect = loopback(&demo.server.json()["amazon_connect"]);
    let call = json!({ "from": NUMBER, "attributes": { "greeting": ATTRIBUTE } });
    let control = |path: &str, body: Value| {
        demo.http
            .post(format!("{connect}/sandbox/v1/{path}"))
            .header("x-tieline-sandbox", "1")
            .json(&body)
            .send()
    };
    let placed: Value = control("calls", call).await.unwrap().json().await.unwrap();
    let contact = placed["contactId"].as_str().unwrap().to_owned();
    control(&format!("calls/{contact}/hangup"), json!({})).await.unwrap();
    control("clock", json!({ "advance": "PT1M" })).await.unwrap();
    let poison = json!({ "id": "e-9", "detail-type": "Amazon Connect Contact Event", "detail": { "eventType": NUMBER } });
    let delivery = demo.http.post(format!("{}/v1/connections/connect/deliveries", demo.tieline));
    let delivery = delivery.header("x-tieline-key", "sandbox-eventbridge-key").json(&poison);
    assert_eq!(delivery.send().await.unwrap().status(), 200);
    let folder = demo.folder();
    until(|| run(&["dead-letters", "list", "--json", "--data", &folder]), |ran| ran.code == 1);
    until(|| run(&["contacts", "list", "--json", "--data", &folder]), |ran| ran.json()[0].is_object());
    contact
}

#[tokio::test(flavor = "multi_thread")]
async fn no_number_name_attribute_or_secret_is_logged_at_any_level() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let stderr = Stdio::from(File::create(&log).unwrap());
    let demo = Demo::start_as(|command| {
        command.args(["--log", "trace"]).stderr(stderr);
    });

    let (cookie, _) = sign_in(&demo).await;
    let secret = cookie.split_once('=').unwrap().1;
    let contact = a_customer_calls(&demo).await;
    let word = ticket(&demo, &cookie).await;
    a_panel_works(&demo, &word, &contact).await;
    the_ivr_asks(&demo).await;
    let callback = format!("{}/auth/callback?state=demo.x.y&code=the-providers-code", demo.tieline);
    demo.http.get(callback).send().await.unwrap();
    let session = demo.http.post(format!("{}/sandbox/v1/sessions", demo.salesforce));
    let session = session.header("x-tieline-sandbox", "1").json(&json!({ "username": "admin@example.com" }));
    let token: Value = session.send().await.unwrap().json().await.unwrap();
    let of_a_token = token["access_token"].as_str().unwrap().split_once('!').unwrap().0.to_owned() + "!";
    assert_eq!(demo.server.stop(), 0);

    let log = std::fs::read_to_string(log).unwrap();
    assert!(
        log.contains("Answered a request") && log.contains("signed in"),
        "it was asked to say all: {log}"
    );
    let nothing_of = [
        "2025550143",
        "555-0143",
        ATTRIBUTE,
        "Anna",
        "Keller",
        "Nora Quist",
        "nora.quist",
        "example.com",
        VERIFIER,
        "attempt-0123456789abcdef",
        "the-providers-code",
        "&code=",
        "?state=",
        secret,
        &word,
        "sandbox-dip-key",
        "sandbox-eventbridge-key",
        "sandbox-firehose-key",
        "a-wrong-key",
        "sandbox-secret",
        "tieline-panel-secret",
        &of_a_token,
        "Bearer",
        "eyJ",
        "panicked",
        "stumbled",
    ];
    for text in nothing_of {
        let line = log.lines().find(|line| line.contains(text));
        assert!(line.is_none(), "{text} is in the log: {line:?}");
    }
}
