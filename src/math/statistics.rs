//! Statistics of a slice of numbers; `None` wherever a statistic is undefined.
//!
//! All functions answer `None` when a value is NaN or infinite or when the answer would not be
//! finite, so a `Some` can be used without asking again. Deviations are taken from the mean in a
//! second pass and summed with compensation.

use serde::{Deserialize, Serialize};

use super::compensated::CompensatedSum;

/// Arithmetic mean; `None` for no values.
///
/// ```
/// use tradewright::math::{mean, variance};
///
/// assert_eq!(mean(&[1.0, 2.0, 6.0]), Some(3.0));
/// assert_eq!(variance(&[1.0, 2.0, 6.0], 1), Some(7.0));
/// assert_eq!(variance(&[1.0], 1), None);
/// ```
pub fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    finite(sum(values.iter().copied()) / values.len() as f64)
}

/// Variance with `ddof` subtracted from the count in the divisor (0 population, 1 sample).
///
/// `None` unless there are more than `ddof` values.
pub fn variance(values: &[f64], ddof: usize) -> Option<f64> {
    let centre = mean(values)?;
    let divisor = divisor(values.len(), ddof)?;
    let squares = sum(values.iter().map(|value| (value - centre) * (value - centre)));
    finite(squares / divisor)
}

/// Square root of [`variance`].
pub fn standard_deviation(values: &[f64], ddof: usize) -> Option<f64> {
    variance(values, ddof).map(f64::sqrt)
}

/// Skewness g1 = m3 / m2^1.5 with population moments; `None` for values that are all equal.
///
/// Source: Joanes and Gill, The Statistician (1998).
pub fn skewness(values: &[f64]) -> Option<f64> {
    let (deviation, count) = standard_scale(values)?;
    let centre = mean(values)?;
    let scaled = values.iter().map(|value| (value - centre) / deviation);
    let cubes = scaled.map(|z| z * z * z);
    finite(sum(cubes) / count)
}

/// Excess kurtosis g2 = m4 / m2² - 3 with population moments; `None` for values that are all equal.
///
/// Source: Joanes and Gill, The Statistician (1998).
pub fn kurtosis(values: &[f64]) -> Option<f64> {
    let (deviation, count) = standard_scale(values)?;
    let centre = mean(values)?;
    let scaled = values.iter().map(|value| (value - centre) / deviation);
    let fourths = scaled.map(|z| z * z * z * z);
    finite(sum(fourths) / count - 3.0)
}

/// Quantile by linear interpolation between order statistics (type 7, the default of numpy and R).
///
/// `None` for no values or a `probability` outside of 0 to 1. Sorts a copy: see
/// [`quantile_of_sorted`] for many quantiles of the same values.
///
/// ```
/// assert_eq!(tradewright::math::quantile(&[4.0, 1.0, 2.0, 3.0], 0.5), Some(2.5));
/// ```
pub fn quantile(values: &[f64], probability: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile_of_sorted(&sorted, probability)
}

/// [`quantile`] of values that are sorted in ascending order already.
pub fn quantile_of_sorted(sorted: &[f64], probability: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&probability) || !sorted.iter().all(|value| value.is_finite()) {
        return None;
    }
    let last = sorted.len().checked_sub(1)?;
    let place = probability * last as f64;
    let below = place.floor();
    // `place` lies between 0 and `last`, so the cast is exact.
    let index = below as usize;
    let lower = *sorted.get(index)?;
    let upper = *sorted.get(index + 1).unwrap_or(&lower);
    finite(lower + (place - below) * (upper - lower))
}

/// Covariance with `ddof` subtracted from the count in the divisor.
///
/// `None` for slices of different lengths and unless there are more than `ddof` pairs.
pub fn covariance(x: &[f64], y: &[f64], ddof: usize) -> Option<f64> {
    let divisor = divisor(x.len(), ddof)?;
    finite(cross_sum(x, y)? / divisor)
}

/// Pearson correlation, -1 to 1; `None` for different lengths or when one side is constant.
pub fn correlation(x: &[f64], y: &[f64]) -> Option<f64> {
    let cross = covariance(x, y, 0)?;
    let spread = standard_deviation(x, 0)? * standard_deviation(y, 0)?;
    if spread > 0.0 { finite((cross / spread).clamp(-1.0, 1.0)) } else { None }
}

/// A least-squares line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearFit {
    /// Change of y per unit of x.
    pub slope: f64,
    /// y at x = 0.
    pub intercept: f64,
    /// Share of y's variance that the line explains, 0 to 1; `None` when y is constant.
    pub r_squared: Option<f64>,
}

