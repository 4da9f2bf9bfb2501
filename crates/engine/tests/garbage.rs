//! Whatever a page sends: the process lives, a listed code is answered, and nothing is stored.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::Stage;
use tieline_engine::protocol::ByeCode;

fn stage() -> Stage {
    Stage::new(&json!({
        "now": 1_795_687_200_000_i64,
        "flows": [{
            "tieline_flow": 1, "id": "note", "name": "Note", "start": "log",
            "on": {"source": "voice_contact", "event": "connecting"},
            "steps": {"log": {"use": "log"}},
        }],
    }))
    .unwrap()
}

fn hello(ticket: &str) -> Value {
    json!({
        "t": "hello", "ticket": ticket,
        "page": {
            "id": ticket, "tab": ticket, "host": "lightning", "build": "0.1.0", "visible": true, "focused": true,
            "capabilities": ["crm_page.search_and_pop"],
        },
        "phone": {"kind": "amazon-connect", "ready": true, "audio_owner": true, "contacts": [snapshot()]},
    })
}

fn snapshot() -> Value {
    json!({
        "id": "c-1", "channel": "voice", "state": "connecting", "since": 1, "direction": "inbound",
        "attributes": {}, "is_monitor": false,
    })
}

fn good_frames() -> Vec<Value> {
    vec![
        json!({
            "t": "event", "n": 1, "id": "e", "source": "voice_contact", "event": "connecting", "contact": "c-1",
            "state_at": 1, "seen_at": 1, "snapshot": snapshot(), "payload": {}, "cause": {"kind": "click"},
        }),
        json!({"t": "result", "cmd": "c", "status": "done", "output": {}, "error": {"code": "x", "detail": "y"}}),
        json!({"t": "page", "visible": true, "focused": true, "phone_ready": true, "audio_owner": true}),
        json!({"t": "ack", "seq": 1}),
    ]
}

/// Every member of every level, by its path.
fn paths(value: &Value, at: &str, into: &mut Vec<String>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(name, value)| (format!("{at}/{name}"), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, value)| (format!("{at}/{index}"), value)).collect()
        }
        _ => Vec::new(),
    };
    for (path, value) in members {
        into.push(path.clone());
        paths(value, &path, into);
    }
}

fn remove(value: &mut Value, path: &str) {
    let (parent, name) = path.rsplit_once('/').unwrap();
    match value.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.shift_remove(name);
        }
        Some(Value::Array(items)) => {
            items.remove(name.parse().unwrap());
        }
        _ => {}
    }
}

/// Good frames with one thing wrong: missing, of another type, too long, too deep, out of range.
fn spoilt(good: &Value) -> Vec<String> {
    let mut deep = json!(1);
    for _ in 0..60 {
        deep = json!([deep]);
    }
    let strange = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("x".repeat(300)),
        json!("a\u{0}b"),
        json!([]),
        json!({}),
        json!("y".repeat(70_000)),
        deep,
    ];
    let mut all = Vec::new();
    let mut places = Vec::new();
    paths(good, "", &mut places);
    for path in places {
        let mut without = good.clone();
        remove(&mut without, &path);
        all.push(without.to_string());
        for odd in &strange {
            let mut spoilt = good.clone();
            *spoilt.pointer_mut(&path).unwrap() = odd.clone();
            all.push(spoilt.to_string());
        }
    }
    let text = good.to_string();
    for cut in 1..text.len().min(40) {
        all.push(text[..text.len() - cut].to_owned());
    }
    all.push(format!("{text}{text}"));
    all.push(text.replace(':', "="));
    all.push(text.to_uppercase());
    all.push(format!("\u{feff}{text}"));
    all
}

/// The code of the goodbye, if there was one.
fn goodbye(told: &[Value]) -> Option<String> {
    let bye = told.iter().find(|told| told["server_sends"]["t"] == "bye")?;
    let code = bye["server_sends"]["code"].as_str().unwrap();
    assert!(ByeCode::ALL.iter().any(|known| known.as_str() == code), "{code} is not listed");
    Some(code.to_owned())
}

#[test]
fn no_frame_after_hello_makes_the_server_stumble_or_store() {
    let mut stage = stage();
    let mut tried = 0;
    let mut connected = false;
    for text in good_frames().iter().flat_map(spoilt).chain([
        String::new(),
        "null".into(),
        "[]".into(),
        "\"t\"".into(),
    ]) {
        if !connected {
            let ticket = format!("nora-{tried}");
            stage.opens("A");
            stage.text("A", &hello(&ticket).to_string()).unwrap();
            assert_eq!(goodbye(&stage.told("A")), None, "{tried}");
            connected = true;
        }
        let before = stage.run_states();
        stage.text("A", &text).unwrap();
        tried += 1;
        if goodbye(&stage.told("A")).is_some() {
            connected = false;
            assert_eq!(stage.run_states(), before, "refused, and yet stored: {text}");
            stage.advance(1_000);
        }
    }
    assert!(tried >= 200, "only {tried} frames");
}

#[test]
fn no_hello_makes_the_server_stumble() {
    let mut stage = stage();
    let mut tried = 0;
    for text in spoilt(&hello("nora-x")) {
        stage.opens("A");
        stage.text("A", &text).unwrap();
        let told = stage.told("A");
        let welcomed = told.iter().any(|told| told["server_sends"]["t"] == "welcome");
        let refused = goodbye(&told);
        // Ignored only when its kind is not known.
        let kind = serde_json::from_str::<Value>(&text).ok().and_then(|v| v["t"].as_str().map(str::to_owned));
        assert!(welcomed || refused.is_some() || kind.is_some_and(|kind| kind != "hello"), "{text}");
        tried += 1;
    }
    assert!(stage.run_states().is_empty());
    assert!(tried >= 200, "only {tried} frames");
}

#[test]
fn what_an_agent_has_no_room_for_stays_with_the_page() {
    let mut stage = Stage::new(&json!({
        "now": 1_795_687_200_000_i64,
        "flows": [{
            "tieline_flow": 1, "id": "pop", "name": "Pop", "start": "pop",
            "on": {"source": "voice_contact", "event": "connecting"},
            "steps": {"pop": {"use": "crm.search_and_pop", "with": {"search": "x", "call_type": "inbound"}}},
        }],
    }))
    .unwrap();
    stage.opens("A");
    stage.text("A", &hello("nora-many").to_string()).unwrap();
    let mut acknowledged = 0;
    let goodbye = (1..=300).find_map(|n| {
        let event = json!({
            "t": "event", "n": n, "id": format!("e-{n}"), "source": "voice_contact", "event": "connecting",
            "contact": format!("c-{n}"), "state_at": 1, "seen_at": 1,
        });
        stage.text("A", &event.to_string()).unwrap();
        let told = stage.told("A");
        acknowledged += told.iter().filter(|told| told["server_sends"]["t"] == "ack").count();
        goodbye(&told)
    });
    assert_eq!(goodbye.as_deref(), Some("socket.unavailable"));
    assert_eq!(acknowledged, 128);
}
