use rust_decimal::Decimal;

use super::{Ceiling, capped, sound_equity};
use crate::risk::{Exposure, Limit, Opening, RiskConfigError, RiskRule};
use crate::types::{Facts, LimitKey, Reason, ReasonCode, to_f64};

/// Gross exposure over equity, working orders counted as filled at worst, stays below a
/// multiple. Reasons tell the multiple, not an amount.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leverage {
    most: f64,
}

impl Leverage {
    /// The highest multiple of equity, zero or above: 1 is no leverage.
    ///
    /// # Errors
    /// [`RiskConfigError::LimitOutOfRange`] for a negative or non-finite multiple.
    pub fn new(most: f64) -> Result<Self, RiskConfigError> {
        Ceiling::OfEquity(most).checked("leverage")?;
        Ok(Self { most })
    }
}

impl RiskRule for Leverage {
    fn name(&self) -> &'static str {
        "leverage"
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let equity = sound_equity(facts);
        if !(equity > 0.0) {
            return Limit::Deny(Reason::new(ReasonCode::InvalidInput, 0.0, facts.equity()));
        }
        capped(opening, facts, ReasonCode::Leverage, self.most, |quantity| {
            opening.resulting_gross(quantity) / equity
        })
    }

    fn usage(&self, facts: &Facts<'_>) -> Option<Reason> {
        let multiple = Exposure::of(facts).gross / sound_equity(facts);
        Some(Reason::new(ReasonCode::Leverage, self.most, multiple))
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if !key.is_all("leverage") {
            return Ok(None);
        }
        let mut ceiling = Ceiling::OfEquity(self.most);
        let before = ceiling.set("leverage", value)?;
        self.most = to_f64(value);
        Ok(Some(before))
    }
}
