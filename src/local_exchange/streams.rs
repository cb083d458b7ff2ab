//! What streams tell, and to whom.

use core::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::candles::{Candle, INTERVALS};
use super::connection::{ConnectionId, Frame, Group, Link, Outgoing};
use super::market::{Flushed, PublicTrade, SPEEDS};
use super::state::{BEAT, ExchangeState};
use crate::types::{InstrumentId, Side};
use crate::venue::binance::BinanceMarket;

/// Time between two pings.
const PING: Duration = Duration::from_secs(20);

/// A client that has been silent for so long is cut off.
const SILENCE: Duration = Duration::from_secs(80);

/// The longest life of a connection.
const LIFE: Duration = Duration::from_secs(86_400);

/// Streams of one connection.
const MOST_STREAMS: usize = 1_024;

#[derive(serde::Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: String,
    #[serde(default)]
    params: Vec<Value>,
}

impl ExchangeState {
    /// `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS` and properties.
    pub(super) fn stream_request(&mut self, id: ConnectionId, text: &str) {
        let Ok(request) = serde_json::from_str::<Request<'_>>(text) else {
            let error = json!({ "error": { "code": 3, "msg": "Invalid JSON: expected value" } });
            self.send(id, error.to_string());
            return;
        };
        let names = request.params.iter().filter_map(Value::as_str);
        let refused = self.chaos.refused_subscription;
        let is_refused = request.method == "SUBSCRIBE" && self.chance(refused);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let Link::Streams(streams) = &mut connection.link else { return };
        let result = match request.method.as_str() {
            "SUBSCRIBE" if is_refused => {
                Err("Internal error, could not fetch data for subscription".to_owned())
            }
            "SUBSCRIBE" => {
                streams.names.extend(names.map(str::to_owned));
                Ok(Value::Null)
            }
            "UNSUBSCRIBE" => {
                names.for_each(|name| {
                    streams.names.remove(name);
                });
                Ok(Value::Null)
            }
            "LIST_SUBSCRIPTIONS" => Ok(streams.names.iter().map(String::as_str).collect()),
            "SET_PROPERTY" => {
                if let [Value::String(name), Value::Bool(value)] = request.params.as_slice()
                    && name == "combined"
                {
                    streams.is_combined = *value;
                }
                Ok(Value::Null)
            }
            "GET_PROPERTY" => Ok(streams.is_combined.into()),
            other => Err(format!("Invalid request: unknown variant `{other}`")),
        };
        let is_over = streams.names.len() > MOST_STREAMS;
        let reply_id = request.id.map_or("null", RawValue::get);
        let reply = match result {
            Ok(result) => format!(r#"{{"result":{result},"id":{reply_id}}}"#),
            Err(message) => {
                let error = json!({ "code": 2, "msg": message });
                format!(r#"{{"error":{error},"id":{reply_id}}}"#)
            }
        };
        self.send(id, reply);
        if is_over {
            self.close(id, 1008, "Too many streams");
        }
    }

    /// What is told of a trade.
    pub(super) fn tell_trade(
        &mut self,
        market: BinanceMarket,
        id: InstrumentId,
        trade: &PublicTrade,
    ) {
        let Some(symbol) = self.markets.of(market).get(id) else { return };
        let name = symbol.name().to_lowercase();
        let mut events = Vec::new();
        for (kind, build) in [("trade", true), ("aggTrade", false)] {
            let stream = format!("{name}@{kind}");
            if self.is_wanted(market, &stream) {
                let event = match build {
                    true => symbol.trade_event(market, trade),
                    false => symbol.aggregate_event(market, trade),
                };
                events.push((stream, event));
            }
        }
        self.publish_all(market, events);
        self.tell_quote(market, id);
    }

    /// What is told of the best bid and offer.
    fn tell_quote(&mut self, market: BinanceMarket, id: InstrumentId) {
        let Some(symbol) = self.markets.of(market).get(id) else { return };
        let name = format!("{}@bookTicker", symbol.name().to_lowercase());
        let mut events = Vec::new();
        for stream in [name.as_str(), "!bookTicker"] {
            if self.is_wanted(market, stream) {
                events.push((stream.to_owned(), symbol.book_ticker_event(market, self.now)));
            }
        }
        self.publish_all(market, events);
    }

    /// What is told of candles that have closed.
    pub(super) fn tell_closed(
        &mut self,
        market: BinanceMarket,
        id: InstrumentId,
        closed: &[(usize, Candle)],
    ) {
        let mut events = Vec::new();
        let Some(symbol) = self.markets.of(market).get(id) else { return };
        for (interval, candle) in closed {
            let word = INTERVALS.get(*interval).map_or("", |(word, _)| *word);
            let stream = format!("{}@kline_{word}", symbol.name().to_lowercase());
            if self.is_wanted(market, &stream) {
                events.push((stream, symbol.candle_event(self.now, *interval, candle, true)));
            }
        }
        self.publish_all(market, events);
    }

    /// What is due at every beat: depth; each second also candles, tickers, marks, pings.
    pub(super) fn tell_beat(&mut self, market: BinanceMarket, id: InstrumentId) {
        let millis = self.now.millis();
        self.roll(market, id);
        for (index, speed) in SPEEDS.iter().enumerate() {
            if millis.rem_euclid(*speed) < i64::try_from(BEAT.as_millis()).unwrap_or(1) {
                self.tell_depth(market, id, index, *speed);
            }
        }
        if millis.rem_euclid(1_000) < 100 {
            self.tell_second(market, id);
        }
    }

    fn roll(&mut self, market: BinanceMarket, id: InstrumentId) {
        let now = self.now;
        let symbol = self.markets.of_mut(market).get_mut(id);
        let closed = symbol.map(|symbol| symbol.candles.roll(now)).unwrap_or_default();
        self.tell_closed(market, id, &closed);
    }

    fn tell_depth(&mut self, market: BinanceMarket, id: InstrumentId, index: usize, speed: i64) {
        let Some(symbol) = self.markets.of_mut(market).get_mut(id) else { return };
        let Some(mut diff) = symbol.flush(index) else { return };
        let best = symbol.ladder.best(Side::Sell);
        let crossed = self.chaos.crossed;
        if self.chance(crossed)
            && let Some((offer, steps)) = best
        {
            diff.bids.insert(0, (offer + 1, steps));
        }
        let Some(symbol) = self.markets.of(market).get(id) else { return };
        let name = symbol.name().to_lowercase();
        let usual = match market {
            BinanceMarket::Spot => 1_000,
            BinanceMarket::UsdFutures => 250,
        };
        let mut suffixes = vec![format!("@{speed}ms")];
        if speed == usual {
            suffixes.push(String::new());
        }
        if speed == 100 && market == BinanceMarket::UsdFutures {
            suffixes.push("@0ms".to_owned());
        }
        let mut events = Vec::new();
        for suffix in suffixes {
            let stream = format!("{name}@depth{suffix}");
            if self.is_wanted(market, &stream) {
                events.push((stream, symbol.depth_event(market, self.now, &diff)));
            }
            for levels in [5, 10, 20] {
                let stream = format!("{name}@depth{levels}{suffix}");
                if !self.is_wanted(market, &stream) {
                    continue;
                }
                let event = match market {
                    BinanceMarket::Spot => symbol.depth(market, self.now, levels),
                    BinanceMarket::UsdFutures => {
                        let [bids, asks] = symbol.top(levels);
                        let whole = Flushed { bids, asks, ..diff.clone() };
                        symbol.depth_event(market, self.now, &whole)
                    }
                };
                events.push((stream, event));
            }
        }
        self.publish_all(market, events);
    }

    fn tell_second(&mut self, market: BinanceMarket, id: InstrumentId) {
        let Some(symbol) = self.markets.of(market).get(id) else { return };
        let name = symbol.name().to_lowercase();
        let at = self.now;
        let mut events = Vec::new();
        let mut offer = |stream: String, event: &dyn Fn() -> Value| {
            if self.is_wanted(market, &stream) {
                events.push((stream, event()));
            }
        };
        for (interval, (word, _)) in INTERVALS.iter().enumerate() {
            let forming = symbol.candles.series(interval).and_then(|series| series.back());
            if let Some(candle) = forming {
                let event = || symbol.candle_event(at, interval, candle, false);
                offer(format!("{name}@kline_{word}"), &event);
            }
        }
        offer(format!("{name}@ticker"), &|| symbol.day_event(market, at));
        offer(format!("{name}@miniTicker"), &|| symbol.mini_event(at));
        offer("!miniTicker@arr".to_owned(), &|| json!([symbol.mini_event(at)]));
        match market {
            BinanceMarket::Spot => offer(format!("{name}@avgPrice"), &|| {
                json!({
                    "e": "avgPrice", "E": at.millis(), "s": symbol.name(), "i": "5m",
                    "w": super::number::text(symbol.average()), "T": at.millis(),
                })
            }),
            BinanceMarket::UsdFutures => {
                offer("!ticker@arr".to_owned(), &|| json!([symbol.day_event(market, at)]));
                offer(format!("{name}@markPrice@1s"), &|| symbol.mark_event(at));
                offer("!markPrice@arr@1s".to_owned(), &|| json!([symbol.mark_event(at)]));
                if at.millis().rem_euclid(3_000) < 1_000 {
                    offer(format!("{name}@markPrice"), &|| symbol.mark_event(at));
                    offer("!markPrice@arr".to_owned(), &|| json!([symbol.mark_event(at)]));
                }
            }
        }
        self.publish_all(market, events);
    }

    /// Pings, and the end of connections that are too old or silent.
    pub(super) fn keep_connections(&mut self) {
        let now = self.now;
        let closes = self.closes_at.take_if(|at| *at <= now).is_some();
        let mut ended = Vec::new();
        for (id, connection) in &mut self.connections {
            if closes {
                ended.push((*id, 1012, "Service Restart"));
            } else if now.since(connection.opened_at) >= LIFE {
                ended.push((*id, 1001, "24 hours are over"));
            } else if now.since(connection.heard_at) >= SILENCE {
                ended.push((*id, 1008, "Pong timeout"));
            } else if now.since(connection.pinged_at) >= PING {
                connection.pinged_at = now;
                let frame = Frame::Ping(now.millis().to_string());
                self.out.push_back(Outgoing { connection: *id, frame });
            }
        }
        for (id, code, reason) in ended {
            self.close(id, code, reason);
        }
    }

    pub(super) fn tell_shutdown(&mut self) {
        let event = json!({ "e": "serverShutdown", "E": self.now.millis() });
        let frames: Vec<(ConnectionId, String)> = self
            .connections
            .iter()
            .map(|(id, connection)| {
                let text = match &connection.link {
                    Link::Streams(streams) if streams.is_combined => {
                        json!({ "stream": "!serverShutdown", "data": event }).to_string()
                    }
                    Link::Streams(_) => event.to_string(),
                    Link::Api(_) => json!({ "event": event }).to_string(),
                };
                (*id, text)
            })
            .collect();
        for (id, text) in frames {
            self.send(id, text);
        }
    }

    fn is_wanted(&self, market: BinanceMarket, stream: &str) -> bool {
        self.connections.values().any(|connection| match &connection.link {
            Link::Streams(streams) => {
                connection.market == market
                    && streams.names.contains(stream)
                    && streams.group.carries(stream)
            }
            Link::Api(_) => false,
        })
    }

    fn publish_all(&mut self, market: BinanceMarket, events: Vec<(String, Value)>) {
        for (stream, event) in events {
            self.publish(market, &stream, &event);
        }
    }

    fn publish(&mut self, market: BinanceMarket, stream: &str, event: &Value) {
        if self.chaos.muted.iter().any(|word| stream.contains(word.as_str())) {
            return;
        }
        let (bare, wrapped) =
            (event.to_string(), format!(r#"{{"stream":"{stream}","data":{event}}}"#));
        let readers: Vec<(ConnectionId, bool)> = self
            .connections
            .iter()
            .filter(|(_, connection)| connection.market == market)
            .filter_map(|(id, connection)| match &connection.link {
                Link::Streams(s) if s.names.contains(stream) && s.group.carries(stream) => {
                    Some((*id, s.is_combined))
                }
                Link::Streams(_) | Link::Api(_) => None,
            })
            .collect();
        for (id, is_combined) in readers {
            let text = if is_combined { &wrapped } else { &bare };
            self.send_event(id, text.clone());
        }
    }

    /// Sends an event of a market stream, unless chaos has other plans.
    fn send_event(&mut self, id: ConnectionId, text: String) {
        let (gap, reorder) = (self.chaos.gap, self.chaos.reorder);
        if self.chance(gap) {
            return;
        }
        let holds = self.chance(reorder);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match connection.held.take() {
            None if holds => connection.held = Some(text),
            None => self.send_twice_maybe(id, text),
            Some(held) => {
                self.send_twice_maybe(id, text);
                self.send_twice_maybe(id, held);
            }
        }
    }

    /// Sends an event, sometimes twice.
    pub(super) fn send_twice_maybe(&mut self, id: ConnectionId, text: String) {
        let (duplicate, cut) = (self.chaos.duplicate, self.chaos.cut);
        if self.chance(duplicate) {
            self.send(id, text.clone());
        }
        self.send(id, text);
        if self.chance(cut) {
            self.connections.remove(&id);
            self.out.push_back(Outgoing { connection: id, frame: Frame::Cut });
        }
    }

    pub(super) fn send(&mut self, id: ConnectionId, text: String) {
        if self.connections.contains_key(&id) {
            self.out.push_back(Outgoing { connection: id, frame: Frame::Text(text) });
        }
    }
}

impl Group {
    /// True for streams that a connection of this group carries.
    fn carries(self, stream: &str) -> bool {
        let is_public = ["@depth", "bookTicker", "@trade"].iter().any(|kind| stream.contains(kind));
        match self {
            Self::All => true,
            Self::Public => is_public,
            Self::Market => !is_public,
            Self::Private => false,
        }
    }
}
