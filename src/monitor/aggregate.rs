use serde::{Deserialize, Serialize};

use super::{
    FillQuality, HealthSnapshot, HealthStatus, PerformanceMonitor, PerformanceSummary,
    PortfolioSnapshot, QualitySummary, SystemHealth,
};
use crate::metrics::MetricsSink;
use crate::types::{Facts, Label, Record, Timestamp};

/// Portfolio, performance, cost of trading and health of the system in one place, and in one
/// value that any program can read.
///
/// As a reader of records it feeds the monitor and the fill quality; the host tells the health.
/// A snapshot is taken when somebody asks for one, from the facts of that moment, and costs the
/// records nothing.
///
/// ```
/// use tradewright::backtest::{Backtest, Tape};
/// use tradewright::monitor::{HealthStatus, MetricsAggregator, MonitorConfig, PerformanceMonitor};
/// # use tradewright::types::{
/// #     Bar, Instrument, Instruments, MarketEvent, Period, SlotId, Timestamp,
/// # };
/// # let mut instruments = Instruments::new();
/// # let spy = instruments.add(Instrument::stock("SPY", "USD"))?;
/// # let mut tape = Tape::new(instruments);
/// # for day in 1..=90 {
/// #     let price = 100.0 + f64::from(day * day % 17);
/// #     let bar = Bar::new(spy, Period::DAY, [price, price, price, price], 1e6)?;
/// #     tape.push(Timestamp::from_secs(86_400 * i64::from(day))?, MarketEvent::Bar(bar))?;
/// # }
/// let monitor = PerformanceMonitor::new(MonitorConfig::default())?;
/// let aggregator = MetricsAggregator::new(monitor).with_strategies(["MEAN_REVERSION"]);
/// let backtest = Backtest::new(&tape).strategy("MEAN_REVERSION");
/// let (_, mut run) = backtest.prepare(aggregator)?;
/// run.run(tape.events())?;
///
/// let facts = run.engine().facts(SlotId::HOUSE);
/// let aggregator = &run.sink().1;
/// let snapshot = aggregator.snapshot(&facts);
/// assert_eq!(snapshot.portfolio.equity, facts.equity());
/// assert_eq!(snapshot.health.status, HealthStatus::Healthy);
/// let json = serde_json::to_string(&snapshot)?;
/// # let _ = json;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricsAggregator {
    /// The statistics.
    pub performance: PerformanceMonitor,
    /// What trading costs.
    pub quality: FillQuality,
    /// The health, as the host tells it.
    pub health: SystemHealth,
    strategies: Vec<Label>,
}

/// Everything at one moment; all of it is numbers, text and times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricsSnapshot {
    /// The moment.
    pub at: Timestamp,
    /// Names of the strategies, by slot from 1, as far as they are known.
    pub strategies: Vec<Label>,
    /// Symbols, by instrument from 0.
    pub symbols: Vec<Label>,
    /// What the account holds.
    pub portfolio: PortfolioSnapshot,
    /// The statistics.
    pub performance: PerformanceSummary,
    /// What trading costs.
    pub quality: QualitySummary,
    /// The health of the system.
    pub health: HealthSnapshot,
}

impl MetricsAggregator {
    /// A monitor with fill quality and health at their defaults; both can be replaced.
    pub fn new(performance: PerformanceMonitor) -> Self {
        Self {
            performance,
            quality: FillQuality::default(),
            health: SystemHealth::default(),
            strategies: Vec::new(),
        }
    }

    /// Names of the strategies, by slot from 1.
    #[must_use]
    pub fn with_strategies<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        self.strategies = names.into_iter().map(Label::new).collect();
        self
    }

    /// Everything at the moment of the facts.
    pub fn snapshot(&self, facts: &Facts<'_>) -> MetricsSnapshot {
        MetricsSnapshot {
            at: facts.at,
            strategies: self.strategies.clone(),
            symbols: facts.instruments.iter().map(|found| found.symbol).collect(),
            portfolio: PortfolioSnapshot::new(facts),
            performance: self.performance.summary(),
            quality: self.quality.summary(),
            health: self.health.snapshot(facts.at),
        }
    }

    /// The worst of all components at a moment.
    pub fn status(&self, at: Timestamp) -> HealthStatus {
        self.health.snapshot(at).status
    }
}

impl MetricsSink for MetricsAggregator {
    #[inline]
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        self.performance.record(at, record);
        self.quality.record(at, record);
    }

    #[inline]
    fn on_mark(&mut self, facts: &Facts<'_>) {
        self.performance.on_mark(facts);
        self.quality.on_mark(facts);
    }
}
