use rust_decimal::Decimal;

use super::usage::largest_value;
use super::{Ceiling, capped};
use crate::risk::{DrawdownSchedule, Limit, Opening, RiskConfigError};
use crate::types::{Facts, LimitKey, Reason, ReasonCode};

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
    /// The name under which it objects, and that of the fraction for changes at run time.
    pub const LIMIT: &'static str = "drawdown_scaling";

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

    /// Changes the fraction of the full size; the schedule stays. The answer is the fraction
    /// before, `None` for another limit.
    ///
    /// # Errors
    /// [`RiskConfigError::LimitOutOfRange`]; the old fraction stays.
    pub fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if !key.is_all(Self::LIMIT) {
            return Ok(None);
        }
        self.full.set("drawdown scaling", value).map(Some)
    }
}
