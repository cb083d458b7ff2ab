use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::live::chance;
use crate::live::net::{Endpoint, LinkEvent, Links, SocketConfig};
use crate::live::quality::View;
use crate::live::watch::ExchangeWatch;
use crate::metrics::EdgeQueue;
use crate::types::Timestamp;
use crate::venue::{
    Clock, LinkId, Session, SessionAction, SessionConfig, SessionCounts, SessionState,
};

/// The connections of one session with what others see of them: all of a driver that does not hang
/// on what its venue says. `K` names streams.
pub(in crate::live) struct Line<K> {
    pub(in crate::live) clock: Arc<dyn Clock>,
    pub(in crate::live) watch: ExchangeWatch,
    pub(in crate::live) view: Arc<View<K>>,
    pub(in crate::live) session: Session,
    pub(in crate::live) links: Links,
    pub(in crate::live) events: mpsc::Receiver<(LinkId, LinkEvent)>,
    /// What the session asks for.
    pub(in crate::live) actions: Vec<SessionAction>,
    /// The connection that has stood last.
    pub(in crate::live) standing: Option<LinkId>,
    on_state: Box<dyn Fn() + Send + Sync>,
    pauses: SessionConfig,
    /// How many events waited, as it was told last.
    told: usize,
    /// Since when no stream that should speak has.
    mute_since: Option<Timestamp>,
}

/// How long what was received may take to be told when all is closed.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);

/// What waited is gone with it.
impl<K> Drop for Line<K> {
    fn drop(&mut self) {
        self.watch.queue(EdgeQueue::Frames, &mut self.told, 0);
    }
}

impl<K: Ord> Line<K> {
    /// Connections of one age do not move at one time: a move comes earlier by a part of the
    /// jitter, evenly drawn.
    pub(in crate::live) fn new(
        (mut session, jitter): (SessionConfig, Duration),
        socket: SocketConfig,
        (clock, runtime): (Arc<dyn Clock>, Handle),
        (view, on_state): (Arc<View<K>>, Box<dyn Fn() + Send + Sync>),
    ) -> Self {
        session.rotate_after = session.rotate_after.saturating_sub(chance::share(jitter));
        let watch = socket.watch.clone();
        let (links, events) = Links::new(socket, Arc::clone(&clock), runtime);
        Self {
            clock,
            watch,
            view,
            session: Session::new(session),
            links,
            events,
            actions: Vec::new(),
            standing: None,
            on_state,
            pauses: session,
            told: 0,
            mute_since: None,
        }
    }

    /// When [`Line::on_time`] or [`Line::watch_mute`] has something to do.
    pub(in crate::live) fn deadline(&self, mute_after: Duration) -> Option<Timestamp> {
        let mute = self.mute_since.map(|since| since.after(mute_after));
        self.session.deadline().into_iter().chain(mute).min()
    }

    pub(in crate::live) fn on_time(&mut self, at: Timestamp) {
        if self.session.deadline().is_some_and(|due| due <= at) {
            self.session.on_time(at, chance::draw(), &mut self.actions);
        }
    }

    /// Opens a connection to an address and a path, or tells why it may not be tried.
    pub(in crate::live) fn open(&mut self, link: LinkId, to: Result<(Endpoint, String), String>) {
        match to {
            Ok((endpoint, path)) => self.links.open(link, endpoint, path),
            Err(reason) => {
                tracing::warn!(link = link.0, reason, "no connection may be tried");
                self.links.refuse(link, &reason);
            }
        }
    }

    /// Takes what a connection tells, messages apart.
    pub(in crate::live) fn on_event(&mut self, at: Timestamp, link: LinkId, event: &LinkEvent) {
        match event {
            LinkEvent::Connected => {
                self.standing = Some(link);
                self.session.on_connected(at, link, &mut self.actions);
            }
            LinkEvent::Heard | LinkEvent::Text(_) => self.session.on_bytes(at, link),
            LinkEvent::Closed(_reason) => {
                self.links.forget(link);
                if self.standing == Some(link) {
                    self.standing = None;
                }
                self.session.on_closed(at, link, chance::draw(), &mut self.actions);
            }
        }
    }

    /// How long to wait before a question is asked again that has failed so often in a row.
    pub(in crate::live) fn pause_after(&self, failures: u32) -> Duration {
        self.pauses.pause_after(failures, chance::draw())
    }

    /// Counts a message that was read, or was not.
    pub(in crate::live) fn count_frame(&self, bytes: &[u8], is_read: bool) {
        let mut seen = self.view.lock();
        seen.counts.frames += 1;
        seen.counts.bytes += bytes.len() as u64;
        seen.counts.unreadable += u64::from(!is_read);
        let unreadable = seen.counts.unreadable;
        drop(seen);
        // A venue whose messages have changed sends many of them: the count doubles until the next
        // word of it.
        if !is_read && unreadable.is_power_of_two() {
            tracing::warn!(unreadable, "messages cannot be read");
        }
    }

