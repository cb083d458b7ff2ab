//! The contract of every indicator: one input in, at most one value out.

use crate::types::{Classification, Classify};
use serde::{Deserialize, Serialize};

/// Largest magnitude that any input may have.
///
/// Its square, summed over the longest window, is still far from the end of the `f64` range, so no
/// accepted input can turn a state into infinity or NaN.
pub const LARGEST_INPUT: f64 = 1e100;

/// Smallest price that is accepted; the quotient of two accepted prices never overflows.
pub const SMALLEST_PRICE: f64 = 1e-100;

/// Longest window that an indicator may be built with, in inputs.
pub const LONGEST_WINDOW: usize = 1_000_000;

/// A streaming indicator: feed it one input at a time, read one value at a time.
///
/// Laws that every implementation in this crate keeps:
/// 1. an input that is refused leaves the state as it was, bit for bit;
/// 2. `update` answers `None` for exactly the first `warmup() - 1` accepted inputs (some indicators
///    are undefined on some later windows as well; their documentation says when);
/// 3. after `reset` the indicator equals a new one;
/// 4. `value` repeats what the last accepted `update` answered;
/// 5. nothing is allocated after construction.
///
/// ```
/// use tradewright::math::{Indicator, Sma};
///
/// let mut average = Sma::new(3)?;
/// assert_eq!(average.update(1.0)?, None);
/// assert_eq!(average.update(2.0)?, None);
/// assert_eq!(average.update(6.0)?, Some(3.0));
/// assert!(average.update(f64::NAN).is_err());
/// assert_eq!(average.value(), Some(3.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no indicator",
    label = "`Indicator` is not implemented for this type",
    note = "implement `Indicator` (`update`, `value`, `warmup` and `reset`)"
)]
pub trait Indicator {
    /// What one update takes: a number, a bar or a pair of numbers.
    type Input: Copy;
    /// What one update answers once the indicator is warm.
    type Output: Copy;

    /// Takes the next input and answers the value that includes it.
    ///
    /// # Errors
    /// [`InputError`] when the input is refused; the state is then unchanged.
    fn update(&mut self, input: Self::Input) -> Result<Option<Self::Output>, InputError>;

    /// The value after the last accepted input, `None` before warm-up.
    fn value(&self) -> Option<Self::Output>;

    /// How many inputs are needed until the first value (first defined bar index + 1).
    fn warmup(&self) -> usize;

    /// Forgets every input; afterwards the indicator equals a new one with the same parameters.
    fn reset(&mut self);

    /// Feeds a slice and appends one answer per input to `out`.
    ///
    /// # Errors
    /// The first [`InputError`]; the answers before it stay in `out`, the inputs after it are not
    /// read.
    fn batch(
        &mut self,
        inputs: &[Self::Input],
        out: &mut Vec<Option<Self::Output>>,
    ) -> Result<(), InputError> {
        out.reserve(inputs.len());
        for &input in inputs {
            out.push(self.update(input)?);
        }
        Ok(())
    }
}

/// One bar as plain numbers: prices in the quote currency, volume in any unit that adds up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ohlcv {
    /// First price of the bar.
    pub open: f64,
    /// Highest price of the bar.
    pub high: f64,
    /// Lowest price of the bar.
    pub low: f64,
    /// Last price of the bar.
    pub close: f64,
    /// Traded volume of the bar, 0 or more.
    pub volume: f64,
}

impl Ohlcv {
    /// Checks that the bar can have happened.
    ///
    /// # Errors
    /// [`InputError`] when a price is not finite or not in
    /// [`SMALLEST_PRICE`]..=[`LARGEST_INPUT`], the high lies below the low, the open or the close
    /// lies outside of the two, or the volume is negative, not finite or too large.
    #[inline]
    pub fn validate(&self) -> Result<(), InputError> {
        // Numbers above zero are in the order of their bits, and whole numbers are compared and
        // branched on at once. What has a sign or is not a number comes after all of them.
        let (open, close) = (self.open.to_bits(), self.close.to_bits());
        let (high, low) = (self.high.to_bits(), self.low.to_bits());
        let limit = LARGEST_INPUT.to_bits();
        let is_sound = low >= SMALLEST_PRICE.to_bits()
            && low <= open
            && low <= close
            && open <= high
            && close <= high
            && high <= limit
            && self.volume.to_bits() <= limit;
        if is_sound {
            Ok(())
        } else {
            check_bar(self.open, self.high, self.low, self.close, self.volume)
        }
    }

