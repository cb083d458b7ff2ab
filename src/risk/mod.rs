//! Risk: rules that judge, guards that latch, sizers that measure, halts that stop.
//!
//! A [`RiskManager`] is shown every intent before it becomes an order and is told of everything
//! else. [`RiskChain`] is the composable one; rules see only what would open exposure, so that
//! nothing here can block an order that reduces.

mod chain;
mod contract;
mod equity;
mod exposure;
mod halt;
mod opening;
mod sizing;

pub use chain::RiskChain;
pub use contract::{
    Assessment, Fact, Finding, Guard, HaltChange, Limit, Opening, OrderGate, RiskManager, RiskRule,
};
pub use exposure::{Exposure, Standing};
pub use halt::{ActiveHalt, HaltMachine, HaltStateError, halt_reason};
pub use opening::{Parts, split, split_after, valuation_price};
pub use sizing::{
    AllIn, ConfidenceScaled, EquityFraction, FixedCash, FixedQuantity, Sizer, SizerError,
};
