//! Relative strength index.

use serde::{Deserialize, Serialize};

use super::indicator::{Indicator, InputError, ParameterError, check_price, check_window};
use super::moving_average::WilderAverage;

/// An average move smaller than this fraction of the price is the echo of moves long gone.
const NO_MOVE: f64 = 1e-14;

/// Relative strength index of closes by Wilder's smoothing, 0 to 100.
///
/// 100 · average rise / (average rise + average fall). When there was no move at all the answer is
/// 0, as in TA-Lib; TA-Lib calls 1e-14 in price units "no move", here it is 1e-14 of the price, so
/// that an instrument quoted in tiny units works. Otherwise equals TA-Lib's `RSI`. Source: Wilder
/// (1978).
///
/// ```
/// use tradewright::math::{Indicator, Rsi};
///
/// let mut rsi = Rsi::new(2)?;
/// rsi.update(10.0)?;
/// rsi.update(13.0)?;
/// assert_eq!(rsi.update(12.0)?, Some(75.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rsi {
    rise: WilderAverage,
    fall: WilderAverage,
    previous: Option<f64>,
}

impl Rsi {
    /// An index over `period` changes (Wilder: 14).
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `period` is 2 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(period: usize) -> Result<Self, ParameterError> {
        check_window("period", period, 2)?;
        let average = WilderAverage::new(period);
        Ok(Self { rise: average.clone(), fall: average, previous: None })
    }
}

impl Indicator for Rsi {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: f64) -> Result<Option<f64>, InputError> {
        check_price("close", input)?;
        if let Some(previous) = self.previous {
            let change = input - previous;
            self.rise.push(if change > 0.0 { change } else { 0.0 });
            self.fall.push(if change < 0.0 { -change } else { 0.0 });
        }
        self.previous = Some(input);
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        let (rise, fall) = (self.rise.value()?, self.fall.value()?);
        let moves = rise + fall;
        Some(if moves > NO_MOVE * self.previous? { 100.0 * (rise / moves) } else { 0.0 })
    }

    fn warmup(&self) -> usize {
        self.rise.period().saturating_add(1)
    }

    fn reset(&mut self) {
        self.rise.reset();
        self.fall.reset();
        self.previous = None;
    }
}
