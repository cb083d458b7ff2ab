use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::SimError;
use crate::types::Timestamp;

/// When day orders end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
            Self::Local { zone, second, .. } => {
                if zone.parse::<Tz>().is_err() {
                    let name = zone.chars().take(40).collect();
                    return Err(SimError::UnknownZone { name });
                }
                if *second >= 86_400 {
                    let value = f64::from(*second);
                    return Err(SimError::BadNumber { what: "second of the day", value });
                }
                Ok(())
            }
        }
    }
}

fn utc_midnight(at: Timestamp) -> Timestamp {
    let day = at.utc_day().saturating_add(1);
    Timestamp::from_nanos(day.saturating_mul(86_400_000_000_000))
}

fn local_end(at: Timestamp, zone: &str, second: u32, days: TradingDays) -> Option<Timestamp> {
    let zone: Tz = zone.parse().ok()?;
    let time = NaiveTime::from_num_seconds_from_midnight_opt(second, 0)?;
    let mut date = at.to_utc().with_timezone(&zone).date_naive();
    // A day order lives over a weekend at most; the range is wider than any such gap.
    for _ in 0..8 {
        let end = instant(zone, date, time)?;
        if end > at && is_trading(date, days) {
            return Some(end);
        }
        date = date.checked_add_days(Days::new(1))?;
    }
    None
}

fn instant(zone: Tz, date: NaiveDate, time: NaiveTime) -> Option<Timestamp> {
    let local = date.and_time(time);
    // A time that the clocks skip ends an hour later.
    let moment = zone.from_local_datetime(&local).latest().or_else(|| {
        let later = local.checked_add_signed(TimeDelta::hours(1))?;
        zone.from_local_datetime(&later).latest()
    })?;
    moment.timestamp_nanos_opt().map(Timestamp::from_nanos)
}

fn is_trading(date: NaiveDate, days: TradingDays) -> bool {
    match days {
        TradingDays::Every => true,
        TradingDays::Weekdays => !matches!(date.weekday(), Weekday::Sat | Weekday::Sun),
    }
}
