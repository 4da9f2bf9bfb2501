//! Pages come, are lost, come back, and are given up.

use std::time::Duration;

use jiff::Timestamp;

use super::commands::State;
use super::page::{Page, PageKey};
use super::{Desk, Output, SocketId, Turn, after};
use crate::protocol::{
    Ack, Bye, ByeCode, COMMAND_LEASE, DEAD_AFTER, DoneEvent, Hello, PING_EVERY, PageFrame, PageUpdate,
    RECHECK_EVERY, ServerFrame, Settings, SettingsAgent, Subscribe, Welcome,
};

/// Most tabs of one agent.
const MAX_PAGES: usize = 16;
/// With the time until a ping, a page is given up [`DEAD_AFTER`] its last word.
const ANSWERS_WITHIN: Duration = DEAD_AFTER.saturating_sub(PING_EVERY);
/// How long a lost page can come back to its session.
const REMEMBERED: Duration = Duration::from_secs(60);

impl Desk {
    pub(super) fn opened(
        &mut self,
        turn: &mut Turn<'_>,
        socket: SocketId,
        hello: &Hello,
        done: Vec<DoneEvent>,
    ) {
        if self.draining {
            turn.out.push(Output::Close { socket, bye: ByeCode::Draining.bye() });
            return;
        }
        let resumed = self.resume(turn, socket, hello);
        let key = if let Some(key) = resumed {
            key
        } else {
            // The same load without its session: whatever it had here is void, and two sockets of one load
            // cannot both be right.
            let doubles: Vec<PageKey> =
                self.pages.iter().filter(|page| page.id == hello.page.id).map(|page| page.key).collect();
            for double in doubles {
                self.give_up_page(turn, double, ByeCode::Replaced.bye());
            }
            if self.pages.len() >= MAX_PAGES {
                // Lost ones first: a tab that reloads again and again must not lock its agent out.
                self.pages.retain(|page| page.socket.is_some());
            }
            if self.pages.len() >= MAX_PAGES {
                turn.out.push(Output::Close { socket, bye: ByeCode::TooManyPages.bye() });
                return;
            }
            self.last_page += 1;
            let key = PageKey(self.last_page);
            let session = self.token();
            self.pages.push(Page::new(key, session, socket, hello, turn.now));
            key
        };
        self.cards.shown_by_phone(&hello.phone.contacts);
        self.welcome(turn, key, done, resumed.is_some());
        if resumed.is_some() {
            let page = self.page(key).expect("just found");
            let again: Vec<ServerFrame> = page.unseen().cloned().collect();
            turn.out.extend(again.into_iter().map(|frame| Output::Send { socket, frame }));
        } else {
            self.takes_over_from_lost(turn, key);
            self.cards.show_all_to(key);
        }
    }

    fn resume(&mut self, turn: &mut Turn<'_>, socket: SocketId, hello: &Hello) -> Option<PageKey> {
        let resume = hello.resume.as_ref().filter(|resume| resume.epoch == self.epoch)?;
        let now = turn.now;
        let page = self.pages.iter_mut().find(|page| page.session == resume.session)?;
        // A session belongs to one load: the memory it counts on is gone after a reload.
        if page.id != hello.page.id {
            return None;
        }
        if let Some(old) = page.socket.take() {
            turn.out.push(Output::Close { socket: old, bye: ByeCode::Replaced.bye() });
        }
        page.reattach(socket, hello, resume.last_seq, now);
        Some(page.key)
    }

    fn welcome(&mut self, turn: &mut Turn<'_>, key: PageKey, done: Vec<DoneEvent>, resumed: bool) {
        let settings = self.settings.clone();
        let (owner_id, owner_name, epoch) =
            (self.owner.agent.id.to_string(), self.owner.agent.name.clone(), self.epoch);
        let Some(page) = self.page(key) else { return };
        let Some(socket) = page.socket else { return };
        let frame = ServerFrame::Welcome(Box::new(Welcome {
            session: page.session.clone(),
            epoch,
            seq: page.last_seq(),
            now: turn.now.into(),
            resumed,
            fallback: settings.fallback.clone(),
            subscribe: turn.book.subscribe(),
            done,
            settings: Settings {
                agent: SettingsAgent { id: owner_id, name: owner_name },
                region: settings.region.clone(),
            },
            min_build: settings.min_build.clone(),
        }));
        turn.out.push(Output::Send { socket, frame });
        // What was recorded while the socket was gone was never acknowledged to the page.
        if resumed && page.recorded > 0 {
            let n = page.recorded;
            turn.out.push(Output::Send { socket, frame: ServerFrame::Ack(Ack { n }) });
        }
    }

