//! What pages were asked to do.
//!
//! A command waits for a page, is given to one, and ends with its result or its deadline, which
//! starts when it is given out. What must not happen twice (`once`) never moves to another page.

use jiff::Timestamp;
use serde_json::Value;
use tieline_core::{ContactId, JsonMap};
use tieline_flow::{Answer, Effect, Place};

use super::page::PageKey;
use super::runs::Gesture;
use super::{Desk, Turn, after};
use crate::agents::election::{Candidate, elect};
use crate::protocol::{
    COMMAND_LEASE, Cancel, CancelReason, Command, CommandResult, CommandStatus, DIAL_WAITS, MAX_FRAME_BYTES,
    PERSON_WAITS, ServerFrame, Token,
};

#[derive(Debug)]
pub(super) struct Pending {
    pub cmd: Token,
    pub run: Token,
    pub step: String,
    pub contact: Option<ContactId>,
    pub place: Place,
    pub op: String,
    pub args: JsonMap,
    pub once: bool,
    /// The click or action that allows it, and the page it was made on.
    pub gesture: Option<Gesture>,
    /// How long a page has for it.
    pub span: std::time::Duration,
    /// Since when it waits for a page, or waited before it was given to one.
    pub since: Timestamp,
    pub state: State,
    /// Pages that were given it, whose result counts.
    given: Vec<PageKey>,
    /// When the page it was given to first has to be done, kept when it moves.
    deadline: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// No page has it.
    Waiting,
    Sent {
        page: PageKey,
        deadline: Timestamp,
        /// A person was asked.
        asked: bool,
    },
}

/// Commands in the order they were made.
#[derive(Debug, Default)]
pub(super) struct Commands(Vec<Pending>);

impl Commands {
    pub fn iter(&self) -> impl Iterator<Item = &Pending> {
        self.0.iter()
    }

    pub fn get(&self, cmd: &Token) -> Option<&Pending> {
        self.0.iter().find(|pending| pending.cmd == *cmd)
    }

    fn get_mut(&mut self, cmd: &Token) -> Option<&mut Pending> {
        self.0.iter_mut().find(|pending| pending.cmd == *cmd)
    }

    pub fn remove(&mut self, cmd: &Token) -> Option<Pending> {
        let at = self.0.iter().position(|pending| pending.cmd == *cmd)?;
        let gone = self.0.remove(at);
        if self.0.is_empty() {
            self.0.shrink_to_fit();
        }
        Some(gone)
    }

    /// No page has it any more.
    pub fn take_back(&mut self, cmd: &Token, now: Timestamp) {
        if let Some(pending) = self.get_mut(cmd) {
            pending.state = State::Waiting;
            pending.since = now;
        }
    }
}

impl Pending {
    fn capability(&self) -> String {
        let place = match self.place {
            Place::CrmPage => "crm_page",
            Place::Phone => "phone",
            Place::Panel | Place::Server => "panel",
        };
        format!("{place}.{}", self.op)
    }

    pub(super) fn is_dial(&self) -> bool {
        self.place == Place::Phone && self.op == "dial"
    }

    /// When it ends as it stands.
    fn expires_at(&self) -> Timestamp {
        match self.state {
            State::Sent { deadline, .. } => deadline,
            State::Waiting => {
                let until = after(self.since, if self.is_dial() { DIAL_WAITS } else { COMMAND_LEASE });
                self.deadline.map_or(until, |deadline| deadline.min(until))
            }
        }
    }
}

/// Where a command can go now.
enum Choice {
    Page(PageKey),
    /// To one that was lost a moment ago, should it come back.
    Lost,
    Nobody,
}

impl Desk {
    /// Makes a command of an effect; it is given out at the end of the turn.
    pub(super) fn command(
        &mut self,
        turn: &Turn<'_>,
        run: Token,
        contact: Option<ContactId>,
        gesture: Option<Gesture>,
        effect: Effect,
    ) -> Result<Token, Answer> {
        let size = serde_json::to_string(&effect.args).map_or(usize::MAX, |text| text.len());
        if size > MAX_FRAME_BYTES - 4096 {
            let detail = "what the step would send to the page is larger than a frame".to_owned();
            return Err(Answer::Failed { code: "command.too_large".into(), detail });
        }
        let cmd = self.token();
        self.commands.0.push(Pending {
            cmd: cmd.clone(),
            run,
            op: effect.command().to_owned(),
            step: effect.step,
            contact,
            place: effect.place,
            args: effect.args,
            once: effect.once,
            gesture,
            span: effect.deadline,
            since: turn.now,
            state: State::Waiting,
            given: Vec::new(),
            deadline: None,
        });
        Ok(cmd)
    }

