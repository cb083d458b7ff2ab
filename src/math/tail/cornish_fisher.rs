use super::TailMeasure;
use crate::math::{norm_inverse_cdf, norm_pdf};

/// The normal quantile `z`, corrected for skewness and excess kurtosis:
/// z + (z² - 1) s / 6 + (z³ - 3z) k / 24 - (2z³ - 5z) s² / 36.
///
/// The raw expansion, without asking whether it is monotone: see [`cornish_fisher_is_monotone`].
/// Source: Cornish and Fisher, Revue de l'Institut International de Statistique (1938).
pub fn cornish_fisher_quantile(z: f64, skewness: f64, kurtosis: f64) -> f64 {
    let (square, cube) = (z * z, z * z * z);
    z + (square - 1.0) * skewness / 6.0 + (cube - 3.0 * z) * kurtosis / 24.0
        - (2.0 * cube - 5.0 * z) * skewness * skewness / 36.0
}

/// The mean of [`cornish_fisher_quantile`] over the lowest share `tail` (between 0 and 1) of
/// cases; `None` for any other share.
///
/// Closed form from the partial moments of the normal distribution. Source: Maillard, A User's
/// Guide to the Cornish Fisher Expansion (2012).
pub fn cornish_fisher_tail_mean(tail: f64, skewness: f64, kurtosis: f64) -> Option<f64> {
    let z = norm_inverse_cdf(tail)?;
    let factor = Expansion::new(TailMeasure::ExpectedShortfall, z, tail);
    Some(-factor.value(skewness, kurtosis))
}

/// True where the expansion rises with `z` everywhere, so that it is a quantile function.
///
/// Its derivative is a quadratic in z; this is the condition that it is never negative. Roughly:
/// skewness within ±2.49 and excess kurtosis between 0 and 8. Source: Maillard (2012).
pub fn cornish_fisher_is_monotone(skewness: f64, kurtosis: f64) -> bool {
    let squared = skewness * skewness;
    let quadratic = kurtosis / 8.0 - squared / 6.0;
    let constant = 1.0 - kurtosis / 8.0 + 5.0 * squared / 36.0;
    if quadratic == 0.0 {
        return skewness == 0.0 && constant >= 0.0;
    }
    quadratic > 0.0 && squared / 9.0 <= 4.0 * quadratic * constant
}

/// A figure in deviations below the mean as a function of skewness and kurtosis:
/// a + b s + c k + d s².
#[derive(Clone, Copy, Debug)]
pub(super) struct Expansion {
    constant: f64,
    skewness: f64,
    kurtosis: f64,
    skewness_squared: f64,
}

impl Expansion {
    /// `z` is the normal quantile of the tail.
    pub(super) fn new(measure: TailMeasure, z: f64, tail: f64) -> Self {
        let square = z * z;
        match measure {
            TailMeasure::ValueAtRisk => Self {
                constant: -z,
                skewness: -(square - 1.0) / 6.0,
                kurtosis: -(square * z - 3.0 * z) / 24.0,
                skewness_squared: (2.0 * square * z - 5.0 * z) / 36.0,
            },
            TailMeasure::ExpectedShortfall => {
                let mean = norm_pdf(z) / tail;
                Self {
                    constant: mean,
                    skewness: mean * z / 6.0,
                    kurtosis: mean * (square - 1.0) / 24.0,
                    skewness_squared: mean * (1.0 - 2.0 * square) / 36.0,
                }
            }
        }
    }

    pub(super) fn value(&self, skewness: f64, kurtosis: f64) -> f64 {
        self.constant
            + self.skewness * skewness
            + self.kurtosis * kurtosis
            + self.skewness_squared * skewness * skewness
    }

    /// Partial derivatives by skewness and kurtosis.
    pub(super) fn slopes(&self, skewness: f64) -> (f64, f64) {
        (self.skewness + 2.0 * self.skewness_squared * skewness, self.kurtosis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_skewness_and_kurtosis_it_is_the_normal_quantile() {
        for z in [-3.0, -1.0, 0.0, 2.5] {
            assert_eq!(cornish_fisher_quantile(z, 0.0, 0.0), z);
        }
        assert_eq!(cornish_fisher_tail_mean(0.0, 0.0, 0.0), None);
        assert!(cornish_fisher_is_monotone(0.0, 0.0));
        assert!(!cornish_fisher_is_monotone(f64::NAN, 1.0));
    }

    #[test]
    fn the_region_is_where_the_expansion_never_falls() {
        let rises = |skewness: f64, kurtosis: f64| {
            let at =
                |step: i32| cornish_fisher_quantile(f64::from(step) / 100.0, skewness, kurtosis);
            (-2000..2000).all(|step| at(step) <= at(step + 1) + 1e-12)
        };
        // Between the points of this grid and the region's edge lies more than rounding.
        for tenths in -30..=30 {
            for halves in -4..=20 {
                let (skewness, kurtosis) = (f64::from(tenths) / 10.0, f64::from(halves) / 2.0);
                let found = cornish_fisher_is_monotone(skewness, kurtosis);
                assert_eq!(found, rises(skewness, kurtosis), "{skewness} {kurtosis}");
            }
        }
    }

    #[test]
    fn the_tail_mean_is_the_mean_of_the_quantiles() {
        for (skewness, kurtosis) in [(0.0, 0.0), (-0.5, 2.0), (0.3, 4.0)] {
            for tail in [0.01, 0.05, 0.5] {
                let count = 200_000;
                let quantile = |index: i32| {
                    let share = (f64::from(index) + 0.5) / f64::from(count) * tail;
                    cornish_fisher_quantile(norm_inverse_cdf(share).unwrap(), skewness, kurtosis)
                };
                let mean = (0..count).map(quantile).sum::<f64>() / f64::from(count);
                let closed = cornish_fisher_tail_mean(tail, skewness, kurtosis).unwrap();
                assert!((mean - closed).abs() < 2e-4, "{mean} {closed}");
            }
        }
    }
}
