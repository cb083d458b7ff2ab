use core::time::Duration;
use std::path::PathBuf;

use super::read::{self, Read};

/// How a program runs and ends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuntimeSettings {
    /// Whether orders reach the venue.
    pub mode: TradingMode,
    /// Which of the venue's markets.
    pub market: MarketKind,
    /// Where snapshots and recordings are kept; none for neither.
    pub folder: Option<PathBuf>,
    /// What becomes of working orders at the end.
    pub stop_orders: OrdersAtStop,
    /// The end takes at most so long, whatever is still open then.
    pub stop_within: Duration,
    /// A task that fails is started again so many times within `restart_window`.
    pub restarts: u32,
    /// The span over which restarts are counted.
    pub restart_window: Duration,
}

impl Default for RuntimeSettings {
    /// On paper, so that nobody trades by forgetting a key; stopped as
    /// `live::StopPolicy::default` says; five restarts within ten minutes, which outlasts a venue's
    /// short maintenance and still ends within an hour what cannot work.
    fn default() -> Self {
        Self {
            mode: TradingMode::Paper,
            market: MarketKind::Futures,
            folder: None,
            stop_orders: OrdersAtStop::CancelEntries,
            stop_within: Duration::from_secs(15),
            restarts: 5,
            restart_window: Duration::from_secs(600),
        }
    }
}

/// Whether orders reach the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TradingMode {
    /// The venue's market data and simulated fills.
    Paper,
    /// Orders at the venue.
    Live,
}

impl TradingMode {
    pub(super) fn read(text: &str) -> Read<Self> {
        read::word(text, &[("paper", Self::Paper), ("live", Self::Live)])
    }
}

/// A market of the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MarketKind {
    /// Perpetuals, margined in USD.
    Futures,
    /// Spot.
    Spot,
}

impl MarketKind {
    pub(super) fn read(text: &str) -> Read<Self> {
        read::word(text, &[("futures", Self::Futures), ("spot", Self::Spot)])
    }
}

/// What becomes of working orders at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrdersAtStop {
    /// All of them work on.
    Keep,
    /// What opens or enlarges a position is taken back; stops and targets work on.
    CancelEntries,
    /// All of them are taken back.
    CancelAll,
}

impl OrdersAtStop {
    pub(super) fn read(text: &str) -> Read<Self> {
        let (entries, all) = (Self::CancelEntries, Self::CancelAll);
        read::word(text, &[("keep", Self::Keep), ("cancel_entries", entries), ("cancel_all", all)])
    }
}
