//! Reversion to the volume-weighted average price.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::wide::Wide;
use super::{ABOVE, BELOW, Crossing, check_length, check_ratio, crossing_of};
use crate::math::{ParameterError, Ratio};

/// Which bars a volume-weighted average price is taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Anchor {
    /// All bars since the start or the last [`reset`](VwapDeviation::reset); a caller that resets
    /// at each session has the session's average. On long series it loses its meaning: the average
    /// hardly moves any more and the market is beyond the threshold for months.
    #[default]
    Cumulative,
    /// The last so many bars, the current one included.
    Rolling(usize),
}

/// Tells exactly when a close lies further than a threshold from the volume-weighted average price.
///
/// The average weighs the typical price (high + low + close) / 3 of each bar, the current one
/// included, by its volume; the deviation is (close - average) / average. The answer is a state and
/// not a cross. While no volume was traded there is no average and the answer is
/// [`Crossing::None`]. In [`Anchor::Rolling`] the average is there from the first bar on, over the
/// bars seen so far.
///
/// With m = sum((high + low + close) * volume) and w = 3 * sum(volume) the deviation is
/// (close * w - m) / m, so close * w - m is compared with threshold * m. Every `i64` is a valid
/// price or volume. A cumulative sum that outgrows 127 bits goes on in 256 until the next reset.
///
/// ```
/// use tradewright::math::Ratio;
/// use tradewright::math::exact::{Anchor, Crossing, VwapDeviation};
///
/// let threshold = Ratio::from_decimal_text_of(0.02)?;
/// let mut vwap = VwapDeviation::new(threshold, Anchor::Cumulative)?;
/// assert_eq!(vwap.update(10_000, 10_000, 10_000, 99), Crossing::None);
/// assert_eq!(vwap.update(9_797, 9_797, 9_797, 1), Crossing::Below); // BUY
/// assert_eq!(vwap.vwap_ticks(), Some(9_997.97));
/// # Ok::<(), tradewright::math::ParameterError>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "State", into = "State")]
pub struct VwapDeviation {
    threshold: Ratio,
    anchor: Anchor,
    sums: Sums,
    /// The bars in a rolling average, a ring; empty otherwise.
    bars: Vec<Traded>,
    next: usize,
    last_close: i64,
    /// Present once the sums have outgrown their 128 and 64 bits.
    wide: Option<WideSums>,
}

/// m and w of the documentation; they count only while there are no wide sums.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sums {
    money: i128,
    thrice_volume: i64,
}

/// One bar in a rolling average.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Traded {
    thrice_price: i128,
    volume: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct WideSums {
    money: Wide,
    volume: i128,
}

/// Upper halves of numbers from here on are left to 256 bits: a product with one of the threshold's
/// terms might not fit into 128.
const NARROW: u64 = 1 << 30;

impl VwapDeviation {
    /// A kernel that asks for a deviation of more than `threshold`, a fraction (0.02 is 2 %).
    ///
    /// # Errors
    /// [`ParameterError`] when a rolling window is not in 1 to
    /// [`LONGEST_EXACT_WINDOW`](super::LONGEST_EXACT_WINDOW) or a term of the threshold is
    /// out of its range.
    pub fn new(threshold: Ratio, anchor: Anchor) -> Result<Self, ParameterError> {
        let window = match anchor {
            Anchor::Cumulative => 0,
            Anchor::Rolling(bars) => {
                check_length("bars", bars, 1)?;
                bars
            }
        };
        Ok(Self {
            threshold: check_ratio(threshold)?,
            anchor,
            sums: Sums::default(),
            bars: vec![Traded::default(); window],
            next: 0,
            last_close: 0,
            wide: None,
        })
    }

    /// Takes the next bar, in ticks; `Below` is a reason to buy, `Above` one to sell.
    #[inline(always)]
    pub fn update(&mut self, high: i64, low: i64, close: i64, volume: i64) -> Crossing {
        self.last_close = close;
        match self.add(high, low, close, volume) {
            Some(sums) => {
                self.sums = sums;
                self.judge_narrow(close)
            }
            None => self.update_wide(high, low, close, volume),
        }
    }

    /// The average price in ticks; `None` while there is none.
    pub fn vwap_ticks(&self) -> Option<f64> {
        let (money, volume) = match &self.wide {
            Some(sums) => (sums.money.to_f64(), sums.volume as f64 * 3.0),
            None => (near_f64(self.sums.money), self.sums.thrice_volume as f64),
        };
        (volume > 0.0).then(|| money / volume)
    }

