//! Calls, agents and timers, and how a call lives and ends.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::agents::Agent;
use super::customers::Callee;
use super::jobs::Job;
use super::news::{News, Outgoing, Payload, Said};
use crate::connect::call::{Call, Direction, Ending, Holds, Phase};
use crate::connect::event::{EventType, envelope};
use crate::connect::instance::Instance;
use crate::connect::record::record;
use crate::world::Ids;

/// The page closes a missed contact for the agent after this, a rejected one sooner.
pub(super) const MISSED_SHOWN: Duration = Duration::from_secs(10);
pub(super) const REJECTED_SHOWN: Duration = Duration::from_secs(2);

/// Why something cannot be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No such contact, agent or queue.
    Unknown(String),
    /// Not in the present state.
    State(String),
    /// The address cannot be dialled.
    Endpoint(String),
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Miss { contact: String, attempt: u32 },
    Callee { contact: String },
    CloseError { agent: String, since: Timestamp },
    Record { contact: String },
    Job { name: String },
    CrowdCalls { before: u64 },
    CrowdEnds { contact: String },
}

#[derive(Debug)]
pub struct Center {
    pub instance: Instance,
    pub calls: BTreeMap<String, Call>,
    /// Transcription jobs by name.
    pub jobs: BTreeMap<String, Job>,
    /// Ids of the calls that are not over, oldest first.
    pub(super) open: Vec<String>,
    pub agents: BTreeMap<String, Agent>,
    pub callee: Callee,
    /// How many agents nobody plays.
    pub(super) crowd: u32,
    /// From the end of after-contact work to the contact record.
    pub(super) record_after: Duration,
    contact_ids: Ids,
    pub(super) connection_ids: Ids,
    event_ids: Ids,
    timers: BinaryHeap<Reverse<(Timestamp, u64, Timer)>>,
    timer_count: u64,
    pub(super) news: News,
}

impl Center {
    pub fn new(seed: u64, now: Timestamp, lifelike: bool) -> Self {
        let instance = Instance::seeded(seed);
        let agents =
            instance.agents.iter().map(|(agent, _)| (agent.name.clone(), Agent::new(&agent.name, now)));
        Self {
            agents: agents.collect(),
            instance,
            calls: BTreeMap::new(),
            jobs: BTreeMap::new(),
            open: Vec::new(),
            callee: Callee::Answer,
            crowd: 0,
            record_after: Duration::from_secs(if lifelike { 60 } else { 3 }),
            contact_ids: Ids::new(seed, "connect/contact"),
            connection_ids: Ids::new(seed, "connect/connection"),
            event_ids: Ids::new(seed, "connect/event"),
            timers: BinaryHeap::new(),
            timer_count: 0,
            news: News::default(),
        }
    }

    pub fn take_news(&mut self) -> News {
        std::mem::take(&mut self.news)
    }

    pub fn next_timer(&self) -> Option<Timestamp> {
        self.timers.peek().map(|Reverse((at, _, _))| *at)
    }

    /// Lets everything happen that is due by `now`.
    pub fn run_until(&mut self, now: Timestamp) {
        while self.next_timer().is_some_and(|at| at <= now) {
            let Some(Reverse((at, _, timer))) = self.timers.pop() else { return };
            self.fire(at, timer);
        }
    }

    fn fire(&mut self, at: Timestamp, timer: Timer) {
        match timer {
            Timer::Miss { contact, attempt } => {
                let same = |call: &Call| call.phase == Phase::Ringing && call.attempts == attempt;
                if self.calls.get(&contact).is_some_and(same) {
                    self.withdraw_offer(at, &contact, "MissedCallAgent", MISSED_SHOWN);
                    self.route(at);
                }
            }
            Timer::Callee { contact } => {
                // Whoever was quicker by the control API has decided already.
                let _ = match self.callee {
                    Callee::Answer => self.answer(at, &contact),
                    Callee::Busy => self.fail_dial(at, &contact, Ending::Busy),
                    Callee::NoAnswer => self.fail_dial(at, &contact, Ending::Unanswered),
                    Callee::Manual => Ok(()),
                };
            }
            Timer::CloseError { agent, since } => self.close_error(at, &agent, since),
            Timer::Record { contact } => self.send_record(at, &contact),
            Timer::Job { name } => self.job_is_due(at, &name),
            Timer::CrowdCalls { before } => self.crowd_calls(at, before),
            Timer::CrowdEnds { contact } => self.crowd_ends(at, &contact),
        }
    }

    /// The contact that occupies the agent.
    pub fn live_call(&self, login: &str) -> Option<&Call> {
        let mut open = self.open.iter().filter_map(|id| self.calls.get(id));
        open.find(|call| call.is_live() && call.agent.as_deref() == Some(login))
    }

    pub fn existing(&self, id: &str) -> Result<&Call, Refusal> {
        self.calls.get(id).ok_or_else(|| Refusal::Unknown("there is no such contact".to_owned()))
    }

    pub fn agent(&self, login: &str) -> Result<&Agent, Refusal> {
        self.agents.get(login).ok_or_else(|| Refusal::Unknown("there is no such agent".to_owned()))
    }

