//! One stream of the indexer and all who read it.

use core::time::Duration;

use bytes::Bytes;

use super::topic::{Key, wants};
use super::wire::DydxWire;
use crate::live::stream::{Audience, Errand, Feed, Member, Moment as AnyMoment};
use crate::types::{Book, MarketEvent, Quote, Side, Timestamp};
use crate::venue::{
    BookAction, BookFault, BookSync, BookSyncConfig, Channel, DepthSnapshot, MarketNews,
    MarketSighting, Subscription, SyncRule,
};

/// A stream with what makes sound data of it.
#[derive(Debug)]
pub(super) struct DydxFeed {
    key: Key,
    audience: Audience,
    /// The venue's stream is current.
    is_started: bool,
    /// What came before all streams of the connection were acknowledged.
    waiting: Vec<MarketNews>,
    book: Option<Box<BookSync>>,
    /// The best prices as they were told last.
    top: Option<Quote>,
    resubscribe_after: Duration,
}

type Moment<'a> = AnyMoment<'a, DydxWire>;

/// What a stream needs now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Another subscription: the snapshot comes with it.
    Subscribe,
}

/// More cannot come while 32 subscriptions are being acknowledged.
const MOST_WAITING: usize = 4_096;

impl DydxFeed {
    pub(super) fn new(key: Key, resubscribe_after: Duration) -> Self {
        let (audience, waiting) = (Audience::default(), Vec::new());
        let (is_started, book, top) = (false, None, None);
        Self { key, audience, is_started, waiting, book, top, resubscribe_after }
    }
}

impl Feed<DydxWire> for DydxFeed {
    fn audience(&self) -> &Audience {
        &self.audience
    }

    fn audience_mut(&mut self) -> &mut Audience {
        &mut self.audience
    }

    fn is_started(&self) -> bool {
        self.is_started
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.book.as_ref().and_then(|book| book.deadline())
    }

    fn on_time(&mut self, moment: &mut Moment<'_>) {
        let mut actions = Vec::new();
        if let Some(book) = &mut self.book {
            book.on_time(moment.at, &mut actions);
        }
        self.book_actions(&actions, moment);
    }

    fn join(&mut self, reader: Member, moment: &mut Moment<'_>) {
        let place = self.audience.join(reader);
        let is_ready = match &self.book {
            Some(book) => book.is_live(),
            None => self.is_started,
        };
        if is_ready {
            self.top = None;
            self.tell_started(moment);
            self.tell_book(moment, |index| index == place);
            self.tell_snapshot(moment, |index| index == place);
        }
    }

    /// What another one has told before it served is worth nothing.
    fn on_connected(&mut self) {
        self.waiting.clear();
    }

    fn start(&mut self, moment: &mut Moment<'_>) {
        self.is_started = true;
        if let Key::Book(instrument) = self.key {
            let pause = self.resubscribe_after;
            let config = BookSyncConfig { pause, ..BookSyncConfig::default() };
            let mut book = BookSync::with_config(instrument, SyncRule::Stamped, config);
            // It asks for the snapshot that came with the subscription.
            book.start(moment.at, &mut Vec::new());
            self.book = Some(Box::new(book));
        } else {
            self.tell_started(moment);
        }
        for news in core::mem::take(&mut self.waiting) {
            self.take(news, moment);
        }
    }

    fn lose(&mut self, moment: &mut Moment<'_>) {
        self.is_started = false;
        (self.book, self.top) = (None, None);
        self.tell_lost(moment, None);
    }

