use serde::{Deserialize, Serialize};

use super::{ActiveHalt, BreakerStatus, DailyLoss, PortfolioHeat};
use crate::types::{
    ActiveAlert, Facts, HaltLevel, InstrumentId, LimitUse, SlotId, Timestamp, exact,
};

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
    #[serde(deserialize_with = "exact::f64_or_nan")]
    pub value: f64,
    /// Trigger of its working stops; 0 without one.
    pub stop: f64,
    /// What would be lost from the entry down to the stop, in the reporting currency; without
    /// a stop by the convention of the heat limit (the whole value unless set otherwise).
    #[serde(deserialize_with = "exact::f64_or_nan")]
    pub risk: f64,
}

/// The account's risk at one moment, in one value for dashboards, logs and files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RiskSummary {
    /// When.
    pub at: Timestamp,
    /// Equity in the reporting currency; NaN while it is not known.
    #[serde(deserialize_with = "exact::f64_or_nan")]
    pub equity: f64,
    /// Value of all positions without signs.
    #[serde(deserialize_with = "exact::f64_or_nan")]
    pub gross: f64,
    /// Fraction below the peak; NaN while it is not defined.
    #[serde(deserialize_with = "exact::f64_or_nan")]
    pub drawdown: f64,
    /// The severest halt that covers the whole account.
    pub halt: HaltLevel,
    /// Sum of open risk to the stops over equity; NaN while it is not defined.
    #[serde(deserialize_with = "exact::f64_or_nan")]
    pub heat: f64,
    /// The circuit breaker, where there is one.
    pub breaker: Option<BreakerStatus>,
    /// The day's loss, where it is watched.
    pub day: Option<DailyLoss>,
    /// The highest utilisation of all limits.
    pub risk_score: f64,
    /// Every limit that can say how much of it is used, the most used first.
    pub limits: Vec<LimitUse>,
    /// Every open position.
    pub positions: Vec<PositionHeat>,
    /// The halts in force, in the order in which they began, where the engine was asked.
    #[serde(default)]
    pub halts: Vec<ActiveHalt>,
    /// The alerts that are active, the worst first, where an alert board has added them.
    #[serde(default)]
    pub alerts: Vec<ActiveAlert>,
}

impl RiskSummary {
    /// What the facts alone tell, without any limit; the drawdown is not defined.
    pub fn of(facts: &Facts<'_>) -> Self {
        Self::measured(&PortfolioHeat::unlimited(), facts)
    }

    /// The same with the heat of a manager.
    pub(super) fn measured(heat: &PortfolioHeat, facts: &Facts<'_>) -> Self {
        Self {
            at: facts.at,
            equity: facts.equity(),
            gross: facts.book.gross(),
            drawdown: f64::NAN,
            halt: facts.book.halt(),
            heat: heat.heat(facts),
            breaker: None,
            day: None,
            risk_score: 0.0,
            limits: Vec::new(),
            positions: positions(heat, facts),
            halts: Vec::new(),
            alerts: Vec::new(),
        }
    }

    /// The same with these limits, the most used first; the risk score is that one's use.
    #[must_use]
    pub fn with_limits(mut self, mut limits: Vec<LimitUse>) -> Self {
        limits.sort_by(LimitUse::most_used_first);
        self.risk_score = limits.first().map_or(0.0, |limit| limit.utilisation);
        self.limits = limits;
        self
    }
}

fn positions(heat: &PortfolioHeat, facts: &Facts<'_>) -> Vec<PositionHeat> {
    let mut positions = Vec::new();
    let slots = (0..facts.book.slots()).filter_map(|slot| u16::try_from(slot).ok());
    for slot in slots.map(SlotId) {
        for instrument in facts.instruments.iter() {
            let position = facts.book.position(slot, instrument.id);
            if position.is_flat() {
                continue;
            }
            positions.push(PositionHeat {
                slot,
                instrument: instrument.id,
                quantity: position.size,
                value: position.size.abs() * facts.book.reach(instrument.id).unit_value(),
                stop: facts.book.stop(slot, instrument.id).level,
                risk: heat.risk_of(slot, instrument.id, facts),
            });
        }
    }
    positions
}
