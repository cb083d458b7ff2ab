use core::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::runtime::Handle as Runtime;
use tracing::Instrument as _;

use super::DydxConfig;
use super::topic::Key;
use super::wire;
use crate::live::SetupError;
use crate::live::stream::{Drive, Service, Venue};
use crate::venue::dydx;
use crate::venue::{
    Clock, ConnectionCounts, DataQuality, ExchangeError, MarketDataStream, MarketStream,
    SessionState, Subscription, Symbols,
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
    service: Arc<Service<Streams>>,
}

/// Where the indexer's streams are.
struct Streams {
    config: Arc<DydxConfig>,
    symbols: Symbols,
    runtime: Runtime,
}

impl DydxMarketData {
    /// A service for these instruments without subscriptions; nothing is connected yet.
    ///
    /// # Errors
    /// [`SetupError::NoRuntime`] outside of a runtime of tokio.
    pub fn new(config: DydxConfig, symbols: Symbols) -> Result<Self, SetupError> {
        let runtime = Runtime::try_current().map_err(|_| SetupError::NoRuntime)?;
        let streams = Streams { config: Arc::new(config), symbols, runtime };
        Ok(Self { service: Arc::new(Service::new(streams)) })
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
        let driver = wire::driver(&self.config, &self.symbols, &self.runtime, drive);
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
