use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tieline_core::Clock;

/// Longest nap before the time is looked at again: a machine that slept or whose clock was set
/// notices within this.
const NAP: Duration = Duration::from_secs(30);

/// The machine's own clock. The one place that may ask the system for the time.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock everything else asks")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = at.duration_since(self.now());
            let Ok(left) = Duration::try_from(left) else { return };
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(NAP)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_time_that_is_past_is_not_waited_for() {
        SystemClock.sleep_until(Timestamp::UNIX_EPOCH).await;
        let before = SystemClock.now();
        SystemClock.sleep(Duration::from_millis(1)).await;
        assert!(SystemClock.now() > before);
    }
}
