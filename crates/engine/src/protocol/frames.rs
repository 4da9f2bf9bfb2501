use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tieline_core::{Channel, ContactId, Direction, JsonMap};
use ts_rs::TS;

use super::{Millis, Token};

/// What a page says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum PageFrame {
    Hello(Box<Hello>),
    Event(Box<PageEvent>),
    Result(CommandResult),
    Page(PageUpdate),
    Ack(SeqAck),
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ServerFrame {
    Welcome(Box<Welcome>),
    Subscribe(Subscribe),
    Command(Command),
    Cancel(Cancel),
    Panel(Panel),
    Ack(Ack),
    Bye(Bye),
}

/// The first frame of a page, within 5 s of the socket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Hello {
    /// From `POST …/agent/tickets`; good once.
    pub ticket: String,
    pub page: PageInfo,
    pub phone: Phone,
    /// Present when the same page load lost its socket; a reloaded page starts afresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub resume: Option<Resume>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PageInfo {
    /// Made up at every load.
    pub id: Token,
    /// Made up once a tab and kept in sessionStorage; the page id where storage is refused.
    pub tab: Token,
    /// Which file of `hosts/` runs, for example `lightning`; `standalone` without a CRM page.
    pub host: Token,
    pub build: Token,
    pub visible: bool,
    /// Whether the CRM page around the panel has the focus.
    pub focused: bool,
    /// The commands this page can carry out, as `<place>.<op>`: `crm_page.search_and_pop`, `phone.dial`.
    pub capabilities: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Phone {
    /// Which file of `phones/` runs, for example `amazon-connect`; `none` without a softphone.
    pub kind: Token,
    pub ready: bool,
    /// Whether this page's softphone carries the sound.
    pub audio_owner: bool,
    /// Who the softphone says is signed in there; absent until it is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub agent: Option<PhoneAgent>,
    pub contacts: Vec<Contact>,
}

/// What the softphone says about its agent: a claim, compared with the binding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PhoneAgent {
    pub id: String,
    pub login: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub state: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub since: Option<Millis>,
}

/// A contact as the softphone shows it: in `hello.phone.contacts` and as `event.snapshot`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Contact {
    #[ts(type = "string")]
    pub id: ContactId,
    #[ts(type = "\"voice\" | \"chat\" | \"task\" | \"email\" | \"messaging\"")]
    pub channel: Channel,
    /// `incoming`, `pending`, `connecting`, `connected`, `missed`, `error`, `ended`.
    pub state: Token,
    /// When it took this state, by the contact center's clock.
    #[ts(type = "number")]
    pub since: Millis,
    /// Whether it was there already when the page loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub initial: Option<bool>,
    #[ts(type = "\"inbound\" | \"outbound\" | \"internal\"")]
    pub direction: Direction,
    /// The contact center's word for how it began, for example `queue_callback`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub initiation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub queue: Option<String>,
    /// The customer's address as the contact center sent it: a number, `anonymous`, an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub customer: Option<String>,
    #[ts(type = "Record<string, string>")]
    pub attributes: BTreeMap<String, String>,
    #[serde(default)]
    pub is_monitor: bool,
}

/// Asks to go on where a lost socket left off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Resume {
    pub session: Token,
    /// From the `welcome` that gave the session.
    #[ts(type = "number")]
    pub epoch: u64,
    /// The last `seq` the page has handled.
    #[ts(type = "number")]
    pub last_seq: u64,
}