    /// (high + low + close) / 3.
    #[inline]
    pub fn typical_price(&self) -> f64 {
        (self.high + self.low + self.close) / 3.0
    }
}

/// Why an input was refused; the indicator's state is what it was before.
///
/// The caller skips the input, repairs it or stops the feed; feeding it again fails again.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// A value is NaN or infinite.
    #[error("{field} is {value}, it must be a finite number")]
    NotFinite {
        /// Which part of the input.
        field: &'static str,
        /// The refused value.
        value: f64,
    },
    /// A price is zero or negative.
    #[error("{field} is {value}, a price must be above zero")]
    NotPositive {
        /// Which part of the input.
        field: &'static str,
        /// The refused value.
        value: f64,
    },
    /// A magnitude that no market has and that would endanger the arithmetic.
    #[error(
        "{field} is {value:e}, outside of what is computed with \
         (prices {SMALLEST_PRICE:e} to {LARGEST_INPUT:e}, numbers up to {LARGEST_INPUT:e})"
    )]
    OutOfRange {
        /// Which part of the input.
        field: &'static str,
        /// The refused value.
        value: f64,
    },
    /// A volume below zero.
    #[error("volume is {value}, it must be zero or more")]
    NegativeVolume {
        /// The refused value.
        value: f64,
    },
    /// A bar upside down.
    #[error("high {high} is below low {low}")]
    HighBelowLow {
        /// The refused high.
        high: f64,
        /// The refused low.
        low: f64,
    },
    /// The open or the close of a bar lies outside of its range.
    #[error("{field} {value} is outside of the bar's range {low} to {high}")]
    OutsideBar {
        /// `open` or `close`.
        field: &'static str,
        /// The refused value.
        value: f64,
        /// The bar's low.
        low: f64,
        /// The bar's high.
        high: f64,
    },
    /// A timestamp before the previous one.
    #[error("time {at_ns} ns is before the previous input's {previous_ns} ns")]
    TimeWentBack {
        /// The refused timestamp, nanoseconds since 1970 UTC.
        at_ns: i64,
        /// The timestamp of the input before it.
        previous_ns: i64,
    },
}

impl Classify for InputError {
    fn classification(&self) -> Classification {
        Classification::INPUT
    }
}

/// Why an indicator could not be built: which parameter, its value and what is allowed.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// A count, such as a window length, outside of its range.
    #[error("{name} is {value}, allowed are whole numbers from {minimum} to {maximum}")]
    Count {
        /// The parameter.
        name: &'static str,
        /// The refused value.
        value: usize,
        /// Smallest allowed value.
        minimum: usize,
        /// Largest allowed value.
        maximum: usize,
    },
    /// A factor that is zero, negative, not finite or absurdly large.
    #[error("{name} is {value}, allowed are numbers above 0 and up to {maximum}")]
    Factor {
        /// The parameter.
        name: &'static str,
        /// The refused value.
        value: f64,
        /// Largest allowed value.
        maximum: f64,
    },
    /// Two parameters in the wrong order.
    #[error("{smaller} is {value}, it must be below {larger}, which is {limit}")]
    Order {
        /// The parameter that must be the smaller one.
        smaller: &'static str,
        /// Its refused value.
        value: usize,
        /// The parameter that must be the larger one.
        larger: &'static str,
        /// The value of the larger one.
        limit: usize,
    },
    /// A fraction that is not between 0 and 1, the ends excluded.
    #[error("{name} is {value}, allowed are numbers above 0 and below 1")]
    Fraction {
        /// The parameter.
        name: &'static str,
        /// The refused value.
        value: f64,
    },
    /// A number whose decimal text is no ratio of two numbers up to 2^32.
    #[error(
        "{value} cannot be used as an exact ratio, allowed are numbers from 0 whose shortest \
         decimal text is a fraction with numerator and denominator up to 4294967296"
    )]
    NoExactRatio {
        /// The refused value.
        value: f64,
    },
}

impl Classify for ParameterError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}

/// A finite number of sane magnitude; may be negative.
#[inline]
pub(crate) fn check_number(field: &'static str, value: f64) -> Result<(), InputError> {
    if value.abs() <= LARGEST_INPUT { Ok(()) } else { Err(refuse_number(field, value)) }
}

