//! The local exchange: Binance's protocol over the simulated venue.

mod bot;
#[cfg(feature = "logging")]
mod canary;
mod chaos;
mod client;
mod failures;
mod failures_of_books;
mod futures;
mod gateway;
mod live;
#[cfg(feature = "logging")]
mod logs;
mod orders;
mod server;
mod streams;
mod table;

use serde_json::Value;
use tradewright::local_exchange::{
    Account, ConnectionId, ExchangeConfig, ExchangeState, Frame, HttpReply, HttpRequest, Prices,
};
use tradewright::types::{Bar, Decimal, InstrumentId, MarketEvent, Period, Timestamp};
use tradewright::venue::binance::{HmacKey, SecretString};

pub const START: i64 = 1_700_000_000;

/// An exchange in virtual time, and a client of it.
pub struct World {
    pub exchange: ExchangeState,
    pub at: Timestamp,
    key: HmacKey,
}

impl World {
    pub fn new(config: ExchangeConfig) -> Self {
        let at = Timestamp::from_secs(START).unwrap();
        let exchange = ExchangeState::new(at, config).unwrap();
        let key = HmacKey::new(&SecretString::from("local-secret")).unwrap();
        Self { exchange, at, key }
    }

    pub fn sample() -> Self {
        Self::new(ExchangeConfig::sample(7))
    }

    pub fn pass(&mut self, millis: u64) {
        self.at = self.at.after(core::time::Duration::from_millis(millis));
        self.exchange.advance(self.at);
    }

    pub fn get(&mut self, target: &str) -> (u16, Value) {
        let reply = self.exchange.http(self.at, &HttpRequest::get(target));
        (reply.status, serde_json::from_str(&reply.body).unwrap())
    }

    /// The signature of a payload, as text.
    pub fn sign(&self, payload: &str) -> String {
        let mut text = String::new();
        self.key.signature(payload.as_bytes()).write(&mut text);
        text
    }

    /// The raw answer to a signed request; the parameters stand in the query.
    pub fn send(&mut self, method: &str, path: &str, query: &str) -> HttpReply {
        let query = match query.is_empty() {
            true => format!("timestamp={}", self.at.millis()),
            false => format!("{query}&timestamp={}", self.at.millis()),
        };
        let target = format!("{path}?{query}&signature={}", self.sign(&query));
        let key = Some("local-key".to_owned());
        let request = HttpRequest { method: method.to_owned(), target, key, body: String::new() };
        self.exchange.http(self.at, &request)
    }

    /// Status and body of the answer to a signed request.
    pub fn signed(&mut self, method: &str, path: &str, query: &str) -> (u16, Value) {
        let reply = self.send(method, path, query);
        (reply.status, serde_json::from_str(&reply.body).unwrap())
    }

    /// The body of a signed request that has to succeed.
    pub fn done(&mut self, method: &str, path: &str, query: &str) -> Value {
        let (status, body) = self.signed(method, path, query);
        assert_eq!(status, 200, "{method} {path} {query}: {body}");
        body
    }

    /// The code of a signed request that has to be refused.
    pub fn refusal(&mut self, method: &str, path: &str, query: &str) -> i64 {
        let (status, body) = self.signed(method, path, query);
        assert_ne!(status, 200, "{method} {path} {query}: {body}");
        body["code"].as_i64().unwrap()
    }

    pub fn connect(&mut self, number: u64, target: &str) -> ConnectionId {
        let id = ConnectionId(number);
        self.exchange.connect(self.at, id, target).unwrap();
        id
    }

    /// All frames that are waiting for a connection.
    pub fn frames(&mut self, id: ConnectionId) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(outgoing) = self.exchange.poll() {
            if outgoing.connection == id {
                frames.push(outgoing.frame);
            }
        }
        frames
    }

    /// The messages that are waiting for a connection.
    pub fn messages(&mut self, id: ConnectionId) -> Vec<Value> {
        let texts = self.frames(id).into_iter().filter_map(|frame| match frame {
            Frame::Text(text) => Some(serde_json::from_str(&text).unwrap()),
            _ => None,
        });
        texts.collect()
    }

    /// A request of the WebSocket API, signed where it has an empty signature; gives the answer.
    pub fn ask(&mut self, id: ConnectionId, method: &str, params: Value) -> Value {
        let mut params = params;
        if params.get("signature").is_some() {
            let fields = params.as_object_mut().unwrap();
            fields.insert("apiKey".to_owned(), "local-key".into());
            fields.insert("timestamp".to_owned(), self.at.millis().into());
            let pairs = fields.iter().filter(|(name, _)| *name != "signature");
            let text = |value: &Value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let pairs: Vec<String> =
                pairs.map(|(name, value)| format!("{name}={}", text(value))).collect();
            let signature = self.sign(&pairs.join("&"));
            params["signature"] = signature.into();
        }
        let request = serde_json::json!({ "id": 7, "method": method, "params": params });
        self.exchange.message(self.at, id, &request.to_string());
        let answers = self.messages(id);
        let answer = answers.into_iter().find(|message| message.get("id").is_some());
        answer.expect("an answer")
    }
}

/// BTCUSDT of spot with these prices, a minute each, and an account with money and coins.
pub fn scripted(closes: &[i64]) -> World {
    use tradewright::types::Instrument;
    let mut events = Vec::new();
    let start = Timestamp::from_secs(START).unwrap();
    for (minute, close) in (1_u64..).zip(closes) {
        let price = *close as f64;
        let bar = Bar::new(InstrumentId(0), Period::MINUTE, [price; 4], 4.0).unwrap();
        let at = start.after(core::time::Duration::from_secs(60 * minute));
        events.push((at, MarketEvent::Bar(bar)));
    }
    let prices = Prices::Recorded(events);
    let spot = Instrument::spot("BTCUSDT", "BTC", "USDT").tick("0.01").step("0.00001");
    let account = Account::hmac("local-key", "local-secret")
        .with_spot("BTC", Decimal::from(10))
        .with_spot("USDT", Decimal::from(1_000_000));
    World::new(
        ExchangeConfig::new(7).with_spot(spot.min_notional("5"), prices).with_account(account),
    )
}

pub fn decimal(value: &Value) -> Decimal {
    value.as_str().expect("a number as text").parse().unwrap()
}

/// Signs requests that are handed to an exchange directly.
pub struct Signer(HmacKey);

impl Signer {
    pub fn new(secret: &str) -> Self {
        Self(HmacKey::new(&SecretString::from(secret)).unwrap())
    }

    /// Places a spot order that has to be accepted.
    pub fn place(&self, state: &mut ExchangeState, at: Timestamp, query: &str) {
        let query = format!("{query}&timestamp={}", at.millis());
        let mut signature = String::new();
        self.0.signature(query.as_bytes()).write(&mut signature);
        let request = HttpRequest {
            method: "POST".to_owned(),
            target: format!("/api/v3/order?{query}&signature={signature}"),
            key: Some("local-key".to_owned()),
            body: String::new(),
        };
        let reply = state.http(at, &request);
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
}
