use rust_decimal::Decimal;

use super::{Sizer, SizerError, mark, on_grid};
use crate::types::{Amount, Facts, Instrument, Money, Qty, Reason, ReasonCode, Signal, to_f64};

/// Always the same quantity, rounded down to the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedQuantity {
    quantity: Decimal,
}

impl FixedQuantity {
    /// A quantity above zero.
    ///
    /// # Errors
    /// [`SizerError::NotPositive`] at zero and below.
    pub fn new(quantity: Decimal) -> Result<Self, SizerError> {
        if quantity <= Decimal::ZERO {
            return Err(SizerError::NotPositive { what: "quantity", value: quantity });
        }
        Ok(Self { quantity })
    }
}

impl Sizer for FixedQuantity {
    fn size(
        &self,
        _signal: &Signal,
        instrument: &Instrument,
        facts: &Facts<'_>,
    ) -> Result<Amount, Reason> {
        let price = mark(instrument, facts)?;
        on_grid(instrument, self.quantity, price).map(Amount::Quantity)
    }
}

/// Always the same amount of the quote currency, which the venue turns into a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedCash {
    amount: Decimal,
}

impl FixedCash {
    /// An amount above zero, fees included.
    ///
    /// # Errors
    /// [`SizerError::NotPositive`] at zero and below.
    pub fn new(amount: Decimal) -> Result<Self, SizerError> {
        if amount <= Decimal::ZERO {
            return Err(SizerError::NotPositive { what: "cash amount", value: amount });
        }
        Ok(Self { amount })
    }
}

impl Sizer for FixedCash {
    fn size(
        &self,
        _signal: &Signal,
        instrument: &Instrument,
        _facts: &Facts<'_>,
    ) -> Result<Amount, Reason> {
        cash(self.amount, instrument)
    }
}

/// All cash of the instrument's quote currency, fees included; the venue turns it into a
/// quantity at the fill, so that nothing is left and nothing is borrowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AllIn;

impl Sizer for AllIn {
    fn size(
        &self,
        _signal: &Signal,
        instrument: &Instrument,
        facts: &Facts<'_>,
    ) -> Result<Amount, Reason> {
        cash(facts.book.cash(instrument.quote), instrument)
    }
}

/// A cash amount above zero that reaches the instrument's minimum value.
fn cash(amount: Decimal, instrument: &Instrument) -> Result<Amount, Reason> {
    if amount <= Decimal::ZERO {
        return Err(Reason::new(ReasonCode::BuyingPower, 0.0, to_f64(amount)));
    }
    if amount < instrument.min_notional {
        let limit = to_f64(instrument.min_notional);
        return Err(Reason::new(ReasonCode::MinNotional, limit, to_f64(amount)));
    }
    Ok(Amount::Cash(Money::new(amount, instrument.quote)))
}

/// A fixed size is often written as a plain number of units.
impl TryFrom<Qty> for FixedQuantity {
    type Error = SizerError;

    fn try_from(quantity: Qty) -> Result<Self, SizerError> {
        Self::new(quantity.value())
    }
}
