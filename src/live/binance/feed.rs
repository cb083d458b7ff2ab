//! One stream of the venue and all who read it.

use bytes::Bytes;

use super::polled;
use super::topic::{Key, Topic};
use super::wire::BinanceWire;
use crate::live::stream::{
    Audience, ClosedBars, Errand, Feed, Fetch, Member, Moment as AnyMoment, Polling,
};
use crate::types::{Book, MarketEvent, Side, Timestamp};
use crate::venue::binance::{BinanceMarket, decode_depth};
use crate::venue::{
    BookAction, BookFault, BookSync, Channel, DepthSnapshot, MarketNews, MarketSighting,
    Subscription, SyncRule, TradeAction, TradeStream, VenueEvent,
};

/// A stream with what makes sound data of it.
#[derive(Debug)]
pub(super) struct BinanceFeed {
    key: Key,
    audience: Audience,
    /// The venue's stream is current.
    is_started: bool,
    polling: Polling,
    machine: Machine,
}

type Moment<'a> = AnyMoment<'a, BinanceWire>;

#[derive(Debug)]
enum Machine {
    Quotes { last: u64 },
    Trades { stream: TradeStream<MarketSighting>, is_fresh: bool },
    Bars(ClosedBars),
    Depth { book: Box<BookSync> },
    Plain,
}

/// What is to be asked by HTTP for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    Snapshot,
    Trades { from: u64, to: u64 },
    Bars(Fetch),
    Poll,
}

/// Trades that wait behind a hole, and the widest hole that is fetched.
const MOST_TRADES: usize = 10_000;
/// A stream whose numbers begin so far below the last ones belongs to a venue that was reset.
const RESET: u64 = 1_000;
/// A hole is asked for once more so often.
const MOST_TRIES: u32 = 3;

impl BinanceFeed {
    pub(super) fn new(market: BinanceMarket, key: Key) -> Self {
        let rule = match market {
            BinanceMarket::Spot => SyncRule::Spot,
            BinanceMarket::UsdFutures => SyncRule::Chained,
        };
        let machine = match key.topic {
            Topic::Quotes => Machine::Quotes { last: 0 },
            Topic::Trades => {
                Machine::Trades { stream: TradeStream::new(MOST_TRADES), is_fresh: true }
            }
            Topic::Bars(_) => Machine::Bars(ClosedBars::default()),
            Topic::Depth => Machine::Depth { book: Box::new(BookSync::new(key.instrument, rule)) },
            Topic::Ticker | Topic::Marks => Machine::Plain,
        };
        let (audience, polling) = (Audience::default(), Polling::default());
        Self { key, audience, is_started: false, polling, machine }
    }
}

