use core::cmp::Ordering;
use core::time::Duration;
use std::collections::VecDeque;

use super::ladder::Ladder;
use super::{DepthSnapshot, DepthUpdate};
use crate::types::{Book, BookLevel, InstrumentId, Quote, Side, Timestamp};

/// An order book that is made of a snapshot and updates, and served only while it is sound.
///
/// It keeps updates until a snapshot comes, applies what follows on it, and watches the numbers
/// of the updates. A gap, a level that no market can have, a book that is crossed where that
/// cannot be, or a best price beyond what the snapshot reached: the book is dropped at once and a
/// new snapshot is asked for, no sooner than the pause of the configuration after the last.
/// It is not saved: after a restart a book has to be fetched again.
///
/// ```
/// use tradewright::types::{BookLevel, InstrumentId, Timestamp};
/// use tradewright::venue::{BookAction, BookSync, DepthSnapshot, DepthUpdate, SyncRule};
///
/// let at = Timestamp::from_secs(1_700_000_000)?;
/// let level = |price, quantity| vec![BookLevel { price, quantity }];
/// let id = InstrumentId(0);
/// let mut book = BookSync::new(id, SyncRule::Spot);
/// let mut actions = Vec::new();
///
/// book.start(at, &mut actions);
/// assert_eq!(actions, [BookAction::RequestSnapshot]);
/// let update = DepthUpdate { bids: level(99.5, 2.0), ..DepthUpdate::new(id, 7, 9) };
/// book.on_update(at, &update, &mut actions);
/// assert_eq!(book.top(), None);
///
/// let (bids, asks) = (level(99.0, 1.0), level(100.0, 1.0));
/// let snapshot = DepthSnapshot { instrument: id, last: 7, is_complete: true, bids, asks };
/// book.on_snapshot(at, &snapshot, &mut actions);
/// assert_eq!(actions.last(), Some(&BookAction::Trusted));
/// assert_eq!(book.top().unwrap().bid, 99.5);
///
/// // Number 10 is missing: the book is not served any more.
/// book.on_update(at, &DepthUpdate::new(id, 11, 11), &mut actions);
/// assert_eq!(book.top(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BookSync {
    instrument: InstrumentId,
    rule: SyncRule,
    config: BookSyncConfig,
    phase: Phase,
    waiting: VecDeque<DepthUpdate>,
    bids: Ladder,
    asks: Ladder,
    last: u64,
    /// No update has been applied since the snapshot.
    is_fresh: bool,
    counts: BookCounts,
}

/// What the numbers of a venue's updates promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncRule {
    /// Every change has a number (Binance spot): what ends at or before the book's number is old,
    /// and a gap is an update that begins after the next number.
    Spot,
    /// Every update names the last number of the one before it (Binance USD-margined futures);
    /// the first one after a snapshot must hold the snapshot's number.
    Chained,
    /// Numbers order the messages of a connection and leave holes (dYdX indexer). Gaps cannot be
    /// seen by them; books are crossed now and then, and the older side gives way.
    Stamped,
}

/// How a [`BookSync`] waits, and what it keeps at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookSyncConfig {
    /// The shortest time between two requests for a snapshot, also the time after which an
    /// unanswered one is repeated.
    pub pause: Duration,
    /// Updates that are kept while a snapshot is awaited; the oldest go first.
    pub most_waiting: usize,
    /// Levels of one side that are kept; the worst go first.
    pub most_levels: usize,
}

impl Default for BookSyncConfig {
    /// 5 s between requests (a snapshot of 5,000 levels weighs 250 of 6,000 a minute at Binance),
    /// 2,000 waiting updates (200 s of a stream of 100 ms), 10,000 levels.
    fn default() -> Self {
        Self { pause: Duration::from_secs(5), most_waiting: 2_000, most_levels: 10_000 }
    }
}

/// What a [`BookSync`] asks of its driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BookAction {
    /// Fetch a snapshot (dYdX: subscribe to the book again) and hand it in.
    RequestSnapshot,
    /// From now on the book is served.
    Trusted,
    /// The book is not served any more; tell the engine by
    /// [`Control::Distrust`](crate::engine::Control::Distrust).
    Distrusted(BookFault),
}

