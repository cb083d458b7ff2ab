use core::fmt::Debug;

use async_trait::async_trait;

use crate::types::Timestamp;

/// Where the edge takes the time from: two clocks, since one cannot do both jobs.
///
/// The wall clock says what o'clock it is and may be set, forwards and backwards. The monotonic
/// clock only ever goes on, from a beginning that means nothing. Whatever is written down carries
/// the first; every time-out is counted by the second.
///
/// ```
/// use async_trait::async_trait;
/// use tradewright::types::Timestamp;
/// use tradewright::venue::Clock;
///
/// /// A clock that stands, and whose sleepers wake at once.
/// #[derive(Debug)]
/// struct Standing(Timestamp);
///
/// #[async_trait]
/// impl Clock for Standing {
///     fn wall(&self) -> Timestamp { self.0 }
///     fn monotonic(&self) -> Timestamp { self.0 }
///     async fn sleep_until(&self, _monotonic: Timestamp) {}
/// }
///
/// let clock: Box<dyn Clock> = Box::new(Standing(Timestamp::EPOCH));
/// assert_eq!(clock.wall(), Timestamp::EPOCH);
/// ```
#[async_trait]
pub trait Clock: Send + Sync + Debug {
    /// The time of day, UTC: for timestamps.
    fn wall(&self) -> Timestamp;

    /// Time that is never set: for time-outs and deadlines. Only differences mean anything.
    fn monotonic(&self) -> Timestamp;

    /// Comes back when [`Clock::monotonic`] has reached this. Dropping the future ends the wait.
    async fn sleep_until(&self, monotonic: Timestamp);
}
