//! Weights with equal contributions to risk.

use crate::types::{Classification, Classify};

/// Relative difference of the contributions at which the solver is content.
const TOLERANCE: f64 = 1e-11;

/// Sweeps over all assets before it gives up; a few dozen are usual.
const MOST_SWEEPS: usize = 2_000;

/// Writes weights of at least zero that sum to 1 and whose contributions to the portfolio's
/// variance, `w_i (C w)_i`, are all equal to within 1e-11, relatively.
///
/// `covariance` is the whole symmetric matrix row by row, one row per weight. The answer is
/// the minimum of `x' C x / 2 - sum(ln x_i) / n`, scaled to a sum of 1 (Spinu, An algorithm for
/// computing risk parity weights, 2013), found by cyclical coordinate descent on the correlations
/// (Griveau-Billion, Richard and Roncalli, A fast algorithm for computing high-dimensional risk
/// parity portfolios, 2013).
///
/// A single asset has the weight 1. An asset without variance contributes nothing at any
/// weight: it gets the weight 0, and when no asset varies all weights are equal.
///
/// ```
/// use tradewright::math::risk_parity;
///
/// // Deviations of 10 % and 20 %: without correlation the weights are as 2 to 1.
/// let mut weights = [0.0; 2];
/// risk_parity(&[0.01, 0.0, 0.0, 0.04], &mut weights)?;
/// assert!((weights[0] - 2.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), tradewright::math::RiskParityError>(())
/// ```
///
/// # Errors
/// [`RiskParityError`]; the weights are not changed.
pub fn risk_parity(covariance: &[f64], weights: &mut [f64]) -> Result<(), RiskParityError> {
    let count = weights.len();
    check(covariance, count)?;
    let deviations: Vec<f64> = (0..count).map(|i| covariance[i * count + i].sqrt()).collect();
    let varying: Vec<usize> = (0..count).filter(|i| deviations[*i] > 0.0).collect();
    if varying.is_empty() {
        weights.fill(1.0 / count as f64);
        return Ok(());
    }
    let mut correlations = Vec::with_capacity(varying.len() * varying.len());
    for &one in &varying {
        for &other in &varying {
            let raw = covariance[one * count + other] / deviations[one] / deviations[other];
            correlations.push(if one == other { 1.0 } else { raw.clamp(-1.0, 1.0) });
        }
    }
    let scaled = solve(&correlations, varying.len())?;
    let shares = varying.iter().zip(&scaled).map(|(asset, x)| x / deviations[*asset]);
    let shares: Vec<f64> = shares.collect();
    let sum: f64 = shares.iter().sum();
    if !(sum > 0.0 && sum.is_finite()) {
        return Err(RiskParityError::NoSolution { difference: f64::NAN });
    }
    weights.fill(0.0);
    for (asset, share) in varying.iter().zip(shares) {
        weights[*asset] = share / sum;
    }
    Ok(())
}

/// Each asset's share of the portfolio's variance, `w_i (C w)_i / w' C w`; they sum to 1.
///
/// `None` when the sizes do not fit and when the portfolio has no variance.
///
/// ```
/// use tradewright::math::risk_contributions;
///
/// let shares = risk_contributions(&[0.01, 0.0, 0.0, 0.04], &[0.5, 0.5]).unwrap();
/// assert!((shares[0] - 0.2).abs() < 1e-12 && (shares[1] - 0.8).abs() < 1e-12);
/// ```
pub fn risk_contributions(covariance: &[f64], weights: &[f64]) -> Option<Vec<f64>> {
    let count = weights.len();
    if count == 0 || covariance.len() != count.checked_mul(count)? {
        return None;
    }
    let rows = covariance.chunks_exact(count);
    let parts: Vec<f64> = weights.iter().zip(rows).map(|(w, row)| w * dot(row, weights)).collect();
    let total: f64 = parts.iter().sum();
    (total > 0.0 && total.is_finite()).then(|| parts.iter().map(|part| part / total).collect())
}

