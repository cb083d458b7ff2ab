use core::time::Duration;
use std::time::{Instant, SystemTime};

use crate::types::Timestamp;

/// The clock that drives a [`LocalExchange`](super::LocalExchange): this machine's, or one that
/// starts elsewhere and runs faster or slower.
///
/// Clients sign requests with a time of their own and are refused when it is more than
/// `recvWindow` off, so that a scaled clock is for clients that can be given one.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeClock {
    start: Timestamp,
    began: Instant,
    scale: f64,
}

impl ExchangeClock {
    /// The clock of this machine. It does not follow later corrections of the system's time.
    pub fn system() -> Self {
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Self::scaled(Timestamp::EPOCH.after(since), 1.0)
    }

    /// A clock that shows `start` now and runs `scale` times as fast as time does; a scale that
    /// is not above zero counts as one.
    pub fn scaled(start: Timestamp, scale: f64) -> Self {
        let scale = if scale > 0.0 && scale.is_finite() { scale } else { 1.0 };
        Self { start, began: began(), scale }
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        let nanos = self.began.elapsed().as_nanos() as f64 * self.scale;
        // The cast saturates.
        self.start.after(Duration::from_nanos(nanos as u64))
    }

    /// How long it takes in real time until it shows `at`.
    pub fn until(&self, at: Timestamp) -> Duration {
        let nanos = at.since(self.now()).as_nanos() as f64 / self.scale;
        Duration::from_nanos(nanos as u64)
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the edge: the exchange's clock is real")]
fn began() -> Instant {
    Instant::now()
}
