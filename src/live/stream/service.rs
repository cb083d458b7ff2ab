use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use tokio::runtime::Handle as Runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::audience::{Member, Post};
use crate::live::mailbox::Mailbox;
use crate::live::quality::{View, sum, worst};
use crate::venue::{
    Clock, ConnectionCounts, DataQuality, ExchangeError, MarketStream, SessionState, Subscription,
    VenueEvent,
};

/// What a service of market data has to know of its venue.
pub(in crate::live) trait Venue: Send + Sync {
    /// Names a stream; several subscriptions may be served by one.
    type Key: Copy + Ord + Send + 'static;
    /// What a stream is asked for by.
    type Ask: Send;
    /// Where a stream is to be had.
    type Route: Copy + PartialEq + Send;

    /// The stream that serves a subscription.
    ///
    /// # Errors
    /// What the venue does not have.
    fn find(&self, subscription: Subscription) -> Result<(Self::Key, Self::Ask), ExchangeError>;

    fn route(&self, key: Self::Key) -> Self::Route;

    /// Streams on one connection.
    fn most_streams(&self) -> usize;

    /// Events that wait for one slow reader before any is dropped.
    fn reader_queue(&self) -> usize;

    fn clock(&self) -> &dyn Clock;

    fn runtime(&self) -> &Runtime;

    /// Drives one connection until it is closed.
    fn drive(
        &self,
        route: Self::Route,
        drive: Drive<Self::Key, Self::Ask>,
    ) -> BoxFuture<'static, ()>;
}

/// What the driver of a connection is given.
pub(in crate::live) struct Drive<K, A> {
    pub(in crate::live) orders: mpsc::Receiver<Order<K, A>>,
    pub(in crate::live) view: Arc<View<K>>,
    /// Called when the state in the view has changed.
    pub(in crate::live) on_state: Box<dyn Fn() + Send + Sync>,
}

/// What the driver of a connection is told.
#[derive(Debug)]
pub(in crate::live) enum Order<K, A> {
    Join(K, A, Member),
    Close,
}

/// Market data of one venue for all readers, on as many connections as their streams need.
pub(in crate::live) struct Service<V: Venue> {
    venue: V,
    shards: Mutex<Shards<V>>,
    views: Views<V::Key>,
    status: watch::Sender<SessionState>,
}

/// What each driver shows, those that have ended too.
type Views<K> = Arc<Mutex<Vec<Arc<View<K>>>>>;

struct Shards<V: Venue> {
    open: Vec<Shard<V>>,
    is_closed: bool,
}

/// The driver of a connection, from outside.
struct Shard<V: Venue> {
    route: V::Route,
    view: Arc<View<V::Key>>,
    orders: mpsc::Sender<Order<V::Key, V::Ask>>,
    /// Streams that were asked for on it; those that were given up are taken out when it is full.
    keys: Vec<V::Key>,
    task: JoinHandle<()>,
}

/// Subscriptions that wait for one driver.
const MOST_ORDERS: usize = 4_096;

impl<V: Venue> Service<V> {
    /// Without subscriptions; nothing is connected yet.
    pub(in crate::live) fn new(venue: V) -> Self {
        let (status, _) = watch::channel(SessionState::Idle);
        let shards = Mutex::new(Shards { open: Vec::new(), is_closed: false });
        Self { venue, shards, views: Arc::default(), status }
    }

    pub(in crate::live) const fn venue(&self) -> &V {
        &self.venue
    }

    pub(in crate::live) fn subscribe(
        &self,
        subscriptions: &[Subscription],
    ) -> Result<MarketStream, ExchangeError> {
        let find = |one: &Subscription| self.venue.find(*one).map(|found| (*one, found));
        let asked = subscriptions.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let lagged = |events| VenueEvent::Lagged { events };
        let (mailbox, reader): (Arc<Post>, _) = Mailbox::new(self.venue.reader_queue(), lagged);
        let mut shards = lock(&self.shards);
        if shards.is_closed {
            return Err(ExchangeError::Closed);
        }
        for (subscription, (key, ask)) in asked {
            let member = Member::new(subscription, Arc::clone(&mailbox));
            let orders = &self.shard_for(&mut shards, key).orders;
            if orders.try_send(Order::Join(key, ask, member)).is_err() {
                let message = "too many subscriptions wait".to_owned();
                return Err(ExchangeError::Unavailable { code: 0, message });
            }
        }
        Ok(reader.boxed())
    }

    /// The shard that has the stream, one with room for it, or a new one.
    fn shard_for<'a>(&self, shards: &'a mut Shards<V>, key: V::Key) -> &'a mut Shard<V> {
        let (route, most) = (self.venue.route(key), self.venue.most_streams().max(1));
        for shard in &mut shards.open {
            if shard.keys.len() >= most {
                let seen = shard.view.lock();
                shard.keys.retain(|key| seen.streams.contains_key(key));
            }
        }
        let open = &shards.open;
        let known = open.iter().position(|shard| shard.keys.contains(&key));
        let has_room = |shard: &Shard<V>| shard.route == route && shard.keys.len() < most;
        let found = known.or_else(|| open.iter().position(has_room));
        let index = found.unwrap_or_else(|| {
            shards.open.push(self.spawn(route));
            shards.open.len() - 1
        });
        let shard = &mut shards.open[index];
        if known.is_none() {
            shard.keys.push(key);
        }
        shard
    }

    fn spawn(&self, route: V::Route) -> Shard<V> {
        let view = Arc::new(View::new());
        lock(&self.views).push(Arc::clone(&view));
        let (views, status) = (Arc::clone(&self.views), self.status.clone());
        let on_state = Box::new(move || {
            let state = worst(lock(&views).iter().map(|view| view.lock().state));
            status.send_if_modified(|known| core::mem::replace(known, state) != state);
        });
        let (orders, receiver) = mpsc::channel(MOST_ORDERS);
        let drive = Drive { orders: receiver, view: Arc::clone(&view), on_state };
        let task = self.venue.runtime().spawn(self.venue.drive(route, drive));
        Shard { route, view, orders, keys: Vec::new(), task }
    }

    pub(in crate::live) fn status(&self) -> SessionState {
        *self.status.borrow()
    }

    pub(in crate::live) fn watch_status(&self) -> BoxStream<'static, SessionState> {
        let mut receiver = self.status.subscribe();
        receiver.mark_changed();
        stream::unfold(receiver, |mut receiver| async move {
            receiver.changed().await.ok()?;
            let state = *receiver.borrow_and_update();
            Some((state, receiver))
        })
        .boxed()
    }

    pub(in crate::live) fn quality(&self) -> Vec<DataQuality> {
        let at = self.venue.clock().monotonic();
        let mut out = Vec::new();
        for view in lock(&self.views).iter() {
            view.quality(at, &mut out);
        }
        out
    }

    pub(in crate::live) fn counts(&self) -> ConnectionCounts {
        let views = lock(&self.views);
        views.iter().map(|view| view.lock().counts).fold(ConnectionCounts::default(), sum)
    }

    pub(in crate::live) async fn close(&self) {
        let shards = {
            let mut shards = lock(&self.shards);
            shards.is_closed = true;
            core::mem::take(&mut shards.open)
        };
        for shard in &shards {
            // One that is gone is closed.
            let _gone = shard.orders.send(Order::Close).await;
        }
        for shard in shards {
            let _panicked = shard.task.await;
        }
        self.status.send_if_modified(|known| {
            core::mem::replace(known, SessionState::Closed) != SessionState::Closed
        });
    }
}

/// Nothing that holds these locks can panic half-way, so what they guard is sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
