use core::time::Duration;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::session_config::SessionConfig;
use super::session_parts::{Link, Phase, Stream};
use super::session_state::{SessionCounts, SessionState};
use crate::types::Timestamp;

/// The life of one venue connection and its streams, without the connection.
///
/// It says when to connect, subscribe, ping and give up, waits longer after each failure (with
/// full jitter, and a budget of attempts), treats silence as loss, moves to a new connection
/// before the venue cuts the old one, and asks for polling after repeated failure. The set of
/// streams is its own data: after every connection all of them are subscribed and acknowledged
/// anew. Chance comes in as a number: `chance` is drawn evenly from all of `u64`.
///
/// ```
/// use tradewright::types::Timestamp;
/// use tradewright::venue::{Session, SessionAction, SessionConfig, SessionState, StreamId};
///
/// let at = |seconds: i64| Timestamp::from_secs(1_700_000_000 + seconds).unwrap();
/// let mut session = Session::new(SessionConfig::default());
/// let mut actions = Vec::new();
/// let book = session.add_stream();
///
/// session.open(at(0), &mut actions);
/// let Some(&SessionAction::Connect(link)) = actions.last() else { panic!() };
/// session.on_connected(at(1), link, &mut actions);
/// assert_eq!(actions.last(), Some(&SessionAction::Subscribe(link, vec![book])));
/// session.on_acknowledged(at(1), link, book, &mut actions);
/// assert_eq!(session.state(), SessionState::Live);
///
/// // A minute without a byte: the connection is dead, whatever the socket says.
/// session.on_time(at(61), 0, &mut actions);
/// assert_eq!(session.state(), SessionState::Reconnecting);
/// ```
#[derive(Clone, Debug)]
pub struct Session {
    config: SessionConfig,
    streams: Vec<Stream>,
    phase: Phase,
    /// The connection that serves, and the one that is being made.
    current: Option<Link>,
    next: Option<Link>,
    last_link: u64,
    retry_at: Option<Timestamp>,
    failures: u32,
    /// Times of the last attempts, the oldest first.
    attempts: VecDeque<Timestamp>,
    is_polling: bool,
    counts: SessionCounts,
}

/// Names one connection of a [`Session`]; later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LinkId(pub u64);

/// Names one stream of a [`Session`], from 0 in the order in which they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamId(pub usize);

/// What a [`Session`] asks of its driver.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionAction {
    /// Open a connection under this name.
    Connect(LinkId),
    /// Subscribe these streams, in one message where the venue allows it.
    Subscribe(LinkId, Vec<StreamId>),
    /// Send a ping of our own.
    Ping(LinkId),
    /// Close the connection; nothing of it is wanted any more.
    Close(LinkId),
    /// The stream is current from now on: reconcile, then start what depends on it.
    Started(StreamId),
    /// Nothing of this stream is to be trusted until it is started again.
    Lost(StreamId),
    /// Ask by HTTP for what the streams would say.
    StartPolling,
    /// The streams are back.
    StopPolling,
}

impl Session {
    /// A session that is idle until [`Session::open`].
    pub fn new(config: SessionConfig) -> Self {
        Self {
            config,
            streams: Vec::new(),
            phase: Phase::Idle,
            current: None,
            next: None,
            last_link: 0,
            retry_at: None,
            failures: 0,
            attempts: VecDeque::new(),
            is_polling: false,
            counts: SessionCounts::default(),
        }
    }

    /// Adds a stream with the silence of the configuration. One that is added to a session that
    /// is connected is subscribed at the next [`Session::on_time`], which is due at once.
    pub fn add_stream(&mut self) -> StreamId {
        self.push_stream(Some(self.config.most_silent))
    }

    /// Adds a stream that may be silent for ever: own orders, a market that is hardly traded.
    pub fn add_quiet_stream(&mut self) -> StreamId {
        self.push_stream(None)
    }

    /// Gives a stream up: it is not subscribed, watched or lost any more. Its name is not used
    /// again.
    pub fn remove_stream(&mut self, stream: StreamId) {
        if let Some(known) = self.streams.get_mut(stream.0) {
            *known = Stream { is_removed: true, ..Stream::default() };
        }
    }

