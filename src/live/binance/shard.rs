//! One connection's streams: the driver that runs a session over real sockets and time.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::feed::{Feed, Job, Moment};
use super::polled;
use super::rest::BinanceConnection;
use super::topic::{Key, Route, encoded, message_kind, sent_at};
use crate::live::net::{LinkEvent, SocketConfig};
use crate::live::stream::{Drive, Line, Order};
use crate::types::Timestamp;
use crate::venue::binance::{MarketDecoder, StreamFrame, VenueError};
use crate::venue::{ExchangeError, LinkId, MarketNews, SessionAction, StreamId, Urgency};

/// The driver of one session.
pub(super) struct Shard {
    connection: BinanceConnection,
    route: Route,
    line: Line<Key>,
    orders: mpsc::Receiver<Order<Key, String>>,
    answers: (mpsc::Sender<Answer>, mpsc::Receiver<Answer>),
    decoder: MarketDecoder,
    /// By the number of their stream.
    feeds: Vec<Option<Feed>>,
    by_key: BTreeMap<Key, StreamId>,
    /// Requests on a connection that are not answered yet.
    pending: BTreeMap<u64, (LinkId, Vec<StreamId>)>,
    last_request: u64,
    news: Vec<MarketNews>,
    jobs: Vec<Job>,
    poll_at: Option<Timestamp>,
    /// The hour of the last planned move.
    moved: i64,
    /// Events of streams that nobody asked for any more.
    foreign: u64,
    is_closing: bool,
}

#[derive(Debug)]
struct Answer {
    stream: StreamId,
    job: Job,
    body: Result<Bytes, ExchangeError>,
}

/// Streams in one message.
const BATCH: usize = 50;
/// Events of connections that are taken in one turn.
const MOST_AT_ONCE: usize = 256;
/// Readers that are gone are looked for so often.
const SWEEP: Duration = Duration::from_secs(5);
const HOUR: i64 = 3_600_000_000_000;

