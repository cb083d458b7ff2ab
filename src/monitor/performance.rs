use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::groups::{GroupSums, Groups};
use super::pending::{Pending, Valued};
use super::periods::{Happening, PeriodName, Periods};
use super::{ClosedTrade, EquitySample, History, MonitorConfig, MonitorError};
use crate::account::{
    EquitySeries, Exposure, RunningDrawdown, RunningStatistics, Statistics, TradeResult,
    period_returns,
};
use crate::math::CompensatedSum;
use crate::metrics::MetricsSink;
use crate::types::{Facts, InstrumentId, Label, Record, SlotId, Timestamp};

/// The statistics of a run while it goes on, in a memory that does not grow.
///
/// As a reader of records it hears everything from the engine; a host without the engine calls
/// [`on_equity`](Self::on_equity), [`on_trade`](Self::on_trade), [`on_signal`](Self::on_signal),
/// [`on_traded`](Self::on_traded) and [`on_flow`](Self::on_flow). What records tell in other
/// currencies is valued at the next mark.
///
/// - **Since the start, exact**: everything but what is named next. It equals the statistics of a
///   backtest's report over the same points of equity and the same trades, but for rounding.
/// - **Of what is kept, exact**: medians of holding times (of the last
///   [`trades`](MonitorConfig::trades)), value at risk and expected shortfall (of the returns
///   between the last [`samples`](MonitorConfig::samples)), both histories, and everything in
///   [`window`](Self::window). As long as nothing had to be dropped they are those of all.
///
/// Deposits and withdrawals are no profit: returns and drawdowns are those of equity with them
/// taken out (chained at each flow). Money that came in before the first mark is the money at
/// the start; a withdrawal of everything cannot be taken out and counts as a loss.
///
/// Equity that is not finite is passed over and counted. Time that goes backwards counts as the
/// latest time seen. Nothing is allocated per event once there has been one of each group.
///
/// ```
/// use tradewright::monitor::{ClosedTrade, MonitorConfig, PerformanceMonitor};
/// use tradewright::types::{InstrumentId, Side, SlotId, Timestamp};
///
/// let day = |n: i64| Timestamp::from_secs(86_400 * n).unwrap();
/// let mut monitor = PerformanceMonitor::new(MonitorConfig::default())?.starting(day(0), 100.0)?;
/// for (n, equity) in [(1, 101.0), (2, 99.0), (3, 110.0)] {
///     monitor.on_equity(day(n), equity, 0.0);
/// }
/// let trade = ClosedTrade::new(SlotId(1), InstrumentId(0), Side::Buy, [day(1), day(3)], 10.0);
/// monitor.on_trade(&trade);
/// let statistics = monitor.statistics();
/// assert_eq!(statistics.returns.total_return, Some(110.0 / 100.0 - 1.0));
/// assert_eq!(statistics.drawdown.depth, Some(1.0 - 99.0 / 101.0));
/// assert_eq!(statistics.trades.win_rate, Some(1.0));
/// # Ok::<(), tradewright::monitor::MonitorError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct PerformanceMonitor {
    pub(super) config: MonitorConfig,
    pub(super) start: Option<Timestamp>,
    pub(super) initial: f64,
    pub(super) now: Timestamp,
    /// The money at the start was set, not heard of.
    is_set: bool,
    pub(super) is_marked: bool,
    pub(super) equity: f64,
    /// What equity is multiplied by, so that flows are no returns.
    pub(super) factor: f64,
    pub(super) clock: Clock,
    pub(super) running: RunningStatistics,
    pub(super) marks: RunningDrawdown,
    pub(super) open: Option<OpenSample>,
    /// The point before the oldest that is kept.
    pub(super) base: (Timestamp, f64),
    pub(super) samples: History<EquitySample>,
    pub(super) trades: History<ClosedTrade>,
    pub(super) exposure: Exposure,
    /// Of the equity of closed samples.
    pub(super) equity_sum: CompensatedSum,
    pub(super) whole: GroupSums,
    pub(super) by_strategy: Groups<SlotId, GroupSums>,
    pub(super) by_symbol: Groups<InstrumentId, GroupSums>,
    pub(super) by_tag: Groups<Label, GroupSums>,
    pub(super) hours: Periods,
    pub(super) days: Periods,
    pub(super) months: Periods,
    pub(super) pending: Vec<Pending>,
    pub(super) ignored: u64,
    pub(super) unvalued: u64,
}

