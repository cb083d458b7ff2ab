use core::fmt;

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::{Classification, Classify};

/// When one trading day ends and the next begins: a time of day in a time zone.
///
/// Days are days of the calendar and not spans of 24 hours: the days on which the clocks
/// change have 23 or 25. A time that the clocks skip counts as an hour later, one that they
/// repeat as its second occurrence.
///
/// ```
/// use tradewright::types::{DayBoundary, Timestamp};
///
/// let boundary = DayBoundary::new("America/New_York", 17 * 3_600)?;
/// let friday: Timestamp = "2026-03-06T21:59:59Z".parse().unwrap();
/// assert_eq!(boundary.day(friday).to_string(), "2026-03-05");
/// // In New York the clocks go forward on 8 March: that day is an hour shorter.
/// let next = boundary.next("2026-03-08T12:00:00Z".parse().unwrap());
/// assert_eq!(next.to_string(), "2026-03-08T21:00:00Z");
/// # Ok::<(), tradewright::types::DayError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SavedBoundary", into = "SavedBoundary")]
pub struct DayBoundary {
    zone: Tz,
    time: NaiveTime,
}

/// A trading day: the calendar day, in the boundary's zone, on which it began.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct TradingDay(i32);

impl DayBoundary {
    /// Midnight UTC: markets that never close.
    pub const UTC: Self = Self { zone: Tz::UTC, time: NaiveTime::MIN };

    /// A boundary at `second` seconds after midnight (0 to 86,399) in a zone of the IANA
    /// database, such as `America/New_York`.
    ///
    /// # Errors
    /// [`DayError`] for an unknown zone or a second that no day has.
    pub fn new(zone: &str, second: u32) -> Result<Self, DayError> {
        let name = || zone.chars().take(40).collect();
        let zone: Tz = zone.parse().map_err(|_| DayError::UnknownZone { name: name() })?;
        let time = NaiveTime::from_num_seconds_from_midnight_opt(second, 0);
        Ok(Self { zone, time: time.ok_or(DayError::BadSecond { second })? })
    }

    /// The name of the zone.
    pub fn zone(&self) -> &'static str {
        self.zone.name()
    }

    /// The trading day that `at` belongs to; the very moment of the boundary is in the new day.
    pub fn day(&self, at: Timestamp) -> TradingDay {
        let local = self.date(at);
        let began = |back: u64| {
            let date = local.checked_sub_days(Days::new(back))?;
            (self.begin(date)? <= at).then_some(date)
        };
        // A zone that leaps over the date line has one day without a beginning.
        let date = (0..4).find_map(began).unwrap_or(local);
        TradingDay(days_since_1970(date))
    }

    /// The first boundary after `at`; [`Timestamp::MAX`] at the end of time.
    pub fn next(&self, at: Timestamp) -> Timestamp {
        let local = self.date(at);
        let begins = |ahead: u64| {
            let date = local.checked_add_days(Days::new(ahead))?;
            self.begin(date).filter(|begin| *begin > at)
        };
        (0..4).find_map(begins).unwrap_or(Timestamp::MAX)
    }

    /// When the trading day of `at` began; `at` itself in a day that has no beginning, where a
    /// zone leaps over the date line.
    pub fn start(&self, at: Timestamp) -> Timestamp {
        let began = self.day(at).date().and_then(|date| self.begin(date));
        began.filter(|began| *began <= at).unwrap_or(at)
    }

    /// The moment at which the trading day of this date begins; `None` where the zone leaps
    /// over it, and outside the range of timestamps.
    pub(crate) fn begin(&self, date: NaiveDate) -> Option<Timestamp> {
        let local = date.and_time(self.time);
        // A time that the clocks skip comes an hour later.
        let moment = self.zone.from_local_datetime(&local).latest().or_else(|| {
            let later = local.checked_add_signed(TimeDelta::hours(1))?;
            self.zone.from_local_datetime(&later).latest()
        })?;
        moment.timestamp_nanos_opt().map(Timestamp::from_nanos)
    }

    /// The calendar day in the zone.
    pub(crate) fn date(&self, at: Timestamp) -> NaiveDate {
        at.to_utc().with_timezone(&self.zone).date_naive()
    }
}

impl Default for DayBoundary {
    /// Midnight UTC.
    fn default() -> Self {
        Self::UTC
    }
}

impl TradingDay {
    /// Calendar year, month (1 to 12) and day of the month; `None` outside the calendar.
    pub fn calendar(self) -> Option<(i32, u32, u32)> {
        self.date().map(|date| (date.year(), date.month(), date.day()))
    }

    fn date(self) -> Option<NaiveDate> {
        self.0.checked_add(EPOCH_FROM_CE).and_then(NaiveDate::from_num_days_from_ce_opt)
    }
}

impl fmt::Display for TradingDay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.date() {
            Some(date) => date.fmt(formatter),
            None => self.0.fmt(formatter),
        }
    }
}

/// 1970-01-01 counted from the first day of the common era.
const EPOCH_FROM_CE: i32 = 719_163;

fn days_since_1970(date: NaiveDate) -> i32 {
    date.num_days_from_ce().saturating_sub(EPOCH_FROM_CE)
}

#[derive(Serialize, Deserialize)]
struct SavedBoundary {
    zone: String,
    second: u32,
}

impl TryFrom<SavedBoundary> for DayBoundary {
    type Error = DayError;

    fn try_from(saved: SavedBoundary) -> Result<Self, DayError> {
        Self::new(&saved.zone, saved.second)
    }
}

impl From<DayBoundary> for SavedBoundary {
    fn from(boundary: DayBoundary) -> Self {
        use chrono::Timelike;
        let second = boundary.time.num_seconds_from_midnight();
        Self { zone: boundary.zone.name().to_owned(), second }
    }
}

/// Why a boundary of days was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DayError {
    /// The zone is not in the IANA database.
    #[error("time zone `{name}` is unknown")]
    UnknownZone {
        /// The refused name, its first 40 characters.
        name: String,
    },
    /// A day has the seconds 0 to 86,399.
    #[error("second {second} of the day is not in 0 to 86,399")]
    BadSecond {
        /// The refused second.
        second: u32,
    },
}

impl Classify for DayError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}
