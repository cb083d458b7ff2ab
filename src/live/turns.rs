use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};

use crate::live::watch::ExchangeWatch;
use crate::metrics::EdgeQueue;
use crate::types::Timestamp;
use crate::venue::{
    Clock, ClockOffset, Cost, ExchangeError, RateBudget, RequestQueue, Throttled, Urgency,
};

/// The one way of all requests to a venue: each waits for its turn in the venue's budget, which
/// goes by the venue's clock, and the word of a ban stops everything.
pub(super) struct Turns {
    clock: Arc<dyn Clock>,
    watch: ExchangeWatch,
    state: Mutex<State>,
    pub(super) wake: Arc<Notify>,
}

pub(super) struct State {
    pub(super) queue: RequestQueue<oneshot::Sender<()>>,
    pub(super) offset: ClockOffset,
    /// How many requests wait, as it was told last.
    told: usize,
}

/// Requests of one urgency that wait for their turn.
const MOST_WAITING: usize = 4_096;

impl Turns {
    /// Lets requests go until it is dropped.
    pub(super) fn start(
        runtime: &Handle,
        clock: &Arc<dyn Clock>,
        watch: &ExchangeWatch,
        budget: RateBudget,
    ) -> Arc<Self> {
        let queue = RequestQueue::new(budget, MOST_WAITING);
        let state = State { queue, offset: ClockOffset::default(), told: 0 };
        let turns = Arc::new(Self {
            clock: Arc::clone(clock),
            watch: watch.clone(),
            state: Mutex::new(state),
            wake: Arc::new(Notify::new()),
        });
        runtime.spawn(pump(Arc::downgrade(&turns), Arc::clone(&turns.wake)));
        turns
    }

    /// Waits until the budget lets a request leave, at most so long, and pays for it.
    pub(super) async fn turn(
        &self,
        urgency: Urgency,
        cost: Cost,
        patience: Duration,
    ) -> Result<(), ExchangeError> {
        self.check()?;
        let (go, went) = oneshot::channel();
        let is_full = {
            let mut state = self.lock();
            let is_full = state.queue.push(urgency, cost, go).is_err();
            self.tell_queue(&mut state);
            is_full
        };
        if is_full {
            let message = format!("{MOST_WAITING} requests wait already");
            return Err(ExchangeError::Unavailable { code: 0, message });
        }
        self.wake.notify_one();
        let overdue = self.clock.sleep_until(self.clock.monotonic().after(patience));
        tokio::select! {
            biased;
            turn = went => turn.map_err(|_| ExchangeError::Closed),
            () = overdue => {
                let next = self.lock().queue.deadline();
                let until = next.map(|next| self.by_our_clock(next));
                let until = until.unwrap_or_else(|| self.clock.wall());
                Err(ExchangeError::Throttled { until })
            }
        }
    }

    /// Nothing may be sent during a ban, also one that was told while a request waited.
    ///
    /// # Errors
    /// [`ExchangeError::Throttled`].
    pub(super) fn check(&self) -> Result<(), ExchangeError> {
        match self.blocked_until() {
            Some(until) => Err(ExchangeError::Throttled { until }),
            None => Ok(()),
        }
    }

    /// Until when nothing may be sent, by our wall clock, where the venue has said so.
    pub(super) fn blocked_until(&self) -> Option<Timestamp> {
        let venue_now = self.venue_now();
        let until = self.lock().queue.budget_mut().blocked_until(venue_now)?;
        Some(self.by_our_clock(until))
    }

    /// The venue has said that there were too many requests.
    pub(super) fn on_throttled(&self, throttled: Throttled) -> Timestamp {
        let at = self.venue_now();
        let mut state = self.lock();
        state.queue.budget_mut().on_throttled(at, throttled);
        let until = state.queue.budget_mut().blocked_until(at).unwrap_or(at);
        drop(state);
        let until = self.by_our_clock(until);
        let (venue, is_ban) = (self.watch.exchange.as_str(), throttled.is_ban);
        tracing::warn!(venue, is_ban, %until, "too many requests: nothing is sent until then");
        until
    }

    /// Tells whoever looks on how much of the budget is used.
    pub(super) fn tell_used(&self) {
        let at = self.venue_now();
        let ratio = self.lock().queue.budget_mut().used_ratio(at);
        self.watch.budget(ratio);
    }

    /// The time at the venue, as far as we know.
    pub(super) fn venue_now(&self) -> Timestamp {
        self.lock().offset.venue_time(self.clock.wall())
    }

    fn by_our_clock(&self, venue: Timestamp) -> Timestamp {
        let offset = self.lock().offset.nanos().unwrap_or(0);
        Timestamp::from_nanos(venue.nanos().saturating_sub(offset))
    }

    /// Lets go what fits; how long until the next may fit.
    fn release(&self) -> Option<Duration> {
        let mut state = self.lock();
        let at = state.offset.venue_time(self.clock.wall());
        state.queue.retain(|go| !go.is_closed());
        while let Some(go) = state.queue.next(at) {
            // Whoever has stopped waiting has paid for nothing; the window ends that.
            let _gone = go.send(());
        }
        self.tell_queue(&mut state);
        state.queue.deadline().map(|due| due.since(at).max(Duration::from_millis(1)))
    }

    fn tell_queue(&self, state: &mut State) {
        let waits = state.queue.len();
        self.watch.queue(EdgeQueue::Requests, &mut state.told, waits);
    }

    /// Nothing that holds the lock can panic half-way, so what it guards is sound.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        self.watch.queue(EdgeQueue::Requests, &mut self.lock().told, 0);
        self.wake.notify_one();
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Turns").field("watch", &self.watch).finish_non_exhaustive()
    }
}

/// Lets requests go as the budget allows, until nobody is left who could send one.
async fn pump(turns: Weak<Turns>, wake: Arc<Notify>) {
    loop {
        let Some(alive) = turns.upgrade() else { return };
        let pause = alive.release();
        let clock = Arc::clone(&alive.clock);
        drop(alive);
        match pause {
            None => wake.notified().await,
            Some(pause) => {
                let due = clock.monotonic().after(pause);
                tokio::select! {
                    () = wake.notified() => {}
                    () = clock.sleep_until(due) => {}
                }
            }
        }
    }
}
