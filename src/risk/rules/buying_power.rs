use rust_decimal::Decimal;

use super::capped;
use crate::risk::exposure::settlement_rate;
use crate::risk::{Limit, Opening, RiskConfigError, RiskRule, limits};
use crate::types::{Amount, Facts, Instrument, InstrumentId, Intent, LimitKey, ReasonCode, to_f64};

/// What is opened must be paid for: cash of the settlement currency plus a credit line covers
/// every working order that opens, the group's earlier legs and the new opening.
///
/// It judges what is paid in full (spot, options), purchases and short sales alike; contracts
/// on margin are left to the margin rules. Amounts are in the reporting currency; working
/// orders count at the mark. It caps; reducing orders are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuyingPower {
    credit: Decimal,
    reserve_bps: u32,
}

impl BuyingPower {
    /// The name of its limit for changes at run time: the credit line.
    pub const LIMIT: &'static str = "credit_line";

    /// Cash plus this credit line, zero or above.
    ///
    /// # Errors
    /// [`RiskConfigError::Negative`].
    pub fn new(credit: Decimal) -> Result<Self, RiskConfigError> {
        Ok(Self { credit: limits::not_negative(Self::LIMIT, credit)?, reserve_bps: 0 })
    }

    /// A share of every opening that is kept for fees and slippage, in basis points of its
    /// value (none unless set).
    #[must_use]
    pub const fn reserve_bps(mut self, points: u32) -> Self {
        self.reserve_bps = points;
        self
    }

    /// What working orders and earlier legs in the same currency will take, NaN when unknown.
    fn committed(opening: &Opening<'_>, own: &Instrument, facts: &Facts<'_>) -> f64 {
        let mut sum = 0.0;
        let paid_in = |id: InstrumentId| {
            let found = facts.instruments.get(id)?;
            (found.settlement == own.settlement && found.kind.is_paid_in_full()).then_some(found)
        };
        for (place, reach) in facts.book.reaches().iter().enumerate() {
            // What an order closes it does not have to pay for.
            if reach.opens() && paid_in(InstrumentId(place as u32)).is_some() {
                sum += reach.opened_value_in_all();
            }
        }
        for leg in opening.earlier {
            if let Some(instrument) = paid_in(leg.instrument) {
                sum += value_of(leg, instrument, facts);
            }
        }
        sum
    }
}

fn value_of(leg: &Intent, instrument: &Instrument, facts: &Facts<'_>) -> f64 {
    match leg.amount {
        Amount::Quantity(quantity) => {
            quantity.to_f64() * facts.book.reach(instrument.id).unit_value()
        }
        Amount::Cash(money) => to_f64(money.amount) * settlement_rate(instrument, facts),
    }
}

impl RiskRule for BuyingPower {
    fn name(&self) -> &'static str {
        "buying_power"
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let Some(own) = facts.instruments.get(opening.intent.instrument) else {
            return capped(opening, facts, ReasonCode::BuyingPower, f64::NAN, |_| f64::NAN);
        };
        if !own.kind.is_paid_in_full() {
            return Limit::Allow(None);
        }
        let cash = to_f64(facts.book.cash(own.settlement)) * settlement_rate(own, facts);
        let power = cash + to_f64(self.credit);
        let factor = 1.0 + f64::from(self.reserve_bps) / 1e4;
        let committed = Self::committed(opening, own, facts);
        capped(opening, facts, ReasonCode::BuyingPower, power, |quantity| {
            committed + quantity * opening.unit_value * factor
        })
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if !key.is_all(Self::LIMIT) {
            return Ok(None);
        }
        let new = limits::not_negative(Self::LIMIT, value)?;
        Ok(Some(core::mem::replace(&mut self.credit, new)))
    }
}
