use rust_decimal::Decimal;

use super::{Ceiling, is_within};
use crate::risk::{Limit, Opening, RiskConfigError, RiskRule};
use crate::types::{Facts, LimitKey, Qty, Reason, ReasonCode};

/// The value that one order may open, in the reporting currency: above it the opening part is
/// refused, not cut. Market orders are valued at their reference price, sales at the mark at
/// least.
///
/// There is no default. Reducing orders are free.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxOrderNotional {
    ceiling: Ceiling,
}

impl MaxOrderNotional {
    /// The name of its limit for changes at run time: an amount of the reporting currency, or
    /// a fraction of equity, as it was built.
    pub const LIMIT: &'static str = "max_order_notional";

    /// A ceiling for every order.
    ///
    /// # Errors
    /// [`RiskConfigError::LimitOutOfRange`] for a negative or non-finite ceiling.
    pub fn new(ceiling: Ceiling) -> Result<Self, RiskConfigError> {
        Ok(Self { ceiling: ceiling.checked(Self::LIMIT)? })
    }

    /// The largest quantity of this opening that the ceiling would let pass, on the
    /// instrument's step; `None` for none, and while a price is missing.
    pub fn largest(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Option<Qty> {
        let limit = self.ceiling.amount(facts);
        let value = |quantity: f64| quantity * opening.unit_value;
        match super::capped(opening, facts, ReasonCode::MaxOrderNotional, limit, value) {
            Limit::Allow(_) => Some(Qty::new(opening.quantity)),
            Limit::Cap(quantity, _) => Some(quantity),
            Limit::Deny(_) => None,
        }
    }
}

impl RiskRule for MaxOrderNotional {
    fn name(&self) -> &'static str {
        Self::LIMIT
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let (limit, value) = (self.ceiling.amount(facts), opening.value());
        let reason = Reason::new(ReasonCode::MaxOrderNotional, limit, value);
        if is_within(value, limit) { Limit::Allow(Some(reason)) } else { Limit::Deny(reason) }
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if !key.is_all(Self::LIMIT) {
            return Ok(None);
        }
        self.ceiling.set(Self::LIMIT, value).map(Some)
    }
}
