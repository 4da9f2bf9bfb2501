//! Plays transcripts against doors and desks, with a real store and a clock that only moves when told.
#![allow(dead_code, reason = "each test binary uses its part of this")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tieline_core::{AgentId, FixedClock, WorkspaceName};
use tieline_engine::agents::{
    AgentSettings, Desk, Door, FlowBook, Gate, Input, LoadedFlow, Output, Owner, Redaction, ServerEffect,
    SocketId, admit, check_binding,
};
use tieline_engine::protocol::{Bye, ByeCode, Fallback, PageFrame, ServerFrame, decode};
use tieline_engine::sign_in::{AgentProfile, SignInError, SignedIn};
use tieline_flow::{Answer, Document, Flow};
use tieline_store::{AgentBinding, AgentStore, BindingMaker, FlowGrants, RunFilter, SqliteStore, Store};

/// Everything one transcript needs.
pub struct Stage {
    runtime: tokio::runtime::Runtime,
    store: Arc<dyn Store>,
    _folder: tempfile::TempDir,
    gate: TestGate,
    workspace: WorkspaceName,
    settings: Arc<AgentSettings>,
    book: FlowBook,
    now: Timestamp,
    names: Arc<Mutex<u64>>,
    desks: BTreeMap<AgentId, Desk>,
    pages: BTreeMap<String, PageOnStage>,
    last_socket: u64,
    effects: VecDeque<ServerEffect>,
}

struct PageOnStage {
    socket: SocketId,
    door: Option<Door>,
    agent: Option<AgentId>,
    session: [u8; 32],
    /// What the server did with this page's socket and nobody asked about yet.
    told: VecDeque<Value>,
    /// The last command it was given.
    command: Option<String>,
}

/// Tickets are `<agent>-<anything>` and work once.
#[derive(Default)]
struct TestGate {
    used: Mutex<BTreeSet<String>>,
    signed_out: Mutex<bool>,
}

fn person(name: &str) -> Option<AgentProfile> {
    let (id, full) = match name {
        "nora" => ("005000000000001AAA", "Nora Quist"),
        "omar" => ("005000000000002AAA", "Omar Reyes"),
        _ => return None,
    };
    Some(AgentProfile {
        id: AgentId::new(id).unwrap(),
        name: full.into(),
        email: None,
        login: format!("{name}@example.com"),
    })
}

#[async_trait]
impl Gate for TestGate {
    async fn redeem(&self, workspace: &WorkspaceName, ticket: &str) -> Result<Option<SignedIn>, SignInError> {
        let agent = ticket.split_once('-').and_then(|(name, _)| person(name));
        if !self.used.lock().unwrap().insert(ticket.to_owned()) {
            return Ok(None);
        }
        Ok(agent.map(|agent| SignedIn {
            session: [7; 32],
            workspace: workspace.clone(),
            agent,
            expires_at: Timestamp::MAX,
        }))
    }

    async fn is_signed_in(&self, _: &WorkspaceName, _: [u8; 32]) -> Result<bool, SignInError> {
        Ok(!*self.signed_out.lock().unwrap())
    }

    async fn crm_token(&self, _: &WorkspaceName, _: &AgentId) -> Result<Option<SecretString>, SignInError> {
        Ok(Some("token".into()))
    }

    async fn refresh_crm_token(
        &self,
        _: &WorkspaceName,
        _: &AgentId,
        _: &SecretString,
    ) -> Result<Option<SecretString>, SignInError> {
        Ok(None)
    }
}

impl Stage {
    /// Plays a transcript; answers it with what the server said filled in.
    pub fn play(transcript: &Value, write: bool) -> Result<Value, String> {
        let mut stage = Self::new(transcript)?;
        let mut filled = Vec::new();
        for (at, step) in transcript["steps"].as_array().ok_or("no steps")?.iter().enumerate() {
            let place = format!("step {at}");
            let verb = verb_of(step).ok_or_else(|| format!("{place}: no known verb in {step}"))?;
            if verb == "server_sends" || verb == "server_closes" || verb == "server_pings" {
                if write {
                    // Written anew below, from what the server really did.
                    continue;
                }
                stage.expect(step).map_err(|why| format!("{place}: {why}"))?;
                continue;
            }
            if write {
                stage.take_told(&mut filled);
            } else {
                stage.nothing_left().map_err(|why| format!("before {place}: {why}"))?;
            }
            filled.push(stage.act(verb, step, write).map_err(|why| format!("{place}: {why}"))?);
        }
        if write {
            stage.take_told(&mut filled);
        } else {
            stage.nothing_left().map_err(|why| format!("at the end: {why}"))?;
        }
        let mut transcript = transcript.clone();
        transcript["steps"] = Value::Array(filled);
        Ok(transcript)
    }