/// A finite number above zero of sane magnitude.
#[inline]
pub(crate) fn check_price(field: &'static str, value: f64) -> Result<(), InputError> {
    // Numbers above zero are in the order of their bits, and whole numbers are compared at once.
    let smallest = SMALLEST_PRICE.to_bits();
    if value.to_bits().wrapping_sub(smallest) <= LARGEST_INPUT.to_bits() - smallest {
        Ok(())
    } else {
        Err(refuse_price(field, value))
    }
}

/// A window length from `minimum` to [`LONGEST_WINDOW`].
pub(crate) fn check_window(
    name: &'static str,
    value: usize,
    minimum: usize,
) -> Result<(), ParameterError> {
    if (minimum..=LONGEST_WINDOW).contains(&value) {
        Ok(())
    } else {
        Err(ParameterError::Count { name, value, minimum, maximum: LONGEST_WINDOW })
    }
}

/// A factor above 0 and up to `maximum`.
pub(crate) fn check_factor(
    name: &'static str,
    value: f64,
    maximum: f64,
) -> Result<(), ParameterError> {
    if value > 0.0 && value <= maximum {
        Ok(())
    } else {
        Err(ParameterError::Factor { name, value, maximum })
    }
}

/// A fraction above 0 and below 1.
pub(crate) fn check_fraction(name: &'static str, value: f64) -> Result<(), ParameterError> {
    if value > 0.0 && value < 1.0 { Ok(()) } else { Err(ParameterError::Fraction { name, value }) }
}

#[cold]
fn refuse_number(field: &'static str, value: f64) -> InputError {
    if value.is_finite() {
        InputError::OutOfRange { field, value }
    } else {
        InputError::NotFinite { field, value }
    }
}

#[cold]
fn refuse_price(field: &'static str, value: f64) -> InputError {
    if value <= 0.0 && value.is_finite() {
        InputError::NotPositive { field, value }
    } else {
        refuse_number(field, value)
    }
}

/// The same check in words: a volume of -0 is zero.
///
/// Takes numbers, not the bar: a bar whose address is taken has to live in memory, and copying it
/// there costs the hot path more than all checks together.
#[cold]
#[inline(never)]
fn check_bar(open: f64, high: f64, low: f64, close: f64, volume: f64) -> Result<(), InputError> {
    for (field, value) in [("open", open), ("high", high), ("low", low), ("close", close)] {
        check_price(field, value)?;
    }
    check_number("volume", volume)?;
    if volume < 0.0 {
        return Err(InputError::NegativeVolume { value: volume });
    }
    if high < low {
        return Err(InputError::HighBelowLow { high, low });
    }
    let is_inside = |price: f64| low <= price && price <= high;
    for (field, value) in [("open", open), ("close", close)] {
        if !is_inside(value) {
            return Err(InputError::OutsideBar { field, value, low, high });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The checks compare bits; these compare numbers, on every combination of awkward ones.
    #[test]
    fn checks_say_what_the_documentation_says() {
        let mut numbers =
            vec![f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, -1.0, -0.0, 0.0, 1.0, 2.0];
        for edge in [SMALLEST_PRICE, LARGEST_INPUT] {
            numbers.extend([edge.next_down(), edge, edge.next_up()]);
        }
        numbers.extend([-f64::NAN, f64::NEG_INFINITY]);
        let is_price = |value: f64| (SMALLEST_PRICE..=LARGEST_INPUT).contains(&value);
        for &value in &numbers {
            assert_eq!(check_price("x", value).is_ok(), is_price(value), "{value:e}");
        }
        for &open in &numbers {
            for &high in &numbers {
                for &low in &numbers {
                    for (close, volume) in numbers
                        .iter()
                        .flat_map(|&close| numbers.iter().map(move |&volume| (close, volume)))
                    {
                        let prices = [open, high, low, close].into_iter().all(is_price);
                        let inside = low <= open && open <= high && low <= close && close <= high;
                        let is_volume = (0.0..=LARGEST_INPUT).contains(&volume);
                        let bar = Ohlcv { open, high, low, close, volume };
                        let expected = prices && inside && is_volume;
                        assert_eq!(bar.validate().is_ok(), expected, "{bar:?}");
                    }
                }
            }
        }
    }
}
