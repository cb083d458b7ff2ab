use core::time::Duration;
use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::line::Line;
use super::service::Order;
use super::wire::{Errand, Feed, Heard, Moment, Wire};
use crate::live::net::LinkEvent;
use crate::metrics::MessageKind;
use crate::types::{Label, Timestamp};
use crate::venue::{ExchangeError, LinkId, MarketNews, SessionAction, StreamId};

/// How a driver waits.
#[derive(Clone, Copy, Debug)]
pub(in crate::live) struct DriverConfig {
    /// A connection on which nothing speaks that should is given up after so long.
    pub(in crate::live) mute_after: Duration,
    /// While no connection can be had, HTTP is asked so often.
    pub(in crate::live) poll_every: Duration,
}

/// Runs one session over real sockets and time: what it asks for is carried out, what comes in is
/// read and told, and while no connection can be had HTTP is asked.
pub(in crate::live) struct Driver<W: Wire> {
    wire: W,
    line: Line<W::Key>,
    config: DriverConfig,
    runtime: Handle,
    orders: mpsc::Receiver<Order<W::Key, W::Ask>>,
    answers: Answers<W::Job>,
    /// By the number of their stream.
    streams: Vec<Option<Stream<W>>>,
    by_key: BTreeMap<W::Key, StreamId>,
    heard: Heard,
    errands: Vec<Errand<W::Job>>,
    /// Errands that have failed, and when they are tried again.
    later: Vec<(Timestamp, StreamId, Errand<W::Job>)>,
    poll_at: Option<Timestamp>,
    /// Events of streams that nobody asked for any more.
    foreign: u64,
    is_closing: bool,
}

/// A stream with what it is called.
struct Stream<W: Wire> {
    key: W::Key,
    ask: W::Ask,
    feed: W::Feed,
}

/// Where answers go in, and where they come out.
type Answers<J> = (mpsc::Sender<Answer<J>>, mpsc::Receiver<Answer<J>>);

struct Answer<J> {
    stream: StreamId,
    errand: Errand<J>,
    body: Result<Bytes, ExchangeError>,
}

/// Events of connections that are taken in one turn.
const MOST_AT_ONCE: usize = 256;
/// Answers by HTTP that wait.
const MOST_ANSWERS: usize = 1_024;
/// Readers that are gone are looked for so often.
const SWEEP: Duration = Duration::from_secs(5);

impl<W: Wire> Driver<W> {
    pub(in crate::live) fn new(
        wire: W,
        line: Line<W::Key>,
        config: DriverConfig,
        runtime: &Handle,
        orders: mpsc::Receiver<Order<W::Key, W::Ask>>,
    ) -> Self {
        Self {
            wire,
            line,
            config,
            runtime: runtime.clone(),
            orders,
            answers: mpsc::channel(MOST_ANSWERS),
            streams: Vec::new(),
            by_key: BTreeMap::new(),
            heard: Heard::default(),
            errands: Vec::new(),
            later: Vec::new(),
            poll_at: None,
            foreign: 0,
            is_closing: false,
        }
    }

    /// Serves until it is closed, or nobody is left who could give it an order.
    pub(in crate::live) async fn run(mut self) {
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
        let feeds = self.streams.iter().flatten().filter_map(|stream| stream.feed.deadline());
        let line = self.line.deadline(self.config.mute_after);
        let wire = self.line.standing.and_then(|_| self.wire.deadline());
        let later = self.later.iter().map(|(due, ..)| *due);
        feeds.chain(line).chain(wire).chain(later).chain(self.poll_at).min()
    }

    fn on_order(&mut self, order: Option<Order<W::Key, W::Ask>>) {
        let at = self.line.clock.monotonic();
        let Some(Order::Join(key, ask, reader)) = order else {
            self.is_closing = true;
            return;
        };
        let id = *self.by_key.entry(key).or_insert_with(|| {
            let id = match W::is_quiet(key) {
                true => self.line.session.add_quiet_stream(),
                false => self.line.session.add_stream(),
            };
            self.streams.push(Some(Stream { key, ask, feed: self.wire.feed(key) }));
            id
        });
        let mut seen = self.line.view.lock();
        seen.streams.entry(key).or_default().subscriptions.push(reader.subscription);
        drop(seen);
        if let Some(symbol) = self.wire.symbol(key) {
            self.line.watch.gaps(Some(symbol), 0);
        }
        self.with_feed(id, |feed, moment| feed.join(reader, moment));
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
        self.wire.on_link(link, &event);
        if matches!(event, LinkEvent::Connected) {
            self.streams.iter_mut().flatten().for_each(|stream| stream.feed.on_connected());
        }
        self.act();
    }

