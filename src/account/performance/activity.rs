use serde::{Deserialize, Serialize};

use super::{MOST_COUNT, ratio};
use crate::types::Timestamp;

/// Traded value over mean equity: how often the money was turned over; `None` unless mean
/// equity is above zero.
pub(crate) fn turnover(traded: f64, mean_equity: f64) -> Option<f64> {
    if mean_equity > 0.0 { ratio(traded, mean_equity) } else { None }
}

/// Winning trades over signals; `None` without signals.
pub(crate) fn signal_effectiveness(wins: u64, signals: u64) -> Option<f64> {
    ratio(wins as f64, signals as f64)
}

/// Counts the instants that ended with an open position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exposure {
    instants: u64,
    exposed: u64,
    last: Option<(Timestamp, bool)>,
}

impl Exposure {
    /// Takes a mark; of several marks of one instant the last counts.
    #[inline]
    pub(crate) fn mark(&mut self, at: Timestamp, is_open: bool) {
        if let Some((last, was_open)) = self.last
            && last != at
        {
            self.instants += 1;
            self.exposed += u64::from(was_open);
        }
        self.last = Some((at, is_open));
    }

    /// The share of instants; `None` before the first.
    pub(crate) fn share(&self) -> Option<f64> {
        let (_, is_open) = self.last?;
        let exposed = self.exposed + u64::from(is_open);
        Some(exposed as f64 / (self.instants + 1) as f64)
    }

    /// More were exposed than there were, or more than can be.
    pub(crate) const fn is_broken(&self) -> bool {
        self.exposed > self.instants || self.instants > MOST_COUNT
    }
}
