use rust_decimal::Decimal;

use super::{Sizer, SizerError, mark, on_grid};
use crate::risk::equity::known_equity;
use crate::risk::exposure::settlement_rate;
use crate::types::{Amount, Facts, Grid, Instrument, Reason, ReasonCode, Signal, to_f64};

/// A fraction of equity at the mark price: the default sizer, with 0.1 as the default
/// fraction, which is also the default limit of a position.
///
/// The quantity is `equity * fraction / value of one unit`, rounded down to the step, so that
/// `quantity * value <= equity * fraction` always holds. Positions that are open already do
/// not make it smaller; the position limit does that.
///
/// ```
/// use tradewright::risk::{EquityFraction, Sizer};
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
///     .mark(spy, Timestamp::EPOCH, 333.0)
///     .build();
/// let facts = Facts::new(Timestamp::EPOCH, SlotId(1), &table, &book);
/// let signal = Signal {
///     instrument: spy,
///     side: Side::Buy,
///     confidence: Confidence::FULL,
///     tag: Label::default(),
///     reason: Label::default(),
/// };
/// let size = EquityFraction::default().size(&signal, &table[spy], &facts);
/// assert_eq!(size, Ok(Amount::Quantity(30.into())));
/// # Ok::<(), tradewright::types::InstrumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EquityFraction {
    fraction: Decimal,
}

impl EquityFraction {
    /// A fraction above 0 and at most 100 (0.1 is ten percent; above 1 is leverage).
    ///
    /// # Errors
    /// [`SizerError::BadFraction`] outside of that.
    pub fn new(fraction: Decimal) -> Result<Self, SizerError> {
        if fraction <= Decimal::ZERO || fraction > Decimal::ONE_HUNDRED {
            return Err(SizerError::BadFraction { value: fraction });
        }
        Ok(Self { fraction })
    }

    /// The fraction of equity.
    pub const fn fraction(&self) -> Decimal {
        self.fraction
    }
}

impl Default for EquityFraction {
    fn default() -> Self {
        Self { fraction: Decimal::new(1, 1) }
    }
}

impl Sizer for EquityFraction {
    fn size(
        &self,
        _signal: &Signal,
        instrument: &Instrument,
        facts: &Facts<'_>,
    ) -> Result<Amount, Reason> {
        let invalid = |observed: f64| Reason::new(ReasonCode::InvalidInput, 0.0, observed);
        let equity = known_equity(facts).filter(|equity| *equity > Decimal::ZERO);
        let equity = equity.ok_or_else(|| invalid(facts.equity()))?;
        let price = mark(instrument, facts)?;
        let rate = settlement_rate(instrument, facts);
        let wanted = wanted(equity, self.fraction, instrument, price, rate);
        let wanted = wanted.ok_or_else(|| invalid(rate))?;
        on_grid(instrument, wanted, price).map(Amount::Quantity)
    }
}

/// equity * fraction / (value of one unit), a little too large at most where the division is
/// rounded up, which the check of the product takes back.
fn wanted(
    equity: Decimal,
    fraction: Decimal,
    instrument: &Instrument,
    price: Decimal,
    rate: f64,
) -> Option<Decimal> {
    let budget = equity.checked_mul(fraction)?;
    let unit = instrument.value(Decimal::ONE, price)?.abs();
    let unit = if rate == 1.0 { unit } else { unit.checked_mul(exact_rate(rate)?)? };
    let wanted = instrument.floor_to_step(budget.checked_div(unit)?)?;
    if wanted.checked_mul(unit)? > budget {
        return wanted.checked_sub(instrument.step);
    }
    Some(wanted)
}

/// A conversion rate as a decimal, as fine as its size allows.
fn exact_rate(rate: f64) -> Option<Decimal> {
    let digits = [12, 8, 4, 0].into_iter().filter_map(|digits| Grid::new(digits).ok());
    let rate = digits.filter_map(|grid| grid.nearest(rate)).next()?;
    (to_f64(rate) > 0.0).then_some(rate)
}
