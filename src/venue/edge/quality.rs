use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Channel, Subscription};

/// How much the data of one subscription can be trusted, at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DataQuality {
    /// Of which data.
    pub subscription: Subscription,
    /// Time since the last message; `None` before the first.
    pub age: Option<Duration>,
    /// The age from which on they are stale.
    pub stale_after: Duration,
    /// Messages since the service was made.
    pub messages: u64,
    /// Messages a second, over the last minute.
    pub rate: f64,
    /// Holes in the numbers since the service was made: updates of a book or trades that did not
    /// follow on the ones before.
    pub gaps: u64,
    /// The newest message's way from the venue to us, where it carries a time, by the two clocks
    /// as they are; negative when ours is behind.
    pub delay_nanos: Option<i64>,
}

impl DataQuality {
    /// True when there was no message for too long, or never one.
    pub fn is_stale(&self) -> bool {
        self.age.is_none_or(|age| age > self.stale_after)
    }
}

/// The shortest time after which data count as stale.
const SHORTEST_STALE: Duration = Duration::from_secs(5);

impl Channel {
    /// How far apart the messages of a liquid market are at most; `None` where they come when
    /// something happens.
    pub fn expected_interval(self) -> Option<Duration> {
        match self {
            Self::Quotes | Self::Trades => None,
            // A forming bar is told every two seconds, a depth update every 100 ms, a ticker and
            // a mark every second.
            Self::Bars(_) => Some(Duration::from_secs(2)),
            Self::Book { .. } | Self::Depth => Some(Duration::from_millis(100)),
            Self::Ticker | Self::Marks => Some(Duration::from_secs(1)),
        }
    }

    /// The age from which on data are stale: three intervals, at least 5 s; 30 s where messages
    /// come when something happens.
    pub fn stale_after(self) -> Duration {
        let usual = self.expected_interval().unwrap_or(Duration::from_secs(10));
        usual.saturating_mul(3).max(SHORTEST_STALE)
    }
}

/// What the connections of a service have seen since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionCounts {
    /// Connections that stand now.
    pub connections: u64,
    /// Connections that were asked for.
    pub attempts: u64,
    /// Connections that were lost or never came about.
    pub failures: u64,
    /// Planned moves to a new connection.
    pub rotations: u64,
    /// Times a stream was silent for too long.
    pub silences: u64,
    /// Frames received.
    pub frames: u64,
    /// Bytes received in them.
    pub bytes: u64,
    /// Frames that could not be read.
    pub unreadable: u64,
    /// Events of kinds that the decoder does not know.
    pub unknown: u64,
    /// Events about instruments that nobody asked for.
    pub foreign: u64,
    /// Updates of books that did not follow on the ones before.
    pub book_gaps: u64,
    /// Trades that came more than once and were told once.
    pub repeated_trades: u64,
    /// Trades that cannot be had.
    pub missed_trades: u64,
    /// Messages sent: subscriptions, pings, pongs.
    pub sent: u64,
    /// Events that a slow reader's queue has replaced by newer ones.
    pub replaced: u64,
    /// Events that a slow reader has lost.
    pub dropped: u64,
    /// Requests by HTTP in place of streams.
    pub polls: u64,
}
