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

/// The cell with the most decimals of a kind.
#[derive(Default)]
pub(super) struct Finest {
    decimals: u32,
    too_fine: Option<SourceError>,
}

impl Finest {
    pub(super) fn number(&mut self, table: &Table<'_>, column: usize) -> Result<f64, SourceError> {
        let (value, decimals) = table.number(column)?;
        if decimals > self.decimals {
            self.decimals = decimals;
        }
        if decimals > u32::from(Grid::MAX_DIGITS) && self.too_fine.is_none() {
            let wanted = "number of at most 15 decimals (snap rounds to digits that are set)";
            self.too_fine = Some(table.bad_cell(column, wanted));
        }
        Ok(value)
    }

    /// The digits that the file needs. They are not needed, and may be more than any grid has,
    /// when the user has set them.
    pub(super) fn digits(&mut self, is_set: bool) -> Result<u8, SourceError> {
        match self.too_fine.take() {
            Some(_) if is_set => Ok(Grid::MAX_DIGITS),
            Some(error) => Err(error),
            None => Ok(u8::try_from(self.decimals).unwrap_or(Grid::MAX_DIGITS)),
        }
    }
}

/// The value itself when it is a point of the grid, its nearest point when it may be rounded.
pub(super) fn on_grid(grid: Grid, value: f64, rounding: Rounding) -> Option<f64> {
    let nearest = grid.value(grid.ticks(value)?);
    (nearest == value || rounding == Rounding::Snap).then_some(nearest)
}
