use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

use super::SimError;
use crate::types::{DayBoundary, DayError, Timestamp};

/// When day orders end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum DayEnd {
    /// At midnight UTC: markets that never close.
    #[default]
    Utc,
    /// At a time of day in a time zone, such as 16:00 in New York. An order that is created at
    /// that very moment belongs to the next day.
    Local {
        /// Name in the IANA database, such as `America/New_York`.
        zone: String,
        /// Seconds after midnight, 0 to 86,399.
        second: u32,
        /// Which days have an end.
        days: TradingDays,
    },
}

/// Which days are trading days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum TradingDays {
    /// All.
    #[default]
    Every,
    /// Monday to Friday: an order of Friday evening lives until Monday's end.
    Weekdays,
}

impl DayEnd {
    /// The end of the trading day that `at` belongs to.
    pub(super) fn after(&self, at: Timestamp) -> Timestamp {
        match self {
            Self::Utc => utc_midnight(at),
            Self::Local { zone, second, days } => {
                local_end(at, zone, *second, *days).unwrap_or_else(|| utc_midnight(at))
            }
        }
    }

    pub(super) fn check(&self) -> Result<(), SimError> {
        match self {
            Self::Utc => Ok(()),
            Self::Local { zone, second, .. } => match DayBoundary::new(zone, *second) {
                Ok(_) => Ok(()),
                Err(DayError::UnknownZone { name }) => Err(SimError::UnknownZone { name }),
                Err(DayError::BadSecond { second }) => {
                    let value = f64::from(second);
                    Err(SimError::BadNumber { what: "second of the day", value })
                }
            },
        }
    }
}

fn utc_midnight(at: Timestamp) -> Timestamp {
    let day = at.utc_day().saturating_add(1);
    Timestamp::from_nanos(day.saturating_mul(86_400_000_000_000))
}

fn local_end(at: Timestamp, zone: &str, second: u32, days: TradingDays) -> Option<Timestamp> {
    let boundary = DayBoundary::new(zone, second).ok()?;
    let mut date = boundary.date(at);
    // A day order lives over a weekend at most; the range is wider than any such gap.
    for _ in 0..8 {
        let end = boundary.begin(date)?;
        if end > at && is_trading(date, days) {
            return Some(end);
        }
        date = date.checked_add_days(Days::new(1))?;
    }
    None
}

fn is_trading(date: NaiveDate, days: TradingDays) -> bool {
    match days {
        TradingDays::Every => true,
        TradingDays::Weekdays => !matches!(date.weekday(), Weekday::Sat | Weekday::Sun),
    }
}
