//! Live statistics: from records and marks to figures, fill quality and one snapshot of all.
//!
//! [`PerformanceMonitor`] computes the statistics of a backtest's report while a run goes on, in
//! a memory that does not grow. [`FillQuality`] says what trading cost against the price at the
//! decision. Both read records, and a host without the engine feeds them by one call per event.
//! [`MetricsAggregator`] gathers them, the portfolio and the health of the system in one
//! serialisable [`MetricsSnapshot`].

mod performance;

mod aggregate;
mod health;
mod portfolio;

mod quality;

mod clock;
mod config;
mod entry;
mod groups;
mod history;
mod pending;
mod periods;
mod saved;
mod summary;
mod text;

pub use aggregate::{MetricsAggregator, MetricsSnapshot};
pub use config::{MonitorConfig, MonitorError, SampleEvery};
pub use entry::{ClosedTrade, EquitySample};
pub use groups::GroupPerformance;
pub use health::{ComponentHealth, Gauge, HealthSnapshot, HealthStatus, SystemHealth};
pub use history::{History, Page};
pub use performance::PerformanceMonitor;
pub use periods::{PeriodName, PeriodPerformance};
pub use portfolio::{AssetBalance, PortfolioSnapshot, PositionSnapshot};
pub use quality::{
    FillQuality, FillRow, GroupQuality, OrderQuality, QualityFigures, QualitySummary, Shortfall,
};
pub use summary::PerformanceSummary;