    fn on_text(&mut self, link: LinkId, bytes: &[u8]) {
        let at = self.line.clock.monotonic();
        let mut heard = core::mem::take(&mut self.heard);
        if let Some(kind) = self.wire.read(&*self.line.clock, link, bytes, &mut heard) {
            self.line.watch.message(kind);
            self.line.count_frame(bytes, kind != MessageKind::Unreadable);
        }
        let Line { session, actions, .. } = &mut self.line;
        for stream in heard.acknowledged.drain(..) {
            session.on_acknowledged(at, link, stream, actions);
        }
        for stream in heard.refused.drain(..) {
            let known = self.streams.get(stream.0).and_then(Option::as_ref);
            let ask = known.map(|stream| &stream.ask);
            tracing::warn!(link = link.0, ?ask, "subscription refused");
            session.on_subscription_refused(at, link, stream);
        }
        if core::mem::take(&mut heard.is_leaving) {
            session.on_shutdown_notice(at, actions);
        }
        for item in heard.news.drain(..) {
            self.on_news(link, item);
        }
        self.heard = heard;
        self.act();
    }

    fn on_news(&mut self, link: LinkId, news: MarketNews) {
        let at = self.line.clock.monotonic();
        let key = W::key_of(&news);
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

    fn on_answer(&mut self, answer: Answer<W::Job>) {
        let Answer { stream, errand, body } = answer;
        let body = body.ok();
        // What stands in for a stream's message is as good as one.
        if let Some(Some(known)) = self.streams.get(stream.0)
            && body.is_some()
            && !known.feed.is_started()
        {
            self.line.note_heard(self.line.clock.monotonic(), known.key, None);
        }
        self.with_feed(stream, |feed, moment| feed.on_answer(errand, body, moment));
    }

    fn on_time(&mut self) {
        let at = self.line.clock.monotonic();
        self.line.on_time(at);
        if self.wire.moves(&*self.line.clock) {
            self.line.session.on_shutdown_notice(at, &mut self.line.actions);
        }
        if self.wire.is_broken(at) {
            self.give_up(at);
        }
        self.watch_mute(at);
        self.act();
        for index in 0..self.streams.len() {
            let due = |stream: &Stream<W>| stream.feed.deadline().is_some_and(|due| due <= at);
            if self.streams.get(index).is_some_and(|stream| stream.as_ref().is_some_and(due)) {
                self.with_feed(StreamId(index), |feed, moment| feed.on_time(moment));
            }
        }
        while let Some(place) = self.later.iter().position(|(due, ..)| *due <= at) {
            let (_, stream, errand) = self.later.swap_remove(place);
            self.run_errand(stream, errand);
        }
        if self.poll_at.is_some_and(|due| due <= at) {
            self.poll_at = Some(at.after(self.config.poll_every));
            for index in 0..self.streams.len() {
                self.with_feed(StreamId(index), |feed, moment| feed.poll(moment));
            }
        }
    }

    /// Ends a connection of which a message was lost.
    fn give_up(&mut self, at: Timestamp) {
        if self.line.give_up(at) {
            tracing::warn!("a message was lost: the connection is given up");
            self.line.view.lock().counts.book_gaps += 1;
            self.line.watch.gaps(None, 1);
            self.wire.on_given_up();
        }
    }

    fn watch_mute(&mut self, at: Timestamp) {
        let loud = self.streams.iter().flatten().filter(|stream| !W::is_quiet(stream.key));
        let loud = loud.map(|stream| stream.feed.is_started());
        if self.line.watch_mute(at, self.config.mute_after, loud) {
            self.wire.on_given_up();
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
            SessionAction::Connect(link) => {
                let address = self.wire.address();
                self.line.open(link, address);
            }
            SessionAction::Subscribe(link, streams) => self.subscribe(link, &streams),
            SessionAction::Ping(link) => self.line.ping(link),
            SessionAction::Close(link) => self.line.links.close(link),
            SessionAction::Started(stream) => self.with_feed(stream, |feed, moment| {
                if !(moves && feed.is_started()) {
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

    fn subscribe(&mut self, link: LinkId, streams: &[StreamId]) {
        let known = streams.iter().filter_map(|id| Some((*id, self.streams.get(id.0)?.as_ref()?)));
        let asks: Vec<(StreamId, &W::Ask)> = known.map(|(id, stream)| (id, &stream.ask)).collect();
        tracing::debug!(link = link.0, streams = ?asks, "subscribing");
        let mut texts = Vec::new();
        self.wire.subscribe(link, &asks, &mut texts);
        for text in texts {
            self.line.send(link, text);
        }
    }

    /// Streams that nobody reads any more are given up.
    fn sweep(&mut self) {
        for index in 0..self.streams.len() {
            let Some(place) = self.streams.get_mut(index) else { return };
            let Some(stream) = place else { continue };
            let (key, audience) = (stream.key, stream.feed.audience_mut());
            if audience.sweep()
                && let Some(seen) = self.line.view.lock().streams.get_mut(&key)
            {
                seen.subscriptions = audience.subscriptions().collect();
            }
            if audience.is_empty()
                && let Some(stream) = place.take()
            {
                self.by_key.remove(&key);
                self.later.retain(|(_, other, _)| other.0 != index);
                self.line.view.lock().streams.remove(&key);
                self.line.session.remove_stream(StreamId(index));
                tracing::debug!(stream = ?stream.ask, "unsubscribing");
                let text = self.wire.unsubscribe(&stream.ask);
                if let Some(link) = self.line.standing {
                    self.line.send(link, text);
                }
            }
        }
    }

    /// Lets a stream do something, and sees to what it needs.
    fn with_feed(&mut self, stream: StreamId, work: impl FnOnce(&mut W::Feed, &mut Moment<'_, W>)) {
        let Some(Some(known)) = self.streams.get_mut(stream.0) else { return };
        let mut errands = core::mem::take(&mut self.errands);
        let (at, wall) = (self.line.clock.monotonic(), self.line.clock.wall());
        let mut seen = self.line.view.lock();
        let (wire, key) = (&mut self.wire, known.key);
        let mut moment = Moment { at, wall, seen: &mut seen, wire, errands: &mut errands };
        work(&mut known.feed, &mut moment);
        let has_gaps = moment.seen.gaps > 0;
        let symbol = moment.wire.symbol(key).filter(|_| has_gaps).map(Label::new);
        drop(seen);
        if has_gaps {
            self.line.tell_gaps(symbol.as_ref().map(Label::as_str));
        }
        for errand in errands.drain(..) {
            match errand.failures {
                0 => self.run_errand(stream, errand),
                failures => {
                    self.later.push((at.after(self.line.pause_after(failures)), stream, errand));
                }
            }
        }
        self.errands = errands;
    }

    fn run_errand(&mut self, stream: StreamId, errand: Errand<W::Job>) {
        let Some(Some(known)) = self.streams.get(stream.0) else { return };
        let Errand { job, failures } = &errand;
        tracing::debug!(stream = ?known.ask, ?job, failures, "fetching what is missing");
        if W::is_subscription(errand.job) {
            if let Some(link) = self.line.standing {
                self.subscribe(link, &[stream]);
            }
        } else if let Some(question) = self.wire.question(known.key, errand.job) {
            let answers = self.answers.0.clone();
            self.runtime.spawn(async move {
                let body = question.await;
                // A driver that is gone needs no answer.
                let _gone = answers.send(Answer { stream, errand, body }).await;
            });
        }
    }

    fn show(&mut self) {
        let passed = self.wire.passed();
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
        self.streams.iter().flatten().for_each(|stream| stream.feed.audience().end());
        self.show();
    }
}

/// When the venue says that it happened.
const fn sent_at(news: &MarketNews) -> Option<Timestamp> {
    match news {
        MarketNews::Event(sighting) => sighting.at,
        MarketNews::Ticker(ticker) => ticker.at,
        _ => None,
    }
}