/// Something happened in the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "EventFrame")]
pub struct PageEvent {
    /// Grows by one from 1 per page load.
    #[ts(type = "number")]
    pub n: u64,
    /// Made up by the page; the same when it is sent again.
    pub id: Token,
    /// `voice_contact`, `agent`, `crm_page`, `action`, …
    pub source: Token,
    /// `connecting`, `state_change`, `click_to_dial`, …; empty for `action`.
    #[serde(default)]
    pub event: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "string")]
    pub contact: Option<ContactId>,
    /// When the state this event tells of was taken, by the contact center's clock; absent for removals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub state_at: Option<Millis>,
    /// When the page saw it, by the page's clock.
    #[ts(type = "number")]
    pub seen_at: Millis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "Record<string, unknown>")]
    pub payload: Option<JsonMap>,
    /// The contact as it was: every event with a contact carries one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub snapshot: Option<Contact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub cause: Option<Cause>,
    /// The page acted on it alone while the server could not be reached: recorded, no flow runs.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub handled_locally: bool,
}

/// What made an event happen, as far as the page verified it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Cause {
    pub kind: CauseKind,
    /// The command that made it happen (`command`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub cmd: Option<Token>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// A person clicked in the CRM page; its host verified where the message came from.
    Click,
    /// A person pressed an action in the panel.
    Action,
    /// A command of ours.
    Command,
}

/// How a command went. `waiting_user` is a way station, the others are final.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "ResultFrame")]
pub struct CommandResult {
    pub cmd: Token,
    pub status: CommandStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "Record<string, unknown>")]
    pub output: Option<JsonMap>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub error: Option<ErrorDetail>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CommandStatus {
    Done,
    Failed,
    /// The page may not or cannot do it.
    Refused,
    /// It came after its deadline and was not done.
    Expired,
    /// A button waits for the agent; the real result follows.
    WaitingUser,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ErrorDetail {
    /// `outcome_unknown`: started without a result, and nobody may start it again.
    pub code: String,
    #[serde(default)]
    pub detail: String,
}

/// Something about the page changed.
#[expect(clippy::struct_excessive_bools, reason = "four independent facts, as they stand on the wire")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PageUpdate {
    pub visible: bool,
    pub focused: bool,
    pub phone_ready: bool,
    pub audio_owner: bool,
    /// As in `hello.phone`, once the softphone has become ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub agent: Option<PhoneAgent>,
    /// The contact the agent looks at; absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "string")]
    pub contact: Option<ContactId>,
}

/// The page has handled every frame up to `seq`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SeqAck {
    #[ts(type = "number")]
    pub seq: u64,
}

/// The server has recorded every event up to `n` of this page load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Ack {
    #[ts(type = "number")]
    pub n: u64,
}

/// The answer to a good `hello`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Welcome {
    pub session: Token,
    /// Changes when the server forgot the session: what was sent before is void.
    #[ts(type = "number")]
    pub epoch: u64,
    /// The last `seq` given out; the next numbered frame has `seq + 1`. When the page resumed, the frames
    /// after its `last_seq` follow instead.
    #[ts(type = "number")]
    pub seq: u64,
    /// The server's time, for `deadline_ms`.
    #[ts(type = "number")]
    pub now: Millis,
    /// True when the page goes on with its old session.
    pub resumed: bool,
    pub fallback: Fallback,
    /// Events, besides the life cycle, that a published flow waits for.
    pub subscribe: Vec<SubscribedEvent>,
    /// Life-cycle events already recorded for the contacts of `hello`: not to be sent again.
    pub done: Vec<DoneEvent>,
    pub settings: Settings,
    /// Pages of an older build should reload when no contact is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub min_build: Option<String>,
}

/// The flows in force changed, and with them what pages shall send; takes the place of `welcome.subscribe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Subscribe {
    pub subscribe: Vec<SubscribedEvent>,
}

/// What the page may do alone while the server cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Fallback {
    pub pop_by_number: bool,
    pub click_to_dial: bool,
    /// Default region of numbers without `+`.
    pub region: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
