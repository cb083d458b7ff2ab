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

pub mod guide {
    //! The longer guides, so that their code is compiled and tested with the library.

    #[doc = include_str!("../docs/architecture.md")]
    pub mod architecture {}
}
