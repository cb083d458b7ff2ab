use serde::{Deserialize, Serialize};

use super::{InstrumentId, Label, SlotId};

/// How far trading is stopped. The order is the severity.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum HaltLevel {
    /// Trading as usual.
    #[default]
    Active,
    /// No new exposure; exits are managed.
    ReduceOnly,
    /// Resting entries are cancelled too.
    Halted,
    /// Resting orders are cancelled, then positions are closed.
    Flattening,
    /// The venue has confirmed that nothing is open.
    Flat,
}

/// What a halt covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HaltScope {
    /// One strategy.
    Strategy(SlotId),
    /// One instrument, for all strategies.
    Symbol(InstrumentId),
    /// The account that this engine trades.
    Account,
    /// Everything that the host runs.
    Everything,
}

impl HaltScope {
    /// True when the scope covers this strategy and instrument.
    pub fn covers(self, slot: SlotId, instrument: InstrumentId) -> bool {
        match self {
            Self::Strategy(own) => own == slot,
            Self::Symbol(own) => own == instrument,
            Self::Account | Self::Everything => true,
        }
    }
}

/// Why trading is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum HaltCause {
    /// The loss streak or the trade rate has tripped the circuit breaker.
    CircuitBreaker,
    /// The day's loss limit.
    DailyLoss,
    /// Market data are too old.
    StaleData,
    /// The drawdown exceeded its threshold.
    Drawdown,
    /// A person asked for it.
    Operator,
    /// More was filled than ordered, or a fill came after the end of its order.
    FillAnomaly,
    /// Our books and the venue's differ.
    Reconciliation,
    /// The strategy failed.
    StrategyFailure,
    /// The emergency stop.
    KillSwitch,
    /// A cause of the host's own rules.
    Custom(Label),
    /// The host was not heard for too long.
    Disconnected,
    /// As many executions as a strategy may make before a person looks at it.
    RepeatedExecution,
    /// Children would have been larger than their parent order.
    ParentBreach,
    /// The system around the engine works in part only: see
    /// [`OperatingMode`](super::OperatingMode).
    Degradation,
}

/// What ends a halt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HaltEnd {
    /// Its own rule: cooldown over, next trading day, data fresh again.
    OwnRule,
    /// An explicit resume.
    Resume,
    /// An explicit resume with acknowledgement.
    AcknowledgedResume,
}

impl HaltCause {
    /// The level that the cause leads to unless the halt asks for more.
    pub const fn level(self) -> HaltLevel {
        match self {
            Self::CircuitBreaker | Self::DailyLoss | Self::StaleData | Self::Degradation => {
                HaltLevel::ReduceOnly
            }
            Self::Drawdown
            | Self::Operator
            | Self::FillAnomaly
            | Self::Reconciliation
            | Self::StrategyFailure
            | Self::KillSwitch
            | Self::Custom(_)
            | Self::Disconnected
            | Self::RepeatedExecution
            | Self::ParentBreach => HaltLevel::Halted,
        }
    }

    /// The stable word of the cause, the host's own for its own causes.
    pub fn as_str(&self) -> &str {
        match self {
            Self::CircuitBreaker => "circuit_breaker",
            Self::DailyLoss => "daily_loss",
            Self::StaleData => "stale_data",
            Self::Drawdown => "drawdown",
            Self::Operator => "operator",
            Self::FillAnomaly => "fill_anomaly",
            Self::Reconciliation => "reconciliation",
            Self::StrategyFailure => "strategy_failure",
            Self::KillSwitch => "kill_switch",
            Self::Custom(name) => name.as_str(),
            Self::Disconnected => "disconnected",
            Self::RepeatedExecution => "repeated_execution",
            Self::ParentBreach => "parent_breach",
            Self::Degradation => "degradation",
        }
    }

    /// What ends a halt of this cause.
    pub const fn end(self) -> HaltEnd {
        match self {
            Self::CircuitBreaker
            | Self::DailyLoss
            | Self::StaleData
            | Self::Disconnected
            | Self::Degradation => HaltEnd::OwnRule,
            Self::KillSwitch => HaltEnd::AcknowledgedResume,
            Self::Drawdown
            | Self::Operator
            | Self::FillAnomaly
            | Self::Reconciliation
            | Self::StrategyFailure
            | Self::Custom(_)
            | Self::RepeatedExecution
            | Self::ParentBreach => HaltEnd::Resume,
        }
    }
}

/// A stop of trading: why, how far, over what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Halt {
    /// Why.
    pub cause: HaltCause,
    /// How far; never [`HaltLevel::Flat`], which only the venue can bring about.
    pub level: HaltLevel,
    /// Over what.
    pub scope: HaltScope,
}

impl Halt {
    /// A halt of the cause's usual level.
    pub const fn new(cause: HaltCause, scope: HaltScope) -> Self {
        Self { cause, level: cause.level(), scope }
    }
}

/// Whether a resume acknowledges an emergency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Acknowledgement {
    /// An ordinary resume; a kill switch stays.
    None,
    /// The person has seen why trading was killed, and ends that too.
    Emergency,
}
