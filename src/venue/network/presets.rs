use core::fmt;

use serde::{Deserialize, Serialize};

/// Which of a venue's networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkEnvironment {
    /// Real money.
    Mainnet,
    /// The venue's test network.
    Testnet,
    /// The venue's demonstration with real market data and play money.
    Demo,
    /// A server on this machine.
    Local,
}

impl NetworkEnvironment {
    /// Every environment.
    pub const ALL: [Self; 4] = [Self::Mainnet, Self::Testnet, Self::Demo, Self::Local];

    /// The word that names it in a variable.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mainnet => "mainnet",
            Self::Testnet => "testnet",
            Self::Demo => "demo",
            Self::Local => "local",
        }
    }

    /// The environment of this word, in lower case and without spaces around it.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|environment| environment.as_str() == word)
    }
}

impl fmt::Display for NetworkEnvironment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// A venue whose networks are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkVenue {
    /// Binance, spot and USD-margined futures.
    Binance,
    /// dYdX v4.
    Dydx,
}

impl NetworkVenue {
    /// The word within names of variables: BINANCE, DYDX.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Binance => "BINANCE",
            Self::Dydx => "DYDX",
        }
    }

    /// What it is reached by.
    pub const fn roles(self) -> &'static [EndpointRole] {
        match self {
            Self::Binance => &[
                EndpointRole::Rest,
                EndpointRole::Stream,
                EndpointRole::WsApi,
                EndpointRole::FuturesRest,
                EndpointRole::FuturesStream,
                EndpointRole::FuturesWsApi,
            ],
            Self::Dydx => &[EndpointRole::Indexer, EndpointRole::IndexerWs, EndpointRole::Node],
        }
    }

    /// The chain of the venue's network, where it has one.
    pub const fn chain_id(self, environment: NetworkEnvironment) -> Option<&'static str> {
        match (self, environment) {
            (Self::Dydx, NetworkEnvironment::Mainnet) => Some("dydx-mainnet-1"),
            (Self::Dydx, NetworkEnvironment::Testnet) => Some("dydx-testnet-4"),
            (_, _) => None,
        }
    }

    /// The network that a host belongs to, as far as it is known.
    pub fn network_of(self, host: &str) -> Option<NetworkEnvironment> {
        let hosts: &[(&str, NetworkEnvironment)] = match self {
            Self::Binance => BINANCE_HOSTS,
            Self::Dydx => DYDX_HOSTS,
        };
        hosts.iter().find(|(known, _)| *known == host).map(|(_, environment)| *environment)
    }
}

impl fmt::Display for NetworkVenue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// What an address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointRole {
    /// Binance spot, HTTP.
    Rest,
    /// Binance spot, market streams.
    Stream,
    /// Binance spot, requests over WebSocket.
    WsApi,
    /// Binance futures, HTTP.
    FuturesRest,
    /// Binance futures, streams.
    FuturesStream,
    /// Binance futures, requests over WebSocket.
    FuturesWsApi,
    /// dYdX indexer, HTTP.
    Indexer,
    /// dYdX indexer, WebSocket.
    IndexerWs,
    /// dYdX node, gRPC.
    Node,
}

