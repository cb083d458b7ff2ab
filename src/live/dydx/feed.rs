//! One stream of the indexer and all who read it.

use core::time::Duration;

use bytes::Bytes;

use super::book::FeedBook;
use super::polled;
use super::prints::{Page, Paged, Prints};
use super::topic::{Key, wants};
use super::wire::DydxWire;
use crate::live::stream::{
    Audience, ClosedBars, Errand, Feed, Fetch, Member, Moment as AnyMoment, Polling,
};
use crate::types::{MarketEvent, Period, Timestamp};
use crate::venue::{BookAction, BookFault, Channel, MarketNews, MarketSighting, Subscription};

/// A stream with what makes sound data of it.
#[derive(Debug)]
pub(super) struct DydxFeed {
    key: Key,
    audience: Audience,
    /// The venue's stream is current.
    is_started: bool,
    /// What came before all streams of the connection were acknowledged.
    waiting: Vec<MarketNews>,
    polling: Polling,
    machine: Machine,
}

#[derive(Debug)]
enum Machine {
    Book(FeedBook),
    Trades(Prints),
    Candles(Period, ClosedBars),
    Markets,
}

pub(super) type Moment<'a> = AnyMoment<'a, DydxWire>;

/// What a stream needs now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Another subscription: the snapshot comes with it.
    Subscribe,
    Trades(Page),
    Bars(Fetch),
    /// The whole book, or the figures of all markets.
    Poll,
}

/// More cannot come while 32 subscriptions are being acknowledged.
const MOST_WAITING: usize = 4_096;
/// What was missed is asked for once more so often.
const MOST_TRIES: u32 = 3;

impl DydxFeed {
    pub(super) fn new(key: Key, resubscribe_after: Duration) -> Self {
        let machine = match key {
            Key::Book(instrument) => Machine::Book(FeedBook::new(instrument, resubscribe_after)),
            Key::Trades(_) => Machine::Trades(Prints::default()),
            Key::Candles(_, period) => Machine::Candles(period, ClosedBars::default()),
            Key::Markets => Machine::Markets,
        };
        let (audience, polling) = (Audience::default(), Polling::default());
        Self { key, audience, is_started: false, waiting: Vec::new(), polling, machine }
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
        match &self.machine {
            Machine::Book(book) => book.deadline(),
            _ => None,
        }
    }

    fn on_time(&mut self, moment: &mut Moment<'_>) {
        if let Machine::Book(book) = &mut self.machine {
            let actions = book.on_time(moment.at);
            self.book_actions(&actions, moment);
        }
    }

