//! Sum and sum of squares of the last closes, and where the last close lies among them, exactly.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::wide::Wide;
use super::{Deviation, check_length, check_ratio};
use crate::math::{ParameterError, Ratio};

/// Where the last close lies relative to mean and bands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The close against the mean.
    pub(super) to_mean: Ordering,
    /// |close - mean| against the half width of the bands.
    pub(super) reach: Ordering,
}

/// What a close was answered with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pushed {
    /// The hot path.
    Settled(Place),
    /// [`Moments::settle`] has to be called with the close that left the window.
    Unsettled { oldest: i64 },
}

/// A window of closes with the band around its mean.
///
/// With n closes x, d = n * close - sum(x) and v = n * sum(x^2) - sum(x)^2, the close lies outside
/// of mean -+ (p/q) * deviation exactly when q^2 * d^2 > p^2 * v (sample form: with n - 1 on the
/// left and n on the right). Neither d nor v changes when all closes are shifted, so both may be
/// computed modulo 2^64 as long as their true values fit: the sums may wrap, no base is needed,
/// nothing drifts. They fit while all closes of the window lie in a range of `Shape::width` ticks,
/// which starts at `floor`. A close outside of it moves the range to itself, and decisions take 256
/// bits until a whole window lies in the new range.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    shape: Shape,
    closes: Vec<i64>,
    next: usize,
    seen: usize,
    sum: u64,
    /// v of the documentation.
    spread: u64,
    floor: i64,
    /// The width of the range plus one when the whole window lies in it, otherwise zero.
    settled_width: u64,
    /// How many more closes in the range are needed before 64 bits are enough.
    unsettled: usize,
    /// Present while the window is full and unsettled.
    wide: Option<WideSums>,
}

/// Ticks that the closes of a window may be apart so that 64 bits are worth their own way.
const SHORT_WIDTH: u64 = 1 << 22;

/// What does not change after construction.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shape {
    factor: Ratio,
    deviation: Deviation,
    close_weight: u128,
    spread_weight: u128,
    width: u64,
    fits_narrow: bool,
    /// Both sides of the comparison stay below 2^64, weights included.
    fits_short: bool,
}

/// The sums without wrapping: 2^63 * 2^16 fits the first, 2^126 * 2^16 the second.
#[derive(Clone, Copy, Debug)]
struct WideSums {
    sum: i128,
    squares: Wide,
}

impl Moments {
    pub(super) fn new(
        window: usize,
        factor: Ratio,
        deviation: Deviation,
    ) -> Result<Self, ParameterError> {
        check_length("window", window, 2)?;
        Ok(Self {
            shape: Shape::new(window, check_ratio(factor)?, deviation),
            closes: vec![0; window],
            next: 0,
            seen: 0,
            sum: 0,
            spread: 0,
            floor: 0,
            settled_width: 0,
            unsettled: window,
            wide: None,
        })
    }