/// Why there are no weights of equal contributions.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RiskParityError {
    /// One row and one column per weight are needed, and at least one weight.
    #[error("{found} covariances do not make a square of {expected} rows")]
    Size {
        /// Number of weights.
        expected: usize,
        /// Number of covariances.
        found: usize,
    },
    /// A covariance is not finite, not symmetric, or a variance is below zero.
    #[error("the covariance {value} of assets {one} and {other} cannot be")]
    Covariance {
        /// The one asset.
        one: usize,
        /// The other asset.
        other: usize,
        /// The refused value.
        value: f64,
    },
    /// The contributions do not become equal: some mix of the assets has no risk at all, so
    /// that no finite portfolio shares it equally.
    #[error("contributions to risk still differ by {difference} after all sweeps")]
    NoSolution {
        /// Largest relative difference that was left.
        difference: f64,
    },
}

impl Classify for RiskParityError {
    fn classification(&self) -> Classification {
        match self {
            Self::Size { .. } | Self::Covariance { .. } => Classification::INPUT,
            Self::NoSolution { .. } => Classification::COMPUTATION,
        }
    }
}

fn check(covariance: &[f64], count: usize) -> Result<(), RiskParityError> {
    let found = covariance.len();
    if count == 0 || count.checked_mul(count) != Some(found) {
        return Err(RiskParityError::Size { expected: count, found });
    }
    for one in 0..count {
        for other in 0..count {
            let value = covariance[one * count + other];
            let mirror = covariance[other * count + one];
            let close = (value - mirror).abs() <= 1e-9 * value.abs().max(mirror.abs());
            let sound = value.is_finite() && close && (one != other || value >= 0.0);
            if !sound {
                return Err(RiskParityError::Covariance { one, other, value });
            }
        }
    }
    Ok(())
}

/// Cyclical coordinate descent: with all other coordinates fixed, the best `x_i` is the positive
/// root of `x² + x c = budget`, where `c` is what the others add to the row.
fn solve(correlations: &[f64], count: usize) -> Result<Vec<f64>, RiskParityError> {
    let budget = 1.0 / count as f64;
    let mut x = vec![budget.sqrt(); count];
    let mut sums = products(correlations, &x);
    for _ in 0..MOST_SWEEPS {
        for i in 0..count {
            let others = sums[i] - x[i];
            let root = (others * others + 4.0 * budget).sqrt();
            // The form without cancellation.
            let best =
                if others > 0.0 { 2.0 * budget / (others + root) } else { (root - others) / 2.0 };
            let change = best - x[i];
            x[i] = best;
            let row = &correlations[i * count..(i + 1) * count];
            for (sum, correlation) in sums.iter_mut().zip(row) {
                *sum += correlation * change;
            }
        }
        if difference(&x, &sums, budget) <= TOLERANCE {
            // Running sums carry the roundings of all sweeps: the fresh ones decide.
            sums = products(correlations, &x);
            if difference(&x, &sums, budget) <= TOLERANCE {
                return Ok(x);
            }
        }
    }
    Err(RiskParityError::NoSolution { difference: difference(&x, &sums, budget) })
}

fn products(correlations: &[f64], x: &[f64]) -> Vec<f64> {
    correlations.chunks_exact(x.len()).map(|row| dot(row, x)).collect()
}

/// The largest relative distance of a contribution from its budget; NaN counts as infinite.
fn difference(x: &[f64], sums: &[f64], budget: f64) -> f64 {
    let distances = x.iter().zip(sums).map(|(x, sum)| (x * sum / budget - 1.0).abs());
    distances.fold(0.0, |most, next| {
        if next <= most {
            most
        } else if next.is_nan() {
            f64::INFINITY
        } else {
            next
        }
    })
}

fn dot(row: &[f64], x: &[f64]) -> f64 {
    row.iter().zip(x).map(|(left, right)| left * right).sum()
}
