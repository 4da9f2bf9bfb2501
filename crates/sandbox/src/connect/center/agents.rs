//! What agents do at their softphone.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::machine::{Center, REJECTED_SHOWN, Refusal, Timer, not_now};
use crate::connect::call::{Call, Direction, Ending, Phase};
use crate::connect::event::EventType;

/// A contact the agent did not take, still on the agent's screen.
#[derive(Debug, Clone)]
pub struct NotTaken {
    pub contact: String,
    pub since: Timestamp,
    /// The agent's error state meanwhile, for example `MissedCallAgent`.
    pub state: &'static str,
    /// As it was when it was offered: the call itself goes on.
    pub offered: Call,
}

/// Who plays an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Player {
    /// Somebody at a page, or a test.
    Person,
    /// Nobody: such an agent takes only the crowd's calls.
    Crowd,
}

#[derive(Debug)]
pub struct Agent {
    pub login: String,
    /// The state the agent has chosen; on a contact the system's states hide it.
    pub chosen: &'static str,
    pub chosen_since: Timestamp,
    /// Entered when the present contact is over.
    pub next: Option<&'static str>,
    pub not_taken: Option<NotTaken>,
    /// Since when without a contact; the longest idle agent is offered the next call.
    pub idle_since: Timestamp,
    /// Whether anybody ever set the state; a first sign-in makes the agent available.
    pub untouched: bool,
    pub softphone_enabled: bool,
    pub auto_accept: bool,
    pub player: Player,
    pub extension: String,
    pub preferences: BTreeMap<String, String>,
}

impl Agent {
    pub(super) fn new(login: &str, now: Timestamp) -> Self {
        Self {
            login: login.to_owned(),
            chosen: "Offline",
            chosen_since: now,
            next: None,
            not_taken: None,
            idle_since: now,
            untouched: true,
            softphone_enabled: true,
            auto_accept: false,
            player: Player::Person,
            extension: String::new(),
            preferences: BTreeMap::from([("locale".to_owned(), "en_US".to_owned())]),
        }
    }

    pub(super) fn of_the_crowd(login: &str, now: Timestamp) -> Self {
        let available = Self { chosen: "Available", untouched: false, ..Self::new(login, now) };
        Self { auto_accept: true, player: Player::Crowd, ..available }
    }
}

impl Center {
    /// A page of the agent opens; the first ever makes the agent available.
    pub fn sign_in(&mut self, at: Timestamp, login: &str) -> Result<(), Refusal> {
        self.agent(login)?;
        if self.agents[login].untouched {
            self.choose(at, login, "Available");
        }
        Ok(())
    }

    /// Sets the state, at once or (`enqueue`, while on a contact) after it.
    pub fn put_state(
        &mut self,
        at: Timestamp,
        login: &str,
        name: &str,
        enqueue: bool,
    ) -> Result<(), Refusal> {
        self.agent(login)?;
        let state =
            self.instance.state(name).ok_or_else(|| Refusal::Unknown(format!("no state {name}")))?.name;
        let phase = self.live_call(login).map(|call| call.phase);
        let busy = matches!(phase, Some(Phase::Ringing | Phase::Dialing | Phase::Talking));
        let unfinished = phase.is_some() || self.agents[login].not_taken.is_some();
        if enqueue && unfinished {
            self.change_agent(login, |agent| agent.next = Some(state));
            return Ok(());
        }
        if busy {
            return Err(not_now("the agent is on a contact; enqueue the next state instead"));
        }
        self.change_agent(login, |agent| agent.next = Some(state));
        if unfinished {
            // Choosing a state ends after-contact work and closes what was missed.
            let contact = self.live_call(login).map(|call| call.id.clone());
            let contact = contact.or_else(|| Some(self.agents[login].not_taken.as_ref()?.contact.clone()));
            return contact.map_or(Ok(()), |contact| self.clear(at, login, &contact));
        }
        self.release(at, login);
        self.route(at);
        Ok(())
    }

    /// The agent takes what rings. `announce` tells the agent's pages, as the CCP does when
    /// its own button was used; the library announces what it asked for itself.
    pub fn accept(&mut self, at: Timestamp, login: &str, id: &str, announce: bool) -> Result<(), Refusal> {
        self.offered_to(login, id)?;
        self.change(id, |call| {
            call.phase = Phase::Talking;
            call.since = at;
            call.joined = Some(at);
            call.dequeued = Some(at);
        });
        self.emit(at, id, EventType::ConnectedToAgent);
        let events = ["contact::accepted".to_owned(), format!("contact::accepted::{id}")];
        for event in events.into_iter().filter(|_| announce) {
            self.say(login, event, serde_json::json!({"contactId": id}));
        }
        Ok(())
    }

