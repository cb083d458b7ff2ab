use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::types::{DayBoundary, Timestamp};

/// On which bars a portfolio is renewed.
///
/// A day, week or month begins with the first bar that closes in it, by the calendar of the
/// portfolio's time zone; weeks begin on Mondays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RebalanceSchedule {
    /// Every so many rows of bars, at least 1.
    Bars(u32),
    /// On the first bar of each day.
    Daily,
    /// On the first bar of each week.
    Weekly,
    /// On the first bar of each month.
    Monthly,
}

impl RebalanceSchedule {
    pub(super) const WORDS: &'static [&'static str] = &["bars", "daily", "weekly", "monthly"];
}

/// Where the calendar stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CalendarMemory {
    /// The day, week or month of the row before.
    key: Option<i64>,
    /// Rows since the last renewal.
    rows: u32,
}

impl CalendarMemory {
    /// Takes a row in; true when it is one on which the portfolio is due.
    pub(super) fn advance(
        &mut self,
        at: Timestamp,
        schedule: RebalanceSchedule,
        zone: &DayBoundary,
    ) -> bool {
        self.rows = self.rows.saturating_add(1);
        let date = || zone.date(at);
        let key = match schedule {
            RebalanceSchedule::Bars(count) => return self.rows >= count,
            RebalanceSchedule::Daily => day(date()),
            // The first day of the common era was a Monday.
            RebalanceSchedule::Weekly => (day(date()) - 1).div_euclid(7),
            RebalanceSchedule::Monthly => {
                let date = date();
                i64::from(date.year()) * 12 + i64::from(date.month0())
            }
        };
        let before = self.key.replace(key);
        before.is_some_and(|before| before != key)
    }

    /// The portfolio was renewed on this row.
    pub(super) const fn renewed(&mut self) {
        self.rows = 0;
    }
}

fn day(date: NaiveDate) -> i64 {
    i64::from(date.num_days_from_ce())
}
