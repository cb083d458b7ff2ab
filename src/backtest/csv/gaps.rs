use core::time::Duration;

use crate::types::Timestamp;

use super::rows::Row;

const DAY: Duration = Duration::from_secs(86_400);

/// The rows before which bars are missing, and how many. The rule is that of
/// [`CsvBars::tolerating`](super::CsvBars::tolerating).
pub(super) fn find(rows: &[Row], span: Duration, tolerated: Option<Duration>) -> Vec<(Row, u64)> {
    let is_daily = span >= DAY;
    let rests = is_daily && !rows.iter().any(|row| is_weekend(row.at.utc_day()));
    let tolerated = tolerated.unwrap_or(match (is_daily, rests) {
        (true, true) => span.saturating_add(3 * DAY),
        (true, false) | (false, _) => span,
    });
    let pairs = rows.iter().zip(rows.iter().skip(1));
    pairs
        .filter_map(|(before, after)| {
            let distance = after.at.since(before.at);
            let missing = if rests && span == DAY {
                weekdays_between(before.at, after.at)
            } else {
                let spans = distance.as_nanos() / span.as_nanos().max(1);
                u64::try_from(spans.saturating_sub(1)).unwrap_or(u64::MAX)
            };
            (distance > tolerated && missing > 0).then_some((*after, missing))
        })
        .collect()
}

/// 1970-01-01 was a Thursday.
const fn is_weekend(utc_day: i64) -> bool {
    matches!((utc_day + 3).rem_euclid(7), 5 | 6)
}

fn weekdays_between(before: Timestamp, after: Timestamp) -> u64 {
    // Mondays to Fridays since a Monday, up to and without the day.
    let weekdays = |day: i64| {
        let since_monday = day + 3;
        since_monday.div_euclid(7) * 5 + since_monday.rem_euclid(7).min(5)
    };
    let missing = weekdays(after.utc_day()) - weekdays(before.utc_day() + 1);
    u64::try_from(missing).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_weekend_is_no_gap_of_daily_bars() {
        let row = |day: &str| Row {
            line: 0,
            at: format!("{day}T00:00:00Z").parse().unwrap(),
            prices: [1.0; 4],
            volume: 0.0,
            adjusted: 0.0,
        };
        let days = ["2001-08-31", "2001-09-04", "2001-09-10", "2001-09-17"];
        let rows: Vec<Row> = days.iter().map(|day| row(day)).collect();
        let found: Vec<u64> = find(&rows, DAY, None).into_iter().map(|(_, n)| n).collect();
        assert_eq!(found, [3, 4], "Wednesday to Friday; the days after the eleventh");
        let found: Vec<u64> = find(&rows, DAY, Some(DAY)).into_iter().map(|(_, n)| n).collect();
        assert_eq!(found, [1, 3, 4], "the holiday is missing when nothing is tolerated");
        assert!(is_weekend(row("2001-09-08").at.utc_day()));
        assert!(!is_weekend(row("2001-09-10").at.utc_day()));
    }
}