    pub fn reject(&mut self, at: Timestamp, login: &str, id: &str) -> Result<(), Refusal> {
        self.offered_to(login, id)?;
        self.withdraw_offer(at, id, "FailedConnectAgent", REJECTED_SHOWN);
        self.route(at);
        Ok(())
    }

    /// The agent calls somebody. The contact's id.
    pub fn dial(&mut self, at: Timestamp, login: &str, number: &str) -> Result<String, Refusal> {
        self.agent(login)?;
        let digits = number.strip_prefix('+').unwrap_or(number);
        if !(3..=15).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Refusal::Endpoint("not a number that can be dialled".to_owned()));
        }
        if self.live_call(login).is_some() || self.agents[login].not_taken.is_some() {
            return Err(not_now("the agent is on a contact"));
        }
        let mut call = self.new_call(at, Direction::Outbound, number.to_owned());
        call.phase = Phase::Dialing;
        call.agent = Some(login.to_owned());
        call.attempts = 1;
        let id = self.admit(at, call);
        self.news.agents.insert(login.to_owned());
        self.later(at, Duration::from_secs(2), Timer::Callee { contact: id.clone() });
        Ok(id)
    }

    pub fn hold(&mut self, at: Timestamp, login: &str, id: &str, on: bool) -> Result<(), Refusal> {
        self.talking_with(login, id)?;
        if self.existing(id)?.holds.since.is_some() == on {
            return Err(not_now(if on {
                "the customer is on hold already"
            } else {
                "the customer is not on hold"
            }));
        }
        self.change(id, |call| if on { call.holds.begin(at) } else { call.holds.end(at) });
        Ok(())
    }

    pub fn mute(&mut self, login: &str, id: &str, muted: bool) -> Result<(), Refusal> {
        self.talking_with(login, id)?;
        self.change(id, |call| call.muted = muted);
        let connection = self.existing(id)?.agent_connection.clone();
        let data = serde_json::json!({"muted": muted, "connectionId": connection});
        self.say(login, "agent::mute_toggle".to_owned(), data);
        Ok(())
    }

    /// The agent hangs up, or gives up dialling, or refuses what rings.
    pub fn agent_hangs_up(&mut self, at: Timestamp, login: &str, id: &str) -> Result<(), Refusal> {
        let call = self.existing(id)?;
        if call.agent.as_deref() != Some(login) {
            return Err(Refusal::Unknown("the agent has no such contact".to_owned()));
        }
        match call.phase {
            Phase::Ringing => self.reject(at, login, id),
            Phase::Talking => {
                self.disconnect(at, id, Ending::Agent);
                Ok(())
            }
            Phase::Dialing => {
                self.disconnect(at, id, Ending::Cancelled);
                Ok(())
            }
            _ => Err(not_now("the call is over")),
        }
    }

    /// Ends after-contact work, or closes a contact that was missed or reached nobody.
    pub fn clear(&mut self, at: Timestamp, login: &str, id: &str) -> Result<(), Refusal> {
        let agent = self.agent(login)?;
        if agent.not_taken.as_ref().is_some_and(|not_taken| not_taken.contact == id) {
            self.change_agent(login, |agent| agent.not_taken = None);
            self.release(at, login);
            self.route(at);
            return Ok(());
        }
        let call = self.existing(id)?;
        if call.agent.as_deref() != Some(login) {
            return Err(Refusal::Unknown("the agent has no such contact".to_owned()));
        }
        match call.phase {
            Phase::Wrapping => {
                self.change(id, |call| {
                    call.phase = Phase::Over;
                    call.since = at;
                    call.wrap_up.1 = Some(at);
                    call.completed = Some(at);
                });
                self.emit(at, id, EventType::Completed);
                self.later(at, self.record_after, Timer::Record { contact: id.to_owned() });
            }
            Phase::Failed => self.change(id, |call| call.phase = Phase::Over),
            _ => return Err(not_now("the contact cannot be cleared yet")),
        }
        self.release(at, login);
        self.route(at);
        Ok(())
    }

    fn offered_to(&self, login: &str, id: &str) -> Result<(), Refusal> {
        let call = self.existing(id)?;
        if call.agent.as_deref() == Some(login) && call.phase == Phase::Ringing {
            return Ok(());
        }
        Err(not_now("the contact is not offered to this agent"))
    }

    fn talking_with(&self, login: &str, id: &str) -> Result<(), Refusal> {
        let call = self.existing(id)?;
        if call.agent.as_deref() == Some(login) && call.phase == Phase::Talking {
            return Ok(());
        }
        Err(not_now("the contact is not connected to this agent"))
    }
}
