//! The result of a run: everything that happened, and what it amounts to.

mod analysis;
mod calendar;
mod costs;
mod export;
mod json;
mod periods;

mod chart;
pub(super) mod figures;
mod text;

use std::sync::OnceLock;

pub use crate::account::OpenPosition;
use crate::account::{Conventions, EquitySeries, Statistics, TradeResult, underwater};
use crate::metrics::{MetricsSink, Tee};
use crate::strategy::Strategy;
use crate::types::{
    Anomaly, Facts, Fill, InstrumentId, Instruments, Label, Money, OrderId, SlotId, Timestamp,
    Trade, to_f64,
};

use super::{
    Collector, DataIssue, Digest, EquityPoint, HaltRow, OrderRow, Plan, RefusalRow, RunHash,
    SignalRow, Simulation, StopRow, Tape,
};

pub use analysis::{Analysis, Benchmark, StrategyStatistics, TagStatistics};
pub use calendar::{MonthReturn, YearReturn};
pub use costs::Costs;
pub use periods::PeriodsPerYear;

/// What a run has brought. Printed, it is a tear sheet; [`Report::to_json`] and the
/// `write_*_csv` functions hand it to other programs.
///
/// ```
/// use tradewright::backtest::{Backtest, Tape};
/// # use tradewright::types::{Bar, Instrument, Instruments, MarketEvent, Period, Timestamp};
/// # let mut instruments = Instruments::new();
/// # let spy = instruments.add(Instrument::stock("SPY", "USD"))?;
/// # let mut tape = Tape::new(instruments);
/// # for day in 1..=90 {
/// #     let price = 100.0 + f64::from(day * day % 17);
/// #     let bar = Bar::new(spy, Period::DAY, [price, price, price, price], 1e6)?;
/// #     tape.push(Timestamp::from_secs(86_400 * i64::from(day))?, MarketEvent::Bar(bar))?;
/// # }
/// let report = Backtest::new(&tape).strategy("MEAN_REVERSION").run()?;
/// let statistics = report.statistics();
/// println!("{:?} of {} trades won", statistics.trades.win_rate, statistics.trades.closed);
///
/// let last_line = report.to_string().lines().last().map(str::to_owned);
/// assert_eq!(last_line, Some(format!("run hash {}", report.hash)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The fingerprint of the run.
    pub hash: RunHash,
    /// The fingerprint of the data.
    pub tape_hash: RunHash,
    /// Strategies, time and money of the run.
    pub run: RunInfo,
    /// The instruments that ids stand for.
    pub instruments: Instruments,
    /// The equity curve.
    pub equity: Vec<EquityPoint>,
    /// Closed trades.
    pub trades: Vec<Trade>,
    /// What was open at the end.
    pub open: Vec<OpenPosition>,
    /// Executions and what they realised.
    pub fills: Vec<(Fill, Money)>,
    /// Orders.
    pub orders: Vec<OrderRow>,
    /// Opinions.
    pub signals: Vec<SignalRow>,
    /// Refused or shrunk intents.
    pub refusals: Vec<RefusalRow>,
    /// Signals that led to nothing, counted by the code of the reason.
    pub passed: Vec<(Label, u64)>,
    /// Changes of halts.
    pub halts: Vec<HaltRow>,
    /// Stops that were placed or moved.
    pub stops: Vec<StopRow>,
    /// Funding payments, positive when received.
    pub funding: Vec<(Timestamp, InstrumentId, Money)>,
    /// What must not happen and did.
    pub anomalies: Vec<(Timestamp, Anomaly, OrderId)>,
    /// Strategies that failed, and why.
    pub failures: Vec<(Timestamp, SlotId, String)>,
    /// What is unusual about the data.
    pub issues: Vec<DataIssue>,
    /// Share of instants that ended with an open position.
    pub exposure: Option<f64>,
    /// What trading cost.
    pub costs: Costs,
    /// Buy and hold of one instrument beside the run; `None` when there is none.
    pub benchmark: Option<Benchmark>,
    /// Reporting currency per unit of settlement currency at the close of each trade; NaN where
    /// no rate was known.
    pub trade_rates: Vec<f64>,
    /// What the statistics assume.
    pub conventions: Conventions,
    analysis: OnceLock<Box<Analysis>>,
}

/// Strategies, time and money of a run.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct RunInfo {
    /// Names and parameter hashes of the strategies, by slot from 1.
    pub strategies: Vec<(String, u64)>,
    /// When the money was there: the open of the first bar.
    pub from: Timestamp,
    /// The last event.
    pub to: Timestamp,
    /// Events of the tape.
    pub events: usize,
    /// Code of the reporting currency.
    pub currency: Label,
    /// The money at the start.
    pub initial_equity: f64,
    /// Cash and positions at mark at the end.
    pub final_equity: f64,
    /// Points of equity in a year, and how that is known.
    pub periods_per_year: PeriodsPerYear,
}

