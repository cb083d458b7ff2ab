//! One connection's streams: the driver that runs a session over real sockets and time.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::DydxConfig;
use super::feed::{Feed, Moment};
use super::topic::{Key, message_kind, sent_at};
use crate::live::net::{LinkEvent, SocketConfig};
use crate::live::stream::{Drive, Line, Order};
use crate::types::Timestamp;
use crate::venue::dydx::{self, IndexerDecoder, IndexerFrame, MessageNumbers};
use crate::venue::{LinkId, MarketNews, SessionAction, SessionConfig, StreamId, Symbols, UserNews};

/// The driver of one session. It has one connection at a time.
pub(super) struct Shard {
    config: Arc<DydxConfig>,
    symbols: Symbols,
    line: Line<Key>,
    orders: mpsc::Receiver<Order<Key, dydx::Subscription>>,
    decoder: IndexerDecoder,
    numbers: MessageNumbers,
    /// By the number of their stream.
    feeds: Vec<Option<Feed>>,
    by_key: BTreeMap<Key, StreamId>,
    by_ask: BTreeMap<dydx::Subscription, StreamId>,
    news: Vec<MarketNews>,
    own: Vec<UserNews>,
    /// Events of streams that nobody asked for any more.
    foreign: u64,
    is_closing: bool,
}

/// Events of connections that are taken in one turn.
const MOST_AT_ONCE: usize = 256;
/// Readers that are gone are looked for so often.
const SWEEP: Duration = Duration::from_secs(5);
/// Numbers begin anew on each connection, so that two cannot serve side by side.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);

impl Shard {
    pub(super) fn new(
        config: &Arc<DydxConfig>,
        symbols: &Symbols,
        runtime: &Handle,
        drive: Drive<Key, dydx::Subscription>,
    ) -> Self {
        let session = SessionConfig { rotate_after: NEVER, ..config.session };
        let socket = SocketConfig {
            tls: config.tls.clone(),
            apart: config.messages_apart,
            within: config.session.connect_within,
            watch: config.watch(),
        };
        let (clock, runtime) = (Arc::clone(&config.clock), runtime.clone());
        let shown = (drive.view, drive.on_state);
        Self {
            line: Line::new((session, Duration::ZERO), socket, (clock, runtime), shown),
            symbols: symbols.clone(),
            decoder: IndexerDecoder::new(symbols.clone()),
            numbers: MessageNumbers::new(config.missing_after),
            config: Arc::clone(config),
            orders: drive.orders,
            feeds: Vec::new(),
            by_key: BTreeMap::new(),
            by_ask: BTreeMap::new(),
            news: Vec::new(),
            own: Vec::new(),
            foreign: 0,
            is_closing: false,
        }
    }

    /// Serves until it is closed, or nobody is left who could give it an order.
    pub(super) async fn run(mut self) {
        let mut sweep_at = self.line.clock.monotonic().after(SWEEP);
        while !self.is_closing {
            let due = self.deadline().map_or(sweep_at, |due| due.min(sweep_at));
            tokio::select! {
                order = self.orders.recv() => self.on_order(order),
                Some((link, event)) = self.line.events.recv() => self.on_events(link, event),
                () = self.line.clock.sleep_until(due) => {}
            }
            self.on_time();
            if self.line.clock.monotonic() >= sweep_at {
                sweep_at = self.line.clock.monotonic().after(SWEEP);
                self.sweep();
            }
            self.show();
        }
        self.finish().await;
    }

    fn deadline(&self) -> Option<Timestamp> {
        let books = self.feeds.iter().flatten().filter_map(Feed::deadline);
        let missing = self.line.standing.and_then(|_| self.numbers.deadline());
        books.chain(self.line.deadline(self.config.mute_after)).chain(missing).min()
    }

