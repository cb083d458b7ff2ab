//! The exposition formats of Prometheus, written by hand.
//!
//! Neither of the two kept crates can write what is asked for. `prometheus` 0.14 knows the classic
//! text alone and `prometheus-client` 0.25 OpenMetrics alone; both put a sum under histograms with
//! negative bounds, which OpenMetrics forbids. The values live in the library's own
//! [`Registry`](super::Registry) anyway (a handle per series costs one atomic operation in all
//! three), so that what is left is to print them: this folder, without a dependency.

mod format;
#[cfg(feature = "prometheus-axum")]
mod route;
mod sink;

pub use format::{ExpositionFormat, write_exposition};
#[cfg(feature = "prometheus-axum")]
pub use route::metrics_route;
pub use sink::{PrometheusMetrics, exposition};
