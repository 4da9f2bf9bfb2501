//! Answers of reads, remembered for a while: the same caller asks the same thing at every menu, and
//! a CRM that is slow or down for a minute need not be asked again.
//!
//! Of our own because none of the caches at hand answers with what is stale while it asks anew, by a
//! clock a test can set; with those two the rest is a map and an order. The answer says nothing of
//! it; [`Counts`] does. Only answers are kept, never errors, and keys are hashes, so that a memory
//! dump of the keys names nobody.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{DipCode, DipError};

/// How an [`Recent`] remembers. It is off where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecentSettings {
    /// How long an answer is given again as it is.
    pub fresh: Duration,
    /// How much longer it is given while the CRM is asked anew.
    pub stale: Duration,
    /// Answers at most; the one asked for longest ago goes first.
    pub entries: usize,
    /// Bytes of all answers at most.
    pub bytes: usize,
}

impl Default for RecentSettings {
    fn default() -> Self {
        Self {
            fresh: Duration::from_secs(60),
            stale: Duration::from_secs(300),
            entries: 10_000,
            bytes: 16 * 1024 * 1024,
        }
    }
}

/// Names a question: what is asked, and with whose rights.
pub type Question = [u8; 32];

/// Which objects of the CRM an answer depends on, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    Objects(BTreeSet<String>),
    /// We cannot say: any change may concern it.
    Anything,
}

/// What happened to questions since the start, and what is kept now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Answered from memory.
    pub hits: u64,
    /// Answered from memory while the CRM was asked anew.
    pub stale: u64,
    /// Asked of the CRM.
    pub misses: u64,
    /// Waited for the answer somebody else had asked for.
    pub joined: u64,
    pub entries: usize,
    pub bytes: usize,
}

type Outcome = Result<Value, DipError>;

/// Recent answers of one workspace.
#[derive(Debug)]
pub struct Recent {
    settings: RecentSettings,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    kept: HashMap<Question, Kept>,
    /// Questions by when they were asked last.
    order: BTreeMap<u64, Question>,
    flights: HashMap<Question, Flight>,
    bytes: usize,
    /// Counts uses and flights.
    tick: u64,
    /// Counts changes: what was asked before one is not kept after it.
    changes: u64,
    swept_at: Option<Timestamp>,
    counts: Counts,
}

#[derive(Debug)]
struct Kept {
    answer: Value,
    about: About,
    size: usize,
    asked_at: Timestamp,
    used: u64,
}

#[derive(Debug)]
struct Flight {
    number: u64,
    outcome: watch::Receiver<Option<Outcome>>,
}

/// All memories of one CRM: a change through any workspace concerns them all.
#[derive(Debug, Default)]
pub struct Recents(Mutex<Vec<Arc<Recent>>>);

impl Recents {
    pub fn add(&self, recent: &Arc<Recent>) {
        self.0.lock().expect("no panic while the lock is held").push(Arc::clone(recent));
    }

    /// Forgets what depends on `object`, or may depend on it.
    pub fn forget(&self, object: Option<&str>) {
        for recent in self.0.lock().expect("no panic while the lock is held").iter() {
            recent.forget(object);
        }
    }
}

impl Recent {
    pub fn new(settings: RecentSettings) -> Arc<Self> {
        Arc::new(Self { settings, state: Mutex::default() })
    }

    pub fn counts(&self) -> Counts {
        let state = self.lock();
        Counts { entries: state.kept.len(), bytes: state.bytes, ..state.counts }
    }

    /// The remembered answer to `question`, or that of `ask`, which runs to its end whoever waits for
    /// it; `None` when that takes longer than `until`.
    pub async fn answer(
        self: &Arc<Self>,
        question: Question,
        about: About,
        now: Timestamp,
        until: Instant,
        ask: BoxFuture<'static, Outcome>,
    ) -> Option<Outcome> {
        let mut flight = {
            let mut state = self.lock();
            let age = state.kept.get(&question).map(|kept| now.duration_since(kept.asked_at).unsigned_abs());
            match age {
                Some(age) if age < self.settings.fresh => {
                    state.counts.hits += 1;
                    return Some(Ok(state.used(&question)));
                }
                Some(age) if age < self.settings.fresh + self.settings.stale => {
                    state.counts.stale += 1;
                    let answer = state.used(&question);
                    if !state.flights.contains_key(&question) {
                        self.start(&mut state, question, about, now, ask);
                    }
                    return Some(Ok(answer));
                }
                Some(_) => state.drop_one(&question),
                None => {}
            }
            if let Some(flight) = state.flights.get(&question).map(|flight| flight.outcome.clone()) {
                state.counts.joined += 1;
                flight
            } else {
                state.counts.misses += 1;
                self.start(&mut state, question, about, now, ask)
            }
        };
        let landed = tokio::time::timeout_at(until, flight.wait_for(Option::is_some)).await.ok()?;
        Some(match landed {
            Ok(outcome) => outcome.clone().unwrap_or_else(|| Err(lost())),
            Err(_) => Err(lost()),
        })
    }

