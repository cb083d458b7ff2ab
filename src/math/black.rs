//! The value of a European option on a forward, and the deviation that a value implies.

use super::normal::norm_cdf;

/// Undiscounted value of an option on a forward; `deviation` is σ√T, the deviation of the log of
/// the forward at expiry. At a deviation of zero the value is what exercise would bring.
///
/// Computed on the side that is out of the money, so that small time values keep their digits.
/// Source: Black, Journal of Financial Economics (1976).
pub(crate) fn black_value(is_call: bool, forward: f64, strike: f64, deviation: f64) -> f64 {
    let gain = if is_call { forward - strike } else { strike - forward };
    let intrinsic = if gain < 0.0 { 0.0 } else { gain };
    if !(deviation > 0.0) || !(forward > 0.0) || !(strike > 0.0) {
        return intrinsic + 0.0 * deviation;
    }
    let moneyness = libm::log(forward / strike) / deviation;
    let (above, below) = (moneyness + deviation / 2.0, moneyness - deviation / 2.0);
    let time_value = if forward >= strike {
        strike * norm_cdf(-below) - forward * norm_cdf(-above)
    } else {
        forward * norm_cdf(above) - strike * norm_cdf(below)
    };
    // Below zero by rounding only.
    intrinsic + if time_value < 0.0 { 0.0 } else { time_value }
}

/// The deviation at which an option has this undiscounted value; `None` where the value has no
/// time value or cannot be.
///
/// By halving an interval: slower than a rational guess, and it always arrives. The answer has
/// about twelve digits where the time value has as many.
pub(crate) fn black_implied_deviation(
    is_call: bool,
    forward: f64,
    strike: f64,
    value: f64,
) -> Option<f64> {
    let at = |deviation: f64| black_value(is_call, forward, strike, deviation);
    let (mut low, mut high) = (0.0, MOST_DEVIATION);
    if !(value > at(low) && value < at(high)) {
        return None;
    }
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if at(middle) < value {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(f64::midpoint(low, high))
}

/// Beyond this an option is worth its bound to the last digit.
const MOST_DEVIATION: f64 = 20.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn close(actual: f64, expected: f64, tolerance: f64) {
        assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected}");
    }

    #[test]
    fn published_values() {
        // Haug, The Complete Guide to Option Pricing Formulas (1998): Black-76 at 19, 19, three
        // quarters of a year, 10 %, volatility 28 %.
        let deviation = 0.28 * 0.75_f64.sqrt();
        let discount = libm::exp(-0.10 * 0.75);
        close(discount * black_value(true, 19.0, 19.0, deviation), 1.7011, 5e-5);
        close(discount * black_value(false, 19.0, 19.0, deviation), 1.7011, 5e-5);
        // Hull, example 15.6, by way of the forward: call 4.7594, put 0.8086.
        let (forward, discount) = (42.0 * libm::exp(0.05), libm::exp(-0.05));
        let deviation = 0.2 * 0.5_f64.sqrt();
        close(discount * black_value(true, forward, 40.0, deviation), 4.7594, 5e-5);
        close(discount * black_value(false, forward, 40.0, deviation), 0.8086, 5e-5);
    }

    #[test]
    fn the_implied_deviation_gives_the_value_back() {
        for strike in [50.0, 90.0, 100.0, 130.0] {
            for deviation in [0.05, 0.2, 1.0, 3.0] {
                for is_call in [true, false] {
                    let value = black_value(is_call, 100.0, strike, deviation);
                    let Some(found) = black_implied_deviation(is_call, 100.0, strike, value) else {
                        // Its time value is below one rounding.
                        assert!((strike, deviation) == (50.0, 0.05), "{strike} {deviation}");
                        continue;
                    };
                    close(black_value(is_call, 100.0, strike, found), value, 1e-13 * 100.0);
                }
            }
        }
        assert_eq!(black_implied_deviation(true, 100.0, 90.0, 10.0), None);
        assert_eq!(black_implied_deviation(true, 100.0, 90.0, 100.0), None);
        assert_eq!(black_implied_deviation(false, 100.0, 90.0, f64::NAN), None);
    }

    #[test]
    fn limits_are_values() {
        close(black_value(true, 100.0, 90.0, 0.0), 10.0, 0.0);
        close(black_value(false, 0.0, 90.0, 0.3), 90.0, 0.0);
        assert!(black_value(true, f64::NAN, 90.0, 0.3).is_nan());
        assert!(black_value(true, 100.0, 90.0, f64::NAN).is_nan());
    }
}