/// Why a book is not served any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BookFault {
    /// An update is missing.
    Gap,
    /// The best bid is not below the best ask.
    Crossed,
    /// A price or quantity is none: negative, infinite, not a number.
    BadLevel,
    /// The market has moved beyond what the snapshot reached.
    OutOfReach,
    /// The connection is lost, or the stream has been silent for too long.
    Disconnected,
}

/// What a [`BookSync`] has seen since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BookCounts {
    /// Updates that changed the book.
    pub applied: u64,
    /// Updates that were old, repeated or of another instrument.
    pub ignored: u64,
    /// Updates that did not follow on the one before them.
    pub gaps: u64,
    /// Snapshots that were taken over.
    pub snapshots: u64,
    /// Snapshots that were refused: too old, unsound or not asked for.
    pub refused_snapshots: u64,
    /// Crossed levels that were taken out.
    pub uncrossed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    /// A snapshot was asked for at this time.
    Asked(Timestamp),
    /// The last answer was of no use; ask again at this time.
    Pausing(Timestamp),
    /// The snapshot before this one was asked for at this time.
    Live(Timestamp),
}

/// What an update is to a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Old,
    Next,
    Gap,
}

impl BookSync {
    /// A book that is idle until [`BookSync::start`], with the default configuration.
    pub fn new(instrument: InstrumentId, rule: SyncRule) -> Self {
        Self::with_config(instrument, rule, BookSyncConfig::default())
    }

    /// A book that is idle until [`BookSync::start`].
    pub fn with_config(instrument: InstrumentId, rule: SyncRule, config: BookSyncConfig) -> Self {
        Self {
            instrument,
            rule,
            config,
            phase: Phase::Idle,
            waiting: VecDeque::new(),
            bids: Ladder::new(Side::Buy),
            asks: Ladder::new(Side::Sell),
            last: 0,
            is_fresh: true,
            counts: BookCounts::default(),
        }
    }

    /// The stream is subscribed: from now on updates are kept and a snapshot is asked for.
    /// Call it again after every reconnection.
    pub fn start(&mut self, at: Timestamp, out: &mut Vec<BookAction>) {
        self.waiting.clear();
        self.drop_book(at, BookFault::Disconnected, out);
        if let Phase::Asked(asked) = self.phase {
            // Its answer may belong to the connection before.
            self.phase = Phase::Pausing(asked.after(self.config.pause));
        }
        self.ask_or_pause(at, out);
    }

    /// The connection is lost or the stream is silent: the book is dropped and nothing is asked
    /// for until [`BookSync::start`].
    pub fn stop(&mut self, at: Timestamp, out: &mut Vec<BookAction>) {
        self.waiting.clear();
        self.drop_book(at, BookFault::Disconnected, out);
        self.phase = Phase::Idle;
    }

    /// Takes an update. One of another instrument is ignored and counted.
    pub fn on_update(&mut self, at: Timestamp, update: &DepthUpdate, out: &mut Vec<BookAction>) {
        if update.instrument != self.instrument || self.phase == Phase::Idle {
            self.counts.ignored += 1;
            return;
        }
        if !self.is_live() {
            return self.keep(update);
        }
        if let Err(fault) = self.take(update) {
            self.fail(at, fault, out);
            // It is after the gap, and may be what follows on the next snapshot.
            self.keep(update);
        }
    }

    /// Takes a snapshot that was asked for. One that is older than the first update kept, or
    /// unsound, is refused, and another is asked for after the pause.
    pub fn on_snapshot(
        &mut self,
        at: Timestamp,
        snapshot: &DepthSnapshot,
        out: &mut Vec<BookAction>,
    ) {
        let Phase::Asked(asked) = self.phase else {
            self.counts.refused_snapshots += 1;
            return;
        };
        let mut levels = snapshot.bids.iter().chain(&snapshot.asks);
        if snapshot.instrument != self.instrument || !levels.all(is_sound) {
            return self.refuse(asked);
        }
        self.load(snapshot);
        while let Some(update) = self.waiting.pop_front() {
            if self.take(&update).is_err() {
                self.waiting.push_front(update);
                self.bids.clear();
                self.asks.clear();
                return self.refuse(asked);
            }
        }
        if let Err(fault) = self.settle() {
            self.phase = Phase::Live(asked);
            return self.fail(at, fault, out);
        }
        self.counts.snapshots += 1;
        self.phase = Phase::Live(asked);
        out.push(BookAction::Trusted);
    }