    pub fn new(transcript: &Value) -> Result<Self, String> {
        let now = Timestamp::from_millisecond(transcript["now"].as_i64().ok_or("no `now`")?).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let sqlite = SqliteStore::open(folder.path().join("t.db"), Arc::new(FixedClock(now))).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let workspace = WorkspaceName::new("demo").unwrap();
        for binding in transcript["bindings"].as_array().into_iter().flatten() {
            let agent = person(binding["agent"].as_str().unwrap()).ok_or("unknown agent")?;
            let binding = AgentBinding {
                agent: agent.id,
                phone_login: binding["login"].as_str().unwrap().to_owned(),
                made_by: BindingMaker::Bound,
                made_at: now,
            };
            runtime.block_on(sqlite.bind_agent(&workspace, binding)).unwrap();
        }
        let region = "US".to_owned();
        let settings = Arc::new(AgentSettings {
            fallback: Fallback { pop_by_number: true, click_to_dial: true, region: region.clone() },
            region,
            redaction: Redaction::Kept,
            min_build: None,
        });
        Ok(Self {
            runtime,
            store: Arc::new(sqlite),
            _folder: folder,
            gate: TestGate::default(),
            workspace,
            settings,
            book: book(&transcript["flows"], &transcript["grants"])?,
            now,
            names: Arc::default(),
            desks: BTreeMap::new(),
            pages: BTreeMap::new(),
            last_socket: 0,
            effects: VecDeque::new(),
        })
    }

    fn act(&mut self, verb: &str, step: &Value, write: bool) -> Result<Value, String> {
        let name = step["page"].as_str().unwrap_or_default().to_owned();
        let mut step = step.clone();
        match verb {
            "page_does" => self.page_does(&name, &step["page_does"]),
            "page_sends" => {
                if write {
                    let page = self.pages.get(&name).ok_or("no such page")?;
                    if step["page_sends"]["cmd"] == "@cmd" {
                        step["page_sends"]["cmd"] = json!(page.command.clone().ok_or("no command yet")?);
                    }
                }
                self.text(&name, &step["page_sends"].to_string())?;
            }
            "page_sends_text" => {
                let text = step["page_sends_text"].as_str().ok_or("no text")?.to_owned();
                self.text(&name, &text)?;
            }
            "clock" => self.advance(step["clock"].as_u64().ok_or("no milliseconds")?),
            "server_does" => self.performed(&step["server_does"])?,
            "session" => *self.gate.signed_out.lock().unwrap() = step["session"] == "ends",
            "server_stops" => {
                let agents: Vec<_> = self.desks.keys().cloned().collect();
                for agent in agents {
                    self.desk(&agent, Input::Drain);
                }
            }
            "flows" => self.book = book(&step["flows"], &step["grants"])?,
            "runs" => self.runs(&step["runs"])?,
            _ => return Err(format!("unknown verb {verb}")),
        }
        Ok(step)
    }

    fn page_does(&mut self, name: &str, what: &Value) {
        let what = what.as_object().map_or_else(
            || what.as_str().unwrap_or_default().to_owned(),
            |object| object.keys().next().cloned().unwrap_or_default(),
        );
        match what.as_str() {
            "opens" => {
                self.last_socket += 1;
                let page = PageOnStage {
                    socket: SocketId(self.last_socket),
                    door: Some(Door::new(self.now)),
                    agent: None,
                    session: [0; 32],
                    told: VecDeque::new(),
                    command: None,
                };
                self.pages.insert(name.to_owned(), page);
            }
            "loses_socket" => {
                let page = self.pages.remove(name).expect("it had a socket");
                if let Some(agent) = page.agent {
                    self.desk(&agent, Input::Lost { socket: page.socket });
                }
            }
            "pongs" => {
                let page = &self.pages[name];
                let (agent, socket) = (page.agent.clone().unwrap(), page.socket);
                self.desk(&agent, Input::Heard { socket });
            }
            // Everything else happens in the page alone.
            _ => {}
        }
    }

