//! Strategies: what they see, what they may say, and how they are found by name.

mod advice;
mod contract;
mod from_fn;

pub use advice::{Advice, Advised, Legs, QuoteKey, QuoteSize, StrategyError};
pub use contract::{Event, Strategy};
pub use from_fn::{FnStrategy, from_fn};
