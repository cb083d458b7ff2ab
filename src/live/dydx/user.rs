//! The user stream: a subaccount's channel and the chain's height, with what was missed between
//! two connections fetched from the list of fills.

use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::client::Inner;
use super::ended::Ended;
use super::memory::Placed;
use super::told::Told;
use crate::live::chance;
use crate::live::mailbox::Posted;
use crate::live::net::{LinkEvent, Links, SocketConfig};
use crate::live::news::{self, Item, Post};
use crate::live::watch::ExchangeWatch;
use crate::metrics::MessageKind;
use crate::types::{Leg, OrderId, OrderReport, OrderStatus, OrderUpdate, SlotId, Timestamp};
use crate::venue::dydx::{DydxChannel, IndexerDecoder, IndexerFrame, MessageNumbers, Subscription};
use crate::venue::{
    Clock, ExchangeError, LinkId, OrderNews, Session, SessionAction, SessionConfig, StreamId,
    UserEvent, UserNews, UserStream, VenueFill,
};

/// A reader that is gone is noticed after so long.
const SWEEP: Duration = Duration::from_secs(1);
/// Lists of fills begin so long before the newest fill that was told: blocks are told out of
/// order, and clocks differ.
const BEFORE: Duration = Duration::from_secs(120);
/// Numbers begin anew on each connection, so that two cannot serve side by side.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);
/// The channel of the account, and that of the height.
const CHANNELS: [DydxChannel; 2] = [DydxChannel::Subaccounts, DydxChannel::BlockHeight];

/// Opens a stream; it ends its connection when it is dropped.
pub(super) fn open(inner: &Arc<Inner>) -> UserStream {
    let (mailbox, stream) = news::queue(&inner.config.clock);
    inner.runtime.spawn(Feed::new(inner, mailbox).run());
    stream
}

/// The driver of one user stream.
struct Feed {
    inner: Arc<Inner>,
    watch: ExchangeWatch,
    clock: Arc<dyn Clock>,
    session: Session,
    streams: [StreamId; 2],
    asks: [Subscription; 2],
    /// The connection on which each was asked for last.
    asked: [Option<LinkId>; 2],
    links: Links,
    events: mpsc::Receiver<(LinkId, LinkEvent)>,
    answers: (mpsc::Sender<Answer>, mpsc::Receiver<Answer>),
    decoder: IndexerDecoder,
    numbers: MessageNumbers,
    mailbox: Arc<Post>,
    actions: Vec<SessionAction>,
    standing: Option<LinkId>,
    /// Which of the channels are current.
    is_current: [bool; 2],
    stage: Stage,
    told: Told,
    /// When the newest fill that was told was executed; before the first, when this was opened.
    newest: Timestamp,
    /// This stream was started before: what is missing now has to be told.
    was_started: bool,
    failures: u32,
    /// When the list of fills is asked for again.
    fetch_at: Option<Timestamp>,
    /// Orders of the short term of which no end was told.
    shorts: Vec<(OrderId, Placed)>,
    /// How many orders of the short term were taken over into that list.
    seen_shorts: u64,
    reason: String,
}

/// Where a stream stands.
enum Stage {
    /// News wait for both channels to be current, and for what was missed.
    Waiting(Vec<UserNews>),
    /// News are told as they come.
    Started,
}

/// What the indexer's HTTP interface has answered.
enum Answer {
    /// What was missed before this connection.
    Fills(LinkId, Result<Vec<VenueFill>, ExchangeError>),
    /// What became of an order of the short term.
    Ended(OrderId, Placed, Result<Option<Ended>, ExchangeError>),
}

