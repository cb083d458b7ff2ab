//! Breakout: the close leaves the range of the last bars on high volume.

use serde::{Deserialize, Serialize};

use super::{ABOVE, BELOW, Crossing, check_length, check_ratio, crossing_of};
use crate::math::{ParameterError, Ratio};

/// Tells when a close lies beyond the highest high or the lowest low of the `lookback` bars before
/// it while its volume exceeds a multiple of their average volume, exactly.
///
/// The current bar is in neither the range nor the average. The answer is a state and not a cross:
/// it repeats on consecutive bars. An average volume of zero (or less) gives [`Crossing::None`].
/// The range is R. Donchian's channel.
///
/// Prices are `f64`: numbers read from texts on one grid compare exactly like the texts, and
/// nothing is ever added to them. NaN never becomes a level and breaks none. Volumes are ticks;
/// every `i64` is valid.
///
/// The extremes are kept in blocks of `lookback` bars: the best of the rest of the last block and
/// the best of the current one. That has no branch that depends on prices and costs O(1) amortised;
/// once per block all its bars are visited.
///
/// ```
/// use tradewright::math::Ratio;
/// use tradewright::math::exact::{Crossing, VolumeBreakout};
///
/// let mut breakout = VolumeBreakout::new(2, Ratio { numerator: 3, denominator: 2 })?;
/// breakout.update(10.0, 8.0, 9.0, 100);
/// breakout.update(11.0, 9.0, 10.0, 100);
/// assert_eq!(breakout.update(12.0, 10.0, 11.5, 151), Crossing::Above); // BUY
/// assert_eq!(breakout.level(), Some(11.0));
/// assert_eq!(breakout.volume_ratio(), Some(1.51));
/// # Ok::<(), tradewright::math::ParameterError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "State", into = "State")]
pub struct VolumeBreakout {
    /// num / den of the volume factor become the weights of sum and volume.
    volume_factor: Ratio,
    volume_weight: i64,
    /// From `next` on: the best from there to the end of the last block; before: the current block.
    block: Vec<Slot>,
    next: usize,
    /// Whether a whole block has been seen.
    is_ready: bool,
    /// The best of the current block.
    high: f64,
    low: f64,
    volume_sum: i128,
    last: Last,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Slot {
    high: f64,
    low: f64,
    volume: i64,
}

/// What the last bar was judged by; figures are derived from it on demand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Last {
    crossing: Crossing,
    resistance: f64,
    support: f64,
    close: f64,
    volume: i64,
    #[serde(with = "halves")]
    volume_sum: i128,
}

/// Below and above every price, and storable in any format, which the infinities are not.
const NO_HIGH: f64 = f64::MIN;
const NO_LOW: f64 = f64::MAX;
const NO_BAR: Slot = Slot { high: NO_HIGH, low: NO_LOW, volume: 0 };
const NOTHING: Last = Last {
    crossing: Crossing::None,
    resistance: 0.0,
    support: 0.0,
    close: 0.0,
    volume: 0,
    volume_sum: 0,
};

impl VolumeBreakout {
    /// A kernel over `lookback` bars that asks for more than `volume_factor` times their average
    /// volume.
    ///
    /// # Errors
    /// [`ParameterError`] when the lookback is not in 1 to
    /// [`LONGEST_EXACT_WINDOW`](super::LONGEST_EXACT_WINDOW) or a term of the factor is
    /// out of its range.
    pub fn new(lookback: usize, volume_factor: Ratio) -> Result<Self, ParameterError> {
        check_length("lookback", lookback, 1)?;
        let volume_factor = check_ratio(volume_factor)?;
        Ok(Self {
            volume_factor,
            // At most 2^16 * 2^32.
            volume_weight: (lookback as u64 * volume_factor.denominator).cast_signed(),
            block: vec![NO_BAR; lookback],
            next: 0,
            is_ready: false,
            high: NO_HIGH,
            low: NO_LOW,
            volume_sum: 0,
            last: NOTHING,
        })
    }