    /// (close - average) / average of the last bar; `None` while there is no average or it is zero.
    pub fn deviation(&self) -> Option<f64> {
        let sums = self.wide_sums();
        let is_defined = sums.volume > 0 && sums.money.sign() != Ordering::Equal;
        is_defined.then(|| sums.excess(self.last_close).to_f64() / sums.money.to_f64())
    }

    /// min(|deviation| / (2 * threshold), 1): grows with the deviation, 0.5 at the threshold.
    pub fn confidence(&self) -> Option<f64> {
        let deviation = self.deviation()?.abs();
        let full = 2.0 * self.threshold.to_f64();
        Some(if deviation < full { deviation / full } else { 1.0 })
    }

    /// Forgets all bars: the start of a session. Afterwards the kernel equals a new one.
    pub fn reset(&mut self) {
        self.sums = Sums::default();
        self.bars.fill(Traded::default());
        (self.next, self.last_close, self.wide) = (0, 0, None);
    }

    /// The sums with this bar and without the one that leaves; `None` when they do not fit.
    #[inline(always)]
    fn add(&mut self, high: i64, low: i64, close: i64, volume: i64) -> Option<Sums> {
        if self.wide.is_some() {
            return None;
        }
        let thrice_price = high.checked_add(low)?.checked_add(close)?;
        let mut money =
            self.sums.money.checked_add(i128::from(thrice_price) * i128::from(volume))?;
        let mut thrice_volume = self.sums.thrice_volume.checked_add(volume.checked_mul(3)?)?;
        if let Some(slot) = self.bars.get_mut(self.next) {
            let oldest = *slot;
            // Without wide sums the bars came in through here, so the cast keeps the price and
            // three volumes do not overflow.
            let oldest_price = oldest.thrice_price as i64;
            money = money.checked_sub(i128::from(oldest_price) * i128::from(oldest.volume))?;
            thrice_volume = thrice_volume.checked_sub(oldest.volume.wrapping_mul(3))?;
            *slot = Traded { thrice_price: thrice_price.into(), volume };
            self.next = if self.next + 1 == self.bars.len() { 0 } else { self.next + 1 };
        }
        Some(Sums { money, thrice_volume })
    }

    #[inline(always)]
    fn judge_narrow(&self, close: i64) -> Crossing {
        // A branch that long runs of bars take the same way.
        match self.judge_narrowest(close) {
            Some(crossing) => crossing,
            None => self.judge_128(close),
        }
    }

    /// In 64 bits; `None` when that does not suffice.
    #[inline(always)]
    fn judge_narrowest(&self, close: i64) -> Option<Crossing> {
        let Ratio { numerator, denominator } = self.threshold;
        let money = i64::try_from(self.sums.money).ok()?;
        if !((money > 0) & (self.sums.thrice_volume > 0)) {
            return None;
        }
        let excess = close.checked_mul(self.sums.thrice_volume)?.checked_sub(money)?;
        let excess = excess.checked_mul(denominator.cast_signed())?;
        let allowed = money.checked_mul(numerator.cast_signed())?;
        Some(crossing_of(
            (u8::from(excess > allowed) * ABOVE) | (u8::from(excess < -allowed) * BELOW),
        ))
    }

    #[inline(never)]
    fn judge_128(&self, close: i64) -> Crossing {
        let Sums { money, thrice_volume } = self.sums;
        // Below 2^126, and the difference below 2^127.
        let worth = i128::from(close) * i128::from(thrice_volume);
        // Both from 0 to below 2^94, seen in their upper halves.
        let upper_halves = ((money >> 64) | (worth >> 64)) as u64;
        if !((upper_halves < NARROW) & (money != 0) & (thrice_volume > 0)) {
            return self.judge_wide(close);
        }
        // |excess| < 2^94 and both terms are at most 2^32.
        let excess = (worth - money) * i128::from(self.threshold.denominator);
        let allowed = money * i128::from(self.threshold.numerator);
        crossing_of((u8::from(excess > allowed) * ABOVE) | (u8::from(excess < -allowed) * BELOW))
    }

    #[cold]
    #[inline(never)]
    fn judge_wide(&self, close: i64) -> Crossing {
        self.wide_sums().judge(close, self.threshold)
    }

    /// The sums in 256 bits, whichever way they are kept.
    fn wide_sums(&self) -> WideSums {
        self.wide.unwrap_or_else(|| WideSums {
            money: Wide::from(self.sums.money),
            volume: i128::from(self.sums.thrice_volume / 3),
        })
    }

