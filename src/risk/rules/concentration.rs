use rust_decimal::Decimal;

use super::usage::largest_value;
use super::{Ceiling, capped};
use crate::risk::{Exposure, Limit, Opening, RiskConfigError, RiskRule};
use crate::types::{Facts, LimitKey, Reason, ReasonCode, to_f64};

/// One symbol's share of the gross exposure, working orders counted as filled, stays below a
/// fraction.
///
/// The first position would always be the whole exposure: until the gross exposure reaches a
/// floor, the share is taken of the floor (the equity, unless set).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Concentration {
    share: f64,
    floor: Ceiling,
}

impl Concentration {
    /// A share of 0 to 1 (0.25 is a quarter); the floor is the equity.
    ///
    /// # Errors
    /// [`RiskConfigError::LimitOutOfRange`] for a negative or non-finite share.
    pub fn new(share: f64) -> Result<Self, RiskConfigError> {
        Ceiling::OfEquity(share).checked("concentration")?;
        Ok(Self { share, floor: Ceiling::OfEquity(1.0) })
    }

    /// The value of which the share is taken while the gross exposure is smaller.
    ///
    /// # Errors
    /// [`RiskConfigError::LimitOutOfRange`] for a negative or non-finite floor.
    pub fn with_floor(self, floor: Ceiling) -> Result<Self, RiskConfigError> {
        Ok(Self { floor: floor.checked("concentration floor")?, ..self })
    }

    fn share_of(value: f64, gross: f64, floor: f64) -> f64 {
        // An unknown gross exposure must not pass for a small one, nor an unknown floor for none.
        let whole = if gross > floor || gross.is_nan() { gross } else { floor };
        if value == 0.0 && whole == 0.0 { 0.0 } else { value / whole }
    }
}

impl RiskRule for Concentration {
    fn name(&self) -> &'static str {
        "concentration"
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let floor = self.floor.amount(facts);
        capped(opening, facts, ReasonCode::Concentration, self.share, |quantity| {
            let resulting = opening.resulting_value(quantity);
            let value =
                if resulting <= opening.worst_value { opening.worst_value } else { resulting };
            Self::share_of(value, opening.resulting_gross(quantity), floor)
        })
    }

    fn usage(&self, facts: &Facts<'_>) -> Option<Reason> {
        let (floor, gross) = (self.floor.amount(facts), Exposure::of(facts).gross);
        let share = Self::share_of(largest_value(facts, |_| true), gross, floor);
        Some(Reason::new(ReasonCode::Concentration, self.share, share))
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if !key.is_all("concentration") {
            return Ok(None);
        }
        let mut ceiling = Ceiling::OfEquity(self.share);
        let before = ceiling.set("concentration", value)?;
        self.share = to_f64(value);
        Ok(Some(before))
    }
}
