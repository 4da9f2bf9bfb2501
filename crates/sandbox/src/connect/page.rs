//! The CCP page's server side.
//!
//! The page is a relay: what the library posts to its frame comes here by WebSocket, what
//! is said here is posted to the library. So the whole protocol stands in this file and
//! [`super::snapshot`], and every page of an agent sees the same.
//!
//! Page to server: `{"t": "up", event, data}` (from the library), `{"t": "call", n, method,
//! params}` (the page's own buttons), `{"t": "refresh"}`. Server to page: `hello`, `choose`,
//! `agent`, `down` (for the library), `answer`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use futures::{SinkExt, StreamExt};
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::api::{self, Caller, Exception};
use super::center::{Center, Player};
use super::server::Hall;
use super::snapshot::agent_data;
use crate::world::{FaultKind, Part, Probe, Problem, assets};

pub fn routes(hall: Arc<Hall>) -> Router {
    Router::new()
        .route("/ccp-v2", get(async || Redirect::to("/ccp-v2/")))
        .route("/ccp-v2/", get(page))
        .route("/ccp-v2/api/socket", get(socket))
        .route("/ccp-v2/{*path}", get(asset))
        .with_state(hall)
}

async fn page(State(hall): State<Arc<Hall>>) -> Response {
    assets::file("ccp/index.html", &hall.world.addresses())
}

async fn asset(State(hall): State<Arc<Hall>>, Path(path): Path<String>) -> Response {
    assets::file(&format!("ccp/{path}"), &hall.world.addresses())
}

#[derive(Debug, Deserialize)]
struct SocketQuery {
    agent: Option<String>,
    /// The page stands in a window of its own.
    #[serde(default)]
    window: bool,
}

async fn socket(
    State(hall): State<Arc<Hall>>,
    Query(query): Query<SocketQuery>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    // A WebSocket is not held back by CORS, so the page's own origin is checked here.
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if origin.is_some_and(|origin| origin != format!("http://{host}")) {
        return Problem::new(StatusCode::FORBIDDEN, "foreign_origin", "only the CCP page may connect")
            .into_response();
    }
    upgrade.max_message_size(256 * 1024).on_upgrade(move |socket| serve(hall, query, socket))
}

#[derive(Debug, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
enum FromPage {
    Up {
        event: String,
        #[serde(default)]
        data: Value,
    },
    Call {
        n: u64,
        method: String,
        #[serde(default)]
        params: Value,
    },
    Refresh,
}

async fn serve(hall: Arc<Hall>, query: SocketQuery, socket: WebSocket) {
    let (mut sink, mut stream) = socket.split();
    let chosen = || hall.chosen.lock().unwrap_or_else(PoisonError::into_inner);
    let before = chosen().clone();
    let login = query.agent.or(before).or_else(|| hall.settings.default_agent.clone());
    let known = login.filter(|login| hall.with(|center, _| center.agents.contains_key(login)));
    let Some(login) = known else {
        let _ = sink.send(choice(&hall)).await;
        return;
    };
    if query.window {
        *chosen() = Some(login.clone());
    }
    let (to_page, mut outbox) = mpsc::unbounded_channel::<Value>();
    let id = hall.pages.open(&login, to_page);
    greet(&hall, &login, &id);
    loop {
        tokio::select! {
            message = outbox.recv() => {
                let Some(message) = message else { break };
                if sink.send(Message::text(message.to_string())).await.is_err() {
                    break;
                }
            }
            message = stream.next() => {
                let Some(Ok(message)) = message else { break };
                if let Message::Text(text) = message
                    && let Ok(message) = serde_json::from_str(&text)
                {
                    handle(&hall, &login, &id, message);
                }
            }
        }
    }
    hall.pages.close(&id);
}

fn choice(hall: &Hall) -> Message {
    let agents: Vec<Value> = hall.with(|center, _| {
        let played =
            |login: &str| center.agents.get(login).is_some_and(|agent| agent.player == Player::Person);
        let agents = center.instance.agents.iter().filter(|(agent, _)| played(&agent.name));
        agents.map(|(agent, name)| json!({"login": agent.name, "name": name})).collect()
    });
    Message::text(json!({"t": "choose", "agents": agents}).to_string())
}