impl Feed {
    fn new(inner: &Arc<Inner>, mailbox: Arc<Post>) -> Self {
        let (config, account) = (&inner.config, inner.chain.account.owner());
        let clock = Arc::clone(&config.clock);
        let socket = SocketConfig {
            tls: config.tls.clone(),
            apart: config.messages_apart,
            within: config.session.connect_within,
            watch: config.watch(),
        };
        let (links, events) = Links::new(socket, Arc::clone(&clock), inner.runtime.clone());
        let session = SessionConfig { rotate_after: NEVER, ..config.session };
        let mut session = Session::new(session);
        // The height speaks once a second: its silence is a silence of the connection.
        let streams = [session.add_quiet_stream(), session.add_stream()];
        let address = account.address.as_str();
        Self {
            inner: Arc::clone(inner),
            watch: config.watch(),
            session,
            streams,
            asks: [Subscription::subaccount(address, account.number), Subscription::block_height()],
            asked: [None; 2],
            links,
            events,
            answers: mpsc::channel(256),
            decoder: IndexerDecoder::new(inner.symbols.clone()),
            numbers: MessageNumbers::new(config.missing_after),
            mailbox,
            actions: Vec::new(),
            standing: None,
            is_current: [false; 2],
            stage: Stage::Waiting(Vec::new()),
            told: Told::default(),
            newest: clock.wall(),
            was_started: false,
            failures: 0,
            fetch_at: None,
            shorts: Vec::new(),
            seen_shorts: inner.memory().shorts(),
            reason: String::new(),
            clock,
        }
    }

    async fn run(mut self) {
        self.session.open(self.clock.monotonic(), &mut self.actions);
        self.act();
        while !self.mailbox.is_gone() {
            let sweep = self.clock.monotonic().after(SWEEP);
            let numbers = self.standing.and_then(|_| self.numbers.deadline());
            let dues = [self.session.deadline(), numbers, self.fetch_at];
            let due = dues.into_iter().flatten().fold(sweep, Ord::min);
            tokio::select! {
                Some((link, event)) = self.events.recv() => self.on_event(link, event),
                Some(answer) = self.answers.1.recv() => self.on_answer(answer),
                () = self.clock.sleep_until(due) => {}
            }
            self.on_time();
            self.act();
        }
        self.links.close_all();
    }

    fn on_time(&mut self) {
        let at = self.clock.monotonic();
        if self.session.deadline().is_some_and(|due| due <= at) {
            self.session.on_time(at, chance::draw(), &mut self.actions);
        }
        if let Some(link) = self.standing
            && self.numbers.is_broken(at)
        {
            self.give_up(link, "a message of the connection is missing".to_owned());
        }
        if self.fetch_at.is_some_and(|due| due <= at) {
            self.fetch();
        }
    }

    fn on_event(&mut self, link: LinkId, event: LinkEvent) {
        let at = self.clock.monotonic();
        match event {
            LinkEvent::Connected => {
                self.standing = Some(link);
                self.numbers = MessageNumbers::new(self.inner.config.missing_after);
                self.session.on_connected(at, link, &mut self.actions);
            }
            LinkEvent::Heard => self.session.on_bytes(at, link),
            LinkEvent::Text(bytes) => self.on_text(link, &bytes),
            LinkEvent::Closed(reason) => {
                self.links.forget(link);
                self.give_up(link, reason);
            }
        }
        self.act();
    }

    /// A connection is of no use any more.
    fn give_up(&mut self, link: LinkId, reason: String) {
        self.reason = reason;
        self.links.close(link);
        if self.standing == Some(link) {
            self.standing = None;
        }
        self.session.on_closed(self.clock.monotonic(), link, chance::draw(), &mut self.actions);
    }

    fn on_text(&mut self, link: LinkId, bytes: &Bytes) {
        if self.standing != Some(link) {
            // What a connection still brings that was given up.
            return;
        }
        let at = self.clock.monotonic();
        self.session.on_bytes(at, link);
        let (mut market, mut news) = (Vec::new(), Vec::new());
        let read = self.decoder.decode(self.clock.wall(), bytes, &mut market, &mut news);
        if let Some(number) = self.decoder.message() {
            self.numbers.on_message(at, number);
        }
        let [account, height] = self.streams;
        let mut passed = None;
        match read {
            Ok(IndexerFrame::Subscribed { channel, .. }) => {
                self.watch.message(MessageKind::Reply);
                let known = CHANNELS.iter().position(|known| *known == channel);
                if let Some(stream) = known.and_then(|index| self.streams.get(index)) {
                    self.session.on_acknowledged(at, link, *stream, &mut self.actions);
                }
            }
            Ok(IndexerFrame::Height(block)) => {
                self.watch.message(MessageKind::Other);
                self.session.on_data(at, link, height, &mut self.actions);
                self.inner.chain.note_height(block);
                passed = Some(block);
            }
            Ok(IndexerFrame::Data) => {
                self.watch.message(MessageKind::Account);
                self.session.on_data(at, link, account, &mut self.actions);
            }
            Ok(IndexerFrame::Refused { message }) => {
                self.watch.message(MessageKind::Reply);
                // It names no subscription: those without an answer are asked for again.
                self.reason = message;
                for (index, stream) in self.streams.into_iter().enumerate() {
                    if self.is_current.get(index) == Some(&false) {
                        self.session.on_subscription_refused(at, link, stream);
                    }
                }
            }
            Ok(_) => self.watch.message(MessageKind::Other),
            // It may have been a fill: what came so far has to be compared.
            Err(error) => {
                self.watch.message(MessageKind::Unreadable);
                self.give_up(link, error.to_string());
            }
        }
        // What starts with this message starts before its news are told.
        self.act();
        for item in news {
            self.on_news(item);
        }
        if let Some(block) = passed {
            self.look_after(block);
        }
    }