impl Feed<BinanceWire> for BinanceFeed {
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
            Machine::Depth { book } => book.deadline(),
            _ => None,
        }
    }

    fn on_time(&mut self, moment: &mut Moment<'_>) {
        let mut actions = Vec::new();
        if let Machine::Depth { book } = &mut self.machine {
            book.on_time(moment.at, &mut actions);
        }
        self.book_actions(&actions, moment);
    }

    fn join(&mut self, reader: Member, moment: &mut Moment<'_>) {
        let asked = reader.subscription;
        let place = self.audience.join(reader);
        let is_ready = match &self.machine {
            Machine::Depth { book } if is_book(asked) => book.is_live(),
            _ => self.is_started,
        };
        if is_ready {
            self.tell_started(moment, |index, _| index == place);
            self.tell_book(moment, |index| index == place);
            self.tell_snapshot(moment, |index| index == place);
        }
    }

    fn poll(&mut self, moment: &mut Moment<'_>) {
        if self.polling.ask() {
            moment.seen.counts.polls += 1;
            moment.ask(Job::Poll);
        }
    }

    fn start(&mut self, moment: &mut Moment<'_>) {
        self.is_started = true;
        self.polling.stop();
        let mut actions = Vec::new();
        match &mut self.machine {
            Machine::Depth { book } => book.start(moment.at, &mut actions),
            Machine::Trades { is_fresh, .. } => *is_fresh = true,
            Machine::Bars(bars) => {
                if let Some(fetch) = bars.start() {
                    moment.ask(Job::Bars(fetch));
                }
            }
            Machine::Quotes { last } => *last = 0,
            Machine::Plain => {}
        }
        self.tell_started(moment, |_, reader| !is_book(reader));
        self.book_actions(&actions, moment);
    }

    fn lose(&mut self, moment: &mut Moment<'_>) {
        self.is_started = false;
        let mut actions = Vec::new();
        match &mut self.machine {
            Machine::Depth { book } => book.stop(moment.at, &mut actions),
            Machine::Bars(bars) => bars.stop(),
            _ => {}
        }
        self.book_actions(&actions, moment);
        self.tell_lost(moment, None, |_| true);
    }

    /// Data of a connection that does not serve (yet) are of use where they are numbered: then
    /// what comes twice is known.
    fn on_news(&mut self, news: MarketNews, serves: bool, moment: &mut Moment<'_>) {
        let is_of_use = serves || self.is_started && self.key.is_numbered();
        if !is_of_use {
            return;
        }
        match (&mut self.machine, news) {
            (Machine::Quotes { last }, MarketNews::Event(quote)) => {
                if quote.number.is_none_or(|number| number > *last) {
                    *last = quote.number.unwrap_or(*last);
                    self.tell(MarketNews::Event(quote), moment);
                }
            }
            (Machine::Trades { .. }, MarketNews::Event(print)) => self.on_print(print, moment),
            (Machine::Bars(_), MarketNews::Event(bar)) => self.on_bar(bar, moment),
            (Machine::Depth { book }, MarketNews::Depth(update)) => {
                let (mut actions, applied) = (Vec::new(), book.counts().applied);
                let gaps = book.counts().gaps;
                book.on_update(moment.at, &update, &mut actions);
                let has_changed = book.counts().applied > applied;
                let gaps = book.counts().gaps - gaps;
                moment.seen.count_gaps(&self.key, gaps);
                moment.seen.counts.book_gaps += gaps;
                self.tell_each(moment, |_, reader| !is_book(reader), &MarketNews::Depth(update));
                self.book_actions(&actions, moment);
                if has_changed {
                    self.tell_book(moment, |_| true);
                }
            }
            (_, news) => self.tell(news, moment),
        }
    }

    fn on_answer(&mut self, errand: Errand<Job>, body: Option<Bytes>, moment: &mut Moment<'_>) {
        let instrument = self.key.instrument;
        match errand.job {
            Job::Snapshot => {
                let read = body.map(|body| decode_depth(instrument, &body));
                self.on_snapshot(read.and_then(Result::ok), moment);
            }
            Job::Trades { from, to } => {
                let read = body.and_then(|body| polled::read_trades(instrument, &body).ok());
                let range = (from, to, errand.failures);
                self.on_trades(range, read.unwrap_or_default(), moment);
            }
            Job::Bars(fetch) => self.on_bars(fetch, errand.failures, body, moment),
            Job::Poll => self.on_polled(body, moment),
        }
    }
}

impl BinanceFeed {
    fn on_print(&mut self, print: MarketSighting, moment: &mut Moment<'_>) {
        let Machine::Trades { stream, is_fresh } = &mut self.machine else { return };
        let number = print.number.unwrap_or_default();
        let was_reset =
            stream.next_number().is_some_and(|next| number.saturating_add(RESET) < next);
        if core::mem::take(is_fresh) && was_reset {
            *stream = TradeStream::new(MOST_TRADES);
        }
        let (mut actions, repeated) = (Vec::new(), stream.repeated());
        stream.on_trade(number, print, &mut actions);
        moment.seen.counts.repeated_trades += stream.repeated() - repeated;
        self.trade_actions(actions, moment);
    }

    fn trade_actions(
        &mut self,
        actions: Vec<TradeAction<MarketSighting>>,
        moment: &mut Moment<'_>,
    ) {
        for action in actions {
            match action {
                TradeAction::Trade(print) => self.tell(MarketNews::Event(print), moment),
                TradeAction::Fetch { from, to } => {
                    moment.seen.count_gaps(&self.key, 1);
                    moment.ask(Job::Trades { from, to });
                }
                TradeAction::Missed { from, to } => {
                    let count = to.saturating_sub(from).saturating_add(1);
                    moment.seen.counts.missed_trades += count;
                    let (at, instrument) = (moment.wall, self.key.instrument);
                    let missed = VenueEvent::Missed { at, instrument, from, to };
                    self.audience.post(moment.seen, &missed);
                }
            }
        }
    }

