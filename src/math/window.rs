//! Sliding windows without subtraction.
//!
//! A running sum that adds the newest item and subtracts the oldest keeps every rounding error for
//! ever and turns into noise after one outlier. Here the stream is cut into blocks as long as the
//! window. When a block ends, the summaries of all its suffixes are computed in one backward pass
//! (one step per item, so O(1) amortised). A window is always a suffix of the last finished block
//! joined with what has arrived of the open block, so an item that left the window has no influence
//! at all. The idea is van Herk's (1992) and Gil and Werman's (1993) for maxima; it works for
//! everything that can be joined, and it has no data-dependent branch.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What is known about a run of consecutive items; joining runs is associative.
pub(crate) trait Summary:
    Copy + Debug + PartialEq + Serialize + DeserializeOwned + 'static
{
    /// What the window holds.
    type Item: Copy + Debug + PartialEq + Serialize + DeserializeOwned + 'static;
    /// The summary of no items.
    const EMPTY: Self;
    /// Fills unused places.
    const BLANK: Self::Item;
    /// Whether suffixes are summarised in two halves, which are joined afterwards. A processor
    /// waits for one join before it begins the next, so that two short chains side by side take
    /// less time than a long one, unless joining is a single operation.
    const IN_HALVES: bool = true;

    /// The summary of one item, measured from `origin`.
    ///
    /// The origin is always an item of the same window, so differences are as small as the window's
    /// own range; in a flat window they are exactly zero.
    fn of(item: Self::Item, origin: Self::Item) -> Self;

    /// The summary of the older run followed by the newer run.
    fn join(older: Self, newer: Self) -> Self;
}

/// The last `length` items and the summary of all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", try_from = "BlockWindowState<S>")]
pub(crate) struct BlockWindow<S: Summary> {
    items: Box<[S::Item]>,
    suffixes: Box<[S]>,
    open: S,
    origin: S::Item,
    /// Where the next item goes: always below the length.
    position: usize,
    is_full: bool,
}