    fn push_stream(&mut self, most_silent: Option<Duration>) -> StreamId {
        self.streams.push(Stream { most_silent, ..Stream::default() });
        StreamId(self.streams.len().saturating_sub(1))
    }

    /// Makes the first connection. A session that is open already stays as it is.
    pub fn open(&mut self, at: Timestamp, out: &mut Vec<SessionAction>) {
        if self.phase != Phase::Open {
            self.phase = Phase::Open;
            self.connect(at, 0, out);
        }
    }

    /// Closes all connections, for good.
    pub fn close(&mut self, out: &mut Vec<SessionAction>) {
        self.phase = Phase::Closed;
        self.retry_at = None;
        let links = [self.current.take(), self.next.take()];
        out.extend(links.into_iter().flatten().map(|link| SessionAction::Close(link.id)));
        self.lose_streams(out);
        self.stop_polling(out);
    }

    /// The connection stands: all streams are subscribed on it.
    pub fn on_connected(&mut self, at: Timestamp, id: LinkId, out: &mut Vec<SessionAction>) {
        let rotate_after = self.config.rotate_after;
        let Some(link) = self.link_mut(id) else { return };
        (link.connected, link.heard, link.pinged) = (Some(at), at, at);
        link.rotate_at = at.after(rotate_after);
        let is_wanted = |id: &StreamId| self.streams.get(id.0).is_some_and(|s| !s.is_removed);
        let all: Vec<StreamId> = (0..self.streams.len()).map(StreamId).filter(is_wanted).collect();
        for stream in &mut self.streams {
            stream.asked = at;
        }
        if all.is_empty() {
            return self.promote(id, out);
        }
        out.push(SessionAction::Subscribe(id, all));
    }

    /// A stream is acknowledged on a connection. When all are, the connection serves, and one
    /// that served before is closed.
    pub fn on_acknowledged(
        &mut self,
        at: Timestamp,
        id: LinkId,
        stream: StreamId,
        out: &mut Vec<SessionAction>,
    ) {
        self.on_bytes(at, id);
        if self.link_mut(id).is_none() {
            return;
        }
        let serves = self.current.is_some_and(|link| link.id == id);
        let Some(known) = self.stream_mut(stream) else { return };
        (known.acknowledged, known.heard) = (Some(id), at);
        // It was added, or refused at first, when the connection served already.
        if serves && !known.is_started && !known.is_silent {
            known.is_started = true;
            out.push(SessionAction::Started(stream));
        }
        let mut wanted = self.streams.iter().filter(|stream| !stream.is_removed);
        if wanted.all(|stream| stream.acknowledged == Some(id)) {
            self.promote(id, out);
        }
    }

    /// The venue has refused a subscription: this stream alone is asked for again, after the
    /// time-out of acknowledgements.
    pub fn on_subscription_refused(&mut self, at: Timestamp, id: LinkId, stream: StreamId) {
        self.on_bytes(at, id);
        if let Some(known) = self.stream_mut(stream) {
            (known.acknowledged, known.asked) = (None, at);
        }
    }

    /// Anything came in: a frame, a ping, a pong. The connection is alive.
    pub fn on_bytes(&mut self, at: Timestamp, id: LinkId) {
        if let Some(link) = self.link_mut(id) {
            link.heard = link.heard.max(at);
        }
    }

    /// Data of a stream came in. Returns whether they are to be used: data of a connection that
    /// does not serve (any more) are not.
    pub fn on_data(
        &mut self,
        at: Timestamp,
        id: LinkId,
        stream: StreamId,
        out: &mut Vec<SessionAction>,
    ) -> bool {
        self.on_bytes(at, id);
        let serves = self.current.is_some_and(|link| link.id == id);
        let Some(known) = self.stream_mut(stream).filter(|_| serves) else { return false };
        known.heard = known.heard.max(at);
        if known.is_silent {
            known.is_silent = false;
            known.is_started = true;
            out.push(SessionAction::Started(stream));
        }
        known.is_started
    }

