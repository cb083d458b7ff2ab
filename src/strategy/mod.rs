//! Strategies: what they see, what they may say, and how they are found by name.

mod advice;
mod contract;
mod from_fn;

mod fingerprint;
mod near;
mod parameter;
mod registry;
mod saved;

mod builtin;
mod combinator;
mod market_condition;
pub mod portfolio;

pub use advice::{Advice, Advised, Legs, QuoteKey, QuoteSize, StrategyError};
pub use builtin::{
    Arithmetic, BandConfidence, Breakout, BreakoutParameters, DonchianParameters, DonchianTurtle,
    EmaCross, EmaCrossParameters, GridParameters, GridTrader, MacdCross, MacdParameters,
    MarketMaker, MarketMakerParameters, MeanReversion, MeanReversionParameters, Pairs,
    PairsParameters, RsiReversion, RsiReversionParameters, SignalForm, TradeDirection, Vwap,
    VwapAnchor, VwapParameters,
};
pub use combinator::{
    Contained, Cooldown, CooldownParameters, Filter, FilterParameters, Gate, GateSpec, Invert,
    InvertParameters, MemberSpec, VoteParameters, VoterSpec, WeightedVote,
};
pub use contract::{Event, Strategy};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use from_fn::{FnStrategy, from_fn};
pub use market_condition::{MarketCondition, MarketConditionClassifier, MarketConditionParameters};
pub use parameter::{BadParameter, ParameterKind, ParameterSpec, Parameters};
pub use registry::{
    BuildError, Built, ParameterInfo, RegisterError, StrategyContext, StrategyInfo,
    StrategyRegistry,
};