/// What a page hears first: who it is, its first `acknowledge`, the agent.
fn greet(hall: &Hall, login: &str, id: &str) {
    let faults = hall.world.faults(Part::AmazonConnect);
    let hello = hall.with(|center, _| {
        let name = center.instance.agent(login).map(|(_, name)| *name);
        json!({"t": "hello", "page": id, "instance": center.instance.alias, "agent": {"login": login, "name": name}})
    });
    hall.pages.to(id, hello);
    if faults.take(&[FaultKind::AccessDenied], Probe::default()).is_some() {
        // A page that is refused is told nothing else.
        hall.pages.down(id, "access_denied", &Value::Null);
        return;
    }
    if faults.take(&[FaultKind::Terminated], Probe::default()).is_some() {
        hall.pages.down(id, "terminated", &Value::Null);
    } else if faults.take(&[FaultKind::NoAck], Probe::default()).is_none() {
        hall.pages.acknowledge(id);
    }
    hall.with(|center, now| {
        // The agent is known: `serve` looked.
        let _ = center.sign_in(now, login);
        center.change_agent(login, |_| {});
    });
    hall.pages.count(login, None);
}

fn handle(hall: &Hall, login: &str, id: &str, message: FromPage) {
    match message {
        FromPage::Refresh => hall.with(|center, _| center.change_agent(login, |_| {})),
        FromPage::Call { n, method, params } => {
            let Some(result) = perform(hall, login, &method, &params, Caller::CcpButton) else { return };
            let (data, err) =
                result.map_or_else(|err| (Value::Null, json!(err.message)), |data| (data, Value::Null));
            hall.pages.to(id, json!({"t": "answer", "n": n, "data": data, "err": err}));
        }
        FromPage::Up { event, data } => from_library(hall, login, id, &event, &data),
    }
}

/// `None`: a fault swallows the answer.
fn perform(
    hall: &Hall,
    login: &str,
    method: &str,
    params: &Value,
    caller: Caller,
) -> Option<Result<Value, Exception>> {
    let contact = params["contactId"].as_str().unwrap_or_default();
    let probe = Probe { method, path: "", contact };
    let fault =
        hall.world.faults(Part::AmazonConnect).take(&[FaultKind::ApiError, FaultKind::ApiSilent], probe);
    match fault {
        Some(fault) if fault.kind == FaultKind::ApiSilent => None,
        Some(fault) => {
            let code = fault.code.as_deref().unwrap_or("InvalidStateException");
            Some(Err(Exception::new(code, "a fault of the sandbox")))
        }
        None => Some(hall.with(|center, now| api::perform(center, now, login, method, params, caller))),
    }
}

fn from_library(hall: &Hall, login: &str, id: &str, event: &str, data: &Value) {
    match event {
        "synchronize" => {
            let drop = hall.world.faults(Part::AmazonConnect).take(&[FaultKind::DropAcks], Probe::default());
            if drop.is_none() {
                hall.pages.down(id, "acknowledge", &json!({"id": id}));
            }
        }
        "api_request" => {
            let method = data["method"].as_str().unwrap_or_default();
            let Some(result) = perform(hall, login, method, &data["params"], Caller::Library) else { return };
            let (answer, err) =
                result.map_or_else(|err| (Value::Null, json!(err.text())), |data| (data, Value::Null));
            let response = json!({
                "event": "api_response",
                "requestId": data["requestId"],
                "data": answer,
                "err": err,
            });
            hall.pages.down(id, "api_response", &response);
        }
        "master_request" => hall.pages.master(login, id, data),
        "broadcast" => {
            if let Some(event) = data["event"].as_str() {
                hall.pages.say(login, event, &data["data"]);
            }
        }
        "reload_agent_configuration" => hall.with(|center, _| center.change_agent(login, |_| {})),
        "tab_id" => hall.pages.count(login, data["tabId"].as_str().map(|tab| (id, tab))),
        "terminate" => hall.pages.say(login, "terminated", &Value::Null),
        _ => {}
    }
}

/// The CCP pages that are open.
#[derive(Debug, Default)]
pub struct Pages {
    open: Mutex<Vec<Page>>,
    /// (agent, topic) to the page that is master of it.
    masters: Mutex<BTreeMap<(String, String), String>>,
    opened: AtomicU64,
}

#[derive(Debug)]
struct Page {
    id: String,
    agent: String,
    outbox: mpsc::UnboundedSender<Value>,
    /// Whether the library was greeted; before that it hears nothing of the agent.
    acknowledged: bool,
    /// The browser tab, when the library has named it.
    tab: Option<String>,
}

impl Page {
    fn send(&self, message: Value) {
        // A page that has just gone is removed by its own task.
        let _ = self.outbox.send(message);
    }

    fn down(&self, event: &str, data: &Value) {
        self.send(json!({"t": "down", "event": event, "data": data}));
    }
}

