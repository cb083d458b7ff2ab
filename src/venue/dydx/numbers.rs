use core::time::Duration;
use std::collections::BTreeSet;

use crate::types::Timestamp;

/// Watches the numbers of one connection's messages, which count everything that the indexer
/// sends on it, from 0.
///
/// Snapshots of new subscriptions may overtake one another, so that a number may come late. One
/// that does not come within a span is a message that was lost: nothing of the connection can be
/// vouched for any more.
///
/// ```
/// use core::time::Duration;
/// use tradewright::types::Timestamp;
/// use tradewright::venue::dydx::MessageNumbers;
///
/// let mut numbers = MessageNumbers::new(Duration::from_secs(5));
/// let at = Timestamp::EPOCH;
/// numbers.on_message(at, 0);
/// numbers.on_message(at, 2);
/// assert!(!numbers.is_broken(at), "1 may still come");
/// assert!(numbers.is_broken(at.after(Duration::from_secs(5))));
/// numbers.on_message(at, 1);
/// assert_eq!(numbers.deadline(), None);
/// ```
#[derive(Clone, Debug)]
pub struct MessageNumbers {
    within: Duration,
    next: u64,
    missing: BTreeSet<u64>,
    since: Option<Timestamp>,
    /// More are missing than can be told apart.
    is_lost: bool,
}

/// More numbers than subscriptions of one connection cannot be late.
const MOST_MISSING: u64 = 64;

impl MessageNumbers {
    /// Numbers of a new connection, of which each may be late by so much.
    pub const fn new(within: Duration) -> Self {
        Self { within, next: 0, missing: BTreeSet::new(), since: None, is_lost: false }
    }

    /// A message of this number came in.
    pub fn on_message(&mut self, at: Timestamp, number: u64) {
        if number < self.next {
            self.missing.remove(&number);
        } else {
            let passed = number.saturating_sub(self.next);
            if passed.saturating_add(self.missing.len() as u64) > MOST_MISSING {
                self.is_lost = true;
            } else {
                self.missing.extend(self.next..number);
            }
            self.next = number.saturating_add(1);
        }
        self.since = match self.missing.is_empty() {
            true => None,
            false => self.since.or(Some(at)),
        };
    }

    /// True when a message is lost.
    pub fn is_broken(&self, at: Timestamp) -> bool {
        self.is_lost || self.deadline().is_some_and(|due| due <= at)
    }

    /// When a number that was passed over counts as lost.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.since.map(|since| since.after(self.within))
    }
}
