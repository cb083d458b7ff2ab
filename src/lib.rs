//! tradewright
#![forbid(unsafe_code)]
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

pub mod engine;

pub mod sim;

pub mod backtest;

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

    #[doc = include_str!("../docs/architecture.md")]
    pub mod architecture {}
}
