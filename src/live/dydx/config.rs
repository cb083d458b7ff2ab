use core::time::Duration;
use std::sync::Arc;

use crate::live::net::{Endpoint, EndpointError, Tls};
use crate::live::watch::ExchangeWatch;
use crate::live::{SetupError, SystemClock};
use crate::metrics::EdgeSink;
use crate::venue::{Clock, SessionConfig};

/// Which of dYdX's networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DydxNetwork {
    /// Real money.
    Mainnet,
    /// Play money.
    Testnet,
    /// A server on this machine that speaks the indexer's protocol, in the clear.
    Local {
        /// Where it listens, for HTTP and WebSocket.
        port: u16,
    },
}

/// Where dYdX is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DydxUrls {
    /// The indexer by HTTP.
    pub rest: Endpoint,
    /// The indexer by WebSocket.
    pub socket: Endpoint,
}

impl DydxUrls {
    /// The indexer's addresses of a network.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn of(network: DydxNetwork) -> Result<Self, EndpointError> {
        let local;
        let (rest, socket) = match network {
            DydxNetwork::Mainnet => {
                ("https://indexer.dydx.trade/v4", "wss://indexer.dydx.trade/v4/ws")
            }
            DydxNetwork::Testnet => (
                "https://indexer.v4testnet.dydx.exchange/v4",
                "wss://indexer.v4testnet.dydx.exchange/v4/ws",
            ),
            DydxNetwork::Local { port } => {
                local = (format!("http://127.0.0.1:{port}/v4"), format!("ws://127.0.0.1:{port}"));
                return Ok(Self {
                    rest: Endpoint::http(&local.0)?,
                    socket: Endpoint::socket(&format!("{}/v4/ws", local.1))?,
                });
            }
        };
        Ok(Self { rest: Endpoint::http(rest)?, socket: Endpoint::socket(socket)? })
    }
}

/// How the indexer of dYdX is talked to.
#[derive(Clone, Debug)]
pub struct DydxConfig {
    /// Where.
    pub urls: DydxUrls,
    /// Whom connections trust.
    pub tls: Tls,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Who is told of connections and messages, such as
    /// [`EdgeMetrics`](crate::metrics::EdgeMetrics).
    pub edge: Arc<dyn EdgeSink>,
    /// How long connections wait for what. Connections are not moved by age: the indexer
    /// documents no such limit, and numbers its messages per connection.
    pub session: SessionConfig,
    /// A connection of which every stream that should speak is silent for so long is given up,
    /// though pings are answered.
    pub mute_after: Duration,
    /// A number that a connection has passed over may still come for so long; then the connection
    /// is given up.
    pub missing_after: Duration,
    /// The time between two messages that are sent on one connection.
    pub messages_apart: Duration,
    /// The shortest time between two subscriptions of one book.
    pub resubscribe_after: Duration,
    /// Streams on one connection; with more, another one is made.
    pub streams_per_connection: usize,
    /// Events that wait for one slow reader before any is dropped.
    pub reader_queue: usize,
    /// While streams are down, HTTP is asked so often for each of them.
    pub poll_every: Duration,
    /// Requests by HTTP in a second, at most.
    pub requests_per_second: u32,
    /// How long one request may take, from the connection to the last byte.
    pub request_timeout: Duration,
    /// A question that had to wait longer for its turn is not sent.
    pub question_wait: Duration,
}

impl DydxConfig {
    /// One of dYdX's networks, with the roots of Mozilla and the machine's clocks; nobody is told
    /// what happens.
    ///
    /// Defaults: 32 streams on a connection, which is the indexer's limit; messages 250 ms apart
    /// (it allows five pings, and two subscriptions of one channel and id, a second); a book is
    /// subscribed anew after a second at the soonest; a number may be 5 s late; 90 s of silence;
    /// 10,000 events for a slow reader; HTTP is asked every 2 s while it stands in, 9 times a
    /// second at most (the indexer takes 100 in 10 s, wherever those begin, of one address);
    /// requests 10 s; questions wait 30 s. The indexer pings every 30 s and waits 10 s for a pong.
    ///
    /// # Errors
    /// [`SetupError`], when TLS cannot be set up.
    pub fn new(network: DydxNetwork) -> Result<Self, SetupError> {
        let secs = Duration::from_secs;
        Ok(Self {
            urls: DydxUrls::of(network)?,
            tls: Tls::web()?,
            clock: Arc::new(SystemClock),
            edge: Arc::new(()),
            session: SessionConfig::default(),
            mute_after: secs(90),
            missing_after: secs(5),
            messages_apart: Duration::from_millis(250),
            resubscribe_after: secs(1),
            streams_per_connection: 32,
            reader_queue: 10_000,
            poll_every: secs(2),
            requests_per_second: 9,
            request_timeout: secs(10),
            question_wait: secs(30),
        })
    }

    pub(super) fn watch(&self) -> ExchangeWatch {
        ExchangeWatch::new(&self.edge, "dydx")
    }
}
