use rust_decimal::Decimal;

use super::usage::largest_value;
use super::{Ceiling, capped};
use crate::risk::{Limit, Opening, RiskConfigError, RiskRule};
use crate::types::{Facts, LimitKey, Reason, ReasonCode};

/// The value of a position, working orders counted as filled, is at most a fraction of equity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PositionSize {
    ceiling: Ceiling,
}

impl PositionSize {
    /// A fraction of equity, zero or above: 0.1 is ten percent.
    ///
    /// # Errors
    /// [`RiskConfigError::LimitOutOfRange`] for a negative or non-finite fraction.
    pub fn new(fraction: f64) -> Result<Self, RiskConfigError> {
        let ceiling = Ceiling::OfEquity(fraction).checked("position size")?;
        Ok(Self { ceiling })
    }
}

impl Default for PositionSize {
    /// Ten percent: ten positions of full size use the whole equity.
    fn default() -> Self {
        Self { ceiling: Ceiling::OfEquity(0.1) }
    }
}

impl RiskRule for PositionSize {
    fn name(&self) -> &'static str {
        "position_size"
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let limit = self.ceiling.amount(facts);
        capped(opening, facts, ReasonCode::PositionSize, limit, |quantity| {
            opening.resulting_value(quantity)
        })
    }

    fn usage(&self, facts: &Facts<'_>) -> Option<Reason> {
        let value = largest_value(facts, |_| true);
        Some(Reason::new(ReasonCode::PositionSize, self.ceiling.amount(facts), value))
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if !key.is_all("position_size") {
            return Ok(None);
        }
        self.ceiling.set("position size", value).map(Some)
    }
}
