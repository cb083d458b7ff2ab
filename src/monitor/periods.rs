use core::fmt;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::account::TradeResult;
use crate::math::CompensatedSum;

/// A month, a day of it, or an hour of a day, in the monitor's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PeriodName {
    /// The calendar year.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31; `None` for a whole month.
    pub day: Option<u32>,
    /// Hours since the day began, 0 to 24; `None` for a whole day.
    pub hour: Option<u32>,
}

impl PeriodName {
    pub(super) const fn day(self) -> Self {
        Self { hour: None, ..self }
    }

    pub(super) const fn month(self) -> Self {
        Self { day: None, hour: None, ..self }
    }
}

impl fmt::Display for PeriodName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}", self.year, self.month)?;
        if let Some(day) = self.day {
            write!(out, "-{day:02}")?;
        }
        self.hour.map_or(Ok(()), |hour| write!(out, " {hour:02}h"))
    }
}

/// What one hour, day or month brought.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeriodPerformance {
    /// Which.
    pub period: PeriodName,
    /// Last equity over the last before the period, less one, deposits taken out; `None`
    /// unless the money before was above zero.
    pub returned: Option<f64>,
    /// Trades that were closed.
    pub closed: u64,
    /// Of them, those that earned money.
    pub wins: u64,
    /// Of them, those that lost money.
    pub losses: u64,
    /// Wins over closed trades.
    pub win_rate: Option<f64>,
    /// Net profit of the closed trades.
    pub net: f64,
    /// Opinions of strategies.
    pub signals: u64,
    /// Value that was traded.
    pub traded: f64,
}

/// The last periods of one kind, in order of time; periods without an event have no row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Periods {
    rows: VecDeque<Row>,
    most: usize,
}

/// Sums of one period.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    period: PeriodName,
    /// Equity before the period.
    base: f64,
    level: f64,
    closed: u64,
    wins: u64,
    losses: u64,
    net: CompensatedSum,
    signals: u64,
    traded: CompensatedSum,
}

/// What is added to a period.
#[derive(Clone, Copy)]
pub(super) enum Happening {
    /// Equity without deposits.
    Level(f64),
    Trade(TradeResult),
    Signal,
    Traded(f64),
}

impl Periods {
    pub(super) fn new(most: usize) -> Self {
        Self { rows: VecDeque::with_capacity(most), most }
    }

    /// Adds to a period; `level` is equity without deposits before it. What is older than all
    /// rows counts in the oldest.
    #[inline]
    pub(super) fn add(&mut self, period: PeriodName, level: f64, what: Happening) {
        if self.rows.back().is_none_or(|row| row.period < period) {
            if self.rows.len() >= self.most {
                self.rows.pop_front();
            }
            self.rows.push_back(Row::new(period, level));
        }
        let is_last = self.rows.back().is_some_and(|row| row.period == period);
        let index = if is_last { self.rows.len() - 1 } else { self.place(period) };
        if let Some(row) = self.rows.get_mut(index) {
            row.add(what);
        }
    }

    /// The last row that does not come after the period.
    #[cold]
    fn place(&self, period: PeriodName) -> usize {
        self.rows.partition_point(|row| row.period <= period).saturating_sub(1)
    }

    pub(super) fn view(&self) -> Vec<PeriodPerformance> {
        self.rows.iter().map(Row::view).collect()
    }

    pub(super) fn fault(&self, most: usize) -> Option<&'static str> {
        if self.most != most || self.rows.len() > most {
            return Some("a breakdown has more rows than it keeps");
        }
        let pairs = self.rows.iter().zip(self.rows.iter().skip(1));
        if pairs.into_iter().any(|(one, next)| one.period >= next.period) {
            return Some("the rows of a breakdown are not in order");
        }
        let is_wrong = |row: &Row| {
            row.wins.checked_add(row.losses).is_none_or(|decided| decided > row.closed)
                || row.closed.max(row.signals) > crate::account::MOST_COUNT
                || !row.base.is_finite()
                || !row.level.is_finite()
        };
        self.rows.iter().any(is_wrong).then_some("a row of a breakdown does not add up")
    }

    /// Room for all rows again, after a restore.
    pub(super) fn reserve(&mut self) {
        self.rows.reserve_exact(self.most.saturating_sub(self.rows.len()));
    }
}

impl Row {
    fn new(period: PeriodName, level: f64) -> Self {
        Self {
            period,
            base: level,
            level,
            closed: 0,
            wins: 0,
            losses: 0,
            net: CompensatedSum::default(),
            signals: 0,
            traded: CompensatedSum::default(),
        }
    }

    #[inline]
    fn add(&mut self, what: Happening) {
        match what {
            Happening::Level(level) => self.level = level,
            Happening::Trade(trade) => {
                self.closed += 1;
                self.wins += u64::from(trade.net > 0.0);
                self.losses += u64::from(trade.net < 0.0);
                self.net.add(trade.net);
            }
            Happening::Signal => self.signals += 1,
            Happening::Traded(value) => self.traded.add(value),
        }
    }

    fn view(&self) -> PeriodPerformance {
        let share = |part: u64| (self.closed > 0).then(|| part as f64 / self.closed as f64);
        PeriodPerformance {
            period: self.period,
            returned: (self.base > 0.0)
                .then(|| self.level / self.base - 1.0)
                .filter(|it| it.is_finite()),
            closed: self.closed,
            wins: self.wins,
            losses: self.losses,
            win_rate: share(self.wins),
            net: self.net.total(),
            signals: self.signals,
            traded: self.traded.total(),
        }
    }
}
