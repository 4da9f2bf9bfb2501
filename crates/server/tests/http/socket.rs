//! The agent's socket, over a real connection.

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tieline_core::{AgentId, WorkspaceName};
use tieline_engine::protocol::ByeCode;
use tieline_engine::sign_in::{AgentProfile, hash_of};
use tieline_flow::Document;
use tieline_store::{FlowGrants, RunFilter, SessionRow};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use crate::garbage::{Chance, dump};
use crate::harness::Server;

struct Page(WebSocketStream<TcpStream>);

impl Page {
    async fn open(server: &Server) -> Self {
        Self(connect(server, request(server)).await.unwrap())
    }

    async fn say(&mut self, frame: &Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next frame of the server; `null` when it closes the socket.
    async fn hear(&mut self) -> Value {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Value::Null,
                Some(Ok(_)) => {}
            }
        }
    }

    async fn hear_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.hear().await;
            assert!(!frame.is_null(), "closed before {kind}");
            if frame["t"] == kind {
                return frame;
            }
        }
    }

    /// The code it is sent away with; the socket is closed after it.
    async fn sent_away(&mut self) -> Value {
        let bye = self.hear_of("bye").await;
        assert_eq!(self.hear().await, Value::Null, "closed after the goodbye");
        bye["code"].clone()
    }
}

fn request(server: &Server) -> Request {
    let address = server.address.replace("http://", "ws://");
    let mut request = format!("{address}/v1/workspaces/demo/agent").into_client_request().unwrap();
    request.headers_mut().insert("origin", server.origin().parse().unwrap());
    request.headers_mut().insert("sec-websocket-protocol", "tieline.v1".parse().unwrap());
    request
}

async fn connect(server: &Server, request: Request) -> Result<WebSocketStream<TcpStream>, Error> {
    let tcp = TcpStream::connect(server.address.trim_start_matches("http://")).await.unwrap();
    tokio_tungstenite::client_async(request, tcp).await.map(|(socket, _)| socket)
}

/// A ticket of an agent who is signed in.
async fn ticket(server: &Server, workspace: &str, word: &str) -> String {
    let workspace = WorkspaceName::new(workspace).unwrap();
    let agent = AgentProfile {
        id: AgentId::new("005000000000001AAA").unwrap(),
        name: "Nora Quist".into(),
        email: Some("nora.quist@example.com".into()),
        login: "nora.quist@example.com".into(),
    };
    let now = tieline_core::Clock::now(&*server.clock);
    let later = now.checked_add(std::time::Duration::from_secs(3600)).unwrap();
    let session = SessionRow {
        hash: hash_of("session"),
        workspace: workspace.clone(),
        agent: agent.id.clone(),
        document: serde_json::to_string(&agent).unwrap(),
        created_at: now,
        expires_at: later,
    };
    server.store.put_session(session).await.unwrap();
    server.store.put_ticket(&workspace, hash_of(word), hash_of("session"), later).await.unwrap();
    word.to_owned()
}

fn hello(ticket: &str) -> Value {
    json!({
        "t": "hello", "ticket": ticket,
        "page": {
            "id": "load-1", "tab": "tab-1", "host": "lightning", "build": "0.1.0", "visible": true, "focused": true,
            "capabilities": ["crm_page.search_and_pop", "phone.dial"],
        },
        "phone": {
            "kind": "amazon-connect", "ready": true, "audio_owner": true, "contacts": [],
            "agent": {"id": "agent-1", "login": "nora.quist"},
        },
    })
}

fn click() -> Value {
    json!({
        "t": "event", "n": 1, "id": "event-1", "source": "crm_page", "event": "click_to_dial", "seen_at": 1,
        "payload": {"number": "(202) 555-0147"}, "cause": {"kind": "click"},
    })
}

