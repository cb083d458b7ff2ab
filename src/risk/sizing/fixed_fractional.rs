use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::budget::{affordable, converted, positive_equity};
use super::{Sizer, SizerError, mark, on_grid};
use crate::risk::exposure::settlement_rate;
use crate::types::{
    Amount, Facts, Grid, Instrument, Reason, ReasonCode, Side, Signal, exact, to_f64,
};

/// Every trade risks the same fraction of equity down to its stop.
///
/// The quantity is `equity * risk / loss of one unit at the stop`, rounded down to the step,
/// so that the loss at the stop is at most `equity * risk` (slippage and gaps aside). A near
/// stop gives a large position: combine it with a cap by [`Smallest`](super::Smallest).
///
/// Source: Vince, "Portfolio Management Formulas" (1990).
///
/// ```
/// use tradewright::risk::{FixedFractional, Sizer, StopDistance};
/// use tradewright::types::{
///     Amount, Confidence, Decimal, FactBookBuilder, Facts, Instrument, Instruments, Label, Side,
///     Signal, SlotId, Timestamp,
/// };
///
/// let mut table = Instruments::new();
/// let spy = table.add(Instrument::stock("SPY", "USD"))?;
/// let usd = table.find_asset("USD").unwrap();
/// let book = FactBookBuilder::new(&table, usd)
///     .cash(usd, Decimal::from(100_000))
///     .mark(spy, Timestamp::EPOCH, 400.0)
///     .build();
/// let facts = Facts::new(Timestamp::EPOCH, SlotId(1), &table, &book);
/// let signal = Signal {
///     instrument: spy,
///     side: Side::Buy,
///     confidence: Confidence::FULL,
///     tag: Label::default(),
///     reason: Label::default(),
/// };
/// // One percent of equity over a stop two percent below: 1000 / 8 a share.
/// let stop = StopDistance::Fraction(Decimal::new(2, 2));
/// let sizer = FixedFractional::new(Decimal::new(1, 2), stop).unwrap();
/// assert_eq!(sizer.size(&signal, &table[spy], &facts), Ok(Amount::Quantity(125.into())));
/// # Ok::<(), tradewright::types::InstrumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedFractional {
    risk: Decimal,
    stop: StopDistance,
}

/// Where a sizer takes the distance to the stop from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum StopDistance {
    /// Where the slot's stop plan would put a stop now; nothing is opened before it knows.
    Plan,
    /// An amount of the quote currency.
    Price(#[serde(with = "exact")] Decimal),
    /// A fraction of the mark, above 0 and below 1.
    Fraction(#[serde(with = "exact")] Decimal),
}

impl FixedFractional {
    /// A risk per trade as a fraction of equity, above 0 and at most 1.
    ///
    /// # Errors
    /// [`SizerError::BadFraction`] for the risk or a distance outside of their ranges.
    pub fn new(risk: Decimal, stop: StopDistance) -> Result<Self, SizerError> {
        if risk <= Decimal::ZERO || risk > Decimal::ONE {
            return Err(SizerError::BadFraction { value: risk });
        }
        match stop {
            StopDistance::Price(value) if value <= Decimal::ZERO => {
                Err(SizerError::NotPositive { what: "stop distance", value })
            }
            StopDistance::Fraction(value) if value <= Decimal::ZERO || value >= Decimal::ONE => {
                Err(SizerError::BadFraction { value })
            }
            StopDistance::Plan | StopDistance::Price(_) | StopDistance::Fraction(_) => {
                Ok(Self { risk, stop })
            }
        }
    }

    /// The distance to the stop in the quote currency, above zero.
    fn distance(&self, price: Decimal, facts: &Facts<'_>, signal: &Signal) -> Option<Decimal> {
        let distance = match self.stop {
            StopDistance::Plan => Grid::recover(facts.stop(signal.instrument).distance)?,
            StopDistance::Price(distance) => distance,
            StopDistance::Fraction(fraction) => price.checked_mul(fraction)?,
        };
        (distance > Decimal::ZERO).then_some(distance)
    }
}

impl Sizer for FixedFractional {
    fn size(
        &self,
        signal: &Signal,
        instrument: &Instrument,
        facts: &Facts<'_>,
    ) -> Result<Amount, Reason> {
        let equity = positive_equity(facts)?;
        let price = mark(instrument, facts)?;
        let unknown =
            Reason::new(ReasonCode::StopDistance, 0.0, facts.stop(signal.instrument).distance);
        let distance = self.distance(price, facts, signal).ok_or(unknown)?;
        let rate = settlement_rate(instrument, facts);
        let sized = || {
            let loss = unit_loss(instrument, price, distance, signal.side)?;
            affordable(equity.checked_mul(self.risk)?, converted(loss, rate)?, instrument)
        };
        let invalid = Reason::new(ReasonCode::InvalidInput, 0.0, to_f64(distance));
        on_grid(instrument, sized().ok_or(invalid)?, price).map(Amount::Quantity)
    }
}

/// What one unit loses from the price to its stop, in the settlement currency. A stop of a
/// long position below zero loses the whole price.
fn unit_loss(
    instrument: &Instrument,
    price: Decimal,
    distance: Decimal,
    side: Side,
) -> Option<Decimal> {
    let stop = match side {
        Side::Buy => price.checked_sub(distance)?,
        Side::Sell => price.checked_add(distance)?,
    };
    let at_price = instrument.value(Decimal::ONE, price)?;
    let at_stop = match instrument.value(Decimal::ONE, stop) {
        Some(value) if stop > Decimal::ZERO => value,
        // An inverse contract has no value at zero: its loss there is without end.
        Some(_) | None if instrument.kind.is_inverse() => return None,
        Some(_) => Decimal::ZERO,
        None => return None,
    };
    at_price.checked_sub(at_stop).map(|loss| loss.abs()).filter(|loss| !loss.is_zero())
}