    fn on_order(&mut self, order: Option<Order<Key, dydx::Subscription>>) {
        let at = self.line.clock.monotonic();
        let Some(Order::Join(key, ask, reader)) = order else {
            self.is_closing = true;
            return;
        };
        let stream = *self.by_key.entry(key).or_insert_with(|| {
            let id = match key.is_quiet() {
                true => self.line.session.add_quiet_stream(),
                false => self.line.session.add_stream(),
            };
            self.by_ask.insert(ask.clone(), id);
            self.feeds.push(Some(Feed::new(key, ask, self.config.resubscribe_after)));
            id
        });
        let mut seen = self.line.view.lock();
        seen.streams.entry(key).or_default().subscriptions.push(reader.subscription);
        drop(seen);
        if let Some(symbol) = key.instrument().and_then(|instrument| self.symbols.name(instrument))
        {
            self.line.watch.gaps(Some(symbol), 0);
        }
        self.with_feed(stream, |feed, moment| feed.join(reader, moment));
        self.line.session.open(at, &mut self.line.actions);
        self.act();
    }

    /// Takes what came and what waits behind it: deadlines are looked at once for all of it.
    fn on_events(&mut self, link: LinkId, event: LinkEvent) {
        self.on_event(link, event);
        for _ in 1..MOST_AT_ONCE {
            let Ok((link, event)) = self.line.events.try_recv() else { return };
            self.on_event(link, event);
        }
    }

    fn on_event(&mut self, link: LinkId, event: LinkEvent) {
        let at = self.line.clock.monotonic();
        self.line.on_event(at, link, &event);
        if let LinkEvent::Text(bytes) = event {
            return self.on_text(link, &bytes);
        }
        if matches!(event, LinkEvent::Connected) {
            self.numbers = MessageNumbers::new(self.config.missing_after);
            self.feeds.iter_mut().flatten().for_each(Feed::forget);
        }
        self.act();
    }

    fn on_text(&mut self, link: LinkId, bytes: &[u8]) {
        let (at, wall) = (self.line.clock.monotonic(), self.line.clock.wall());
        if self.line.standing != Some(link) {
            // What a connection still brings that was given up.
            return;
        }
        let mut news = core::mem::take(&mut self.news);
        news.clear();
        self.own.clear();
        let read = self.decoder.decode(wall, bytes, &mut news, &mut self.own);
        self.line.count_frame(bytes, read.is_ok());
        self.line.watch.message(message_kind(&read, &news));
        if let Some(number) = self.decoder.message() {
            self.numbers.on_message(at, number);
        }
        if let Ok(IndexerFrame::Subscribed { channel, id }) = &read {
            let ask = dydx::Subscription::of(*channel, id.clone());
            if let Some(stream) = self.by_ask.get(&ask).copied() {
                self.line.session.on_acknowledged(at, link, stream, &mut self.line.actions);
            }
        }
        for item in news.drain(..) {
            self.on_news(link, item);
        }
        self.news = news;
        self.act();
    }

    fn on_news(&mut self, link: LinkId, news: MarketNews) {
        let at = self.line.clock.monotonic();
        let key = Key::of_news(&news);
        let Some((key, stream)) = key.and_then(|key| Some((key, *self.by_key.get(&key)?))) else {
            self.foreign += 1;
            return;
        };
        let serves = self.line.session.on_data(at, link, stream, &mut self.line.actions);
        // What starts with these data starts before they are told.
        self.act();
        self.line.note_heard(at, key, sent_at(&news));
        self.with_feed(stream, |feed, moment| feed.on_news(news, serves, moment));
    }

    fn on_time(&mut self) {
        let at = self.line.clock.monotonic();
        self.line.on_time(at);
        self.watch_numbers(at);
        self.watch_mute(at);
        self.act();
        for index in 0..self.feeds.len() {
            let is_due = |feed: &Feed| feed.deadline().is_some_and(|due| due <= at);
            if self.feeds.get(index).is_some_and(|feed| feed.as_ref().is_some_and(is_due)) {
                self.with_feed(StreamId(index), |feed, moment| feed.on_time(moment));
            }
        }
    }

    /// Gives a connection up on which a message was lost.
    fn watch_numbers(&mut self, at: Timestamp) {
        if self.numbers.is_broken(at) && self.line.give_up(at) {
            self.line.view.lock().counts.book_gaps += 1;
            self.line.watch.gaps(None, 1);
            self.numbers = MessageNumbers::new(self.config.missing_after);
        }
    }

