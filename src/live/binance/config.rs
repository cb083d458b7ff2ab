use core::time::Duration;
use std::sync::Arc;

use crate::live::SystemClock;
use crate::live::net::{Endpoint, EndpointError, Tls};
use crate::live::watch::ExchangeWatch;
use crate::metrics::EdgeSink;
use crate::venue::binance::BinanceMarket;
use crate::venue::{Clock, SessionConfig};

/// Which of Binance's networks, for its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinanceNetwork {
    /// Real money.
    Mainnet,
    /// Play money; resets about monthly.
    Testnet,
    /// Play money at the prices of the real market.
    Demo,
    /// A server on this machine that listens on this port, without TLS.
    Local {
        /// The port.
        port: u16,
    },
}

/// The addresses of one market. Nothing else differs between a real venue and a simulated one.
///
/// Binance has changed them in 2026 (futures' streams were split), and its sources disagree on
/// those of the futures' testnet: a host can set each of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinanceUrls {
    /// Requests.
    pub rest: Endpoint,
    /// Streams of quotes and books.
    pub public: Endpoint,
    /// All other market streams; for spot the same.
    pub market: Endpoint,
    /// The user stream of futures, which is opened with a listen key.
    pub private: Endpoint,
    /// The WebSocket API; for spot the way to the user stream.
    pub api: Endpoint,
}

impl BinanceUrls {
    /// The addresses as of July 2026.
    ///
    /// # Errors
    /// None for these networks: the addresses are written here.
    ///
    /// ```
    /// use tradewright::live::{BinanceNetwork, BinanceUrls};
    /// use tradewright::venue::binance::BinanceMarket;
    ///
    /// let urls = BinanceUrls::of(BinanceMarket::UsdFutures, BinanceNetwork::Mainnet)?;
    /// assert_eq!(urls.public.to_string(), "wss://fstream.binance.com:443/public");
    /// assert_eq!(urls.market.to_string(), "wss://fstream.binance.com:443/market");
    /// # Ok::<(), tradewright::live::EndpointError>(())
    /// ```
    pub fn of(market: BinanceMarket, network: BinanceNetwork) -> Result<Self, EndpointError> {
        let ([rest, streams, api], is_split) = match (market, network) {
            (_, BinanceNetwork::Local { port }) => return Self::local(market, port),
            (BinanceMarket::Spot, BinanceNetwork::Mainnet) => (SPOT_MAINNET, false),
            (BinanceMarket::Spot, BinanceNetwork::Testnet) => (SPOT_TESTNET, false),
            (BinanceMarket::Spot, BinanceNetwork::Demo) => (SPOT_DEMO, false),
            (BinanceMarket::UsdFutures, BinanceNetwork::Mainnet) => (FUTURES_MAINNET, true),
            (BinanceMarket::UsdFutures, BinanceNetwork::Testnet) => (FUTURES_TESTNET, true),
            (BinanceMarket::UsdFutures, BinanceNetwork::Demo) => (FUTURES_DEMO, true),
        };
        Self::at(rest, streams, api, is_split)
    }

    fn local(market: BinanceMarket, port: u16) -> Result<Self, EndpointError> {
        let (api, is_split) = match market {
            BinanceMarket::Spot => ("ws-api/v3", false),
            BinanceMarket::UsdFutures => ("ws-fapi/v1", true),
        };
        let (http, ws) = (format!("http://127.0.0.1:{port}"), format!("ws://127.0.0.1:{port}"));
        Self::at(&http, &ws, &format!("{ws}/{api}"), is_split)
    }

    fn at(rest: &str, streams: &str, api: &str, is_split: bool) -> Result<Self, EndpointError> {
        let part = |name: &str| match is_split {
            true => Endpoint::socket(&format!("{streams}/{name}")),
            false => Endpoint::socket(streams),
        };
        Ok(Self {
            rest: Endpoint::http(rest)?,
            public: part("public")?,
            market: part("market")?,
            private: part("private")?,
            api: Endpoint::socket(api)?,
        })
    }
}

