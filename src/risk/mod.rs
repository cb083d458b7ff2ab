//! Risk: rules that judge, guards that latch, sizers that measure, halts that stop.
//!
//! A [`RiskManager`] is shown every intent before it becomes an order and is told of everything
//! else. [`RiskChain`] is the composable one; rules see only what would open exposure, so that
//! nothing here can block an order that reduces.

mod breaker;
mod chain;
mod contract;
mod drawdown;
mod enhanced;
mod equity;
mod error;
mod exposure;
mod gate;
mod gates;
mod guards;
mod halt;
mod limits;
mod opening;
mod rules;
mod sizing;
mod window;

pub use breaker::{
    BreakerAction, BreakerLimits, BreakerRecord, BreakerStatus, CircuitBreaker, TripReason,
};
pub use chain::RiskChain;
pub use contract::{
    Assessment, Fact, Finding, Guard, HaltChange, Limit, Opening, RiskManager, RiskRule,
};
pub use drawdown::{DrawdownReset, DrawdownState, MaxDrawdownTracker, PeakReset};
pub use enhanced::{EnhancedRiskBuilder, EnhancedRiskManager};
pub use error::RiskConfigError;
pub use exposure::{Exposure, Standing};
pub use gate::{GateEvent, OrderGate, Refusal};
pub use gates::{
    DuplicateOrders, GridGate, MessageThrottle, ParentCheck, PriceCollar, Reference, SelfMatch,
};
pub use guards::{
    BreakerGuard, DataLimits, DataQualityGuard, DataTrouble, DeadManGuard, DrawdownGuard,
    ExecutionLimits, ExecutionRate, RepeatedExecution,
};
pub use halt::{ActiveHalt, HaltMachine, HaltStateError, halt_reason};
pub use opening::{Parts, split, split_after, valuation_price};
pub use rules::{
    BuyingPower, Ceiling, GrossExposure, GroupExposure, InstrumentList, Leverage, MarketAge,
    MaxOrderNotional, MaxOrderQuantity, NetExposure, OpenOrders, PositionSize, RuleFn, Session,
    SymbolExposure, TradingHours, rule_from_fn,
};
pub use sizing::{
    AllIn, ConfidenceScaled, EquityFraction, FixedCash, FixedQuantity, Sizer, SizerError,
};
