use serde::{Deserialize, Serialize};

use crate::account::Conventions;
use crate::types::DayBoundary;
use crate::types::{Classification, Classify};

/// What a [`PerformanceMonitor`](super::PerformanceMonitor) samples and how much it keeps.
///
/// ```
/// use tradewright::account::Conventions;
/// use tradewright::monitor::MonitorConfig;
/// use tradewright::types::DayBoundary;
///
/// let config = MonitorConfig {
///     conventions: Conventions::daily(),
///     days: DayBoundary::new("America/New_York", 17 * 3_600)?,
///     ..MonitorConfig::default()
/// };
/// # let _ = config;
/// # Ok::<(), tradewright::types::DayError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MonitorConfig {
    /// What the figures assume. The periods per year are those of the samples: 252 or 365 for
    /// daily ones. Nothing is annualised until they are set.
    pub conventions: Conventions,
    /// How often equity becomes a point of the curve.
    pub sample: SampleEvery,
    /// When days end, for samples and for the breakdown by hour, day and month.
    pub days: DayBoundary,
    /// Points of equity that are kept, 2 to 1,048,576: four years of trading days unless set.
    pub samples: usize,
    /// Trades that are kept, 1 to 1,048,576; 1,024 unless set.
    pub trades: usize,
    /// Hours of the breakdown, 1 to 65,536: a week unless set.
    pub hours_kept: usize,
    /// Days of the breakdown, 1 to 65,536: a year unless set.
    pub days_kept: usize,
    /// Months of the breakdown, 1 to 65,536: ten years unless set.
    pub months_kept: usize,
    /// Strategies, symbols and tags that have figures of their own, 1 to 65,536 of each; 256
    /// unless set. What comes beyond is in the figures of the whole alone.
    pub groups: usize,
}

impl Default for MonitorConfig {
    fn default() -> Self {
        Self {
            conventions: Conventions::default(),
            sample: SampleEvery::default(),
            days: DayBoundary::UTC,
            samples: 1_024,
            trades: 1_024,
            hours_kept: 168,
            days_kept: 366,
            months_kept: 120,
            groups: 256,
        }
    }
}

impl MonitorConfig {
    pub(super) fn check(&self) -> Result<(), MonitorError> {
        in_range("samples", self.samples, 2, MOST_ENTRIES)?;
        in_range("trades", self.trades, 1, MOST_ENTRIES)?;
        in_range("hours_kept", self.hours_kept, 1, MOST_ROWS)?;
        in_range("days_kept", self.days_kept, 1, MOST_ROWS)?;
        in_range("months_kept", self.months_kept, 1, MOST_ROWS)?;
        in_range("groups", self.groups, 1, MOST_ROWS)
    }
}

/// Entries of a history, at most.
pub(super) const MOST_ENTRIES: usize = 1 << 20;

/// Rows of a breakdown, at most.
const MOST_ROWS: usize = 1 << 16;

pub(super) fn in_range(
    what: &'static str,
    value: usize,
    least: usize,
    most: usize,
) -> Result<(), MonitorError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(MonitorError::OutOfRange { what, value, least, most })
}

/// How often equity becomes a point of the curve: returns are taken from point to point. The
/// last mark of a period is its point, and the period that runs counts with its last mark so
/// far. A mark at the very end of a period still belongs to it, because bars are stamped at
/// their close.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleEvery {
    /// After the marks of every instant, as in a backtest's report.
    Instant,
    /// Each hour, counted from the beginning of the day.
    Hour,
    /// Each trading day.
    #[default]
    Day,
}

/// Why a monitor cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MonitorError {
    /// A number of the configuration; choose one in the range.
    #[error("{what} is {value}, which is not in {least} to {most}")]
    OutOfRange {
        /// Which number.
        what: &'static str,
        /// The refused value.
        value: usize,
        /// The least that is possible.
        least: usize,
        /// The most that is possible.
        most: usize,
    },
    /// The money at the start must be a number above zero.
    #[error("the money at the start is {value}, not above zero")]
    BadMoney {
        /// The refused value.
        value: f64,
    },
}

impl Classify for MonitorError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}
