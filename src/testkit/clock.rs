use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::types::Timestamp;

/// A clock that stands still until it is told to move, for tests of code that asks for the time.
///
/// Clones show the same time, so that a test moves the clock that its subject holds. It can be
/// set back: real clocks are.
///
/// ```
/// use std::time::Duration;
/// use tradewright::testkit::ManualClock;
/// use tradewright::types::Timestamp;
///
/// let clock = ManualClock::new(Timestamp::EPOCH);
/// let held_elsewhere = clock.clone();
/// clock.advance(Duration::from_secs(90));
/// assert_eq!(held_elsewhere.now(), Timestamp::from_secs(90)?);
/// clock.set(Timestamp::EPOCH);
/// assert_eq!(held_elsewhere.now(), Timestamp::EPOCH);
/// # Ok::<(), tradewright::types::TimestampError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock {
    nanos: Arc<AtomicI64>,
}

impl ManualClock {
    /// A clock that shows this time.
    pub fn new(at: Timestamp) -> Self {
        let clock = Self::default();
        clock.set(at);
        clock
    }

    /// The time that it shows.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.nanos.load(Ordering::SeqCst))
    }

    /// Moves on, at most to the end of time; the answer is the new time.
    pub fn advance(&self, span: Duration) -> Timestamp {
        let later = self.now().after(span);
        self.set(later);
        later
    }

    /// Jumps to a time, forward or back.
    pub fn set(&self, at: Timestamp) {
        self.nanos.store(at.nanos(), Ordering::SeqCst);
    }
}
