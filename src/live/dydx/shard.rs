//! One connection's streams: the driver that runs a session over real sockets and time.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::DydxConfig;
use super::feed::{Feed, Moment};
use super::topic::{Key, message_kind, sent_at};
use crate::live::chance;
use crate::live::net::{LinkEvent, Links, SocketConfig};
use crate::live::quality::View;
use crate::live::stream::{Drive, Order};
use crate::live::watch::ExchangeWatch;
use crate::metrics::EdgeQueue;
use crate::types::Timestamp;
use crate::venue::dydx::{self, IndexerDecoder, IndexerFrame, MessageNumbers};
use crate::venue::{
    Clock, LinkId, MarketNews, Session, SessionAction, SessionCounts, SessionState, StreamId,
    Symbols, UserNews,
};

/// The driver of one session. It has one connection at a time.
pub(super) struct Shard {
    config: Arc<DydxConfig>,
    watch: ExchangeWatch,
    /// How many events waited, as it was told last.
    told: usize,
    clock: Arc<dyn Clock>,
    orders: mpsc::Receiver<Order<Key, dydx::Subscription>>,
    view: Arc<View<Key>>,
    on_state: Box<dyn Fn() + Send + Sync>,
    session: Session,
    links: Links,
    events: mpsc::Receiver<(LinkId, LinkEvent)>,
    decoder: IndexerDecoder,
    numbers: MessageNumbers,
    /// By the number of their stream.
    feeds: Vec<Option<Feed>>,
    by_key: BTreeMap<Key, StreamId>,
    by_ask: BTreeMap<dydx::Subscription, StreamId>,
    actions: Vec<SessionAction>,
    news: Vec<MarketNews>,
    own: Vec<UserNews>,
    /// The connection that has stood last.
    standing: Option<LinkId>,
    /// Since when no stream that should speak has.
    mute_since: Option<Timestamp>,
    /// Events of streams that nobody asked for any more.
    foreign: u64,
    is_closing: bool,
}

/// Events of connections that are taken in one turn.
const MOST_AT_ONCE: usize = 256;
/// Readers that are gone are looked for so often.
const SWEEP: Duration = Duration::from_secs(5);
/// How long what was received may take to be told when all is closed.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);
/// Numbers begin anew on each connection, so that two cannot serve side by side.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);

impl Shard {
    pub(super) fn new(
        config: &Arc<DydxConfig>,
        symbols: &Symbols,
        runtime: &Handle,
        drive: Drive<Key, dydx::Subscription>,
    ) -> Self {
        let mut session = config.session;
        session.rotate_after = NEVER;
        let socket = SocketConfig {
            tls: config.tls.clone(),
            apart: config.messages_apart,
            within: config.session.connect_within,
            watch: config.watch(),
        };
        let clock = Arc::clone(&config.clock);
        let (links, events) = Links::new(socket, Arc::clone(&clock), runtime.clone());
        Self {
            session: Session::new(session),
            decoder: IndexerDecoder::new(symbols.clone()),
            numbers: MessageNumbers::new(config.missing_after),
            watch: config.watch(),
            told: 0,
            config: Arc::clone(config),
            clock,
            orders: drive.orders,
            view: drive.view,
            on_state: drive.on_state,
            links,
            events,
            feeds: Vec::new(),
            by_key: BTreeMap::new(),
            by_ask: BTreeMap::new(),
            actions: Vec::new(),
            news: Vec::new(),
            own: Vec::new(),
            standing: None,
            mute_since: None,
            foreign: 0,
            is_closing: false,
        }
    }

    /// Serves until it is closed, or nobody is left who could give it an order.
    pub(super) async fn run(mut self) {
        let mut sweep_at = self.clock.monotonic().after(SWEEP);
        while !self.is_closing {
            let due = self.deadline().map_or(sweep_at, |due| due.min(sweep_at));
            tokio::select! {
                order = self.orders.recv() => self.on_order(order),
                Some((link, event)) = self.events.recv() => self.on_events(link, event),
                () = self.clock.sleep_until(due) => {}
            }
            self.on_time();
            if self.clock.monotonic() >= sweep_at {
                sweep_at = self.clock.monotonic().after(SWEEP);
                self.sweep();
            }
            self.show();
            self.watch.queue(EdgeQueue::Frames, &mut self.told, self.events.len());
        }
        self.watch.queue(EdgeQueue::Frames, &mut self.told, 0);
        self.finish().await;
    }

    fn deadline(&self) -> Option<Timestamp> {
        let books = self.feeds.iter().flatten().filter_map(Feed::deadline);
        let mute = self.mute_since.map(|since| since.after(self.config.mute_after));
        let missing = self.standing.and_then(|_| self.numbers.deadline());
        books.chain(self.session.deadline()).chain(mute).chain(missing).min()
    }

