use core::time::Duration;
use std::collections::VecDeque;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::RiskConfigError;
use crate::types::{Timestamp, exact, small};

/// What happened within the last span of time, `(t − span, t]`: what is exactly one span old is
/// out.
///
/// Time that goes backwards counts as the latest time seen. At most `most` entries are kept;
/// one more is merged into the youngest, so that it counts longer than it should, never
/// shorter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub(super) struct SlidingWindow {
    span: Duration,
    most: usize,
    entries: VecDeque<Entry>,
    latest: Timestamp,
    sum: Totals,
}

/// What is in the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Totals {
    /// How many.
    pub(super) count: u64,
    /// How much; [`Decimal::MAX`] when it does not fit.
    #[serde(with = "exact")]
    pub(super) quantity: Decimal,
    /// What it was worth; [`Decimal::MAX`] when it does not fit.
    #[serde(with = "exact")]
    pub(super) value: Decimal,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    at: Timestamp,
    totals: Totals,
}

/// The most entries that any window keeps.
pub(super) const MOST_ENTRIES: usize = 4_096;

impl SlidingWindow {
    /// An empty window of a span above zero.
    pub(super) fn new(what: &'static str, span: Duration) -> Result<Self, RiskConfigError> {
        Self::with_room(what, span, MOST_ENTRIES)
    }

    /// The same with room for so many entries.
    pub(super) fn with_room(
        what: &'static str,
        span: Duration,
        most: usize,
    ) -> Result<Self, RiskConfigError> {
        if span.is_zero() {
            return Err(RiskConfigError::NoSpan { what });
        }
        Ok(Self {
            span,
            most: most.clamp(1, MOST_ENTRIES),
            entries: VecDeque::new(),
            latest: Timestamp::from_nanos(i64::MIN),
            sum: Totals::default(),
        })
    }

    pub(super) const fn span(&self) -> Duration {
        self.span
    }

    /// Adds what happened.
    pub(super) fn push(&mut self, at: Timestamp, totals: Totals) {
        let now = self.advance(at);
        if self.entries.len() >= self.most
            && let Some(youngest) = self.entries.back_mut()
        {
            youngest.at = now;
            youngest.totals = youngest.totals.plus(&totals);
        } else {
            self.entries.push_back(Entry { at: now, totals });
        }
        self.sum = self.sum.plus(&totals);
    }

    /// What is in the window at a time; asking changes nothing.
    pub(super) fn totals(&self, at: Timestamp) -> Totals {
        let now = at.max(self.latest);
        let expired = self.entries.iter().take_while(|entry| self.is_out(entry.at, now));
        let (count, sum) = expired
            .fold((0, self.sum), |(count, sum), entry| (count + 1, sum.minus(&entry.totals)));
        self.settled(count, sum)
    }

    /// The sum of all but the oldest entries. One that did not fit cannot be taken apart again:
    /// what is left is added anew.
    fn settled(&self, oldest: usize, sum: Totals) -> Totals {
        if sum.fits() {
            return sum;
        }
        let rest = self.entries.iter().skip(oldest);
        rest.fold(Totals::default(), |sum, entry| sum.plus(&entry.totals))
    }

    /// When the oldest entry leaves the window.
    pub(super) fn next_out(&self, at: Timestamp) -> Option<Timestamp> {
        let now = at.max(self.latest);
        let oldest = self.entries.iter().find(|entry| !self.is_out(entry.at, now))?;
        Some(oldest.at.after(self.span))
    }

    fn advance(&mut self, at: Timestamp) -> Timestamp {
        let now = at.max(self.latest);
        self.latest = now;
        while let Some(oldest) = self.entries.front().filter(|entry| self.is_out(entry.at, now)) {
            self.sum = self.sum.minus(&oldest.totals);
            self.entries.pop_front();
        }
        self.sum = self.settled(0, self.sum);
        now
    }

    fn is_out(&self, entry: Timestamp, now: Timestamp) -> bool {
        now.since(entry) >= self.span
    }
}

impl Totals {
    /// One message.
    pub(super) const ONE: Self = Self { count: 1, quantity: Decimal::ZERO, value: Decimal::ZERO };

    fn plus(&self, other: &Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            quantity: small::plus(self.quantity, other.quantity).unwrap_or(Decimal::MAX),
            value: small::plus(self.value, other.value).unwrap_or(Decimal::MAX),
        }
    }

    fn minus(&self, other: &Self) -> Self {
        let less = |left: Decimal, right: Decimal| {
            if is_most(left) { left } else { small::plus(left, -right).unwrap_or(Decimal::MIN) }
        };
        Self {
            count: self.count.saturating_sub(other.count),
            quantity: less(self.quantity, other.quantity),
            value: less(self.value, other.value),
        }
    }

    fn fits(&self) -> bool {
        !is_most(self.quantity) && !is_most(self.value)
    }
}

