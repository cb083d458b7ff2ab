use core::fmt;
use core::time::Duration;

use super::{Classification, Classify};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// The first instant that venues can mean: 1900-01-01, in nanoseconds since 1970.
const EARLIEST: i64 = -2_208_988_800_000_000_000;

/// A point in time: nanoseconds since 1970-01-01 in UTC.
///
/// There is no `now()`: time is an input of the engine, so that a run can be repeated.
///
/// ```
/// use tradewright::types::Timestamp;
///
/// let at = Timestamp::from_millis(951_868_800_000).unwrap();
/// assert_eq!(at.to_string(), "2000-03-01T00:00:00Z");
/// assert_eq!("2000-03-01T00:00:00Z".parse(), Ok(at));
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The last instant, in the year 2262; it stands for "never".
    pub const MAX: Self = Self(i64::MAX);

    /// From nanoseconds since 1970; every value is legal.
    #[inline]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From microseconds since 1970.
    ///
    /// # Errors
    /// [`TimestampError::OutOfRange`] outside the years 1900 to 2262: a value in the wrong
    /// unit would otherwise pass as a date.
    pub const fn from_micros(micros: i64) -> Result<Self, TimestampError> {
        Self::scaled(micros, 1_000)
    }

    /// From milliseconds since 1970.
    ///
    /// # Errors
    /// As [`Timestamp::from_micros`].
    pub const fn from_millis(millis: i64) -> Result<Self, TimestampError> {
        Self::scaled(millis, 1_000_000)
    }

    /// From seconds since 1970.
    ///
    /// # Errors
    /// As [`Timestamp::from_micros`].
    pub const fn from_secs(seconds: i64) -> Result<Self, TimestampError> {
        Self::scaled(seconds, 1_000_000_000)
    }

    const fn scaled(value: i64, factor: i64) -> Result<Self, TimestampError> {
        match value.checked_mul(factor) {
            Some(nanos) if nanos >= EARLIEST => Ok(Self(nanos)),
            _ => Err(TimestampError::OutOfRange { value }),
        }
    }

    /// Nanoseconds since 1970.
    #[inline]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since 1970, rounded towards the past.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The instant `span` later; stops at [`Timestamp::MAX`] ("never").
    #[must_use]
    #[inline]
    pub fn after(self, span: Duration) -> Self {
        let nanos = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(nanos))
    }

    /// The instant `span` earlier; stops at the first instant.
    #[must_use]
    #[inline]
    pub fn before(self, span: Duration) -> Self {
        let nanos = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(nanos))
    }

    /// Time passed since `earlier`; zero when `earlier` lies in the future.
    #[must_use]
    #[inline]
    pub fn since(self, earlier: Self) -> Duration {
        let nanos = i128::from(self.0) - i128::from(earlier.0);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
    }

    /// The calendar form, for formatting and calendars.
    pub const fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.0)
    }

    /// Days since 1970-01-01 in UTC: the day key of markets that never close.
    #[inline]
    pub const fn utc_day(self) -> i64 {
        self.0.div_euclid(86_400_000_000_000)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl core::str::FromStr for Timestamp {
    type Err = TimestampError;

    /// Reads RFC 3339 text (`2026-01-31T16:00:00Z`).
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let unreadable = || TimestampError::Unreadable { text: text.chars().take(40).collect() };
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| unreadable())?;
        time.timestamp_nanos_opt().map(Self).ok_or_else(unreadable)
    }
}

/// Why a number or text is not a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimestampError {
    /// The value lies outside 1900 to 2262 in the unit it was given in; check the unit.
    #[error("time {value} is outside the years 1900 to 2262 in this unit")]
    OutOfRange {
        /// The refused value.
        value: i64,
    },
    /// The text is no RFC 3339 time; the first 40 characters are kept.
    #[error("`{text}` is no RFC 3339 time")]
    Unreadable {
        /// The refused text.
        text: String,
    },
}

impl Classify for TimestampError {
    fn classification(&self) -> Classification {
        Classification::INPUT
    }
}
