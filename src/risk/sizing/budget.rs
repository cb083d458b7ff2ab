//! From a budget in the reporting currency to a quantity that never costs more.

use rust_decimal::Decimal;

use crate::risk::equity::known_equity;
use crate::risk::exposure::settlement_rate;
use crate::types::{Facts, Grid, Instrument, Reason, ReasonCode, to_f64};

/// Equity above zero, or the reason why nothing can be sized by it.
pub(super) fn positive_equity(facts: &Facts<'_>) -> Result<Decimal, Reason> {
    let equity = known_equity(facts).filter(|equity| *equity > Decimal::ZERO);
    equity.ok_or(Reason::new(ReasonCode::InvalidInput, 0.0, facts.equity()))
}

/// The value of one unit at a price in the reporting currency.
pub(super) fn unit_value(
    instrument: &Instrument,
    price: Decimal,
    facts: &Facts<'_>,
) -> Result<Decimal, Reason> {
    let rate = settlement_rate(instrument, facts);
    let value = instrument.value(Decimal::ONE, price).map(|value| value.abs());
    let unit = value.and_then(|value| converted(value, rate));
    unit.ok_or(Reason::new(ReasonCode::InvalidInput, 0.0, rate))
}

/// An amount of the settlement currency in the reporting currency.
pub(super) fn converted(amount: Decimal, rate: f64) -> Option<Decimal> {
    if rate == 1.0 { Some(amount) } else { amount.checked_mul(exact_rate(rate)?) }
}

/// budget / unit on the step: a little too large at most where the division is rounded up,
/// which the check of the product takes back. `None` on overflow or when the unit is zero.
pub(super) fn affordable(
    budget: Decimal,
    unit: Decimal,
    instrument: &Instrument,
) -> Option<Decimal> {
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

/// A fraction of 0 or above as a decimal of nine places, rounded down.
pub(super) fn fraction_down(fraction: f64) -> Option<Decimal> {
    let nearest = Grid::new(9).ok()?.nearest(fraction)?;
    let step = Decimal::new(1, 9);
    let down = if to_f64(nearest) > fraction { nearest.checked_sub(step)? } else { nearest };
    (down >= Decimal::ZERO).then_some(down)
}