    fn join(&mut self, reader: Member, moment: &mut Moment<'_>) {
        let place = self.audience.join(reader);
        let is_ready = match &mut self.machine {
            Machine::Book(book) if book.is_live() => {
                book.forget_top();
                true
            }
            Machine::Book(_) => false,
            _ => self.is_started,
        };
        if is_ready {
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
        self.polling.stop();
        let job = match &mut self.machine {
            // It asks for the snapshot that came with the subscription.
            Machine::Book(book) => {
                book.start(moment.at);
                None
            }
            Machine::Trades(prints) => prints.start().map(Job::Trades),
            Machine::Candles(period, bars) => {
                let fetch = bars.start();
                if fetch.is_none() {
                    // What had closed before is the past: a history has it.
                    bars.pass(began(*period, moment.wall));
                }
                fetch.map(Job::Bars)
            }
            Machine::Markets => None,
        };
        if let Some(job) = job {
            moment.ask(job);
        }
        if !matches!(self.machine, Machine::Book(_)) {
            self.tell_started(moment);
        }
        for news in core::mem::take(&mut self.waiting) {
            self.take(news, moment);
        }
    }

    fn lose(&mut self, moment: &mut Moment<'_>) {
        self.is_started = false;
        match &mut self.machine {
            Machine::Book(book) => book.stop(),
            Machine::Trades(prints) => prints.stop(),
            Machine::Candles(_, bars) => bars.stop(),
            Machine::Markets => {}
        }
        self.tell_lost(moment, None);
    }

    /// Prints and candles are fetched from the last one on; of books and figures the whole.
    fn poll(&mut self, moment: &mut Moment<'_>) {
        let job = match &mut self.machine {
            Machine::Book(_) | Machine::Markets => self.polling.ask().then_some(Job::Poll),
            Machine::Trades(prints) => (!prints.is_fetching()).then(|| Job::Trades(prints.fetch())),
            Machine::Candles(_, bars) if bars.is_fetching() => None,
            Machine::Candles(period, bars) => {
                if bars.last().is_none() {
                    bars.pass(began(*period, moment.wall));
                }
                bars.start().map(Job::Bars)
            }
        };
        if let Some(job) = job {
            moment.seen.counts.polls += 1;
            moment.ask(job);
        }
    }

    /// What comes before the connection serves is kept for the start.
    fn on_news(&mut self, news: MarketNews, serves: bool, moment: &mut Moment<'_>) {
        if serves && self.is_started {
            self.take(news, moment);
        } else if self.waiting.len() < MOST_WAITING {
            self.waiting.push(news);
        }
    }

    fn on_answer(&mut self, errand: Errand<Job>, body: Option<Bytes>, moment: &mut Moment<'_>) {
        match errand.job {
            Job::Subscribe => {}
            Job::Trades(page) => self.on_page(page, errand.failures, body, moment),
            Job::Bars(fetch) => self.on_bars(fetch, errand.failures, body, moment),
            Job::Poll => self.on_polled(body, moment),
        }
    }
}

impl DydxFeed {
    fn take(&mut self, news: MarketNews, moment: &mut Moment<'_>) {
        let actions = match (&mut self.machine, news) {
            (Machine::Book(book), MarketNews::Snapshot(snapshot)) => {
                book.on_snapshot(moment.at, &snapshot)
            }
            (Machine::Book(book), MarketNews::Depth(update)) => {
                let change = book.on_update(moment.at, &update);
                moment.seen.counts.book_gaps += change.gaps;
                moment.seen.count_gaps(&self.key, change.gaps);
                let news = MarketNews::Depth(update);
                self.tell_each(moment, |_, one| is_depth(one), &news);
                self.book_actions(&change.actions, moment);
                if change.has_changed {
                    self.tell_book(moment, |_| true);
                }
                return;
            }
            (Machine::Trades(prints), MarketNews::Event(print)) => {
                let told = prints.take(print);
                let is_full = prints.is_full();
                self.tell_all(told, moment);
                if is_full {
                    self.give_prints_up(moment);
                }
                return;
            }
            (Machine::Candles(_, bars), MarketNews::Event(bar)) => {
                let told = bars.take(moment.wall, bar);
                return self.tell_all(told, moment);
            }
            (Machine::Book(_), _) => return,
            (_, news) => return self.tell(&news, moment),
        };
        self.book_actions(&actions, moment);
    }

    /// The answer to a question for prints: of the past, or in place of the stream.
    fn on_page(&mut self, page: Page, tries: u32, body: Option<Bytes>, moment: &mut Moment<'_>) {
        let (Machine::Trades(prints), Key::Trades(instrument)) = (&mut self.machine, self.key)
        else {
            return;
        };
        if !prints.awaits(page) {
            return;
        }
        match body.and_then(|body| prints.on_page(instrument, page, body).ok()) {
            Some(Paged::Older(next)) => moment.ask(Job::Trades(next)),
            Some(Paged::Whole) => {
                let told = prints.finish(instrument, moment.wire.decoder_mut());
                self.tell_started(moment);
                self.tell_all(told, moment);
            }
            None if tries < MOST_TRIES => moment.ask_after(Job::Trades(page), tries + 1),
            Some(Paged::TooMany) | None => self.give_prints_up(moment),
        }
    }

    /// Prints that were missed cannot be had: the readers are told before they get later ones.
    fn give_prints_up(&mut self, moment: &mut Moment<'_>) {
        let (Machine::Trades(prints), Key::Trades(instrument)) = (&mut self.machine, self.key)
        else {
            return;
        };
        let is_current = self.is_started || prints.has_pages();
        if !is_current {
            // The next poll asks from the same place on.
            prints.stop();
            return self.tell_lost(moment, None);
        }
        let told = prints.finish(instrument, moment.wire.decoder_mut());
        self.tell_hole(moment);
        self.tell_all(told, moment);
    }

    /// The answer to a question for bars: of the past, or in place of the stream.
    fn on_bars(&mut self, fetch: Fetch, tries: u32, body: Option<Bytes>, moment: &mut Moment<'_>) {
        let (Machine::Candles(period, bars), Key::Candles(instrument, _)) =
            (&mut self.machine, self.key)
        else {
            return;
        };
        if !bars.awaits(fetch) {
            return;
        }
        let read = body.map(|body| polled::read_bars(moment.wall, instrument, &body));
        let (told, next) = match read.and_then(Result::ok) {
            Some(closed) => {
                let end = polled::window_end(*period, fetch.from);
                bars.fetched(moment.wall, closed, Some(end).filter(|end| *end <= moment.wall))
            }
            None if tries < MOST_TRIES => {
                return moment.ask_after(Job::Bars(fetch), tries + 1);
            }
            // The next poll asks from the same place on.
            None if !self.is_started => {
                bars.stop();
                return self.tell_lost(moment, None);
            }
            None => {
                let told = bars.fetched(moment.wall, Vec::new(), None);
                self.tell_hole(moment);
                told
            }
        };
        self.tell_started(moment);
        self.tell_all(told, moment);
        if let Some(fetch) = next {
            moment.ask(Job::Bars(fetch));
        }
    }