/// The sample of the period that runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct OpenSample {
    pub(super) period: i64,
    pub(super) sample: EquitySample,
}

/// Bookings between two marks; more are left out and counted.
pub(super) const MOST_PENDING: usize = 1 << 16;

impl PerformanceMonitor {
    /// An empty monitor.
    ///
    /// # Errors
    /// [`MonitorError::OutOfRange`] for a number of the configuration.
    pub fn new(config: MonitorConfig) -> Result<Self, MonitorError> {
        config.check()?;
        let start = Timestamp::EPOCH;
        Ok(Self {
            config,
            start: None,
            initial: 0.0,
            now: Timestamp::from_nanos(i64::MIN),
            is_set: false,
            is_marked: false,
            equity: 0.0,
            factor: 1.0,
            clock: Clock::new(config.days),
            running: RunningStatistics::new(start, 0.0, &config.conventions),
            marks: RunningDrawdown::new(start, 0.0),
            open: None,
            base: (start, 0.0),
            samples: History::new(config.samples),
            trades: History::new(config.trades),
            exposure: Exposure::default(),
            equity_sum: CompensatedSum::default(),
            whole: GroupSums::default(),
            by_strategy: Groups::new(config.groups),
            by_symbol: Groups::new(config.groups),
            by_tag: Groups::new(config.groups),
            hours: Periods::new(config.hours_kept),
            days: Periods::new(config.days_kept),
            months: Periods::new(config.months_kept),
            pending: Vec::new(),
            ignored: 0,
            unvalued: 0,
        })
    }

    /// Sets the money at the start and since when it is there. Without it the deposits before
    /// the first mark are taken, or the equity of the first mark; with it they are not.
    ///
    /// # Errors
    /// [`MonitorError::BadMoney`] unless the money is above zero.
    pub fn starting(mut self, at: Timestamp, money: f64) -> Result<Self, MonitorError> {
        if !(money > 0.0 && money.is_finite()) {
            return Err(MonitorError::BadMoney { value: money });
        }
        self.begin(at, money);
        self.is_set = true;
        Ok(self)
    }

    fn begin(&mut self, at: Timestamp, money: f64) {
        self.start = Some(at);
        (self.initial, self.equity, self.base) = (money, money, (at, money));
        let trades = self.running.trades;
        self.running = RunningStatistics::new(at, money, &self.config.conventions);
        self.running.trades = trades;
        self.marks = RunningDrawdown::new(at, money);
    }

    /// Equity was marked: cash and positions at mark, and the value of all positions without
    /// signs (zero while nothing is open), in the reporting currency.
    #[inline]
    pub fn on_equity(&mut self, at: Timestamp, equity: f64, gross: f64) {
        if !equity.is_finite() {
            self.ignored = self.ignored.saturating_add(1);
            return;
        }
        let at = self.advance(at);
        if !self.is_marked {
            self.first_mark(at, equity);
        }
        let before = self.level();
        self.equity = equity;
        let sample = EquitySample { at, equity, gross, level: equity * self.factor };
        let period = self.clock.sample(at, self.config.sample);
        if let Some(over) = self.open.replace(OpenSample { period, sample })
            && over.period != period
        {
            self.close(&over.sample);
        }
        self.marks.push(at, sample.level);
        self.exposure.mark(at, gross > 0.0);
        self.add(at, before, Happening::Level(sample.level));
    }