    /// Pages that are lost hear of it in their next welcome.
    pub(super) fn tell_subscriptions(&self, turn: &mut Turn<'_>) {
        let subscribe = turn.book.subscribe();
        for socket in self.pages.iter().filter_map(|page| page.socket) {
            let frame = ServerFrame::Subscribe(Subscribe { subscribe: subscribe.clone() });
            turn.out.push(Output::Send { socket, frame });
        }
    }

    /// A tab that comes back as a new load takes what its old load was doing.
    fn takes_over_from_lost(&mut self, turn: &mut Turn<'_>, key: PageKey) {
        let Some(new) = self.page(key) else { return };
        let tab = new.tab.clone();
        let before: Vec<PageKey> = self
            .pages
            .iter()
            .filter(|page| page.key != key && page.tab == tab && page.socket.is_none())
            .map(|page| page.key)
            .collect();
        for old in before {
            if let Some(old) = self.page(old) {
                let (focused_at, looks_at) = (old.focused_at, old.looks_at.clone());
                let new = self.page(key).expect("still there");
                new.focused_at = new.focused_at.or(focused_at);
                new.looks_at = new.looks_at.take().or(looks_at);
            }
            self.pages.retain(|page| page.key != old);
            self.hand_over_commands(turn, old, Some(key));
        }
    }

    pub(super) fn frame(&mut self, turn: &mut Turn<'_>, socket: SocketId, frame: PageFrame) {
        let Some(page) = self.page_of(socket) else { return };
        page.unanswered = None;
        let key = page.key;
        match frame {
            PageFrame::Hello(_) => self.give_up_page(turn, key, ByeCode::Unexpected.bye()),
            PageFrame::Event(event) => self.event(turn, key, &event),
            PageFrame::Result(result) => self.result(turn, key, result),
            PageFrame::Page(update) => self.update(turn, key, &update),
            PageFrame::Ack(ack) => page.seen(ack.seq),
        }
    }

    fn update(&mut self, turn: &mut Turn<'_>, key: PageKey, update: &PageUpdate) {
        let now = turn.now;
        let Some(page) = self.page(key) else { return };
        let looked_at = page.looks_at.clone();
        page.update(update, now);
        let looks_at = page.looks_at.clone();
        if let (Some(claim), Some(socket)) = (&update.agent, page.socket)
            && page.login.as_ref() != Some(&claim.login)
        {
            page.login = Some(claim.login.clone());
            // Until the answer is there the softphone counts as not ready: nothing is dialled as a stranger.
            page.login_unchecked = true;
            turn.out.push(Output::CheckLogin { socket, login: claim.login.clone() });
        }
        if looks_at != looked_at {
            self.cards.show_to(key, looks_at.as_ref());
        }
    }

    pub(super) fn login_checked(&mut self, turn: &mut Turn<'_>, socket: SocketId, refused: Option<Bye>) {
        let Some(page) = self.page_of(socket) else { return };
        let key = page.key;
        match refused {
            Some(bye) => self.give_up_page(turn, key, bye),
            None => page.login_unchecked = false,
        }
    }

    pub(super) fn heard(&mut self, socket: SocketId) {
        if let Some(page) = self.page_of(socket) {
            page.unanswered = None;
        }
    }

    pub(super) fn session_checked(&mut self, turn: &mut Turn<'_>, socket: SocketId, valid: bool) {
        if valid {
            return;
        }
        if let Some(key) = self.page_of(socket).map(|page| page.key) {
            self.give_up_page(turn, key, ByeCode::SessionEnded.bye());
        }
    }

