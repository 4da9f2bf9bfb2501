use std::collections::VecDeque;

use jiff::Timestamp;
use tieline_core::ContactId;

use super::SocketId;
use crate::protocol::{Hello, PageUpdate, ServerFrame, Token};

/// Numbered frames a page may leave unacknowledged before it is given up.
const MAX_UNSEEN: usize = 256;

/// Names a page load inside one desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PageKey(pub u64);

/// One load of the panel: connected, or lost a moment ago.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, as pages report them")]
#[derive(Debug)]
pub(super) struct Page {
    pub key: PageKey,
    /// `None` while its socket is lost.
    pub socket: Option<SocketId>,
    pub lost_at: Option<Timestamp>,
    pub id: Token,
    pub tab: Token,
    pub session: Token,
    capabilities: Vec<Token>,
    pub visible: bool,
    pub focused: bool,
    pub focused_at: Option<Timestamp>,
    phone_ready: bool,
    pub audio_owner: bool,
    pub login_unchecked: bool,
    /// The contact-center login that was compared with the binding.
    pub login: Option<String>,
    pub looks_at: Option<ContactId>,
    pub opened_at: Timestamp,
    /// Since when a ping is unanswered.
    pub unanswered: Option<Timestamp>,
    pub ping_at: Timestamp,
    pub recheck_at: Timestamp,
    /// The last event recorded.
    pub recorded: u64,
    seq: u64,
    /// Numbered frames the page has not acknowledged, oldest first.
    unseen: VecDeque<(u64, ServerFrame)>,
}

impl Page {
    pub fn new(key: PageKey, session: Token, socket: SocketId, hello: &Hello, now: Timestamp) -> Self {
        Self {
            key,
            socket: Some(socket),
            lost_at: None,
            id: hello.page.id.clone(),
            tab: hello.page.tab.clone(),
            session,
            capabilities: hello.page.capabilities.clone(),
            visible: hello.page.visible,
            focused: hello.page.focused,
            focused_at: hello.page.focused.then_some(now),
            phone_ready: hello.phone.ready,
            audio_owner: hello.phone.audio_owner,
            login_unchecked: false,
            login: hello.phone.agent.as_ref().map(|agent| agent.login.clone()),
            looks_at: None,
            opened_at: now,
            unanswered: None,
            ping_at: super::after(now, crate::protocol::PING_EVERY),
            recheck_at: super::after(now, crate::protocol::RECHECK_EVERY),
            recorded: 0,
            seq: 0,
            unseen: VecDeque::new(),
        }
    }

    /// The same load on a new socket.
    pub fn reattach(&mut self, socket: SocketId, hello: &Hello, last_seq: u64, now: Timestamp) {
        let fresh = Self::new(self.key, self.session.clone(), socket, hello, now);
        let old = std::mem::replace(self, fresh);
        self.opened_at = old.opened_at;
        self.focused_at = self.focused_at.or(old.focused_at);
        self.looks_at = old.looks_at;
        self.recorded = old.recorded;
        self.seq = old.seq;
        self.unseen = old.unseen;
        self.seen(last_seq);
    }

    pub fn update(&mut self, update: &PageUpdate, now: Timestamp) {
        // Either way it had the focus until now, so leaving counts as the last moment with it.
        if update.focused || self.focused {
            self.focused_at = Some(now);
        }
        self.visible = update.visible;
        self.focused = update.focused;
        self.phone_ready = update.phone_ready;
        self.audio_owner = update.audio_owner;
        self.looks_at.clone_from(&update.contact);
    }

    pub fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|known| known.as_str() == capability)
    }

    pub fn phone_is_ready(&self) -> bool {
        self.phone_ready && !self.login_unchecked
    }

    /// Its session cannot be resumed any more.
    pub fn forget_unseen(&mut self) {
        self.unseen.clear();
        self.id = Token::new("forgotten").expect("a word");
    }

    pub fn last_seq(&self) -> u64 {
        self.seq
    }

    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// Keeps a numbered frame until it is acknowledged; false when the page has stopped acknowledging.
    pub fn keep(&mut self, seq: u64, frame: ServerFrame) -> bool {
        if let ServerFrame::Panel(panel) = &frame {
            // Only the newest document of a contact matters to a page that comes back.
            self.unseen.retain(
                |(_, kept)| !matches!(kept, ServerFrame::Panel(older) if older.contact == panel.contact),
            );
        }
        self.unseen.push_back((seq, frame));
        self.unseen.len() <= MAX_UNSEEN
    }

    pub fn seen(&mut self, seq: u64) {
        while self.unseen.front().is_some_and(|(first, _)| *first <= seq) {
            self.unseen.pop_front();
        }
        if self.unseen.is_empty() {
            self.unseen.shrink_to_fit();
        }
    }

    /// What a resumed page is sent again.
    pub fn unseen(&self) -> impl Iterator<Item = &ServerFrame> {
        self.unseen.iter().map(|(_, frame)| frame)
    }

    /// Takes a command that has become void out of what would be sent again.
    pub fn forget_command(&mut self, cmd: &Token) {
        self.unseen.retain(|(_, frame)| !matches!(frame, ServerFrame::Command(kept) if kept.cmd == *cmd));
    }
}