    fn on_news(&mut self, item: UserNews) {
        // The venue's number of USDC says what positions have cost, too.
        if matches!(item, UserNews::Balance { .. }) {
            return;
        }
        match &mut self.stage {
            Stage::Waiting(waiting) => waiting.push(item),
            Stage::Started => self.tell_news(item),
        }
    }

    /// Tells a piece of news under the engine's name of its order, a trade once.
    fn tell_news(&mut self, mut item: UserNews) {
        if let UserNews::Order(news) = &mut item {
            let is_named = news.update.order.slot() != SlotId::HOUSE;
            let mut memory = self.inner.memory();
            match is_named {
                true => memory.owns(news.venue_order, news.update.order),
                false => {
                    let owner = memory.owner(news.venue_order);
                    news.update.order = owner.unwrap_or(news.update.order);
                }
            }
            memory.note(news);
            drop(memory);
            if let OrderReport::Fill(fill) | OrderReport::Liquidated(fill) = news.update.report {
                if !self.told.is_new((news.update.instrument, fill.trade)) {
                    return;
                }
                self.newest = self.newest.max(news.at);
            }
        }
        self.tell(|at| UserEvent::News { at, news: item });
    }

    fn act(&mut self) {
        while !self.actions.is_empty() {
            for action in core::mem::take(&mut self.actions) {
                self.carry_out(action);
            }
        }
    }

    fn carry_out(&mut self, action: SessionAction) {
        match action {
            SessionAction::Connect(link) => {
                let endpoint = self.inner.config.urls.socket.clone();
                self.links.open(link, endpoint, String::new());
            }
            SessionAction::Subscribe(link, streams) => {
                for (index, stream) in self.streams.into_iter().enumerate() {
                    if streams.contains(&stream) {
                        self.subscribe(link, index);
                    }
                }
            }
            SessionAction::Ping(link) => {
                self.links.ping(link);
            }
            SessionAction::Close(link) => self.links.close(link),
            SessionAction::Started(stream) => {
                self.note_current(stream, true);
                if self.is_current == [true; 2] {
                    self.fetch();
                }
            }
            SessionAction::Lost(stream) => {
                self.note_current(stream, false);
                self.fetch_at = None;
                let before = core::mem::replace(&mut self.stage, Stage::Waiting(Vec::new()));
                if matches!(before, Stage::Started) {
                    let mut reason = core::mem::take(&mut self.reason);
                    if reason.is_empty() {
                        reason.push_str("no sign of life");
                    }
                    self.tell(|at| UserEvent::Lost { at, reason });
                }
            }
            // Own orders are not polled: whoever is told that the stream is lost reconciles.
            SessionAction::StartPolling | SessionAction::StopPolling => {}
        }
    }

    fn note_current(&mut self, stream: StreamId, is_current: bool) {
        for (known, current) in self.streams.iter().zip(&mut self.is_current) {
            if *known == stream {
                *current = is_current;
            }
        }
    }

    /// The indexer takes no second subscription beside a first one.
    fn subscribe(&mut self, link: LinkId, index: usize) {
        let (Some(ask), Some(asked)) = (self.asks.get(index), self.asked.get_mut(index)) else {
            return;
        };
        if asked.replace(link) == Some(link) {
            self.links.send(link, ask.unsubscribe());
        }
        self.links.send(link, ask.subscribe());
    }

    /// Asks for the fills that were not told.
    fn fetch(&mut self) {
        self.fetch_at = None;
        let Some(link) = self.standing else { return };
        let (inner, answers) = (Arc::clone(&self.inner), self.answers.0.clone());
        let since = self.newest.before(BEFORE);
        self.inner.runtime.spawn(async move {
            let fills = inner.fills_since(since).await;
            let _gone = answers.send(Answer::Fills(link, fills)).await;
        });
    }

