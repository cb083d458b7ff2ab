use rust_decimal::Decimal;

use crate::risk::{Limit, Opening, RiskConfigError, RiskRule, limits};
use crate::types::{Facts, InstrumentId, LimitKey, LimitSubject, Qty, Reason, ReasonCode, to_f64};

/// The quantity that one order may open, against typing errors: above it the opening part is
/// refused, not cut, because a number that is wrong tells nothing about the right one.
///
/// There is no default: whoever trades says how much is too much. Reducing orders are free.
///
/// ```
/// use tradewright::risk::MaxOrderQuantity;
/// use tradewright::types::Decimal;
///
/// assert!(MaxOrderQuantity::each(Decimal::from(500)).is_ok());
/// assert!(MaxOrderQuantity::each(Decimal::ZERO).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxOrderQuantity {
    instrument: Option<InstrumentId>,
    most: Decimal,
}

impl MaxOrderQuantity {
    /// The name of its limit for changes at run time, in the instrument's units.
    pub const LIMIT: &'static str = "max_order_quantity";

    /// A limit for every instrument, above zero.
    ///
    /// # Errors
    /// [`RiskConfigError::NotPositive`].
    pub fn each(most: Decimal) -> Result<Self, RiskConfigError> {
        Ok(Self { instrument: None, most: limits::positive(Self::LIMIT, most)? })
    }

    /// A limit for one instrument, above zero.
    ///
    /// # Errors
    /// [`RiskConfigError::NotPositive`].
    pub fn of(instrument: InstrumentId, most: Decimal) -> Result<Self, RiskConfigError> {
        Ok(Self { instrument: Some(instrument), ..Self::each(most)? })
    }

    /// The largest quantity that one order may open.
    pub const fn largest(&self) -> Qty {
        Qty::new(self.most)
    }
}

impl RiskRule for MaxOrderQuantity {
    fn name(&self) -> &'static str {
        Self::LIMIT
    }

    fn limit(&self, opening: &Opening<'_>, _facts: &Facts<'_>) -> Limit {
        if self.instrument.is_some_and(|own| own != opening.intent.instrument) {
            return Limit::Allow(None);
        }
        let code = ReasonCode::MaxOrderQuantity;
        let reason = Reason::new(code, to_f64(self.most), opening.units);
        if opening.quantity <= self.most { Limit::Allow(Some(reason)) } else { Limit::Deny(reason) }
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        let subject = self.instrument.map_or(LimitSubject::All, LimitSubject::Instrument);
        if key.name.as_str() != Self::LIMIT || key.subject != subject {
            return Ok(None);
        }
        let new = limits::positive(Self::LIMIT, value)?;
        Ok(Some(core::mem::replace(&mut self.most, new)))
    }
}