pub struct SubscribedEvent {
    pub source: String,
    pub event: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
pub struct DoneEvent {
    #[ts(type = "string")]
    pub contact: ContactId,
    pub event: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Settings {
    pub agent: SettingsAgent,
    pub region: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SettingsAgent {
    pub id: String,
    pub name: String,
}

/// Asks a page to do something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Command {
    #[ts(type = "number")]
    pub seq: u64,
    pub cmd: Token,
    pub run: Token,
    pub step: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "string")]
    pub contact: Option<ContactId>,
    #[ts(type = "\"crm_page\" | \"phone\" | \"panel\"")]
    pub place: String,
    pub op: String,
    #[ts(type = "Record<string, unknown>")]
    pub args: JsonMap,
    /// The server's time (see `welcome.now`) after which the page answers `expired` instead of acting.
    #[ts(type = "number")]
    pub deadline_ms: Millis,
    /// The page notes "started" before it acts and never does it a second time.
    pub once: bool,
    /// `event.id` of the click or action on this page that allows a dial; absent when it was made on another page of
    /// the agent, or when the flow has a right of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub gesture: Option<Token>,
}

/// Takes a command back; nothing is answered to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Cancel {
    #[ts(type = "number")]
    pub seq: u64,
    pub cmd: Token,
    pub why: CancelReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// Its deadline passed; its step took the failure branch.
    Late,
    /// Its run ended (time limit, shutdown).
    RunEnded,
    /// Another page has it now.
    Moved,
}

/// What the drawer shows; replaces what it showed for the same contact when `rev` is higher.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Panel {
    #[ts(type = "number")]
    pub seq: u64,
    /// Absent: what is shown while no contact is selected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "string")]
    pub contact: Option<ContactId>,
    #[ts(type = "number")]
    pub rev: u64,
    pub doc: PanelDoc,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, TS)]
pub struct PanelDoc {
    pub attributes: Vec<PanelAttribute>,
    pub trace: Option<PanelTrace>,
    pub notices: Vec<Notice>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PanelAttribute {
    pub name: String,
    pub value: String,
}

/// What the last flow did for this contact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PanelTrace {
    pub flow: String,
    /// `<source>.<event>`.
    pub event: String,
    /// `running`, `completed`, `failed`, `timed_out`, `interrupted`.
    pub ended: String,
    #[ts(type = "number")]
    pub ms: u64,
    pub steps: Vec<PanelStep>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PanelStep {
    pub step: String,
    #[serde(rename = "use")]
    pub use_: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub branch: Option<String>,
    #[ts(type = "number")]
    pub ms: u64,
    #[ts(type = "Record<string, unknown>")]
    pub inputs: JsonMap,
    #[ts(type = "Record<string, unknown>")]
    pub outputs: JsonMap,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Notice {
    pub level: NoticeLevel,
    /// Stable name of what is told, so that the page can put it in its own words: `dial.waiting`, `dial.expired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub code: Option<String>,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum NoticeLevel {
    Info,
    Warning,
    Error,
}

/// The server closes the socket, and says why and whether coming back helps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Bye {
    pub code: ByeCode,
    /// When to try again; absent: not before a person did something (signed in, reloaded, asked an administrator).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub retry_after_ms: Option<u64>,
    /// One sentence for the person in front of the page.
    pub detail: String,
}

/// Why a socket was closed; every one has a page in `docs/errors/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
pub enum ByeCode {
    #[serde(rename = "socket.no_hello")]
    NoHello,
    #[serde(rename = "socket.bad_ticket")]
    BadTicket,
    #[serde(rename = "socket.session_ended")]
    SessionEnded,
    #[serde(rename = "socket.agent_mismatch")]
    AgentMismatch,
    #[serde(rename = "socket.not_text")]
    NotText,
    #[serde(rename = "socket.too_large")]
    TooLarge,
    #[serde(rename = "socket.too_deep")]
    TooDeep,
    #[serde(rename = "socket.not_json")]
    NotJson,
    #[serde(rename = "socket.malformed")]
    Malformed,
    #[serde(rename = "socket.unexpected")]
    Unexpected,
    #[serde(rename = "socket.too_many_pages")]
    TooManyPages,
    #[serde(rename = "socket.too_slow")]
    TooSlow,
    #[serde(rename = "socket.replaced")]
    Replaced,
    #[serde(rename = "socket.silent")]
    Silent,
    #[serde(rename = "socket.draining")]
    Draining,
    #[serde(rename = "socket.unavailable")]
    Unavailable,
}

impl ByeCode {
    pub const ALL: [Self; 16] = [
        Self::NoHello,
        Self::BadTicket,
        Self::SessionEnded,
        Self::AgentMismatch,
        Self::NotText,
        Self::TooLarge,
        Self::TooDeep,
        Self::NotJson,
        Self::Malformed,
        Self::Unexpected,
        Self::TooManyPages,
        Self::TooSlow,
        Self::Replaced,
        Self::Silent,
        Self::Draining,
        Self::Unavailable,
    ];