    /// A connection is lost, or was never made.
    pub fn on_closed(
        &mut self,
        at: Timestamp,
        id: LinkId,
        chance: u64,
        out: &mut Vec<SessionAction>,
    ) {
        if self.next.is_some_and(|link| link.id == id) {
            self.next = None;
        } else if self.current.is_some_and(|link| link.id == id) {
            self.current = None;
            self.lose_streams(out);
        } else {
            return;
        }
        self.counts.failures += 1;
        self.failures = self.failures.saturating_add(1);
        if self.failures >= self.config.failures_to_poll && self.current.is_none() {
            self.start_polling(out);
        }
        if self.next.is_none() {
            self.retry_at = Some(at.after(self.config.pause_after(self.failures, chance)));
        }
    }

    /// The venue says that it will go away (`serverShutdown`, close code 1012 to come): another
    /// connection is made at once, and this one serves until the other delivers.
    pub fn on_shutdown_notice(&mut self, at: Timestamp, out: &mut Vec<SessionAction>) {
        if self.current.is_some() && self.next.is_none() {
            self.connect(at, 0, out);
        }
    }

    /// Does what is due.
    pub fn on_time(&mut self, at: Timestamp, chance: u64, out: &mut Vec<SessionAction>) {
        if self.phase != Phase::Open {
            return;
        }
        for link in [self.current, self.next].into_iter().flatten() {
            self.watch(at, link, chance, out);
        }
        self.watch_streams(at, out);
        if self.retry_at.is_some_and(|due| due <= at) {
            self.connect(at, chance, out);
        }
    }

    /// When [`Session::on_time`] has something to do.
    pub fn deadline(&self) -> Option<Timestamp> {
        if self.phase != Phase::Open {
            return None;
        }
        let links = [self.current, self.next].into_iter().flatten();
        let links = links.flat_map(|link| {
            let dead = link.dead_at(&self.config);
            let rotate = if self.next.is_none() { link.rotate_at } else { Timestamp::MAX };
            [dead, rotate.min(self.ping_at(&link))]
        });
        let silent = self.streams.iter().filter_map(|stream| self.silent_at(stream));
        let refused = self.streams.iter().filter_map(|stream| self.ask_again_at(stream));
        links.chain(silent).chain(refused).chain(self.retry_at).min()
    }

    /// Where it stands.
    pub fn state(&self) -> SessionState {
        match (self.phase, self.current) {
            (Phase::Idle, _) => SessionState::Idle,
            (Phase::Closed, _) => SessionState::Closed,
            (Phase::Open, Some(_)) if self.streams.iter().any(|stream| stream.is_silent) => {
                SessionState::Stale
            }
            (Phase::Open, Some(_)) => SessionState::Live,
            (Phase::Open, None) if self.is_polling => SessionState::Polling,
            (Phase::Open, None) if self.next.is_some_and(|link| link.connected.is_some()) => {
                SessionState::Subscribing
            }
            (Phase::Open, None) if self.counts.failures == 0 => SessionState::Connecting,
            (Phase::Open, None) => SessionState::Reconnecting,
        }
    }

    /// What was seen since it was made.
    pub const fn counts(&self) -> &SessionCounts {
        &self.counts
    }

    /// Asks for a connection, or waits until the budget of attempts allows one.
    fn connect(&mut self, at: Timestamp, chance: u64, out: &mut Vec<SessionAction>) {
        self.retry_at = None;
        let since = at.before(self.config.attempts_span);
        while self.attempts.front().is_some_and(|time| *time <= since) {
            self.attempts.pop_front();
        }
        if self.attempts.len() >= self.config.most_attempts.max(1) {
            let free = self.attempts.front().map(|time| time.after(self.config.attempts_span));
            let pause = self.config.pause_after(self.failures, chance);
            self.retry_at = Some(free.unwrap_or(at).max(at.after(pause)));
            return;
        }
        self.attempts.push_back(at);
        self.counts.attempts += 1;
        self.last_link += 1;
        let id = LinkId(self.last_link);
        let rotate_at = Timestamp::MAX;
        self.next = Some(Link { id, asked: at, connected: None, heard: at, pinged: at, rotate_at });
        out.push(SessionAction::Connect(id));
    }