    /// A frame of a page, as text.
    pub fn text(&mut self, name: &str, text: &str) -> Result<(), String> {
        let page = self.pages.get_mut(name).ok_or("the page has no socket")?;
        let socket = page.socket;
        if let Some(door) = &page.door {
            let hello = match door.text(self.now, text) {
                Ok(Some(hello)) => hello,
                Ok(None) => return Ok(()),
                Err(bye) => {
                    self.close(name, bye);
                    return Ok(());
                }
            };
            let admitted =
                self.runtime.block_on(admit(&self.workspace, &self.gate, &self.store, self.now, &hello));
            match admitted {
                Ok(admission) => {
                    let agent = admission.owner.agent.id.clone();
                    let page = self.pages.get_mut(name).unwrap();
                    page.door = None;
                    page.agent = Some(agent.clone());
                    page.session = admission.session;
                    self.set_up_desk(admission.owner);
                    self.desk(&agent, Input::Opened { socket, hello, done: admission.done });
                }
                Err(bye) => self.close(name, bye),
            }
            return Ok(());
        }
        let agent = page.agent.clone().unwrap();
        match decode(text) {
            Ok(Some(frame)) => {
                self.desk(&agent, Input::Frame { socket, frame: Box::<PageFrame>::new(frame) });
            }
            Ok(None) => self.desk(&agent, Input::Heard { socket }),
            Err(bad) => {
                self.close(name, bad.code.bye_because(bad.detail));
                self.desk(&agent, Input::Lost { socket });
            }
        }
        Ok(())
    }

    fn set_up_desk(&mut self, owner: Owner) {
        let names = self.names.clone();
        let agent = owner.agent.id.clone();
        let (settings, epoch) = (self.settings.clone(), u64::try_from(self.now.as_millisecond()).unwrap());
        self.desks.entry(agent).or_insert_with(|| {
            let name = move || {
                let mut last = names.lock().unwrap();
                *last += 1;
                format!("n{last}")
            };
            Desk::new(owner, settings, epoch, Box::new(name))
        });
    }

    pub fn advance(&mut self, millis: u64) {
        let until = self.now.checked_add(Duration::from_millis(millis)).unwrap();
        loop {
            let desk =
                self.desks.iter().filter_map(|(agent, desk)| Some((desk.wakes_at()?, agent.clone()))).min();
            let door = self
                .pages
                .iter()
                .filter_map(|(name, page)| Some((page.door.as_ref()?.closes_at(), name.clone())))
                .min();
            match (desk, door) {
                (desk, Some((at, name)))
                    if at <= until && desk.as_ref().is_none_or(|(wake, _)| at <= *wake) =>
                {
                    self.now = at;
                    self.close(&name, ByeCode::NoHello.bye());
                }
                (Some((at, agent)), _) if at <= until => {
                    self.now = self.now.max(at);
                    self.desk(&agent, Input::Tick);
                }
                _ => break,
            }
        }
        self.now = until;
    }

