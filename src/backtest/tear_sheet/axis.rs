//! Scales, and where their labels stand.

use chrono::{DateTime, Datelike, NaiveDate};

use crate::backtest::report::figures::number;

/// Labels of one axis, at most.
const MOST_TICKS: usize = 9;

/// From values to a place on the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Scale {
    pub(super) fn place(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        self.from + share * (self.to - self.from)
    }

    /// The range of values, widened where it is a point; `None` for none.
    pub(super) fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
        let wider = |(low, high): (f64, f64), value: f64| (low.min(value), high.max(value));
        let start = (f64::INFINITY, f64::NEG_INFINITY);
        let (low, high) = values.filter(|value| value.is_finite()).fold(start, wider);
        if low > high {
            return None;
        }
        let room = if low == high { low.abs().max(1.0) * 0.01 } else { 0.0 };
        Some((low - room, high + room))
    }
}

/// Round numbers between two values with their labels.
pub(super) fn numbers(low: f64, high: f64, percent: Unit) -> Vec<(f64, String)> {
    let (step, digits) = step((high - low) / 5.0);
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    let label = |value: f64| match percent {
        Unit::Plain => number(value, digits),
        Unit::Percent => format!("{} %", number(value * 100.0, digits.saturating_sub(2))),
    };
    (first..=last.min(first + 20))
        .map(|index| index as f64 * step)
        .map(|value| (value, label(value)))
        .collect()
}

/// How an axis writes its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Plain,
    /// Fractions as percent.
    Percent,
}

/// The next of 1, 2, 5 times a power of ten, and the decimals that it needs.
fn step(rough: f64) -> (f64, usize) {
    let power = libm::floor(libm::log10(rough)).clamp(-12.0, 15.0);
    let base = libm::pow(10.0, power);
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * base >= rough * 0.999);
    let factor = factor.unwrap_or(10.0);
    let power = if factor == 10.0 { power + 1.0 } else { power };
    // Between -15 and 12 after the clamp, so the cast is exact.
    (factor * base, (-power).max(0.0) as usize)
}

/// Dates between two moments (seconds since 1970) with their labels.
pub(super) fn dates(low: f64, high: f64) -> Vec<(f64, String)> {
    let (Some(from), Some(to)) = (day(low), day(high)) else { return Vec::new() };
    let months = |date: NaiveDate| date.year() * 12 + date.month0() as i32;
    for every in [1, 2, 3, 6, 12, 24, 60, 120, 240] {
        let first = (months(from) + every).div_euclid(every) * every;
        let ticks: Vec<i32> = (first..=months(to)).step_by(every as usize).collect();
        if ticks.len() <= MOST_TICKS && (ticks.len() >= 4 || every > 1) {
            return ticks.into_iter().filter_map(|month| month_tick(month, every)).collect();
        }
        if ticks.len() < 4 {
            break;
        }
    }
    clock(low, high)
}

fn month_tick(month: i32, every: i32) -> Option<(f64, String)> {
    let date = NaiveDate::from_ymd_opt(month.div_euclid(12), month.rem_euclid(12) as u32 + 1, 1)?;
    let seconds = date.and_hms_opt(0, 0, 0)?.and_utc().timestamp() as f64;
    let form = if every >= 12 { "%Y" } else { "%b %Y" };
    Some((seconds, date.format(form).to_string()))
}

/// Steps below a month, in seconds.
const STEPS: [i64; 12] =
    [1, 10, 60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];

fn clock(low: f64, high: f64) -> Vec<(f64, String)> {
    let (low, high) = (low.ceil() as i64, high.floor() as i64);
    let count = |step: i64| (high - low) / step;
    let fits = STEPS.into_iter().find(|step| count(*step) < MOST_TICKS as i64);
    let step = fits.unwrap_or(1_209_600);
    let form = match step {
        86_400.. => "%-d %b %Y",
        3_600.. => "%-d %b %H:%M",
        60.. => "%H:%M",
        _ => "%H:%M:%S",
    };
    let first = (low + step - 1).div_euclid(step) * step;
    (first..=high)
        .step_by(step as usize)
        .take(2 * MOST_TICKS)
        .filter_map(|at| Some((at as f64, DateTime::from_timestamp(at, 0)?)))
        .map(|(at, date)| (at, date.format(form).to_string()))
        .collect()
}

fn day(seconds: f64) -> Option<NaiveDate> {
    DateTime::from_timestamp(seconds as i64, 0).map(|date| date.date_naive())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_numbers() {
        let labels = |low, high, unit| -> Vec<String> {
            numbers(low, high, unit).into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels(0.0, 10.0, Unit::Plain), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(labels(-0.31, 0.0, Unit::Percent), ["-30 %", "-20 %", "-10 %", "0 %"]);
        assert_eq!(labels(0.11, 0.14, Unit::Plain), ["0.11", "0.12", "0.13", "0.14"]);
        assert_eq!(labels(80_000.0, 140_000.0, Unit::Plain).len(), 4);
    }

    #[test]
    fn dates_for_every_span() {
        let labels = |low: f64, span: f64| -> Vec<String> {
            dates(low, low + span).into_iter().map(|(_, label)| label).collect()
        };
        let new_year = 1_767_225_600.0;
        let count = |span: f64| labels(new_year, span).len();
        for span in [90.0, 4e3, 9e4, 6e5, 2.6e6, 9e6, 3.2e7, 1.6e8, 6.4e8] {
            assert!((2..=10).contains(&count(span)), "{span}: {:?}", labels(new_year, span));
        }
        assert_eq!(labels(new_year, 86_400.0 * 365.0)[0], "Mar 2026");
        assert_eq!(labels(new_year, 3_600.0)[1], "00:15");
    }
}
