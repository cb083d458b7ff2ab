//! What the driver of a connection shows to whoever looks on.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::types::Timestamp;
use crate::venue::{ConnectionCounts, DataQuality, SessionState, Subscription};

/// The part of a driver that others may read; `K` names its streams.
#[derive(Debug)]
pub(super) struct View<K> {
    inner: Mutex<Seen<K>>,
}

#[derive(Debug)]
pub(super) struct Seen<K> {
    pub(super) state: SessionState,
    pub(super) counts: ConnectionCounts,
    pub(super) streams: BTreeMap<K, StreamSeen>,
    /// Gaps that nobody was told of yet.
    pub(super) gaps: u64,
}

/// What was seen of one stream.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamSeen {
    pub(super) subscriptions: Vec<Subscription>,
    heard: Option<Timestamp>,
    messages: u64,
    /// The minute that is counted, by our monotonic clock, with its count and that of the minute
    /// before.
    minute: i64,
    now: u64,
    before: u64,
    gaps: u64,
    delay_nanos: Option<i64>,
}

const MINUTE: i64 = 60_000_000_000;

impl<K: Ord> View<K> {
    pub(super) fn new() -> Self {
        let counts = ConnectionCounts::default();
        let (state, streams) = (SessionState::Idle, BTreeMap::new());
        let seen = Seen { state, counts, streams, gaps: 0 };
        Self { inner: Mutex::new(seen) }
    }

    /// Nothing that holds the lock can panic half-way, so what it guards is sound.
    pub(super) fn lock(&self) -> MutexGuard<'_, Seen<K>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn quality(&self, at: Timestamp, out: &mut Vec<DataQuality>) {
        for stream in self.lock().streams.values() {
            out.extend(stream.subscriptions.iter().map(|one| stream.quality(at, *one)));
        }
    }
}

impl<K: Ord> Seen<K> {
    /// Gaps were found in what a stream says.
    pub(super) fn count_gaps(&mut self, key: &K, gaps: u64) {
        if let Some(stream) = self.streams.get_mut(key) {
            stream.gaps += gaps;
        }
        self.gaps += gaps;
    }
}

impl StreamSeen {
    /// A message has come; its way took so long, where that is known.
    pub(super) fn heard(&mut self, at: Timestamp, delay_nanos: Option<i64>) {
        self.turn(at);
        self.heard = Some(at);
        self.messages += 1;
        self.now += 1;
        self.delay_nanos = delay_nanos.or(self.delay_nanos);
    }

    fn turn(&mut self, at: Timestamp) {
        let minute = at.nanos().div_euclid(MINUTE);
        if minute > self.minute {
            self.before = if minute == self.minute + 1 { self.now } else { 0 };
            (self.minute, self.now) = (minute, 0);
        }
    }

    fn quality(&self, at: Timestamp, subscription: Subscription) -> DataQuality {
        let mut turned = self.clone();
        turned.turn(at);
        // The last minute lies partly in the one before: that part counts in proportion.
        let gone = at.nanos().rem_euclid(MINUTE) as f64 / MINUTE as f64;
        let rate = (turned.now as f64 + turned.before as f64 * (1.0 - gone)) / 60.0;
        DataQuality {
            subscription,
            age: self.heard.map(|heard| at.since(heard)),
            stale_after: subscription.channel.stale_after().max(Duration::from_secs(5)),
            messages: self.messages,
            rate,
            gaps: self.gaps,
            delay_nanos: self.delay_nanos,
        }
    }
}

/// The state that is worst off, for the state of the whole.
pub(super) fn worst(states: impl Iterator<Item = SessionState>) -> SessionState {
    let badness = |state: &SessionState| match state {
        SessionState::Closed => 0,
        SessionState::Live => 1,
        SessionState::Stale => 2,
        SessionState::Idle => 3,
        SessionState::Subscribing => 4,
        SessionState::Connecting => 5,
        SessionState::Polling => 6,
        SessionState::Reconnecting => 7,
    };
    states.max_by_key(badness).unwrap_or(SessionState::Idle)
}

/// The sums of two connections' counts.
pub(super) fn sum(a: ConnectionCounts, b: ConnectionCounts) -> ConnectionCounts {
    ConnectionCounts {
        connections: a.connections + b.connections,
        attempts: a.attempts + b.attempts,
        failures: a.failures + b.failures,
        rotations: a.rotations + b.rotations,
        silences: a.silences + b.silences,
        frames: a.frames + b.frames,
        bytes: a.bytes + b.bytes,
        unreadable: a.unreadable + b.unreadable,
        unknown: a.unknown + b.unknown,
        foreign: a.foreign + b.foreign,
        book_gaps: a.book_gaps + b.book_gaps,
        repeated_trades: a.repeated_trades + b.repeated_trades,
        missed_trades: a.missed_trades + b.missed_trades,
        sent: a.sent + b.sent,
        replaced: a.replaced + b.replaced,
        dropped: a.dropped + b.dropped,
        polls: a.polls + b.polls,
    }
}
