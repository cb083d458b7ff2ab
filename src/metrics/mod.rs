//! Readers of records: metrics, reports and audit listen here and can change nothing.

mod sink;

pub use sink::{MetricsSink, Tee};