impl Pages {
    fn open(&self, agent: &str, outbox: mpsc::UnboundedSender<Value>) -> String {
        let id = format!("page-{}", self.opened.fetch_add(1, Ordering::Relaxed) + 1);
        let page = Page { id: id.clone(), agent: agent.to_owned(), outbox, acknowledged: false, tab: None };
        self.lock().push(page);
        id
    }

    fn close(&self, id: &str) {
        let mut pages = self.lock();
        let Some(at) = pages.iter().position(|page| page.id == id) else { return };
        let agent = pages.remove(at).agent;
        drop(pages);
        self.masters.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, master| master != id);
        self.count(&agent, None);
    }

    pub fn any(&self) -> bool {
        !self.lock().is_empty()
    }

    pub fn has(&self, agent: &str) -> bool {
        self.lock().iter().any(|page| page.agent == agent)
    }

    pub fn number(&self, agent: &str) -> usize {
        self.lock().iter().filter(|page| page.agent == agent).count()
    }

    fn to(&self, id: &str, message: Value) {
        if let Some(page) = self.lock().iter().find(|page| page.id == id) {
            page.send(message);
        }
    }

    fn down(&self, id: &str, event: &str, data: &Value) {
        if let Some(page) = self.lock().iter().find(|page| page.id == id) {
            page.down(event, data);
        }
    }

    fn acknowledge(&self, id: &str) {
        if let Some(page) = self.lock().iter_mut().find(|page| page.id == id) {
            page.acknowledged = true;
            page.down("acknowledge", &json!({"id": id}));
        }
    }

    /// Sends the agent as it is now to all its pages.
    pub fn publish(&self, center: &Center, agent: &str, now: Timestamp) {
        let pages = self.lock();
        let mut pages = pages.iter().filter(|page| page.agent == agent).peekable();
        if pages.peek().is_none() {
            return;
        }
        let data = agent_data(center, agent, now);
        for page in pages {
            page.send(json!({"t": "agent", "forward": page.acknowledged, "data": data}));
        }
    }

    /// Says something to all libraries of an agent.
    pub fn say(&self, agent: &str, event: &str, data: &Value) {
        for page in self.lock().iter().filter(|page| page.agent == agent) {
            page.down(event, data);
        }
    }

    pub fn say_to_all(&self, event: &str) {
        for page in self.lock().iter() {
            page.down(event, &Value::Null);
        }
    }

    /// Tells an agent's pages how many they are, per browser tab where it is known.
    fn count(&self, agent: &str, named: Option<(&str, &str)>) {
        let mut pages = self.lock();
        if let Some((id, tab)) = named
            && let Some(page) = pages.iter_mut().find(|page| page.id == id)
        {
            page.tab = Some(tab.to_owned());
        }
        let mine: Vec<&Page> = pages.iter().filter(|page| page.agent == agent).collect();
        let mut count = json!({"length": mine.len()});
        if let Some((_, tab)) = named {
            let in_tab = mine.iter().filter(|page| page.tab.as_deref() == Some(tab)).count();
            let tabs: std::collections::BTreeSet<&str> =
                mine.iter().filter_map(|page| page.tab.as_deref()).collect();
            count["tabId"] = json!(tab);
            count["streamsTabsAcrossBrowser"] = json!(tabs.len());
            count[tab] = json!({"length": in_tab});
        }
        for page in mine.iter().filter(|page| page.acknowledged) {
            page.down("update_connected_ccps", &count);
        }
    }

    /// Which of an agent's pages does what only one may do, for example ring.
    fn master(&self, agent: &str, id: &str, request: &Value) {
        let topic = request["params"]["topic"].as_str().unwrap_or_default();
        let key = (agent.to_owned(), topic.to_owned());
        let mut masters = self.masters.lock().unwrap_or_else(PoisonError::into_inner);
        let before = masters.get(&key).cloned();
        let respond = |data: Value| json!({"event": "master_response", "requestId": request["requestId"], "data": data, "err": null});
        if request["method"] == "becomeMaster" {
            let take_over = before.is_some_and(|before| before != id);
            masters.insert(key, id.to_owned());
            let response = respond(json!({"masterId": id, "takeOver": take_over, "topic": topic}));
            if take_over {
                self.say(agent, "master_response", &response);
            }
            self.down(id, "master_response", &response);
            return;
        }
        let stay_out = request["params"]["shouldNotBecomeMasterIfNone"] == json!(true);
        let master = before.or_else(|| (!stay_out).then(|| id.to_owned()));
        if let Some(master) = &master {
            masters.insert(key, master.clone());
        }
        let is_master = master.as_deref() == Some(id);
        let response = respond(json!({"masterId": master, "isMaster": is_master, "topic": topic}));
        self.down(id, "master_response", &response);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Page>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
