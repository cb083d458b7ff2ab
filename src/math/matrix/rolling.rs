use serde::{Deserialize, Serialize};

use super::{RowError, check_row, check_series, entries, place, write_correlations};
use crate::math::indicator::ParameterError;

/// Largest magnitude of a return that counts in full: 8 is 800 % in one bar. A larger one counts as
/// this much, so that the exact sums always fit.
pub const LARGEST_RETURN: f64 = 8.0;

/// Longest window of exact sums, in rows.
pub const LONGEST_ROLLING: usize = 1_024;

/// Units of a return: a multiple of 2^-49, about 1.8e-15. A price quotient has hardly finer digits.
const UNITS: f64 = 562_949_953_421_312.0;

/// 2^-98: the square of one unit.
const UNIT_SQUARED: f64 = 1.0 / (UNITS * UNITS);

/// Covariances and correlations over the last `window` rows of returns.
///
/// Returns are rounded to multiples of 2^-49 (2e-15) and all sums are integers. What leaves the
/// window is subtracted exactly, so there is no drift: after any number of rows, outliers and
/// flat stretches the sums are those of the window alone, bit for bit. A flat series has a
/// variance of exactly zero, and its correlation is `None`.
///
/// An update costs two integer products per pair and allocates nothing. A pair has figures once
/// both series were known in every row of the window.
///
/// ```
/// use tradewright::math::RollingCovariance;
///
/// let mut matrix = RollingCovariance::new(2, 3)?;
/// for row in [[0.01, -0.02], [-0.01, 0.02], [0.03, -0.06]] {
///     matrix.update(&row)?;
/// }
/// assert!((matrix.correlation(0, 1).unwrap() + 1.0).abs() < 1e-9);
/// assert_eq!(matrix.correlation(1, 1), Some(1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct RollingCovariance {
    series: usize,
    window: usize,
    /// The window's rows as a ring.
    rows: Box<[i64]>,
    /// Which row of the ring is the oldest.
    oldest: usize,
    /// Rows since each series was last unknown, up to the window.
    known: Box<[usize]>,
    newest: Box<[i64]>,
    sums: Box<[i64]>,
    products: Box<[i128]>,
}

impl RollingCovariance {
    /// A matrix of so many series over a window of so many rows.
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless there are 1 to [`MOST_SERIES`](super::MOST_SERIES) series
    /// and 2 to [`LONGEST_ROLLING`] rows.
    pub fn new(series: usize, window: usize) -> Result<Self, ParameterError> {
        check_series(series)?;
        if !(2..=LONGEST_ROLLING).contains(&window) {
            let (minimum, maximum) = (2, LONGEST_ROLLING);
            return Err(ParameterError::Count { name: "window", value: window, minimum, maximum });
        }
        Ok(Self {
            series,
            window,
            rows: vec![0; series * window].into_boxed_slice(),
            oldest: 0,
            known: vec![0; series].into_boxed_slice(),
            newest: vec![0; series].into_boxed_slice(),
            sums: vec![0; series].into_boxed_slice(),
            products: vec![0; entries(series)].into_boxed_slice(),
        })
    }

    /// Takes the returns of one bar, one per series; NaN for a series without a return.
    ///
    /// # Errors
    /// [`RowError`]; nothing has changed.
    pub fn update(&mut self, row: &[f64]) -> Result<(), RowError> {
        check_row(row, self.series)?;
        for ((units, known), value) in self.newest.iter_mut().zip(&mut self.known).zip(row) {
            *known = if value.is_nan() { 0 } else { self.window.min(*known + 1) };
            *units = to_units(*value);
        }
        let start = self.oldest * self.series;
        let leaving = &mut self.rows[start..start + self.series];
        exchange(&mut self.products, &self.newest, leaving);
        for ((sum, new), old) in self.sums.iter_mut().zip(&self.newest).zip(leaving.iter()) {
            *sum += new - old;
        }
        leaving.copy_from_slice(&self.newest);
        self.oldest = (self.oldest + 1) % self.window;
        Ok(())
    }

    /// Number of series.
    pub const fn series(&self) -> usize {
        self.series
    }

    /// Length of the window in rows.
    pub const fn window(&self) -> usize {
        self.window
    }

    /// Sample covariance of two series per row (divided by n - 1); of a series with itself its
    /// variance. `None` until both are known over the whole window.
    pub fn covariance(&self, one: usize, other: usize) -> Option<f64> {
        let moment = self.moment(one, other)?;
        let count = self.window as f64;
        Some(moment as f64 / (count * (count - 1.0)) * UNIT_SQUARED)
    }

    /// Sample variance of a series per row.
    pub fn variance(&self, series: usize) -> Option<f64> {
        self.covariance(series, series)
    }

