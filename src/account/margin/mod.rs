//! Margin: what positions need, what is left, and at which price the venue closes them.
//!
//! A pure calculator over positions and marks; the account and the simulated venue both ask
//! it, so that both mean the same by "margin". Formulas are those that derivatives venues
//! publish: maintenance = notional · rate of its bracket − cumulated amount of the bracket.

mod book;
mod liquidation;
mod summary;
mod terms;
mod tiers;

pub use book::{AccountMargin, InstrumentMargin, MarginBook};
pub use liquidation::LiquidationPrices;
pub use summary::{MarginPosition, MarginSummary};
pub use terms::{MarginMode, MarginTerms};
pub use tiers::{MarginError, MarginTier, MarginTiers};
