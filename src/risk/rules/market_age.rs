use core::time::Duration;

use rust_decimal::Decimal;

use crate::risk::{Limit, Opening, RiskConfigError, RiskRule, gate::seconds, limits};
use crate::types::{Facts, LimitKey, Reason, ReasonCode};

/// Nothing is opened on a mark that is older than a span, or missing. A mark of exactly that
/// age is still good. Reducing orders are free.
///
/// It is asked when an order is about to leave and needs no timer;
/// [`DataQualityGuard`](crate::risk::DataQualityGuard) halts as soon as data fall silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketAge {
    most: Duration,
}

impl MarketAge {
    /// The name of its limit for changes at run time, in seconds.
    pub const LIMIT: &'static str = "market_age_s";

    /// The oldest mark that is good enough, above zero.
    ///
    /// # Errors
    /// [`RiskConfigError::NoSpan`] for zero.
    pub fn new(most: Duration) -> Result<Self, RiskConfigError> {
        Ok(Self { most: limits::span(Self::LIMIT, most)? })
    }
}

impl RiskRule for MarketAge {
    fn name(&self) -> &'static str {
        "market_age"
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let age = facts.mark_age(opening.intent.instrument);
        let observed = age.map_or(f64::NAN, seconds);
        let reason = Reason::new(ReasonCode::StaleData, seconds(self.most), observed);
        match age {
            Some(age) if age <= self.most => Limit::Allow(Some(reason)),
            Some(_) | None => Limit::Deny(reason),
        }
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if !key.is_all(Self::LIMIT) {
            return Ok(None);
        }
        limits::set_span(Self::LIMIT, &mut self.most, value).map(Some)
    }
}
