use serde::{Deserialize, Serialize};

use super::{RowError, check_row, check_series, entries, place, write_correlations};
use crate::math::indicator::{ParameterError, check_fraction, check_window};

/// Sums below this are taken as nothing: squares of returns of 1e-100, which no market has, and far
/// from the numbers that processors are slow with.
const NOTHING: f64 = 1e-200;

/// Covariances and correlations with exponentially falling weights: the newest row weighs
/// (1 - decay), each older one `decay` times its successor.
///
/// Second moments about zero, as the returns of short bars have a mean that is small beside their
/// deviation (J.P. Morgan and Reuters, RiskMetrics Technical Document, 1996; decay 0.94 for daily
/// and 0.97 for monthly figures). Weights are scaled to a sum of 1 from the first row on. Rounding
/// errors fade with the same decay, so there is no drift.
///
/// Over a flat stretch a variance falls by the decay with each row and becomes zero in the end.
///
/// ```
/// use tradewright::math::ExponentialCovariance;
///
/// let mut matrix = ExponentialCovariance::new(2, 0.94, 2)?;
/// matrix.update(&[0.01, 0.02])?;
/// assert_eq!(matrix.correlation(0, 1), None);
/// matrix.update(&[-0.02, -0.04])?;
/// assert!((matrix.correlation(0, 1).unwrap() - 1.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct ExponentialCovariance {
    series: usize,
    decay: f64,
    warmup: usize,
    /// Rows since each series was last unknown, up to the warm-up.
    known: Box<[usize]>,
    /// The sum of the weights of those rows, 0 to 1.
    weights: Box<[f64]>,
    sums: Box<[f64]>,
    newest: Box<[f64]>,
}

impl ExponentialCovariance {
    /// A matrix of so many series; a pair has figures once both were known in `warmup` rows.
    ///
    /// # Errors
    /// [`ParameterError`] unless there are 1 to [`MOST_SERIES`](super::MOST_SERIES) series, the
    /// decay lies between 0 and 1 and the warm-up is at least 2.
    pub fn new(series: usize, decay: f64, warmup: usize) -> Result<Self, ParameterError> {
        check_series(series)?;
        check_fraction("decay", decay)?;
        check_window("warmup", warmup, 2)?;
        Ok(Self {
            series,
            decay,
            warmup,
            known: vec![0; series].into_boxed_slice(),
            weights: vec![0.0; series].into_boxed_slice(),
            sums: vec![0.0; entries(series)].into_boxed_slice(),
            newest: vec![0.0; series].into_boxed_slice(),
        })
    }

    /// Takes the returns of one bar, one per series; NaN for a series without a return.
    ///
    /// # Errors
    /// [`RowError`]; nothing has changed.
    pub fn update(&mut self, row: &[f64]) -> Result<(), RowError> {
        check_row(row, self.series)?;
        for (series, value) in row.iter().enumerate() {
            if value.is_nan() {
                self.newest[series] = 0.0;
                self.forget(series);
            } else {
                self.newest[series] = *value;
                self.known[series] = self.warmup.min(self.known[series] + 1);
                let weight = &mut self.weights[series];
                *weight = self.decay * *weight + (1.0 - self.decay);
            }
        }
        fade(&mut self.sums, &self.newest, self.decay);
        Ok(())
    }

    /// Number of series.
    pub const fn series(&self) -> usize {
        self.series
    }

    /// The decay.
    pub const fn decay(&self) -> f64 {
        self.decay
    }

    /// Rows before the first answer.
    pub const fn warmup(&self) -> usize {
        self.warmup
    }

    /// Weighted mean of the products of two series, in which both were known; of a series with
    /// itself its variance about zero. `None` during the warm-up.
    pub fn covariance(&self, one: usize, other: usize) -> Option<f64> {
        if self.known.get(one)?.min(self.known.get(other)?) < &self.warmup {
            return None;
        }
        let weight = self.weights.get(one)?.min(*self.weights.get(other)?);
        Some(self.sums.get(place(self.series, one, other)?)? / weight)
    }

    /// Variance of a series per row.
    pub fn variance(&self, series: usize) -> Option<f64> {
        self.covariance(series, series)
    }

    /// Correlation of two series, -1 to 1; exactly 1 of a series with itself. `None` during the
    /// warm-up and while one of them has no variance.
    pub fn correlation(&self, one: usize, other: usize) -> Option<f64> {
        let [left, right] = [self.variance(one)?, self.variance(other)?];
        if !(left > 0.0 && right > 0.0) {
            return None;
        }
        if one == other {
            return Some(1.0);
        }
        let correlation = self.covariance(one, other)? / (left.sqrt() * right.sqrt());
        Some(correlation.clamp(-1.0, 1.0))
    }

    /// Writes the correlations of all pairs, row after row, NaN where one is not known: the
    /// values of [`ExponentialCovariance::correlation`], but for the last digit.
    /// Allocates when `out` is too short.
    pub fn write_correlations(&self, out: &mut Vec<f64>) {
        write_correlations(self.series, out, |one, other, place| {
            if self.known[one].min(self.known[other]) < self.warmup {
                return f64::NAN;
            }
            self.sums[place] / self.weights[one].min(self.weights[other])
        });
    }

    /// Forgets all rows.
    pub fn reset(&mut self) {
        self.known.fill(0);
        self.weights.fill(0.0);
        self.sums.fill(0.0);
        self.newest.fill(0.0);
    }

    fn forget(&mut self, series: usize) {
        if self.known[series] == 0 {
            return;
        }
        self.known[series] = 0;
        self.weights[series] = 0.0;
        for other in 0..self.series {
            if let Some(sum) = place(self.series, series, other).map(|at| &mut self.sums[at]) {
                *sum = 0.0;
            }
        }
    }
}

/// Lets the old sums fade and adds the new products.
fn fade(sums: &mut [f64], new: &[f64], decay: f64) {
    let mut rest = sums;
    for index in 0..new.len() {
        let (row, below) = rest.split_at_mut(new.len() - index);
        let own = (1.0 - decay) * new[index];
        for (sum, other) in row.iter_mut().zip(&new[index..]) {
            let faded = decay * *sum + own * other;
            *sum = if faded.abs() < NOTHING { 0.0 } else { faded };
        }
        rest = below;
    }
}

#[derive(Deserialize)]
struct Stored {
    series: usize,
    decay: f64,
    warmup: usize,
    known: Vec<usize>,
    weights: Vec<f64>,
    sums: Vec<f64>,
    newest: Vec<f64>,
}

impl TryFrom<Stored> for ExponentialCovariance {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let new = Self::new(stored.series, stored.decay, stored.warmup);
        let matrix = new.map_err(|error| error.to_string())?;
        let known = stored.known.len() == matrix.series
            && stored.known.iter().all(|known| *known <= matrix.warmup);
        let weights = stored.weights.len() == matrix.series
            && stored.weights.iter().all(|weight| (0.0..=1.0 + 1e-9).contains(weight));
        let sums = stored.sums.len() == entries(matrix.series)
            && stored.sums.iter().all(|sum| sum.is_finite());
        let newest = check_row(&stored.newest, matrix.series).is_ok();
        if !(known && weights && sums && newest) {
            return Err(format!("a stored matrix of {} series is not sound", stored.series));
        }
        Ok(Self {
            known: stored.known.into_boxed_slice(),
            weights: stored.weights.into_boxed_slice(),
            sums: stored.sums.into_boxed_slice(),
            newest: stored.newest.into_boxed_slice(),
            ..matrix
        })
    }
}
