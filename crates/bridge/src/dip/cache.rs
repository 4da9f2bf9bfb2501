use std::collections::{HashMap, VecDeque};
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
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_key: HashMap<String, Entry>,
    /// Until when each is kept, in the order they were claimed.
    ends: VecDeque<(Timestamp, String)>,
}

impl Entries {
    /// Forgets what is over. Claims are kept equally long, so those that are stand in front; one that
    /// stands behind a longer one goes with it, and is over all the same ([`MemoryCache::claim`]).
    fn forget(&mut self, now: Timestamp) {
        while let Some((_, key)) = self.ends.pop_front_if(|(until, _)| *until <= now) {
            // It may have been claimed anew meanwhile.
            if self.by_key.get(&key).is_some_and(|entry| entry.until <= now) {
                self.by_key.remove(&key);
            }
        }
    }
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
    fn entries(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.entries.lock().expect("no panic while the lock is held")
    }
}

#[async_trait]
impl AnswerCache for MemoryCache {
    async fn claim(&self, key: &str, now: Timestamp, until: Timestamp) -> Claim {
        let mut entries = self.entries();
        entries.forget(now);
        if let Some(entry) = entries.by_key.get(key).filter(|entry| entry.until > now) {
            return match &*entry.state.borrow() {
                State::Ended(Some(outcome)) => Claim::Done(outcome.clone()),
                State::Running | State::Ended(None) => Claim::Running,
            };
        }
        let state = Arc::new(watch::Sender::new(State::Running));
        entries.by_key.insert(key.to_owned(), Entry { until, state });
        entries.ends.push_back((until, key.to_owned()));
        Claim::Yours
    }

    async fn settle(&self, key: &str, outcome: Option<Outcome>) {
        let mut entries = self.entries();
        let Some(entry) = entries.by_key.get(key) else { return };
        entry.state.send_replace(State::Ended(outcome.clone()));
        if outcome.is_none() {
            entries.by_key.remove(key);
        }
    }

    async fn wait(&self, key: &str) -> Option<Outcome> {
        let mut state = self.entries().by_key.get(key)?.state.subscribe();
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

    #[tokio::test]
    async fn nothing_that_is_over_stays_and_nothing_that_is_not_goes() {
        let cache = MemoryCache::default();
        for second in 0..200 {
            cache.claim(&format!("k-{second}"), at(second), at(second + 60)).await;
            if second % 3 == 0 {
                cache.settle(&format!("k-{second}"), None).await;
                assert_eq!(
                    cache.claim(&format!("k-{second}"), at(second), at(second + 60)).await,
                    Claim::Yours
                );
            }
        }
        assert_eq!(cache.claim("k-140", at(199), at(259)).await, Claim::Running);
        assert_eq!(cache.claim("k-139", at(199), at(259)).await, Claim::Yours);
        let entries = cache.entries();
        assert_eq!(entries.by_key.len(), 61, "those of the last minute");
        assert!(entries.ends.len() <= 2 * 61, "{}", entries.ends.len());
    }

    #[tokio::test]
    async fn a_short_claim_behind_a_long_one_is_over_in_its_time() {
        let cache = MemoryCache::default();
        cache.claim("long", at(0), at(100)).await;
        cache.claim("short", at(0), at(10)).await;
        assert_eq!(cache.claim("short", at(9), at(19)).await, Claim::Running);
        assert_eq!(cache.claim("short", at(10), at(20)).await, Claim::Yours);
        assert_eq!(cache.claim("long", at(99), at(199)).await, Claim::Running);
    }
}