    /// The answer to a question in place of the stream.
    fn on_polled(&mut self, body: Option<Bytes>, moment: &mut Moment<'_>) {
        // A stream that came back meanwhile knows better.
        if !self.polling.answered() || self.is_started {
            return;
        }
        if body.is_some_and(|body| self.tell_polled(&body, moment)) {
            self.polling.succeeded();
        } else if self.polling.failed() {
            if let Machine::Book(book) = &mut self.machine {
                book.stop();
            }
            self.tell_lost(moment, None);
        }
    }

    /// Tells what a poll has said; false when it cannot be read.
    fn tell_polled(&mut self, body: &[u8], moment: &mut Moment<'_>) -> bool {
        match &mut self.machine {
            Machine::Book(book) => {
                if !book.on_polled(moment.at, body) {
                    return false;
                }
                self.tell_started(moment);
                self.tell_book(moment, |_| true);
            }
            _ => {
                let mut news = Vec::new();
                if moment.wire.decoder_mut().figures(body, &mut news).is_err() {
                    return false;
                }
                self.tell_started(moment);
                news.iter().for_each(|news| self.tell(news, moment));
            }
        }
        true
    }

    fn book_actions(&mut self, actions: &[BookAction], moment: &mut Moment<'_>) {
        for action in actions {
            match *action {
                BookAction::RequestSnapshot => moment.ask(Job::Subscribe),
                BookAction::Trusted => {
                    if let Machine::Book(book) = &mut self.machine {
                        book.forget_top();
                    }
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
        let Machine::Book(book) = &mut self.machine else { return };
        let Some((last, quote)) = book.turn() else { return };
        let book = &*book;
        for (index, one) in self.audience.subscriptions().enumerate().filter(|it| is_meant(it.0)) {
            let event = match (one.channel, quote) {
                (Channel::Book { levels }, _) => MarketEvent::Book(Box::new(book.whole(levels))),
                (Channel::Quotes, Some(quote)) => MarketEvent::Quote(quote),
                (_, _) => continue,
            };
            let news = sighted(event, last);
            self.audience.tell(moment.wall, moment.seen, |other, _| other == index, &news);
        }
    }

    /// Tells the book as a snapshot to those who make their own of the changes.
    fn tell_snapshot(&self, moment: &mut Moment<'_>, is_meant: impl Fn(usize) -> bool) {
        let Machine::Book(book) = &self.machine else { return };
        let Some(snapshot) = book.snapshot().filter(|_| self.is_started) else { return };
        let is_meant = |index, one| is_meant(index) && is_depth(one);
        self.tell_each(moment, is_meant, &MarketNews::Snapshot(snapshot));
    }

    /// Changes of a book cannot be had by asking: who reads them waits for the stream.
    fn tell_started(&mut self, moment: &mut Moment<'_>) {
        let is_started = self.is_started;
        let is_meant = |_, one| is_started || !is_depth(one);
        self.audience.started(moment.wall, moment.seen, is_meant);
    }

    fn tell_lost(&mut self, moment: &mut Moment<'_>, fault: Option<BookFault>) {
        self.audience.lost(moment.wall, moment.seen, fault, |_| true);
    }

    /// Something is missing, and what is told next is current.
    fn tell_hole(&mut self, moment: &mut Moment<'_>) {
        moment.seen.count_gaps(&self.key, 1);
        self.tell_lost(moment, None);
        self.tell_started(moment);
    }

    fn tell_all(
        &self,
        sightings: impl IntoIterator<Item = MarketSighting>,
        moment: &mut Moment<'_>,
    ) {
        for sighting in sightings {
            self.tell(&MarketNews::Event(sighting), moment);
        }
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

/// When the bar that forms at a time began: the one before it has closed then.
fn began(period: Period, at: Timestamp) -> Timestamp {
    let span = period.span().and_then(|span| i64::try_from(span.as_nanos()).ok()).unwrap_or(1);
    Timestamp::from_nanos(at.nanos().div_euclid(span.max(1)).saturating_mul(span))
}

fn is_depth(subscription: Subscription) -> bool {
    subscription.channel == Channel::Depth
}

fn sighted(event: MarketEvent, number: u64) -> MarketNews {
    MarketNews::Event(MarketSighting { event, at: None, number: Some(number) })
}