    /// Takes the next close.
    #[inline(always)]
    pub(super) fn push(&mut self, close: i64) -> Pushed {
        let window = self.closes.len();
        // The check of the index tells the end of a lap, too.
        let oldest = match self.closes.get_mut(self.next) {
            Some(place) => {
                self.next += 1;
                std::mem::replace(place, close)
            }
            None => {
                self.next = 1;
                std::mem::replace(&mut self.closes[0], close)
            }
        };
        let (new, old) = (close.cast_unsigned(), oldest.cast_unsigned());
        let (window, change) = (window as u64, new.wrapping_sub(old));
        // What v gains is n * change * (new + old) for the squares, less the difference of the
        // squared sums: change * (d of the new close + d of the oldest one among the old closes).
        let distance_of_oldest = window.wrapping_mul(old).wrapping_sub(self.sum);
        self.sum = self.sum.wrapping_add(change);
        let distance = window.wrapping_mul(new).wrapping_sub(self.sum);
        let gained = change.wrapping_mul(distance.wrapping_add(distance_of_oldest));
        self.spread = self.spread.wrapping_add(gained);
        if self.offset(close) < self.settled_width {
            Pushed::Settled(self.shape.narrow_place(distance.cast_signed(), self.spread))
        } else {
            Pushed::Unsettled { oldest }
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.seen == self.closes.len()
    }

    pub(super) fn seen(&self) -> usize {
        self.seen
    }

    pub(super) fn window(&self) -> usize {
        self.closes.len()
    }

    pub(super) fn reset(&mut self) {
        self.closes.fill(0);
        (self.next, self.seen, self.sum, self.spread) = (0, 0, 0, 0);
        (self.floor, self.settled_width, self.unsettled) = (0, 0, self.closes.len());
        self.wide = None;
    }

    /// (close - mean) / deviation; `None` when not full or flat.
    pub(super) fn z_score(&self) -> Option<f64> {
        let (distance, spread) = match (&self.wide, self.newest()?) {
            (Some(sums), newest) => {
                let (distance, spread) = sums.distance_and_spread(newest, self.closes.len());
                (distance as f64, spread.to_f64())
            }
            (None, newest) => (self.distance(newest) as f64, self.spread as f64),
        };
        let count = self.closes.len() as f64;
        let scaled_spread = match self.shape.deviation {
            Deviation::Population => spread,
            Deviation::Sample => spread * (count / (count - 1.0)),
        };
        (scaled_spread > 0.0).then(|| distance / scaled_spread.sqrt())
    }

    /// |close - mean| / (factor * deviation), at most 1 and exactly 1 from the band on; `None` when
    /// not full or flat.
    pub(super) fn position_in_band(&self) -> Option<f64> {
        let distance = self.z_score()?.abs();
        let place = self.place()?;
        Some(if place.to_mean == Ordering::Equal {
            0.0
        } else if place.reach != Ordering::Less {
            1.0
        } else {
            (distance / self.shape.factor.to_f64()).min(1.0)
        })
    }

    pub(super) fn place(&self) -> Option<Place> {
        let newest = self.newest()?;
        Some(match &self.wide {
            Some(sums) => {
                self.shape.wide_place(sums.distance_and_spread(newest, self.closes.len()))
            }
            None => self.shape.narrow_place(self.distance(newest), self.spread),
        })
    }

    /// The last close of a full window.
    fn newest(&self) -> Option<i64> {
        self.newest_first().next().filter(|_| self.is_full())
    }

    /// d of the documentation.
    fn distance(&self, close: i64) -> i64 {
        let window = self.closes.len() as u64;
        window.wrapping_mul(close.cast_unsigned()).wrapping_sub(self.sum).cast_signed()
    }

    /// How far above `floor`, beyond every width when it is below: `floor` is at least a width away
    /// from the largest number.
    #[inline(always)]
    fn offset(&self, close: i64) -> u64 {
        close.wrapping_sub(self.floor).cast_unsigned()
    }

    /// The second half of a push in warm-up and around outliers; `None` until the window is full.
    #[cold]
    #[inline(never)]
    pub(super) fn settle(&mut self, close: i64, oldest: i64) -> Option<Place> {
        let window = self.closes.len();
        let is_first = self.seen == 0;
        self.seen = window.min(self.seen + 1);
        if is_first || self.offset(close) > self.shape.width {
            let width = self.shape.width.cast_signed();
            self.floor = close.saturating_sub(width / 2).min(i64::MAX - width);
            (self.settled_width, self.unsettled) = (0, window);
        }
        if self.shape.fits_narrow {
            self.unsettled = self.unsettled.saturating_sub(1);
        }
        if self.unsettled == 0 {
            self.settled_width = self.shape.width + 1;
            self.wide = None;
            return Some(self.shape.narrow_place(self.distance(close), self.spread));
        }
        if !self.is_full() {
            return None;
        }
        let sums = match self.wide.take() {
            Some(sums) => sums.exchange(oldest, close),
            None => WideSums::of(&self.closes),
        };
        self.wide = Some(sums);
        Some(self.shape.wide_place(sums.distance_and_spread(close, window)))
    }

    /// The closes seen, the newest first, at most a window of them.
    fn newest_first(&self) -> impl Iterator<Item = i64> + '_ {
        let (recent, older) = self.closes.split_at(self.next);
        recent.iter().rev().chain(older.iter().rev()).copied().take(self.seen)
    }
}

/// Equal parameters and equal closes: equal answers for ever.
impl PartialEq for Moments {
    fn eq(&self, other: &Self) -> bool {
        self.shape == other.shape
            && self.closes.len() == other.closes.len()
            && self.newest_first().eq(other.newest_first())
    }
}