    /// A stream has said something; the venue says when that was sent, or does not.
    pub(in crate::live) fn note_heard(&self, at: Timestamp, key: K, sent: Option<Timestamp>) {
        let wall = self.clock.wall();
        if let Some(stream) = self.view.lock().streams.get_mut(&key) {
            stream.heard(at, sent.map(|sent| wall.nanos().saturating_sub(sent.nanos())));
        }
    }

    /// Tells of the gaps that were found in an instrument's data since the last look.
    pub(in crate::live) fn tell_gaps(&self, symbol: Option<&str>) {
        let gaps = core::mem::take(&mut self.view.lock().gaps);
        if gaps > 0 {
            tracing::warn!(symbol, gaps, "data are missing");
            self.watch.gaps(symbol, gaps);
        }
    }

    /// Gives the connection up on which nothing speaks that should, though pings are answered; true
    /// when it did. Of each stream that should speak it is told whether it is current.
    pub(in crate::live) fn watch_mute(
        &mut self,
        at: Timestamp,
        after: Duration,
        loud: impl Iterator<Item = bool>,
    ) -> bool {
        let mut loud = loud.peekable();
        let is_stale = self.session.state() == SessionState::Stale;
        let is_mute = is_stale && loud.peek().is_some() && loud.all(|is_started| !is_started);
        if !is_mute {
            self.mute_since = None;
            return false;
        }
        let since = *self.mute_since.get_or_insert(at);
        let gives_up = since.after(after) <= at && self.give_up(at);
        if gives_up {
            tracing::warn!("nothing speaks that should: the connection is given up");
            self.mute_since = None;
        }
        gives_up
    }

    /// Closes the connection that stands, as if it were lost; true when there was one.
    pub(in crate::live) fn give_up(&mut self, at: Timestamp) -> bool {
        let Some(link) = self.standing.take() else { return false };
        self.links.close(link);
        self.session.on_closed(at, link, chance::draw(), &mut self.actions);
        true
    }

    pub(in crate::live) fn send(&self, link: LinkId, text: String) {
        self.count_sent(self.links.send(link, text));
    }

    pub(in crate::live) fn ping(&self, link: LinkId) {
        self.count_sent(self.links.ping(link));
    }

    fn count_sent(&self, was_sent: bool) {
        self.view.lock().counts.sent += u64::from(was_sent);
    }

    /// Shows where it stands to whoever looks on, with the messages of an unknown kind and those of
    /// streams that nobody asked for.
    pub(in crate::live) fn show(&mut self, (unknown, foreign): (u64, u64)) {
        let SessionCounts { attempts, failures, rotations, silences } = *self.session.counts();
        let state = self.session.state();
        let mut seen = self.view.lock();
        let counts = &mut seen.counts;
        (counts.attempts, counts.failures) = (attempts, failures);
        (counts.rotations, counts.silences) = (rotations, silences);
        (counts.unknown, counts.foreign) = (unknown, foreign);
        counts.connections = u64::from(self.standing.is_some());
        let before = core::mem::replace(&mut seen.state, state);
        drop(seen);
        if before != state {
            log_state(before, state);
            (self.on_state)();
        }
        self.watch.queue(EdgeQueue::Frames, &mut self.told, self.events.len());
    }

    /// No connection is kept from here on; the answer is by when the last word has to be in.
    pub(in crate::live) fn begin_close(&mut self) -> Timestamp {
        self.links.close_all();
        self.clock.monotonic().after(CLOSE_WITHIN)
    }

    /// The next message that connections still bring which are being closed.
    pub(in crate::live) async fn last_words(&mut self, by: Timestamp) -> Option<(LinkId, Bytes)> {
        while self.standing.is_some() {
            tokio::select! {
                Some((link, event)) = self.events.recv() => match event {
                    LinkEvent::Text(bytes) => {
                        self.session.on_bytes(self.clock.monotonic(), link);
                        return Some((link, bytes));
                    }
                    LinkEvent::Closed(_) if self.standing == Some(link) => self.standing = None,
                    LinkEvent::Closed(_) | LinkEvent::Connected | LinkEvent::Heard => {}
                },
                () = self.clock.sleep_until(by) => return None,
            }
        }
        None
    }
}

fn log_state(before: SessionState, state: SessionState) {
    match state {
        SessionState::Live | SessionState::Closed => {
            tracing::info!(?before, ?state, "market data");
        }
        SessionState::Stale | SessionState::Reconnecting | SessionState::Polling => {
            tracing::warn!(?before, ?state, "market data");
        }
        SessionState::Idle | SessionState::Connecting | SessionState::Subscribing => {
            tracing::debug!(?before, ?state, "market data");
        }
    }
}
