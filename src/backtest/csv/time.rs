use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;

use crate::types::Timestamp;

/// How a file writes time.
///
/// Numbers may have decimals (`1762795433.9717445` seconds); they are read exactly, digits
/// below a nanosecond are refused. Times outside the years 1900 to 2262 are refused, so that a
/// wrong unit is noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeFormat {
    /// Seconds since 1970 in UTC.
    Seconds,
    /// Milliseconds since 1970 in UTC.
    Millis,
    /// Microseconds since 1970 in UTC.
    Micros,
    /// Nanoseconds since 1970 in UTC.
    Nanos,
    /// RFC 3339 text (`2026-01-31T16:00:00Z`) or a date (`2026-01-31`, which is 00:00 UTC).
    Rfc3339,
    /// Text in a format of chrono (`%m/%d/%Y %H:%M`), read as the local time of a zone.
    ///
    /// A format without hours means 00:00. A time that occurs twice (the clock went back) is
    /// the earlier one; a time that never was (the clock went forward) is refused. A format
    /// with an offset (`%z`) needs no zone: the offset decides.
    Local {
        /// The format.
        format: String,
        /// The zone of the times.
        zone: Tz,
    },
}

/// First and last year of times that are accepted.
const YEARS: core::ops::RangeInclusive<i32> = 1900..=2262;

impl TimeFormat {
    /// Text in a format of chrono, read as the local time of a zone.
    pub fn local(format: &str, zone: Tz) -> Self {
        Self::Local { format: format.to_owned(), zone }
    }

    /// The format that a column's name states (`timestamp_ms`), else what the first cell
    /// looks like: a number of up to 11 digits is seconds, to 14 milliseconds, to 17
    /// microseconds, above nanoseconds; anything else is RFC 3339.
    pub(super) fn inferred(column: &str, cell: &str) -> Self {
        let column = column.to_ascii_lowercase();
        let named = |ending: &str| column.ends_with(ending);
        if named("_ns") {
            return Self::Nanos;
        }
        if named("_us") {
            return Self::Micros;
        }
        if named("_ms") {
            return Self::Millis;
        }
        let whole = cell.split('.').next().unwrap_or_default().trim_start_matches('-');
        let is_number = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
        match whole.len() {
            _ if !is_number => Self::Rfc3339,
            0..=11 => Self::Seconds,
            12..=14 => Self::Millis,
            15..=17 => Self::Micros,
            _ => Self::Nanos,
        }
    }

    pub(super) fn read(&self, text: &str) -> Option<Timestamp> {
        match self {
            Self::Seconds => number(text, 9),
            Self::Millis => number(text, 6),
            Self::Micros => number(text, 3),
            Self::Nanos => number(text, 0),
            Self::Rfc3339 => match text.parse() {
                Ok(at) => sensible(at),
                Err(_) => {
                    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
                    from_local(date.and_time(NaiveTime::MIN), Tz::UTC)
                }
            },
            Self::Local { format, zone } => local(text, format, *zone),
        }
    }

    pub(super) const fn wanted(&self) -> &'static str {
        match self {
            Self::Seconds => "time in seconds since 1970",
            Self::Millis => "time in milliseconds since 1970",
            Self::Micros => "time in microseconds since 1970",
            Self::Nanos => "time in nanoseconds since 1970",
            Self::Rfc3339 => "RFC 3339 time or date",
            Self::Local { .. } => "time in the given format and zone",
        }
    }
}

/// A decimal number of units of 10^`exponent` nanoseconds.
fn number(text: &str, exponent: usize) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_negative = whole.starts_with('-');
    let mut nanos: i64 = whole.parse().ok()?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (within, below) = fraction.split_at_checked(exponent).unwrap_or((fraction, ""));
    if below.bytes().any(|byte| byte != b'0') {
        return None;
    }
    for digit in within.bytes().chain(core::iter::repeat(b'0')).take(exponent) {
        let digit = i64::from(digit - b'0');
        let digit = if is_negative { -digit } else { digit };
        nanos = nanos.checked_mul(10)?.checked_add(digit)?;
    }
    sensible(Timestamp::from_nanos(nanos))
}

fn local(text: &str, format: &str, zone: Tz) -> Option<Timestamp> {
    if let Ok(time) = DateTime::parse_from_str(text, format) {
        return sensible(Timestamp::from_nanos(time.timestamp_nanos_opt()?));
    }
    let time = NaiveDateTime::parse_from_str(text, format).or_else(|_| {
        NaiveDate::parse_from_str(text, format).map(|date| date.and_time(NaiveTime::MIN))
    });
    from_local(time.ok()?, zone)
}

fn from_local(time: NaiveDateTime, zone: Tz) -> Option<Timestamp> {
    // Checked first: the zone's arithmetic is not made for the ends of the calendar.
    if !YEARS.contains(&time.year()) {
        return None;
    }
    let nanos = zone.from_local_datetime(&time).earliest()?.timestamp_nanos_opt()?;
    Some(Timestamp::from_nanos(nanos))
}

fn sensible(at: Timestamp) -> Option<Timestamp> {
    YEARS.contains(&at.to_utc().year()).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_exactly() {
        let nanos = |format: TimeFormat, text| format.read(text).map(Timestamp::nanos);
        assert_eq!(
            nanos(TimeFormat::Seconds, "1762795433.9717445"),
            Some(1_762_795_433_971_744_500)
        );
        assert_eq!(nanos(TimeFormat::Seconds, "-0.5"), Some(-500_000_000));
        assert_eq!(nanos(TimeFormat::Nanos, "12.0"), Some(12));
        assert_eq!(nanos(TimeFormat::Nanos, "12.5"), None);
        assert_eq!(nanos(TimeFormat::Millis, "1762795433971744"), None, "microseconds");
        for text in ["", "-", ".", "1e5", "nan", "1.é", "9223372036854775807"] {
            assert_eq!(nanos(TimeFormat::Seconds, text), None, "{text}");
        }
    }

    #[test]
    fn zones_know_the_hour_that_never_was() {
        let new_york = TimeFormat::local("%m/%d/%Y %H:%M", Tz::America__New_York);
        let read = |text| new_york.read(text).map(|at| at.to_string());
        assert_eq!(read("11/5/2019 9:30").as_deref(), Some("2019-11-05T14:30:00Z"));
        assert_eq!(read("03/08/2026 02:30"), None);
        assert_eq!(read("11/01/2026 01:30").as_deref(), Some("2026-11-01T05:30:00Z"));
        let date = TimeFormat::local("%d.%m.%Y", Tz::UTC).read("31.01.2026").unwrap();
        assert_eq!(Some(date), TimeFormat::Rfc3339.read("2026-01-31"));
        assert_eq!(TimeFormat::local("%Y-%m-%d", Tz::UTC).read("+262142-12-31"), None);
    }
}