    pub fn change_agent(&mut self, login: &str, change: impl FnOnce(&mut Agent)) {
        if let Some(agent) = self.agents.get_mut(login) {
            change(agent);
            self.news.agents.insert(login.to_owned());
        }
    }

    pub(super) fn new_call(&self, at: Timestamp, direction: Direction, customer: String) -> Call {
        Call {
            id: self.contact_ids.next(at).to_string(),
            direction,
            customer,
            system: self.instance.number.to_owned(),
            queue: None,
            attributes: BTreeMap::new(),
            wanted: None,
            agent: None,
            phase: Phase::Queued,
            since: at,
            started: at,
            reached: None,
            queued: None,
            dequeued: None,
            joined: None,
            ended: None,
            ending: None,
            wrap_up: (None, None),
            completed: None,
            holds: Holds::default(),
            muted: false,
            attempts: 0,
            customer_connection: self.connection_ids.next(at).to_string(),
            agent_connection: self.connection_ids.next(at).to_string(),
            transcript: Vec::new(),
            recorded: None,
        }
    }

    pub(super) fn admit(&mut self, at: Timestamp, call: Call) -> String {
        let id = call.id.clone();
        self.open.push(id.clone());
        self.calls.insert(id.clone(), call);
        self.emit(at, &id, EventType::Initiated);
        id
    }

    /// The two sides part; the agent goes on with after-contact work.
    pub(super) fn disconnect(&mut self, at: Timestamp, id: &str, ending: Ending) {
        self.change(id, |call| {
            call.holds.end(at);
            call.phase = Phase::Wrapping;
            call.since = at;
            call.ended = Some(at);
            call.ending = Some(ending);
            call.wrap_up.0 = Some(at);
        });
        self.emit(at, id, EventType::Disconnected);
    }

    /// Over without after-contact work.
    pub(super) fn finish(&mut self, at: Timestamp, id: &str, ending: Ending) {
        self.change(id, |call| {
            call.phase = Phase::Over;
            call.since = at;
            call.ended = Some(at);
            call.ending = Some(ending);
            call.dequeued = call.queued.map(|_| at);
            call.completed = Some(at);
        });
        self.emit(at, id, EventType::Disconnected);
        self.emit(at, id, EventType::Completed);
        self.later(at, self.record_after, Timer::Record { contact: id.to_owned() });
    }

    fn send_record(&mut self, at: Timestamp, id: &str) {
        let Some(call) = self.calls.get_mut(id) else { return };
        // Whole seconds order the versions, so two within one second would count as equal.
        let updated = match call.recorded {
            Some(before) if before.as_second() >= at.as_second() => before + Duration::from_secs(1),
            _ => at,
        };
        call.recorded = Some(updated);
        let payload = Payload::Record(record(&self.instance, call, updated));
        self.news.outgoing.push(Outgoing { contact: id.to_owned(), at, payload });
    }

    pub(super) fn in_phase(&self, id: &str, phase: Phase) -> Result<(), Refusal> {
        if self.existing(id)?.phase == phase {
            return Ok(());
        }
        Err(not_now(match phase {
            Phase::Dialing => "the call is not being dialled",
            _ => "nobody is connected",
        }))
    }

    pub(super) fn change(&mut self, id: &str, change: impl FnOnce(&mut Call)) {
        self.change_quietly(id, change);
        if let Some(agent) = self.calls.get(id).and_then(|call| call.agent.clone()) {
            self.news.agents.insert(agent);
        }
    }

    /// As [`Center::change`], when the agent's page does not see the difference.
    pub(super) fn change_quietly(&mut self, id: &str, change: impl FnOnce(&mut Call)) {
        let Some(call) = self.calls.get_mut(id) else { return };
        change(call);
        if call.phase == Phase::Over {
            self.open.retain(|open| open != id);
        } else if !self.open.iter().any(|open| open == id) {
            self.open.push(id.to_owned());
        }
    }

    pub(super) fn emit(&mut self, at: Timestamp, id: &str, kind: EventType) {
        let Some(call) = self.calls.get(id) else { return };
        let event = envelope(&self.instance, call, kind, at, &self.event_ids.next(at).to_string());
        self.news.outgoing.push(Outgoing {
            contact: id.to_owned(),
            at,
            payload: Payload::Event(kind.as_str(), event),
        });
    }

    /// Has Tieline told of what another service did about `contact`, in order with all else about it.
    /// `event` makes the event from the instance and the event's id.
    pub fn announce(
        &mut self,
        at: Timestamp,
        contact: &str,
        kind: &'static str,
        event: impl FnOnce(&Instance, &str) -> Value,
    ) {
        let event = event(&self.instance, &self.event_ids.next(at).to_string());
        let payload = Payload::Event(kind, event);
        self.news.outgoing.push(Outgoing { contact: contact.to_owned(), at, payload });
    }

    pub(super) fn say(&mut self, agent: &str, event: String, data: Value) {
        self.news.said.push(Said { agent: agent.to_owned(), event, data });
    }

    pub(super) fn later(&mut self, at: Timestamp, after: Duration, timer: Timer) {
        self.timer_count += 1;
        self.timers.push(Reverse((at + after, self.timer_count, timer)));
    }
}

pub(super) fn not_now(why: &str) -> Refusal {
    Refusal::State(why.to_owned())
}