    fn choose(&self, pending: &Pending, now: Timestamp) -> Choice {
        let capability = pending.capability();
        // Any softphone of the agent's dials the same call. Who has clicked does not wait for a tab that was
        // just closed while another stands ready; a pop does, or it would land in the wrong tab.
        let ready = pending.is_dial()
            && self
                .pages
                .iter()
                .any(|page| page.can(&capability) && page.socket.is_some() && page.phone_is_ready());
        let candidates: Vec<Candidate<PageKey>> = self
            .pages
            .iter()
            .filter(|page| {
                page.can(&capability) && (page.socket.is_some() || (!ready && page.holds_lease(now)))
            })
            .map(|page| Candidate {
                key: page.key,
                focused: page.focused,
                focused_at: page.focused_at,
                visible: page.visible,
                phone_ready: page.phone_is_ready(),
                audio_owner: page.audio_owner,
                opened_at: page.opened_at,
            })
            .collect();
        let Some(key) = elect(pending.place, &candidates) else { return Choice::Nobody };
        let page = self.pages.iter().find(|page| page.key == key).expect("elected among them");
        if page.socket.is_some() { Choice::Page(key) } else { Choice::Lost }
    }

    /// Gives every waiting command to the page it belongs to, where there is one.
    pub(super) fn give_out_commands(&mut self, turn: &mut Turn<'_>) {
        let waiting: Vec<Token> = self
            .commands
            .iter()
            .filter(|pending| pending.state == State::Waiting)
            .map(|pending| pending.cmd.clone())
            .collect();
        for cmd in waiting {
            let Some(pending) = self.commands.get(&cmd) else { continue };
            match self.choose(pending, turn.now) {
                Choice::Page(key) => self.give(turn, &cmd, key),
                Choice::Nobody if pending.is_dial() => self.hold_dial(turn, &cmd),
                Choice::Lost | Choice::Nobody => {}
            }
        }
    }

    /// Sends a command to a page. Its deadline starts the first time it is given to any.
    fn give(&mut self, turn: &mut Turn<'_>, cmd: &Token, key: PageKey) {
        let now = turn.now;
        let Some(pending) = self.commands.get_mut(cmd) else { return };
        let deadline = *pending.deadline.get_or_insert(after(now, pending.span));
        pending.state = State::Sent { page: key, deadline, asked: false };
        if !pending.given.contains(&key) {
            pending.given.push(key);
        }
        let frame = Command {
            seq: 0,
            cmd: cmd.clone(),
            run: pending.run.clone(),
            step: pending.step.clone(),
            contact: pending.contact.clone(),
            place: match pending.place {
                Place::CrmPage => "crm_page",
                Place::Phone => "phone",
                Place::Panel | Place::Server => "panel",
            }
            .to_owned(),
            op: pending.op.clone(),
            args: pending.args.clone(),
            deadline_ms: deadline.into(),
            once: pending.once,
            // Another page never saw it and would refuse; for that one our word must do.
            gesture: pending.gesture.as_ref().filter(|made| made.page == key).map(|made| made.event.clone()),
        };
        self.dial_goes_out(cmd);
        self.send_numbered(turn, key, |seq| ServerFrame::Command(Command { seq, ..frame }));
    }

    /// A page says how a command went.
    pub(super) fn result(&mut self, turn: &mut Turn<'_>, key: PageKey, result: CommandResult) {
        let now = turn.now;
        let Some(pending) = self.commands.get_mut(&result.cmd) else { return };
        // Only who was asked may answer.
        if !pending.given.contains(&key) {
            return;
        }
        let error = result.error.map(|error| (error.code, error.detail));
        let answer = match result.status {
            CommandStatus::WaitingUser => {
                if let State::Sent { page, asked, deadline } = &mut pending.state
                    && *page == key
                    && !*asked
                {
                    *asked = true;
                    *deadline = after(now, PERSON_WAITS);
                    pending.deadline = Some(*deadline);
                    let run = pending.run.clone();
                    self.pause_run(&run, now);
                }
                return;
            }
            CommandStatus::Done => Answer::Done(result.output.unwrap_or_default()),
            CommandStatus::Failed => failed(error, "command.failed", "the page could not do it"),
            CommandStatus::Refused => failed(error, "command.refused", "the page may not or cannot do it"),
            CommandStatus::Expired => {
                failed(error, "command.late", "it reached the page after its deadline and was not done")
            }
        };
        self.command_ends(turn, &result.cmd, answer, None);
    }

    /// Ends a command; `void` tells pages that may still have it why it is taken back.
    pub(super) fn command_ends(
        &mut self,
        turn: &mut Turn<'_>,
        cmd: &Token,
        answer: Answer,
        void: Option<CancelReason>,
    ) {
        let Some(pending) = self.commands.remove(cmd) else { return };
        self.held.remove(cmd);
        if let (Some(why), State::Sent { page, .. }) = (void, pending.state) {
            self.cancel(turn, page, cmd, why);
        } else if let State::Sent { page, .. } = pending.state
            && let Some(page) = self.page(page)
        {
            page.forget_command(cmd);
        }
        self.resume_run(&pending.run, turn.now);
        self.command_answered(turn, &pending.run, answer);
    }