    /// Takes the next bar; `Above` is a reason to buy, `Below` one to sell.
    #[inline(always)]
    pub fn update(&mut self, high: f64, low: f64, close: f64, volume_ticks: i64) -> Crossing {
        let lookback = self.block.len();
        let slot = &mut self.block[self.next];
        let resistance = larger(slot.high, self.high);
        let support = smaller(slot.low, self.low);
        let volume_sum = self.volume_sum;
        let oldest = std::mem::replace(slot, Slot { high, low, volume: volume_ticks }).volume;
        self.volume_sum = volume_sum + i128::from(volume_ticks) - i128::from(oldest);
        self.high = larger(self.high, high);
        self.low = smaller(self.low, low);
        // volume > (num / den) * sum / n; both sides stay below 2^112.
        let is_loud = (i128::from(volume_ticks) * i128::from(self.volume_weight)
            > volume_sum * i128::from(self.volume_factor.numerator))
            & (volume_sum > 0)
            & self.is_ready;
        let code = (u8::from(close > resistance) * ABOVE) | (u8::from(close < support) * BELOW);
        let crossing = crossing_of(code & u8::from(is_loud).wrapping_neg());
        let volume = volume_ticks;
        self.last = Last { crossing, resistance, support, close, volume, volume_sum };
        self.next += 1;
        if self.next == lookback {
            self.end_block();
        }
        crossing
    }

    /// The level that the last bar broke; `None` when it broke none.
    pub fn level(&self) -> Option<f64> {
        match self.last.crossing {
            Crossing::Above => Some(self.last.resistance),
            Crossing::Below => Some(self.last.support),
            Crossing::None => None,
        }
    }

    /// How far the last close lies beyond the broken level, as a fraction of that level.
    pub fn breakout_fraction(&self) -> Option<f64> {
        self.level().map(|level| ((self.last.close - level) / level).abs())
    }

    /// Volume of the last bar relative to the average before it; `None` without history or when
    /// the average is zero.
    pub fn volume_ratio(&self) -> Option<f64> {
        let Last { volume, volume_sum, .. } = self.last;
        let bars = self.block.len() as f64;
        (volume_sum > 0).then(|| volume as f64 * bars / volume_sum as f64)
    }

    /// clamp(breakout fraction * 10 + (volume ratio - 1) * 0.3, 0, 1) of the last bar; `None` when
    /// it broke no level.
    pub fn confidence(&self) -> Option<f64> {
        let confidence = self.breakout_fraction()? * 10.0 + (self.volume_ratio()? - 1.0) * 0.3;
        // Comparisons instead of `clamp`, so that the NaN of a level of zero ends at zero.
        Some(if confidence >= 1.0 { 1.0 } else { larger(0.0, confidence) })
    }

    /// Whether the next bar can be answered with something else than [`Crossing::None`].
    pub fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// Forgets all bars; afterwards the kernel equals a new one.
    pub fn reset(&mut self) {
        self.block.fill(NO_BAR);
        (self.next, self.is_ready) = (0, false);
        (self.high, self.low) = (NO_HIGH, NO_LOW);
        self.volume_sum = 0;
        self.last = NOTHING;
    }

    /// Turns the block into the best from each of its bars to its end, and starts the next one.
    #[inline(never)]
    fn end_block(&mut self) {
        let (mut high, mut low) = (NO_HIGH, NO_LOW);
        for slot in self.block.iter_mut().rev() {
            high = larger(high, slot.high);
            low = smaller(low, slot.low);
            (slot.high, slot.low) = (high, low);
        }
        (self.next, self.is_ready) = (0, true);
        (self.high, self.low) = (NO_HIGH, NO_LOW);
    }
}

/// The first unless the second is larger: one instruction, and NaN in second place is ignored.
#[inline]
fn larger(best: f64, other: f64) -> f64 {
    if other > best { other } else { best }
}

#[inline]
fn smaller(best: f64, other: f64) -> f64 {
    if other < best { other } else { best }
}

/// A 128-bit number as two of 64 bits, which every format can carry.
mod halves {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &i128, to: S) -> Result<S::Ok, S::Error> {
        // The casts keep the upper and the lower half.
        ((number >> 64) as i64, *number as u64).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i128, D::Error> {
        let (high, low) = <(i64, u64)>::deserialize(from)?;
        Ok((i128::from(high) << 64) | i128::from(low))
    }
}

#[derive(Serialize, Deserialize)]
struct State {
    volume_factor: Ratio,
    block: Vec<Slot>,
    next: usize,
    is_ready: bool,
    high: f64,
    low: f64,
    last: Last,
}