impl Shard {
    pub(super) fn new(
        connection: &BinanceConnection,
        route: Route,
        drive: Drive<Key, String>,
    ) -> Self {
        let config = connection.config();
        let session = (config.session, config.rotate_jitter);
        let socket = SocketConfig {
            tls: config.tls.clone(),
            apart: config.messages_apart,
            within: config.session.connect_within,
            watch: config.watch(),
        };
        let clock = Arc::clone(&config.clock);
        let moved = clock.wall().nanos().div_euclid(HOUR);
        let runtime = connection.runtime().clone();
        let shown = (drive.view, drive.on_state);
        Self {
            line: Line::new(session, socket, (clock, runtime), shown),
            decoder: MarketDecoder::new(connection.symbols().clone()),
            moved,
            connection: connection.clone(),
            route,
            orders: drive.orders,
            answers: mpsc::channel(1_024),
            feeds: Vec::new(),
            by_key: BTreeMap::new(),
            pending: BTreeMap::new(),
            last_request: 0,
            news: Vec::new(),
            jobs: Vec::new(),
            poll_at: None,
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
                Some(answer) = self.answers.1.recv() => self.on_answer(answer),
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
        let line = self.line.deadline(self.connection.config().mute_after);
        books.chain(line).chain(self.poll_at).min()
    }

    fn on_order(&mut self, order: Option<Order<Key, String>>) {
        let at = self.line.clock.monotonic();
        let Some(Order::Join(key, name, reader)) = order else {
            self.is_closing = true;
            return;
        };
        let stream = *self.by_key.entry(key).or_insert_with(|| {
            let id = match key.is_quiet() {
                true => self.line.session.add_quiet_stream(),
                false => self.line.session.add_stream(),
            };
            let market = self.connection.config().market;
            self.feeds.push(Some(Feed::new(market, key, name)));
            id
        });
        let mut seen = self.line.view.lock();
        seen.streams.entry(key).or_default().subscriptions.push(reader.subscription);
        drop(seen);
        self.line.watch.gaps(self.connection.symbols().name(key.instrument), 0);
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
        if matches!(event, LinkEvent::Closed(_)) {
            self.pending.retain(|_, (other, _)| *other != link);
        }
        self.act();
    }

    fn on_text(&mut self, link: LinkId, bytes: &[u8]) {
        let at = self.line.clock.monotonic();
        let mut news = core::mem::take(&mut self.news);
        news.clear();
        let read = self.decoder.decode(bytes, &mut news);
        self.line.watch.message(message_kind(&read, &news));
        self.line.count_frame(bytes, read.is_ok());
        match read {
            Ok(StreamFrame::Reply(Some(id))) => self.on_reply(link, id, bytes),
            Ok(StreamFrame::Shutdown) => {
                self.line.session.on_shutdown_notice(at, &mut self.line.actions)
            }
            Ok(_) | Err(_) => {}
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

    fn on_reply(&mut self, link: LinkId, id: u64, bytes: &[u8]) {
        let at = self.line.clock.monotonic();
        let Some((asked, streams)) = self.pending.remove(&id) else { return };
        let is_refused = VenueError::decode(bytes).is_ok();
        for stream in streams.into_iter().filter(|_| asked == link) {
            match is_refused {
                true => self.line.session.on_subscription_refused(at, link, stream),
                false => {
                    self.line.session.on_acknowledged(at, link, stream, &mut self.line.actions)
                }
            }
        }
    }

    fn on_answer(&mut self, answer: Answer) {
        let Answer { stream, job, body } = answer;
        let body = body.ok();
        self.with_feed(stream, |feed, moment| feed.on_answer(job, body.as_deref(), moment));
    }

    fn on_time(&mut self) {
        let at = self.line.clock.monotonic();
        self.line.on_time(at);
        self.watch_mute(at);
        self.watch_hour(at);
        self.act();
        for index in 0..self.feeds.len() {
            let is_due = |feed: &Feed| feed.deadline().is_some_and(|due| due <= at);
            if self.feeds.get(index).is_some_and(|feed| feed.as_ref().is_some_and(is_due)) {
                self.with_feed(StreamId(index), |feed, moment| feed.on_time(moment));
            }
        }
        if self.poll_at.is_some_and(|due| due <= at) {
            self.poll_at = Some(at.after(self.connection.config().poll_every));
            for index in 0..self.feeds.len() {
                self.with_feed(StreamId(index), |feed, moment| feed.poll(moment));
            }
        }
    }

    fn watch_mute(&mut self, at: Timestamp) {
        let loud = self.feeds.iter().flatten().filter(|feed| !feed.key.is_quiet());
        let after = self.connection.config().mute_after;
        self.line.watch_mute(at, after, loud.map(|feed| feed.is_started));
    }

    /// Moves to a new connection in the hour that was chosen.
    fn watch_hour(&mut self, at: Timestamp) {
        let hour = self.line.clock.wall().nanos().div_euclid(HOUR);
        let chosen = self.connection.config().rotate_hour;
        if hour > self.moved
            && chosen.is_some_and(|chosen| hour.rem_euclid(24) == i64::from(chosen))
        {
            self.moved = hour;
            self.line.session.on_shutdown_notice(at, &mut self.line.actions);
        }
    }

    /// Carries out what the session asks for.
    fn act(&mut self) {
        while !self.line.actions.is_empty() {
            let actions = core::mem::take(&mut self.line.actions);
            // At a planned move all streams end and begin in one: what is numbered just goes on.
            let moves = actions.iter().any(|action| matches!(action, SessionAction::Close(_)))
                && actions.iter().any(|action| matches!(action, SessionAction::Started(_)));
            for action in actions {
                self.carry_out(action, moves);
            }
        }
    }

    fn carry_out(&mut self, action: SessionAction, moves: bool) {
        match action {
            SessionAction::Connect(link) => self.connect(link),
            SessionAction::Subscribe(link, streams) => self.subscribe(link, &streams),
            SessionAction::Ping(link) => self.line.ping(link),
            SessionAction::Close(link) => self.line.links.close(link),
            SessionAction::Started(stream) => self.with_feed(stream, |feed, moment| {
                if !(moves && feed.is_started) {
                    feed.start(moment);
                }
            }),
            SessionAction::Lost(stream) if !moves => {
                self.with_feed(stream, |feed, moment| feed.lose(moment));
            }
            SessionAction::Lost(_) => {}
            SessionAction::StartPolling => self.poll_at = Some(self.line.clock.monotonic()),
            SessionAction::StopPolling => self.poll_at = None,
        }
    }

    fn connect(&mut self, link: LinkId) {
        let urls = self.connection.urls();
        let endpoint = match self.route {
            Route::Public => &urls.public,
            Route::Market => &urls.market,
        };
        let may = self.connection.may_connect();
        self.line.open(link, may.map(|()| (endpoint.clone(), "/ws".to_owned())));
    }

    fn subscribe(&mut self, link: LinkId, streams: &[StreamId]) {
        for batch in streams.chunks(BATCH) {
            let feeds = batch.iter().filter_map(|id| self.feeds.get(id.0)?.as_ref());
            let names: Vec<String> = feeds.map(|feed| feed.name.clone()).collect();
            let text = self.next_request("SUBSCRIBE", &names);
            self.pending.insert(self.last_request, (link, batch.to_vec()));
            self.line.send(link, text);
        }
    }

    fn next_request(&mut self, method: &str, names: &[String]) -> String {
        self.last_request += 1;
        let (params, id) = (serde_json::Value::from(names), self.last_request);
        format!(r#"{{"method":"{method}","params":{params},"id":{id}}}"#)
    }

    /// Streams that nobody reads any more are given up.
    fn sweep(&mut self) {
        for index in 0..self.feeds.len() {
            let Some(place) = self.feeds.get_mut(index) else { return };
            let Some(feed) = place else { continue };
            let has_changed = feed.audience.sweep();
            let is_unread = feed.audience.is_empty();
            let (key, name) = (feed.key, feed.name.clone());
            if has_changed && let Some(stream) = self.line.view.lock().streams.get_mut(&key) {
                stream.subscriptions = feed.audience.subscriptions().collect();
            }
            if is_unread {
                *place = None;
                self.by_key.remove(&key);
                self.line.view.lock().streams.remove(&key);
                self.line.session.remove_stream(StreamId(index));
                if let Some(link) = self.line.standing {
                    let text = self.next_request("UNSUBSCRIBE", &[name]);
                    self.line.send(link, text);
                }
            }
        }
    }

    /// Lets a stream do something, and asks by HTTP for what it needs.
    fn with_feed(&mut self, stream: StreamId, work: impl FnOnce(&mut Feed, &mut Moment<'_>)) {
        let mut jobs = core::mem::take(&mut self.jobs);
        if let Some(Some(feed)) = self.feeds.get_mut(stream.0) {
            let (at, wall) = (self.line.clock.monotonic(), self.line.clock.wall());
            let mut seen = self.line.view.lock();
            let mut moment = Moment { at, wall, seen: &mut seen, jobs: &mut jobs };
            work(feed, &mut moment);
            drop(seen);
            let key = feed.key;
            self.line.tell_gaps(self.connection.symbols().name(key.instrument));
            for job in jobs.drain(..) {
                self.ask(stream, key, job);
            }
        }
        self.jobs = jobs;
    }

    fn ask(&self, stream: StreamId, key: Key, job: Job) {
        let config = self.connection.config();
        let Some(symbol) = self.connection.symbols().name(key.instrument) else { return };
        let place = (config.market, self.connection.prefix(), &*encoded(symbol));
        let ask = polled::question(place, key, job, config.snapshot_levels);
        let Some(ask) = ask else { return };
        if job == Job::Poll {
            self.line.view.lock().counts.polls += 1;
        }
        let (connection, answers) = (self.connection.clone(), self.answers.0.clone());
        self.connection.runtime().spawn(async move {
            let body = connection.ask(ask.path, Urgency::Bulk, ask.weight).await;
            // A shard that is gone needs no answer.
            let _gone = answers.send(Answer { stream, job, body }).await;
        });
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
