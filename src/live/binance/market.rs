use core::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::runtime::Handle as Runtime;
use tracing::Instrument as _;

use super::rest::BinanceConnection;
use super::topic::{Key, Route};
use super::wire;
use crate::live::stream::{Drive, Service, Venue};
use crate::venue::{
    Clock, ConnectionCounts, DataQuality, ExchangeError, MarketDataStream, MarketStream,
    SessionState, Subscription,
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
    service: Arc<Service<Streams>>,
}

/// Where the venue's streams are.
struct Streams {
    connection: BinanceConnection,
}

impl BinanceMarketData {
    /// A service without subscriptions; nothing is connected yet.
    pub fn new(connection: &BinanceConnection) -> Self {
        let streams = Streams { connection: connection.clone() };
        Self { service: Arc::new(Service::new(streams)) }
    }
}

impl Venue for Streams {
    type Key = Key;
    type Ask = String;
    type Route = Route;

    fn find(&self, subscription: Subscription) -> Result<(Key, String), ExchangeError> {
        let market = self.connection.config().market;
        let key = Key::of(market, subscription)?;
        let name = key.name(market, self.connection.symbols());
        let unknown = || ExchangeError::Unsupported {
            what: format!("instrument {} has no name here", subscription.instrument.0),
        };
        Ok((key, name.ok_or_else(unknown)?))
    }

    fn route(&self, key: Key) -> Route {
        key.route(self.connection.config().market)
    }

    fn most_streams(&self) -> usize {
        self.connection.config().streams_per_connection
    }

    fn reader_queue(&self) -> usize {
        self.connection.config().reader_queue
    }

    fn clock(&self) -> &dyn Clock {
        &*self.connection.config().clock
    }

    fn runtime(&self) -> &Runtime {
        self.connection.runtime()
    }

    fn drive(&self, route: Route, drive: Drive<Key, String>) -> BoxFuture<'static, ()> {
        let venue = self.connection.venue();
        let span = tracing::error_span!("market_data", venue, ?route);
        wire::driver(&self.connection, route, drive).run().instrument(span).boxed()
    }
}

#[async_trait]
impl MarketDataStream for BinanceMarketData {
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

impl fmt::Debug for BinanceMarketData {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BinanceMarketData")
            .field("connection", &self.service.venue().connection)
            .field("status", &self.service.status())
            .finish_non_exhaustive()
    }
}
