//! Stops calling a CRM that is down.
//!
//! The first failure opens the circuit: nothing is sent until the pause is over, then one small
//! request goes out as a probe. Its success closes the circuit, its failure makes the next pause
//! longer. A pause is nobody's attempt: rows wait through it unharmed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The CRM may ask for a longer one.
const LONGEST_ASKED: Duration = Duration::from_secs(15 * 60);

#[derive(Debug, Default)]
pub(super) struct Circuit {
    open: Mutex<Option<Open>>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    since: Timestamp,
    until: Timestamp,
    failures: u32,
}

/// What may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    Free,
    /// One small request, to see whether the CRM is back.
    Probe,
    /// Nothing before this.
    Wait(Timestamp),
}

impl Circuit {
    pub fn pass(&self, now: Timestamp) -> Pass {
        match *self.lock() {
            None => Pass::Free,
            Some(open) if open.until <= now => Pass::Probe,
            Some(open) => Pass::Wait(open.until),
        }
    }

    /// Notes a failure of the CRM as a whole; answers when the next probe may go.
    pub fn failed(&self, now: Timestamp, asked: Option<Duration>) -> Timestamp {
        let mut open = self.lock();
        let failures = open.map_or(0, |open| open.failures);
        let pause = FIRST_PAUSE.saturating_mul(1 << failures.min(10)).min(LONGEST_PAUSE);
        let pause = pause.max(asked.unwrap_or_default().min(LONGEST_ASKED));
        let until = now.checked_add(pause).unwrap_or(Timestamp::MAX);
        let since = open.map_or(now, |open| open.since);
        *open = Some(Open { since, until, failures: failures.saturating_add(1) });
        until
    }

    /// Notes that the CRM answered; `true` when it had been down.
    pub fn answered(&self) -> bool {
        self.lock().take().is_some()
    }

    pub fn down_since(&self) -> Option<Timestamp> {
        self.lock().map(|open| open.since)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_end_with_an_answer() {
        let circuit = Circuit::default();
        let mut now = Timestamp::from_second(1_780_000_000).unwrap();
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let until = circuit.failed(now, None);
            pauses.push(until.duration_since(now).as_secs());
            assert_eq!(circuit.pass(now), Pass::Wait(until));
            assert_eq!(circuit.pass(until), Pass::Probe);
            now = until;
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
        assert!(circuit.answered());
        assert_eq!(circuit.pass(now), Pass::Free);
    }

    #[test]
    fn the_crms_own_wish_counts_up_to_a_quarter_of_an_hour() {
        let circuit = Circuit::default();
        let now = Timestamp::from_second(1_780_000_000).unwrap();
        let until = circuit.failed(now, Some(Duration::from_secs(300)));
        assert_eq!(until.duration_since(now).as_secs(), 300);
        let until = circuit.failed(now, Some(Duration::from_secs(86_400)));
        assert_eq!(until.duration_since(now).as_secs(), 900);
    }
}
