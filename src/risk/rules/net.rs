use rust_decimal::Decimal;

use super::{Ceiling, capped};
use crate::risk::{Exposure, Limit, Opening, RiskConfigError, RiskRule};
use crate::types::{Facts, LimitKey, Reason, ReasonCode};

/// The signed sum of the values of all positions stays below a ceiling in the direction of the
/// opening, with every working order of that side filled and none of the other.
///
/// An opening that brings the sum nearer to zero passes: its direction is the other one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetExposure {
    ceiling: Ceiling,
}

impl NetExposure {
    /// A ceiling for either direction.
    ///
    /// # Errors
    /// [`RiskConfigError::LimitOutOfRange`] for a negative or non-finite ceiling.
    pub fn new(ceiling: Ceiling) -> Result<Self, RiskConfigError> {
        Ok(Self { ceiling: ceiling.checked("net exposure")? })
    }
}

impl RiskRule for NetExposure {
    fn name(&self) -> &'static str {
        "net_exposure"
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let limit = self.ceiling.amount(facts);
        let answer = capped(opening, facts, ReasonCode::NetExposure, limit, |quantity| {
            opening.resulting_net(quantity)
        });
        match answer {
            // Below zero nothing of the limit is used.
            Limit::Allow(Some(reason)) if reason.observed < 0.0 => Limit::Allow(None),
            Limit::Allow(_) | Limit::Cap(..) | Limit::Deny(_) => answer,
        }
    }

    fn usage(&self, facts: &Facts<'_>) -> Option<Reason> {
        let exposure = Exposure::of(facts);
        let (up, down) = (exposure.up, -exposure.down);
        let net = if up >= down || up.is_nan() { up } else { down };
        Some(Reason::new(ReasonCode::NetExposure, self.ceiling.amount(facts), net))
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if !key.is_all("net_exposure") {
            return Ok(None);
        }
        self.ceiling.set("net exposure", value).map(Some)
    }
}
