use rust_decimal::Decimal;

use super::budget::{affordable, positive_equity, unit_value};
use super::{Sizer, SizerError, mark, on_grid};
use crate::types::{Amount, Facts, Instrument, Reason, ReasonCode, Signal};

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
        let equity = positive_equity(facts)?;
        let price = mark(instrument, facts)?;
        let unit = unit_value(instrument, price, facts)?;
        let budget = equity.checked_mul(self.fraction);
        let wanted = budget.and_then(|budget| affordable(budget, unit, instrument));
        let invalid = Reason::new(ReasonCode::InvalidInput, 0.0, facts.equity());
        let wanted = wanted.ok_or(invalid)?;
        on_grid(instrument, wanted, price).map(Amount::Quantity)
    }
}