    fn desk(&mut self, agent: &AgentId, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let desk = self.desks.get_mut(agent).expect("the agent has a desk");
            let outputs = desk.handle(self.now, &self.book, input);
            for output in outputs {
                if let Some(answer) = self.carry_out(agent, output) {
                    // The answer to a record comes before anything else.
                    match answer {
                        Input::Recorded { .. } => inputs.push_front(answer),
                        other => inputs.push_back(other),
                    }
                }
            }
        }
    }

    fn carry_out(&mut self, agent: &AgentId, output: Output) -> Option<Input> {
        match output {
            Output::Send { socket, frame } => {
                let page = self.pages.values_mut().find(|page| page.socket == socket)?;
                if let ServerFrame::Command(command) = &frame {
                    page.command = Some(command.cmd.to_string());
                }
                page.told.push_back(json!({ "server_sends": frame }));
                None
            }
            Output::Ping { socket } => {
                let page = self.pages.values_mut().find(|page| page.socket == socket)?;
                page.told.push_back(json!({ "server_pings": true }));
                None
            }
            Output::Close { socket, bye } => {
                let name = self.pages.iter().find(|(_, page)| page.socket == socket)?.0.clone();
                self.close(&name, bye);
                None
            }
            Output::Record { event, runs, .. } => {
                let new = self.runtime.block_on(self.store.record_event(event, runs)).map_err(drop);
                Some(Input::Recorded { new })
            }
            Output::Perform(effect) => {
                self.effects.push_back(*effect);
                None
            }
            Output::CloseRun(end) => {
                self.runtime.block_on(self.store.close_run(end)).unwrap();
                None
            }
            Output::CheckSession { socket } => {
                let session = self.pages.values().find(|page| page.socket == socket)?.session;
                let valid = self.runtime.block_on(self.gate.is_signed_in(&self.workspace, session)).unwrap();
                Some(Input::SessionChecked { socket, valid })
            }
            Output::CheckLogin { socket, login } => {
                let owner =
                    ["nora", "omar"].into_iter().filter_map(person).find(|who| who.id == *agent).unwrap();
                let checked = check_binding(&self.store, &self.workspace, &owner, &login, self.now);
                let refused = self.runtime.block_on(checked).unwrap();
                let refused = refused.map(|why| ByeCode::AgentMismatch.bye_because(why));
                Some(Input::LoginChecked { socket, refused })
            }
        }
    }

    fn close(&mut self, name: &str, bye: Bye) {
        let page = self.pages.get_mut(name).unwrap();
        page.door = None;
        page.agent = None;
        page.told.push_back(json!({ "server_sends": ServerFrame::Bye(bye) }));
        page.told.push_back(json!({ "server_closes": true }));
        // Kept only for what it was told last.
        page.socket = SocketId(u64::MAX);
    }

    /// The flow asked the server for something and gets this answer.
    fn performed(&mut self, what: &Value) -> Result<(), String> {
        let effect = self.effects.pop_front().ok_or("the server was asked for nothing")?;
        if what["op"] != effect.op || what["args"] != json!(effect.args) {
            return Err(format!("the server was asked for {} {}", effect.op, json!(effect.args)));
        }
        let answer = match what["answers"].as_object() {
            Some(outputs) => Answer::Done(outputs.clone()),
            None => Answer::Failed {
                code: what["fails"].as_str().ok_or("neither `answers` nor `fails`")?.to_owned(),
                detail: String::new(),
            },
        };
        let agent = self.desks.keys().next().unwrap().clone();
        self.desk(&agent, Input::Answered { run: effect.run, effect: effect.effect, answer });
        Ok(())
    }

    /// The runs in the store, oldest first: `["<flow> <state>", …]`.
    fn runs(&self, expected: &Value) -> Result<(), String> {
        let found = json!(self.run_states());
        if *expected == found { Ok(()) } else { Err(format!("the runs are {found}")) }
    }

    pub fn run_states(&self) -> Vec<String> {
        let filter = RunFilter { limit: 100, ..RunFilter::default() };
        let mut runs = self.runtime.block_on(self.store.runs(&self.workspace, filter)).unwrap();
        runs.sort_by_key(|run| run.run.trim_start_matches('n').parse::<u64>().unwrap_or(0));
        runs.iter().map(|run| format!("{} {}", run.flow, run.state.as_str())).collect()
    }

    /// What a page was told since it was last asked.
    pub fn told(&mut self, name: &str) -> Vec<Value> {
        self.pages.get_mut(name).map(|page| page.told.drain(..).collect()).unwrap_or_default()
    }

    pub fn opens(&mut self, name: &str) {
        self.page_does(name, &json!("opens"));
    }

    fn expect(&mut self, step: &Value) -> Result<(), String> {
        let name = step["page"].as_str().ok_or("no page")?;
        let page = self.pages.get_mut(name).ok_or("no such page")?;
        let mut expected = step.as_object().unwrap().clone();
        expected.shift_remove("page");
        match page.told.pop_front() {
            Some(told) if told == Value::Object(expected.clone()) => Ok(()),
            Some(told) => Err(format!("expected {}\n     got {told}", Value::Object(expected))),
            None => Err(format!("the server said nothing more; expected {}", Value::Object(expected))),
        }
    }

    fn nothing_left(&self) -> Result<(), String> {
        for (name, page) in &self.pages {
            if let Some(told) = page.told.front() {
                return Err(format!("the server also told {name}: {told}"));
            }
        }
        Ok(())
    }

    fn take_told(&mut self, into: &mut Vec<Value>) {
        for (name, page) in &mut self.pages {
            for told in page.told.drain(..) {
                let mut step = Map::from_iter([("page".to_owned(), json!(name))]);
                step.extend(told.as_object().unwrap().clone());
                into.push(Value::Object(step));
            }
        }
    }
}

fn verb_of(step: &Value) -> Option<&'static str> {
    [
        "page_does",
        "page_sends",
        "page_sends_text",
        "server_sends",
        "server_closes",
        "server_pings",
        "server_does",
        "server_stops",
        "clock",
        "session",
        "flows",
        "runs",
    ]
    .into_iter()
    .find(|verb| step.get(verb).is_some())
}

/// `flows` as documents in their order; `grants` by flow id.
fn book(flows: &Value, grants: &Value) -> Result<FlowBook, String> {
    let mut loaded = Vec::new();
    for document in flows.as_array().into_iter().flatten() {
        let document = Document::from_json(document.to_string().as_bytes()).map_err(|p| format!("{p:?}"))?;
        let flow = Flow::load(document).map_err(|problems| format!("{problems:?}"))?;
        let right = |name: &str| grants[flow.id()][name] == true;
        let grants = FlowGrants { may_dial: right("may_dial"), as_workspace: right("as_workspace") };
        loaded.push(LoadedFlow { flow: Arc::new(flow), version: 1, grants });
    }
    Ok(FlowBook::new(loaded))
}