impl EndpointRole {
    /// The end of the variable's name.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Rest => "REST_URL",
            Self::Stream => "STREAM_URL",
            Self::WsApi => "WS_API_URL",
            Self::FuturesRest => "FUTURES_REST_URL",
            Self::FuturesStream => "FUTURES_STREAM_URL",
            Self::FuturesWsApi => "FUTURES_WS_API_URL",
            Self::Indexer => "INDEXER_URL",
            Self::IndexerWs => "INDEXER_WS_URL",
            Self::Node => "NODE_URL",
        }
    }

    /// The encrypted scheme of its protocol, and the plain one.
    pub(super) const fn schemes(self) -> (&'static str, &'static str) {
        match self {
            Self::Rest | Self::FuturesRest | Self::Indexer | Self::Node => ("https", "http"),
            Self::Stream
            | Self::WsApi
            | Self::FuturesStream
            | Self::FuturesWsApi
            | Self::IndexerWs => ("wss", "ws"),
        }
    }

    /// True for what nothing works without, which a local server has to name.
    pub(super) const fn is_needed(self) -> bool {
        matches!(self, Self::Rest | Self::Stream | Self::Indexer | Self::IndexerWs)
    }

    /// The venue's own address in a network.
    pub const fn preset(self, environment: NetworkEnvironment) -> Option<&'static str> {
        use NetworkEnvironment::{Demo, Local, Mainnet, Testnet};
        match (self, environment) {
            (Self::Rest, Mainnet) => Some("https://api.binance.com"),
            (Self::Rest, Testnet) => Some("https://testnet.binance.vision"),
            (Self::Rest, Demo) => Some("https://demo-api.binance.com"),
            (Self::Stream, Mainnet) => Some("wss://stream.binance.com:443"),
            (Self::Stream, Testnet) => Some("wss://stream.testnet.binance.vision"),
            (Self::Stream, Demo) => Some("wss://demo-stream.binance.com"),
            (Self::WsApi, Mainnet) => Some("wss://ws-api.binance.com:443/ws-api/v3"),
            (Self::WsApi, Testnet) => Some("wss://ws-api.testnet.binance.vision/ws-api/v3"),
            (Self::WsApi, Demo) => Some("wss://demo-ws-api.binance.com/ws-api/v3"),
            (Self::FuturesRest, Mainnet) => Some("https://fapi.binance.com"),
            (Self::FuturesRest, Testnet) => Some("https://testnet.binancefuture.com"),
            (Self::FuturesRest, Demo) => Some("https://demo-fapi.binance.com"),
            (Self::FuturesStream, Mainnet) => Some("wss://fstream.binance.com"),
            (Self::FuturesStream, Testnet) => Some("wss://fstream.binancefuture.com"),
            (Self::FuturesStream, Demo) => Some("wss://demo-fstream.binance.com"),
            (Self::FuturesWsApi, Mainnet) => Some("wss://ws-fapi.binance.com/ws-fapi/v1"),
            (Self::FuturesWsApi, Testnet) => Some("wss://testnet.binancefuture.com/ws-fapi/v1"),
            (Self::Indexer, Mainnet) => Some("https://indexer.dydx.trade/v4"),
            (Self::Indexer, Testnet) => Some("https://indexer.v4testnet.dydx.exchange/v4"),
            (Self::IndexerWs, Mainnet) => Some("wss://indexer.dydx.trade/v4/ws"),
            (Self::IndexerWs, Testnet) => Some("wss://indexer.v4testnet.dydx.exchange/v4/ws"),
            (Self::Node, Mainnet) => Some("https://oegs.dydx.trade:443"),
            (Self::Node, Testnet) => Some("https://oegs-testnet.dydx.exchange:443"),
            (Self::FuturesWsApi | Self::Indexer | Self::IndexerWs | Self::Node, Demo)
            | (_, Local) => None,
        }
    }
}

const BINANCE_HOSTS: &[(&str, NetworkEnvironment)] = &[
    ("api.binance.com", NetworkEnvironment::Mainnet),
    ("api1.binance.com", NetworkEnvironment::Mainnet),
    ("api2.binance.com", NetworkEnvironment::Mainnet),
    ("api3.binance.com", NetworkEnvironment::Mainnet),
    ("api4.binance.com", NetworkEnvironment::Mainnet),
    ("api-gcp.binance.com", NetworkEnvironment::Mainnet),
    ("data-api.binance.vision", NetworkEnvironment::Mainnet),
    ("data-stream.binance.vision", NetworkEnvironment::Mainnet),
    ("stream.binance.com", NetworkEnvironment::Mainnet),
    ("ws-api.binance.com", NetworkEnvironment::Mainnet),
    ("fapi.binance.com", NetworkEnvironment::Mainnet),
    ("fstream.binance.com", NetworkEnvironment::Mainnet),
    ("ws-fapi.binance.com", NetworkEnvironment::Mainnet),
    ("testnet.binance.vision", NetworkEnvironment::Testnet),
    ("stream.testnet.binance.vision", NetworkEnvironment::Testnet),
    ("ws-api.testnet.binance.vision", NetworkEnvironment::Testnet),
    ("testnet.binancefuture.com", NetworkEnvironment::Testnet),
    ("fstream.binancefuture.com", NetworkEnvironment::Testnet),
    ("demo-api.binance.com", NetworkEnvironment::Demo),
    ("demo-stream.binance.com", NetworkEnvironment::Demo),
    ("demo-ws-api.binance.com", NetworkEnvironment::Demo),
    ("demo-fapi.binance.com", NetworkEnvironment::Demo),
    ("demo-fstream.binance.com", NetworkEnvironment::Demo),
];

const DYDX_HOSTS: &[(&str, NetworkEnvironment)] = &[
    ("indexer.dydx.trade", NetworkEnvironment::Mainnet),
    ("oegs.dydx.trade", NetworkEnvironment::Mainnet),
    ("indexer.v4testnet.dydx.exchange", NetworkEnvironment::Testnet),
    ("oegs-testnet.dydx.exchange", NetworkEnvironment::Testnet),
];
