use core::fmt::{self, Write};
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Offender, Offenders};
use crate::types::{Classification, Classify, ErrorCategory, Label, Severity, Timestamp};

/// The last errors, what was counted of all of them, and who fails most.
///
/// It keeps a bounded number of entries, and exact counts without a bound. Rates are over the
/// last minutes, by minutes of the clock.
///
/// ```
/// use tradewright::resilience::ErrorHistory;
/// use tradewright::types::{ErrorCategory, Label, OrderId, Severity, SlotId, Timestamp};
/// use tradewright::venue::DecodeError;
///
/// let at = Timestamp::from_secs(1_700_000_000)?;
/// let mut history = ErrorHistory::new(100);
/// let error = DecodeError::Missing { what: "trade", field: "p" };
/// history.record(at, Label::new("binance.market"), &error);
///
/// assert_eq!(history.count(ErrorCategory::Api, Severity::Medium), 1);
/// assert_eq!(history.rates(at, 5).by_category(ErrorCategory::Api), 1);
/// assert_eq!(history.top_offenders(1)[0].source.as_str(), "binance.market");
/// # Ok::<(), tradewright::types::TimestampError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorHistory {
    most: usize,
    entries: VecDeque<ErrorEntry>,
    /// By category, then severity.
    counts: [[u64; 4]; 8],
    unrecoverable: u64,
    /// The last minutes, the oldest first.
    minutes: VecDeque<Minute>,
    offenders: Offenders,
}

/// One error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorEntry {
    /// When.
    pub at: Timestamp,
    /// Which part of the system.
    pub source: Label,
    /// What it means.
    pub classification: Classification,
    /// Its text, the first 200 characters. Errors of this crate never hold a secret.
    pub text: String,
}

/// How many errors there were within some minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorRates {
    counts: [[u32; 4]; 8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Minute {
    number: i64,
    counts: [[u32; 4]; 8],
}

/// Minutes that rates reach back.
const MOST_MINUTES: usize = 60;
const MINUTE: i64 = 60_000_000_000;
const LONGEST_TEXT: usize = 200;
const MOST_SOURCES: usize = 256;

impl ErrorRates {
    /// Errors of a category.
    pub fn by_category(&self, category: ErrorCategory) -> u32 {
        let row = self.counts.get(category as usize).copied().unwrap_or_default();
        row.iter().fold(0, |sum: u32, count| sum.saturating_add(*count))
    }

    /// Errors of a severity or a worse one.
    pub fn at_least(&self, severity: Severity) -> u32 {
        let worse = self.counts.iter().flat_map(|row| row.iter().skip(severity as usize));
        worse.fold(0, |sum: u32, count| sum.saturating_add(*count))
    }
}

impl ErrorHistory {
    /// An empty history that keeps the last `most` entries, from 1 to 100,000.
    pub fn new(most: usize) -> Self {
        Self {
            most: most.clamp(1, 100_000),
            entries: VecDeque::new(),
            counts: [[0; 4]; 8],
            unrecoverable: 0,
            minutes: VecDeque::new(),
            offenders: Offenders::new(MOST_SOURCES),
        }
    }

    /// An error has happened in a part of the system.
    pub fn record<E: Classify + fmt::Display>(&mut self, at: Timestamp, source: Label, error: &E) {
        let mut text = Start { text: String::new(), left: LONGEST_TEXT };
        // What does not fit is left away; writing into a string does not fail otherwise.
        let _ = write!(text, "{error}");
        let classification = error.classification();
        self.count_one(at, source, &classification);
        if self.entries.len() >= self.most {
            self.entries.pop_front();
        }
        self.entries.push_back(ErrorEntry { at, source, classification, text: text.text });
    }

    fn count_one(&mut self, at: Timestamp, source: Label, error: &Classification) {
        let (category, severity) = (error.category as usize, error.severity as usize);
        if let Some(count) = cell(&mut self.counts, category, severity) {
            *count = count.saturating_add(1);
        }
        if !error.is_recoverable {
            self.unrecoverable = self.unrecoverable.saturating_add(1);
        }
        self.offenders.count(source);
        let minute = self.minute(at.nanos().div_euclid(MINUTE));
        if let Some(count) = minute.and_then(|it| cell(&mut it.counts, category, severity)) {
            *count = count.saturating_add(1);
        }
    }

    /// The counts of a minute; none when it lies too far back.
    fn minute(&mut self, number: i64) -> Option<&mut Minute> {
        let place = self.minutes.partition_point(|minute| minute.number < number);
        let is_known = self.minutes.get(place).is_some_and(|minute| minute.number == number);
        if is_known {
            return self.minutes.get_mut(place);
        }
        if self.minutes.len() >= MOST_MINUTES {
            if place == 0 {
                return None;
            }
            self.minutes.pop_front();
        }
        let place = self.minutes.partition_point(|minute| minute.number < number);
        self.minutes.insert(place, Minute { number, counts: [[0; 4]; 8] });
        self.minutes.get_mut(place)
    }

    /// The entries that are kept, the oldest first.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &ErrorEntry> {
        self.entries.iter()
    }

    /// Errors of a category and severity since the beginning.
    pub fn count(&self, category: ErrorCategory, severity: Severity) -> u64 {
        let row = self.counts.get(category as usize);
        row.and_then(|row| row.get(severity as usize)).copied().unwrap_or_default()
    }

    /// All errors since the beginning.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().fold(0, |sum: u64, count| sum.saturating_add(*count))
    }

    /// Errors since the beginning that a person had to deal with.
    pub const fn unrecoverable(&self) -> u64 {
        self.unrecoverable
    }

    /// Errors of the minute of `at` and the `minutes - 1` before it, at most 60.
    pub fn rates(&self, at: Timestamp, minutes: u32) -> ErrorRates {
        let last = at.nanos().div_euclid(MINUTE);
        let first = last.saturating_sub(i64::from(minutes)).saturating_add(1);
        let mut rates = ErrorRates::default();
        for minute in self.minutes.iter().filter(|it| (first..=last).contains(&it.number)) {
            let sums = rates.counts.iter_mut().flatten();
            for (sum, count) in sums.zip(minute.counts.iter().flatten()) {
                *sum = sum.saturating_add(*count);
            }
        }
        rates
    }

    /// The sources that have failed most, the worst first.
    pub fn top_offenders(&self, most: usize) -> Vec<Offender> {
        self.offenders.top(most)
    }
}

fn cell<T>(counts: &mut [[T; 4]; 8], category: usize, severity: usize) -> Option<&mut T> {
    counts.get_mut(category).and_then(|row| row.get_mut(severity))
}

/// Takes the first characters and drops the rest.
struct Start {
    text: String,
    left: usize,
}

impl Write for Start {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for char in part.chars().take(self.left) {
            self.text.push(char);
            self.left -= 1;
        }
        Ok(())
    }
}
