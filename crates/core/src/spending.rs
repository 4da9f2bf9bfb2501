use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::Allowance;

/// What a call to the CRM is made for, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// A caller waits in the contact flow.
    Dip,
    /// The call log, and what an agent waits for.
    CallLog,
    /// What can wait for tomorrow: reports, analyses, repairs.
    Other,
}

impl Purpose {
    pub const ALL: [Self; 3] = [Self::Dip, Self::CallLog, Self::Other];

    /// The word in the database and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dip => "dip",
            Self::CallLog => "call_log",
            Self::Other => "other",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == word)
    }
}

/// How far the allowance may be used for what, in hundredths of it. Dips may use all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// The rest is kept for dips.
    pub call_log: u8,
    /// Beyond this, everything else waits whatever the forecast says.
    pub other: u8,
    /// Up to this, everything else goes on whatever the forecast says: a day that begins busily
    /// need not go on so.
    pub other_at_ease: u8,
}

impl Default for Shares {
    fn default() -> Self {
        Self { call_log: 80, other: 70, other_at_ease: 40 }
    }
}

/// The CRM's last word on its allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    pub allowance: Allowance,
    pub heard_at: Timestamp,
}

/// Calls made in one hour (whole hours since 1970) for one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourOfCalls {
    pub hour: i64,
    pub purpose: Purpose,
    pub calls: u64,
}

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    Free,
    /// One call, to hear how the allowance stands: what was heard last is old.
    Probe,
    /// Not before.
    Wait(Timestamp),
}

/// What other processes should know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    pub word: Option<Word>,
    pub calls: Vec<HourOfCalls>,
}

impl Report {
    pub fn is_empty(&self) -> bool {
        self.word.is_none() && self.calls.is_empty()
    }
}

/// How the allowance stands, for metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub word: Option<Word>,
    /// The most that will be used at any time of the coming day, should calls go on as in the last
    /// hours; `None` while the CRM has not said what is allowed.
    pub forecast: Option<u64>,
    /// Calls of this process, by purpose.
    pub made: [(Purpose, u64); 3],
    /// Calls of this process that were not made because what is left is kept for others.
    pub refused: [(Purpose, u64); 3],
}

/// How long a word counts: the window rolls on, and others spend as well.
const WORD_COUNTS: Duration = Duration::from_secs(15 * 60);
/// How long the answer to a probe may take before another is sent.
const PROBE_TAKES: Duration = Duration::from_secs(60);
/// The last hours the forecast looks back upon, the present one among them.
const LOOK_BACK_HOURS: i64 = 3;
const WINDOW_HOURS: i64 = 24;
const HOUR: i64 = 3600;

/// Decides who may spend what is left of a CRM's allowance of API calls, and counts what is spent.
///
/// One for each connection and process. It knows what the CRM said last, which covers everybody who
/// calls the CRM, and what we called in the last 24 hours; [`Governor::report`] and
/// [`Governor::learn`] share both with other processes. Without a store it lives in memory alone.
///
/// Salesforce counts in a window of 24 hours that rolls on ("API Request Limits and Allocations",
/// read 2026-11-20), so calls made a day ago give room again.
#[derive(Debug, Default)]
pub struct Governor {
    shares: Shares,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    word: Option<Word>,
    word_is_news: bool,
    /// By hour, of all processes as far as they are known here.
    calls: BTreeMap<(i64, Purpose), u64>,
    /// Of this process, not reported yet.
    unreported: BTreeMap<(i64, Purpose), u64>,
    made: [u64; 3],
    refused: [u64; 3],
    probing_until: Option<Timestamp>,
}

impl Governor {
    pub fn new(shares: Shares) -> Self {
        Self { shares, state: Mutex::default() }
    }

    /// Asks for one call, which is then made; [`Leave::Probe`] is given to one caller only.
    ///
    /// # Errors
    ///
    /// The time before which it must not be made.
    pub fn ask(&self, purpose: Purpose, now: Timestamp) -> Result<(), Timestamp> {
        let mut state = self.state();
        match self.leave(&state, purpose, now) {
            Leave::Free => Ok(()),
            Leave::Probe => {
                state.probing_until = Some(later(now, PROBE_TAKES));
                Ok(())
            }
            Leave::Wait(until) => {
                state.refused[purpose as usize] += 1;
                Err(until)
            }
        }
    }

    /// What [`Governor::ask`] would answer; nothing is taken by looking.
    pub fn look(&self, purpose: Purpose, now: Timestamp) -> Leave {
        self.leave(&self.state(), purpose, now)
    }

