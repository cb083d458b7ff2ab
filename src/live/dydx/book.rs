use core::time::Duration;

use crate::types::{Book, InstrumentId, Quote, Side, Timestamp};
use crate::venue::dydx::decode_orderbook;
use crate::venue::{BookAction, BookSync, BookSyncConfig, DepthSnapshot, DepthUpdate, SyncRule};

/// The book of one market, of the stream or of answers by HTTP, without crossed levels.
#[derive(Debug)]
pub(super) struct FeedBook {
    instrument: InstrumentId,
    resubscribe_after: Duration,
    sync: Option<Box<BookSync>>,
    /// The best prices as they were told last.
    top: Option<Quote>,
    /// Answers by HTTP, which have no numbers of their own.
    polls: u64,
}

/// What an update has done.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) actions: Vec<BookAction>,
    pub(super) gaps: u64,
    pub(super) has_changed: bool,
}

impl FeedBook {
    pub(super) const fn new(instrument: InstrumentId, resubscribe_after: Duration) -> Self {
        Self { instrument, resubscribe_after, sync: None, top: None, polls: 0 }
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.sync.as_ref().and_then(|book| book.deadline())
    }

    pub(super) fn on_time(&mut self, at: Timestamp) -> Vec<BookAction> {
        self.with(|book, actions| book.on_time(at, actions))
    }

    /// True while it is served.
    pub(super) fn is_live(&self) -> bool {
        self.sync.as_ref().is_some_and(|book| book.is_live())
    }

    /// A new book, which waits for its snapshot.
    pub(super) fn start(&mut self, at: Timestamp) {
        let pause = self.resubscribe_after;
        let config = BookSyncConfig { pause, ..BookSyncConfig::default() };
        let mut book = BookSync::with_config(self.instrument, SyncRule::Stamped, config);
        book.start(at, &mut Vec::new());
        self.sync = Some(Box::new(book));
    }

    pub(super) fn stop(&mut self) {
        (self.sync, self.top) = (None, None);
    }

    pub(super) fn on_snapshot(
        &mut self,
        at: Timestamp,
        snapshot: &DepthSnapshot,
    ) -> Vec<BookAction> {
        self.with(|book, actions| book.on_snapshot(at, snapshot, actions))
    }

    pub(super) fn on_update(&mut self, at: Timestamp, update: &DepthUpdate) -> Change {
        let counts =
            |book: &Self| book.sync.as_ref().map(|sync| *sync.counts()).unwrap_or_default();
        let before = counts(self);
        let actions = self.with(|book, actions| book.on_update(at, update, actions));
        let after = counts(self);
        let gaps = after.gaps.saturating_sub(before.gaps);
        Change { actions, gaps, has_changed: after.applied > before.applied }
    }

    /// Takes the answer to a question for the whole book; false when it makes none.
    pub(super) fn on_polled(&mut self, at: Timestamp, body: &[u8]) -> bool {
        self.polls += 1;
        let Ok(snapshot) = decode_orderbook(self.instrument, self.polls, body) else {
            return false;
        };
        let mut book = BookSync::new(self.instrument, SyncRule::Stamped);
        let mut actions = Vec::new();
        book.start(at, &mut actions);
        book.on_snapshot(at, &snapshot, &mut actions);
        let is_live = book.is_live();
        if is_live {
            self.sync = Some(Box::new(book));
        }
        is_live
    }

    /// The best prices are told once more, changed or not.
    pub(super) const fn forget_top(&mut self) {
        self.top = None;
    }

    /// The number of the book, and its best prices where they have changed since the last turn;
    /// none while it is not served.
    pub(super) fn turn(&mut self) -> Option<(u64, Option<Quote>)> {
        let book = self.sync.as_ref()?;
        let (last, top) = (book.last()?, book.top());
        let before = core::mem::replace(&mut self.top, top);
        Some((last, top.filter(|_| before != top)))
    }

    /// So many levels of each side.
    pub(super) fn whole(&self, levels: u16) -> Book {
        let instrument = self.instrument;
        let mut whole = Book { instrument, bids: Vec::new(), asks: Vec::new() };
        if let Some(book) = &self.sync {
            book.write(usize::from(levels), &mut whole);
        }
        whole
    }

    /// All of it, for those who make a book of their own; none while it is not served.
    pub(super) fn snapshot(&self) -> Option<DepthSnapshot> {
        let (book, instrument) = (self.sync.as_ref()?, self.instrument);
        let last = book.last()?;
        let side = |side| book.levels(side).copied().collect();
        let (bids, asks) = (side(Side::Buy), side(Side::Sell));
        Some(DepthSnapshot { instrument, last, is_complete: true, bids, asks })
    }

    fn with(&mut self, work: impl FnOnce(&mut BookSync, &mut Vec<BookAction>)) -> Vec<BookAction> {
        let mut actions = Vec::new();
        if let Some(book) = &mut self.sync {
            work(book, &mut actions);
        }
        actions
    }
}
