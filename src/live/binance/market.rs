use core::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::{mpsc, watch};

use super::feed::{Audience, Post};
use super::rest::BinanceConnection;
use super::shard::{Order, Shard};
use super::topic::{Key, Route};
use crate::live::mailbox::Mailbox;
use crate::live::quality::{View, sum, worst};
use crate::venue::{
    ConnectionCounts, DataQuality, ExchangeError, MarketDataStream, MarketStream, SessionState,
    Subscription, VenueEvent,
};

/// The market data of Binance, spot or USD-margined futures: one service for all readers.
///
/// It makes as many connections as the streams need ([`BinanceConfig::streams_per_connection`]),
/// on the addresses where the venue has them. Each is kept up by a
/// [`Session`](crate::venue::Session); books come from a
/// [`BookSync`](crate::venue::BookSync) with its snapshot by HTTP, trades are the venue's
/// aggregate trades through a [`TradeStream`](crate::venue::TradeStream).
///
/// [`BinanceConfig::streams_per_connection`]: super::BinanceConfig::streams_per_connection
#[derive(Clone)]
pub struct BinanceMarketData {
    inner: Arc<Inner>,
}

struct Inner {
    connection: BinanceConnection,
    shards: Mutex<Shards>,
    views: Arc<Mutex<Vec<Arc<View<Key>>>>>,
    status: watch::Sender<SessionState>,
}

#[derive(Default)]
struct Shards {
    open: Vec<Handle>,
    is_closed: bool,
}

/// A shard from outside.
struct Handle {
    route: Route,
    view: Arc<View<Key>>,
    orders: mpsc::Sender<Order>,
    /// Streams that were asked for on it; those that were given up are taken out when it is full.
    keys: Vec<Key>,
    task: tokio::task::JoinHandle<()>,
}

/// Subscriptions that wait for one shard.
const MOST_ORDERS: usize = 4_096;

impl BinanceMarketData {
    /// A service without subscriptions; nothing is connected yet.
    pub fn new(connection: &BinanceConnection) -> Self {
        let (status, _) = watch::channel(SessionState::Idle);
        Self {
            inner: Arc::new(Inner {
                connection: connection.clone(),
                shards: Mutex::default(),
                views: Arc::default(),
                status,
            }),
        }
    }

    fn join(&self, subscriptions: &[Subscription]) -> Result<MarketStream, ExchangeError> {
        let inner = &self.inner;
        let config = inner.connection.config();
        let mut asked = Vec::with_capacity(subscriptions.len());
        for subscription in subscriptions {
            let key = Key::of(config.market, *subscription)?;
            let name = key.name(config.market, inner.connection.symbols());
            let unknown = || ExchangeError::Unsupported {
                what: format!("instrument {} has no name here", subscription.instrument.0),
            };
            asked.push((*subscription, key, name.ok_or_else(unknown)?));
        }
        let lagged = |events| VenueEvent::Lagged { events };
        let (mailbox, reader): (Arc<Post>, _) = Mailbox::new(config.reader_queue, lagged);
        let mut shards = inner.lock();
        if shards.is_closed {
            return Err(ExchangeError::Closed);
        }
        for (subscription, key, name) in asked {
            let shard = inner.shard_for(&mut shards, key);
            let mailbox = Arc::clone(&mailbox);
            let reader = Audience { subscription, mailbox, is_started: false };
            if shard.orders.try_send(Order::Join(key, name, reader)).is_err() {
                let message = "too many subscriptions wait".to_owned();
                return Err(ExchangeError::Unavailable { code: 0, message });
            }
        }
        Ok(reader.boxed())
    }
}

impl Inner {
    /// The shard that has the stream, one with room for it, or a new one.
    fn shard_for<'a>(&self, shards: &'a mut Shards, key: Key) -> &'a mut Handle {
        let config = self.connection.config();
        let route = key.route(config.market);
        let most = config.streams_per_connection.max(1);
        for shard in &mut shards.open {
            if shard.keys.len() >= most {
                let seen = shard.view.lock();
                shard.keys.retain(|key| seen.streams.contains_key(key));
            }
        }
        let open = &shards.open;
        let known = open.iter().position(|shard| shard.keys.contains(&key));
        let has_room = |shard: &Handle| shard.route == route && shard.keys.len() < most;
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

    fn spawn(&self, route: Route) -> Handle {
        let view = Arc::new(View::new());
        lock(&self.views).push(Arc::clone(&view));
        let (views, status) = (Arc::clone(&self.views), self.status.clone());
        let on_state = Box::new(move || {
            let state = worst(lock(&views).iter().map(|view| view.lock().state));
            status.send_if_modified(|known| core::mem::replace(known, state) != state);
        });
        let shard = Shard::new(&self.connection, route, Arc::clone(&view), on_state);
        let (orders, receiver) = mpsc::channel(MOST_ORDERS);
        let task = self.connection.runtime().spawn(shard.run(receiver));
        Handle { route, view, orders, keys: Vec::new(), task }
    }

    fn lock(&self) -> MutexGuard<'_, Shards> {
        lock(&self.shards)
    }
}

/// Nothing that holds these locks can panic half-way, so what they guard is sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl MarketDataStream for BinanceMarketData {
    async fn subscribe(
        &self,
        subscriptions: &[Subscription],
    ) -> Result<MarketStream, ExchangeError> {
        self.join(subscriptions)
    }

    fn status(&self) -> SessionState {
        *self.inner.status.borrow()
    }

    fn watch_status(&self) -> BoxStream<'static, SessionState> {
        let mut receiver = self.inner.status.subscribe();
        receiver.mark_changed();
        stream::unfold(receiver, |mut receiver| async move {
            receiver.changed().await.ok()?;
            let state = *receiver.borrow_and_update();
            Some((state, receiver))
        })
        .boxed()
    }

    fn quality(&self) -> Vec<DataQuality> {
        let at = self.inner.connection.config().clock.monotonic();
        let mut out = Vec::new();
        for view in lock(&self.inner.views).iter() {
            view.quality(at, &mut out);
        }
        out
    }

    fn counts(&self) -> ConnectionCounts {
        let views = lock(&self.inner.views);
        views.iter().map(|view| view.lock().counts).fold(ConnectionCounts::default(), sum)
    }

    async fn close(&self) {
        let shards = {
            let mut shards = self.inner.lock();
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
        self.inner.status.send_if_modified(|known| {
            core::mem::replace(known, SessionState::Closed) != SessionState::Closed
        });
    }
}

impl fmt::Debug for BinanceMarketData {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BinanceMarketData")
            .field("connection", &self.inner.connection)
            .field("status", &*self.inner.status.borrow())
            .finish_non_exhaustive()
    }
}
