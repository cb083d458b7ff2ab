//! The standard normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use statrs::distribution::{ContinuousCDF, Normal};

/// Complementary error function, 1 - erf(x), without the cancellation of that subtraction.
///
/// Exact to about one rounding in the centre and 1e-13 relative in the far tail.
pub fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}

/// Density of the standard normal distribution at `x`.
pub fn norm_pdf(x: f64) -> f64 {
    libm::exp(-0.5 * x * x) / (2.0 * PI).sqrt()
}

/// Probability that a standard normal variable is at most `x`.
///
/// ```
/// use tradewright::math::norm_cdf;
///
/// assert!((norm_cdf(1.0) - 0.841_344_746_068_542_9).abs() < 1e-15);
/// ```
pub fn norm_cdf(x: f64) -> f64 {
    // Through erfc, so that the lower tail keeps its relative precision.
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// The value that a standard normal variable stays below with probability `probability`.
///
/// `None` unless the probability lies strictly between 0 and 1, where the answer is finite.
pub fn norm_inverse_cdf(probability: f64) -> Option<f64> {
    if !(probability > 0.0 && probability < 1.0) {
        return None;
    }
    let value = Normal::standard().inverse_cdf(probability);
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(actual: f64, expected: f64, relative: f64) {
        let difference = (actual - expected).abs();
        assert!(difference <= relative * expected.abs(), "{actual} is not {expected}");
    }

    #[test]
    fn known_values_hold_to_the_last_digits() {
        // 50-digit values, rounded.
        close(norm_cdf(0.0), 0.5, 0.0);
        close(norm_cdf(1.0), 0.841_344_746_068_542_9, 1e-15);
        close(norm_cdf(-1.0), 0.158_655_253_931_457_05, 1e-15);
        close(norm_cdf(-10.0), 7.619_853_024_160_527e-24, 1e-13);
        close(erfc(0.5), 0.479_500_122_186_953_46, 1e-15);
        close(norm_pdf(0.0), 0.398_942_280_401_432_7, 1e-15);
        close(norm_inverse_cdf(0.975).unwrap(), 1.959_963_984_540_054, 1e-15);
    }

    #[test]
    fn the_inverse_inverts() {
        for thousandth in 1..1000 {
            let probability = f64::from(thousandth) / 1000.0;
            close(norm_cdf(norm_inverse_cdf(probability).unwrap()), probability, 1e-14);
        }
    }

    #[test]
    fn impossible_probabilities_have_no_value() {
        for probability in [0.0, 1.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(norm_inverse_cdf(probability), None);
        }
        assert_eq!(norm_cdf(f64::NEG_INFINITY), 0.0);
        assert_eq!(norm_cdf(f64::INFINITY), 1.0);
    }
}
