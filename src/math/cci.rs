//! Commodity channel index.

use serde::{Deserialize, Serialize};

use super::indicator::{Indicator, InputError, Ohlcv, ParameterError, check_window};
use super::window::{BlockWindow, ShiftedSum};

/// Lambert's constant, chosen so that most values fall between -100 and 100.
const LAMBERT: f64 = 0.015;

/// Commodity channel index of the typical price.
///
/// Distance from the window's mean in units of 0.015 mean absolute deviations; 0 in a flat window.
/// The absolute deviation has no summary that could slide, so one update costs O(window), as in
/// TA-Lib, whose `CCI` it equals. Source: Lambert, Commodities (1980).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cci {
    window: BlockWindow<ShiftedSum>,
    newest: f64,
}

impl Cci {
    /// An index over `window` bars (Lambert: 20).
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `window` is 2 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(window: usize) -> Result<Self, ParameterError> {
        check_window("window", window, 2)?;
        Ok(Self { window: BlockWindow::new(window), newest: 0.0 })
    }
}

impl Indicator for Cci {
    type Input = Ohlcv;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: Ohlcv) -> Result<Option<f64>, InputError> {
        input.validate()?;
        self.newest = input.typical_price();
        self.window.push(self.newest);
        Ok(self.value())
    }

    fn value(&self) -> Option<f64> {
        let mean = self.window.mean()?;
        let items = self.window.items();
        let deviations: f64 = items.iter().map(|item| (item - mean).abs()).sum();
        let deviation = deviations / items.len() as f64;
        let distance = self.newest - mean;
        Some(if deviation > 0.0 { distance / (LAMBERT * deviation) } else { 0.0 })
    }

    fn warmup(&self) -> usize {
        self.window.length()
    }

    fn reset(&mut self) {
        self.window.reset();
        self.newest = 0.0;
    }
}
