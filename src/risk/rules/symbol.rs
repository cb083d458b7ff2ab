use rust_decimal::Decimal;

use super::usage::largest_value;
use super::{Ceiling, capped};
use crate::risk::{Limit, Opening, RiskConfigError, RiskRule};
use crate::types::{Facts, InstrumentId, LimitKey, LimitSubject, Reason, ReasonCode};

/// The value of the position in one symbol (or in each), working orders counted as filled,
/// stays below a ceiling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SymbolExposure {
    symbol: Option<InstrumentId>,
    ceiling: Ceiling,
}

impl SymbolExposure {
    /// A ceiling for each symbol.
    ///
    /// # Errors
    /// [`RiskConfigError::LimitOutOfRange`] for a negative or non-finite ceiling.
    pub fn each(ceiling: Ceiling) -> Result<Self, RiskConfigError> {
        Ok(Self { symbol: None, ceiling: ceiling.checked("symbol exposure")? })
    }

    /// A ceiling for one symbol.
    ///
    /// # Errors
    /// As [`SymbolExposure::each`].
    pub fn of(symbol: InstrumentId, ceiling: Ceiling) -> Result<Self, RiskConfigError> {
        Ok(Self { symbol: Some(symbol), ..Self::each(ceiling)? })
    }
}

impl RiskRule for SymbolExposure {
    fn name(&self) -> &'static str {
        "symbol_exposure"
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        if self.symbol.is_some_and(|symbol| symbol != opening.intent.instrument) {
            return Limit::Allow(None);
        }
        let limit = self.ceiling.amount(facts);
        capped(opening, facts, ReasonCode::SymbolExposure, limit, |quantity| {
            opening.resulting_value(quantity)
        })
    }

    fn usage(&self, facts: &Facts<'_>) -> Option<Reason> {
        let is_covered = |id| self.symbol.is_none_or(|symbol| symbol == id);
        let value = largest_value(facts, |instrument| is_covered(instrument.id));
        Some(Reason::new(ReasonCode::SymbolExposure, self.ceiling.amount(facts), value))
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        let subject = self.symbol.map_or(LimitSubject::All, LimitSubject::Instrument);
        if key.name.as_str() != "symbol_exposure" || key.subject != subject {
            return Ok(None);
        }
        self.ceiling.set("symbol exposure", value).map(Some)
    }
}