    /// Forgets what depends on `object`; `None` is an object we cannot name.
    pub fn forget(&self, object: Option<&str>) {
        let object = object.map(str::to_lowercase);
        let mut state = self.lock();
        state.changes += 1;
        // Who asks from now on must not be answered by what was asked before the change.
        state.flights.clear();
        let gone: Vec<Question> = state
            .kept
            .iter()
            .filter(|(_, kept)| match &kept.about {
                About::Anything => true,
                About::Objects(objects) => object.as_ref().is_some_and(|object| objects.contains(object)),
            })
            .map(|(question, _)| *question)
            .collect();
        for question in gone {
            state.drop_one(&question);
        }
    }

    fn start(
        self: &Arc<Self>,
        state: &mut State,
        question: Question,
        about: About,
        now: Timestamp,
        ask: BoxFuture<'static, Outcome>,
    ) -> watch::Receiver<Option<Outcome>> {
        let (sender, outcome) = watch::channel(None);
        state.tick += 1;
        let (number, changes) = (state.tick, state.changes);
        state.flights.insert(question, Flight { number, outcome: outcome.clone() });
        let recent = Arc::clone(self);
        tokio::spawn(async move {
            // A task of its own, so that even a panic lands.
            let landed = tokio::spawn(ask).await.unwrap_or_else(|_| Err(lost()));
            {
                let mut state = recent.lock();
                if state.flights.get(&question).is_some_and(|flight| flight.number == number) {
                    state.flights.remove(&question);
                }
                if let Ok(answer) = &landed
                    && state.changes == changes
                {
                    state.keep(&recent.settings, question, about, now, answer);
                }
            }
            sender.send_replace(Some(landed));
        });
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while the lock is held")
    }
}

impl State {
    fn used(&mut self, question: &Question) -> Value {
        self.tick += 1;
        let tick = self.tick;
        let Some(kept) = self.kept.get_mut(question) else { return Value::Null };
        self.order.remove(&kept.used);
        kept.used = tick;
        self.order.insert(tick, *question);
        kept.answer.clone()
    }

    fn drop_one(&mut self, question: &Question) {
        if let Some(kept) = self.kept.remove(question) {
            self.order.remove(&kept.used);
            self.bytes -= kept.size;
        }
    }

    fn keep(
        &mut self,
        settings: &RecentSettings,
        question: Question,
        about: About,
        now: Timestamp,
        answer: &Value,
    ) {
        self.sweep(settings, now);
        self.drop_one(&question);
        // What the maps hold beside the answer's own text.
        let size = answer.to_string().len() + 256;
        if size > settings.bytes || settings.entries == 0 {
            return;
        }
        self.tick += 1;
        let kept = Kept { answer: answer.clone(), about, size, asked_at: now, used: self.tick };
        self.order.insert(self.tick, question);
        self.kept.insert(question, kept);
        self.bytes += size;
        while self.kept.len() > settings.entries || self.bytes > settings.bytes {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            if let Some(kept) = self.kept.remove(&oldest) {
                self.bytes -= kept.size;
            }
        }
    }

    /// Once in a while what is too old goes, though nobody asks for it: it is about people.
    fn sweep(&mut self, settings: &RecentSettings, now: Timestamp) {
        let believed = settings.fresh + settings.stale;
        let due = self.swept_at.is_none_or(|at| now.duration_since(at).unsigned_abs() >= believed);
        if !due {
            return;
        }
        self.swept_at = Some(now);
        let too_old = |kept: &Kept| now.duration_since(kept.asked_at).unsigned_abs() >= believed;
        let gone: Vec<Question> =
            self.kept.iter().filter(|(_, kept)| too_old(kept)).map(|(question, _)| *question).collect();
        for question in gone {
            self.drop_one(&question);
        }
    }
}