#[tokio::test]
async fn a_click_becomes_a_dial_and_its_run_is_kept() {
    let server = Server::start().await;
    let mut page = Page::open(&server).await;
    page.say(&hello(&ticket(&server, "demo", "one").await)).await;
    let welcome = page.hear().await;
    assert_eq!(welcome["t"], "welcome", "{welcome}");
    assert_eq!(welcome["settings"]["agent"]["name"], "Nora Quist");

    page.say(&click()).await;
    assert_eq!(page.hear_of("ack").await["n"], 1);
    let dial = page.hear_of("command").await;
    assert_eq!(
        (&dial["op"], &dial["once"], &dial["gesture"]),
        (&json!("dial"), &json!(true), &json!("event-1"))
    );
    page.say(&json!({"t": "result", "cmd": dial["cmd"], "status": "done", "output": {"contact_id": "c-9"}}))
        .await;
    let panel = page.hear_of("panel").await;
    assert_eq!(panel["doc"]["trace"]["ended"], "completed");

    let demo = WorkspaceName::new("demo").unwrap();
    let runs = server.store.runs(&demo, RunFilter { limit: 9, ..RunFilter::default() }).await.unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].state.as_str(), "completed");
    let steps = server.store.run_steps(&runs[0].run).await.unwrap().join("");
    assert!(!steps.contains("555"), "numbers are masked: {steps}");
    let bound = server.store.bindings(&demo).await.unwrap();
    assert_eq!(bound[0].phone_login, "nora.quist");
}

#[tokio::test]
async fn only_our_own_pages_that_speak_our_protocol_open_a_socket() {
    let server = Server::start().await;
    let status = async |change: &dyn Fn(&mut Request)| {
        let mut request = request(&server);
        change(&mut request);
        match connect(&server, request).await {
            Err(Error::Http(response)) => response.status().as_u16(),
            other => panic!("{:?}", other.map(drop)),
        }
    };
    let foreign = "https://evil.example.com";
    assert_eq!(status(&|r| drop(r.headers_mut().insert("origin", foreign.parse().unwrap()))).await, 403);
    assert_eq!(status(&|r| drop(r.headers_mut().remove("origin"))).await, 403);
    assert_eq!(status(&|r| drop(r.headers_mut().remove("sec-websocket-protocol"))).await, 400);
    let elsewhere = format!("{}/v1/workspaces/nowhere/agent", server.address.replace("http", "ws"));
    assert_eq!(status(&|r| *r.uri_mut() = elsewhere.parse().unwrap()).await, 404);
}

#[tokio::test]
async fn a_ticket_opens_one_socket_in_its_own_workspace() {
    let server = Server::start().await;
    let word = ticket(&server, "demo", "one").await;
    let mut first = Page::open(&server).await;
    first.say(&hello(&word)).await;
    assert_eq!(first.hear().await["t"], "welcome");
    let mut second = Page::open(&server).await;
    second.say(&hello(&word)).await;
    assert_eq!(second.sent_away().await, "socket.bad_ticket");
    let mut third = Page::open(&server).await;
    third.say(&hello(&ticket(&server, "other", "two").await)).await;
    assert_eq!(third.sent_away().await, "socket.bad_ticket");
}

