//! One agent at work: their pages, what was asked of them, and what runs for them.
//!
//! A desk is a state machine without I/O. [`Desk::handle`] takes what happened and answers with
//! what to do; [`Desk::wakes_at`] says when it wants [`Input::Tick`] at the latest. The time comes
//! with every call, so transcripts and tests move it as they like.
//!
//! Two rules keep it simple for whoever drives it: an [`Output::Record`] is answered with
//! [`Input::Recorded`] before any other input, so events are recorded in order; everything else may be
//! answered in any order or never.
//!
//! A desk never waits, never reads a clock, and knows no socket beyond its number.

mod commands;
mod dial;
mod events;
mod page;
mod pages;
mod panel;
mod runs;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tieline_core::{ContactChange, ContactId, JsonMap, WorkspaceName};
use tieline_flow::{Answer, Rights};
use tieline_store::{RunEnd, RunRow, SeenEvent};

use self::commands::Commands;
use self::events::Recording;
use self::page::{Page, PageKey};
use self::panel::Cards;
use self::runs::Job;
use super::book::FlowBook;
use super::trace::Redaction;
use crate::protocol::{Bye, DoneEvent, Fallback, Hello, PageFrame, ServerFrame, Token};
use crate::sign_in::AgentProfile;

/// Numbers a socket; never used twice while the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u64);

/// Whose desk it is.
#[derive(Debug, Clone)]
pub struct Owner {
    pub workspace: WorkspaceName,
    pub agent: AgentProfile,
}

/// What a workspace decides about its agents' sessions.
#[derive(Debug, Clone)]
pub struct AgentSettings {
    pub fallback: Fallback,
    /// Default country of numbers without `+`.
    pub region: String,
    /// How much of what a run saw is kept in its trace.
    pub redaction: Redaction,
    /// Pages older than this should reload.
    pub min_build: Option<String>,
}

/// Makes names nobody used before.
pub type Names = Box<dyn FnMut() -> String + Send>;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// A page said a good hello, with a ticket of this agent and a login that fits.
    Opened {
        socket: SocketId,
        hello: Box<Hello>,
        done: Vec<DoneEvent>,
    },
    Frame {
        socket: SocketId,
        frame: Box<PageFrame>,
    },
    /// Something that is no frame was heard: the answer to a ping.
    Heard {
        socket: SocketId,
    },
    /// The socket is gone.
    Lost {
        socket: SocketId,
    },
    /// Answers [`Output::Record`]: true when the event is new, an error when it could not be stored.
    Recorded {
        new: Result<bool, ()>,
    },
    /// Answers [`Output::Perform`].
    Answered {
        run: Token,
        effect: u64,
        answer: Answer,
    },
    /// Answers [`Output::CheckSession`].
    SessionChecked {
        socket: SocketId,
        valid: bool,
    },
    /// Answers [`Output::CheckLogin`]: what to say when the login is not theirs, or nobody can tell.
    LoginChecked {
        socket: SocketId,
        refused: Option<Bye>,
    },
    /// Other flows are in force than before.
    FlowsChanged,
    /// Time has passed.
    Tick,
    /// The server stops.
    Drain,
}

/// What to do.
#[derive(Debug)]
pub enum Output {
    Send {
        socket: SocketId,
        frame: ServerFrame,
    },
    Ping {
        socket: SocketId,
    },
    /// Say why, then close. No [`Input::Lost`] is awaited.
    Close {
        socket: SocketId,
        bye: Bye,
    },
    /// Store the event and open its runs, together; hand the part to the pipeline when it is new.
    Record {
        event: SeenEvent,
        runs: Vec<RunRow>,
        part: Option<Box<ContactChange>>,
    },
    /// Do something on the server.
    Perform(Box<ServerEffect>),
    CloseRun(RunEnd),
    CheckSession {
        socket: SocketId,
    },
    CheckLogin {
        socket: SocketId,
        login: String,
    },
}

/// An effect for the server to perform.
#[derive(Debug, Clone)]
pub struct ServerEffect {
    pub run: Token,
    /// Counts the effects of a run; goes back with the answer.
    pub effect: u64,
    pub step: String,
    /// `crm.find_person`, …
    pub op: &'static str,
    pub rights: Rights,
    pub args: JsonMap,
    /// The contact the run belongs to.
    pub contact: Option<ContactId>,
    pub deadline: Duration,
}