    /// The new connection serves from now on.
    fn promote(&mut self, id: LinkId, out: &mut Vec<SessionAction>) {
        let Some(link) = self.next.take_if(|link| link.id == id) else { return };
        if let Some(old) = self.current.replace(link) {
            self.counts.rotations += 1;
            self.lose_streams(out);
            out.push(SessionAction::Close(old.id));
        }
        for (index, stream) in self.streams.iter_mut().enumerate() {
            if !stream.is_removed {
                (stream.is_started, stream.is_silent) = (true, false);
                out.push(SessionAction::Started(StreamId(index)));
            }
        }
        self.stop_polling(out);
    }

    /// What one connection needs: a ping, its end, its successor.
    fn watch(&mut self, at: Timestamp, link: Link, chance: u64, out: &mut Vec<SessionAction>) {
        if link.dead_at(&self.config) <= at {
            out.push(SessionAction::Close(link.id));
            return self.on_closed(at, link.id, chance, out);
        }
        if self.ping_at(&link) <= at
            && let Some(own) = self.link_mut(link.id)
        {
            own.pinged = at;
            out.push(SessionAction::Ping(link.id));
        }
        let is_stable = link.connected.is_some_and(|c| c.after(self.config.stable_after) <= at);
        if is_stable && self.current.is_some_and(|current| current.id == link.id) {
            self.failures = 0;
        }
        if link.rotate_at <= at && self.next.is_none() && self.retry_at.is_none() {
            self.connect(at, chance, out);
        }
    }

    /// Streams that are silent for too long, and those that were not acknowledged.
    fn watch_streams(&mut self, at: Timestamp, out: &mut Vec<SessionAction>) {
        for index in 0..self.streams.len() {
            let Some(stream) = self.streams.get(index).copied() else { return };
            let is_silent = self.silent_at(&stream).is_some_and(|due| due <= at);
            let is_open = self.ask_again_at(&stream).is_some_and(|due| due <= at);
            let serving = self.next.filter(|link| link.connected.is_some()).or(self.current);
            let Some(known) = self.streams.get_mut(index) else { return };
            if is_silent {
                (known.is_silent, known.is_started) = (true, false);
                // Subscribed anew, without a new connection: quiet markets cause no storms.
                known.asked = at;
                self.counts.silences += 1;
                out.push(SessionAction::Lost(StreamId(index)));
            }
            if let Some(link) = serving.filter(|_| is_silent || is_open) {
                known.asked = at;
                out.push(SessionAction::Subscribe(link.id, vec![StreamId(index)]));
            }
        }
    }

    fn lose_streams(&mut self, out: &mut Vec<SessionAction>) {
        for (index, stream) in self.streams.iter_mut().enumerate() {
            if stream.is_started {
                out.push(SessionAction::Lost(StreamId(index)));
            }
            (stream.is_started, stream.is_silent) = (false, false);
        }
    }

    fn start_polling(&mut self, out: &mut Vec<SessionAction>) {
        if !self.is_polling {
            self.is_polling = true;
            out.push(SessionAction::StartPolling);
        }
    }

    fn stop_polling(&mut self, out: &mut Vec<SessionAction>) {
        if self.is_polling {
            self.is_polling = false;
            out.push(SessionAction::StopPolling);
        }
    }

    /// A stream that is wanted.
    fn stream_mut(&mut self, id: StreamId) -> Option<&mut Stream> {
        self.streams.get_mut(id.0).filter(|stream| !stream.is_removed)
    }

    fn link_mut(&mut self, id: LinkId) -> Option<&mut Link> {
        self.current.iter_mut().chain(&mut self.next).find(|link| link.id == id)
    }

    fn ping_at(&self, link: &Link) -> Timestamp {
        match link.connected {
            Some(_) => link.pinged.after(self.config.ping_every),
            None => Timestamp::MAX,
        }
    }

    /// When a stream that is served counts as silent.
    fn silent_at(&self, stream: &Stream) -> Option<Timestamp> {
        let most = stream.most_silent.filter(|_| stream.is_started && self.current.is_some())?;
        Some(stream.heard.after(most))
    }

    /// When a subscription without an acknowledgement is repeated.
    fn ask_again_at(&self, stream: &Stream) -> Option<Timestamp> {
        let link = self.next.filter(|link| link.connected.is_some()).or(self.current)?;
        let is_open = stream.acknowledged != Some(link.id) || stream.is_silent;
        (is_open && !stream.is_removed).then(|| stream.asked.after(self.config.acknowledge_within))
    }
}
