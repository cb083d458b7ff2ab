use super::usage::largest_value;
use super::{Ceiling, capped};
use crate::risk::{DrawdownSchedule, Limit, Opening, RiskConfigError};
use crate::types::{Facts, Reason, ReasonCode};

/// The largest value of a position shrinks as the drawdown grows.
///
/// It judges at a drawdown that somebody else watches, so that it is asked by a manager that
/// has one: [`RealtimeRiskManager`](crate::risk::RealtimeRiskManager). The limit is
/// `equity * fraction * scale(drawdown)`.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawdownScaling {
    full: Ceiling,
    schedule: DrawdownSchedule,
}

impl DrawdownScaling {
    /// The largest position at full size, as a fraction of equity, and its schedule.
    ///
    /// # Errors
    /// [`RiskConfigError::LimitOutOfRange`] for a negative or non-finite fraction.
    pub fn new(fraction: f64, schedule: DrawdownSchedule) -> Result<Self, RiskConfigError> {
        let full = Ceiling::OfEquity(fraction).checked("drawdown scaling")?;
        Ok(Self { full, schedule })
    }

    /// The schedule.
    pub const fn schedule(&self) -> &DrawdownSchedule {
        &self.schedule
    }

    /// The largest value of one position at this drawdown; NaN while equity is not known.
    pub fn amount(&self, drawdown: f64, facts: &Facts<'_>) -> f64 {
        self.full.amount(facts) * self.schedule.scale(drawdown)
    }

    /// How much of the limit the largest position uses at this drawdown.
    pub fn usage_at(&self, drawdown: f64, facts: &Facts<'_>) -> Reason {
        let value = largest_value(facts, |_| true);
        Reason::new(ReasonCode::DrawdownScale, self.amount(drawdown, facts), value)
    }

    /// What it thinks of an opening at this drawdown; one that is not known counts as large.
    pub fn limit_at(&self, drawdown: f64, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let limit = self.amount(drawdown, facts);
        capped(opening, facts, ReasonCode::DrawdownScale, limit, |quantity| {
            opening.resulting_value(quantity)
        })
    }
}