impl From<VolumeBreakout> for State {
    fn from(kernel: VolumeBreakout) -> Self {
        let VolumeBreakout { volume_factor, block, next, is_ready, high, low, last, .. } = kernel;
        Self { volume_factor, block, next, is_ready, high, low, last }
    }
}

impl TryFrom<State> for VolumeBreakout {
    type Error = String;

    fn try_from(state: State) -> Result<Self, String> {
        let mut kernel =
            Self::new(state.block.len(), state.volume_factor).map_err(|error| error.to_string())?;
        if state.next >= state.block.len() {
            return Err(format!("position {} in {} bars", state.next, state.block.len()));
        }
        kernel.volume_sum = state.block.iter().map(|slot| i128::from(slot.volume)).sum();
        let State { block, next, is_ready, high, low, last, .. } = state;
        Ok(Self { block, next, is_ready, high, low, last, ..kernel })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTOR: Ratio = Ratio { numerator: 3, denominator: 2 };

    #[test]
    fn ties_break_nothing() {
        let mut kernel = VolumeBreakout::new(1, FACTOR).unwrap();
        kernel.update(10.0, 9.0, 9.5, 2);
        assert_eq!(kernel.clone().update(10.0, 9.0, 10.0, 100), Crossing::None);
        assert_eq!(kernel.clone().update(10.0, 9.0, 9.0, 100), Crossing::None);
        assert_eq!(kernel.clone().update(11.0, 9.0, 10.5, 3), Crossing::None);
        assert_eq!(kernel.clone().update(11.0, 9.0, 10.5, 4), Crossing::Above);
        assert_eq!(kernel.clone().update(9.0, 8.0, 8.5, 4), Crossing::Below);
    }

    #[test]
    fn no_volume_before_means_no_answer() {
        let mut kernel = VolumeBreakout::new(3, FACTOR).unwrap();
        for _ in 0..9 {
            assert_eq!(kernel.update(1.0, 1.0, 1.0, 0), Crossing::None);
            assert_eq!(kernel.volume_ratio(), None);
        }
        assert_eq!(kernel.update(9.0, 9.0, 9.0, i64::MAX), Crossing::None);
        assert_eq!(kernel.confidence(), None);
    }

    #[test]
    fn not_a_number_is_no_level_and_no_breakout() {
        let mut kernel = VolumeBreakout::new(2, FACTOR).unwrap();
        let nan = f64::NAN;
        for _ in 0..4 {
            assert_eq!(kernel.update(nan, nan, nan, 1), Crossing::None);
        }
        kernel.update(10.0, 9.0, 9.5, 1);
        kernel.update(nan, nan, 9.5, 1);
        assert_eq!(kernel.update(nan, nan, nan, 10), Crossing::None);
        kernel.update(10.0, 9.0, 9.5, 1);
        assert_eq!(kernel.update(11.0, 11.0, 11.0, 10), Crossing::Above);
        assert_eq!(kernel.level(), Some(10.0));
    }

    #[test]
    fn a_stored_state_goes_on_and_a_damaged_one_is_refused() {
        let mut kernel = VolumeBreakout::new(3, FACTOR).unwrap();
        let bar = |i: i64| (100.0 + (i * 7 % 11) as f64, 99.0 - (i * 5 % 7) as f64, 1 + i * 3 % 13);
        for i in 0..8 {
            let (high, low, volume) = bar(i);
            kernel.update(high, low, high, volume);
        }
        let text = serde_json::to_string(&kernel).unwrap();
        let mut restored: VolumeBreakout = serde_json::from_str(&text).unwrap();
        assert_eq!(restored, kernel);
        for i in 8..30 {
            let (high, low, volume) = bar(i);
            let answer = kernel.update(high, low, high, volume * 3);
            assert_eq!(restored.update(high, low, high, volume * 3), answer);
        }
        let damaged = text.replace("\"next\":2", "\"next\":3");
        assert_ne!(damaged, text);
        assert!(serde_json::from_str::<VolumeBreakout>(&damaged).is_err());
        kernel.reset();
        assert_eq!(kernel, VolumeBreakout::new(3, FACTOR).unwrap());
    }
}
