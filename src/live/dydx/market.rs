use core::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::runtime::Handle as Runtime;
use tracing::Instrument as _;

use super::DydxConfig;
use super::history;
use super::indexer::Indexer;
use super::topic::Key;
use super::wire;
use crate::live::SetupError;
use crate::live::stream::{Drive, Service, Venue};
use crate::types::{Bar, Timestamp};
use crate::venue::dydx;
use crate::venue::{
    BarQuery, Clock, ConnectionCounts, DataQuality, ExchangeError, MarketDataStream, MarketStream,
    SessionState, Subscription, Symbols,
};

/// The market data of dYdX v4, from the indexer's WebSocket and HTTP: one service for all readers.
///
/// Books come from a [`BookSync`](crate::venue::BookSync) that takes crossed levels out, and
/// quotes are their best prices. Prints, candles (closed when the next one begins), oracle prices
/// and funding come as the indexer tells them. A connection on which a message is missing
/// ([`MessageNumbers`](crate::venue::dydx::MessageNumbers)) is given up, and its readers are told.
///
/// While no connection can be had it asks by HTTP ([`SessionState::Polling`]) for books, quotes,
/// prints, candles and figures, within the indexer's limit of requests, and goes back to streams
/// when it can. Prints and candles that were missed are fetched, and told in order and once each;
/// where that fails the readers are told that something is missing. Changes of books
/// ([`Channel::Depth`](crate::venue::Channel::Depth)) cannot be had by asking: whoever reads those
/// waits for the stream.
///
/// A subscription to bars tells those that close after it has started; those before it are
/// [`DydxMarketData::bars`].
#[derive(Clone)]
pub struct DydxMarketData {
    pub(super) service: Arc<Service<Streams>>,
}

/// Where the indexer's streams are.
pub(super) struct Streams {
    pub(super) config: Arc<DydxConfig>,
    pub(super) indexer: Indexer,
    pub(super) symbols: Symbols,
    pub(super) runtime: Runtime,
}

impl DydxMarketData {
    /// A service for these instruments without subscriptions; nothing is connected yet.
    ///
    /// # Errors
    /// [`SetupError::NoRuntime`] outside of a runtime of tokio.
    pub fn new(config: DydxConfig, symbols: Symbols) -> Result<Self, SetupError> {
        let runtime = Runtime::try_current().map_err(|_| SetupError::NoRuntime)?;
        let config = Arc::new(config);
        let indexer = Indexer::new(&config, &runtime);
        let streams = Streams { config, indexer, symbols, runtime };
        Ok(Self { service: Arc::new(Service::new(streams)) })
    }

    /// Closed bars of the past with the times of their close, the oldest first, for the
    /// [`history`](crate::live::BotSeat::history) of a bot; however many requests that takes. A bar
    /// counts as closed when the indexer lists a later one, or ten seconds after its end.
    ///
    /// # Errors
    /// [`ExchangeError`]; a period that the venue does not have is
    /// [`ExchangeError::Unsupported`].
    pub async fn bars(&self, query: &BarQuery) -> Result<Vec<(Timestamp, Bar)>, ExchangeError> {
        let streams = self.service.venue();
        let wall = streams.config.clock.wall();
        history::bars(&streams.indexer, &streams.symbols, wall, query).await
    }
}

impl Venue for Streams {
    type Key = Key;
    type Ask = dydx::Subscription;
    /// One address has all streams.
    type Route = ();

    fn find(&self, subscription: Subscription) -> Result<(Key, Self::Ask), ExchangeError> {
        let key = Key::of(subscription);
        Ok((key, key.ask(&self.symbols)?))
    }

    fn route(&self, _key: Key) {}

    fn most_streams(&self) -> usize {
        self.config.streams_per_connection
    }

    fn reader_queue(&self) -> usize {
        self.config.reader_queue
    }

    fn clock(&self) -> &dyn Clock {
        &*self.config.clock
    }

    fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    fn drive(&self, _route: (), drive: Drive<Key, Self::Ask>) -> BoxFuture<'static, ()> {
        let span = tracing::error_span!("market_data", venue = "dydx");
        let from = (&self.config, &self.indexer);
        let driver = wire::driver(from, &self.symbols, &self.runtime, drive);
        driver.run().instrument(span).boxed()
    }
}

#[async_trait]
impl MarketDataStream for DydxMarketData {
    async fn subscribe(
        &self,
        subscriptions: &[Subscription],
    ) -> Result<MarketStream, ExchangeError> {
        self.service.subscribe(subscriptions)
    }

    fn status(&self) -> SessionState {
        self.service.status()
    }

    fn watch_status(&self) -> BoxStream<'static, SessionState> {
        self.service.watch_status()
    }

    fn quality(&self) -> Vec<DataQuality> {
        self.service.quality()
    }

    fn counts(&self) -> ConnectionCounts {
        self.service.counts()
    }

    async fn close(&self) {
        self.service.close().await;
    }
}

impl fmt::Debug for DydxMarketData {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DydxMarketData")
            .field("urls", &self.service.venue().config.urls)
            .field("status", &self.service.status())
            .finish_non_exhaustive()
    }
}
