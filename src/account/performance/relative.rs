use serde::{Deserialize, Serialize};

use super::returns::is_flat;
use super::{Conventions, finite, ratio};
use crate::math::{correlation, covariance, mean, standard_deviation, variance};

/// A run against a benchmark, from the period returns of both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RelativeStatistics {
    /// Slope of the run's returns over the benchmark's.
    pub beta: Option<f64>,
    /// What the run earned beyond beta, per year, compounded: (1 + mean excess)^periods - 1
    /// (Jensen, 1968; compounding as in empyrical).
    pub alpha: Option<f64>,
    /// Pearson correlation of the returns.
    pub correlation: Option<f64>,
    /// Standard deviation of the differences of the returns, per year.
    pub tracking_error: Option<f64>,
    /// Mean difference of the returns over its standard deviation, per year.
    pub information_ratio: Option<f64>,
}

impl RelativeStatistics {
    /// Compares returns of the same periods; slices of different lengths give nothing.
    ///
    /// ```
    /// use tradewright::account::{Conventions, RelativeStatistics};
    ///
    /// let market = [0.01, -0.02, 0.03, 0.00];
    /// let half: Vec<f64> = market.iter().map(|r| r / 2.0).collect();
    /// let found = RelativeStatistics::new(&half, &market, &Conventions::daily());
    /// assert_eq!(found.beta, Some(0.5));
    /// ```
    pub fn new(returns: &[f64], benchmark: &[f64], conventions: &Conventions) -> Self {
        if returns.len() != benchmark.len() || is_flat(benchmark) {
            return Self::default();
        }
        let ddof = conventions.ddof;
        let root = conventions.periods_per_year.map(f64::sqrt);
        let differences: Vec<f64> = returns.iter().zip(benchmark).map(|(r, b)| r - b).collect();
        let spread = standard_deviation(&differences, ddof).filter(|_| !is_flat(&differences));
        let beta = covariance(returns, benchmark, ddof)
            .zip(variance(benchmark, ddof))
            .and_then(|(common, own)| ratio(common, own));
        let information = |spread: f64| finite(ratio(mean(&differences)?, spread)? * root?);
        Self {
            beta,
            alpha: beta.and_then(|beta| alpha(returns, benchmark, beta, conventions)),
            correlation: correlation(returns, benchmark),
            tracking_error: spread.zip(root).and_then(|(spread, root)| finite(spread * root)),
            information_ratio: spread.and_then(information),
        }
    }
}

fn alpha(returns: &[f64], benchmark: &[f64], beta: f64, conventions: &Conventions) -> Option<f64> {
    let risk_free = conventions.risk_free_per_period()?;
    let excess = mean(returns)? - risk_free - beta * (mean(benchmark)? - risk_free);
    finite(libm::pow(1.0 + excess, conventions.periods_per_year?) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_copy_has_alpha_and_no_spread() {
        let market = [0.01, -0.02, 0.03, 0.00, -0.01];
        let better: Vec<f64> = market.iter().map(|value| value + 0.001).collect();
        let found = RelativeStatistics::new(&better, &market, &Conventions::per_year(10.0));
        assert!((found.beta.unwrap() - 1.0).abs() < 1e-12);
        assert!((found.alpha.unwrap() - (libm::pow(1.001, 10.0) - 1.0)).abs() < 1e-12);
        assert!(found.correlation.unwrap() > 0.999_999);
    }

    #[test]
    fn the_same_series_has_no_tracking_error() {
        let market = [0.01, -0.02, 0.03];
        let found = RelativeStatistics::new(&market, &market, &Conventions::daily());
        assert_eq!((found.tracking_error, found.information_ratio), (None, None));
    }

    #[test]
    fn what_is_undefined_is_none() {
        let nothing = RelativeStatistics::default();
        let conventions = Conventions::daily();
        assert_eq!(RelativeStatistics::new(&[], &[], &conventions), nothing);
        assert_eq!(RelativeStatistics::new(&[0.1], &[0.1, 0.2], &conventions), nothing);
        assert_eq!(RelativeStatistics::new(&[0.1, 0.2], &[0.0, 0.0], &conventions), nothing);
        let broken = RelativeStatistics::new(&[0.1, f64::NAN], &[0.1, 0.2], &conventions);
        assert_eq!(broken, nothing);
    }
}
