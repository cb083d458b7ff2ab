use serde::{Deserialize, Serialize};

use super::{BreakerStatus, DailyLoss};
use crate::types::{HaltLevel, InstrumentId, Label, Reason, ReasonCode, SlotId, Timestamp};

/// How much of one limit is used.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimitUse {
    /// The rule or guard.
    pub name: Label,
    /// The code of its refusals.
    pub code: ReasonCode,
    /// The limit.
    pub limit: f64,
    /// What was observed; NaN while it is not known.
    pub observed: f64,
    /// observed / limit, cut to 0..=1; 1 while it is not defined.
    pub utilisation: f64,
}

impl LimitUse {
    /// A rule's use of its limit.
    pub fn new(name: &str, reason: &Reason) -> Self {
        // Nothing of an empty limit is used, and a gain uses nothing of a loss limit.
        let is_unused = reason.observed <= 0.0 && reason.limit >= 0.0;
        Self {
            name: Label::new(name),
            code: reason.code,
            limit: reason.limit,
            observed: reason.observed,
            utilisation: if is_unused { 0.0 } else { reason.utilisation() },
        }
    }
}

/// One strategy's position and what it risks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PositionHeat {
    /// Whose.
    pub slot: SlotId,
    /// In what.
    pub instrument: InstrumentId,
    /// Signed quantity.
    pub quantity: f64,
    /// Value at mark in the reporting currency, without sign; NaN while it is not known.
    pub value: f64,
    /// Trigger of its working stops; 0 without one.
    pub stop: f64,
    /// What would be lost from the entry down to the stop, in the reporting currency; without
    /// a stop by the convention of the heat limit (the whole value unless set otherwise).
    pub risk: f64,
}

/// The account's risk at one moment, in one value for dashboards, logs and files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RiskSummary {
    /// When.
    pub at: Timestamp,
    /// Equity in the reporting currency; NaN while it is not known.
    pub equity: f64,
    /// Value of all positions without signs.
    pub gross: f64,
    /// Fraction below the peak; NaN while it is not defined.
    pub drawdown: f64,
    /// The severest halt that covers the whole account.
    pub halt: HaltLevel,
    /// Sum of open risk to the stops over equity; NaN while it is not defined.
    pub heat: f64,
    /// The circuit breaker.
    pub breaker: BreakerStatus,
    /// The day's loss, where it is watched.
    pub day: Option<DailyLoss>,
    /// The highest utilisation of all limits.
    pub risk_score: f64,
    /// Every limit that can say how much of it is used, the most used first.
    pub limits: Vec<LimitUse>,
    /// Every open position.
    pub positions: Vec<PositionHeat>,
}
