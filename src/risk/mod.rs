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
mod gates;
mod guards;
mod halt;
mod opening;
mod portfolio;
mod rules;
mod sizing;
mod stress;

pub use breaker::{
    BreakerAction, BreakerLimits, BreakerRecord, BreakerStatus, CircuitBreaker, TripReason,
};
pub use chain::RiskChain;
pub use contract::{
    Assessment, Fact, Finding, Guard, HaltChange, Limit, Opening, OrderGate, RiskManager, RiskRule,
};
pub use drawdown::{DrawdownReset, DrawdownState, MaxDrawdownTracker, PeakReset};
pub use enhanced::{EnhancedRiskBuilder, EnhancedRiskManager};
pub use error::RiskConfigError;
pub use exposure::{Exposure, Standing};
pub use gates::GridGate;
pub use guards::{BreakerGuard, DrawdownGuard, PortfolioGuard};
pub use halt::{ActiveHalt, HaltMachine, HaltStateError, halt_reason};
pub use opening::{Parts, split, split_after, valuation_price};
pub use portfolio::{
    CorrelationEstimator, CorrelationMatrix, InstrumentRisk, PortfolioFigures, PortfolioRisk,
    PortfolioRiskSettings, PortfolioTail, PositionRisk, PositionRiskCalculator, RiskFigureError,
    RiskWork,
};
pub use rules::{
    Ceiling, CorrelatedExposure, GrossExposure, GroupExposure, Leverage, NetExposure, PositionSize,
    RuleFn, SymbolExposure, VarLimit, rule_from_fn,
};
pub use sizing::{
    AllIn, ConfidenceScaled, EquityFraction, FixedCash, FixedQuantity, Sizer, SizerError,
};
pub use stress::{
    OtherPrices, Repricing, StressError, StressResult, StressScenario, StressScenarioBuilder,
    StressedPosition,
};