/// Fits y = slope · x + intercept by least squares.
///
/// `None` for different lengths, fewer than two pairs or a constant x.
///
/// ```
/// use tradewright::math::linear_regression;
///
/// let fit = linear_regression(&[1.0, 2.0, 3.0], &[5.0, 7.0, 9.0]).ok_or("x varies")?;
/// assert_eq!((fit.slope, fit.intercept, fit.r_squared), (2.0, 3.0, Some(1.0)));
/// # Ok::<(), &str>(())
/// ```
pub fn linear_regression(x: &[f64], y: &[f64]) -> Option<LinearFit> {
    let cross = covariance(x, y, 0)?;
    let spread = variance(x, 0).filter(|&spread| spread > 0.0)?;
    let slope = finite(cross / spread)?;
    let intercept = finite(mean(y)? - slope * mean(x)?)?;
    let r_squared = correlation(x, y).map(|correlation| correlation * correlation);
    Some(LinearFit { slope, intercept, r_squared })
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn divisor(count: usize, ddof: usize) -> Option<f64> {
    count.checked_sub(ddof).filter(|&rest| rest > 0).map(|rest| rest as f64)
}

/// The population deviation and the count, where there is any deviation.
fn standard_scale(values: &[f64]) -> Option<(f64, f64)> {
    let deviation = standard_deviation(values, 0)?;
    // Equal values leave a rounding of their mean at most.
    let is_flat = values.windows(2).all(|pair| pair[0] == pair[1]);
    (!is_flat && deviation > 0.0).then_some((deviation, values.len() as f64))
}

fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut sum = CompensatedSum::default();
    values.for_each(|value| sum.add(value));
    sum.total()
}

fn cross_sum(x: &[f64], y: &[f64]) -> Option<f64> {
    if x.len() != y.len() {
        return None;
    }
    let (x_mean, y_mean) = (mean(x)?, mean(y)?);
    Some(sum(x.iter().zip(y).map(|(x, y)| (x - x_mean) * (y - y_mean))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(actual: Option<f64>, expected: f64) {
        let actual = actual.unwrap();
        assert!((actual - expected).abs() <= 1e-14 * expected.abs().max(1.0), "{actual}");
    }

    #[test]
    fn a_worked_example() {
        // 2, 4, 4, 4, 5, 5, 7, 9: mean 5, squares 32, cubes 42, fourths 356.
        let values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        close(mean(&values), 5.0);
        close(variance(&values, 0), 4.0);
        close(variance(&values, 1), 32.0 / 7.0);
        close(skewness(&values), 42.0 / 8.0 / 8.0);
        close(kurtosis(&values), 356.0 / 8.0 / 16.0 - 3.0);
        close(quantile(&values, 0.0), 2.0);
        close(quantile(&values, 0.95), 8.3);
        close(quantile(&values, 1.0), 9.0);
    }

    #[test]
    fn what_is_undefined_is_none() {
        assert_eq!(mean(&[]), None);
        assert_eq!(mean(&[1.0, f64::NAN]), None);
        assert_eq!(mean(&[f64::MAX, f64::MAX]), None);
        assert_eq!(variance(&[1.0], 1), None);
        assert_eq!(variance(&[1.0], usize::MAX), None);
        assert_eq!(skewness(&[0.1; 7]), None);
        assert_eq!(kurtosis(&[0.1; 7]), None);
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[1.0], 1.5), None);
        assert_eq!(quantile(&[1.0], f64::NAN), None);
        assert_eq!(quantile(&[1.0, f64::INFINITY], 0.5), None);
        assert_eq!(covariance(&[1.0, 2.0], &[1.0], 0), None);
        assert_eq!(correlation(&[1.0, 2.0], &[3.0, 3.0]), None);
        assert_eq!(linear_regression(&[1.0, 1.0], &[1.0, 2.0]), None);
        let level = linear_regression(&[1.0, 2.0], &[3.0, 3.0]).unwrap();
        assert_eq!((level.slope, level.r_squared), (0.0, None));
    }

    #[test]
    fn a_large_offset_does_not_hurt() {
        let values: Vec<f64> = (0..1000).map(|i| 1e9 + f64::from(i % 2)).collect();
        close(variance(&values, 0), 0.25);
        let other: Vec<f64> = values.iter().map(|value| 2e9 - value).collect();
        close(correlation(&values, &other), -1.0);
    }
}
