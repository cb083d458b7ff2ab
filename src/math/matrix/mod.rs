//! Covariance and correlation of many series at once, updated row by row.
//!
//! A row holds one number per series (the returns of one bar). The upper triangle of the matrix
//! lies flat in memory, row after row, so that an update walks through it once and allocates
//! nothing.
//!
//! A value that is not known is NaN: the series starts afresh after it. Whether a series that did
//! not trade in a bar repeats its price (return zero) or is unknown is the caller's decision.

mod exponential;
mod rolling;
mod window;

pub use exponential::ExponentialCovariance;
pub use rolling::{LARGEST_RETURN, LONGEST_ROLLING, RollingCovariance};
pub use window::ReturnWindow;

use super::indicator::{LARGEST_INPUT, ParameterError};
use crate::types::{Classification, Classify};

/// Most series in one matrix: eight megabytes of exact sums.
pub const MOST_SERIES: usize = 1_000;

/// Why a row was refused; nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// One value per series is needed.
    #[error("the row has {found} values, the matrix has {expected} series")]
    Length {
        /// Series of the matrix.
        expected: usize,
        /// Values of the refused row.
        found: usize,
    },
    /// A value is infinite or absurdly large; NaN says that it is not known.
    #[error("value {value} of series {series} is neither a number up to 1e100 nor NaN")]
    Value {
        /// Which series.
        series: usize,
        /// The refused value.
        value: f64,
    },
}

impl Classify for RowError {
    fn classification(&self) -> Classification {
        Classification::INPUT
    }
}

/// Checks length and values of a row before anything changes.
pub(super) fn check_row(row: &[f64], expected: usize) -> Result<(), RowError> {
    if row.len() != expected {
        return Err(RowError::Length { expected, found: row.len() });
    }
    match row.iter().position(|value| value.abs() > LARGEST_INPUT) {
        Some(series) => Err(RowError::Value { series, value: row[series] }),
        None => Ok(()),
    }
}

fn check_series(value: usize) -> Result<(), ParameterError> {
    if (1..=MOST_SERIES).contains(&value) {
        return Ok(());
    }
    Err(ParameterError::Count { name: "series", value, minimum: 1, maximum: MOST_SERIES })
}

/// Entries of an upper triangle, diagonal included.
const fn entries(series: usize) -> usize {
    series * (series + 1) / 2
}

/// Where a pair lies in the flat triangle; the same for both orders of the pair.
fn place(series: usize, one: usize, other: usize) -> Option<usize> {
    let (row, column) = if one <= other { (one, other) } else { (other, one) };
    // Above row r lie the r longer rows: n + (n - 1) + ... + (n - r + 1).
    (column < series).then(|| row * (2 * series - row + 1) / 2 + (column - row))
}

/// Writes the correlations of all pairs, row after row, from covariances by row, column and place
/// in the flat triangle, in whatever unit; NaN where a covariance is NaN or a variance is nothing.
fn write_correlations(
    series: usize,
    out: &mut Vec<f64>,
    covariance: impl Fn(usize, usize, usize) -> f64,
) {
    out.resize(series * series, f64::NAN);
    // One over each deviation waits on the diagonal until all pairs are written.
    let mut place = 0;
    for one in 0..series {
        let variance = covariance(one, one, place);
        out[one * (series + 1)] = if variance > 0.0 { 1.0 / variance.sqrt() } else { f64::NAN };
        place += series - one;
    }
    place = 0;
    for one in 0..series {
        let own = out[one * (series + 1)];
        for other in one + 1..series {
            let others = out[other * (series + 1)];
            let value = covariance(one, other, place + other - one) * own * others;
            let value = value.clamp(-1.0, 1.0);
            out[one * series + other] = value;
            out[other * series + one] = value;
        }
        place += series - one;
    }
    for one in 0..series {
        let own = &mut out[one * (series + 1)];
        *own = if own.is_nan() { f64::NAN } else { 1.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_fill_the_triangle_row_by_row() {
        for series in 1..8 {
            let pairs = (0..series).flat_map(|row| (row..series).map(move |other| (row, other)));
            for (expected, (row, column)) in pairs.enumerate() {
                assert_eq!(place(series, row, column), Some(expected));
                assert_eq!(place(series, column, row), Some(expected));
            }
            assert_eq!(place(series, series - 1, series - 1), Some(entries(series) - 1));
            assert_eq!(place(series, 0, series), None);
        }
    }
}
