//! The one integration binary: one file per behaviour.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "what is banned in the library for its own sake is fine in its tests"
)]

mod account;
mod audit;
#[cfg(feature = "binance")]
mod binance;
mod builtin;
mod calm;
mod combinators;
#[cfg(feature = "config")]
mod config;
#[cfg(feature = "testkit")]
mod conformance;
#[cfg(feature = "testkit")]
mod conformance_faults;
mod contracts;
mod controls;
mod covariance;
mod damaged;
mod damaged_states;
mod data;
#[cfg(feature = "dydx")]
mod dydx;
#[cfg(feature = "local-exchange")]
mod edge_metrics;
mod engine;
mod engine_world;
mod exact_kernels;
mod execution;
mod indicator_laws;
mod indicators;
#[cfg(feature = "testkit")]
mod laws;
mod ledger;
mod life_cycle;
mod liquidation;
#[cfg(all(feature = "binance", feature = "live"))]
mod live;
#[cfg(feature = "live")]
mod live_runner;
#[cfg(feature = "local-exchange")]
mod local_exchange;
#[cfg(feature = "logging")]
mod logging;
mod margin;
mod metrics;
mod model_check;
mod monitor;
mod monitoring_files;
mod netting;
mod order_checks;
mod orders;
#[cfg(feature = "parquet")]
mod parquet;
mod performance;
mod portfolio;
#[cfg(feature = "prometheus")]
mod promtool;
mod quiet;
mod reference;
#[cfg(feature = "testkit")]
mod reference_models;
mod registry;
mod replay;
mod report;
mod resilience;
mod risk;
mod risk_at_work;
#[cfg(all(feature = "local-exchange", feature = "runtime"))]
mod runtime;
mod sim_bars;
mod sim_laws;
mod sim_orders;
mod sim_ticks;
mod sim_world;
#[cfg(feature = "testkit")]
mod soak;
mod stops;
mod strategies;
mod tail_risk;
#[cfg(feature = "report")]
mod tear_sheet;
mod tidy;
mod venue;
#[cfg(feature = "binance")]
mod wire_path;
mod workload_c;

#[cfg(feature = "binance")]
#[path = "../../benches/support/every_rule.rs"]
mod every_rule_support;
#[path = "../../benches/support/mod.rs"]
mod support;
#[cfg(feature = "binance")]
#[path = "../../benches/support/wire_path.rs"]
mod wire_path_support;
#[path = "../../benches/support/workload_c.rs"]
mod workload_c_support;
