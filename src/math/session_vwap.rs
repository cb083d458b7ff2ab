//! Volume-weighted average price that starts again every session.

use chrono::{DateTime, Days, NaiveDateTime, NaiveTime, TimeZone, Timelike};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::indicator::{Indicator, InputError, Ohlcv};
use super::vwap::CumulativeVwap;

/// When a session starts: a time of day on the clocks of a zone, every calendar day.
///
/// Stored as `{"zone": "America/New_York", "reset": "09:30:00"}`. A time that the clocks skip on
/// the day of a change is read as if they had not been changed yet; a time that they show twice is
/// the first of the two.
///
/// ```
/// use chrono::NaiveTime;
/// use tradewright::math::SessionAnchor;
///
/// let anchor = SessionAnchor::new(chrono_tz::America::New_York, NaiveTime::MIN);
/// // 2026-03-08 12:00 UTC: that day's clocks go forward, so the next midnight is 04:00 UTC.
/// assert_eq!(anchor.next_reset_ns(1_772_971_200_000_000_000), 1_773_028_800_000_000_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "AnchorText", into = "AnchorText")]
pub struct SessionAnchor {
    zone: Tz,
    reset: NaiveTime,
}

impl SessionAnchor {
    /// A session that starts at `reset` (whole seconds, fractions are cut) on the clocks of `zone`.
    pub fn new(zone: Tz, reset: NaiveTime) -> Self {
        Self { zone, reset: reset.with_nanosecond(0).unwrap_or(reset) }
    }

    /// Midnight UTC, the day of round-the-clock markets.
    pub fn utc_midnight() -> Self {
        Self::new(Tz::UTC, NaiveTime::MIN)
    }

    /// The first reset after `at_ns`, both in nanoseconds since 1970 UTC.
    ///
    /// [`i64::MAX`] when it lies beyond what nanoseconds can express (the year 2262).
    pub fn next_reset_ns(&self, at_ns: i64) -> i64 {
        let at = DateTime::from_timestamp_nanos(at_ns);
        let today = self.zone.from_utc_datetime(&at.naive_utc()).date_naive();
        // Today's reset may be over; yesterday's may still come where clocks skipped a whole day.
        let first = today.checked_sub_days(Days::new(1)).unwrap_or(today);
        (0..4)
            .filter_map(|days| first.checked_add_days(Days::new(days)))
            .filter_map(|date| self.instant_ns(date.and_time(self.reset)))
            .find(|&reset_ns| reset_ns > at_ns)
            .unwrap_or(i64::MAX)
    }

    fn instant_ns(&self, local: NaiveDateTime) -> Option<i64> {
        let instant = match self.zone.from_local_datetime(&local).earliest() {
            Some(instant) => instant,
            None => {
                let day_before = local.checked_sub_days(Days::new(1))?;
                let unchanged = self.zone.from_local_datetime(&day_before).earliest()?;
                unchanged.checked_add_signed(chrono::TimeDelta::try_days(1)?)?
            }
        };
        instant.timestamp_nanos_opt()
    }
}

/// What a stored anchor looks like before it is checked.
#[derive(Serialize, Deserialize)]
struct AnchorText {
    zone: String,
    reset: String,
}

impl From<SessionAnchor> for AnchorText {
    fn from(anchor: SessionAnchor) -> Self {
        Self {
            zone: anchor.zone.name().to_string(),
            reset: anchor.reset.format("%H:%M:%S").to_string(),
        }
    }
}

impl TryFrom<AnchorText> for SessionAnchor {
    type Error = String;

    fn try_from(text: AnchorText) -> Result<Self, String> {
        let zone: Tz =
            text.zone.parse().map_err(|_| format!("zone is {:?}, no IANA name", text.zone))?;
        let reset = NaiveTime::parse_from_str(&text.reset, "%H:%M:%S")
            .or_else(|_| NaiveTime::parse_from_str(&text.reset, "%H:%M"))
            .map_err(|_| format!("reset is {:?}, allowed is HH:MM or HH:MM:SS", text.reset))?;
        Ok(Self::new(zone, reset))
    }
}

/// A bar and when it opened.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimedOhlcv {
    /// When the bar opened, nanoseconds since 1970 UTC.
    pub at_ns: i64,
    /// The bar.
    pub bar: Ohlcv,
}

