use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use super::DipError;

/// What a create ended with; remembered so that asking again does not do it again.
pub type Outcome = Result<Value, DipError>;

/// Who does it.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// You: settle it afterwards.
    Yours,
    /// Somebody did.
    Done(Outcome),
    /// Somebody does, and has not said how it ended; ask [`AnswerCache::wait`].
    Running,
}

/// Remembers for a while how a create ended.
#[async_trait]
pub trait AnswerCache: Send + Sync {
    /// Claims `key`; what is older than `until` of its claim is forgotten.
    async fn claim(&self, key: &str, now: Timestamp, until: Timestamp) -> Claim;

    /// Says how it ended. `None` forgets the claim: nothing was done, it may be tried again.
    async fn settle(&self, key: &str, outcome: Option<Outcome>);

    /// Waits until a running one is settled; `None` when it was forgotten.
    async fn wait(&self, key: &str) -> Option<Outcome>;
}

/// An [`AnswerCache`] of one process.
#[derive(Default)]
pub struct MemoryCache {
    entries: Mutex<HashMap<String, Entry>>,
}

struct Entry {
    until: Timestamp,
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Clone)]
enum State {
    Running,
    Ended(Option<Outcome>),
}

impl MemoryCache {
    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<String, Entry>> {
        self.entries.lock().expect("no panic while the lock is held")
    }
}

#[async_trait]
impl AnswerCache for MemoryCache {
    async fn claim(&self, key: &str, now: Timestamp, until: Timestamp) -> Claim {
        let mut entries = self.entries();
        // Creates are few and remembered for a minute, so looking at all of them costs nothing.
        entries.retain(|_, entry| entry.until > now);
        if let Some(entry) = entries.get(key) {
            return match &*entry.state.borrow() {
                State::Ended(Some(outcome)) => Claim::Done(outcome.clone()),
                State::Running | State::Ended(None) => Claim::Running,
            };
        }
        let state = Arc::new(watch::Sender::new(State::Running));
        entries.insert(key.to_owned(), Entry { until, state });
        Claim::Yours
    }

    async fn settle(&self, key: &str, outcome: Option<Outcome>) {
        let mut entries = self.entries();
        let Some(entry) = entries.get(key) else { return };
        entry.state.send_replace(State::Ended(outcome.clone()));
        if outcome.is_none() {
            entries.remove(key);
        }
    }

    async fn wait(&self, key: &str) -> Option<Outcome> {
        let mut state = self.entries().get(key)?.state.subscribe();
        let ended = state.wait_for(|state| matches!(state, State::Ended(_))).await.ok()?;
        match &*ended {
            State::Ended(outcome) => outcome.clone(),
            State::Running => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[tokio::test]
    async fn the_second_one_gets_what_the_first_one_got() {
        let cache = MemoryCache::default();
        assert_eq!(cache.claim("k", at(0), at(60)).await, Claim::Yours);
        assert_eq!(cache.claim("k", at(1), at(61)).await, Claim::Running);
        let (waited, ()) = tokio::join!(cache.wait("k"), cache.settle("k", Some(Ok(json!({"Id": "1"})))));
        assert_eq!(waited, Some(Ok(json!({"Id": "1"}))));
        assert_eq!(cache.claim("k", at(2), at(62)).await, Claim::Done(Ok(json!({"Id": "1"}))));
        assert_eq!(cache.claim("other", at(2), at(62)).await, Claim::Yours);
    }

    #[tokio::test]
    async fn it_forgets_after_its_time_and_when_nothing_was_done() {
        let cache = MemoryCache::default();
        cache.claim("k", at(0), at(60)).await;
        cache.settle("k", Some(Ok(json!(1)))).await;
        assert_eq!(cache.claim("k", at(60), at(120)).await, Claim::Yours);
        cache.settle("k", None).await;
        assert_eq!(cache.claim("k", at(61), at(121)).await, Claim::Yours);
        assert!(tokio::time::timeout(Duration::from_secs(5), cache.wait("none")).await.unwrap().is_none());
    }
}