    /// The command has been given back by `key`: it shall not do it when it returns.
    pub(super) fn void_command(&mut self, turn: &mut Turn<'_>, key: PageKey, cmd: &Token) {
        self.cancel(turn, key, cmd, CancelReason::Moved);
    }

    fn cancel(&mut self, turn: &mut Turn<'_>, key: PageKey, cmd: &Token, why: CancelReason) {
        if let Some(page) = self.page(key) {
            page.forget_command(cmd);
            let cmd = cmd.clone();
            self.send_numbered(turn, key, |seq| ServerFrame::Cancel(Cancel { seq, cmd, why }));
        }
    }

    /// A page is gone for good. `new`, when there is one, is the same tab after a reload and knows
    /// from its storage what the old load had started.
    pub(super) fn hand_over_commands(&mut self, turn: &mut Turn<'_>, old: PageKey, new: Option<PageKey>) {
        let its: Vec<(Token, bool)> = self
            .commands
            .iter()
            .filter(|pending| matches!(pending.state, State::Sent { page, .. } if page == old))
            .map(|pending| (pending.cmd.clone(), pending.once))
            .collect();
        for (cmd, once) in its {
            match (once, new) {
                (true, Some(new)) => self.give(turn, &cmd, new),
                // Nobody else may do it; its deadline ends it as unknown.
                (true, None) => {}
                (false, _) => self.commands.take_back(&cmd, turn.now),
            }
        }
    }

    pub(super) fn commands_grow_old(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        let ended: Vec<(Token, Answer)> = self
            .commands
            .iter()
            .filter_map(|pending| {
                let (code, detail) = match pending.state {
                    State::Sent { deadline, .. } if now >= deadline && pending.once => (
                        "outcome_unknown",
                        "the page did not tell in time whether it was done, and it must not be done twice",
                    ),
                    State::Sent { deadline, .. } if now >= deadline => {
                        ("command.late", "the page did not answer before the deadline")
                    }
                    State::Waiting if pending.deadline.is_some_and(|at| now >= at) => {
                        ("command.late", "no page was left that could do it before the deadline")
                    }
                    State::Waiting if now >= pending.expires_at() => {
                        if pending.is_dial() {
                            ("dial.expired", "no softphone was ready in time, so nothing was dialled")
                        } else {
                            ("command.no_page", "no page was there that could do it")
                        }
                    }
                    State::Waiting | State::Sent { .. } => return None,
                };
                Some((pending.cmd.clone(), Answer::Failed { code: code.into(), detail: detail.into() }))
            })
            .collect();
        for (cmd, answer) in ended {
            if matches!(&answer, Answer::Failed { code, .. } if code == "dial.expired") {
                self.dial_expired(turn, &cmd);
            }
            self.command_ends(turn, &cmd, answer, Some(CancelReason::Late));
        }
    }

    /// When something about a command may change by itself: its end, or that of a lost page's lease.
    pub(super) fn command_wakes_at(&self, pending: &Pending) -> Timestamp {
        let leases = self
            .pages
            .iter()
            .filter(|page| page.holds_lease(self.now))
            .filter_map(|page| page.lost_at)
            .map(|at| after(at, COMMAND_LEASE));
        leases.fold(pending.expires_at(), Timestamp::min)
    }

    /// Takes back what a run that has ended still asks for.
    pub(super) fn drop_commands_of(&mut self, turn: &mut Turn<'_>, run: &Token) {
        let its: Vec<Token> = self
            .commands
            .iter()
            .filter(|pending| pending.run == *run)
            .map(|pending| pending.cmd.clone())
            .collect();
        for cmd in its {
            let Some(pending) = self.commands.remove(&cmd) else { continue };
            self.held.remove(&cmd);
            if let State::Sent { page, .. } = pending.state {
                self.cancel(turn, page, &cmd, CancelReason::RunEnded);
            }
        }
    }
}

fn failed(error: Option<(String, String)>, code: &str, detail: &str) -> Answer {
    let (code, detail) = error.unwrap_or_else(|| (code.to_owned(), detail.to_owned()));
    Answer::Failed { code: clipped(code, 64), detail: clipped(detail, 512) }
}

/// Text of a page, cut where it is longer than anybody reads.
fn clipped(mut text: String, most: usize) -> String {
    if text.len() > most {
        let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

/// Whether two dials are for the same number, as far as its text tells.
pub(super) fn same_number(one: &Value, two: &Value) -> bool {
    let digits = |value: &Value| {
        value
            .as_str()
            .map(|text| text.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect::<String>())
    };
    match (digits(one), digits(two)) {
        (Some(one), Some(two)) if !one.is_empty() => one == two,
        _ => one == two,
    }
}