    fn on_answer(&mut self, answer: Answer) {
        match answer {
            Answer::Fills(link, fills) => {
                if self.standing == Some(link) && self.is_current == [true; 2] {
                    self.on_fills(fills);
                }
            }
            Answer::Ended(order, placed, Ok(Some(ended))) => self.on_ended(order, placed, ended),
            // It is asked for again with the next block.
            Answer::Ended(order, placed, Ok(None) | Err(_)) => self.shorts.push((order, placed)),
        }
    }

    /// Tells what was missed, then what has waited, and begins.
    fn on_fills(&mut self, fills: Result<Vec<VenueFill>, ExchangeError>) {
        let Ok(fills) = fills else {
            self.failures = self.failures.saturating_add(1);
            let pause = self.inner.config.session.pause_after(self.failures, chance::draw());
            self.fetch_at = Some(self.clock.monotonic().after(pause));
            return;
        };
        let Stage::Waiting(waiting) = core::mem::replace(&mut self.stage, Stage::Started) else {
            return;
        };
        self.failures = 0;
        let is_again = core::mem::replace(&mut self.was_started, true);
        if is_again {
            fills.iter().for_each(|fill| self.tell_fill(fill));
        }
        waiting.into_iter().for_each(|item| self.tell_news(item));
        for fill in fills {
            // What was before the stream is not told later, either.
            self.told.is_new((fill.instrument, fill.fill.trade));
        }
        self.tell(|at| UserEvent::Started { at });
    }

    fn tell_fill(&mut self, fill: &VenueFill) {
        let filled = self.inner.memory().get(fill.order).map(|placed| placed.filled);
        let is_new = !self.told.has((fill.instrument, fill.fill.trade));
        let more = fill.fill.quantity.value();
        let filled = filled.unwrap_or_default();
        let filled = if is_new { filled.saturating_add(more) } else { filled };
        self.tell_news(UserNews::Order(OrderNews {
            at: fill.at,
            update: fill.update(),
            venue_order: fill.venue_order,
            filled,
        }));
    }

    /// Asks what became of the orders of the short term whose last block has passed, and of which
    /// the stream has told no end within a further block.
    fn look_after(&mut self, height: u64) {
        let memory = self.inner.memory();
        self.shorts.extend(memory.shorts_after(self.seen_shorts));
        self.seen_shorts = memory.shorts();
        let mut due = Vec::new();
        self.shorts.retain(|(order, _)| {
            let placed = memory.get(*order).filter(|placed| !placed.is_over);
            let Some(placed) = placed else { return false };
            let has_passed = placed.last_block().is_some_and(|last| last + 1 < height);
            if has_passed {
                due.push((*order, placed));
            }
            !has_passed
        });
        drop(memory);
        for (order, placed) in due {
            let (inner, answers) = (Arc::clone(&self.inner), self.answers.0.clone());
            self.inner.runtime.spawn(async move {
                let ended = inner.ended(order, &placed).await;
                let _gone = answers.send(Answer::Ended(order, placed, ended)).await;
            });
        }
    }

    fn on_ended(&mut self, order: OrderId, placed: Placed, ended: Ended) {
        ended.fills.iter().for_each(|fill| self.tell_fill(fill));
        let now = self.inner.memory().get(order);
        if ended.status == OrderStatus::Filled || now.is_none_or(|placed| placed.is_over) {
            return;
        }
        let report = match ended.status {
            OrderStatus::Expired => OrderReport::Expired,
            _ => OrderReport::Cancelled,
        };
        let Placed { instrument, side, .. } = placed;
        let news = OrderNews {
            at: self.clock.wall(),
            update: OrderUpdate { order, instrument, side, leg: Leg::Net, report },
            venue_order: ended.venue_order,
            filled: now.map_or(placed.filled, |placed| placed.filled),
        };
        self.tell_news(UserNews::Order(news));
    }

    fn tell(&self, event: impl FnOnce(Timestamp) -> UserEvent) {
        // A reader that is gone ends the loop; one that is too slow is told by its queue.
        let _: Posted = self.mailbox.post(Item::Event(event(self.clock.wall())));
    }
}
