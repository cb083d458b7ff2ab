//! Wilder's directional movement: +DI, -DI and the average directional index.

use serde::{Deserialize, Serialize};

use super::indicator::{Indicator, InputError, Ohlcv, ParameterError, check_window};
use super::true_range::true_range;

/// Percentages whose sum is smaller than this show no direction.
const NO_DIRECTION: f64 = 1e-14;

/// A smoothed true range below this fraction of the price is the echo of ranges long gone.
const NO_RANGE: f64 = 1e-14;

/// The two directional indicators after one bar, each 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DirectionalLines {
    /// Upward movement in percent of the true range.
    pub plus: f64,
    /// Downward movement in percent of the true range.
    pub minus: f64,
}

/// +DI and -DI by Wilder's smoothing.
///
/// The first value comes with bar `period` + 1. Equals TA-Lib's `PLUS_DI` and `MINUS_DI`; both are
/// 0 when there was no range at all. Source: Wilder (1978).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DirectionalMovement {
    period: usize,
    previous: Option<Ohlcv>,
    /// How many changes were seen, counted up to `period`.
    changes: usize,
    plus: f64,
    minus: f64,
    range: f64,
}

impl DirectionalMovement {
    /// Lines over `period` changes (Wilder: 14).
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `period` is 2 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(period: usize) -> Result<Self, ParameterError> {
        check_window("period", period, 2)?;
        Ok(Self { period, previous: None, changes: 0, plus: 0.0, minus: 0.0, range: 0.0 })
    }

    #[inline]
    fn add(&mut self, bar: &Ohlcv, previous: &Ohlcv) {
        let rise = bar.high - previous.high;
        let fall = previous.low - bar.low;
        let falls = fall > 0.0 && rise < fall;
        let rises = !falls && rise > 0.0 && rise > fall;
        if self.changes < self.period {
            self.changes += 1;
        }
        // TA-Lib's seed is the sum of one change less than the period; the next one already
        // replaces a share of it.
        if self.changes >= self.period {
            let period = self.period as f64;
            self.plus -= self.plus / period;
            self.minus -= self.minus / period;
            self.range -= self.range / period;
        }
        self.plus += if rises { rise } else { 0.0 };
        self.minus += if falls { fall } else { 0.0 };
        self.range += true_range(bar, previous.close);
    }

    /// The lines, `None` before warm-up; 0 without any range.
    #[inline]
    fn lines(&self) -> Option<DirectionalLines> {
        if self.changes < self.period {
            return None;
        }
        let percent = |movement: f64| 100.0 * (movement / self.range);
        Some(if self.has_range() {
            DirectionalLines { plus: percent(self.plus), minus: percent(self.minus) }
        } else {
            DirectionalLines { plus: 0.0, minus: 0.0 }
        })
    }

    #[inline]
    fn has_range(&self) -> bool {
        self.previous.is_some_and(|bar| self.range > NO_RANGE * bar.close)
    }
}

impl Indicator for DirectionalMovement {
    type Input = Ohlcv;
    type Output = DirectionalLines;

    #[inline]
    fn update(&mut self, input: Ohlcv) -> Result<Option<DirectionalLines>, InputError> {
        input.validate()?;
        if let Some(previous) = self.previous {
            self.add(&input, &previous);
        }
        self.previous = Some(input);
        Ok(self.lines())
    }

    #[inline]
    fn value(&self) -> Option<DirectionalLines> {
        self.lines()
    }

    fn warmup(&self) -> usize {
        self.period.saturating_add(1)
    }

    fn reset(&mut self) {
        *self = Self {
            period: self.period,
            previous: None,
            changes: 0,
            plus: 0.0,
            minus: 0.0,
            range: 0.0,
        };
    }
}

/// The average directional index and its two indicators after one bar, each 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdxLines {
    /// Strength of the trend, whichever its direction.
    pub adx: f64,
    /// Upward movement in percent of the true range.
    pub plus: f64,
    /// Downward movement in percent of the true range.
    pub minus: f64,
}

/// Average directional index by Wilder's smoothing.
///
/// The first value comes with bar 2 · `period`; the two indicators alone are there earlier, see
/// [`DirectionalMovement`]. A bar without direction leaves the average as it is. Equals TA-Lib's
/// `ADX`. Source: Wilder (1978).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adx {
    movement: DirectionalMovement,
    /// How many bars went into the seed, counted up to the period.
    seeded: usize,
    /// The sum while seeding, the average afterwards.
    level: f64,
}

impl Adx {
    /// An index over `period` changes (Wilder: 14).
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `period` is 2 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(period: usize) -> Result<Self, ParameterError> {
        Ok(Self { movement: DirectionalMovement::new(period)?, seeded: 0, level: 0.0 })
    }
}

impl Indicator for Adx {
    type Input = Ohlcv;
    type Output = AdxLines;

    #[inline]
    fn update(&mut self, input: Ohlcv) -> Result<Option<AdxLines>, InputError> {
        let Some(lines) = self.movement.update(input)? else {
            return Ok(None);
        };
        let both = lines.plus + lines.minus;
        let index =
            (both >= NO_DIRECTION).then(|| 100.0 * ((lines.minus - lines.plus).abs() / both));
        let period = self.movement.period;
        if self.seeded < period {
            self.level += index.unwrap_or(0.0);
            self.seeded += 1;
            if self.seeded == period {
                self.level /= period as f64;
            }
        } else if let Some(index) = index {
            let period = period as f64;
            self.level = (self.level * (period - 1.0) + index) / period;
        }
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<AdxLines> {
        if self.seeded < self.movement.period {
            return None;
        }
        let DirectionalLines { plus, minus } = self.movement.lines()?;
        Some(AdxLines { adx: self.level, plus, minus })
    }

    fn warmup(&self) -> usize {
        self.movement.period.saturating_mul(2)
    }

    fn reset(&mut self) {
        self.movement.reset();
        self.seeded = 0;
        self.level = 0.0;
    }
}