    #[cold]
    #[inline(never)]
    fn update_wide(&mut self, high: i64, low: i64, close: i64, volume: i64) -> Crossing {
        let thrice_price = i128::from(high) + i128::from(low) + i128::from(close);
        let bar = Traded { thrice_price, volume };
        let mut sums = self.wide_sums().with(bar);
        if let Some(slot) = self.bars.get_mut(self.next) {
            sums = sums.without(std::mem::replace(slot, bar));
            self.next = if self.next + 1 == self.bars.len() { 0 } else { self.next + 1 };
        }
        self.wide = Some(sums);
        if self.next == 0 {
            // At most once per lap of a rolling window; a cumulative sum does not shrink.
            self.narrow_again();
        }
        sums.judge(close, self.threshold)
    }

    /// Goes back to the narrow sums if all bars of a rolling window fit them in any order.
    fn narrow_again(&mut self) {
        let magnitudes = self.bars.iter().try_fold(Sums::default(), |sums, bar| {
            let price = i128::from(i64::try_from(bar.thrice_price.abs()).ok()?);
            let volume = bar.volume.checked_abs()?;
            Some(Sums {
                money: sums.money.checked_add(price * i128::from(volume))?,
                thrice_volume: sums.thrice_volume.checked_add(volume.checked_mul(3)?)?,
            })
        });
        if magnitudes.is_some() && !self.bars.is_empty() {
            self.sums = Sums::default();
            for bar in &self.bars {
                self.sums.money += bar.thrice_price * i128::from(bar.volume);
                self.sums.thrice_volume += 3 * bar.volume;
            }
            self.wide = None;
        }
    }
}

/// The number within two roundings; the cast of an `i128` is a library call that costs as much as a
/// whole update.
#[inline]
fn near_f64(number: i128) -> f64 {
    const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;
    let magnitude = number.unsigned_abs();
    let (high, low) = ((magnitude >> 64) as u64, magnitude as u64);
    let near = if high == 0 { low as f64 } else { high as f64 * TWO_TO_64 + low as f64 };
    if number < 0 { -near } else { near }
}

/// Equal parameters and equal bars: equal answers for ever.
impl PartialEq for VwapDeviation {
    fn eq(&self, other: &Self) -> bool {
        (self.threshold, self.anchor, self.next) == (other.threshold, other.anchor, other.next)
            && self.wide_sums() == other.wide_sums()
            && self.last_close == other.last_close
            && self.bars == other.bars
    }
}

impl WideSums {
    fn with(self, bar: Traded) -> Self {
        let money = Wide::product(bar.thrice_price, bar.volume.into());
        let volume = self.volume.wrapping_add(bar.volume.into());
        Self { money: self.money.plus(money), volume }
    }

    fn without(self, bar: Traded) -> Self {
        let money = Wide::product(bar.thrice_price, bar.volume.into());
        let volume = self.volume.wrapping_sub(bar.volume.into());
        Self { money: self.money.minus(money), volume }
    }

    /// The same in 128 and 64 bits, if it fits.
    fn narrow(&self) -> Option<Sums> {
        let thrice_volume = i64::try_from(self.volume.checked_mul(3)?).ok()?;
        Some(Sums { money: self.money.to_i128()?, thrice_volume })
    }

    /// close * w - m. It takes 2^60 bars of the largest volume to reach 2^123.
    fn excess(&self, close: i64) -> Wide {
        Wide::product(self.volume, close.into()).times(3).minus(self.money)
    }

    fn judge(&self, close: i64, threshold: Ratio) -> Crossing {
        if self.volume <= 0 {
            return Crossing::None;
        }
        let (mut excess, mut money) = (self.excess(close), self.money);
        match money.sign() {
            Ordering::Equal => return Crossing::None,
            // An average below zero turns the sign of the quotient.
            Ordering::Less => {
                (excess, money) = (Wide::ZERO.minus(excess), Wide::ZERO.minus(money));
            }
            Ordering::Greater => {}
        }
        let excess = excess.times(threshold.denominator.into());
        let allowed = money.times(threshold.numerator.into());
        if excess > allowed {
            Crossing::Above
        } else if excess < Wide::ZERO.minus(allowed) {
            Crossing::Below
        } else {
            Crossing::None
        }
    }
}

/// What is stored: a rolling average's bars as [high + low + close, volume] in 256-bit numbers, or
/// the sums of a cumulative one.
#[derive(Serialize, Deserialize)]
struct State {
    threshold: Ratio,
    anchor: Anchor,
    money: Wide,
    volume: Wide,
    bars: Vec<(Wide, i64)>,
    next: usize,
    last_close: i64,
}

