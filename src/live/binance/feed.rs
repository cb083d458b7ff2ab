//! One stream of the venue and all who read it.

use super::polled;
use super::topic::{Key, Topic};
use crate::live::quality::Seen;
use crate::live::stream::{Audience, Member};
use crate::types::{Book, MarketEvent, Side, Timestamp};
use crate::venue::binance::{BinanceMarket, decode_depth};
use crate::venue::{
    BookAction, BookFault, BookSync, Channel, DepthSnapshot, MarketNews, MarketSighting,
    Subscription, SyncRule, TradeAction, TradeStream, VenueEvent,
};

/// A stream with what makes sound data of it.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) key: Key,
    pub(super) name: String,
    pub(super) audience: Audience,
    /// The venue's stream is current.
    pub(super) is_started: bool,
    /// A poll is on its way.
    is_polled: bool,
    machine: Machine,
}

#[derive(Debug)]
enum Machine {
    Quotes { last: u64 },
    Trades { stream: TradeStream<MarketSighting>, is_fresh: bool },
    Bars { last: Option<Timestamp>, is_filling: bool, held: Vec<MarketSighting> },
    Depth { book: Box<BookSync> },
    Plain,
}

/// What is to be asked by HTTP for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    Snapshot,
    Trades { from: u64, to: u64, tries: u32 },
    Bars { from: Timestamp, tries: u32 },
    Poll,
}

/// The moment, by both clocks, and where to count.
pub(super) struct Moment<'a> {
    /// By the monotonic clock.
    pub(super) at: Timestamp,
    /// By the wall clock.
    pub(super) wall: Timestamp,
    pub(super) seen: &'a mut Seen<Key>,
    pub(super) jobs: &'a mut Vec<Job>,
}

/// Trades that wait behind a hole, and the widest hole that is fetched.
const MOST_TRADES: usize = 10_000;
/// A stream whose numbers begin so far below the last ones belongs to a venue that was reset.
const RESET: u64 = 1_000;
/// A hole is asked for so often.
const MOST_TRIES: u32 = 3;

impl Feed {
    pub(super) fn new(market: BinanceMarket, key: Key, name: String) -> Self {
        let rule = match market {
            BinanceMarket::Spot => SyncRule::Spot,
            BinanceMarket::UsdFutures => SyncRule::Chained,
        };
        let machine = match key.topic {
            Topic::Quotes => Machine::Quotes { last: 0 },
            Topic::Trades => {
                Machine::Trades { stream: TradeStream::new(MOST_TRADES), is_fresh: true }
            }
            Topic::Bars(_) => Machine::Bars { last: None, is_filling: false, held: Vec::new() },
            Topic::Depth => Machine::Depth { book: Box::new(BookSync::new(key.instrument, rule)) },
            Topic::Ticker | Topic::Marks => Machine::Plain,
        };
        let audience = Audience::default();
        Self { key, name, audience, is_started: false, is_polled: false, machine }
    }

