use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::budget::affordable;
use super::{Sizer, mark, on_grid};
use crate::types::{Amount, Bar, Facts, Instrument, Qty, Reason, Signal, State, StateError, Trade};

/// The smallest of several sizers' answers: the one that refuses, refuses for all.
///
/// Cash amounts are turned into quantities at the mark.
///
/// ```
/// use tradewright::risk::{EquityFraction, FixedFractional, Smallest, StopDistance};
/// use tradewright::types::Decimal;
///
/// let risk = FixedFractional::new(Decimal::new(1, 2), StopDistance::Plan)?;
/// let cap = EquityFraction::new(Decimal::new(25, 2))?;
/// let sizer = Smallest::new(risk).and(cap);
/// # let _ = sizer;
/// # Ok::<(), tradewright::risk::SizerError>(())
/// ```
pub struct Smallest {
    sizers: Vec<Box<dyn Sizer>>,
}

impl Smallest {
    /// Starts with one sizer.
    pub fn new(first: impl Sizer + 'static) -> Self {
        Self { sizers: vec![Box::new(first)] }
    }

    /// Adds another one.
    #[must_use]
    pub fn and(mut self, other: impl Sizer + 'static) -> Self {
        self.sizers.push(Box::new(other));
        self
    }
}

impl Sizer for Smallest {
    fn size(
        &self,
        signal: &Signal,
        instrument: &Instrument,
        facts: &Facts<'_>,
    ) -> Result<Amount, Reason> {
        let price = mark(instrument, facts)?;
        let mut smallest: Option<Decimal> = None;
        for sizer in &self.sizers {
            let quantity = match sizer.size(signal, instrument, facts)? {
                Amount::Quantity(quantity) => quantity.value(),
                Amount::Cash(money) => {
                    let unit = instrument.value(Decimal::ONE, price).map(|value| value.abs());
                    let units = unit.and_then(|unit| affordable(money.amount, unit, instrument));
                    units.unwrap_or_default()
                }
            };
            smallest = Some(smallest.map_or(quantity, |before| before.min(quantity)));
        }
        let smallest = Qty::new(smallest.unwrap_or_default());
        on_grid(instrument, smallest.value(), price).map(Amount::Quantity)
    }

    fn is_attentive(&self) -> bool {
        self.sizers.iter().any(|sizer| sizer.is_attentive())
    }

    fn on_bar(&mut self, bar: &Bar) {
        for sizer in &mut self.sizers {
            sizer.on_bar(bar);
        }
    }

    fn on_trade(&mut self, trade: &Trade) {
        for sizer in &mut self.sizers {
            sizer.on_trade(trade);
        }
    }

    fn save_memory(&self) -> Result<Vec<u8>, StateError> {
        let memories = self.sizers.iter().map(|sizer| sizer.save_memory());
        Saved(memories.collect::<Result<_, _>>()?).save()
    }

    fn restore_memory(&mut self, memory: &[u8]) -> Result<(), StateError> {
        let mut saved = Saved(Vec::new());
        saved.restore(memory)?;
        if saved.0.len() != self.sizers.len() {
            let text = |count: usize| format!("the smallest of {count} sizers");
            let (expected, found) = (text(self.sizers.len()), text(saved.0.len()));
            return Err(StateError::Mismatch { expected, found });
        }
        self.sizers.iter_mut().zip(&saved.0).try_for_each(|(own, saved)| own.restore_memory(saved))
    }
}

#[derive(Serialize, Deserialize)]
struct Saved(Vec<Vec<u8>>);