/// True for the largest decimal, which has one form alone.
const fn is_most(sum: Decimal) -> bool {
    small::is_same(sum, Decimal::MAX)
}

#[derive(Serialize, Deserialize)]
struct Saved {
    span: Duration,
    most: usize,
    entries: VecDeque<Entry>,
    latest: Timestamp,
}

impl TryFrom<Saved> for SlidingWindow {
    type Error = RiskConfigError;

    fn try_from(saved: Saved) -> Result<Self, RiskConfigError> {
        let refuse = |what, value: usize| {
            Err(RiskConfigError::InvalidState { what, value: Decimal::from(value) })
        };
        let entries = &saved.entries;
        if entries.len() > saved.most || saved.most > MOST_ENTRIES {
            return refuse("number of entries", entries.len());
        }
        let ordered = entries.iter().zip(entries.iter().skip(1)).all(|(a, b)| a.at <= b.at);
        if !ordered || entries.back().is_some_and(|last| last.at > saved.latest) {
            return refuse("order of entries", entries.len());
        }
        let negative = |entry: &Entry| {
            entry.totals.quantity < Decimal::ZERO || entry.totals.value < Decimal::ZERO
        };
        if entries.iter().any(negative) {
            return refuse("sign of entries", entries.len());
        }
        let mut window = Self::with_room("saved window", saved.span, saved.most)?;
        window.sum = entries.iter().fold(Totals::default(), |sum, it| sum.plus(&it.totals));
        window.latest = saved.latest;
        window.entries = saved.entries;
        Ok(window)
    }
}

impl From<SlidingWindow> for Saved {
    fn from(window: SlidingWindow) -> Self {
        Self {
            span: window.span,
            most: window.most,
            entries: window.entries,
            latest: window.latest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    fn some(quantity: u32) -> Totals {
        Totals { count: 1, quantity: Decimal::from(quantity), value: Decimal::TWO }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

        /// The window equals a list of everything, whatever the order of times.
        #[test]
        fn equals_the_list_of_everything(
            events in prop::collection::vec((0_i64..60, 0_u32..9), 0..60),
            span in 1_u64..20,
        ) {
            let mut window = SlidingWindow::new("test", Duration::from_nanos(span)).unwrap();
            let mut all: Vec<(i64, u32)> = Vec::new();
            let mut latest = i64::MIN;
            for (time, quantity) in events {
                latest = latest.max(time);
                window.push(at(time), some(quantity));
                all.push((latest, quantity));
                for asked in [time, latest, latest + 3, latest + span as i64] {
                    let now = asked.max(latest);
                    let inside = || all.iter().filter(|(at, _)| now - at < span as i64);
                    let found = window.totals(at(asked));
                    prop_assert_eq!(found.count, inside().count() as u64);
                    let quantity: u32 = inside().map(|(_, quantity)| *quantity).sum();
                    prop_assert_eq!(found.quantity, Decimal::from(quantity));
                    prop_assert_eq!(found.value, Decimal::from(2 * inside().count()));
                    let next = inside().map(|(at, _)| at + span as i64).min();
                    prop_assert_eq!(window.next_out(at(asked)).map(Timestamp::nanos), next);
                }
                let bytes = rmp_serde::to_vec_named(&window).unwrap();
                let back: SlidingWindow = rmp_serde::from_slice(&bytes).unwrap();
                prop_assert_eq!(&back, &window);
            }
        }

        /// A full window never counts less than the list, and keeps to its room.
        #[test]
        fn a_full_window_errs_on_the_careful_side(
            events in prop::collection::vec((0_i64..40, 0_u32..9), 0..60),
        ) {
            let span = Duration::from_nanos(12);
            let mut window = SlidingWindow::with_room("test", span, 4).unwrap();
            let mut all: Vec<(i64, u32)> = Vec::new();
            let mut latest = i64::MIN;
            for (time, quantity) in events {
                latest = latest.max(time);
                window.push(at(time), some(quantity));
                all.push((latest, quantity));
                let inside = all.iter().filter(|(at, _)| latest - at < 12).count();
                prop_assert!(window.totals(at(latest)).count >= inside as u64);
                prop_assert!(window.entries.len() <= 4);
            }
        }
    }

    #[test]
    fn a_sum_that_does_not_fit_is_the_largest_number_until_it_leaves() {
        let mut window = SlidingWindow::new("test", Duration::from_nanos(10)).unwrap();
        let huge = Totals { count: 1, quantity: Decimal::MAX, value: Decimal::ONE };
        window.push(at(0), huge);
        window.push(at(5), some(3));
        assert_eq!(window.totals(at(5)).quantity, Decimal::MAX);
        assert_eq!(window.totals(at(10)).quantity, Decimal::from(3));
    }
}
