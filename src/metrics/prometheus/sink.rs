use super::{ExpositionFormat, write_exposition};
use crate::metrics::{EngineMetrics, MetricsExporter, MetricsSink, Registry, RunStart};
use crate::types::{Facts, LimitUse, MarketEvent, Record, Timestamp};

/// A sink that a Prometheus server can scrape: [`EngineMetrics`] in a registry, and the text of it.
///
/// The registry is the sink's own or the host's, never a global one. A server on another thread
/// gets a copy of it: [`Registry`] is a handle.
///
/// ```
/// use tradewright::metrics::prometheus::{ExpositionFormat, PrometheusMetrics};
/// use tradewright::prelude::*;
///
/// let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/fb_1d.csv");
/// let tape = CsvBars::open(file).load(Instrument::stock("FB", "USD"))?;
/// let sink = PrometheusMetrics::default();
/// let (_, sink) = Backtest::new(&tape).strategy("MEAN_REVERSION").run_with(sink)?;
/// let text = sink.exposition(ExpositionFormat::Text);
/// assert!(text.contains("trading_trades_total{strategy=\"MEAN_REVERSION\",symbol=\"FB\""));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct PrometheusMetrics(EngineMetrics<Registry>);

impl PrometheusMetrics {
    /// A sink into this registry.
    pub fn new(registry: Registry) -> Self {
        Self(EngineMetrics::new(registry))
    }

    /// The registry, to serve or to feed.
    pub const fn registry(&self) -> &Registry {
        self.0.registry()
    }

    /// An exporter into the same registry, for what happens around the engine.
    pub fn exporter(&self) -> MetricsExporter {
        MetricsExporter::new(self.registry().clone())
    }

    /// Every metric that has values, as text.
    pub fn exposition(&self, format: ExpositionFormat) -> String {
        exposition(self.registry(), format)
    }
}

/// Every metric of a registry that has values, as text.
pub fn exposition(registry: &Registry, format: ExpositionFormat) -> String {
    let mut text = String::new();
    // A string takes everything.
    let _ = write_exposition(registry, format, &mut text);
    text
}

/// With other settings than the usual ones.
impl From<EngineMetrics<Registry>> for PrometheusMetrics {
    fn from(metrics: EngineMetrics<Registry>) -> Self {
        Self(metrics)
    }
}

impl MetricsSink for PrometheusMetrics {
    #[inline]
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        self.0.record(at, record);
    }

    #[inline]
    fn on_mark(&mut self, facts: &Facts<'_>) {
        self.0.on_mark(facts);
    }

    fn on_start(&mut self, run: &RunStart<'_>) {
        self.0.on_start(run);
    }

    #[inline]
    fn on_market(&mut self, at: Timestamp, event: &MarketEvent) {
        self.0.on_market(at, event);
    }

    #[inline]
    fn on_settled(&mut self, facts: &Facts<'_>) {
        self.0.on_settled(facts);
    }

    #[inline]
    fn wants_limits(&self, at: Timestamp) -> bool {
        self.0.wants_limits(at)
    }

    fn on_limits(&mut self, facts: &Facts<'_>, limits: &[LimitUse]) {
        self.0.on_limits(facts, limits);
    }
}