type Addresses = [&'static str; 3];

const SPOT_MAINNET: Addresses = [
    "https://api.binance.com",
    "wss://stream.binance.com:9443",
    "wss://ws-api.binance.com:443/ws-api/v3",
];
const SPOT_TESTNET: Addresses = [
    "https://testnet.binance.vision",
    "wss://stream.testnet.binance.vision",
    "wss://ws-api.testnet.binance.vision/ws-api/v3",
];
const SPOT_DEMO: Addresses = [
    "https://demo-api.binance.com",
    "wss://demo-stream.binance.com",
    "wss://demo-ws-api.binance.com/ws-api/v3",
];
const FUTURES_MAINNET: Addresses = [
    "https://fapi.binance.com",
    "wss://fstream.binance.com",
    "wss://ws-fapi.binance.com/ws-fapi/v1",
];
const FUTURES_TESTNET: Addresses = [
    "https://testnet.binancefuture.com",
    "wss://fstream.binancefuture.com",
    "wss://testnet.binancefuture.com/ws-fapi/v1",
];
const FUTURES_DEMO: Addresses = [
    "https://demo-fapi.binance.com",
    "wss://demo-fstream.binance.com",
    "wss://testnet.binancefuture.com/ws-fapi/v1",
];

/// How a market of Binance is talked to.
#[derive(Clone, Debug)]
pub struct BinanceConfig {
    /// Which market.
    pub market: BinanceMarket,
    /// Where.
    pub urls: BinanceUrls,
    /// Whom connections trust.
    pub tls: Tls,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Who is told of connections and requests, such as
    /// [`EdgeMetrics`](crate::metrics::EdgeMetrics).
    pub edge: Arc<dyn EdgeSink>,
    /// How long connections wait for what.
    pub session: SessionConfig,
    /// A planned rotation is earlier by up to so much, evenly drawn, so that not all connections
    /// move at once.
    pub rotate_jitter: Duration,
    /// The hour of the day (UTC) at whose beginning connections are moved to new ones; the
    /// rotation by age stays.
    pub rotate_hour: Option<u8>,
    /// A connection of which every stream that should speak is silent for so long is given up,
    /// though pings are answered.
    pub mute_after: Duration,
    /// The time between two messages that are sent on one connection, pongs included.
    pub messages_apart: Duration,
    /// Streams on one connection; with more, another one is made.
    pub streams_per_connection: usize,
    /// Events that wait for one slow reader before any is dropped.
    pub reader_queue: usize,
    /// Levels of a book's snapshot: 5, 10, 20, 50, 100, 500 or 1,000, and 5,000 on spot.
    pub snapshot_levels: u16,
    /// While streams are down, HTTP is asked so often for each subscription.
    pub poll_every: Duration,
    /// How long one request may take, from the connection to the last byte.
    pub request_timeout: Duration,
    /// An order that had to wait longer for its turn is not sent.
    pub order_wait: Duration,
    /// A question that had to wait longer for its turn is not sent.
    pub question_wait: Duration,
    /// For so long after its timestamp the venue takes a request; at most a minute.
    pub recv_window: Duration,
    /// Per cent of each limit that are kept for cancels and orders in doubt.
    pub reserve_percent: u8,
    /// A listen key is renewed so often.
    pub renew_key_every: Duration,
    /// The events of the futures' user stream, with slashes between them.
    pub user_events: String,
}

impl BinanceConfig {
    /// A market on one of Binance's networks, with the roots of Mozilla and the machine's clocks;
    /// nobody is told what happens.
    ///
    /// Defaults: messages 250 ms apart (spot allows 5 a second, pongs included); 200 streams on a
    /// connection (futures allow as many, spot 1,024); 10,000 events for a slow reader; books of
    /// 1,000 levels (weight 50 of 6,000 a minute on spot, 20 of 2,400 on futures); requests 10 s,
    /// as the venue's own engine waits; orders wait 2 s for their turn, questions 30 s; keys of
    /// an hour are renewed after 25 minutes.
    ///
    /// # Errors
    /// [`SetupError`](crate::live::SetupError), when TLS cannot be set up.
    pub fn new(
        market: BinanceMarket,
        network: BinanceNetwork,
    ) -> Result<Self, crate::live::SetupError> {
        let secs = Duration::from_secs;
        Ok(Self {
            market,
            urls: BinanceUrls::of(market, network)?,
            tls: Tls::web()?,
            clock: Arc::new(SystemClock),
            edge: Arc::new(()),
            session: SessionConfig::default(),
            rotate_jitter: secs(1_800),
            rotate_hour: None,
            mute_after: secs(90),
            messages_apart: Duration::from_millis(250),
            streams_per_connection: 200,
            reader_queue: 10_000,
            snapshot_levels: 1_000,
            poll_every: secs(2),
            request_timeout: secs(10),
            order_wait: secs(2),
            question_wait: secs(30),
            recv_window: secs(5),
            reserve_percent: 20,
            renew_key_every: secs(25 * 60),
            user_events: "ORDER_TRADE_UPDATE/ACCOUNT_UPDATE/ALGO_UPDATE/listenKeyExpired"
                .to_owned(),
        })
    }

    /// The exchange's name is that of its market: the two have budgets and connections of their
    /// own.
    pub(super) fn watch(&self) -> ExchangeWatch {
        let exchange = match self.market {
            BinanceMarket::Spot => "binance",
            BinanceMarket::UsdFutures => "binance_futures",
        };
        ExchangeWatch::new(&self.edge, exchange)
    }
}