    fn on_order(&mut self, order: Option<Order<Key, dydx::Subscription>>) {
        let at = self.clock.monotonic();
        let Some(Order::Join(key, ask, reader)) = order else {
            self.is_closing = true;
            return;
        };
        let stream = *self.by_key.entry(key).or_insert_with(|| {
            let id = match key.is_quiet() {
                true => self.session.add_quiet_stream(),
                false => self.session.add_stream(),
            };
            self.by_ask.insert(ask.clone(), id);
            self.feeds.push(Some(Feed::new(key, ask, self.config.resubscribe_after)));
            id
        });
        let mut seen = self.view.lock();
        seen.streams.entry(key).or_default().subscriptions.push(reader.subscription);
        drop(seen);
        self.with_feed(stream, |feed, moment| feed.join(reader, moment));
        self.session.open(at, &mut self.actions);
        self.act();
    }

    /// Takes what came and what waits behind it: deadlines are looked at once for all of it.
    fn on_events(&mut self, link: LinkId, event: LinkEvent) {
        self.on_event(link, event);
        for _ in 1..MOST_AT_ONCE {
            let Ok((link, event)) = self.events.try_recv() else { return };
            self.on_event(link, event);
        }
    }

    fn on_event(&mut self, link: LinkId, event: LinkEvent) {
        let at = self.clock.monotonic();
        match event {
            LinkEvent::Connected => {
                self.standing = Some(link);
                self.numbers = MessageNumbers::new(self.config.missing_after);
                self.feeds.iter_mut().flatten().for_each(Feed::forget);
                self.session.on_connected(at, link, &mut self.actions);
            }
            LinkEvent::Heard => self.session.on_bytes(at, link),
            LinkEvent::Text(bytes) => return self.on_text(link, &bytes),
            LinkEvent::Closed(_reason) => {
                self.links.forget(link);
                if self.standing == Some(link) {
                    self.standing = None;
                }
                self.session.on_closed(at, link, chance::draw(), &mut self.actions);
            }
        }
        self.act();
    }

    fn on_text(&mut self, link: LinkId, bytes: &[u8]) {
        let (at, wall) = (self.clock.monotonic(), self.clock.wall());
        self.session.on_bytes(at, link);
        if self.standing != Some(link) {
            // What a connection still brings that was given up.
            return;
        }
        let mut news = core::mem::take(&mut self.news);
        news.clear();
        self.own.clear();
        let read = self.decoder.decode(wall, bytes, &mut news, &mut self.own);
        let mut seen = self.view.lock();
        seen.counts.frames += 1;
        seen.counts.bytes += bytes.len() as u64;
        seen.counts.unreadable += u64::from(read.is_err());
        drop(seen);
        self.watch.message(message_kind(&read, &news));
        if let Some(number) = self.decoder.message() {
            self.numbers.on_message(at, number);
        }
        if let Ok(IndexerFrame::Subscribed { channel, id }) = &read {
            let ask = dydx::Subscription::of(*channel, id.clone());
            if let Some(stream) = self.by_ask.get(&ask).copied() {
                self.session.on_acknowledged(at, link, stream, &mut self.actions);
            }
        }
        for item in news.drain(..) {
            self.on_news(link, item);
        }
        self.news = news;
        self.act();
    }

    fn on_news(&mut self, link: LinkId, news: MarketNews) {
        let at = self.clock.monotonic();
        let key = Key::of_news(&news);
        let Some((key, stream)) = key.and_then(|key| Some((key, *self.by_key.get(&key)?))) else {
            self.foreign += 1;
            return;
        };
        let serves = self.session.on_data(at, link, stream, &mut self.actions);
        // What starts with these data starts before they are told.
        self.act();
        let sent = sent_at(&news);
        let wall = self.clock.wall();
        if let Some(stream) = self.view.lock().streams.get_mut(&key) {
            stream.heard(at, sent.map(|sent| wall.nanos().saturating_sub(sent.nanos())));
        }
        self.with_feed(stream, |feed, moment| feed.on_news(news, serves, moment));
    }

    fn on_time(&mut self) {
        let at = self.clock.monotonic();
        if self.session.deadline().is_some_and(|due| due <= at) {
            self.session.on_time(at, chance::draw(), &mut self.actions);
        }
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
        if self.numbers.is_broken(at)
            && let Some(link) = self.standing
        {
            self.view.lock().counts.book_gaps += 1;
            self.watch.gaps(None, 1);
            self.give_up(at, link);
        }
    }

