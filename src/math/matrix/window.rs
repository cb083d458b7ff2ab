use serde::{Deserialize, Serialize};

use super::{RowError, check_row, check_series};
use crate::math::indicator::{ParameterError, check_window};

/// The last `length` rows of returns, column by column, each column in one piece from its oldest
/// value to its newest.
///
/// Every value is kept twice, `length` places apart, so that the window never wraps around and sums
/// over it do not depend on where the ring stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct ReturnWindow {
    series: usize,
    length: usize,
    values: Box<[f64]>,
    /// Where the next row goes, below the length.
    position: usize,
    /// Rows since each series was last unknown, up to the length.
    known: Box<[usize]>,
}

impl ReturnWindow {
    /// A window of so many series and rows.
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless there are 1 to [`MOST_SERIES`](super::MOST_SERIES) series
    /// and 2 to [`LONGEST_WINDOW`](crate::math::LONGEST_WINDOW) rows.
    pub fn new(series: usize, length: usize) -> Result<Self, ParameterError> {
        check_series(series)?;
        check_window("window", length, 2)?;
        Ok(Self {
            series,
            length,
            values: vec![0.0; 2 * series * length].into_boxed_slice(),
            position: 0,
            known: vec![0; series].into_boxed_slice(),
        })
    }

    /// Takes the returns of one bar, one per series; NaN for a series without a return.
    ///
    /// # Errors
    /// [`RowError`]; nothing has changed.
    pub fn push(&mut self, row: &[f64]) -> Result<(), RowError> {
        check_row(row, self.series)?;
        let columns = self.values.chunks_exact_mut(2 * self.length);
        for ((column, known), value) in columns.zip(&mut self.known).zip(row) {
            *known = if value.is_nan() { 0 } else { self.length.min(*known + 1) };
            let value = if value.is_nan() { 0.0 } else { *value };
            column[self.position] = value;
            column[self.position + self.length] = value;
        }
        self.position = (self.position + 1) % self.length;
        Ok(())
    }

    /// Number of series.
    pub const fn series(&self) -> usize {
        self.series
    }

    /// Most rows that it keeps.
    pub const fn length(&self) -> usize {
        self.length
    }

    /// How many of the newest rows a series was known in, without a gap; 0 for an unknown series.
    pub fn known(&self, series: usize) -> usize {
        self.known.get(series).copied().unwrap_or(0)
    }

    /// The newest `count` returns of a series, the oldest first; `None` unless all are known.
    pub fn newest(&self, series: usize, count: usize) -> Option<&[f64]> {
        if count > self.known(series) {
            return None;
        }
        let column = self.values.chunks_exact(2 * self.length).nth(series)?;
        // Whatever ends at `position` in the first copy ends at `position + length` in the second,
        // with at least `length` values before it.
        let end = self.position + self.length;
        column.get(end - count..end)
    }
}

#[derive(Deserialize)]
struct Stored {
    series: usize,
    length: usize,
    values: Vec<f64>,
    position: usize,
    known: Vec<usize>,
}

impl TryFrom<Stored> for ReturnWindow {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let window = Self::new(stored.series, stored.length).map_err(|error| error.to_string())?;
        let is_copied = stored.values.len() == window.values.len()
            && stored.values.chunks_exact(2 * window.length).all(|column| {
                let (one, other) = column.split_at(window.length);
                one == other && one.iter().all(|value| value.is_finite())
            });
        let is_known = stored.known.len() == window.series
            && stored.known.iter().all(|known| *known <= window.length);
        if !is_copied || !is_known || stored.position >= window.length {
            return Err(format!("a stored window of {} series is not sound", stored.series));
        }
        Ok(Self {
            values: stored.values.into_boxed_slice(),
            position: stored.position,
            known: stored.known.into_boxed_slice(),
            ..window
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_rows_come_oldest_first() {
        let mut window = ReturnWindow::new(2, 3).unwrap();
        for row in 1..=7 {
            window.push(&[f64::from(row), if row < 6 { f64::NAN } else { 0.5 }]).unwrap();
            let count = window.known(0);
            let newest: Vec<f64> = (row + 1 - count as i32..=row).map(f64::from).collect();
            assert_eq!(window.newest(0, count), Some(&newest[..]));
            assert_eq!(window.newest(0, count + 1), None);
        }
        assert_eq!(window.newest(1, 2), Some(&[0.5, 0.5][..]));
        assert_eq!(window.newest(2, 0), None);
        assert_eq!(window.push(&[1.0]), Err(RowError::Length { expected: 2, found: 1 }));
    }
}
