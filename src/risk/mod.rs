//! Risk: rules that judge, guards that latch, sizers that measure, halts that stop.
//!
//! A [`RiskManager`] is shown every intent before it becomes an order and is told of everything
//! else. [`RiskChain`] is the composable one; rules see only what would open exposure, so that
//! nothing here can block an order that reduces.

mod breaker;
mod builder;
mod calm;
mod chain;
mod contract;
mod drawdown;
mod enhanced;
mod equity;
mod error;
mod exposure;
mod fact_kinds;
mod gate;
mod gates;
mod guards;
mod halt;
mod limits;
mod opening;
mod portfolio;
mod reach;
mod realtime;
mod rules;
mod saved_guard;
mod scene;
mod schedule;
mod sizing;
mod stops;
mod stress;
mod summary;
mod watched;
mod window;

pub use crate::types::LimitUse;
pub use breaker::{
    BreakerAction, BreakerLimits, BreakerRecord, BreakerStatus, CircuitBreaker, TripReason,
};
pub use builder::{EnhancedRiskBuilder, RiskBuilder};
pub use calm::CalmRange;
pub use chain::RiskChain;
pub use contract::{
    Assessment, Fact, Finding, Guard, HaltChange, Limit, Opening, RiskManager, RiskRule,
};
pub use drawdown::{DrawdownReset, DrawdownState, MaxDrawdownTracker, PeakReset};
pub use enhanced::EnhancedRiskManager;
pub use error::RiskConfigError;
pub use exposure::{Exposure, Standing};
pub use fact_kinds::FactKinds;
pub use gate::{GateEvent, OrderGate, Refusal};
pub use gates::{
    DuplicateOrders, GridGate, MessageThrottle, ParentCheck, PriceCollar, Reference, SelfMatch,
};
pub use guards::{
    BreakerGuard, DailyLimit, DailyLoss, DailyLossGuard, DataLimits, DataQualityGuard, DataTrouble,
    DeadManGuard, DrawdownGuard, ExecutionLimits, ExecutionRate, PortfolioGuard, RepeatedExecution,
};
pub use halt::{ActiveHalt, HaltMachine, HaltStateError, halt_reason};
pub(crate) use limits::set_in_all;
pub use opening::{Parts, split, split_after, valuation_price};
pub use portfolio::{
    CorrelationEstimator, CorrelationMatrix, InstrumentRisk, PortfolioFigures, PortfolioRisk,
    PortfolioRiskSettings, PortfolioTail, PositionRisk, PositionRiskCalculator, RiskFigureError,
    RiskWork,
};
pub use realtime::{RealtimeLimits, RealtimeRiskBuilder, RealtimeRiskManager};
pub use rules::{
    BuyingPower, Ceiling, Concentration, CorrelatedExposure, DrawdownScaling, GrossExposure,
    GroupExposure, InstrumentList, Leverage, MarketAge, MaxOrderNotional, MaxOrderQuantity,
    NetExposure, OpenOrders, PortfolioHeat, PositionCount, PositionSize, RuleFn, Session,
    SymbolExposure, SymbolQuantity, TradingHours, UnstoppedRisk, VarLimit, rule_from_fn,
};
pub use schedule::DrawdownSchedule;
pub use sizing::{
    AllIn, ConfidenceScaled, EquityFraction, FixedCash, FixedFractional, FixedQuantity, Kelly,
    KellyEdge, KellyWindow, Sizer, SizerError, Smallest, StopDistance, VolatilitySource,
    VolatilityTarget,
};
pub use stops::{
    BreakEven, StopAction, StopExit, StopGauge, StopPlan, StopPlanError, StopReading, StopTracker,
    StopVolatility, StopWidth,
};
pub use stress::{
    OtherPrices, Repricing, StressError, StressResult, StressScenario, StressScenarioBuilder,
    StressedPosition,
};
pub use summary::{PositionHeat, RiskSummary};
