mod confidence;
mod equity_fraction;
mod fixed;

pub use confidence::ConfidenceScaled;
pub use equity_fraction::EquityFraction;
pub use fixed::{AllIn, FixedCash, FixedQuantity};

use rust_decimal::Decimal;

use crate::types::{Amount, Facts, Instrument, Qty, Reason, ReasonCode, Signal, to_f64};

/// Turns an opinion into a size, once, on the instrument's grid.
pub trait Sizer: Send {
    /// The amount to open on this signal.
    ///
    /// # Errors
    /// The [`Reason`] why nothing can be opened (no equity, rounds down to zero …).
    fn size(
        &self,
        signal: &Signal,
        instrument: &Instrument,
        facts: &Facts<'_>,
    ) -> Result<Amount, Reason>;
}

impl<S: Sizer + ?Sized> Sizer for Box<S> {
    fn size(
        &self,
        signal: &Signal,
        instrument: &Instrument,
        facts: &Facts<'_>,
    ) -> Result<Amount, Reason> {
        (**self).size(signal, instrument, facts)
    }
}

/// Why a sizer cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SizerError {
    /// The amount must be above zero.
    #[error("{what} {value} is not above zero")]
    NotPositive {
        /// Which parameter.
        what: &'static str,
        /// The refused value.
        value: Decimal,
    },
    /// A fraction of equity must be above 0 and at most 100.
    #[error("fraction {value} is not above 0 and at most 100")]
    BadFraction {
        /// The refused value.
        value: Decimal,
    },
}

/// The mark on the series' grid.
fn mark(instrument: &Instrument, facts: &Facts<'_>) -> Result<Decimal, Reason> {
    let mark = facts.mark(instrument.id).unwrap_or(f64::NAN);
    let price = instrument.price_grid.nearest(mark).filter(|price| *price > Decimal::ZERO);
    price.ok_or(Reason::new(ReasonCode::InvalidInput, 0.0, mark))
}

/// Rounds down to the step and checks the instrument's minima at this price.
fn on_grid(instrument: &Instrument, wanted: Decimal, price: Decimal) -> Result<Qty, Reason> {
    let refuse = |code, limit: Decimal, observed: Decimal| {
        Err(Reason::new(code, to_f64(limit), to_f64(observed)))
    };
    let Some(quantity) = instrument.floor_to_step(wanted) else {
        return refuse(ReasonCode::InvalidInput, instrument.step, wanted);
    };
    if quantity <= Decimal::ZERO {
        return refuse(ReasonCode::SizeZero, instrument.step, wanted);
    }
    if quantity < instrument.min_quantity {
        return refuse(ReasonCode::SizeZero, instrument.min_quantity, quantity);
    }
    let notional = notional(instrument, quantity, price).unwrap_or_default();
    if notional < instrument.min_notional {
        return refuse(ReasonCode::MinNotional, instrument.min_notional, notional);
    }
    Ok(Qty::new(quantity))
}

/// Order value in the quote currency: `quantity * multiplier * price`; the contract's own
/// quote value for inverse contracts. `None` on overflow.
pub(super) fn notional(
    instrument: &Instrument,
    quantity: Decimal,
    price: Decimal,
) -> Option<Decimal> {
    let units = quantity.checked_mul(instrument.multiplier)?;
    if instrument.kind.is_inverse() { Some(units) } else { units.checked_mul(price) }
}