impl<S: Summary> BlockWindow<S> {
    /// The caller has checked that `length` is at least 1.
    pub(crate) fn new(length: usize) -> Self {
        let length = length.max(1);
        Self {
            items: vec![S::BLANK; length].into_boxed_slice(),
            suffixes: vec![S::EMPTY; length].into_boxed_slice(),
            open: S::EMPTY,
            origin: S::BLANK,
            position: 0,
            is_full: false,
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, item: S::Item) {
        if let Some(place) = self.items.get_mut(self.position) {
            *place = item;
        }
        self.open = S::join(self.open, S::of(item, self.origin));
        self.position += 1;
        if self.position >= self.items.len() {
            summarise_suffixes(&self.items, &mut self.suffixes, item);
            self.open = S::EMPTY;
            self.origin = item;
            self.position = 0;
            self.is_full = true;
        }
    }

    /// The summary of the whole window, `None` until it is full.
    #[inline]
    pub(crate) fn total(&self) -> Option<S> {
        if !self.is_full {
            return None;
        }
        self.suffixes.get(self.position).map(|&older| S::join(older, self.open))
    }

    /// What the summary is measured from; an item of the window once it is full.
    #[inline]
    pub(crate) fn origin(&self) -> S::Item {
        self.origin
    }

    /// The items in no particular order; meaningful once the window is full.
    #[inline]
    pub(crate) fn items(&self) -> &[S::Item] {
        &self.items
    }

    #[inline]
    pub(crate) fn length(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn reset(&mut self) {
        self.items.fill(S::BLANK);
        self.suffixes.fill(S::EMPTY);
        self.open = S::EMPTY;
        self.origin = S::BLANK;
        self.position = 0;
        self.is_full = false;
    }
}

/// Free functions, so that the window's other fields may stay in registers.
#[inline]
fn summarise_suffixes<S: Summary>(items: &[S::Item], suffixes: &mut [S], origin: S::Item) {
    if !S::IN_HALVES {
        summarise_run(items, suffixes, origin);
        return;
    }
    let half = items.len() / 2;
    let ((older, newer), (olders, newers)) = (items.split_at(half), suffixes.split_at_mut(half));
    let total = summarise_run(newer, newers, origin);
    summarise_run(older, olders, origin);
    for suffix in olders {
        *suffix = S::join(*suffix, total);
    }
}

#[inline]
fn summarise_run<S: Summary>(items: &[S::Item], suffixes: &mut [S], origin: S::Item) -> S {
    let mut total = S::EMPTY;
    for (&item, suffix) in items.iter().zip(suffixes.iter_mut()).rev() {
        total = S::join(S::of(item, origin), total);
        *suffix = total;
    }
    total
}

/// What a stored window looks like before it is checked.
#[derive(Deserialize)]
#[serde(bound = "")]
struct BlockWindowState<S: Summary> {
    items: Box<[S::Item]>,
    suffixes: Box<[S]>,
    open: S,
    origin: S::Item,
    position: usize,
    is_full: bool,
}

impl<S: Summary> TryFrom<BlockWindowState<S>> for BlockWindow<S> {
    type Error = String;

    fn try_from(state: BlockWindowState<S>) -> Result<Self, String> {
        let BlockWindowState { items, suffixes, open, origin, position, is_full } = state;
        if items.len() != suffixes.len() || position >= items.len() {
            return Err(format!(
                "a stored window has {} items, {} sums and position {position}",
                items.len(),
                suffixes.len()
            ));
        }
        Ok(Self { items, suffixes, open, origin, position, is_full })
    }
}

/// Gives back every value `length` pushes later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "DelayLineState")]
pub(crate) struct DelayLine {
    values: Box<[f64]>,
    position: usize,
    is_full: bool,
}

impl DelayLine {
    /// The caller has checked that `length` is at least 1.
    pub(crate) fn new(length: usize) -> Self {
        let values = vec![0.0; length.max(1)].into_boxed_slice();
        Self { values, position: 0, is_full: false }
    }

    /// Takes a value and gives back the one from `length` pushes ago.
    #[inline]
    pub(crate) fn push(&mut self, value: f64) -> Option<f64> {
        let place = self.values.get_mut(self.position)?;
        let oldest = self.is_full.then_some(*place);
        *place = value;
        self.position += 1;
        if self.position >= self.values.len() {
            self.position = 0;
            self.is_full = true;
        }
        oldest
    }

    #[inline]
    pub(crate) fn length(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn reset(&mut self) {
        self.values.fill(0.0);
        self.position = 0;
        self.is_full = false;
    }
}

/// What a stored delay line looks like before it is checked.
#[derive(Deserialize)]
struct DelayLineState {
    values: Box<[f64]>,
    position: usize,
    is_full: bool,
}

impl TryFrom<DelayLineState> for DelayLine {
    type Error = String;

    fn try_from(state: DelayLineState) -> Result<Self, String> {
        let DelayLineState { values, position, is_full } = state;
        if position >= values.len() {
            return Err(format!(
                "a stored delay line has {} values and position {position}",
                values.len()
            ));
        }
        Ok(Self { values, position, is_full })
    }
}

/// Sum of differences from the origin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ShiftedSum(pub(crate) f64);

impl Summary for ShiftedSum {
    type Item = f64;
    const EMPTY: Self = Self(0.0);
    const BLANK: f64 = 0.0;
    const IN_HALVES: bool = false;

    #[inline]
    fn of(item: f64, origin: f64) -> Self {
        Self(item - origin)
    }

    #[inline]
    fn join(older: Self, newer: Self) -> Self {
        Self(older.0 + newer.0)
    }
}

impl BlockWindow<ShiftedSum> {
    /// The mean of the window, `None` until it is full.
    #[inline]
    pub(crate) fn mean(&self) -> Option<f64> {
        let sum = self.total()?.0;
        Some(self.origin() + sum / self.length() as f64)
    }
}

/// Two sums of amounts that are never negative, so that plain addition loses nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TwoSums(pub(crate) f64, pub(crate) f64);

impl Summary for TwoSums {
    type Item = (f64, f64);
    const EMPTY: Self = Self(0.0, 0.0);
    const BLANK: (f64, f64) = (0.0, 0.0);

    #[inline]
    fn of(item: (f64, f64), _origin: (f64, f64)) -> Self {
        Self(item.0, item.1)
    }

    #[inline]
    fn join(older: Self, newer: Self) -> Self {
        Self(older.0 + newer.0, older.1 + newer.1)
    }
}

/// Sums for straight-line weights: the oldest item weighs 1, the next 2, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WeightedSums {
    pub(crate) count: f64,
    pub(crate) sum: f64,
    pub(crate) weighted: f64,
}

impl Summary for WeightedSums {
    type Item = f64;
    const EMPTY: Self = Self { count: 0.0, sum: 0.0, weighted: 0.0 };
    const BLANK: f64 = 0.0;

    #[inline]
    fn of(item: f64, origin: f64) -> Self {
        let difference = item - origin;
        Self { count: 1.0, sum: difference, weighted: difference }
    }

    #[inline]
    fn join(older: Self, newer: Self) -> Self {
        // Every newer item weighs as much more as there are older items.
        Self {
            count: older.count + newer.count,
            sum: older.sum + newer.sum,
            weighted: older.weighted + newer.weighted + older.count * newer.sum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_of_one_is_its_newest_item() {
        let mut window = BlockWindow::<ShiftedSum>::new(1);
        assert_eq!(window.mean(), None);
        for value in [3.5, -2.25, 1e12, 0.1] {
            window.push(value);
            assert_eq!(window.mean(), Some(value));
        }
    }

    #[test]
    fn the_items_are_the_last_ones() {
        let mut window = BlockWindow::<TwoSums>::new(3);
        for count in 1..=7 {
            window.push((f64::from(count), 1.0));
        }
        assert_eq!(window.total(), Some(TwoSums(5.0 + 6.0 + 7.0, 3.0)));
        assert_eq!(window.items().iter().map(|item| item.0).sum::<f64>(), 18.0);
        window.reset();
        assert_eq!(window, BlockWindow::new(3));
    }

    #[test]
    fn the_delay_line_gives_back_what_went_in() {
        let mut line = DelayLine::new(2);
        let out: Vec<_> = [1.0, 2.0, 3.0, 4.0].map(|value| line.push(value)).into();
        assert_eq!(out, [None, None, Some(1.0), Some(2.0)]);
    }

    #[test]
    fn broken_stored_states_are_refused() {
        let window = BlockWindow::<ShiftedSum>::new(2);
        let text = serde_json::to_string(&window).unwrap();
        assert_eq!(serde_json::from_str::<BlockWindow<ShiftedSum>>(&text).unwrap(), window);
        let moved = text.replace("\"position\":0", "\"position\":2");
        assert!(serde_json::from_str::<BlockWindow<ShiftedSum>>(&moved).is_err());
        let empty = r#"{"values":[],"position":0,"is_full":false}"#;
        assert!(serde_json::from_str::<DelayLine>(empty).is_err());
    }
}