    pub(super) fn lost(&mut self, turn: &mut Turn<'_>, socket: SocketId) {
        let now = turn.now;
        let Some(page) = self.page_of(socket) else { return };
        page.socket = None;
        page.lost_at = Some(now);
        let (key, tab) = (page.key, page.tab.clone());
        // A reload may say hello before the old socket's end is noticed here. What must not happen
        // twice stays behind all the same: the tab may be a copy, which knows nothing of it.
        let reloaded = self
            .pages
            .iter()
            .find(|page| page.tab == tab && page.key > key && page.socket.is_some())
            .map(|page| page.key);
        if reloaded.is_some() {
            self.free_commands(turn, key);
        }
    }

    /// Says goodbye to a page for good; it has to say hello again.
    pub(super) fn give_up_page(&mut self, turn: &mut Turn<'_>, key: PageKey, bye: Bye) {
        let now = turn.now;
        let Some(page) = self.page(key) else { return };
        let socket = page.socket.take();
        page.lost_at = Some(now);
        if bye.code == ByeCode::TooSlow {
            // Sending it all again would only repeat the trouble.
            page.forget_unseen();
        }
        if let Some(socket) = socket {
            turn.out.push(Output::Close { socket, bye });
        }
    }

    pub(super) fn drain(&mut self, turn: &mut Turn<'_>) {
        self.draining = true;
        self.interrupt_all(turn);
        for page in std::mem::take(&mut self.pages) {
            if let Some(socket) = page.socket {
                turn.out.push(Output::Close { socket, bye: ByeCode::Draining.bye() });
            }
        }
    }

    pub(super) fn pages_grow_old(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        let mut silent = Vec::new();
        for page in &mut self.pages {
            let Some(socket) = page.socket else { continue };
            // Counted from a ping and not from the last word, so that a clock which is moved by an hour asks
            // before it judges.
            if page.unanswered.is_some_and(|asked| now >= after(asked, ANSWERS_WITHIN)) {
                silent.push(page.key);
                continue;
            }
            if now >= page.ping_at {
                page.ping_at = after(now, PING_EVERY);
                page.unanswered.get_or_insert(now);
                turn.out.push(Output::Ping { socket });
            }
            if now >= page.recheck_at {
                page.recheck_at = after(now, RECHECK_EVERY);
                turn.out.push(Output::CheckSession { socket });
            }
        }
        for key in silent {
            self.give_up_page(turn, key, ByeCode::Silent.bye());
        }
        let gone: Vec<PageKey> = self
            .pages
            .iter()
            .filter(|page| page.lost_at.is_some_and(|at| now >= after(at, REMEMBERED)))
            .map(|page| page.key)
            .collect();
        for key in gone {
            self.pages.retain(|page| page.key != key);
            self.hand_over_commands(turn, key, None);
        }
        let past_lease: Vec<PageKey> = self
            .pages
            .iter()
            .filter(|page| page.lost_at.is_some_and(|at| now >= after(at, COMMAND_LEASE)))
            .map(|page| page.key)
            .collect();
        for key in past_lease {
            self.free_commands(turn, key);
        }
    }

    /// Commands that may move leave a page that is not coming back in time.
    pub(super) fn free_commands(&mut self, turn: &mut Turn<'_>, key: PageKey) {
        let movable: Vec<_> = self
            .commands
            .iter()
            .filter(|pending| {
                !pending.once && matches!(pending.state, State::Sent { page, .. } if page == key)
            })
            .map(|pending| pending.cmd.clone())
            .collect();
        for cmd in movable {
            self.commands.take_back(&cmd, turn.now);
            self.void_command(turn, key, &cmd);
        }
    }
}

impl Page {
    pub(super) fn wakes_at(&self) -> Timestamp {
        match (self.socket, self.lost_at) {
            (Some(_), _) => {
                let silent = self.unanswered.map_or(Timestamp::MAX, |asked| after(asked, ANSWERS_WITHIN));
                silent.min(self.ping_at).min(self.recheck_at)
            }
            (None, lost_at) => after(lost_at.unwrap_or(self.opened_at), REMEMBERED),
        }
    }

    /// Whether commands still wait for it.
    pub(super) fn holds_lease(&self, now: Timestamp) -> bool {
        self.socket.is_none() && self.lost_at.is_some_and(|at| now < after(at, COMMAND_LEASE))
    }
}
