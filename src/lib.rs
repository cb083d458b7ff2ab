//! An embeddable, deterministic trading engine.
//!
//! One strategy object runs in backtest, on paper, live and in replay; risk rules stand on the
//! same path everywhere; books balance to the last digit; every run prints a hash, and equal
//! hashes mean equal runs.
//!
//! # The straight way of one event
//!
//! ```text
//! market event -> account.mark -> guards -> strategy -> advice
//!   advice     -> policy, sizer -> intent -> risk review -> gates -> order -> Command::Place
//!   report     -> order life -> account.on_fill -> records -> metrics, reports, run hash
//! ```
//!
//! # The driver's loop
//!
//! Whoever drives an [`engine::Engine`], in a backtest or live, does this:
//!
//! 1. Hand it each input with its time: [`engine::Engine::handle`].
//! 2. Carry out the commands that it appended to your buffer: send, cancel, amend, alert.
//! 3. Hand it what the venue answers, as [`engine::Input::Order`].
//! 4. At [`engine::Engine::deadline`], hand it [`engine::Input::Time`].
//!
//! [`backtest::Simulation`] is this loop around a simulated venue, and
//! [`backtest::Backtest`] is the comfortable way to it:
//!
//! ```
//! use tradewright::prelude::*;
//!
//! let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/fb_1d.csv");
//! let tape = CsvBars::open(file).load(Instrument::stock("FB", "USD"))?;
//! let report = Backtest::new(&tape).strategy("MEAN_REVERSION").run()?;
//! println!("{report}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | (none) | the whole core, without async, TLS or network |
//! | `report` | `backtest::TearSheet`: a self-contained HTML page |
//! | `prometheus` | `metrics::prometheus`: a sink that a Prometheus server can scrape |
//! | `prometheus-axum` | `metrics::prometheus::metrics_route`: `GET /metrics` for axum |
//! | `metrics` | `metrics::FacadeMeter`: a bridge to the exporters of the `metrics` facade |
//! | `parquet` | `backtest::ParquetFile`: bars and prints from Parquet files |
//! | `binance` | `venue::binance`: reads market and user data of Binance spot and futures |
//! | `config` | `config`: settings from a TOML file and the environment |
//! | `logging` | `logging`: logs on the console and in files, for a host that asks for them |
//! | `live` | `live`: bots at work on paper and live accounts, over tokio |
//! | `runtime` | `runtime`: a program from settings, with supervised tasks and an orderly end |
//! | `local-exchange` | `local_exchange`: a server on loopback that speaks Binance's protocol |
//! | `dydx` | `venue::dydx`: reads the indexer of dYdX v4 |
//! | `dydx-orders` | `venue::dydx::ChainSigner`: signed orders for the chain of dYdX v4 |
//! | `binance`, `live` | `live::BinanceMarketData`, `live::BinanceClient`: Binance itself |
//! | `dydx`, `live` | `live::DydxMarketData`: market data of dYdX v4 itself |
//! | `dydx-orders`, `live` | `live::DydxNode`: a validator that takes signed orders |
//! | `testkit` | `testkit`: property tests of your own strategies, rules, indicators and books |
//!
//! Longer guides are in [`guide`].
#![forbid(unsafe_code)]
// docs.rs says beside each item which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs)]
// On for the library alone: tests and examples print and unwrap as they like. clippy.toml narrows
// the arithmetic to `Decimal`, whose operators panic on overflow.
#![warn(
    clippy::arithmetic_side_effects,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used
)]

pub mod types;

pub mod math;
pub mod metrics;

pub mod account;
pub mod order;
pub mod risk;
pub mod strategy;

pub mod alert;
pub mod engine;
pub mod monitor;

pub mod sim;

pub mod backtest;
pub mod resilience;
pub mod venue;

#[cfg(feature = "config")]
pub mod config;

#[cfg(feature = "live")]
pub mod live;

#[cfg(feature = "local-exchange")]
pub mod local_exchange;
#[cfg(feature = "logging")]
pub mod logging;
#[cfg(feature = "testkit")]
pub mod testkit;

#[cfg(feature = "runtime")]
pub mod runtime;

/// What most programs need: `use tradewright::prelude::*`.
pub mod prelude {
    pub use crate::backtest::{Backtest, CsvBars, Report, Tape};
    pub use crate::engine::{Command, Engine, Input, Policy, SlotConfig};
    pub use crate::metrics::MetricsSink;
    pub use crate::risk::{
        AllIn, EnhancedRiskManager, EquityFraction, FixedQuantity, Limit, Opening, RiskRule,
    };
    pub use crate::sim::{FeeSchedule, SimConfig};
    pub use crate::strategy::{Advice, Event, Strategy, StrategyRegistry, from_fn};
    pub use crate::types::{
        Bar, Confidence, Decimal, Facts, Instrument, InstrumentId, Instruments, MarketEvent,
        Period, Price, Qty, Side, Timestamp,
    };
}

pub mod guide {
    //! The longer guides, so that their code is compiled and tested with the library.

    #[doc = include_str!("../docs/own-strategy.md")]
    pub mod own_strategy {}

    #[doc = include_str!("../docs/own-risk-rule.md")]
    pub mod own_risk_rule {}

    #[doc = include_str!("../docs/portfolio-and-execution.md")]
    pub mod portfolio_and_execution {}

    #[doc = include_str!("../docs/venue-sessions.md")]
    pub mod venue_sessions {}

    #[doc = include_str!("../docs/resilience.md")]
    pub mod resilience {}

    #[doc = include_str!("../docs/risk-controls.md")]
    pub mod risk_controls {}

    #[cfg(feature = "testkit")]
    #[doc = include_str!("../docs/testing-your-strategy.md")]
    pub mod testing_your_strategy {}

    #[cfg(all(feature = "binance", feature = "dydx"))]
    #[doc = include_str!("../docs/exchanges.md")]
    pub mod exchanges {}

    #[cfg(feature = "runtime")]
    #[doc = include_str!("../docs/going-live.md")]
    pub mod going_live {}

    #[cfg(feature = "local-exchange")]
    #[doc = include_str!("../docs/local-exchange.md")]
    pub mod local_exchange {}

    #[cfg(all(feature = "binance", feature = "dydx-orders", feature = "live"))]
    #[doc = include_str!("../docs/connecting.md")]
    pub mod connecting {}

    #[doc = include_str!("../docs/determinism.md")]
    pub mod determinism {}

    #[doc = include_str!("../docs/performance-and-monitoring.md")]
    pub mod performance_and_monitoring {}

    #[cfg(all(feature = "binance", feature = "live", feature = "prometheus"))]
    #[doc = include_str!("../docs/monitoring.md")]
    pub mod monitoring {}

    #[cfg(feature = "logging")]
    #[doc = include_str!("../docs/logging.md")]
    pub mod logging {}

    #[doc = include_str!("../docs/metrics.md")]
    pub mod metrics {}

    #[doc = include_str!("../docs/architecture.md")]
    pub mod architecture {}
}
