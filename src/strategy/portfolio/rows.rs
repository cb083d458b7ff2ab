use serde::{Deserialize, Serialize};

use crate::types::Timestamp;

/// The closes of all instruments, gathered into rows: one row per time of a bar.
///
/// A row is finished when every instrument that had a bar in the row before has one in it, or
/// when a bar of a later time comes. An instrument that has no bar in a row keeps its close, so
/// that its return is zero there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Rows {
    at: Option<Timestamp>,
    is_finished: bool,
    seen: Vec<bool>,
    expected: Vec<bool>,
    /// NaN before an instrument's first close.
    closes: Vec<f64>,
    /// The closes of the row before.
    previous: Vec<f64>,
}

impl Rows {
    pub(super) fn new(instruments: usize) -> Self {
        Self {
            at: None,
            is_finished: true,
            seen: vec![false; instruments],
            expected: vec![true; instruments],
            closes: vec![f64::NAN; instruments],
            previous: vec![f64::NAN; instruments],
        }
    }

    /// True when a bar of this time finishes the row before it.
    pub(super) fn is_overtaken_at(&self, at: Timestamp) -> bool {
        !self.is_finished && self.at.is_some_and(|row| row < at)
    }

    /// Takes a close in; true when the row is complete with it.
    pub(super) fn take(&mut self, at: Timestamp, index: usize, close: f64) -> bool {
        if self.at != Some(at) {
            self.at = Some(at);
            self.is_finished = false;
            self.seen.fill(false);
        }
        if let (Some(own), Some(seen)) = (self.closes.get_mut(index), self.seen.get_mut(index)) {
            (*own, *seen) = (close, true);
        }
        let mut pairs = self.expected.iter().zip(&self.seen);
        !self.is_finished && pairs.all(|(expected, seen)| *seen || !*expected)
    }

    /// Ends the row: its time, and the returns since the row before in `returns`, NaN where
    /// there is none.
    pub(super) fn finish(&mut self, returns: &mut Vec<f64>) -> Option<Timestamp> {
        self.is_finished = true;
        self.expected.clone_from(&self.seen);
        returns.clear();
        returns.extend(self.closes.iter().zip(&self.previous).map(|(now, then)| now / then - 1.0));
        self.previous.clone_from(&self.closes);
        self.at
    }

    /// True once an instrument has had a close.
    pub(super) fn is_known(&self, index: usize) -> bool {
        self.closes.get(index).is_some_and(|close| close.is_finite())
    }

    /// Every unit became so many units: prices shrink by the factor.
    pub(super) fn split(&mut self, index: usize, factor: f64) {
        for closes in [&mut self.closes, &mut self.previous] {
            if let Some(close) = closes.get_mut(index) {
                *close /= factor;
            }
        }
    }

    /// True when a saved state is of as many instruments.
    pub(super) fn is_like(&self, saved: &Self) -> bool {
        [saved.seen.len(), saved.expected.len(), saved.closes.len(), saved.previous.len()]
            .iter()
            .all(|length| *length == self.seen.len())
    }
}