    fn on_trades(
        &mut self,
        (from, to, tries): (u64, u64, u32),
        read: Vec<MarketSighting>,
        moment: &mut Moment<'_>,
    ) {
        let Machine::Trades { stream, .. } = &mut self.machine else { return };
        let mut actions = Vec::new();
        for print in read {
            if let Some(number) = print.number.filter(|number| *number <= to) {
                stream.on_trade(number, print, &mut actions);
            }
        }
        let next = stream.next_number().filter(|next| *next <= to);
        let has_moved = next.is_some_and(|next| next > from);
        match next {
            None => {}
            Some(_) if tries >= MOST_TRIES && !has_moved => stream.give_up(&mut actions),
            Some(next) => {
                let failures = if has_moved { 0 } else { tries + 1 };
                moment.ask_after(Job::Trades { from: next, to }, failures);
            }
        }
        self.trade_actions(actions, moment);
    }

    /// A closed bar of the stream.
    fn on_bar(&mut self, bar: MarketSighting, moment: &mut Moment<'_>) {
        let Machine::Bars(bars) = &mut self.machine else { return };
        if let Some(bar) = bars.take(moment.wall, bar) {
            self.tell(MarketNews::Event(bar), moment);
        }
    }

    /// The answer to a question for bars that were missed.
    fn on_bars(&mut self, fetch: Fetch, tries: u32, body: Option<Bytes>, moment: &mut Moment<'_>) {
        let (Machine::Bars(bars), Topic::Bars(period)) = (&self.machine, self.key.topic) else {
            return;
        };
        if !bars.awaits(fetch) {
            return;
        }
        let (wall, instrument) = (moment.wall, self.key.instrument);
        let read = body.map(|body| polled::read_bars(wall, instrument, period, &body));
        match read.and_then(Result::ok) {
            Some(closed) => {
                let last = closed.last().filter(|_| closed.len() >= polled::MOST_BARS);
                let more = last.and_then(|bar| bar.at).filter(|close| *close > fetch.from);
                self.on_fetched(closed, more, moment);
            }
            None if tries < MOST_TRIES => moment.ask_after(Job::Bars(fetch), tries + 1),
            None => self.on_unfilled(moment),
        }
    }

    fn on_fetched(
        &mut self,
        closed: Vec<MarketSighting>,
        more: Option<Timestamp>,
        moment: &mut Moment<'_>,
    ) {
        let Machine::Bars(bars) = &mut self.machine else { return };
        let (told, next) = bars.fetched(moment.wall, closed, more);
        for bar in told {
            self.tell(MarketNews::Event(bar), moment);
        }
        if let Some(fetch) = next {
            moment.ask(Job::Bars(fetch));
        }
    }

    /// Bars that were missed cannot be had: the readers are told before they get later ones.
    fn on_unfilled(&mut self, moment: &mut Moment<'_>) {
        if self.is_started {
            moment.seen.count_gaps(&self.key, 1);
            self.tell_lost(moment, None, |_| true);
            self.tell_started(moment, |_, _| true);
        }
        self.on_fetched(Vec::new(), None, moment);
    }

    fn on_snapshot(&mut self, snapshot: Option<DepthSnapshot>, moment: &mut Moment<'_>) {
        let Machine::Depth { book } = &mut self.machine else { return };
        let mut actions = Vec::new();
        match snapshot {
            Some(snapshot) => book.on_snapshot(moment.at, &snapshot, &mut actions),
            None => book.on_snapshot_failed(moment.at),
        }
        self.book_actions(&actions, moment);
    }

    fn on_polled(&mut self, body: Option<Bytes>, moment: &mut Moment<'_>) {
        // A stream that came back meanwhile knows better.
        if !self.polling.answered() || self.is_started {
            return;
        }
        let read = body.is_some_and(|body| self.tell_polled(&body, moment));
        if read {
            self.polling.succeeded();
        } else if self.polling.failed() {
            self.tell_lost(moment, None, |_| true);
        }
    }

