use serde::{Deserialize, Serialize};

use super::{PeriodName, SampleEvery};
use crate::types::{DayBoundary, Timestamp};

/// The periods that a moment belongs to. The calendar is asked once a day.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub(super) struct Clock {
    days: DayBoundary,
    /// The moment for which the calendar was asked last.
    asked: Option<Timestamp>,
    from: i64,
    until: i64,
    date: (i32, u32, u32),
}

/// What the clock is made anew from.
#[derive(Serialize, Deserialize)]
struct Saved {
    days: DayBoundary,
    asked: Option<Timestamp>,
}

const HOUR: i64 = 3_600_000_000_000;

impl Clock {
    pub(super) const fn new(days: DayBoundary) -> Self {
        Self { days, asked: None, from: 0, until: 0, date: (0, 0, 0) }
    }

    pub(super) const fn days(&self) -> DayBoundary {
        self.days
    }

    /// The hour: bars are stamped at their close, so that the last moment of a period belongs
    /// to it.
    #[inline]
    pub(super) fn hour(&mut self, at: Timestamp) -> PeriodName {
        let nanos = self.find(at);
        let (year, month, day) = self.date;
        let hour = (nanos.saturating_sub(self.from) / HOUR) as u32;
        PeriodName { year, month, day: Some(day), hour: Some(hour) }
    }

    /// A number that is the same for all marks of one sample.
    #[inline]
    pub(super) fn sample(&mut self, at: Timestamp, every: SampleEvery) -> i64 {
        match every {
            SampleEvery::Instant => at.nanos(),
            SampleEvery::Hour => {
                let nanos = self.find(at);
                nanos - nanos.saturating_sub(self.from) % HOUR
            }
            SampleEvery::Day => {
                self.find(at);
                self.from
            }
        }
    }

    #[inline]
    fn find(&mut self, at: Timestamp) -> i64 {
        let nanos = at.nanos().saturating_sub(1);
        if nanos < self.from || nanos >= self.until {
            self.ask(Timestamp::from_nanos(nanos));
        }
        nanos
    }

    #[cold]
    fn ask(&mut self, moment: Timestamp) {
        self.asked = Some(moment);
        self.from = self.days.start(moment).nanos();
        self.until = self.days.next(moment).nanos();
        self.date = self.days.day(moment).calendar().unwrap_or_default();
    }
}

impl From<Saved> for Clock {
    fn from(saved: Saved) -> Self {
        let mut clock = Self::new(saved.days);
        if let Some(asked) = saved.asked {
            clock.ask(asked);
        }
        clock
    }
}

impl From<Clock> for Saved {
    fn from(clock: Clock) -> Self {
        Self { days: clock.days, asked: clock.asked }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn periods_follow_the_zone_and_end_with_their_last_moment() {
        let mut clock = Clock::new(DayBoundary::new("America/New_York", 17 * 3_600).unwrap());
        let mut name = |text: &str| clock.hour(at(text)).to_string();
        // Winter: 17:00 in New York is 22:00 UTC.
        assert_eq!(name("2026-01-05T22:00:00Z"), "2026-01-04 23h");
        assert_eq!(name("2026-01-05T22:00:01Z"), "2026-01-05 00h");
        assert_eq!(name("2026-01-06T00:00:00Z"), "2026-01-05 01h");
        // The day on which the clocks go forward has 23 hours.
        assert_eq!(name("2026-03-08T21:00:00Z"), "2026-03-07 22h");
        assert_eq!(name("2026-03-08T21:00:01Z"), "2026-03-08 00h");
        assert_eq!(name("2026-01-05T22:00:01Z"), "2026-01-05 00h");
    }

    #[test]
    fn samples_are_told_apart_by_their_period() {
        let mut clock = Clock::new(DayBoundary::UTC);
        let mut same = |left: &str, right: &str, every: SampleEvery| {
            clock.sample(at(left), every) == clock.sample(at(right), every)
        };
        assert!(same("2026-01-05T01:00:00Z", "2026-01-05T00:00:01Z", SampleEvery::Hour));
        assert!(!same("2026-01-05T01:00:00Z", "2026-01-05T01:00:01Z", SampleEvery::Hour));
        assert!(same("2026-01-06T00:00:00Z", "2026-01-05T00:00:01Z", SampleEvery::Day));
        assert!(!same("2026-01-06T00:00:00Z", "2026-01-06T00:00:01Z", SampleEvery::Day));
        assert!(!same("2026-01-06T00:00:00Z", "2026-01-06T00:00:01Z", SampleEvery::Instant));
    }

    #[test]
    fn the_ends_of_time_have_names_too() {
        let mut clock = Clock::new(DayBoundary::new("Pacific/Apia", 0).unwrap());
        for nanos in [i64::MIN, i64::MIN + 1, 0, i64::MAX] {
            clock.hour(Timestamp::from_nanos(nanos));
            clock.sample(Timestamp::from_nanos(nanos), SampleEvery::Hour);
        }
    }
}