    /// Pearson correlation of two series, -1 to 1; exactly 1 of a series with itself.
    ///
    /// `None` until both are known over the whole window, and while one of them is flat.
    pub fn correlation(&self, one: usize, other: usize) -> Option<f64> {
        let spreads = [self.moment(one, one)?, self.moment(other, other)?];
        if spreads.contains(&0) {
            return None;
        }
        if one == other {
            return Some(1.0);
        }
        let [left, right] = spreads.map(|spread| (spread as f64).sqrt());
        Some((self.moment(one, other)? as f64 / (left * right)).clamp(-1.0, 1.0))
    }

    /// Writes the correlations of all pairs, row after row, NaN where one is not known: the
    /// values of [`RollingCovariance::correlation`], but for the last digit.
    /// Allocates when `out` is too short.
    pub fn write_correlations(&self, out: &mut Vec<f64>) {
        let count = self.window as i128;
        write_correlations(self.series, out, |one, other, place| {
            if self.known[one].min(self.known[other]) < self.window {
                return f64::NAN;
            }
            let sums = i128::from(self.sums[one]) * i128::from(self.sums[other]);
            (count * self.products[place] - sums) as f64
        });
    }

    /// Forgets all rows.
    pub fn reset(&mut self) {
        self.rows.fill(0);
        self.oldest = 0;
        self.known.fill(0);
        self.newest.fill(0);
        self.sums.fill(0);
        self.products.fill(0);
    }

    /// n Σxy - Σx Σy in squared units: exact, because a window of 2^10 rows of numbers below 2^52
    /// keeps each of the two products below 2^124.
    fn moment(&self, one: usize, other: usize) -> Option<i128> {
        let known = |series: usize| self.known.get(series) == Some(&self.window);
        if !known(one) || !known(other) {
            return None;
        }
        let product = self.products.get(place(self.series, one, other)?)?;
        let sums = i128::from(*self.sums.get(one)?) * i128::from(*self.sums.get(other)?);
        Some(self.window as i128 * product - sums)
    }
}

fn to_units(value: f64) -> i64 {
    let cut = if value.is_nan() { 0.0 } else { value.clamp(-LARGEST_RETURN, LARGEST_RETURN) };
    // Below 2^52, so the cast is exact.
    (cut * UNITS).round_ties_even() as i64
}

/// Adds the products of the new row and takes those of the old one away.
fn exchange(products: &mut [i128], new: &[i64], old: &[i64]) {
    let mut rest = products;
    for index in 0..new.len() {
        let (row, below) = rest.split_at_mut(new.len() - index);
        let (come, go) = (i128::from(new[index]), i128::from(old[index]));
        for ((product, new), old) in row.iter_mut().zip(&new[index..]).zip(&old[index..]) {
            *product += come * i128::from(*new) - go * i128::from(*old);
        }
        rest = below;
    }
}

/// The stored form: sums follow from the rows.
#[derive(Serialize, Deserialize)]
struct Stored {
    series: usize,
    window: usize,
    rows: Vec<i64>,
    oldest: usize,
    known: Vec<usize>,
}

impl From<RollingCovariance> for Stored {
    fn from(matrix: RollingCovariance) -> Self {
        Self {
            series: matrix.series,
            window: matrix.window,
            rows: matrix.rows.into_vec(),
            oldest: matrix.oldest,
            known: matrix.known.into_vec(),
        }
    }
}

impl TryFrom<Stored> for RollingCovariance {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let mut matrix =
            Self::new(stored.series, stored.window).map_err(|error| error.to_string())?;
        let most = (LARGEST_RETURN * UNITS) as u64;
        if stored.rows.len() != matrix.rows.len()
            || stored.rows.iter().any(|units| units.unsigned_abs() > most)
            || stored.known.len() != matrix.series
            || stored.known.iter().any(|known| *known > matrix.window)
            || stored.oldest >= matrix.window
        {
            let (rows, oldest) = (stored.rows.len(), stored.oldest);
            return Err(format!(
                "a stored matrix has {rows} values and its oldest row at {oldest}"
            ));
        }
        let nothing = vec![0; matrix.series];
        for row in stored.rows.chunks_exact(matrix.series) {
            exchange(&mut matrix.products, row, &nothing);
            for (sum, units) in matrix.sums.iter_mut().zip(row) {
                *sum += units;
            }
        }
        let newest = (stored.oldest + matrix.window - 1) % matrix.window * matrix.series;
        matrix.newest.copy_from_slice(&stored.rows[newest..newest + matrix.series]);
        matrix.rows = stored.rows.into_boxed_slice();
        matrix.known = stored.known.into_boxed_slice();
        matrix.oldest = stored.oldest;
        Ok(matrix)
    }
}
