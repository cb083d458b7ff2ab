use rust_decimal::Decimal;

use crate::risk::{Limit, Opening, RiskConfigError, RiskRule, Standing, limits};
use crate::types::{
    Facts, InstrumentId, LimitKey, LimitSubject, Qty, Reason, ReasonCode, small, to_f64,
};

/// The quantity held in one symbol (or in each), working orders counted as filled, stays
/// below a number of units. It is compared exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolQuantity {
    symbol: Option<InstrumentId>,
    most: Decimal,
}

impl SymbolQuantity {
    /// A number of units of zero or above, for each symbol.
    ///
    /// # Errors
    /// [`RiskConfigError::LimitOutOfRange`] below zero.
    pub fn each(most: Decimal) -> Result<Self, RiskConfigError> {
        if most < Decimal::ZERO {
            let value = to_f64(most);
            return Err(RiskConfigError::LimitOutOfRange { what: "symbol quantity", value });
        }
        Ok(Self { symbol: None, most })
    }

    /// The same for one symbol.
    ///
    /// # Errors
    /// As [`SymbolQuantity::each`].
    pub fn of(symbol: InstrumentId, most: Decimal) -> Result<Self, RiskConfigError> {
        Ok(Self { symbol: Some(symbol), ..Self::each(most)? })
    }

    fn covers(&self, id: InstrumentId) -> bool {
        self.symbol.is_none_or(|symbol| symbol == id)
    }

    fn reason(&self, observed: Decimal) -> Reason {
        Reason::new(ReasonCode::SymbolQuantity, to_f64(self.most), to_f64(observed))
    }
}

impl RiskRule for SymbolQuantity {
    fn name(&self) -> &'static str {
        "symbol_quantity"
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let intent = opening.intent;
        if !self.covers(intent.instrument) {
            return Limit::Allow(None);
        }
        let held = Standing::after(intent, opening.earlier, facts).held(intent.side);
        let resulting = small::plus(held, opening.quantity).unwrap_or(Decimal::MAX);
        let reason = self.reason(resulting);
        if resulting <= self.most {
            return Limit::Allow(Some(reason));
        }
        let room = self.most.saturating_sub(held);
        let instrument = facts.instruments.get(intent.instrument);
        let floored = instrument.and_then(|instrument| instrument.floor_to_step(room));
        match floored.filter(|room| *room > Decimal::ZERO) {
            Some(room) => Limit::Cap(Qty::new(room), reason),
            None => Limit::Deny(reason),
        }
    }

    fn usage(&self, facts: &Facts<'_>) -> Option<Reason> {
        let covered = facts.instruments.iter().filter(|instrument| self.covers(instrument.id));
        let worst = covered.map(|instrument| Standing::of(instrument.id, facts).worst()).max();
        worst.map(|worst| self.reason(worst))
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        let subject = self.symbol.map_or(LimitSubject::All, LimitSubject::Instrument);
        if key.name.as_str() != "symbol_quantity" || key.subject != subject {
            return Ok(None);
        }
        let new = limits::not_negative("symbol quantity", value)?;
        Ok(Some(core::mem::replace(&mut self.most, new)))
    }
}
