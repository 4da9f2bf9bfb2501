use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tieline_core::Clock;

/// The machine's own clock. (The engine has the server's; a function is built without the engine.)
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock everything else asks")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep_until(&self, at: Timestamp) {
        // A function lives no longer than 15 minutes: no need to look again after a sleep.
        if let Ok(left) = Duration::try_from(at.duration_since(self.now())) {
            tokio::time::sleep(left).await;
        }
    }
}
