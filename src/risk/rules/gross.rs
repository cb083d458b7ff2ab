use rust_decimal::Decimal;

use super::{Ceiling, capped};
use crate::risk::{Exposure, Limit, Opening, RiskConfigError, RiskRule};
use crate::types::{Facts, LimitKey, Reason, ReasonCode};

/// The sum of the values of all positions without signs, working orders counted as filled at
/// worst, stays below a ceiling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GrossExposure {
    ceiling: Ceiling,
}

impl GrossExposure {
    /// A ceiling for the whole account.
    ///
    /// # Errors
    /// [`RiskConfigError::LimitOutOfRange`] for a negative or non-finite ceiling.
    pub fn new(ceiling: Ceiling) -> Result<Self, RiskConfigError> {
        Ok(Self { ceiling: ceiling.checked("gross exposure")? })
    }
}

impl RiskRule for GrossExposure {
    fn name(&self) -> &'static str {
        "gross_exposure"
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let limit = self.ceiling.amount(facts);
        capped(opening, facts, ReasonCode::GrossExposure, limit, |quantity| {
            opening.resulting_gross(quantity)
        })
    }

    fn usage(&self, facts: &Facts<'_>) -> Option<Reason> {
        let (limit, gross) = (self.ceiling.amount(facts), Exposure::of(facts).gross);
        Some(Reason::new(ReasonCode::GrossExposure, limit, gross))
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if !key.is_all("gross_exposure") {
            return Ok(None);
        }
        self.ceiling.set("gross exposure", value).map(Some)
    }
}