    /// When [`Feed::on_time`] has something to do.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match &self.machine {
            Machine::Depth { book } => book.deadline(),
            _ => None,
        }
    }

    pub(super) fn on_time(&mut self, moment: &mut Moment<'_>) {
        let mut actions = Vec::new();
        if let Machine::Depth { book } = &mut self.machine {
            book.on_time(moment.at, &mut actions);
        }
        self.book_actions(&actions, moment);
    }

    /// A reader joins.
    pub(super) fn join(&mut self, reader: Member, moment: &mut Moment<'_>) {
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

    /// Asks by HTTP for what the stream would say, unless that is on its way.
    pub(super) fn poll(&mut self, moment: &mut Moment<'_>) {
        if !core::mem::replace(&mut self.is_polled, true) {
            moment.jobs.push(Job::Poll);
        }
    }

    /// The venue's stream is current from now on.
    pub(super) fn start(&mut self, moment: &mut Moment<'_>) {
        self.is_started = true;
        let mut actions = Vec::new();
        match &mut self.machine {
            Machine::Depth { book } => book.start(moment.at, &mut actions),
            Machine::Trades { is_fresh, .. } => *is_fresh = true,
            Machine::Bars { last: Some(last), is_filling, .. } => {
                *is_filling = true;
                moment.jobs.push(Job::Bars { from: *last, tries: 0 });
            }
            Machine::Quotes { last } => *last = 0,
            Machine::Bars { last: None, .. } | Machine::Plain => {}
        }
        self.tell_started(moment, |_, reader| !is_book(reader));
        self.book_actions(&actions, moment);
    }

    /// Nothing is to be trusted until it is started again.
    pub(super) fn lose(&mut self, moment: &mut Moment<'_>) {
        self.is_started = false;
        let mut actions = Vec::new();
        if let Machine::Depth { book } = &mut self.machine {
            book.stop(moment.at, &mut actions);
        }
        self.book_actions(&actions, moment);
        self.tell_lost(moment, None, |_| true);
    }

    /// Takes what the stream says. Data of a connection that does not serve (yet) are of use
    /// where they are numbered: then what comes twice is known.
    pub(super) fn on_news(&mut self, news: MarketNews, serves: bool, moment: &mut Moment<'_>) {
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
            (Machine::Bars { .. }, MarketNews::Event(bar)) => self.on_bar(bar, moment),
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

    /// Takes the answer to what was asked by HTTP; none when it failed.
    pub(super) fn on_answer(&mut self, job: Job, body: Option<&[u8]>, moment: &mut Moment<'_>) {
        let instrument = self.key.instrument;
        match job {
            Job::Snapshot => {
                let read = body.map(|body| decode_depth(instrument, body));
                self.on_snapshot(read.and_then(Result::ok), moment);
            }
            Job::Trades { from, to, tries } => {
                let read = body.and_then(|body| polled::read_trades(instrument, body).ok());
                self.on_trades(from, to, tries, read.unwrap_or_default(), moment);
            }
            Job::Bars { from, tries } => {
                let Topic::Bars(period) = self.key.topic else { return };
                let now = moment.wall;
                let read = body.map(|body| polled::read_bars(now, instrument, period, body));
                match read.and_then(Result::ok) {
                    Some(closed) => self.on_filled(closed, moment),
                    None if tries < MOST_TRIES => {
                        moment.jobs.push(Job::Bars { from, tries: tries + 1 });
                    }
                    None => self.on_unfilled(moment),
                }
            }
            Job::Poll => self.on_polled(body, moment),
        }
    }

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
                    moment.jobs.push(Job::Trades { from, to, tries: 0 });
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
        from: u64,
        to: u64,
        tries: u32,
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
                let tries = if has_moved { 0 } else { tries + 1 };
                moment.jobs.push(Job::Trades { from: next, to, tries });
            }
        }
        self.trade_actions(actions, moment);
    }

    /// A closed bar, each once and in order; while older ones are being fetched it waits.
    fn on_bar(&mut self, bar: MarketSighting, moment: &mut Moment<'_>) {
        let Machine::Bars { last, is_filling, held } = &mut self.machine else { return };
        let close = bar.at.unwrap_or(moment.wall);
        if *is_filling {
            held.push(bar);
        } else if last.is_none_or(|last| close > last) {
            *last = Some(close);
            self.tell(MarketNews::Event(bar), moment);
        }
    }

    fn on_filled(&mut self, closed: Vec<MarketSighting>, moment: &mut Moment<'_>) {
        let Machine::Bars { is_filling, held, .. } = &mut self.machine else { return };
        *is_filling = false;
        let held = core::mem::take(held);
        for bar in closed.into_iter().chain(held) {
            self.on_bar(bar, moment);
        }
    }

    /// Bars that were missed cannot be had: the readers are told before they get later ones.
    fn on_unfilled(&mut self, moment: &mut Moment<'_>) {
        if self.is_started {
            moment.seen.count_gaps(&self.key, 1);
            self.tell_lost(moment, None, |_| true);
            self.tell_started(moment, |_, _| true);
        }
        self.on_filled(Vec::new(), moment);
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

    fn on_polled(&mut self, body: Option<&[u8]>, moment: &mut Moment<'_>) {
        let key = self.key;
        self.is_polled = false;
        // A stream that came back meanwhile knows better.
        let Some(body) = body.filter(|_| !self.is_started) else { return };
        if let (Topic::Depth, Ok(snapshot)) = (key.topic, decode_depth(key.instrument, body)) {
            self.tell_started(moment, |_, _| true);
            return self.tell_polled_book(&snapshot, moment);
        }
        let Ok(news) = polled::read(moment.wall, key, body) else { return };
        self.tell_started(moment, |_, _| true);
        for item in news {
            match (&self.machine, item) {
                (Machine::Trades { .. }, MarketNews::Event(print)) => self.on_print(print, moment),
                (Machine::Bars { .. }, MarketNews::Event(bar)) => self.on_bar(bar, moment),
                (_, item) => self.tell(item, moment),
            }
        }
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
                BookAction::RequestSnapshot => moment.jobs.push(Job::Snapshot),
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
