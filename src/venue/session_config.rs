use core::time::Duration;

use serde::{Deserialize, Serialize};

/// How long a [`Session`](super::Session) waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionConfig {
    /// A connection that does not stand after so long has failed.
    pub connect_within: Duration,
    /// A subscription that is not acknowledged after so long is sent again.
    pub acknowledge_within: Duration,
    /// Pings of our own are so far apart.
    pub ping_every: Duration,
    /// A connection on which nothing came in for so long, not even a pong, is dead.
    pub dead_after: Duration,
    /// A stream that was silent for so long is not to be trusted.
    pub most_silent: Duration,
    /// After so long another connection is made, and the old one is closed when it serves.
    pub rotate_after: Duration,
    /// The longest pause after the first failure; it doubles with each further one.
    pub pause: Duration,
    /// The longest pause of all.
    pub longest_pause: Duration,
    /// A connection that served for so long ends the count of failures.
    pub stable_after: Duration,
    /// So many failures in a row start polling.
    pub failures_to_poll: u32,
    /// At most so many attempts …
    pub most_attempts: usize,
    /// … in this span.
    pub attempts_span: Duration,
}

impl SessionConfig {
    /// How long to wait after so many failures in a row. Full jitter: evenly between nothing and
    /// the doubled pause, at least a hundredth of it; `chance` is drawn evenly from all of `u64`.
    ///
    /// ```
    /// use core::time::Duration;
    /// use tradewright::venue::SessionConfig;
    ///
    /// let config = SessionConfig::default();
    /// assert_eq!(config.pause_after(3, 1 << 63), Duration::from_secs(2));
    /// assert_eq!(config.pause_after(1, 0), Duration::from_millis(10));
    /// assert!(config.pause_after(u32::MAX, u64::MAX) <= config.longest_pause);
    /// ```
    pub fn pause_after(&self, failures: u32, chance: u64) -> Duration {
        let factor = 1_u32 << failures.saturating_sub(1).min(16);
        let most = self.pause.saturating_mul(factor).min(self.longest_pause);
        let nanos = most.as_nanos().saturating_mul(chance.into()) >> 64;
        let jittered = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        jittered.max(most / 100)
    }
}

impl Default for SessionConfig {
    /// For Binance: it pings every 20 s and cuts after a minute without a pong and after 24 h
    /// (an hour is kept in hand; the host adds what jitter it likes), and bans beyond 300
    /// attempts in five minutes, of which a third is used.
    fn default() -> Self {
        let secs = Duration::from_secs;
        Self {
            connect_within: secs(10),
            acknowledge_within: secs(10),
            ping_every: secs(20),
            dead_after: secs(60),
            most_silent: secs(30),
            rotate_after: secs(23 * 3_600),
            pause: secs(1),
            longest_pause: secs(60),
            stable_after: secs(180),
            failures_to_poll: 5,
            most_attempts: 100,
            attempts_span: secs(300),
        }
    }
}
