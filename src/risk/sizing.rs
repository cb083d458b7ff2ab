mod budget;
mod confidence;
mod equity_fraction;
mod fixed;
mod fixed_fractional;
mod kelly;
mod smallest;
mod volatility_target;

pub use confidence::ConfidenceScaled;
pub use equity_fraction::EquityFraction;
pub use fixed::{AllIn, FixedCash, FixedQuantity};
pub use fixed_fractional::{FixedFractional, StopDistance};
pub use kelly::{Kelly, KellyEdge, KellyWindow};
pub use smallest::Smallest;
pub use volatility_target::{VolatilitySource, VolatilityTarget};

use rust_decimal::Decimal;

use crate::types::{
    Amount, Bar, Facts, Instrument, Qty, Reason, ReasonCode, Signal, StateError, Trade, small,
    to_f64,
};
use crate::types::{Classification, Classify};

/// Turns an opinion into a size, once, on the instrument's grid.
///
/// Most sizers remember nothing. One that does is fed by the engine with the bars and the closed
/// trades of its slot, and its memory is part of the engine's snapshot.
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

    /// True when the sizer wants to see bars; asked once, when the engine is built.
    fn is_attentive(&self) -> bool {
        false
    }

    /// A bar of the slot's feeds has closed.
    fn on_bar(&mut self, _bar: &Bar) {}

    /// A piece of the slot's position was closed.
    fn on_trade(&mut self, _trade: &Trade) {}

    /// What it remembers, as bytes.
    ///
    /// # Errors
    /// [`StateError::Unwritable`].
    fn save_memory(&self) -> Result<Vec<u8>, StateError> {
        Ok(Vec::new())
    }

    /// Takes over what a sizer with the same parameters has remembered.
    ///
    /// # Errors
    /// [`StateError::Unreadable`] or [`StateError::Mismatch`].
    fn restore_memory(&mut self, _memory: &[u8]) -> Result<(), StateError> {
        Ok(())
    }
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

    fn is_attentive(&self) -> bool {
        (**self).is_attentive()
    }

    fn on_bar(&mut self, bar: &Bar) {
        (**self).on_bar(bar);
    }

    fn on_trade(&mut self, trade: &Trade) {
        (**self).on_trade(trade);
    }

    fn save_memory(&self) -> Result<Vec<u8>, StateError> {
        (**self).save_memory()
    }

    fn restore_memory(&mut self, memory: &[u8]) -> Result<(), StateError> {
        (**self).restore_memory(memory)
    }
}

/// Why a sizer cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
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
    /// A number must be finite and in its documented range.
    #[error("{what} {value} is out of its range")]
    BadNumber {
        /// Which parameter.
        what: &'static str,
        /// The refused value.
        value: f64,
    },
    /// A window has too few or too many entries, or asks for more than it holds.
    #[error("the window is out of its range")]
    BadWindow,
    /// A fraction of equity must be above 0 and at most 100.
    #[error("fraction {value} is not above 0 and at most 100")]
    BadFraction {
        /// The refused value.
        value: Decimal,
    },
}

impl Classify for SizerError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}

/// The mark on the series' grid.
fn mark(instrument: &Instrument, facts: &Facts<'_>) -> Result<Decimal, Reason> {
    let mark = facts.mark(instrument.id).unwrap_or(f64::NAN);
    let price = instrument.price_grid.nearest(mark).filter(|price| small::is_above_zero(*price));
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
    if !small::is_above_zero(quantity) {
        return refuse(ReasonCode::SizeZero, instrument.step, wanted);
    }
    if !instrument.min_quantity.is_zero() && quantity < instrument.min_quantity {
        return refuse(ReasonCode::SizeZero, instrument.min_quantity, quantity);
    }
    if instrument.min_notional.is_zero() {
        return Ok(Qty::new(quantity));
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
    let units = instrument.units(quantity)?;
    if instrument.kind.is_inverse() { Some(units) } else { units.checked_mul(price) }
}
