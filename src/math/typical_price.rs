//! Typical price of a bar.

use serde::{Deserialize, Serialize};

use super::indicator::{Indicator, InputError, Ohlcv};

/// (high + low + close) / 3 of the current bar; equals TA-Lib's `TYPPRICE`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TypicalPrice {
    latest: Option<f64>,
}

impl TypicalPrice {
    /// Has no parameters.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Indicator for TypicalPrice {
    type Input = Ohlcv;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: Ohlcv) -> Result<Option<f64>, InputError> {
        input.validate()?;
        self.latest = Some(input.typical_price());
        Ok(self.latest)
    }

    fn value(&self) -> Option<f64> {
        self.latest
    }

    fn warmup(&self) -> usize {
        1
    }

    fn reset(&mut self) {
        self.latest = None;
    }
}