    /// A call was made.
    pub fn spent(&self, purpose: Purpose, now: Timestamp) {
        let mut state = self.state();
        let key = (hour_of(now), purpose);
        *state.calls.entry(key).or_default() += 1;
        *state.unreported.entry(key).or_default() += 1;
        state.made[purpose as usize] += 1;
    }

    /// The CRM said how its allowance stands.
    pub fn heard(&self, allowance: Allowance, now: Timestamp) {
        let mut state = self.state();
        state.word = Some(Word { allowance, heard_at: now });
        state.word_is_news = true;
        state.probing_until = None;
    }

    /// Takes what has not been reported yet.
    pub fn report(&self) -> Report {
        let mut state = self.state();
        let word = if std::mem::take(&mut state.word_is_news) { state.word } else { None };
        let calls = std::mem::take(&mut state.unreported);
        Report {
            word,
            calls: calls
                .into_iter()
                .map(|((hour, purpose), calls)| HourOfCalls { hour, purpose, calls })
                .collect(),
        }
    }

    /// A report did not arrive and is part of the next.
    pub fn take_back(&self, report: Report) {
        let mut state = self.state();
        state.word_is_news |= report.word.is_some();
        for one in report.calls {
            *state.unreported.entry((one.hour, one.purpose)).or_default() += one.calls;
        }
    }

    /// What all processes have reported, this one's reports among them.
    pub fn learn(&self, word: Option<Word>, calls: impl IntoIterator<Item = HourOfCalls>) {
        let mut state = self.state();
        if let Some(word) = word
            && state.word.is_none_or(|known| known.heard_at < word.heard_at)
        {
            state.word = Some(word);
            state.probing_until = None;
        }
        let mut all = state.unreported.clone();
        for one in calls {
            *all.entry((one.hour, one.purpose)).or_default() += one.calls;
        }
        state.calls = all;
    }

    pub fn standing(&self, now: Timestamp) -> Standing {
        let state = self.state();
        let counted = |counts: [u64; 3]| Purpose::ALL.map(|purpose| (purpose, counts[purpose as usize]));
        Standing {
            word: state.word,
            forecast: state.forecast(now),
            made: counted(state.made),
            refused: counted(state.refused),
        }
    }

