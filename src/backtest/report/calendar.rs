use chrono::{Datelike, NaiveDate};
use serde::Serialize;

use crate::account::EquitySeries;
use crate::types::Timestamp;

/// The return of one month.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MonthReturn {
    /// Calendar year.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
    /// Last equity of the month over the last before it, less one.
    pub value: f64,
}

/// The return of one calendar year.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct YearReturn {
    /// Calendar year.
    pub year: i32,
    /// Last equity of the year over the last before it, less one.
    pub value: f64,
}

/// The date that a moment belongs to: bars are stamped at their close, so that the close of a
/// day at midnight still belongs to that day.
pub(in crate::backtest) fn session(at: Timestamp) -> NaiveDate {
    Timestamp::from_nanos(at.nanos().saturating_sub(1)).to_utc().date_naive()
}

/// Returns by month. Spans whose equity is not above zero are passed over.
pub(super) fn months(series: &EquitySeries<'_>) -> Vec<MonthReturn> {
    let key = |date: NaiveDate| (date.year(), date.month());
    let returns = spans(series, key).into_iter();
    returns.map(|((year, month), value)| MonthReturn { year, month, value }).collect()
}

/// Returns by calendar year.
pub(super) fn years(series: &EquitySeries<'_>) -> Vec<YearReturn> {
    let returns = spans(series, |date| date.year()).into_iter();
    returns.map(|(year, value)| YearReturn { year, value }).collect()
}

fn spans<K: PartialEq + Copy>(
    series: &EquitySeries<'_>,
    key: impl Fn(NaiveDate) -> K,
) -> Vec<(K, f64)> {
    let mut found: Vec<(K, f64)> = Vec::new();
    let mut base = series.initial;
    let mut current: Option<(K, f64)> = None;
    let mut day = (i64::MIN, None);
    for &(at, equity) in series.points {
        let number = Timestamp::from_nanos(at.nanos().saturating_sub(1)).utc_day();
        // The calendar is asked once a day: a year of minutes has half a million points.
        if day.0 != number {
            day = (number, Some(key(session(at))));
        }
        let Some(span) = day.1 else { continue };
        if let Some((open, last)) = current
            && open != span
        {
            found.push((open, last / base - 1.0));
            base = last;
        }
        current = Some((span, equity));
    }
    found.extend(current.map(|(open, last)| (open, last / base - 1.0)));
    found.retain(|(_, value)| value.is_finite());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_at_midnight_belongs_to_the_day_before() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let points = [
            (at("2026-01-30T00:00:00Z"), 105.0),
            (at("2026-02-01T00:00:00Z"), 110.0),
            (at("2026-02-02T00:00:00Z"), 121.0),
            (at("2027-01-01T00:00:00Z"), 60.5),
            (at("2027-01-02T00:00:00Z"), 121.0),
        ];
        let series = EquitySeries { start: points[0].0, initial: 100.0, points: &points };
        let found = months(&series);
        let keys: Vec<_> = found.iter().map(|row| (row.year, row.month)).collect();
        assert_eq!(keys, [(2026, 1), (2026, 2), (2026, 12), (2027, 1)]);
        let values: Vec<_> = found.iter().map(|row| (row.value * 100.0).round()).collect();
        assert_eq!(values, [10.0, 10.0, -50.0, 100.0]);
        let years = years(&series);
        assert_eq!(years.iter().map(|row| row.year).collect::<Vec<_>>(), [2026, 2027]);
        assert!((years[0].value + 0.395).abs() < 1e-12);
    }
}