impl Report {
    pub(super) fn new<S: Strategy, M: MetricsSink>(
        tape: &Tape,
        plan: &Plan,
        simulation: Simulation<S, Tee<Collector, M>>,
    ) -> (Self, M) {
        let tape_hash = tape.hash();
        let mut digest = Digest::new();
        digest.text(&tape_hash.to_string());
        digest.text(&serde_json::to_string(plan).unwrap_or_default());
        digest.text(&simulation.hash().to_string());
        let to = tape.events().last().map_or(plan.start, |last| last.at);
        let book = simulation.engine().account().book().clone();
        let facts = Facts::new(to, SlotId::HOUSE, tape.instruments(), &book);
        let Tee(mut collector, sink) = simulation.into_sink();
        collector.note_rates(&facts);
        let run = RunInfo {
            strategies: plan.strategies.clone(),
            from: plan.start,
            to,
            events: tape.len(),
            currency: Label::new(tape.instruments().code(plan.capital.asset)),
            initial_equity: to_f64(plan.capital.amount),
            final_equity: facts.equity(),
            periods_per_year: PeriodsPerYear::new(plan.periods_per_year, &collector.equity),
        };
        let conventions = Conventions {
            periods_per_year: run.periods_per_year.value,
            risk_free: plan.risk_free,
            ..Conventions::default()
        };
        let report = Self {
            hash: digest.value(),
            tape_hash,
            open: OpenPosition::all(&facts),
            costs: Costs::new(tape.instruments(), &collector),
            benchmark: Benchmark::hold(tape, plan.benchmark, run.initial_equity, &collector.equity),
            run,
            instruments: tape.instruments().clone(),
            exposure: collector.exposure(),
            equity: collector.equity,
            trades: collector.trades,
            fills: collector.fills,
            orders: collector.orders,
            signals: collector.signals,
            refusals: collector.refusals,
            passed: collector.passed,
            halts: collector.halts,
            stops: collector.stops,
            funding: collector.funding,
            anomalies: collector.anomalies,
            failures: collector.failures,
            issues: tape.issues().to_vec(),
            trade_rates: collector.rates.trades,
            conventions,
            analysis: OnceLock::new(),
        };
        (report, sink)
    }

    /// Everything that follows from the rows: computed at the first call, then kept.
    pub fn analysis(&self) -> &Analysis {
        self.analysis.get_or_init(|| Box::new(Analysis::new(self, &self.conventions)))
    }

    /// The statistics of the whole run.
    pub fn statistics(&self) -> &Statistics {
        &self.analysis().statistics
    }

    /// Equity over its running peak, less one, at each point of the equity curve; the initial
    /// money counts as a peak.
    pub fn underwater(&self) -> Vec<f64> {
        let points = self.points();
        underwater(&self.series(&points))
    }

    /// Net profit of each trade in the reporting currency; NaN where no rate was known.
    pub fn trade_results(&self) -> Vec<TradeResult> {
        let result = |(trade, rate): (&Trade, &f64)| TradeResult {
            net: trade.net().map_or(f64::NAN, to_f64) * rate,
            held_secs: trade.closed_at.since(trade.opened_at).as_secs_f64(),
        };
        self.trades.iter().zip(&self.trade_rates).map(result).collect()
    }

    /// The name of a slot's strategy.
    pub fn strategy_name(&self, slot: SlotId) -> &str {
        let place = slot.index().checked_sub(1);
        let named = place.and_then(|index| self.run.strategies.get(index));
        named.map_or("house", |(name, _)| name.as_str())
    }

    /// The symbol of an instrument.
    pub fn symbol(&self, instrument: InstrumentId) -> &str {
        self.instruments.get(instrument).map_or("?", |found| found.symbol.as_str())
    }

    /// Refusals by the code of their reason, the most frequent first.
    pub fn refusals_by_rule(&self) -> Vec<(Label, u64)> {
        let mut counts: Vec<(Label, u64)> = Vec::new();
        for row in &self.refusals {
            let code = Label::new(row.reason.code.as_str());
            match counts.iter_mut().find(|(own, _)| *own == code) {
                Some((_, count)) => *count += 1,
                None => counts.push((code, 1)),
            }
        }
        counts.sort_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(&right.0)));
        counts
    }

    fn points(&self) -> Vec<(Timestamp, f64)> {
        self.equity.iter().map(|point| (point.at, point.equity)).collect()
    }

    fn series<'a>(&self, points: &'a [(Timestamp, f64)]) -> EquitySeries<'a> {
        EquitySeries { start: self.run.from, initial: self.run.initial_equity, points }
    }
}
