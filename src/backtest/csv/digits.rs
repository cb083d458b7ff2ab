use crate::backtest::SourceError;
use crate::types::Grid;

use super::table::Table;

/// What to do with rows out of order and repeated rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sorting {
    Strict,
    Lenient,
}

/// What to do with numbers that are finer than the grid.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    Refuse,
    Snap,
}

/// The decimals that the cells of one kind need.
#[derive(Default)]
pub(super) struct Finest {
    decimals: u32,
    largest: f64,
    /// Names the cell with the most decimals.
    refusal: Option<SourceError>,
}

impl Finest {
    pub(super) fn number(&mut self, table: &Table, column: usize) -> Result<f64, SourceError> {
        let (value, decimals) = table.number(column)?;
        self.largest = self.largest.max(value.abs());
        if decimals > self.decimals {
            self.decimals = decimals;
            let wanted = "number on a grid that holds the largest of its kind (2^51 ticks at \
                          most; snap rounds to digits that are set)";
            self.refusal = Some(table.bad_cell(column, wanted));
        }
        Ok(value)
    }

    /// The digits that the file needs. They are not needed, and may be more than any grid has,
    /// when the user has set them.
    pub(super) fn digits(&mut self, is_set: bool) -> Result<u8, SourceError> {
        let digits = u8::try_from(self.decimals).unwrap_or(u8::MAX);
        if is_set {
            return Ok(digits.min(Grid::MAX_DIGITS));
        }
        let fits = Grid::new(digits).is_ok_and(|grid| grid.ticks(self.largest).is_some());
        match self.refusal.take() {
            Some(refusal) if !fits => Err(refusal),
            Some(_) | None => Ok(digits),
        }
    }
}

/// The value itself when it is a point of the grid, its nearest point when it may be rounded.
pub(super) fn on_grid(grid: Grid, value: f64, rounding: Rounding) -> Option<f64> {
    let nearest = grid.value(grid.ticks(value)?);
    (nearest == value || rounding == Rounding::Snap).then_some(nearest)
}
