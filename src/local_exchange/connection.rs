use std::collections::{BTreeMap, BTreeSet};

use super::desk::Trader;
use super::http::HttpReply;
use super::requests::not_found;
use super::state::ExchangeState;
use crate::types::Timestamp;
use crate::venue::binance::BinanceMarket;

/// A WebSocket connection, numbered by whoever accepts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// A frame that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// On which connection.
    pub connection: ConnectionId,
    /// What.
    pub frame: Frame,
}

/// What is sent on a WebSocket connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message.
    Text(String),
    /// A ping with the time in milliseconds; the pong has to copy it.
    Ping(String),
    /// The end, with code and reason.
    Close(u16, String),
    /// The end without a farewell.
    Cut,
}

/// What the exchange knows of a connection.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) market: BinanceMarket,
    pub(super) link: Link,
    pub(super) opened_at: Timestamp,
    pub(super) pinged_at: Timestamp,
    pub(super) heard_at: Timestamp,
    /// The second in which messages are counted, and how many there were.
    pub(super) messages: (i64, u32),
    /// An event that is sent after the next one.
    pub(super) held: Option<String>,
}

/// What a connection is for.
#[derive(Clone, Debug)]
pub(super) enum Link {
    /// Market streams, and user data of futures by listen key.
    Streams(Streams),
    /// The WebSocket API.
    Api(Session),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Streams {
    /// Events are wrapped with the name of their stream.
    pub(super) is_combined: bool,
    pub(super) names: BTreeSet<String>,
    /// The group of a futures connection.
    pub(super) group: Group,
    pub(super) listen_key: Option<String>,
}

/// Which streams a connection can carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Group {
    /// All: spot.
    #[default]
    All,
    /// Books: `/public`.
    Public,
    /// Trades, candles, marks: `/market`.
    Market,
    /// User data: `/private`.
    Private,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    /// Who has logged on.
    pub(super) account: Option<usize>,
    /// Subscriptions to user data, with their accounts.
    pub(super) subscriptions: BTreeMap<u64, usize>,
    pub(super) next_subscription: u64,
}

impl ExchangeState {
    /// A client wants to upgrade a connection to WebSocket; `target` is path and query.
    ///
    /// # Errors
    /// The answer of a server that has nothing there, or lets nobody in at present.
    pub fn connect(
        &mut self,
        at: Timestamp,
        id: ConnectionId,
        target: &str,
    ) -> Result<(), HttpReply> {
        self.advance(at);
        if let Some(reply) = self.refused() {
            return Err(reply);
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (market, link) = link(path, query, &self.traders).ok_or_else(not_found)?;
        self.connections.insert(
            id,
            Connection {
                market,
                link,
                opened_at: self.now,
                pinged_at: self.now,
                heard_at: self.now,
                messages: (0, 0),
                held: None,
            },
        );
        Ok(())
    }

    /// A connection has ended.
    pub fn disconnect(&mut self, id: ConnectionId) {
        self.connections.remove(&id);
    }

    /// A client has answered a ping, or pinged by itself.
    pub fn heard(&mut self, at: Timestamp, id: ConnectionId) {
        self.advance(at);
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.heard_at = self.now;
        }
        self.count_message(id);
    }

    /// A client has sent a message.
    pub fn message(&mut self, at: Timestamp, id: ConnectionId, text: &str) {
        self.advance(at);
        if !self.count_message(id) {
            return;
        }
        match self.connections.get(&id).map(|connection| &connection.link) {
            Some(Link::Streams(_)) => self.stream_request(id, text),
            Some(Link::Api(_)) => self.api_request(id, text),
            None => {}
        }
    }

    /// Market streams take so many messages a second and no more; false when it is over.
    fn count_message(&mut self, id: ConnectionId) -> bool {
        let most = self.config.limits.messages_per_second;
        let second = self.now.millis().div_euclid(1_000);
        let Some(connection) = self.connections.get_mut(&id) else { return false };
        if connection.messages.0 != second {
            connection.messages = (second, 0);
        }
        connection.messages.1 += 1;
        let is_over = connection.messages.1 > most && matches!(connection.link, Link::Streams(_));
        if is_over {
            self.close(id, 1008, "Too many requests");
        }
        !is_over
    }

    pub(super) fn close(&mut self, id: ConnectionId, code: u16, reason: &str) {
        self.connections.remove(&id);
        let frame = Frame::Close(code, reason.to_owned());
        self.out.push_back(Outgoing { connection: id, frame });
    }
}

/// What a path is for. Futures streams are at `/public`, `/market` and `/private`.
fn link(path: &str, query: &str, traders: &[Trader]) -> Option<(BinanceMarket, Link)> {
    let path = path.trim_end_matches('/');
    match path {
        "/ws-api/v3" => return Some((BinanceMarket::Spot, Link::Api(Session::default()))),
        "/ws-fapi/v1" => return Some((BinanceMarket::UsdFutures, Link::Api(Session::default()))),
        _ => {}
    }
    let groups = [
        ("/public", Group::Public),
        ("/market", Group::Market),
        ("/private", Group::Private),
        ("", Group::All),
    ];
    let (group, rest) = groups.iter().find_map(|(prefix, group)| {
        let rest = path.strip_prefix(prefix)?;
        rest.starts_with('/').then_some((*group, rest))
    })?;
    let market = if group == Group::All { BinanceMarket::Spot } else { BinanceMarket::UsdFutures };
    let value = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(known, _)| *known == name).map(|(_, value)| value).next()
    };
    let mut streams = Streams { group, ..Streams::default() };
    let names = if let Some(names) = rest.strip_prefix("/ws") {
        if !(names.is_empty() || names.starts_with('/')) {
            return None;
        }
        names.trim_start_matches('/')
    } else if rest == "/stream" || rest.starts_with("/stream/") {
        streams.is_combined = true;
        value("streams").unwrap_or_default()
    } else {
        return None;
    };
    for name in names.split('/').filter(|name| !name.is_empty()) {
        let is_key = |key: &str| {
            traders.iter().any(|t| t.listen_key.as_ref().is_some_and(|known| known.text == key))
        };
        if is_key(name) {
            streams.listen_key = Some(name.to_owned());
        } else {
            // A percent-encoded `@`.
            streams.names.insert(name.replace("%40", "@"));
        }
    }
    if let Some(key) = value("listenKey") {
        streams.listen_key = Some(key.to_owned());
    }
    Some((market, Link::Streams(streams)))
}
