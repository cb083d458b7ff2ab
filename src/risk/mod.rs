//! Risk: rules that judge, guards that latch, sizers that measure, halts that stop.

mod contract;
mod sizing;

pub use contract::{
    Assessment, Fact, Finding, Guard, HaltChange, Limit, Opening, OrderGate, RiskManager, RiskRule,
};
pub use sizing::Sizer;
