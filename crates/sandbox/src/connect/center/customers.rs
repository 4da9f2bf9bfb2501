//! What customers and callees do.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::machine::{Center, MISSED_SHOWN, Refusal, Timer, not_now};
use crate::connect::call::{Direction, Ending, Phase, Utterance};
use crate::connect::event::EventType;

/// What the one simulated callee does with outbound calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Callee {
    /// Answers after two seconds.
    Answer,
    Busy,
    NoAnswer,
    /// Waits for the control API to decide.
    Manual,
}

/// A new inbound call.
#[derive(Debug, Default)]
pub struct NewCall {
    pub from: String,
    pub to: Option<String>,
    pub queue: Option<String>,
    pub attributes: BTreeMap<String, String>,
    pub agent: Option<String>,
}

impl Center {
    /// A customer calls. The contact's id.
    pub fn call(&mut self, at: Timestamp, new: NewCall) -> Result<String, Refusal> {
        let queue = match &new.queue {
            None => self.instance.queues[0].clone(),
            Some(name) => self.instance.queue(name).cloned().ok_or_else(|| {
                let names: Vec<&str> = self.instance.queues.iter().map(|queue| queue.name.as_str()).collect();
                Refusal::Unknown(format!("there is no queue of this name; there are {}", names.join(", ")))
            })?,
        };
        if let Some(agent) = &new.agent {
            self.agent(agent)?;
        }
        let mut call = self.new_call(at, Direction::Inbound, new.from);
        call.system = new.to.unwrap_or(call.system);
        call.attributes = new.attributes;
        call.wanted = new.agent;
        call.reached = Some(at);
        let id = self.admit(at, call);
        self.change(&id, |call| {
            call.queue = Some(queue);
            call.queued = Some(at);
        });
        self.emit(at, &id, EventType::Queued);
        self.route(at);
        Ok(id)
    }

    /// The customer hangs up.
    pub fn customer_hangs_up(&mut self, at: Timestamp, id: &str) -> Result<(), Refusal> {
        match self.existing(id)?.phase {
            Phase::Queued => self.finish(at, id, Ending::Customer),
            Phase::Ringing => {
                self.withdraw_offer(at, id, "MissedCallAgent", MISSED_SHOWN);
                self.finish(at, id, Ending::Customer);
                self.route(at);
            }
            Phase::Talking => self.disconnect(at, id, Ending::Customer),
            Phase::Dialing => {
                return Err(not_now("the callee has not answered yet; use `busy` or `no-answer`"));
            }
            Phase::Wrapping | Phase::Failed | Phase::Over => return Err(not_now("the call is over")),
        }
        Ok(())
    }

    /// The callee of an outbound call answers.
    pub fn answer(&mut self, at: Timestamp, id: &str) -> Result<(), Refusal> {
        self.in_phase(id, Phase::Dialing)?;
        self.change(id, |call| {
            call.phase = Phase::Talking;
            call.since = at;
            call.reached = Some(at);
            call.joined = Some(at);
        });
        self.emit(at, id, EventType::ConnectedToSystem);
        self.emit(at, id, EventType::ConnectedToAgent);
        Ok(())
    }

    /// An outbound call reaches nobody.
    pub fn fail_dial(&mut self, at: Timestamp, id: &str, ending: Ending) -> Result<(), Refusal> {
        self.in_phase(id, Phase::Dialing)?;
        let agent = self.existing(id)?.agent.clone();
        self.finish(at, id, ending);
        self.change(id, |call| call.phase = Phase::Failed);
        if let Some(agent) = agent {
            self.later(at, MISSED_SHOWN, Timer::CloseError { agent, since: at });
        }
        Ok(())
    }

    pub fn speak(&mut self, at: Timestamp, id: &str, who: &'static str, text: String) -> Result<(), Refusal> {
        self.in_phase(id, Phase::Talking)?;
        let said = Utterance { at, who, text: Some(text), digits: None };
        self.change_quietly(id, |call| call.transcript.push(said));
        Ok(())
    }

    pub fn press(
        &mut self,
        at: Timestamp,
        id: &str,
        who: &'static str,
        digits: String,
    ) -> Result<(), Refusal> {
        self.in_phase(id, Phase::Talking)?;
        let pressed = Utterance { at, who, text: None, digits: Some(digits) };
        self.change_quietly(id, |call| call.transcript.push(pressed));
        Ok(())
    }

    /// Adds to a contact's attributes, also after its end: then a new version of the
    /// contact record follows.
    pub fn set_attributes(
        &mut self,
        at: Timestamp,
        id: &str,
        attributes: BTreeMap<String, String>,
    ) -> Result<(), Refusal> {
        let again = self.existing(id)?.recorded.is_some();
        self.change(id, |call| call.attributes.extend(attributes));
        self.emit(at, id, EventType::DataUpdated);
        if again {
            self.later(at, self.record_after, Timer::Record { contact: id.to_owned() });
        }
        Ok(())
    }
}