    fn leave(&self, state: &State, purpose: Purpose, now: Timestamp) -> Leave {
        let Some(Word { allowance, heard_at }) = state.word else { return Leave::Free };
        let beyond = |share: u8| allowance.used >= allowance.allowed.saturating_mul(u64::from(share)) / 100;
        let too_much = match purpose {
            Purpose::Dip => false,
            _ if allowance.allowed == 0 => false,
            Purpose::CallLog => beyond(self.shares.call_log),
            Purpose::Other => {
                let room = allowance.allowed.saturating_mul(u64::from(self.shares.call_log)) / 100;
                beyond(self.shares.other)
                    || (beyond(self.shares.other_at_ease)
                        && state.forecast(now).is_some_and(|forecast| forecast >= room))
            }
        };
        if !too_much {
            return Leave::Free;
        }
        let until = later(heard_at, WORD_COUNTS);
        if until > now {
            return Leave::Wait(until);
        }
        match state.probing_until {
            Some(until) if until > now => Leave::Wait(until),
            _ => Leave::Probe,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// For each hour ahead: what is used now, and the pace of the last hours, less what of our own
    /// calls has left the window by then. Of others' calls we do not know when they leave it.
    fn forecast(&self, now: Timestamp) -> Option<u64> {
        let used = self.word?.allowance.used;
        let present = hour_of(now);
        let since = present - LOOK_BACK_HOURS + 1;
        let recent: u64 = self.calls.range((since, Purpose::Dip)..).map(|(_, calls)| calls).sum();
        let first = self.calls.keys().map(|(hour, _)| *hour).find(|hour| *hour >= since).unwrap_or(present);
        // At least an hour, or the first minutes of a day would stand for all of it.
        let took = u64::try_from(now.as_second() - first * HOUR).unwrap_or(0).max(3600);
        let ahead = |hours: i64| {
            let more = recent.saturating_mul(3600 * u64::try_from(hours).unwrap_or(0)) / took;
            let oldest = present - WINDOW_HOURS;
            let gone: u64 = self
                .calls
                .range((oldest, Purpose::Dip)..(oldest + hours, Purpose::Dip))
                .map(|(_, calls)| calls)
                .sum();
            (used + more).saturating_sub(gone)
        };
        (0..=WINDOW_HOURS).map(ahead).max()
    }
}

/// The first hour of which calls may still count.
pub fn window_begins(now: Timestamp) -> i64 {
    hour_of(now) - WINDOW_HOURS
}

fn hour_of(time: Timestamp) -> i64 {
    time.as_second().div_euclid(HOUR)
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn governor(used: u64) -> Governor {
        let governor = Governor::default();
        governor.heard(Allowance { used, allowed: 1000 }, at(0));
        governor
    }

    #[test]
    fn everything_is_free_while_the_crm_has_said_nothing() {
        let governor = Governor::default();
        assert!(Purpose::ALL.into_iter().all(|purpose| governor.look(purpose, at(0)) == Leave::Free));
    }

    #[test]
    fn each_purpose_stops_at_its_share_and_dips_never() {
        let free = |used| {
            let governor = governor(used);
            Purpose::ALL.map(|purpose| governor.look(purpose, at(1)) == Leave::Free)
        };
        assert_eq!(free(699), [true, true, true]);
        assert_eq!(free(700), [true, true, false]);
        assert_eq!(free(799), [true, true, false]);
        assert_eq!(free(800), [true, false, false]);
        assert_eq!(free(1000), [true, false, false]);
    }

    #[test]
    fn everything_else_waits_when_the_day_would_end_in_the_dips_share() {
        let governor = governor(450);
        assert_eq!(governor.look(Purpose::Other, at(1)), Leave::Free, "nobody calls any more");
        for _ in 0..60 {
            governor.spent(Purpose::CallLog, at(10));
        }
        // Sixty an hour: 450 and 24 times 60 is far more than 800.
        assert_eq!(governor.standing(at(20)).forecast, Some(450 + 24 * 60));
        assert_eq!(governor.look(Purpose::Other, at(20)), Leave::Wait(at(900)));
        assert_eq!(governor.look(Purpose::CallLog, at(20)), Leave::Free);
    }

    #[test]
    fn a_busy_start_alone_holds_nothing_up() {
        let governor = governor(60);
        for _ in 0..60 {
            governor.spent(Purpose::CallLog, at(10));
        }
        assert_eq!(governor.look(Purpose::Other, at(20)), Leave::Free);
    }

    #[test]
    fn calls_that_leave_the_window_make_room_in_the_forecast() {
        let day = 24 * HOUR;
        let governor = Governor::default();
        for _ in 0..300 {
            governor.spent(Purpose::Other, at(60));
        }
        for _ in 0..10 {
            governor.spent(Purpose::CallLog, at(day - 60));
        }
        governor.heard(Allowance { used: 310, allowed: 1000 }, at(day - 30));
        // Ten an hour, and the three hundred of yesterday leave in two hours.
        let forecast = governor.standing(at(day - 30)).forecast.unwrap();
        assert_eq!(forecast, 310 + 10, "its highest is before they leave, not at the end of the day");
    }

    #[test]
    fn one_call_is_spent_to_hear_how_it_stands_once_the_last_word_is_old() {
        let governor = governor(900);
        assert_eq!(governor.ask(Purpose::CallLog, at(899)), Err(at(900)));
        assert_eq!(governor.ask(Purpose::CallLog, at(900)), Ok(()));
        assert_eq!(governor.ask(Purpose::CallLog, at(901)), Err(at(960)), "one at a time");
        governor.heard(Allowance { used: 300, allowed: 1000 }, at(902));
        assert_eq!(governor.ask(Purpose::CallLog, at(903)), Ok(()));
        assert_eq!(governor.standing(at(903)).refused[1], (Purpose::CallLog, 2));
    }

    #[test]
    fn processes_share_what_they_hear_and_spend() {
        let (one, other) = (Governor::default(), Governor::default());
        one.spent(Purpose::Dip, at(5));
        one.heard(Allowance { used: 850, allowed: 1000 }, at(5));
        let report = one.report();
        assert!(one.report().is_empty(), "told once");
        one.take_back(report.clone());
        assert_eq!(one.report(), report, "told again when it did not arrive");
        other.spent(Purpose::Dip, at(6));
        other.learn(report.word, report.calls.iter().copied());
        assert_eq!(other.look(Purpose::CallLog, at(7)), Leave::Wait(at(905)));
        assert_eq!(other.standing(at(7)).forecast, Some(850 + 2 * 24));
        other.learn(Some(Word { allowance: Allowance { used: 1, allowed: 1000 }, heard_at: at(4) }), []);
        assert_eq!(
            other.look(Purpose::CallLog, at(7)),
            Leave::Wait(at(905)),
            "an older word changes nothing"
        );
    }
}