fn lost() -> DipError {
    DipError::new(DipCode::CrmUnavailable, "asking the CRM broke off")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::FutureExt;
    use serde_json::json;
    use tokio::sync::Semaphore;

    use super::*;

    /// A CRM that counts what it is asked, and answers with the number.
    #[derive(Clone)]
    struct Crm {
        asked: Arc<AtomicUsize>,
        gate: Arc<Semaphore>,
    }

    impl Crm {
        fn open() -> Self {
            Self { asked: Arc::default(), gate: Arc::new(Semaphore::new(1_000)) }
        }

        fn closed() -> Self {
            Self { asked: Arc::default(), gate: Arc::new(Semaphore::new(0)) }
        }

        fn ask(&self) -> BoxFuture<'static, Outcome> {
            let crm = self.clone();
            async move {
                crm.gate.acquire().await.unwrap().forget();
                Ok(json!(crm.asked.fetch_add(1, Ordering::SeqCst)))
            }
            .boxed()
        }

        fn fail(&self) -> BoxFuture<'static, Outcome> {
            let asked = Arc::clone(&self.asked);
            async move {
                asked.fetch_add(1, Ordering::SeqCst);
                Err(lost())
            }
            .boxed()
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn settings(entries: usize, bytes: usize) -> RecentSettings {
        RecentSettings { fresh: Duration::from_secs(10), stale: Duration::from_secs(20), entries, bytes }
    }

    fn contact() -> About {
        About::Objects(BTreeSet::from(["contact".to_owned()]))
    }

    async fn ask(recent: &Arc<Recent>, question: u8, second: i64, crm: &Crm) -> Value {
        let until = Instant::now() + Duration::from_secs(30);
        recent.answer([question; 32], contact(), at(second), until, crm.ask()).await.unwrap().unwrap()
    }

    /// Waits until nothing is being asked any more.
    async fn settled(recent: &Recent) {
        while !recent.lock().flights.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn an_answer_is_fresh_then_stale_then_asked_again() {
        let (recent, crm) = (Recent::new(settings(9, 99_999)), Crm::open());
        assert_eq!(ask(&recent, 1, 0, &crm).await, json!(0));
        assert_eq!(ask(&recent, 1, 9, &crm).await, json!(0));
        assert_eq!(ask(&recent, 1, 10, &crm).await, json!(0), "old, and asked anew behind it");
        settled(&recent).await;
        assert_eq!(ask(&recent, 1, 11, &crm).await, json!(1));
        assert_eq!(ask(&recent, 1, 40, &crm).await, json!(2), "too old to be said");
        assert_eq!(ask(&recent, 2, 40, &crm).await, json!(3), "another question");
        let counts = recent.counts();
        assert_eq!((counts.hits, counts.stale, counts.misses, counts.entries), (2, 1, 3, 2));
    }

    #[tokio::test]
    async fn who_asks_the_same_at_once_waits_for_one_call() {
        let (recent, crm) = (Recent::new(settings(9, 99_999)), Crm::closed());
        let short = recent.answer([1; 32], contact(), at(0), Instant::now(), crm.ask()).await;
        assert_eq!(short, None, "its time was over, and the call goes on");
        let (one, two) = (ask(&recent, 1, 0, &crm), ask(&recent, 1, 0, &crm));
        let open = async { crm.gate.add_permits(9) };
        assert_eq!(tokio::join!(one, two, open), (json!(0), json!(0), ()));
        assert_eq!(crm.asked.load(Ordering::SeqCst), 1);
        assert_eq!(recent.counts().joined, 2);
    }

    #[tokio::test]
    async fn errors_are_told_and_not_kept() {
        let (recent, crm) = (Recent::new(settings(9, 99_999)), Crm::open());
        let until = Instant::now() + Duration::from_secs(30);
        for _ in 0..2 {
            assert!(recent.answer([1; 32], contact(), at(0), until, crm.fail()).await.unwrap().is_err());
        }
        assert_eq!(crm.asked.load(Ordering::SeqCst), 2);
        // A stale answer survives that the CRM is down.
        assert_eq!(ask(&recent, 1, 0, &crm).await, json!(2));
        let stale = recent.answer([1; 32], contact(), at(15), until, crm.fail()).await;
        assert_eq!(stale, Some(Ok(json!(2))));
        settled(&recent).await;
        assert_eq!(ask(&recent, 1, 16, &crm).await, json!(2));
    }

    #[tokio::test]
    async fn a_change_forgets_what_depends_on_the_object_and_nothing_else() {
        let (recent, crm) = (Recent::new(settings(9, 99_999)), Crm::open());
        let until = Instant::now() + Duration::from_secs(30);
        ask(&recent, 1, 0, &crm).await;
        recent.answer([2; 32], About::Anything, at(0), until, crm.ask()).await.unwrap().unwrap();
        recent.forget(Some("Case"));
        assert_eq!(recent.counts().entries, 1);
        recent.forget(Some("CONTACT"));
        assert_eq!((recent.counts().entries, recent.counts().bytes), (0, 0));
        // What was asked before the change is neither kept nor told to who asks after it.
        let crm = Crm::closed();
        let before = ask(&recent, 3, 0, &crm);
        let change = async {
            tokio::task::yield_now().await;
            recent.forget(Some("Contact"));
            crm.gate.add_permits(2);
            ask(&recent, 3, 0, &crm).await
        };
        let (before, after) = tokio::join!(before, change);
        assert_ne!(before, after);
        assert_eq!(ask(&recent, 3, 0, &crm).await, after);
    }

    #[tokio::test]
    async fn it_stays_inside_its_size_and_forgets_what_was_asked_longest_ago() {
        let (recent, crm) = (Recent::new(settings(2, 99_999)), Crm::open());
        for question in [1, 2, 1, 3] {
            ask(&recent, question, 0, &crm).await;
        }
        assert_eq!(ask(&recent, 1, 0, &crm).await, json!(0), "asked for lately");
        assert_eq!(ask(&recent, 2, 0, &crm).await, json!(3), "was the oldest");
        let small = Recent::new(settings(9, 600));
        for question in [1, 2, 3] {
            ask(&small, question, 0, &crm).await;
        }
        assert_eq!(small.counts().entries, 2);
        assert!(small.counts().bytes <= 600);
        // What nobody asks for goes as well when its time is over.
        ask(&recent, 9, 100, &crm).await;
        assert_eq!(recent.counts().entries, 1);
    }
}
