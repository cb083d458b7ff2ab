use std::collections::VecDeque;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::config::MOST_ENTRIES;

/// The last entries of a stream, each with its number from 0 on, read page by page.
///
/// A page is asked for by number, so that a reader who turns pages sees each entry once, however
/// many are added meanwhile. Numbers that are gone or not there yet give shorter or empty pages,
/// never an error. Nothing is allocated by adding.
///
/// ```
/// use tradewright::monitor::History;
///
/// let mut history = History::new(4);
/// (10..16).for_each(|value| history.push(value));
/// let newest = history.newest(2);
/// assert_eq!((newest.first, newest.entries), (4, vec![14, 15]));
/// history.push(16);
/// // What came in meanwhile does not shift the page before.
/// let older = history.before(newest.first, 2);
/// assert_eq!((older.first, older.entries, older.older), (3, vec![13], None));
/// // Whoever follows the stream goes on where he stopped.
/// assert_eq!(history.since(newest.newer, 100).entries, [16]);
/// assert_eq!(history.since(0, 100).missed, 3);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct History<T> {
    entries: VecDeque<T>,
    capacity: usize,
    next: u64,
}

/// Some entries of a [`History`], the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The number of the first entry; where there is none, the number that it would have.
    pub first: u64,
    /// The entries.
    pub entries: Vec<T>,
    /// What to hand to [`History::before`] for the page before; `None` when nothing older is
    /// kept.
    pub older: Option<u64>,
    /// What to hand to [`History::since`] to go on after this page.
    pub newer: u64,
    /// Entries that were asked for and are gone.
    pub missed: u64,
}

impl<T> History<T> {
    /// An empty history with room for so many entries, 1 to 1,048,576, reserved now.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.clamp(1, MOST_ENTRIES);
        Self { entries: VecDeque::with_capacity(capacity), capacity, next: 0 }
    }

    /// Adds an entry; the oldest makes room.
    #[inline]
    pub fn push(&mut self, entry: T) {
        if self.entries.len() >= self.capacity {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
        self.next = self.next.saturating_add(1);
    }

    /// Entries that are kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Entries that there is room for.
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// The number that the next entry will have: how many there ever were.
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// The newest entry.
    pub fn last(&self) -> Option<&T> {
        self.entries.back()
    }

    /// All entries, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        self.entries.iter()
    }

    fn oldest(&self) -> u64 {
        self.next.saturating_sub(self.entries.len() as u64)
    }
}

impl<T: Clone> History<T> {
    /// The newest entries.
    pub fn newest(&self, limit: usize) -> Page<T> {
        self.before(self.next, limit)
    }

    /// The newest of the entries with a number below `number`.
    pub fn before(&self, number: u64, limit: usize) -> Page<T> {
        let end = number.clamp(self.oldest(), self.next);
        self.page(end.saturating_sub(limit as u64).max(self.oldest()), end, 0)
    }

    /// The oldest of the entries with a number of `number` and above.
    pub fn since(&self, number: u64, limit: usize) -> Page<T> {
        let first = number.clamp(self.oldest(), self.next);
        let end = first.saturating_add(limit as u64).min(self.next);
        self.page(first, end, self.oldest().saturating_sub(number))
    }

    /// Numbers that lie within what is kept.
    fn page(&self, first: u64, end: u64, missed: u64) -> Page<T> {
        let oldest = self.oldest();
        let skipped = first.saturating_sub(oldest) as usize;
        let count = end.saturating_sub(first) as usize;
        let entries = self.entries.iter().skip(skipped).take(count).cloned().collect();
        Page { first, entries, older: (first > oldest).then_some(first), newer: end, missed }
    }
}

impl<T: Serialize> Serialize for History<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for History<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut found = Self::deserialize(deserializer)?;
        let count = found.entries.len();
        if !(1..=MOST_ENTRIES).contains(&found.capacity) || count > found.capacity {
            return Err(de::Error::custom("a history holds more than it has room for"));
        }
        // A history that was never full has lost none.
        let kept = count as u64;
        if found.next < kept || (found.next > kept && count < found.capacity) {
            return Err(de::Error::custom("the numbers of a history do not belong to its entries"));
        }
        found.entries.reserve_exact(found.capacity - count);
        Ok(found)
    }
}