impl Shape {
    fn new(window: usize, factor: Ratio, deviation: Deviation) -> Self {
        let count = window as u128;
        let (close_count, spread_count) = match deviation {
            Deviation::Population => (1, 1),
            Deviation::Sample => (count - 1, count),
        };
        let square = |term: u64| u128::from(term) * u128::from(term);
        let close_weight = square(factor.denominator) * close_count;
        let spread_weight = square(factor.numerator) * spread_count;
        // |d| <= (n - 1) * width must stay below 2^32; then v <= (n * width / 2)^2 is below 2^64.
        let width = u64::from(u32::MAX) / (window as u64 - 1);
        let fits_narrow = close_weight.max(spread_weight) <= u128::from(u64::MAX);
        // The same with the weights: their roots take their part of the 32 bits.
        let root = close_weight.max(spread_weight).isqrt() as u64 + 1;
        let short = width / root;
        let fits_short = short >= SHORT_WIDTH;
        let width = if fits_short { short } else { width };
        Self { factor, deviation, close_weight, spread_weight, width, fits_narrow, fits_short }
    }

    /// Precondition: all closes lie in the range, so d^2 and v are below 2^64, and where the range
    /// is short also their products with the weights.
    #[inline(always)]
    fn narrow_place(&self, distance: i64, spread: u64) -> Place {
        let square = distance.cast_unsigned().wrapping_mul(distance.cast_unsigned());
        // `fits_narrow`: both weights are below 2^64, so the casts keep them.
        let (close_weight, spread_weight) = (self.close_weight as u64, self.spread_weight as u64);
        let reach = if self.fits_short {
            close_weight.wrapping_mul(square).cmp(&spread_weight.wrapping_mul(spread))
        } else {
            let reach = u128::from(close_weight) * u128::from(square);
            reach.cmp(&(u128::from(spread_weight) * u128::from(spread)))
        };
        Place { to_mean: distance.cmp(&0), reach }
    }

    /// |d| < 2^80, so both sides stay below 2^240.
    fn wide_place(&self, (distance, spread): (i128, Wide)) -> Place {
        let reach = Wide::product(distance, distance).times(self.close_weight);
        let half_width = spread.times(self.spread_weight);
        Place { to_mean: distance.cmp(&0), reach: reach.cmp(&half_width) }
    }
}

impl WideSums {
    fn of(closes: &[i64]) -> Self {
        let nothing = Self { sum: 0, squares: Wide::ZERO };
        closes.iter().fold(nothing, |sums, &close| sums.exchange(0, close))
    }

    fn exchange(self, oldest: i64, newest: i64) -> Self {
        let (oldest, newest) = (i128::from(oldest), i128::from(newest));
        // A square of 63 bits fits 127; so does the difference of two.
        let gained = newest * newest - oldest * oldest;
        Self { sum: self.sum + newest - oldest, squares: self.squares.plus(Wide::from(gained)) }
    }

    fn distance_and_spread(&self, close: i64, window: usize) -> (i128, Wide) {
        let distance = window as i128 * i128::from(close) - self.sum;
        let square_of_sum = Wide::product(self.sum, self.sum);
        (distance, self.squares.times(window as u128).minus(square_of_sum))
    }
}

/// What is stored: the parameters and the closes in the order they came.
#[derive(Serialize, Deserialize)]
pub(super) struct MomentsState {
    window: usize,
    factor: Ratio,
    deviation: Deviation,
    closes: Vec<i64>,
}

impl From<Moments> for MomentsState {
    fn from(moments: Moments) -> Self {
        let mut closes: Vec<i64> = moments.newest_first().collect();
        closes.reverse();
        let Shape { factor, deviation, .. } = moments.shape;
        Self { window: moments.closes.len(), factor, deviation, closes }
    }
}

impl TryFrom<MomentsState> for Moments {
    type Error = String;

    fn try_from(state: MomentsState) -> Result<Self, String> {
        let MomentsState { window, factor, deviation, closes } = state;
        let mut moments =
            Self::new(window, factor, deviation).map_err(|error| error.to_string())?;
        if closes.len() > window {
            return Err(format!("{} closes in a window of {window}", closes.len()));
        }
        for close in closes {
            if let Pushed::Unsettled { oldest } = moments.push(close) {
                moments.settle(close, oldest);
            }
        }
        Ok(moments)
    }
}