/// Volume-weighted average of the typical price since the last session start.
///
/// A bar that opens exactly at the reset is the first of the new session. `None` while the session
/// has no volume yet.
///
/// ```
/// use tradewright::math::{Indicator, Ohlcv, SessionAnchor, SessionVwap, TimedOhlcv};
///
/// let bar = |price, volume| {
///     Ohlcv { open: price, high: price, low: price, close: price, volume }
/// };
/// let day_ns = 86_400_000_000_000;
/// let mut vwap = SessionVwap::new(SessionAnchor::utc_midnight());
/// vwap.update(TimedOhlcv { at_ns: 0, bar: bar(10.0, 5.0) })?;
/// assert_eq!(vwap.update(TimedOhlcv { at_ns: day_ns, bar: bar(14.0, 1.0) })?, Some(14.0));
/// # Ok::<(), tradewright::math::InputError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionVwap {
    anchor: SessionAnchor,
    session: CumulativeVwap,
    previous_ns: Option<i64>,
    /// The calendar is asked once per session, not once per bar.
    session_end_ns: i64,
}

impl SessionVwap {
    /// An average that starts again at every reset of `anchor`.
    pub fn new(anchor: SessionAnchor) -> Self {
        let session = CumulativeVwap::new();
        Self { anchor, session, previous_ns: None, session_end_ns: i64::MIN }
    }
}

impl Indicator for SessionVwap {
    type Input = TimedOhlcv;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: TimedOhlcv) -> Result<Option<f64>, InputError> {
        let TimedOhlcv { at_ns, bar } = input;
        bar.validate()?;
        if let Some(previous_ns) = self.previous_ns.filter(|&previous_ns| at_ns < previous_ns) {
            return Err(InputError::TimeWentBack { at_ns, previous_ns });
        }
        if at_ns >= self.session_end_ns {
            self.session.reset();
            self.session_end_ns = self.anchor.next_reset_ns(at_ns);
        }
        self.previous_ns = Some(at_ns);
        self.session.push(&bar);
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.session.value()
    }

    fn warmup(&self) -> usize {
        1
    }

    fn reset(&mut self) {
        *self = Self::new(self.anchor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ns(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_nanos_opt().unwrap()
    }

    fn anchor(zone: Tz, hour: u32, minute: u32) -> SessionAnchor {
        SessionAnchor::new(zone, NaiveTime::from_hms_opt(hour, minute, 0).unwrap())
    }

    #[test]
    fn resets_follow_the_local_calendar_over_clock_changes() {
        let cases = [
            // An ordinary day, and the reset instant itself.
            (9, 30, "2026-03-06T14:29:59Z", "2026-03-06T14:30:00Z"),
            (9, 30, "2026-03-06T14:30:00Z", "2026-03-07T14:30:00Z"),
            // 16:00 moves from 21:00 to 20:00 UTC with the clocks.
            (16, 0, "2026-03-06T22:00:00Z", "2026-03-07T21:00:00Z"),
            (16, 0, "2026-03-08T00:00:00Z", "2026-03-08T20:00:00Z"),
            // 02:30 does not exist on 2026-03-08.
            (2, 30, "2026-03-08T05:00:00Z", "2026-03-08T07:30:00Z"),
            // 01:30 happens twice on 2026-11-01: the first counts.
            (1, 30, "2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z"),
            (1, 30, "2026-11-01T06:15:00Z", "2026-11-02T06:30:00Z"),
        ];
        for (hour, minute, at, expected) in cases {
            let anchor = anchor(chrono_tz::America::New_York, hour, minute);
            assert_eq!(anchor.next_reset_ns(ns(at)), ns(expected), "{hour}:{minute} after {at}");
        }
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        for zone in [chrono_tz::Pacific::Apia, chrono_tz::America::New_York, Tz::UTC] {
            for at_ns in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX] {
                assert!(anchor(zone, 12, 0).next_reset_ns(at_ns) >= at_ns);
            }
        }
    }

    #[test]
    fn anchors_are_stored_as_text_and_checked() {
        let read = |text| serde_json::from_str::<SessionAnchor>(text);
        let text = r#"{"zone":"America/New_York","reset":"09:30:00"}"#;
        assert_eq!(serde_json::to_string(&read(text).unwrap()).unwrap(), text);
        let error = read(r#"{"zone":"Atlantis","reset":"09:30"}"#).unwrap_err();
        assert!(error.to_string().contains("Atlantis"), "{error}");
        let error = read(r#"{"zone":"UTC","reset":"25:00"}"#).unwrap_err();
        assert!(error.to_string().contains("25:00"), "{error}");
    }

    #[test]
    fn time_going_back_is_refused_and_changes_nothing() {
        let bar = Ohlcv { open: 2.0, high: 2.0, low: 2.0, close: 2.0, volume: 1.0 };
        let mut vwap = SessionVwap::new(SessionAnchor::utc_midnight());
        vwap.update(TimedOhlcv { at_ns: 5, bar }).unwrap();
        let before = vwap.clone();
        let error = vwap.update(TimedOhlcv { at_ns: 4, bar }).unwrap_err();
        assert_eq!(error, InputError::TimeWentBack { at_ns: 4, previous_ns: 5 });
        assert_eq!(vwap, before);
    }
}
