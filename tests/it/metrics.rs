//! Metrics: what the engine does moves them, and what they say is what was done.

mod catalogue;
mod edge;
mod exporter;
#[cfg(feature = "prometheus")]
mod exposition;
#[cfg(feature = "metrics")]
mod facade;
mod lab;
mod moved;
mod registry;
#[cfg(feature = "prometheus-axum")]
mod route;
mod values;
