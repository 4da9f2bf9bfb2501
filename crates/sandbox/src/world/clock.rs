use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tieline_core::Clock;
use tokio::sync::watch;

/// The sandbox's time: the machine's plus what was added by `POST /sandbox/v1/clock`,
/// or, [`SimClock::frozen`], only what was added.
///
/// It never goes back, not even on a reset: Tieline keeps what it stored, and a world
/// whose calls lie in Tieline's future would be no world to test in.
#[derive(Debug, Clone)]
pub struct SimClock {
    base: Base,
    added: Arc<watch::Sender<Duration>>,
}

#[derive(Debug, Clone, Copy)]
enum Base {
    Machine,
    Frozen(Timestamp),
}

impl Default for SimClock {
    fn default() -> Self {
        Self::new()
    }
}

impl SimClock {
    pub fn new() -> Self {
        Self { base: Base::Machine, added: Arc::new(watch::Sender::new(Duration::ZERO)) }
    }

    /// Stands at `at` and moves only by [`SimClock::advance`].
    pub fn frozen(at: Timestamp) -> Self {
        Self { base: Base::Frozen(at), added: Arc::new(watch::Sender::new(Duration::ZERO)) }
    }

    /// Moves the clock forward and wakes every sleeper whose time has come; the new time.
    pub fn advance(&self, by: Duration) -> Timestamp {
        self.added.send_modify(|added| *added = added.saturating_add(by));
        self.time()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the sandbox's one source of time")]
    fn time(&self) -> Timestamp {
        let base = match self.base {
            Base::Machine => Timestamp::now(),
            Base::Frozen(at) => at,
        };
        base.checked_add(*self.added.borrow()).unwrap_or(Timestamp::MAX)
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.time()
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut moved = self.added.subscribe();
        loop {
            // Marked as seen before looking at the time, so that an advance in between is not missed.
            moved.borrow_and_update();
            let left = at.duration_since(self.time());
            let Ok(left) = Duration::try_from(left) else { return };
            if left.is_zero() {
                return;
            }
            let machine_time_passes = async {
                match self.base {
                    Base::Machine => tokio::time::sleep(left).await,
                    Base::Frozen(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                () = machine_time_passes => {}
                changed = moved.changed() => changed.expect("`self` holds the sender"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    #[tokio::test]
    async fn advancing_wakes_a_sleeper_whose_time_has_come_and_no_other() {
        let clock = SimClock::frozen(noon());
        let near = {
            let c = clock.clone();
            tokio::spawn(async move { c.sleep(Duration::from_secs(20)).await })
        };
        let far = {
            let c = clock.clone();
            tokio::spawn(async move { c.sleep(Duration::from_secs(3600)).await })
        };
        tokio::task::yield_now().await;

        clock.advance(Duration::from_secs(20));

        near.await.unwrap();
        assert!(!far.is_finished());
        clock.advance(Duration::from_secs(3580));
        far.await.unwrap();
    }

    #[tokio::test]
    async fn a_moment_that_has_passed_is_not_waited_for() {
        let clock = SimClock::frozen(noon());

        clock.sleep_until(noon()).await;

        assert_eq!(clock.now(), noon());
    }
}