/// See the module's text.
pub struct Desk {
    owner: Owner,
    settings: Arc<AgentSettings>,
    epoch: u64,
    names: Names,
    pages: Vec<Page>,
    last_page: u64,
    cards: Cards,
    jobs: Vec<Job>,
    commands: Commands,
    recording: Option<Recording>,
    /// Held dials by command, with the number that was clicked.
    held: BTreeMap<Token, String>,
    draining: bool,
    /// When something last happened.
    now: Timestamp,
}

/// One call of [`Desk::handle`]: what is needed everywhere and what comes out.
struct Turn<'a> {
    now: Timestamp,
    book: &'a FlowBook,
    out: Vec<Output>,
}

impl Desk {
    /// `epoch` must differ from that of every earlier desk of the same agent.
    pub fn new(owner: Owner, settings: Arc<AgentSettings>, epoch: u64, names: Names) -> Self {
        Self {
            owner,
            settings,
            epoch,
            names,
            pages: Vec::new(),
            last_page: 0,
            cards: Cards::default(),
            jobs: Vec::new(),
            commands: Commands::default(),
            recording: None,
            held: BTreeMap::new(),
            draining: false,
            now: Timestamp::UNIX_EPOCH,
        }
    }

    /// Takes what happened; answers with what to do, in this order. `book` holds the flows in force.
    pub fn handle(&mut self, now: Timestamp, book: &FlowBook, input: Input) -> Vec<Output> {
        self.now = now;
        let mut turn = Turn { now, book, out: Vec::new() };
        match input {
            Input::Opened { socket, hello, done } => self.opened(&mut turn, socket, &hello, done),
            Input::Frame { socket, frame } => self.frame(&mut turn, socket, *frame),
            Input::Heard { socket } => self.heard(socket),
            Input::Lost { socket } => self.lost(&mut turn, socket),
            Input::Recorded { new } => self.recorded(&mut turn, new),
            Input::Answered { run, effect, answer } => self.answered(&mut turn, &run, effect, answer),
            Input::SessionChecked { socket, valid } => self.session_checked(&mut turn, socket, valid),
            Input::LoginChecked { socket, refused } => self.login_checked(&mut turn, socket, refused),
            Input::FlowsChanged => self.tell_subscriptions(&mut turn),
            Input::Tick => {}
            Input::Drain => self.drain(&mut turn),
        }
        self.time_passes(&mut turn);
        turn.out
    }

    /// When [`Input::Tick`] is wanted at the latest; `None` while nothing waits.
    pub fn wakes_at(&self) -> Option<Timestamp> {
        let pages = self.pages.iter().map(Page::wakes_at);
        let runs = self.jobs.iter().filter_map(Job::wakes_at);
        let commands = self.commands.iter().map(|pending| self.command_wakes_at(pending));
        pages.chain(runs).chain(commands).chain(self.cards.wakes_at()).min()
    }

    /// Whether nothing is lost when the desk is put away.
    pub fn is_idle(&self) -> bool {
        self.pages.is_empty() && self.jobs.is_empty() && self.recording.is_none()
    }

    /// How many pages are connected.
    pub fn connected(&self) -> usize {
        self.pages.iter().filter(|page| page.socket.is_some()).count()
    }

    fn time_passes(&mut self, turn: &mut Turn<'_>) {
        self.pages_grow_old(turn);
        self.runs_grow_old(turn);
        self.give_out_commands(turn);
        self.commands_grow_old(turn);
        // What ended let runs go on, and those may want something new.
        self.give_out_commands(turn);
        // What an event leads to goes first; the drawer can wait for it.
        if self.recording.is_none() {
            self.push_panels(turn);
        }
    }

    fn token(&mut self) -> Token {
        Token::new((self.names)()).expect("names are made of letters and digits")
    }

    fn page_of(&mut self, socket: SocketId) -> Option<&mut Page> {
        self.pages.iter_mut().find(|page| page.socket == Some(socket))
    }

    fn page(&mut self, key: PageKey) -> Option<&mut Page> {
        self.pages.iter_mut().find(|page| page.key == key)
    }

    /// Sends a numbered frame and keeps it until the page acknowledges it. `make` gets its number.
    fn send_numbered(&mut self, turn: &mut Turn<'_>, key: PageKey, make: impl FnOnce(u64) -> ServerFrame) {
        let Some(page) = self.page(key) else { return };
        let seq = page.next_seq();
        let frame = make(seq);
        let keeps_up = page.keep(seq, frame.clone());
        if let Some(socket) = page.socket {
            turn.out.push(Output::Send { socket, frame });
            if !keeps_up {
                self.give_up_page(turn, key, crate::protocol::ByeCode::TooSlow.bye());
            }
        }
    }
}

/// `at` plus `span`, at the end of time when that is beyond it.
fn after(at: Timestamp, span: Duration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}
