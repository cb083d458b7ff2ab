use serde::{Deserialize, Serialize};

use super::{GroupPerformance, PerformanceMonitor, PeriodPerformance};
use crate::account::{Drawdown, DrawdownStatistics, Statistics, signal_effectiveness, turnover};
use crate::types::{InstrumentId, Label, SlotId, Timestamp};

/// Everything that a [`PerformanceMonitor`] knows, in one value. Printed, it is a page for a
/// terminal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PerformanceSummary {
    /// Since when there is money; `None` before the first mark.
    pub since: Option<Timestamp>,
    /// The last event; `None` before the first.
    pub at: Option<Timestamp>,
    /// The money at the start.
    pub initial: f64,
    /// Cash and positions at mark, in the reporting currency.
    pub equity: f64,
    /// Since the start; medians and tails are those of what is kept.
    pub statistics: Statistics,
    /// The kept samples and trades alone.
    pub recent: Statistics,
    /// Drawdowns from mark to mark: deeper than those of the samples where equity fell and
    /// rose again within one.
    pub drawdown_of_marks: DrawdownStatistics,
    /// The drawdown from mark to mark that lasts now; `None` at a peak.
    pub drawdown_now: Option<Drawdown>,
    /// Above zero: wins in a row now; below zero: losses.
    pub streak: i64,
    /// Share of instants that ended with an open position.
    pub exposure: Option<f64>,
    /// Signals of all strategies.
    pub signals: u64,
    /// Winning trades over signals.
    pub signal_effectiveness: Option<f64>,
    /// Value that was traded.
    pub traded: f64,
    /// Traded value over mean equity.
    pub turnover: Option<f64>,
    /// The same per year.
    pub turnover_per_year: Option<f64>,
    /// By strategy, in the order of slots.
    pub by_strategy: Vec<GroupPerformance<SlotId>>,
    /// By symbol, in the order of instruments.
    pub by_symbol: Vec<GroupPerformance<InstrumentId>>,
    /// By tag, in the order of tags; the empty tag is none.
    pub by_tag: Vec<GroupPerformance<Label>>,
    /// The last hours in which something happened.
    pub hours: Vec<PeriodPerformance>,
    /// The last days.
    pub days: Vec<PeriodPerformance>,
    /// The last months.
    pub months: Vec<PeriodPerformance>,
    /// Marks that were no number and were passed over.
    pub ignored: u64,
    /// Trades, fills and flows that no rate was known for; they are in no sum.
    pub unvalued: u64,
}

impl PerformanceMonitor {
    /// Everything in one value: sorts and copies what is kept, tens of microseconds.
    pub fn summary(&self) -> PerformanceSummary {
        let statistics = self.statistics();
        let signals = self.whole.signals;
        let traded = self.whole.traded.total();
        let turnover = self.mean_equity().and_then(|mean| turnover(traded, mean));
        let periods = statistics.returns.periods as f64;
        let per_year = self.config.conventions.periods_per_year;
        let is_begun = self.now > Timestamp::from_nanos(i64::MIN);
        PerformanceSummary {
            since: self.start,
            at: is_begun.then_some(self.now),
            initial: self.initial,
            equity: self.equity,
            recent: self.window(self.config.samples, self.config.trades),
            drawdown_of_marks: self.marks.statistics(),
            drawdown_now: self.marks.current(),
            streak: self.whole.trades.streak(),
            exposure: self.exposure.share(),
            signals,
            signal_effectiveness: signal_effectiveness(self.whole.trades.wins(), signals),
            traded,
            turnover,
            turnover_per_year: turnover.zip(per_year).map(|(turns, year)| turns * year / periods),
            by_strategy: self.by_strategy(),
            by_symbol: self.by_symbol(),
            by_tag: self.by_tag(),
            hours: self.hours.view(),
            days: self.days.view(),
            months: self.months.view(),
            ignored: self.ignored,
            unvalued: self.unvalued,
            statistics,
        }
    }

    /// The figures of each strategy, in the order of slots.
    pub fn by_strategy(&self) -> Vec<GroupPerformance<SlotId>> {
        self.by_strategy.view(|slot| self.results(usize::MAX, |trade| trade.slot == slot))
    }

    /// The figures of each symbol, in the order of instruments.
    pub fn by_symbol(&self) -> Vec<GroupPerformance<InstrumentId>> {
        self.by_symbol.view(|id| self.results(usize::MAX, |trade| trade.instrument == id))
    }

    /// The figures of each tag, in the order of tags; the empty tag is none.
    pub fn by_tag(&self) -> Vec<GroupPerformance<Label>> {
        self.by_tag.view(|tag| self.results(usize::MAX, |trade| trade.tag == tag))
    }
}
