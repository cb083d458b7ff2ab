use rust_decimal::Decimal;

use crate::types::{Facts, Grid, InstrumentId};

/// Equity as a decimal: exact where it can be, else the `f64` on the finest grid that holds it
/// (books with converted currencies have no exact value). `None` while it is not known: a mark
/// or rate of an open position is missing, or the number is not finite.
pub(super) fn known_equity(facts: &Facts<'_>) -> Option<Decimal> {
    if !facts.equity().is_finite() {
        return None;
    }
    facts.equity_exact().or_else(|| nearest(facts))
}

#[cold]
fn nearest(facts: &Facts<'_>) -> Option<Decimal> {
    for (index, position) in facts.book.nets().iter().enumerate() {
        let mark = facts.book.mark(InstrumentId(index as u32));
        if !position.is_flat() && !mark.is_some_and(|mark| mark.rate > 0.0) {
            return None;
        }
    }
    rounded(facts.equity())
}

/// An amount on the finest grid of up to eight decimals that holds it; `None` when not finite.
pub(super) fn rounded(amount: f64) -> Option<Decimal> {
    let grids = [8, 6, 4, 2, 0].into_iter().filter_map(|digits| Grid::new(digits).ok());
    grids.filter_map(|grid| grid.nearest(amount)).next()
}