    fn watch_mute(&mut self, at: Timestamp) {
        let loud = self.feeds.iter().flatten().filter(|feed| !feed.key.is_quiet());
        let loud = loud.map(|feed| feed.is_started);
        if self.line.watch_mute(at, self.config.mute_after, loud) {
            self.numbers = MessageNumbers::new(self.config.missing_after);
        }
    }

    /// Carries out what the session asks for.
    fn act(&mut self) {
        while !self.line.actions.is_empty() {
            for action in core::mem::take(&mut self.line.actions) {
                self.carry_out(action);
            }
        }
    }

    fn carry_out(&mut self, action: SessionAction) {
        match action {
            SessionAction::Connect(link) => {
                let endpoint = self.config.urls.socket.clone();
                self.line.open(link, Ok((endpoint, String::new())));
            }
            SessionAction::Subscribe(link, streams) => {
                streams.into_iter().for_each(|stream| self.subscribe(link, stream));
            }
            SessionAction::Ping(link) => self.line.ping(link),
            SessionAction::Close(link) => self.line.links.close(link),
            SessionAction::Started(stream) => {
                self.with_feed(stream, |feed, moment| feed.start(moment));
            }
            SessionAction::Lost(stream) => {
                self.with_feed(stream, |feed, moment| feed.lose(moment));
            }
            // The indexer is not asked by HTTP: readers have been told that the stream is lost.
            SessionAction::StartPolling | SessionAction::StopPolling => {}
        }
    }

    /// Streams that nobody reads any more are given up.
    fn sweep(&mut self) {
        for index in 0..self.feeds.len() {
            let Some(place) = self.feeds.get_mut(index) else { return };
            let Some(feed) = place else { continue };
            let has_changed = feed.audience.sweep();
            let is_unread = feed.audience.is_empty();
            let (key, ask) = (feed.key, feed.ask.clone());
            if has_changed && let Some(stream) = self.line.view.lock().streams.get_mut(&key) {
                stream.subscriptions = feed.audience.subscriptions().collect();
            }
            if is_unread {
                *place = None;
                self.by_key.remove(&key);
                self.by_ask.remove(&ask);
                self.line.view.lock().streams.remove(&key);
                self.line.session.remove_stream(StreamId(index));
                if let Some(link) = self.line.standing {
                    self.line.send(link, ask.unsubscribe());
                }
            }
        }
    }

    /// Lets a stream do something, and subscribes it anew where it needs a snapshot.
    fn with_feed(&mut self, stream: StreamId, work: impl FnOnce(&mut Feed, &mut Moment<'_>)) {
        let Some(Some(feed)) = self.feeds.get_mut(stream.0) else { return };
        let (at, wall) = (self.line.clock.monotonic(), self.line.clock.wall());
        let mut resubscribe = false;
        let mut seen = self.line.view.lock();
        let mut moment = Moment { at, wall, seen: &mut seen, resubscribe: &mut resubscribe };
        work(feed, &mut moment);
        drop(seen);
        let symbol = feed.key.instrument().and_then(|instrument| self.symbols.name(instrument));
        self.line.tell_gaps(symbol);
        if let Some(link) = self.line.standing.filter(|_| resubscribe) {
            self.subscribe(link, stream);
        }
    }

    /// Asks for a stream. The indexer takes no second subscription beside a first one.
    fn subscribe(&mut self, link: LinkId, stream: StreamId) {
        let Some(Some(feed)) = self.feeds.get_mut(stream.0) else { return };
        let was_asked = feed.asked_on.replace(link) == Some(link);
        let ask = feed.ask.clone();
        if was_asked {
            self.line.send(link, ask.unsubscribe());
        }
        self.line.send(link, ask.subscribe());
    }

    fn show(&mut self) {
        let passed = self.decoder.counts();
        self.line.show((passed.unknown, self.foreign + passed.foreign));
    }

    /// Closes the connections, tells what they still bring, and ends the readers' streams.
    async fn finish(&mut self) {
        let by = self.line.begin_close();
        while let Some((link, bytes)) = self.line.last_words(by).await {
            self.on_text(link, &bytes);
        }
        self.line.session.close(&mut self.line.actions);
        self.act();
        self.feeds.iter().flatten().for_each(|feed| feed.audience.end());
        self.show();
    }
}