    /// The name on the wire and of its page in `docs/errors/`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoHello => "socket.no_hello",
            Self::BadTicket => "socket.bad_ticket",
            Self::SessionEnded => "socket.session_ended",
            Self::AgentMismatch => "socket.agent_mismatch",
            Self::NotText => "socket.not_text",
            Self::TooLarge => "socket.too_large",
            Self::TooDeep => "socket.too_deep",
            Self::NotJson => "socket.not_json",
            Self::Malformed => "socket.malformed",
            Self::Unexpected => "socket.unexpected",
            Self::TooManyPages => "socket.too_many_pages",
            Self::TooSlow => "socket.too_slow",
            Self::Replaced => "socket.replaced",
            Self::Silent => "socket.silent",
            Self::Draining => "socket.draining",
            Self::Unavailable => "socket.unavailable",
        }
    }

    /// What the page is told; the page in `docs/errors/` says more.
    fn told(self) -> &'static str {
        match self {
            Self::NoHello => "The panel did not introduce itself in time.",
            Self::BadTicket => "The ticket is unknown, was used before, or is older than a minute.",
            Self::SessionEnded => "You are signed out. Sign in again.",
            Self::AgentMismatch => "The softphone is signed in as someone else.",
            Self::NotText => "A frame was not text in UTF-8.",
            Self::TooLarge => "A frame was larger than 64 KiB.",
            Self::TooDeep => "A frame was nested too deeply.",
            Self::NotJson => "A frame was not JSON.",
            Self::Malformed => "A frame lacks a member or has one of the wrong kind.",
            Self::Unexpected => "A frame came at the wrong moment.",
            Self::TooManyPages => "Too many tabs are open for one agent.",
            Self::TooSlow => "The panel does not keep up with what it is sent.",
            Self::Replaced => "This panel connected again on another socket.",
            Self::Silent => "Nothing was heard from the panel for a while.",
            Self::Draining => "The server restarts.",
            Self::Unavailable => "The server cannot store events at the moment.",
        }
    }

    /// How long a page should stay away; `None` when coming back alone cannot help.
    fn retry_after_ms(self) -> Option<u64> {
        match self {
            // A fresh ticket is one request away.
            Self::NoHello | Self::BadTicket | Self::Silent | Self::TooSlow => Some(200),
            Self::Draining => Some(1_000),
            Self::Unavailable => Some(2_000),
            Self::SessionEnded
            | Self::AgentMismatch
            | Self::NotText
            | Self::TooLarge
            | Self::TooDeep
            | Self::NotJson
            | Self::Malformed
            | Self::Unexpected
            | Self::TooManyPages
            | Self::Replaced => None,
        }
    }

    pub fn bye(self) -> Bye {
        Bye { code: self, retry_after_ms: self.retry_after_ms(), detail: self.told().to_owned() }
    }

    /// The same with a sentence that knows more.
    pub fn bye_because(self, detail: impl Into<String>) -> Bye {
        Bye { detail: detail.into(), ..self.bye() }
    }
}
