//! The same three questions, put to tradewright and to the crates one would use instead.
//!
//! Every function here walks the same bars, asks the same question on each and counts the answers,
//! so that a figure can be compared only together with its answer. `cargo bench` prints the counts
//! first. Included: everything from `f64` bars in memory to the decision. Not included: reading
//! files, orders, accounts.

#![forbid(unsafe_code)]

pub mod bands;
pub mod bars;
pub mod breakout;
pub mod vwap;

pub use bars::{Bar, bars};

/// Window of every question, in bars.
pub const WINDOW: usize = 20;
/// Width of the bands in standard deviations.
pub const BAND_FACTOR: f64 = 2.0;
/// How many times the average a breakout's volume has to be.
pub const VOLUME_FACTOR: f64 = 1.5;
/// Deviation from the average price that is a signal.
pub const THRESHOLD: f64 = 0.02;

/// The same for the average of the last bars, which the close never leaves that far.
pub const ROLLING_THRESHOLD: f64 = 0.002;

/// How often the answer was one or the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub below: u32,
    pub above: u32,
}

impl Count {
    #[inline]
    pub fn add(&mut self, is_below: bool, is_above: bool) {
        self.below += u32::from(is_below);
        self.above += u32::from(is_above);
    }
}

/// Counts the crosses of a band from its two lines, the previous close against its own lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Crosses {
    pub count: Count,
    was_below: bool,
    was_above: bool,
    has_previous: bool,
}

impl Crosses {
    #[inline]
    pub fn add(&mut self, close: f64, lower: f64, upper: f64) {
        let (is_below, is_above) = (close < lower, close > upper);
        let has = self.has_previous;
        self.count.add(is_below & !self.was_below & has, is_above & !self.was_above & has);
        (self.was_below, self.was_above, self.has_previous) = (is_below, is_above, true);
    }
}

/// One function that answers a question over all bars, and who answers.
pub type Answerer = (&'static str, fn(&[Bar]) -> Count);
