use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// Tells the time and waits. Passed in everywhere, so that a test or the sandbox
/// can move it.
#[async_trait]
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;

    /// Returns when [`Clock::now`] has reached `at`; at once when it already has.
    async fn sleep_until(&self, at: Timestamp);

    /// Waits for `span` of this clock's time.
    async fn sleep(&self, span: Duration) {
        let at = self.now().checked_add(span).unwrap_or(Timestamp::MAX);
        self.sleep_until(at).await;
    }
}

/// A clock that stands still: `--now`, and tests of pure code.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(pub Timestamp);

#[async_trait]
impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    /// Returns at once when `at` is past, never otherwise: this clock does not move.
    async fn sleep_until(&self, at: Timestamp) {
        if at > self.0 {
            std::future::pending::<()>().await;
        }
    }
}
