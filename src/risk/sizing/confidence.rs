use rust_decimal::Decimal;

use super::{Sizer, mark, on_grid};
use crate::types::{
    Amount, Bar, Facts, Grid, Instrument, Money, Reason, ReasonCode, Signal, StateError, Trade,
    to_f64,
};

/// Another sizer's amount times the signal's confidence: never more than the other asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConfidenceScaled<S> {
    inner: S,
}

impl<S: Sizer> ConfidenceScaled<S> {
    /// Scales what `inner` asks.
    pub const fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S: Sizer> Sizer for ConfidenceScaled<S> {
    fn size(
        &self,
        signal: &Signal,
        instrument: &Instrument,
        facts: &Facts<'_>,
    ) -> Result<Amount, Reason> {
        let confidence = signal.confidence.value();
        let zero = Reason::new(ReasonCode::SizeZero, 0.0, confidence);
        let factor = MILLIARDTHS.and_then(|grid| grid.nearest(confidence)).ok_or(zero)?;
        match self.inner.size(signal, instrument, facts)? {
            Amount::Quantity(quantity) => {
                let scaled = quantity.value().checked_mul(factor).ok_or(zero)?;
                on_grid(instrument, scaled, mark(instrument, facts)?).map(Amount::Quantity)
            }
            Amount::Cash(money) => {
                let scaled = money.amount.checked_mul(factor).ok_or(zero)?;
                if scaled <= Decimal::ZERO {
                    return Err(zero);
                }
                if scaled < instrument.min_notional {
                    let limit = to_f64(instrument.min_notional);
                    return Err(Reason::new(ReasonCode::MinNotional, limit, to_f64(scaled)));
                }
                Ok(Amount::Cash(Money::new(scaled, money.asset)))
            }
        }
    }

    fn is_attentive(&self) -> bool {
        self.inner.is_attentive()
    }

    fn on_bar(&mut self, bar: &Bar) {
        self.inner.on_bar(bar);
    }

    fn on_trade(&mut self, trade: &Trade) {
        self.inner.on_trade(trade);
    }

    fn save_memory(&self) -> Result<Vec<u8>, StateError> {
        self.inner.save_memory()
    }

    fn restore_memory(&mut self, memory: &[u8]) -> Result<(), StateError> {
        self.inner.restore_memory(memory)
    }
}

/// Confidences are taken to nine decimals.
const MILLIARDTHS: Option<Grid> = match Grid::new(9) {
    Ok(grid) => Some(grid),
    Err(_) => None,
};
