use core::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::runtime::Handle as Runtime;
use tokio::sync::{mpsc, watch};

use super::DydxConfig;
use super::feed::{Audience, Post};
use super::shard::{Order, Shard};
use super::topic::Key;
use crate::live::SetupError;
use crate::live::mailbox::Mailbox;
use crate::live::quality::{View, sum, worst};
use crate::venue::{
    ConnectionCounts, DataQuality, ExchangeError, MarketDataStream, MarketStream, SessionState,
    Subscription, Symbols, VenueEvent,
};

/// The market data of dYdX v4, from the indexer's WebSocket: one service for all readers.
///
/// Books come from a [`BookSync`](crate::venue::BookSync) that takes crossed levels out, and
/// quotes are their best prices. Prints, candles (closed when the next one begins), oracle prices
/// and funding come as the indexer tells them. A connection on which a message is missing
/// ([`MessageNumbers`](crate::venue::dydx::MessageNumbers)) is given up, and its readers are told.
///
/// It does not ask by HTTP while no connection can be had.
#[derive(Clone)]
pub struct DydxMarketData {
    inner: Arc<Inner>,
}

struct Inner {
    config: Arc<DydxConfig>,
    symbols: Symbols,
    runtime: Runtime,
    shards: Mutex<Shards>,
    views: Arc<Mutex<Vec<Arc<View<Key>>>>>,
    status: watch::Sender<SessionState>,
}

#[derive(Default)]
struct Shards {
    open: Vec<Handle>,
    is_closed: bool,
}

struct Handle {
    view: Arc<View<Key>>,
    orders: mpsc::Sender<Order>,
    /// What it was asked for; those that nobody reads are forgotten when it is full.
    keys: Vec<Key>,
    task: tokio::task::JoinHandle<()>,
}

/// Subscriptions that wait for one shard.
const MOST_ORDERS: usize = 4_096;

impl DydxMarketData {
    /// A service for these instruments without subscriptions; nothing is connected yet.
    ///
    /// # Errors
    /// [`SetupError::NoRuntime`] outside of a runtime of tokio.
    pub fn new(config: DydxConfig, symbols: Symbols) -> Result<Self, SetupError> {
        let runtime = Runtime::try_current().map_err(|_| SetupError::NoRuntime)?;
        let (status, _) = watch::channel(SessionState::Idle);
        Ok(Self {
            inner: Arc::new(Inner {
                config: Arc::new(config),
                symbols,
                runtime,
                shards: Mutex::default(),
                views: Arc::default(),
                status,
            }),
        })
    }

    fn join(&self, subscriptions: &[Subscription]) -> Result<MarketStream, ExchangeError> {
        let inner = &self.inner;
        let mut asked = Vec::with_capacity(subscriptions.len());
        for subscription in subscriptions {
            let key = Key::of(*subscription);
            asked.push((*subscription, key, key.ask(&inner.symbols)?));
        }
        let lagged = |events| VenueEvent::Lagged { events };
        let (mailbox, reader): (Arc<Post>, _) = Mailbox::new(inner.config.reader_queue, lagged);
        let mut shards = lock(&inner.shards);
        if shards.is_closed {
            return Err(ExchangeError::Closed);
        }
        for (subscription, key, ask) in asked {
            let shard = inner.shard_for(&mut shards, key);
            let mailbox = Arc::clone(&mailbox);
            let reader = Audience { subscription, mailbox, is_started: false };
            if shard.orders.try_send(Order::Join(key, ask, reader)).is_err() {
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
        let most = self.config.streams_per_connection.max(1);
        for shard in &mut shards.open {
            if shard.keys.len() >= most {
                let seen = shard.view.lock();
                shard.keys.retain(|key| seen.streams.contains_key(key));
            }
        }
        let open = &shards.open;
        let known = open.iter().position(|shard| shard.keys.contains(&key));
        let found = known.or_else(|| open.iter().position(|shard| shard.keys.len() < most));
        let index = found.unwrap_or_else(|| {
            shards.open.push(self.spawn());
            shards.open.len() - 1
        });
        let shard = &mut shards.open[index];
        if known.is_none() {
            shard.keys.push(key);
        }
        shard
    }

    fn spawn(&self) -> Handle {
        let view = Arc::new(View::new());
        lock(&self.views).push(Arc::clone(&view));
        let (views, status) = (Arc::clone(&self.views), self.status.clone());
        let on_state = Box::new(move || {
            let state = worst(lock(&views).iter().map(|view| view.lock().state));
            status.send_if_modified(|known| core::mem::replace(known, state) != state);
        });
        let shard =
            Shard::new(&self.config, &self.symbols, &self.runtime, Arc::clone(&view), on_state);
        let (orders, receiver) = mpsc::channel(MOST_ORDERS);
        let task = self.runtime.spawn(shard.run(receiver));
        Handle { view, orders, keys: Vec::new(), task }
    }
}

/// Nothing that holds these locks can panic half-way, so what they guard is sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl MarketDataStream for DydxMarketData {
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
        let at = self.inner.config.clock.monotonic();
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
            let mut shards = lock(&self.inner.shards);
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

impl fmt::Debug for DydxMarketData {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DydxMarketData")
            .field("urls", &self.inner.config.urls)
            .field("status", &*self.inner.status.borrow())
            .finish_non_exhaustive()
    }
}