    /// A snapshot that was asked for does not come (an error, a refusal): it is asked for again
    /// after the pause.
    pub fn on_snapshot_failed(&mut self, at: Timestamp) {
        if let Phase::Asked(_) = self.phase {
            self.phase = Phase::Pausing(at.after(self.config.pause));
        }
    }

    /// Asks for a snapshot again when it is time.
    pub fn on_time(&mut self, at: Timestamp, out: &mut Vec<BookAction>) {
        if self.deadline().is_some_and(|due| due <= at) {
            self.phase = Phase::Asked(at);
            out.push(BookAction::RequestSnapshot);
        }
    }

    /// When [`BookSync::on_time`] has something to do.
    pub fn deadline(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Idle | Phase::Live(_) => None,
            Phase::Asked(asked) => Some(asked.after(self.config.pause)),
            Phase::Pausing(until) => Some(until),
        }
    }

    /// True while the book is served.
    pub const fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Live(_))
    }

    /// Number of the last change in the book; `None` while it is not served.
    pub fn last(&self) -> Option<u64> {
        self.is_live().then_some(self.last)
    }

    /// The best bid and ask; `None` while the book is not served or a side is empty.
    pub fn top(&self) -> Option<Quote> {
        if !self.is_live() {
            return None;
        }
        let (bid, ask) = (self.bids.best()?.level, self.asks.best()?.level);
        let instrument = self.instrument;
        let (bid_quantity, ask_quantity) = (bid.quantity, ask.quantity);
        Some(Quote { instrument, bid: bid.price, bid_quantity, ask: ask.price, ask_quantity })
    }

    /// Levels of one side, the best first, as far as all of them are known; none while the book
    /// is not served.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = &BookLevel> {
        let served = if self.is_live() { usize::MAX } else { 0 };
        self.side(side).known().take(served)
    }

    /// Writes at most `depth` levels of each side into `book`, reusing its memory; returns false,
    /// and leaves it empty, while the book is not served.
    pub fn write(&self, depth: usize, book: &mut Book) -> bool {
        book.instrument = self.instrument;
        for (side, levels) in [(Side::Buy, &mut book.bids), (Side::Sell, &mut book.asks)] {
            levels.clear();
            levels.extend(self.levels(side).take(depth));
        }
        self.is_live()
    }

    /// The quantity at `price` and better on one side; `None` while the book is not served, or
    /// when the price lies beyond what is known.
    pub fn quantity_to(&self, side: Side, price: f64) -> Option<f64> {
        let ladder = self.side(side);
        if !self.is_live() || !price.is_finite() || !ladder.is_known(price) {
            return None;
        }
        let is_within = |level: &&BookLevel| match side {
            Side::Buy => level.price >= price,
            Side::Sell => level.price <= price,
        };
        Some(ladder.known().take_while(is_within).map(|level| level.quantity).sum())
    }

    /// What was seen since it was made.
    pub const fn counts(&self) -> &BookCounts {
        &self.counts
    }

    const fn side(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn keep(&mut self, update: &DepthUpdate) {
        if self.waiting.len() >= self.config.most_waiting.max(1) {
            self.waiting.pop_front();
            self.counts.ignored += 1;
        }
        self.waiting.push_back(update.clone());
    }

    fn load(&mut self, snapshot: &DepthSnapshot) {
        let (stamp, is_complete) = (snapshot.last, snapshot.is_complete);
        let most = self.config.most_levels;
        self.bids.load(&snapshot.bids, stamp, is_complete, most);
        self.asks.load(&snapshot.asks, stamp, is_complete, most);
        self.last = snapshot.last;
        self.is_fresh = true;
    }

    /// Applies one update to the levels.
    fn take(&mut self, update: &DepthUpdate) -> Result<(), BookFault> {
        match self.fit(update) {
            Fit::Old => {
                self.counts.ignored += 1;
                return Ok(());
            }
            Fit::Gap => {
                self.counts.gaps += 1;
                return Err(BookFault::Gap);
            }
            Fit::Next => {}
        }
        if !update.bids.iter().chain(&update.asks).all(is_sound) {
            return Err(BookFault::BadLevel);
        }
        for level in &update.bids {
            self.bids.set(level, update.last);
        }
        for level in &update.asks {
            self.asks.set(level, update.last);
        }
        self.bids.trim(self.config.most_levels);
        self.asks.trim(self.config.most_levels);
        (self.last, self.is_fresh) = (update.last, false);
        self.counts.applied += 1;
        if self.is_live() { self.settle() } else { Ok(()) }
    }

    fn fit(&self, update: &DepthUpdate) -> Fit {
        if update.first > update.last {
            return Fit::Gap;
        }
        let is_old = match self.rule {
            SyncRule::Chained if self.is_fresh => update.last < self.last,
            SyncRule::Spot | SyncRule::Chained | SyncRule::Stamped => update.last <= self.last,
        };
        let follows = match self.rule {
            SyncRule::Spot => update.first <= self.last.saturating_add(1),
            SyncRule::Chained => {
                update.previous == Some(self.last) || self.is_fresh && update.first <= self.last
            }
            SyncRule::Stamped => true,
        };
        match (is_old, follows) {
            (true, _) => Fit::Old,
            (false, true) => Fit::Next,
            (false, false) => Fit::Gap,
        }
    }

    /// What must hold before the book is served.
    fn settle(&mut self) -> Result<(), BookFault> {
        if self.rule == SyncRule::Stamped {
            self.uncross();
        }
        if let (Some(bid), Some(ask)) = (self.bids.best(), self.asks.best())
            && bid.level.price >= ask.level.price
        {
            return Err(BookFault::Crossed);
        }
        if self.bids.is_exhausted() || self.asks.is_exhausted() {
            return Err(BookFault::OutOfReach);
        }
        Ok(())
    }

    /// Takes out crossed levels: the older of two gives way, and of two that came with one
    /// message the smaller quantity is traded away on both sides.
    fn uncross(&mut self) {
        while let (Some(bid), Some(ask)) = (self.bids.best_mut(), self.asks.best_mut())
            && bid.level.price >= ask.level.price
        {
            self.counts.uncrossed += 1;
            let (bought, sold) = (bid.level.quantity, ask.level.quantity);
            let (drops_bid, drops_ask) = match bid.stamp.cmp(&ask.stamp) {
                Ordering::Less => (true, false),
                Ordering::Greater => (false, true),
                Ordering::Equal => (bought <= sold, sold <= bought),
            };
            if bid.stamp == ask.stamp {
                bid.level.quantity = bought - sold;
                ask.level.quantity = sold - bought;
            }
            if drops_bid {
                self.bids.drop_best();
            }
            if drops_ask {
                self.asks.drop_best();
            }
        }
    }

    /// The answer was of no use.
    fn refuse(&mut self, asked: Timestamp) {
        self.counts.refused_snapshots += 1;
        self.phase = Phase::Pausing(asked.after(self.config.pause));
    }

    fn fail(&mut self, at: Timestamp, fault: BookFault, out: &mut Vec<BookAction>) {
        self.drop_book(at, fault, out);
        self.ask_or_pause(at, out);
    }

    /// The book is not served any more.
    fn drop_book(&mut self, at: Timestamp, fault: BookFault, out: &mut Vec<BookAction>) {
        self.bids.clear();
        self.asks.clear();
        if let Phase::Live(asked) = self.phase {
            self.phase = Phase::Pausing(asked.after(self.config.pause).max(at));
            out.push(BookAction::Distrusted(fault));
        }
    }

    /// Asks for a snapshot now, unless one is on its way or the pause is not over.
    fn ask_or_pause(&mut self, at: Timestamp, out: &mut Vec<BookAction>) {
        if let Phase::Idle = self.phase {
            self.phase = Phase::Pausing(at);
        }
        self.on_time(at, out);
    }
}

/// True for what a market can have.
fn is_sound(level: &BookLevel) -> bool {
    level.price.is_finite()
        && level.price > 0.0
        && level.quantity.is_finite()
        && level.quantity >= 0.0
}
