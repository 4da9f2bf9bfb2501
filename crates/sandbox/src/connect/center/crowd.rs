//! Customers and agents whom nobody plays: they keep the world alive for wallboards and load.
//!
//! Every minute each of these agents takes one call, talks for about half a minute and wraps it up.
//! They take no calls but their own, so whoever plays an agent or a customer is not disturbed.

use std::time::Duration;

use jiff::Timestamp;

use super::agents::Agent;
use super::customers::NewCall;
use super::machine::{Center, Timer};
use crate::connect::call::Phase;

const WRAP_UP: Duration = Duration::from_secs(5);

impl Center {
    /// Lets `rate` customers a minute call, answered by as many agents of their own.
    pub fn populate(&mut self, at: Timestamp, rate: u32) {
        for n in 1..=rate {
            let agent = self.instance.hire(&login(n));
            self.agents.insert(agent.clone(), Agent::of_the_crowd(&agent, at));
        }
        self.crowd = rate;
        if rate > 0 {
            self.later(at, Duration::ZERO, Timer::CrowdCalls { before: 0 });
        }
    }

    /// The next of them calls; `before` have called already.
    pub(super) fn crowd_calls(&mut self, at: Timestamp, before: u64) {
        let agent = u32::try_from(before % u64::from(self.crowd)).map_or_else(|_| login(1), |n| login(n + 1));
        let queue = &self.instance.queues[usize::try_from(before % 3).unwrap_or(0)];
        let new = NewCall {
            // The range set aside for fiction; some of these numbers are customers' of the seed.
            from: format!("+120255501{:02}", before % 100),
            queue: Some(queue.name.clone()),
            agent: Some(agent),
            ..NewCall::default()
        };
        if let Ok(contact) = self.call(at, new) {
            self.later(at, Duration::from_secs(25 + before % 3 * 5), Timer::CrowdEnds { contact });
        }
        let pause = Duration::from_secs(60) / self.crowd;
        self.later(at, pause, Timer::CrowdCalls { before: before + 1 });
    }

    /// The customer hangs up, and a moment later the agent is done.
    pub(super) fn crowd_ends(&mut self, at: Timestamp, contact: &str) {
        let Some((phase, agent)) = self.calls.get(contact).map(|call| (call.phase, call.agent.clone()))
        else {
            return;
        };
        // Nothing to do when somebody was quicker by the control API.
        let _ = match (phase, agent) {
            (Phase::Wrapping, Some(agent)) => self.clear(at, &agent, contact),
            _ => self.customer_hangs_up(at, contact),
        };
        if self.calls.get(contact).is_some_and(|call| call.phase == Phase::Wrapping) {
            self.later(at, WRAP_UP, Timer::CrowdEnds { contact: contact.to_owned() });
        }
    }
}

fn login(n: u32) -> String {
    format!("crowd.{n}")
}
