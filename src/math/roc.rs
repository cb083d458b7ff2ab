//! Rate of change.

use serde::{Deserialize, Serialize};

use super::indicator::{Indicator, InputError, ParameterError, check_price, check_window};
use super::window::DelayLine;

/// Change of the close against the one `lag` bars ago, in percent; equals TA-Lib's `ROC`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Roc {
    delayed: DelayLine,
    latest: Option<f64>,
}

impl Roc {
    /// A change over `lag` bars (usual: 10).
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `lag` is 1 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(lag: usize) -> Result<Self, ParameterError> {
        check_window("lag", lag, 1)?;
        Ok(Self { delayed: DelayLine::new(lag), latest: None })
    }
}

impl Indicator for Roc {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: f64) -> Result<Option<f64>, InputError> {
        check_price("close", input)?;
        let change = |before| (input - before) / before * 100.0;
        self.latest = self.delayed.push(input).map(change);
        Ok(self.latest)
    }

    fn value(&self) -> Option<f64> {
        self.latest
    }

    fn warmup(&self) -> usize {
        self.delayed.length().saturating_add(1)
    }

    fn reset(&mut self) {
        self.delayed.reset();
        self.latest = None;
    }
}