impl From<VwapDeviation> for State {
    fn from(kernel: VwapDeviation) -> Self {
        let WideSums { money, volume } = kernel.wide_sums();
        let VwapDeviation { threshold, anchor, bars, next, last_close, .. } = kernel;
        let bars = bars.iter().map(|bar| (Wide::from(bar.thrice_price), bar.volume)).collect();
        Self { threshold, anchor, money, volume: Wide::from(volume), bars, next, last_close }
    }
}

impl TryFrom<State> for VwapDeviation {
    type Error = String;

    fn try_from(state: State) -> Result<Self, String> {
        let State { threshold, anchor, money, volume, bars, next, last_close } = state;
        let mut kernel = Self::new(threshold, anchor).map_err(|error| error.to_string())?;
        if bars.len() != kernel.bars.len() || next >= bars.len().max(1) {
            let expected = kernel.bars.len();
            return Err(format!("{} bars instead of {expected}, at {next}", bars.len()));
        }
        let mut sums =
            WideSums { money, volume: volume.to_i128().ok_or("a volume of more than 127 bits")? };
        if !bars.is_empty() {
            sums = WideSums { money: Wide::ZERO, volume: 0 };
        }
        for (slot, (price, volume)) in kernel.bars.iter_mut().zip(bars) {
            let thrice_price = price.to_i128().ok_or("a price of more than 127 bits")?;
            *slot = Traded { thrice_price, volume };
            sums = sums.with(*slot);
        }
        (kernel.next, kernel.last_close) = (next, last_close);
        match sums.narrow() {
            Some(narrow) if kernel.bars.is_empty() => kernel.sums = narrow,
            _ => {
                kernel.wide = Some(sums);
                kernel.narrow_again();
            }
        }
        Ok(kernel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_PERCENT: Ratio = Ratio { numerator: 1, denominator: 50 };

    fn both() -> [VwapDeviation; 2] {
        [Anchor::Cumulative, Anchor::Rolling(3)]
            .map(|anchor| VwapDeviation::new(TWO_PERCENT, anchor).unwrap())
    }

    #[test]
    fn exactly_at_the_threshold_is_no_signal() {
        for kernel in both() {
            let mut kernel = kernel;
            // Every second bar below has the average 100.
            kernel.update(100, 100, 100, 10);
            assert_eq!(kernel.clone().update(100, 98, 102, 10), Crossing::None);
            assert_eq!(kernel.clone().update(100, 97, 103, 10), Crossing::Above);
            assert_eq!(kernel.clone().update(102, 100, 98, 10), Crossing::None);
            assert_eq!(kernel.clone().update(103, 100, 97, 10), Crossing::Below);
            kernel.update(100, 98, 102, 10);
            assert_eq!(kernel.deviation(), Some(0.02));
            assert_eq!(kernel.confidence(), Some(0.5));
        }
    }

    #[test]
    fn without_volume_there_is_no_average() {
        for mut kernel in both() {
            assert_eq!(kernel.update(5, 4, 5, 0), Crossing::None);
            assert_eq!((kernel.vwap_ticks(), kernel.deviation()), (None, None));
            kernel.reset();
            assert!(both().contains(&kernel));
        }
    }

    #[test]
    fn a_rolling_average_forgets_an_outlier_and_its_width() {
        let [mut cumulative, mut rolling] = both();
        for kernel in [&mut cumulative, &mut rolling] {
            kernel.update(i64::MAX, i64::MAX, i64::MAX, i64::MAX);
            for _ in 0..6 {
                kernel.update(100, 100, 100, 1);
            }
        }
        assert!(cumulative.wide.is_some());
        assert!(rolling.wide.is_none());
        assert_eq!(rolling.vwap_ticks(), Some(100.0));
        assert_eq!(cumulative.update(100, 100, 100, 1), Crossing::Below);
    }

    #[test]
    fn a_damaged_state_is_refused() {
        let [cumulative, rolling] = both();
        let refused = |kernel: &VwapDeviation, good: &str, bad: &str| {
            let text = serde_json::to_string(kernel).unwrap();
            assert_eq!(&serde_json::from_str::<VwapDeviation>(&text).unwrap(), kernel);
            assert!(text.contains(good), "{text}");
            serde_json::from_str::<VwapDeviation>(&text.replacen(good, bad, 1)).is_err()
        };
        assert!(refused(&cumulative, "\"next\":0", "\"next\":1"));
        assert!(refused(&cumulative, "\"Cumulative\"", "{\"Rolling\":3}"));
        assert!(refused(&rolling, "\"next\":0", "\"next\":3"));
        assert!(refused(&rolling, "{\"Rolling\":3}", "{\"Rolling\":0}"));
        assert!(refused(&rolling, "[[0,0,0,0],0]", "[[0,0,1,0],0]"));
    }
}