    /// A trade was closed. A profit that is not finite is passed over and counted.
    pub fn on_trade(&mut self, trade: &ClosedTrade) {
        if !trade.net.is_finite() {
            self.unvalued = self.unvalued.saturating_add(1);
            return;
        }
        self.advance(trade.closed_at);
        let result = trade.result();
        self.trades.push(*trade);
        self.running.trades.push(result);
        self.groups(trade.slot, trade.instrument, |sums| sums.trades.push(result));
        if let Some(sums) = self.by_tag.of(trade.tag) {
            sums.trades.push(result);
        }
        self.add(trade.closed_at, self.level(), Happening::Trade(result));
    }

    /// A strategy gave an opinion.
    #[inline]
    pub fn on_signal(&mut self, at: Timestamp, slot: SlotId, instrument: InstrumentId, tag: Label) {
        let at = self.advance(at);
        self.groups(slot, instrument, |sums| sums.signals += 1);
        if let Some(sums) = self.by_tag.of(tag) {
            sums.signals += 1;
        }
        self.add(at, self.level(), Happening::Signal);
    }

    /// Something was bought or sold: its value without sign, in the reporting currency.
    #[inline]
    pub fn on_traded(&mut self, at: Timestamp, slot: SlotId, instrument: InstrumentId, value: f64) {
        if !value.is_finite() {
            self.unvalued = self.unvalued.saturating_add(1);
            return;
        }
        self.advance(at);
        self.groups(slot, instrument, |sums| sums.traded.add(value.abs()));
        self.add(at, self.level(), Happening::Traded(value.abs()));
    }

    /// Money came in (positive) or went out, in the reporting currency. It is told before the
    /// first mark that includes it; what comes before the very first mark is money at the
    /// start, unless that was set.
    pub fn on_flow(&mut self, at: Timestamp, amount: f64) {
        if !amount.is_finite() {
            self.unvalued = self.unvalued.saturating_add(1);
            return;
        }
        let at = self.advance(at);
        let before = self.equity;
        if !self.is_marked {
            if !self.is_set {
                self.begin(self.start.unwrap_or(at), before + amount);
            }
            return;
        }
        self.equity = before + amount;
        let factor = self.factor * (before / self.equity);
        if before > 0.0 && self.equity > 0.0 && factor.is_finite() {
            self.factor = factor;
        }
    }

    /// The statistics since the start. The period that runs counts with its last mark.
    pub fn statistics(&self) -> Statistics {
        let points = self.points();
        let (start, initial) = self.base;
        let returns = period_returns(&EquitySeries { start, initial, points: &points });
        self.with_open().statistics(&returns, &self.results(usize::MAX, |_| true))
    }

    /// The statistics of the last points of equity and the last trades, as many of them as are
    /// kept. The point before the first is the money that the window begins with.
    pub fn window(&self, samples: usize, trades: usize) -> Statistics {
        let points = self.points();
        let skipped = points.len().saturating_sub(samples);
        let (before, points) = points.split_at_checked(skipped).unwrap_or_default();
        let (start, initial) = before.last().copied().unwrap_or(self.base);
        let series = EquitySeries { start, initial, points };
        let results = self.results(trades, |_| true);
        Statistics::new(&series, &results, &self.config.conventions)
    }

    /// The kept points of equity but for that of the period that runs, by pages.
    pub const fn samples(&self) -> &History<EquitySample> {
        &self.samples
    }

    /// The kept trades, by pages.
    pub const fn trades(&self) -> &History<ClosedTrade> {
        &self.trades
    }

    /// The configuration.
    pub const fn config(&self) -> &MonitorConfig {
        &self.config
    }

    /// Equity without flows, as it stands.
    #[inline]
    pub(super) fn level(&self) -> f64 {
        self.equity * self.factor
    }

    pub(super) fn with_open(&self) -> RunningStatistics {
        let mut running = self.running;
        if let Some(open) = &self.open {
            running.push(open.sample.at, open.sample.level);
        }
        running
    }

