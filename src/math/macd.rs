//! Moving average convergence/divergence.

use serde::{Deserialize, Serialize};

use super::indicator::{Indicator, InputError, ParameterError, check_price, check_window};
use super::moving_average::Ema;

/// The three lines after one bar, in the unit of the price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MacdLines {
    /// Fast average - slow average.
    pub macd: f64,
    /// Exponential average of `macd`.
    pub signal: f64,
    /// `macd` - `signal`.
    pub histogram: f64,
}

/// Moving average convergence/divergence of closes.
///
/// Starts as TA-Lib's `MACD` does: the fast average takes no notice of the first closes and is
/// seeded so that both averages begin on the same bar, so the first values are not the difference
/// of two stand-alone [`Ema`]s. All three lines begin once the signal line does: with 12, 26 and 9
/// at the 34th close. Source: Appel, Technical Analysis: Power Tools (2005).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Macd {
    fast: Ema,
    slow: Ema,
    signal: Ema,
    /// How many closes the fast average still has to skip.
    skip: usize,
    latest: Option<MacdLines>,
}

impl Macd {
    /// Lines from a fast and a slow period and the period of the signal line (usual: 12, 26, 9).
    ///
    /// # Errors
    /// [`ParameterError`] unless all are 1 to [`LONGEST_WINDOW`](super::LONGEST_WINDOW) and `fast`
    /// is below `slow`.
    pub fn new(fast: usize, slow: usize, signal: usize) -> Result<Self, ParameterError> {
        check_window("fast", fast, 1)?;
        check_window("slow", slow, 1)?;
        check_window("signal", signal, 1)?;
        if fast >= slow {
            let (smaller, larger) = ("fast", "slow");
            return Err(ParameterError::Order { smaller, value: fast, larger, limit: slow });
        }
        Ok(Self {
            fast: Ema::new(fast)?,
            slow: Ema::new(slow)?,
            signal: Ema::new(signal)?,
            skip: slow - fast,
            latest: None,
        })
    }
}

impl Indicator for Macd {
    type Input = f64;
    type Output = MacdLines;

    #[inline]
    fn update(&mut self, input: f64) -> Result<Option<MacdLines>, InputError> {
        check_price("close", input)?;
        let slow = self.slow.update(input)?;
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(None);
        }
        if let (Some(fast), Some(slow)) = (self.fast.update(input)?, slow) {
            let macd = fast - slow;
            let signal = self.signal.update(macd)?;
            let lines = |signal| MacdLines { macd, signal, histogram: macd - signal };
            self.latest = signal.map(lines);
        }
        Ok(self.latest)
    }

    #[inline]
    fn value(&self) -> Option<MacdLines> {
        self.latest
    }

    fn warmup(&self) -> usize {
        self.slow.warmup().saturating_add(self.signal.warmup()).saturating_sub(1)
    }

    fn reset(&mut self) {
        self.fast.reset();
        self.slow.reset();
        self.signal.reset();
        self.skip = self.slow.warmup().saturating_sub(self.fast.warmup());
        self.latest = None;
    }
}
