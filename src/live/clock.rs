use std::sync::OnceLock;
use std::time::{Instant, SystemTime};

use async_trait::async_trait;

use crate::types::Timestamp;
use crate::venue::Clock;

/// The machine's own clocks; sleepers are woken by tokio.
///
/// ```
/// use tradewright::live::SystemClock;
/// use tradewright::venue::Clock;
///
/// let before = SystemClock.monotonic();
/// assert!(SystemClock.monotonic() >= before);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SystemClock;

static BEGINNING: OnceLock<Instant> = OnceLock::new();

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "here is the edge: this is the clock")]
    fn wall(&self) -> Timestamp {
        let nanos = match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
        };
        Timestamp::from_nanos(nanos)
    }

    #[expect(clippy::disallowed_methods, reason = "here is the edge: this is the clock")]
    fn monotonic(&self) -> Timestamp {
        Timestamp::EPOCH.after(BEGINNING.get_or_init(Instant::now).elapsed())
    }

    async fn sleep_until(&self, monotonic: Timestamp) {
        tokio::time::sleep(monotonic.since(self.monotonic())).await;
    }
}