    /// Gives a connection up on which nothing speaks that should, though pings are answered.
    fn watch_mute(&mut self, at: Timestamp) {
        let mut loud = self.feeds.iter().flatten().filter(|feed| !feed.key.is_quiet()).peekable();
        let is_stale = self.session.state() == SessionState::Stale;
        let is_mute = is_stale && loud.peek().is_some() && loud.all(|feed| !feed.is_started);
        if !is_mute {
            self.mute_since = None;
            return;
        }
        let since = *self.mute_since.get_or_insert(at);
        if since.after(self.config.mute_after) <= at
            && let Some(link) = self.standing
        {
            self.mute_since = None;
            self.give_up(at, link);
        }
    }

    fn give_up(&mut self, at: Timestamp, link: LinkId) {
        self.standing = None;
        self.numbers = MessageNumbers::new(self.config.missing_after);
        self.links.close(link);
        self.session.on_closed(at, link, chance::draw(), &mut self.actions);
    }

    /// Carries out what the session asks for.
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
                self.links.open(link, self.config.urls.socket.clone(), String::new());
            }
            SessionAction::Subscribe(link, streams) => {
                streams.into_iter().for_each(|stream| self.subscribe(link, stream));
            }
            SessionAction::Ping(link) => self.count_sent(self.links.ping(link)),
            SessionAction::Close(link) => self.links.close(link),
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
            if has_changed && let Some(stream) = self.view.lock().streams.get_mut(&key) {
                stream.subscriptions = feed.audience.subscriptions().collect();
            }
            if is_unread {
                *place = None;
                self.by_key.remove(&key);
                self.by_ask.remove(&ask);
                self.view.lock().streams.remove(&key);
                self.session.remove_stream(StreamId(index));
                if let Some(link) = self.standing {
                    self.count_sent(self.links.send(link, ask.unsubscribe()));
                }
            }
        }
    }

    /// Lets a stream do something, and subscribes it anew where it needs a snapshot.
    fn with_feed(&mut self, stream: StreamId, work: impl FnOnce(&mut Feed, &mut Moment<'_>)) {
        let Some(Some(feed)) = self.feeds.get_mut(stream.0) else { return };
        let (at, wall) = (self.clock.monotonic(), self.clock.wall());
        let mut resubscribe = false;
        let mut seen = self.view.lock();
        let mut moment = Moment { at, wall, seen: &mut seen, resubscribe: &mut resubscribe };
        work(feed, &mut moment);
        drop(seen);
        if let Some(link) = self.standing.filter(|_| resubscribe) {
            self.subscribe(link, stream);
        }
    }

    /// Asks for a stream. The indexer takes no second subscription beside a first one.
    fn subscribe(&mut self, link: LinkId, stream: StreamId) {
        let Some(Some(feed)) = self.feeds.get_mut(stream.0) else { return };
        let was_asked = feed.asked_on.replace(link) == Some(link);
        let ask = feed.ask.clone();
        if was_asked {
            self.count_sent(self.links.send(link, ask.unsubscribe()));
        }
        self.count_sent(self.links.send(link, ask.subscribe()));
    }

    fn count_sent(&self, was_sent: bool) {
        self.view.lock().counts.sent += u64::from(was_sent);
    }

    /// Shows where it stands to whoever looks on.
    fn show(&self) {
        let SessionCounts { attempts, failures, rotations, silences } = *self.session.counts();
        let passed = self.decoder.counts();
        let state = self.session.state();
        let mut seen = self.view.lock();
        let counts = &mut seen.counts;
        (counts.attempts, counts.failures) = (attempts, failures);
        (counts.rotations, counts.silences) = (rotations, silences);
        (counts.unknown, counts.foreign) = (passed.unknown, self.foreign + passed.foreign);
        counts.connections = u64::from(self.standing.is_some());
        let has_changed = core::mem::replace(&mut seen.state, state) != state;
        drop(seen);
        if has_changed {
            (self.on_state)();
        }
    }

    /// Closes the connections, tells what they still bring, and ends the readers' streams.
    async fn finish(&mut self) {
        self.links.close_all();
        let overdue = self.clock.monotonic().after(CLOSE_WITHIN);
        while self.standing.is_some() {
            tokio::select! {
                Some((link, event)) = self.events.recv() => match event {
                    LinkEvent::Text(bytes) => self.on_text(link, &bytes),
                    LinkEvent::Closed(_) if self.standing == Some(link) => self.standing = None,
                    LinkEvent::Closed(_) | LinkEvent::Connected | LinkEvent::Heard => {}
                },
                () = self.clock.sleep_until(overdue) => break,
            }
        }
        self.session.close(&mut self.actions);
        self.act();
        self.feeds.iter().flatten().for_each(|feed| feed.audience.end());
        self.show();
    }
}
