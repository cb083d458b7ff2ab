//! Indicators that sign the volume by the direction of the price.

use serde::{Deserialize, Serialize};

use super::compensated::CompensatedSum;
use super::indicator::{Indicator, InputError, Ohlcv, ParameterError, check_window};
use super::window::{BlockWindow, TwoSums};

/// Typical prices closer than this fraction of their sum differ by rounding only.
const SAME_PRICE: f64 = 1e-14;

/// On-balance volume: volume added on a higher close, subtracted on a lower one.
///
/// Starts at the first bar's volume; in the unit of the volume. Equals TA-Lib's `OBV`. Source:
/// Granville, New Key to Stock Market Profits (1963).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Obv {
    balance: CompensatedSum,
    previous_close: Option<f64>,
}

impl Obv {
    /// Has no parameters.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Indicator for Obv {
    type Input = Ohlcv;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: Ohlcv) -> Result<Option<f64>, InputError> {
        input.validate()?;
        let previous = self.previous_close.unwrap_or(0.0);
        if input.close > previous {
            self.balance.add(input.volume);
        } else if input.close < previous {
            self.balance.add(-input.volume);
        }
        self.previous_close = Some(input.close);
        Ok(self.value())
    }

    fn value(&self) -> Option<f64> {
        self.previous_close.map(|_| self.balance.total())
    }

    fn warmup(&self) -> usize {
        1
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

/// Money flow index: share of the money that changed hands on rising typical prices, 0 to 100.
///
/// 0 when no money moved the price at all. Equals TA-Lib's `MFI` of version 0.8 (older ones answer
/// 0 whenever the window's flow is below 1.0 in whatever currency). Source: Quong and Soudack,
/// Technical Analysis of Stocks & Commodities (1989).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mfi {
    flows: BlockWindow<TwoSums>,
    previous: Option<f64>,
}

impl Mfi {
    /// An index over `window` changes (usual: 14).
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `window` is 1 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(window: usize) -> Result<Self, ParameterError> {
        check_window("window", window, 1)?;
        Ok(Self { flows: BlockWindow::new(window), previous: None })
    }
}

impl Indicator for Mfi {
    type Input = Ohlcv;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: Ohlcv) -> Result<Option<f64>, InputError> {
        input.validate()?;
        let price = input.typical_price();
        if let Some(previous) = self.previous {
            let change = price - previous;
            let moved = change.abs() > SAME_PRICE * (price + previous);
            let flow = if moved { price * input.volume } else { 0.0 };
            self.flows.push(if change < 0.0 { (0.0, flow) } else { (flow, 0.0) });
        }
        self.previous = Some(price);
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        let TwoSums(rising, falling) = self.flows.total()?;
        let both = rising + falling;
        Some(if both > 0.0 { 100.0 * (rising / both) } else { 0.0 })
    }

    fn warmup(&self) -> usize {
        self.flows.length().saturating_add(1)
    }

    fn reset(&mut self) {
        self.flows.reset();
        self.previous = None;
    }
}