    /// Tells what a poll has said; false when it cannot be read.
    fn tell_polled(&mut self, body: &[u8], moment: &mut Moment<'_>) -> bool {
        let key = self.key;
        if key.topic == Topic::Depth {
            let Ok(snapshot) = decode_depth(key.instrument, body) else { return false };
            // Changes cannot be had by asking: only whole books are current.
            self.tell_started(moment, |_, one| is_book(one));
            self.tell_polled_book(&snapshot, moment);
            return true;
        }
        let Ok(news) = polled::read(moment.wall, key, body) else { return false };
        self.tell_started(moment, |_, _| true);
        for item in news {
            match (&self.machine, item) {
                (Machine::Trades { .. }, MarketNews::Event(print)) => self.on_print(print, moment),
                (Machine::Bars(_), MarketNews::Event(bar)) => self.on_bar(bar, moment),
                (_, item) => self.tell(item, moment),
            }
        }
        true
    }

    fn tell_polled_book(&self, snapshot: &DepthSnapshot, moment: &mut Moment<'_>) {
        let instrument = self.key.instrument;
        let news = |levels: u16| {
            let most = usize::from(levels);
            let (bids, asks) = (&snapshot.bids, &snapshot.asks);
            let bids = bids.iter().take(most).copied().collect();
            let asks = asks.iter().take(most).copied().collect();
            sighted(Book { instrument, bids, asks }, Some(snapshot.last))
        };
        for (index, one) in self.audience.subscriptions().enumerate() {
            if let Channel::Book { levels } = one.channel {
                self.tell_each(moment, |other, _| other == index, &news(levels));
            }
        }
    }

    fn book_actions(&mut self, actions: &[BookAction], moment: &mut Moment<'_>) {
        for action in actions {
            match *action {
                BookAction::RequestSnapshot => moment.ask(Job::Snapshot),
                BookAction::Trusted => {
                    self.tell_started(moment, |_, one| is_book(one));
                    self.tell_book(moment, |_| true);
                    self.tell_snapshot(moment, |_| true);
                }
                BookAction::Distrusted(fault) => self.tell_lost(moment, Some(fault), is_book),
            }
        }
    }

    /// Tells the book to those of its readers that are meant and have asked for whole books.
    fn tell_book(&self, moment: &mut Moment<'_>, is_meant: impl Fn(usize) -> bool) {
        let Machine::Depth { book } = &self.machine else { return };
        let (Some(last), instrument) = (book.last(), self.key.instrument) else { return };
        for (index, one) in self.audience.subscriptions().enumerate() {
            if let (Channel::Book { levels }, true) = (one.channel, is_meant(index)) {
                let mut whole = Book { instrument, bids: Vec::new(), asks: Vec::new() };
                book.write(usize::from(levels), &mut whole);
                let news = sighted(whole, Some(last));
                self.tell_each(moment, |other, _| other == index, &news);
            }
        }
    }

    /// Tells the book as a snapshot to those who make their own of the changes.
    fn tell_snapshot(&self, moment: &mut Moment<'_>, is_meant: impl Fn(usize) -> bool) {
        let Machine::Depth { book } = &self.machine else { return };
        let (Some(last), instrument) = (book.last(), self.key.instrument) else { return };
        let side = |side| book.levels(side).copied().collect();
        let (bids, asks) = (side(Side::Buy), side(Side::Sell));
        let snapshot = DepthSnapshot { instrument, last, is_complete: false, bids, asks };
        let is_meant = |index, one| is_meant(index) && !is_book(one);
        self.tell_each(moment, is_meant, &MarketNews::Snapshot(snapshot));
    }

    fn tell_started(
        &mut self,
        moment: &mut Moment<'_>,
        is_meant: impl Fn(usize, Subscription) -> bool,
    ) {
        self.audience.started(moment.wall, moment.seen, is_meant);
    }

    fn tell_lost(
        &mut self,
        moment: &mut Moment<'_>,
        fault: Option<BookFault>,
        is_meant: impl Fn(Subscription) -> bool,
    ) {
        self.audience.lost(moment.wall, moment.seen, fault, is_meant);
    }

    fn tell(&self, news: MarketNews, moment: &mut Moment<'_>) {
        self.tell_each(moment, |_, _| true, &news);
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

const fn is_book(subscription: Subscription) -> bool {
    matches!(subscription.channel, Channel::Book { .. })
}

fn sighted(book: Book, number: Option<u64>) -> MarketNews {
    let event = MarketEvent::Book(Box::new(book));
    MarketNews::Event(MarketSighting { event, at: None, number })
}