    /// The indexer is not asked by HTTP: readers have been told that the stream is lost.
    fn poll(&mut self, _moment: &mut Moment<'_>) {}

    /// What comes before the connection serves is kept for the start.
    fn on_news(&mut self, news: MarketNews, serves: bool, moment: &mut Moment<'_>) {
        if serves && self.is_started {
            self.take(news, moment);
        } else if self.waiting.len() < MOST_WAITING {
            self.waiting.push(news);
        }
    }

    fn on_answer(&mut self, _errand: Errand<Job>, _body: Option<Bytes>, _: &mut Moment<'_>) {}
}

impl DydxFeed {
    fn take(&mut self, news: MarketNews, moment: &mut Moment<'_>) {
        let Some(book) = &mut self.book else { return self.tell(&news, moment) };
        let mut actions = Vec::new();
        match &news {
            MarketNews::Snapshot(snapshot) => book.on_snapshot(moment.at, snapshot, &mut actions),
            MarketNews::Depth(update) => {
                let (applied, gaps) = (book.counts().applied, book.counts().gaps);
                book.on_update(moment.at, update, &mut actions);
                let has_changed = book.counts().applied > applied;
                let gaps = book.counts().gaps - gaps;
                moment.seen.counts.book_gaps += gaps;
                moment.seen.count_gaps(&self.key, gaps);
                self.tell_each(moment, |_, one| is_depth(one), &news);
                self.book_actions(&actions, moment);
                if has_changed {
                    self.tell_book(moment, |_| true);
                }
                return;
            }
            _ => {}
        }
        self.book_actions(&actions, moment);
    }

    fn book_actions(&mut self, actions: &[BookAction], moment: &mut Moment<'_>) {
        for action in actions {
            match *action {
                BookAction::RequestSnapshot => moment.ask(Job::Subscribe),
                BookAction::Trusted => {
                    self.top = None;
                    self.tell_started(moment);
                    self.tell_book(moment, |_| true);
                    self.tell_snapshot(moment, |_| true);
                }
                BookAction::Distrusted(fault) => self.tell_lost(moment, Some(fault)),
            }
        }
    }

    /// Tells the book, and its best prices where they have changed, to those readers that are
    /// meant.
    fn tell_book(&mut self, moment: &mut Moment<'_>, is_meant: impl Fn(usize) -> bool) {
        let (Some(book), Key::Book(instrument)) = (&self.book, self.key) else { return };
        let Some(last) = book.last() else { return };
        let top = book.top();
        let is_same = top.is_some() && core::mem::replace(&mut self.top, top) == top;
        for (index, one) in self.audience.subscriptions().enumerate().filter(|it| is_meant(it.0)) {
            let event = match (one.channel, top) {
                (Channel::Book { levels }, _) => {
                    let mut whole = Book { instrument, bids: Vec::new(), asks: Vec::new() };
                    book.write(usize::from(levels), &mut whole);
                    MarketEvent::Book(Box::new(whole))
                }
                (Channel::Quotes, Some(quote)) if !is_same => MarketEvent::Quote(quote),
                (_, _) => continue,
            };
            self.tell_each(moment, |other, _| other == index, &sighted(event, last));
        }
    }

    /// Tells the book as a snapshot to those who make their own of the changes.
    fn tell_snapshot(&self, moment: &mut Moment<'_>, is_meant: impl Fn(usize) -> bool) {
        let (Some(book), Key::Book(instrument)) = (&self.book, self.key) else { return };
        let Some(last) = book.last() else { return };
        let side = |side| book.levels(side).copied().collect();
        let (bids, asks) = (side(Side::Buy), side(Side::Sell));
        let snapshot = DepthSnapshot { instrument, last, is_complete: true, bids, asks };
        let is_meant = |index, one| is_meant(index) && is_depth(one);
        self.tell_each(moment, is_meant, &MarketNews::Snapshot(snapshot));
    }

    fn tell_started(&mut self, moment: &mut Moment<'_>) {
        self.audience.started(moment.wall, moment.seen, |_, _| true);
    }

    fn tell_lost(&mut self, moment: &mut Moment<'_>, fault: Option<BookFault>) {
        self.audience.lost(moment.wall, moment.seen, fault, |_| true);
    }

    fn tell(&self, news: &MarketNews, moment: &mut Moment<'_>) {
        self.tell_each(moment, |_, one| wants(one, news), news);
    }

    fn tell_each(
        &self,
        moment: &mut Moment<'_>,
        is_meant: impl Fn(usize, Subscription) -> bool,
        news: &MarketNews,
    ) {
        self.audience.tell(moment.wall, moment.seen, is_meant, news);
    }
}

fn is_depth(subscription: Subscription) -> bool {
    subscription.channel == Channel::Depth
}

fn sighted(event: MarketEvent, number: u64) -> MarketNews {
    MarketNews::Event(MarketSighting { event, at: None, number: Some(number) })
}
