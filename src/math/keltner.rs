//! Bands that are as wide as the average true range: Keltner channel and Supertrend.

use serde::{Deserialize, Serialize};

use super::indicator::{Indicator, InputError, Ohlcv, ParameterError, check_factor, check_window};
use super::moving_average::Ema;
use super::true_range::Atr;

/// Largest factor of a band's width; beyond it the band is no band.
const LARGEST_RANGE_FACTOR: f64 = 1e6;

/// The channel after one bar, in the unit of the price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeltnerChannel {
    /// Middle + factor · average true range.
    pub upper: f64,
    /// Exponential average of the close.
    pub middle: f64,
    /// Middle - factor · average true range.
    pub lower: f64,
}

/// Keltner channel in Raschke's form: exponential average of the close ± average true ranges.
///
/// Begins with the later of its two averages. Source: Keltner, How to Make Money in Commodities
/// (1960); the form with the true range is Raschke's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Keltner {
    middle: Ema,
    range: Atr,
    factor: f64,
}

impl Keltner {
    /// A channel from the two averages' periods and the width factor (usual: 20, 10, 2).
    ///
    /// # Errors
    /// [`ParameterError`] unless both periods are 1 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW) and `factor` is above 0 and up to 1e6.
    pub fn new(
        average_period: usize,
        range_period: usize,
        factor: f64,
    ) -> Result<Self, ParameterError> {
        check_window("average_period", average_period, 1)?;
        check_window("range_period", range_period, 1)?;
        check_factor("factor", factor, LARGEST_RANGE_FACTOR)?;
        Ok(Self { middle: Ema::new(average_period)?, range: Atr::new(range_period)?, factor })
    }
}

impl Indicator for Keltner {
    type Input = Ohlcv;
    type Output = KeltnerChannel;

    #[inline]
    fn update(&mut self, input: Ohlcv) -> Result<Option<KeltnerChannel>, InputError> {
        input.validate()?;
        self.middle.update(input.close)?;
        self.range.push(&input);
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<KeltnerChannel> {
        let middle = self.middle.value()?;
        let half_width = self.factor * self.range.value()?;
        Some(KeltnerChannel { upper: middle + half_width, middle, lower: middle - half_width })
    }

    fn warmup(&self) -> usize {
        self.middle.warmup().max(self.range.warmup())
    }

    fn reset(&mut self) {
        self.middle.reset();
        self.range.reset();
    }
}

/// Which side of the price the trend line runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrendDirection {
    /// The line supports the price from below.
    Up,
    /// The line caps the price from above.
    Down,
}

/// The trend line after one bar.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SupertrendLine {
    /// Price level at which the trend turns.
    pub level: f64,
    /// The present trend.
    pub direction: TrendDirection,
}

/// Supertrend: a trailing line that turns when a close crosses it.
///
/// Bands of factor · [`Atr`] around (high + low) / 2; each may only move towards the price while
/// the previous close is on its inner side. The first direction is down, as in the widespread
/// script. The average true range starts as in TA-Lib (the first bar has none), scripts that give
/// the first bar its high - low differ in the beginning. Source: Seban (about 2009).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Supertrend {
    range: Atr,
    factor: f64,
    trail: Option<Trail>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Trail {
    upper: f64,
    lower: f64,
    close: f64,
    direction: TrendDirection,
}

impl Supertrend {
    /// A line from the period of the true range and the width factor (usual: 10, 3).
    ///
    /// # Errors
    /// [`ParameterError`] unless `period` is 1 to [`LONGEST_WINDOW`](super::LONGEST_WINDOW) and
    /// `factor` is above 0 and up to 1e6.
    pub fn new(period: usize, factor: f64) -> Result<Self, ParameterError> {
        check_factor("factor", factor, LARGEST_RANGE_FACTOR)?;
        Ok(Self { range: Atr::new(period)?, factor, trail: None })
    }
}

impl Indicator for Supertrend {
    type Input = Ohlcv;
    type Output = SupertrendLine;

    #[inline]
    fn update(&mut self, input: Ohlcv) -> Result<Option<SupertrendLine>, InputError> {
        input.validate()?;
        if let Some(range) = self.range.push(&input) {
            let middle = (input.high + input.low) / 2.0;
            let half_width = self.factor * range;
            let (upper, lower) = (middle + half_width, middle - half_width);
            self.trail = Some(follow(self.trail, upper, lower, input.close));
        }
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<SupertrendLine> {
        let Trail { upper, lower, direction, .. } = self.trail?;
        let level = match direction {
            TrendDirection::Up => lower,
            TrendDirection::Down => upper,
        };
        Some(SupertrendLine { level, direction })
    }

    fn warmup(&self) -> usize {
        self.range.warmup()
    }

    fn reset(&mut self) {
        self.range.reset();
        self.trail = None;
    }
}

#[inline]
fn follow(previous: Option<Trail>, upper: f64, lower: f64, close: f64) -> Trail {
    let Some(previous) = previous else {
        return Trail { upper, lower, close, direction: TrendDirection::Down };
    };
    let keeps_lower = lower <= previous.lower && previous.close >= previous.lower;
    let lower = if keeps_lower { previous.lower } else { lower };
    let keeps_upper = upper >= previous.upper && previous.close <= previous.upper;
    let upper = if keeps_upper { previous.upper } else { upper };
    let direction = match previous.direction {
        TrendDirection::Down if close > upper => TrendDirection::Up,
        TrendDirection::Up if close < lower => TrendDirection::Down,
        TrendDirection::Down => TrendDirection::Down,
        TrendDirection::Up => TrendDirection::Up,
    };
    Trail { upper, lower, close, direction }
}
