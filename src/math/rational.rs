//! A number with a short decimal text as an exact ratio of two small integers.

use serde::{Deserialize, Serialize};

use super::indicator::ParameterError;

/// Largest numerator and denominator: products with a 64-bit tick count stay inside of `u128`.
const LARGEST_TERM: u128 = 1 << 32;

/// An exact non-negative ratio in lowest terms; both terms are at most 2^32.
///
/// Kernels that decide ties exactly compare integers; a factor such as 0.02 has no exact `f64`, but
/// its text does have an exact ratio, and the text is what the person who typed it meant.
///
/// ```
/// use tradewright::math::Ratio;
///
/// assert_eq!(Ratio::from_decimal_text_of(1.96)?, Ratio { numerator: 49, denominator: 25 });
/// # Ok::<(), tradewright::math::ParameterError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RatioTerms")]
pub struct Ratio {
    /// The upper term.
    pub numerator: u64,
    /// The lower term, at least 1.
    pub denominator: u64,
}

impl Ratio {
    /// The exact value of the shortest decimal text that reads back as `value`.
    ///
    /// # Errors
    /// [`ParameterError::NoExactRatio`] when the value is negative, not finite, or needs a term
    /// above 2^32 in lowest terms.
    pub fn from_decimal_text_of(value: f64) -> Result<Self, ParameterError> {
        let refused = ParameterError::NoExactRatio { value };
        if !(value >= 0.0 && value.is_finite()) {
            return Err(refused);
        }
        terms_of_text(&value.abs().to_string()).and_then(reduce).ok_or(refused)
    }

    /// The nearest `f64`.
    pub fn to_f64(self) -> f64 {
        // Both terms are exact in f64, so the quotient is rounded once.
        self.numerator as f64 / self.denominator as f64
    }
}

/// What a stored ratio looks like before it is checked.
#[derive(Deserialize)]
struct RatioTerms {
    numerator: u64,
    denominator: u64,
}

impl TryFrom<RatioTerms> for Ratio {
    type Error = String;

    fn try_from(terms: RatioTerms) -> Result<Self, String> {
        let RatioTerms { numerator, denominator } = terms;
        reduce((u128::from(numerator), u128::from(denominator))).ok_or_else(|| {
            format!("{numerator}/{denominator} is no ratio with terms from 1/1 up to 2^32")
        })
    }
}

/// Numerator and power of ten of plain decimal text; `None` when they do not fit.
fn terms_of_text(text: &str) -> Option<(u128, u128)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut numerator: u128 = 0;
    let mut denominator: u128 = 1;
    for digit in whole.chars() {
        numerator = append_digit(numerator, digit)?;
    }
    for digit in fraction.chars() {
        numerator = append_digit(numerator, digit)?;
        denominator = denominator.checked_mul(10)?;
    }
    Some((numerator, denominator))
}

fn append_digit(number: u128, digit: char) -> Option<u128> {
    number.checked_mul(10)?.checked_add(u128::from(digit.to_digit(10)?))
}

fn reduce((numerator, denominator): (u128, u128)) -> Option<Ratio> {
    if denominator == 0 {
        return None;
    }
    let divisor = greatest_common_divisor(numerator, denominator);
    let (numerator, denominator) = (numerator / divisor, denominator / divisor);
    if numerator > LARGEST_TERM || denominator > LARGEST_TERM {
        return None;
    }
    Some(Ratio {
        numerator: u64::try_from(numerator).ok()?,
        denominator: u64::try_from(denominator).ok()?,
    })
}

fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(numerator: u64, denominator: u64) -> Ratio {
        Ratio { numerator, denominator }
    }

    #[test]
    fn short_texts_become_reduced_ratios() {
        let cases = [
            (2.0, ratio(2, 1)),
            (0.02, ratio(1, 50)),
            (1.96, ratio(49, 25)),
            (0.0, ratio(0, 1)),
            (-0.0, ratio(0, 1)),
            (1.5, ratio(3, 2)),
            (1e-7, ratio(1, 10_000_000)),
            (4_294_967_296.0, ratio(1 << 32, 1)),
        ];
        for (value, expected) in cases {
            assert_eq!(Ratio::from_decimal_text_of(value), Ok(expected), "{value}");
            assert_eq!(expected.to_f64(), value);
        }
    }

    #[test]
    fn long_texts_and_impossible_values_are_refused_with_their_value() {
        for value in [0.1 + 0.2, -1.0, f64::INFINITY, 1e300, 1e-300, 4_294_967_297.0, f64::MIN] {
            let error = Ratio::from_decimal_text_of(value).unwrap_err();
            assert!(error.to_string().starts_with(&value.to_string()), "{error}");
        }
        assert!(Ratio::from_decimal_text_of(f64::NAN).is_err());
    }

    #[test]
    fn stored_ratios_are_checked_and_reduced() {
        let read = |text| serde_json::from_str::<Ratio>(text).ok();
        assert_eq!(read(r#"{"numerator":4,"denominator":2}"#), Some(ratio(2, 1)));
        assert_eq!(read(r#"{"numerator":4,"denominator":0}"#), None);
        assert_eq!(read(r#"{"numerator":4294967297,"denominator":1}"#), None);
    }
}
