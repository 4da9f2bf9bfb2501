//! Brings waiting calls and free agents together, and parts them again.

use std::time::Duration;

use jiff::Timestamp;

use super::agents::{Agent, NotTaken, Player};
use super::machine::{Center, Timer};
use crate::connect::call::Phase;

/// An offer nobody took is missed after this.
const OFFER: Duration = Duration::from_secs(20);

impl Center {
    /// Offers waiting calls, oldest first, to the agents who have been idle the longest.
    pub(super) fn route(&mut self, at: Timestamp) {
        for id in self.open.clone() {
            let Some(call) = self.calls.get(&id).filter(|call| call.phase == Phase::Queued) else { continue };
            let free = self.agents.values().filter(|agent| {
                self.is_free(agent)
                    && call
                        .wanted
                        .as_ref()
                        .map_or(agent.player == Player::Person, |wanted| *wanted == agent.login)
            });
            let Some(login) = free.min_by_key(|agent| agent.idle_since).map(|agent| agent.login.clone())
            else {
                continue;
            };
            self.offer(at, &id, &login);
        }
    }

    fn is_free(&self, agent: &Agent) -> bool {
        let routable = self.instance.state(agent.chosen).is_some_and(|state| state.kind == "routable");
        routable && agent.not_taken.is_none() && self.live_call(&agent.login).is_none()
    }

    fn offer(&mut self, at: Timestamp, id: &str, login: &str) {
        let connection = self.connection_ids.next(at).to_string();
        self.change(id, |call| {
            call.agent = Some(login.to_owned());
            call.phase = Phase::Ringing;
            call.since = at;
            call.attempts += 1;
            call.agent_connection = connection;
        });
        let attempt = self.calls[id].attempts;
        self.later(at, OFFER, Timer::Miss { contact: id.to_owned(), attempt });
        if self.agents[login].auto_accept {
            // It was just offered to this very agent.
            let _ = self.accept(at, login, id, true);
        }
    }

    /// Takes the call from the agent, who sees it failed for a while, and puts it back into its queue.
    pub(super) fn withdraw_offer(&mut self, at: Timestamp, id: &str, state: &'static str, shown: Duration) {
        let Some(call) = self.calls.get(id) else { return };
        let Some(login) = call.agent.clone() else { return };
        let not_taken = NotTaken { contact: id.to_owned(), since: at, state, offered: call.clone() };
        self.change_agent(&login, |agent| agent.not_taken = Some(not_taken));
        self.change(id, |call| {
            call.agent = None;
            call.phase = Phase::Queued;
            call.since = at;
        });
        self.later(at, shown, Timer::CloseError { agent: login, since: at });
    }

    pub(super) fn close_error(&mut self, at: Timestamp, login: &str, since: Timestamp) {
        let Some(agent) = self.agents.get(login) else { return };
        let missed = agent.not_taken.as_ref().filter(|not_taken| not_taken.since == since);
        let failed = self.live_call(login).filter(|call| call.phase == Phase::Failed && call.since == since);
        let contact =
            missed.map(|missed| missed.contact.clone()).or_else(|| failed.map(|call| call.id.clone()));
        if let Some(contact) = contact {
            // Nothing to do when the agent was quicker.
            let _ = self.clear(at, login, &contact);
        }
    }

    /// The agent is without a contact again.
    pub(super) fn release(&mut self, at: Timestamp, login: &str) {
        let Some(agent) = self.agents.get_mut(login) else { return };
        agent.idle_since = at;
        if let Some(next) = agent.next.take() {
            self.choose(at, login, next);
        }
        self.news.agents.insert(login.to_owned());
    }

    pub(super) fn choose(&mut self, at: Timestamp, login: &str, state: &'static str) {
        self.change_agent(login, |agent| {
            agent.chosen = state;
            agent.chosen_since = at;
            agent.idle_since = at;
            agent.untouched = false;
        });
        self.route(at);
    }
}
