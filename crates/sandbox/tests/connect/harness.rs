use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::post};
use base64::Engine;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tieline_sandbox::connect::{AmazonConnect, DeliverTo, Settings};
use tieline_sandbox::{Addresses, Running, SimClock, World};
use tokio::sync::mpsc;

/// What arrived where Tieline would be.
#[derive(Debug)]
pub struct Received {
    pub headers: HeaderMap,
    /// The request's body as JSON.
    pub body: Value,
    /// Contact records inside, decoded.
    pub records: Vec<Value>,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn event_type(&self) -> &str {
        self.body["detail"]["eventType"].as_str().unwrap_or_default()
    }
}

/// An instance at noon with a frozen clock, and a receiver that answers 200 unless told otherwise.
pub struct Instance {
    pub world: World,
    pub connect: Running,
    pub http: reqwest::Client,
    arrived: mpsc::UnboundedReceiver<Received>,
    answers: Arc<Mutex<VecDeque<(u16, &'static str)>>>,
}

#[derive(Clone)]
struct Receiver {
    arrived: mpsc::UnboundedSender<Received>,
    answers: Arc<Mutex<VecDeque<(u16, &'static str)>>>,
}

impl Instance {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut DeliverTo)) -> Self {
        Self::start_as(Settings::default(), change).await
    }

    pub async fn start_as(settings: Settings, change: impl FnOnce(&mut DeliverTo)) -> Self {
        let (sender, arrived) = mpsc::unbounded_channel();
        let answers = Arc::new(Mutex::new(VecDeque::new()));
        let receiver = Receiver { arrived: sender, answers: Arc::clone(&answers) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/deliveries", listener.local_addr().unwrap()).parse().unwrap();
        let routes = Router::new().route("/deliveries", post(receive)).with_state(receiver);
        tokio::spawn(async move { axum::serve(listener, routes).await });

        let mut deliver_to = DeliverTo::sandbox(url);
        change(&mut deliver_to);
        let clock = SimClock::frozen("2026-11-20T12:00:00Z".parse().unwrap());
        let world = World::with_clock(1, Addresses::default(), clock);
        let settings = Settings { deliver_to: Some(deliver_to), ..settings };
        let connect = AmazonConnect::start(&world, ([127, 0, 0, 1], 0).into(), settings).unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { world, connect, http, arrived, answers }
    }

    /// The receiver's answers to the next deliveries: status and a `Retry-After` (empty for none).
    pub fn answer_next(&self, answers: &[(u16, &'static str)]) {
        self.answers.lock().unwrap().extend(answers);
    }

    pub async fn get(&self, path: &str) -> Value {
        let url = format!("{}/sandbox/v1{path}", self.connect.url());
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }

    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.change(http::Method::POST, path, body).await
    }

    pub async fn change(&self, method: http::Method, path: &str, body: Value) -> (StatusCode, Value) {
        let url = format!("{}/sandbox/v1{path}", self.connect.url());
        let request = self.http.request(method, url).header("X-Tieline-Sandbox", "1").json(&body);
        let response = request.send().await.unwrap();
        let status = response.status();
        (status, response.json().await.unwrap_or_default())
    }

    /// A customer calls; the contact's id.
    pub async fn call(&self, body: Value) -> String {
        let (status, answer) = self.post("/calls", body).await;
        assert_eq!(status, 201, "{answer}");
        answer["contactId"].as_str().unwrap().to_owned()
    }

    /// Does something with a call; its state afterwards.
    pub async fn act(&self, contact: &str, action: &str) -> String {
        self.act_with(contact, action, json!({})).await
    }

    pub async fn act_with(&self, contact: &str, action: &str, body: Value) -> String {
        let (status, answer) = self.post(&format!("/calls/{contact}/{action}"), body).await;
        assert_eq!(status, 200, "{action}: {answer}");
        answer["state"].as_str().unwrap().to_owned()
    }

    pub async fn state_of(&self, contact: &str) -> String {
        self.get(&format!("/calls/{contact}")).await["state"].as_str().unwrap().to_owned()
    }

    pub async fn make(&self, agent: &str, state: &str) {
        let (status, answer) = self.post(&format!("/agents/{agent}/state"), json!({"state": state})).await;
        assert_eq!(status, 200, "{answer}");
    }

    pub async fn agent(&self, login: &str) -> Value {
        let agents = self.get("/agents").await;
        agents.as_array().unwrap().iter().find(|agent| agent["username"] == login).unwrap().clone()
    }

    pub async fn advance(&self, span: &str) {
        let (status, answer) = self.post("/clock", json!({"advance": span})).await;
        assert_eq!(status, 200, "{answer}");
    }

    pub async fn break_with(&self, fault: Value) -> u64 {
        let (status, answer) = self.post("/faults", fault).await;
        assert_eq!(status, 201, "{answer}");
        answer["id"].as_u64().unwrap()
    }

    /// The next thing that arrives.
    pub async fn next(&mut self) -> Received {
        let wait = tokio::time::timeout(Duration::from_secs(20), self.arrived.recv());
        wait.await.expect("nothing arrived").unwrap()
    }

    /// The types of the next `count` events.
    pub async fn events(&mut self, count: usize) -> Vec<String> {
        let mut types = Vec::new();
        for _ in 0..count {
            types.push(self.next().await.event_type().to_owned());
        }
        types
    }

    /// Skips events until a contact record arrives.
    pub async fn record(&mut self) -> Value {
        loop {
            if let Some(record) = self.next().await.records.pop() {
                return record;
            }
        }
    }

    pub fn nothing_arrived(&mut self) -> bool {
        self.arrived.try_recv().is_err()
    }

    /// The deliveries, once none is on its way any more.
    pub async fn settled_deliveries(&self) -> Vec<Value> {
        loop {
            let all = self.get("/deliveries").await.as_array().unwrap().clone();
            let now = self.world.now();
            let due = |delivery: &Value| {
                delivery["status"] == "sending"
                    || delivery["next"]
                        .as_str()
                        .is_some_and(|next| next.parse::<jiff::Timestamp>().unwrap() <= now)
            };
            if !all.iter().any(due) {
                return all;
            }
            tokio::task::yield_now().await;
        }
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let text = if headers.get("Content-Encoding").is_some_and(|encoding| encoding == "gzip") {
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut text).unwrap();
        text
    } else {
        body.to_vec()
    };
    let body: Value = serde_json::from_slice(&text).unwrap();
    let decode = |record: &Value| {
        let data =
            base64::engine::general_purpose::STANDARD.decode(record["data"].as_str().unwrap()).unwrap();
        serde_json::from_slice(&data).unwrap()
    };
    let records = body["records"].as_array().into_iter().flatten().map(decode).collect();
    let answer = receiver.answers.lock().unwrap().pop_front();
    let acknowledgement = json!({"requestId": body["requestId"], "timestamp": 1});
    receiver.arrived.send(Received { headers, body, records }).unwrap();
    match answer {
        None => Json(acknowledgement).into_response(),
        Some((status, "")) => StatusCode::from_u16(status).unwrap().into_response(),
        Some((status, after)) => {
            (StatusCode::from_u16(status).unwrap(), [("Retry-After", after)]).into_response()
        }
    }
}