#[tokio::test]
async fn what_is_no_frame_is_answered_with_its_code() {
    let server = Server::start().await;
    for (message, code) in [
        (Message::Binary(Bytes::from_static(b"\x00\x01")), "socket.not_text"),
        (Message::text("x".repeat(70_000)), "socket.too_large"),
        (Message::text("x".repeat(300_000)), "socket.too_large"),
        (Message::text("["), "socket.not_json"),
        (Message::text(r#"{"t":"ack","seq":1}"#), "socket.unexpected"),
    ] {
        let mut page = Page::open(&server).await;
        page.0.send(message).await.unwrap();
        assert_eq!(page.sent_away().await, code);
    }
}

#[tokio::test]
async fn a_socket_that_stays_silent_is_closed_after_five_seconds() {
    let server = Server::start().await;
    let mut page = Page::open(&server).await;
    let time_passes = async {
        loop {
            server.clock.advance(std::time::Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    let code = tokio::select! {
        code = page.sent_away() => code,
        () = time_passes => unreachable!("time does not end"),
    };
    assert_eq!(code, "socket.no_hello");
}

#[tokio::test]
async fn a_server_that_stops_says_goodbye() {
    let server = Server::start().await;
    let mut page = Page::open(&server).await;
    page.say(&hello(&ticket(&server, "demo", "one").await)).await;
    page.hear_of("welcome").await;
    server.state.hub.drain().await;
    assert_eq!(page.sent_away().await, "socket.draining");
    let mut late = Page::open(&server).await;
    late.say(&hello(&ticket(&server, "demo", "two").await)).await;
    assert_eq!(late.sent_away().await, "socket.draining");
}

#[tokio::test]
async fn pages_at_work_learn_what_a_newly_published_flow_waits_for() {
    let server = Server::start().await;
    let demo = WorkspaceName::new("demo").unwrap();
    let mut page = Page::open(&server).await;
    page.say(&hello(&ticket(&server, "demo", "one").await)).await;
    assert_eq!(page.hear().await["subscribe"], json!([]));

    let flow = json!({
        "tieline_flow": 1, "id": "lunch", "name": "Lunch", "start": "note",
        "on": {"source": "agent", "event": "state_change"},
        "steps": {"note": {"use": "log", "with": {"message": "at lunch"}}},
    });
    let flow = Document::from_json(flow.to_string().as_bytes()).unwrap();
    server.state.hub.publish(&demo, flow, FlowGrants::default(), "a test").await.unwrap();
    let wanted = page.hear_of("subscribe").await;
    assert_eq!(wanted["subscribe"], json!([{"source": "agent", "event": "state_change"}]));

    page.say(&json!({
        "t": "event", "n": 1, "id": "event-1", "source": "agent", "event": "state_change", "seen_at": 1,
        "state_at": 1, "payload": {"old": "Available", "new": "Lunch"},
    }))
    .await;
    assert_eq!(page.hear_of("panel").await["doc"]["trace"]["flow"], "Lunch");

    // What changes nothing for the pages is not told; the next thing they hear is the goodbye to the flow.
    server.state.hub.reload_flows(&demo).await.unwrap();
    server.state.hub.roll_back(&demo, "lunch", None).await.unwrap();
    assert_eq!(page.hear_of("subscribe").await["subscribe"], json!([]));
}

/// A frame with something wrong; frames of a kind nobody knows are ignored, so none is made.
fn broken(chance: &mut Chance) -> Message {
    let mut frame = match chance.below(4) {
        0 => hello("a-ticket-nobody-made"),
        1 => click(),
        2 => json!({"t": "result", "cmd": "c", "status": "done"}),
        _ => json!({"t": "page", "visible": true, "focused": true, "phone_ready": true, "audio_owner": true}),
    };
    let names: Vec<String> = frame.as_object().unwrap().keys().filter(|name| *name != "t").cloned().collect();
    let name = chance.pick(&names).clone();
    match chance.below(7) {
        0 => return Message::binary(frame.to_string().into_bytes()),
        1 => {
            let text = frame.to_string();
            return Message::text(&text[..chance.below(text.len())]);
        }
        2 => return Message::text(format!("{}{}", "[".repeat(100 + chance.below(50_000)), chance.nasty())),
        3 => frame[name] = json!("x".repeat(64 * 1024)),
        4 => return Message::text(format!("{frame}{}", chance.nasty())),
        5 => frame["t"] = chance.not_text(),
        _ => frame[name] = json!([[chance.not_text()], chance.nasty()]),
    }
    Message::text(frame.to_string())
}

#[tokio::test]
async fn garbage_on_the_socket_ends_it_with_a_listed_code_and_stores_nothing() {
    let server = Server::start().await;
    let mut chance = Chance(2026);
    // Who is let in leaves traces of their own; the sockets themselves are what is looked at.
    let settled = |server: &Server| -> Vec<String> {
        let of_the_door = ["ticket: ", "agent_session: "];
        dump(server)
            .into_iter()
            .filter(|row| !of_the_door.iter().any(|table| row.starts_with(table)))
            .collect()
    };
    let mut first = Page::open(&server).await;
    first.say(&hello(&ticket(&server, "demo", "first").await)).await;
    assert_eq!(first.hear().await["t"], "welcome");
    drop(first);
    let before = settled(&server);

    for at in 0..400 {
        let mut page = Page::open(&server).await;
        if at % 2 == 0 {
            page.say(&hello(&ticket(&server, "demo", &format!("word-{at}")).await)).await;
            page.hear_of("welcome").await;
        }
        let message = broken(&mut chance);
        // A socket that is ended while it is written to is one that was ended.
        let _ = page.0.send(message.clone()).await;
        let code = page.sent_away().await;
        let listed = ByeCode::ALL.iter().any(|known| known.as_str() == code.as_str().unwrap());
        assert!(listed, "{code} for {:.200}", message.to_string());
    }

    assert_eq!(settled(&server), before);
    let mut last = Page::open(&server).await;
    last.say(&hello(&ticket(&server, "demo", "last").await)).await;
    assert_eq!(last.hear_of("welcome").await["t"], "welcome");
}