    pub(super) fn mean_equity(&self) -> Option<f64> {
        let mut sum = self.equity_sum;
        if let Some(open) = &self.open {
            sum.add(open.sample.equity);
        }
        let count = self.running.periods() + u64::from(self.open.is_some());
        (count > 0).then(|| sum.total() / count as f64)
    }

    /// The last kept results that are asked for.
    pub(super) fn results(
        &self,
        most: usize,
        keep: impl Fn(&ClosedTrade) -> bool,
    ) -> Vec<TradeResult> {
        let skipped = self.trades.len().saturating_sub(most);
        let kept = self.trades.iter().skip(skipped).filter(|trade| keep(trade));
        kept.map(ClosedTrade::result).collect()
    }

    fn points(&self) -> Vec<(Timestamp, f64)> {
        let open = self.open.iter().map(|open| &open.sample);
        self.samples.iter().chain(open).map(|sample| (sample.at, sample.level)).collect()
    }

    #[cold]
    fn first_mark(&mut self, at: Timestamp, equity: f64) {
        if self.start.is_none() {
            self.begin(at, equity);
        }
        self.is_marked = true;
    }

    fn close(&mut self, sample: &EquitySample) {
        if self.samples.len() >= self.samples.capacity()
            && let Some(oldest) = self.samples.iter().next()
        {
            self.base = (oldest.at, oldest.level);
        }
        self.samples.push(*sample);
        self.running.push(sample.at, sample.level);
        self.equity_sum.add(sample.equity);
    }

    #[inline]
    fn advance(&mut self, at: Timestamp) -> Timestamp {
        self.now = self.now.max(at);
        self.now
    }

    fn groups(&mut self, slot: SlotId, instrument: InstrumentId, add: impl Fn(&mut GroupSums)) {
        add(&mut self.whole);
        if let Some(sums) = self.by_strategy.of(slot) {
            add(sums);
        }
        if let Some(sums) = self.by_symbol.of(instrument) {
            add(sums);
        }
    }

    #[inline]
    fn add(&mut self, at: Timestamp, level: f64, what: Happening) {
        let hour: PeriodName = self.clock.hour(at);
        self.hours.add(hour, level, what);
        self.days.add(hour.day(), level, what);
        self.months.add(hour.month(), level, what);
    }

    fn pend(&mut self, booked: Option<Pending>) {
        match booked {
            Some(booked) if self.pending.len() < MOST_PENDING => self.pending.push(booked),
            Some(_) | None => self.unvalued = self.unvalued.saturating_add(1),
        }
    }

    #[cold]
    fn value_pending(&mut self, facts: &Facts<'_>) {
        let mut pending = core::mem::take(&mut self.pending);
        for booked in pending.drain(..) {
            match booked.value(facts) {
                Some(Valued::Trade(trade)) => self.on_trade(&trade),
                Some(Valued::Traded { at, slot, instrument, value }) => {
                    self.on_traded(at, slot, instrument, value);
                }
                Some(Valued::Flow { at, amount }) => self.on_flow(at, amount),
                None => self.unvalued = self.unvalued.saturating_add(1),
            }
        }
        self.pending = pending;
    }
}

impl MetricsSink for PerformanceMonitor {
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        match record {
            Record::Signal { slot, signal } => {
                self.on_signal(at, *slot, signal.instrument, signal.tag);
            }
            Record::Filled { fill, .. } => self.pend(Some(Pending::fill(fill))),
            Record::Closed { trade } => self.pend(Pending::trade(trade)),
            Record::Adjusted { adjustment } => {
                if let Some(flow) = Pending::adjustment(at, adjustment) {
                    self.pend(Some(flow));
                }
            }
            _ => {}
        }
    }

    #[inline]
    fn on_mark(&mut self, facts: &Facts<'_>) {
        if !self.pending.is_empty() {
            self.value_pending(facts);
        }
        self.on_equity(facts.at, facts.equity(), facts.book.gross());
    }
}
