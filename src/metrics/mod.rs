//! Readers of records: metrics, reports and audit listen here and can change nothing.

mod contained;
mod sink;

mod catalogue;
mod spec;

mod meter;
mod registry;
mod snapshot;

mod edge;
mod exporter;
mod feed;

#[cfg(feature = "metrics")]
mod facade;
#[cfg(feature = "prometheus")]
pub mod prometheus;

pub use catalogue::{catalogue, catalogue_by_topic};
pub use contained::ContainedSink;
pub(crate) use contained::panic_text;
pub use edge::{
    ApiEndpoint, EdgeMetrics, EdgeNews, EdgeQueue, EdgeSink, MessageKind, ProcessFigures,
};
pub use exporter::{
    BotState, CapitalFigures, CheckResult, EquityFigures, ExchangeCall, ExportError, MarketFigures,
    MetricsExporter, OrderEvent, OrderStep, PnlFigures, StrategyFigures, TradeEvent,
};
#[cfg(feature = "metrics")]
pub use facade::{FacadeCounter, FacadeGauge, FacadeHistogram, FacadeMeter};
pub use feed::{EngineMetrics, MemoryMetrics};
pub use meter::{CounterHandle, GaugeHandle, HistogramHandle, Meter};
#[cfg(feature = "prometheus")]
pub use prometheus::PrometheusMetrics;
pub use registry::{Counter, Gauge, Histogram, NamespaceError, Registry};
pub use sink::{MetricsSink, RunStart, Tee};
pub use snapshot::{MetricSnapshot, SeriesSnapshot, Snapshot};
pub use spec::{Feed, LabelSpec, LabelValues, MetricKind, MetricSpec, OTHER, Unit};
