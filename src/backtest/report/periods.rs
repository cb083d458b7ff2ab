use chrono::{Datelike, Weekday};
use serde::Serialize;

use crate::math::quantile;
use crate::types::Timestamp;

use super::EquityPoint;
use super::calendar::session;

const DAY_SECS: f64 = 86_400.0;

/// Trading days a year of a market that closes on weekends.
const TRADING_DAYS: f64 = 252.0;

/// Points of equity in a year: the factor of every annual figure, and how it is known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PeriodsPerYear {
    /// The number; `None` where two points of equity are not there to tell.
    pub value: Option<f64>,
    /// How it is known, for people.
    pub how: String,
}

impl PeriodsPerYear {
    /// The number that was set, or what the spacing of the points and the days of the week tell:
    ///
    /// - a market that trades on Saturdays never closes: 365 days;
    /// - any other has 252 days;
    /// - points within the day count by their median number a day, and by 24 hours over their
    ///   spacing where they go around the clock;
    /// - weekly, monthly, quarterly and yearly points: 52, 12, 4, 1.
    pub(super) fn new(set: Option<f64>, equity: &[EquityPoint]) -> Self {
        match set {
            Some(periods) if periods.is_finite() && periods > 0.0 => {
                Self { value: Some(periods), how: "as set".to_owned() }
            }
            Some(_) | None => derived(equity),
        }
    }
}

fn derived(equity: &[EquityPoint]) -> PeriodsPerYear {
    let times = equity.iter().map(|point| point.at);
    let gaps: Vec<f64> =
        times.clone().zip(times.skip(1)).map(|(from, to)| to.since(from).as_secs_f64()).collect();
    let Some(spacing) = quantile(&gaps, 0.5).filter(|spacing| *spacing > 0.0) else {
        return PeriodsPerYear { value: None, how: "not known".to_owned() };
    };
    let days = spacing / DAY_SECS;
    let (value, how) = if days < 0.8 {
        return within_day(equity, spacing);
    } else if days < 1.5 {
        daily(equity)
    } else if (6.0..8.0).contains(&days) {
        (52.0, "weekly".to_owned())
    } else if (27.0..32.0).contains(&days) {
        (12.0, "monthly".to_owned())
    } else if (88.0..94.0).contains(&days) {
        (4.0, "quarterly".to_owned())
    } else if (364.0..367.0).contains(&days) {
        (1.0, "yearly".to_owned())
    } else {
        (365.25 / days, format!("a point in {days:.1} days"))
    };
    PeriodsPerYear { value: Some(value), how }
}

fn daily(equity: &[EquityPoint]) -> (f64, String) {
    if trades_on_saturdays(equity) {
        (365.0, "daily, Saturdays too".to_owned())
    } else {
        (TRADING_DAYS, "daily, no Saturdays".to_owned())
    }
}

fn within_day(equity: &[EquityPoint], spacing: f64) -> PeriodsPerYear {
    let (days, which) = if trades_on_saturdays(equity) {
        (365.0, "Saturdays too")
    } else {
        (TRADING_DAYS, "no Saturdays")
    };
    let clock = DAY_SECS / spacing;
    let mut counts = points_by_day(equity);
    // The first and the last day are seldom whole.
    if counts.len() > 2 {
        counts.pop();
        counts.remove(0);
    }
    let median = quantile(&counts, 0.5).unwrap_or(clock);
    let around_the_clock = median > 0.9 * clock && median < 1.1 * clock;
    let a_day = if around_the_clock { clock } else { median };
    let how = format!("{days} days of {}, {which}", (a_day * 10.0).round() / 10.0);
    PeriodsPerYear { value: Some(days * a_day), how }
}

fn points_by_day(equity: &[EquityPoint]) -> Vec<f64> {
    let mut counts: Vec<(i64, f64)> = Vec::new();
    for point in equity {
        let day = Timestamp::from_nanos(point.at.nanos().saturating_sub(1)).utc_day();
        match counts.last_mut() {
            Some((last, count)) if *last == day => *count += 1.0,
            Some(_) | None => counts.push((day, 1.0)),
        }
    }
    counts.into_iter().map(|(_, count)| count).collect()
}

fn trades_on_saturdays(equity: &[EquityPoint]) -> bool {
    equity.iter().any(|point| session(point.at).weekday() == Weekday::Sat)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points every so many seconds from Monday, 2026-01-05; days and hours are kept if asked.
    fn points(step: i64, days: i64, keep: impl Fn(i64, i64) -> bool) -> Vec<EquityPoint> {
        let monday = 1_767_571_200;
        (1..=days * 86_400 / step)
            .map(|index| index * step)
            .filter(|seconds| keep((seconds - 1) / 86_400 % 7, (seconds - 1) / 3_600 % 24))
            .map(|seconds| Timestamp::from_secs(monday + seconds).unwrap())
            .map(|at| EquityPoint { at, equity: 1.0, gross: 0.0 })
            .collect()
    }

    fn derive(equity: &[EquityPoint]) -> Option<f64> {
        PeriodsPerYear::new(None, equity).value
    }

    #[test]
    fn the_calendar_is_read_from_the_points() {
        let week = |day: i64, _: i64| day < 5;
        assert_eq!(derive(&points(86_400, 60, week)), Some(252.0));
        assert_eq!(derive(&points(86_400, 60, |_, _| true)), Some(365.0));
        assert_eq!(derive(&points(60, 9, |_, _| true)), Some(525_600.0));
        assert_eq!(derive(&points(300, 9, |_, _| true)), Some(105_120.0));
        assert_eq!(derive(&points(3_600, 30, week)), Some(6_048.0));
        let session = |day: i64, hour: i64| day < 5 && (14..21).contains(&hour);
        assert_eq!(derive(&points(3_600, 30, session)), Some(1_764.0));
        assert_eq!(derive(&points(7 * 86_400, 700, |_, _| true)), Some(52.0));
    }

    #[test]
    fn what_was_set_is_taken_and_nonsense_is_not() {
        let daily = points(86_400, 60, |_, _| true);
        assert_eq!(PeriodsPerYear::new(Some(260.0), &daily).value, Some(260.0));
        assert_eq!(PeriodsPerYear::new(Some(f64::NAN), &daily).value, Some(365.0));
        assert_eq!(PeriodsPerYear::new(Some(-1.0), &daily).value, Some(365.0));
        assert_eq!(derive(&daily[..1]), None);
        assert_eq!(derive(&[]), None);
    }
}
