//! A chain and its indexer on loopback: transactions are read and carried out, and told over HTTP
//! and sockets; each of them can fail as a test wants.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{SinkExt, StreamExt};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio::sync::broadcast;
use tokio_tungstenite::tungstenite::Message;
use tradewright::live::{
    DydxAccount, DydxClient, DydxConfig, DydxMarketData, DydxNetwork, Endpoint,
};
use tradewright::types::{Instruments, Timestamp};
use tradewright::venue::dydx::{ChainKey, SecretString, Subaccount, hyphenated, venue_id};
use tradewright::venue::{SessionConfig, Symbols};

use crate::live::server::{Asked, Peer, Reply, Server};

/// The private key of all accounts here.
pub const KEY: &str = "e9ae670300ce5b14ec4ea2a42dc37eb96c84c07f9f15a6a4e08dcaa6f3cc2b5d";
/// One bitcoin in quantums, one dollar in subticks.
const QUANTUMS: u64 = 10_000_000_000;
const SUBTICKS: u64 = 100_000;

/// A transaction as the chain reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tx {
    /// `Place`, `Cancel`, `Batch`.
    pub kind: String,
    pub sequence: u64,
    pub client: u32,
    pub flags: u64,
    pub is_buy: bool,
    pub quantity: Decimal,
    pub price: Decimal,
    /// The last block or second.
    pub until: u64,
    pub force: u64,
    pub metadata: u64,
    /// The client ids of a batch.
    pub clients: Vec<u64>,
}

/// What becomes of the next transaction.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It is carried out, and the answer is lost.
    AnswerLost,
    /// It never arrives, and nobody knows.
    Lost,
    /// It is refused with this code of `clob`.
    Refused(i64),
}

pub struct State {
    pub height: u64,
    /// The account's next sequence number.
    pub sequence: u64,
    pub txs: Vec<Tx>,
    pub fates: VecDeque<Fate>,
    pub orders: Vec<Value>,
    pub fills: Vec<Value>,
    /// Orders that take fill at once at this price.
    pub market: Option<Decimal>,
    pub cash: Decimal,
    pub position: Decimal,
    pub entry: Decimal,
    /// Nothing is told over sockets.
    pub is_mute: bool,
    /// Questions for fills fail so often.
    pub fills_fail: u32,
    count: u32,
}

#[derive(Clone)]
pub struct World {
    state: Arc<Mutex<State>>,
    news: broadcast::Sender<(String, String)>,
    pub port: u16,
}

pub fn table() -> Instruments {
    let mut table = Instruments::new();
    let bitcoin = tradewright::types::Instrument::linear_perpetual("BTC-USD", "BTC", "USDC");
    table.add(bitcoin.tick("1").step("0.0001")).unwrap();
    table
}

pub fn account() -> Subaccount {
    let key = ChainKey::from_hex(&SecretString::from(KEY)).unwrap();
    Subaccount { address: key.address().clone(), number: 0 }
}

impl World {
    pub async fn new() -> Self {
        let state = Arc::new(Mutex::new(State {
            height: 1_000,
            sequence: 5,
            txs: Vec::new(),
            fates: VecDeque::new(),
            orders: Vec::new(),
            fills: Vec::new(),
            market: None,
            cash: Decimal::from(10_000),
            position: Decimal::ZERO,
            entry: Decimal::ZERO,
            is_mute: false,
            fills_fail: 0,
            count: 0,
        }));
        let (news, _) = broadcast::channel(1_024);
        let (answers, told) = (Arc::clone(&state), news.clone());
        let server = Server::new(move |asked| answer(&answers, &told, asked)).await;
        let port = server.port;
        let world = Self { state, news, port };
        tokio::spawn(world.clone().sockets(server));
        world
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn config(&self) -> DydxConfig {
        let mut config = DydxConfig::new(DydxNetwork::Local { port: self.port }).unwrap();
        config.session = SessionConfig {
            pause: Duration::from_millis(20),
            longest_pause: Duration::from_millis(100),
            ..SessionConfig::default()
        };
        config.messages_apart = Duration::from_millis(1);
        config.requests_per_second = 1_000;
        config
    }

    pub fn market(&self) -> DydxMarketData {
        DydxMarketData::new(self.config(), Symbols::of(&table())).unwrap()
    }

    pub fn account(&self) -> DydxAccount {
        let node = Endpoint::http(&format!("http://127.0.0.1:{}", self.port)).unwrap();
        let key = ChainKey::from_hex(&SecretString::from(KEY)).unwrap();
        let network = DydxNetwork::Local { port: self.port };
        let mut account = DydxAccount::new(network, key, node);
        // Each question for the height is answered by the world as it is.
        account.height_age = Duration::ZERO;
        account
    }

    pub fn client(&self) -> DydxClient {
        DydxClient::new(&self.market(), self.account())
    }

    /// The chain goes on by so many blocks, and the indexer tells it.
    pub fn blocks(&self, count: u64) {
        for _ in 0..count {
            let mut state = self.state();
            state.height += 1;
            let height = state.height;
            let text = json!({"blockHeight": height.to_string(), "time": NOW}).to_string();
            drop(state);
            let _nobody = self.news.send(("v4_block_height".to_owned(), text));
        }
    }

    /// Cuts every socket.
    pub fn cut(&self) {
        let _nobody = self.news.send((String::new(), String::new()));
    }

    /// Tells something on a channel.
    pub fn say(&self, channel: &str, contents: &str) {
        let _nobody = self.news.send((channel.to_owned(), contents.to_owned()));
    }

    pub fn places(&self) -> Vec<Tx> {
        self.state().txs.iter().filter(|tx| tx.kind == "Place").cloned().collect()
    }

    /// An order fills at its own price, and the account's channel tells it.
    pub fn fill(&self, client: u32, quantity: &str) {
        let mut state = self.state();
        let client = client.to_string();
        let index = state.orders.iter().position(|it| it["clientId"] == client.as_str());
        let index = index.unwrap();
        let price = number(&state.orders[index]["price"]);
        let news = state.execute(index, quantity.parse().unwrap(), price);
        drop(state);
        self.say("v4_subaccounts", &news.to_string());
    }

    async fn sockets(self, mut server: Server) {
        while let Some(peer) = server.any_peer().await {
            tokio::spawn(self.clone().serve(peer, self.news.subscribe()));
        }
    }

    async fn serve(self, mut peer: Peer, mut news: broadcast::Receiver<(String, String)>) {
        let (mut next, mut asked) = (0, BTreeSet::new());
        let mut number = || {
            next += 1;
            next - 1
        };
        let hello = json!({"type": "connected", "connection_id": "7af1", "message_id": number()});
        peer.say(&hello.to_string()).await;
        loop {
            let text = tokio::select! {
                frame = peer.socket.next() => match frame {
                    Some(Ok(Message::Text(text))) => {
                        let read: Value = serde_json::from_str(&text).unwrap();
                        let channel = read["channel"].as_str().unwrap_or_default().to_owned();
                        if read["type"] != "subscribe" {
                            continue;
                        }
                        let contents = self.state().contents(&channel);
                        asked.insert(channel.clone());
                        json!({"type": "subscribed", "connection_id": "7af1",
                            "message_id": number(), "channel": channel, "id": read["id"],
                            "contents": contents}).to_string()
                    }
                    Some(Ok(_)) => continue,
                    Some(Err(_)) | None => return,
                },
                Ok((channel, contents)) = news.recv() => {
                    if channel.is_empty() {
                        return;
                    }
                    if !asked.contains(&channel) {
                        continue;
                    }
                    let id = match channel.as_str() {
                        "v4_subaccounts" => format!("{}/0", account().address),
                        _ => "BTC-USD".to_owned(),
                    };
                    let contents: Value = serde_json::from_str(&contents).unwrap();
                    json!({"type": "channel_data", "connection_id": "7af1", "version": "3.0.0",
                        "message_id": number(), "channel": channel, "id": id,
                        "contents": contents}).to_string()
                }
            };
            if peer.socket.send(Message::text(text)).await.is_err() {
                return;
            }
        }
    }
}

pub const NOW: &str = "2026-11-28T12:00:00.000Z";

pub fn number(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

impl State {
    fn contents(&self, channel: &str) -> Value {
        match channel {
            "v4_subaccounts" => {
                let works = |it: &&Value| it["status"] == "OPEN";
                let orders: Vec<&Value> = self.orders.iter().filter(works).collect();
                json!({"subaccount": self.holdings(), "orders": orders})
            }
            "v4_block_height" => json!({"height": self.height.to_string(), "time": NOW}),
            "v4_orderbook" => json!({"bids": [{"price": "100", "size": "50"}],
                "asks": [{"price": "101", "size": "50"}]}),
            _ => json!({}),
        }
    }

    fn holdings(&self) -> Value {
        let side = if self.position.is_sign_negative() { "SHORT" } else { "LONG" };
        let mut positions = json!({});
        if !self.position.is_zero() {
            positions = json!({"BTC-USD": {"market": "BTC-USD", "status": "OPEN", "side": side,
                "size": self.position.to_string(), "entryPrice": self.entry.to_string()}});
        }
        let worth = self.cash + self.position * self.entry;
        json!({"address": account().address.as_str(), "subaccountNumber": 0,
            "equity": worth.to_string(), "freeCollateral": (worth - Decimal::from(7)).to_string(),
            "openPerpetualPositions": positions, "assetPositions": {"USDC": {"symbol": "USDC",
            "side": "LONG", "size": self.cash.to_string(), "assetId": "0"}}})
    }

    /// Fills an order, and gives what the account's channel tells.
    pub fn execute(&mut self, index: usize, quantity: Decimal, price: Decimal) -> Value {
        self.count += 1;
        let fee: Decimal = "0.01".parse().unwrap();
        let order = &mut self.orders[index];
        let filled = number(&order["totalFilled"]) + quantity;
        order["totalFilled"] = json!(filled.to_string());
        if filled == number(&order["size"]) {
            order["status"] = json!("FILLED");
        }
        let signed = if order["side"] == "BUY" { quantity } else { -quantity };
        let after = self.position + signed;
        self.entry = match after.is_zero() {
            true => Decimal::ZERO,
            false if self.position.is_zero() => price,
            false => self.entry,
        };
        (self.position, self.cash) = (after, self.cash - signed * price - fee);
        let id = format!("00000000-0000-5000-8000-{:012x}", self.count);
        let fill = json!({"id": id, "orderId": order["id"], "side": order["side"],
            "size": quantity.to_string(), "price": price.to_string(), "fee": "0.01",
            "liquidity": "TAKER", "type": "LIMIT", "market": "BTC-USD", "ticker": "BTC-USD",
            "createdAt": now(), "createdAtHeight": self.height.to_string()});
        let news = json!({"orders": [order.clone()], "fills": [fill.clone()]});
        self.fills.push(fill);
        news
    }

    /// Carries a transaction out; what the account's channel tells.
    fn carry_out(&mut self, tx: &Tx) -> Option<Value> {
        let id = hyphenated(venue_id(&account(), tx.client, 0, tx.flags as u32));
        let known = self.orders.iter().position(|it| it["id"] == id.as_str());
        match (tx.kind.as_str(), known) {
            ("Place", None) => {
                let force = ["GTT", "IOC", "GTT"][usize::try_from(tx.force).unwrap()];
                let mut order = json!({"id": id, "clientId": tx.client.to_string(),
                    "clobPairId": "0", "side": if tx.is_buy { "BUY" } else { "SELL" },
                    "size": tx.quantity.to_string(), "totalFilled": "0", "type": "LIMIT",
                    "price": tx.price.to_string(), "status": "OPEN", "timeInForce": force,
                    "orderFlags": tx.flags.to_string(), "ticker": "BTC-USD",
                    "clientMetadata": tx.metadata.to_string(), "updatedAt": now()});
                match tx.flags {
                    0 => order["goodTilBlock"] = json!(tx.until.to_string()),
                    _ => order["goodTilBlockTime"] = json!("2027-02-01T00:00:00.000Z"),
                }
                self.orders.push(order);
                let index = self.orders.len() - 1;
                match (self.market, tx.force) {
                    (Some(price), 1) => Some(self.execute(index, tx.quantity, price)),
                    _ => Some(json!({"orders": [self.orders[index].clone()]})),
                }
            }
            ("Place", Some(index)) => {
                let order = &mut self.orders[index];
                order["size"] = json!(tx.quantity.to_string());
                order["price"] = json!(tx.price.to_string());
                order["goodTilBlock"] = json!(tx.until.to_string());
                Some(json!({"orders": [order.clone()]}))
            }
            ("Cancel", Some(index)) => {
                self.orders[index]["status"] = json!("CANCELED");
                Some(json!({"orders": [self.orders[index].clone()]}))
            }
            _ => None,
        }
    }
}

fn now() -> String {
    use tradewright::venue::Clock as _;
    tradewright::live::SystemClock.wall().to_string()
}

fn answer(
    state: &Mutex<State>,
    news: &broadcast::Sender<(String, String)>,
    asked: &Asked,
) -> Reply {
    let mut state = state.lock().unwrap();
    let path = asked.path.as_str();
    let (word, query) = path.split_once('?').unwrap_or((path, ""));
    match (asked.method.as_str(), word) {
        ("POST", "/") => node(&mut state, news, &asked.body),
        (_, "/v4/ws") => Reply::upgrade(),
        (_, "/v4/height") => {
            Reply::ok(json!({"height": state.height.to_string(), "time": NOW}).to_string())
        }
        (_, "/v4/time") => Reply::ok(json!({"iso": NOW, "epoch": 1.5}).to_string()),
        (_, "/v4/perpetualMarkets") => Reply::ok(MARKETS),
        (_, "/v4/orders") => {
            let words: Vec<&str> = query
                .split('&')
                .find_map(|it| it.strip_prefix("status="))
                .unwrap()
                .split(',')
                .collect();
            let is_asked = |it: &&Value| words.contains(&it["status"].as_str().unwrap());
            let orders: Vec<&Value> = state.orders.iter().filter(is_asked).collect();
            Reply::ok(json!(orders).to_string())
        }
        (_, "/v4/fills") if state.fills_fail > 0 => {
            state.fills_fail -= 1;
            Reply::status(503, "", "")
        }
        (_, "/v4/fills") => {
            let before = query.split('&').find_map(|it| it.strip_prefix("createdBeforeOrAt="));
            let before = before.map_or(Timestamp::MAX, |at| at.parse().unwrap());
            let at = |it: &Value| it["createdAt"].as_str().unwrap().parse::<Timestamp>().unwrap();
            let fills = state.fills.iter().rev().filter(|it| at(it) <= before);
            let page: Vec<&Value> = fills.take(100).collect();
            Reply::ok(json!({"fills": page}).to_string())
        }
        (_, word) if word.starts_with("/v4/addresses/") => {
            Reply::ok(json!({"subaccount": state.holdings()}).to_string())
        }
        (_, word) => {
            let id = word.strip_prefix("/v4/orders/").unwrap_or_else(|| panic!("{word}"));
            match state.orders.iter().find(|it| it["id"] == id) {
                Some(order) => Reply::ok(order.to_string()),
                None => Reply::status(404, "", r#"{"errors":[{"msg":"not found"}]}"#),
            }
        }
    }
}

const MARKETS: &str = r#"{"markets":{"BTC-USD":{"clobPairId":"0","ticker":"BTC-USD",
    "status":"ACTIVE","oraclePrice":"100","tickSize":"1","stepSize":"0.0001",
    "atomicResolution":-10,"quantumConversionExponent":-9,"stepBaseQuantums":1000000,
    "subticksPerTick":100000,"initialMarginFraction":"0.02",
    "maintenanceMarginFraction":"0.012"}}}"#;

/// A validator's JSON-RPC.
fn node(state: &mut State, news: &broadcast::Sender<(String, String)>, body: &str) -> Reply {
    let read: Value = serde_json::from_str(body).unwrap();
    if read["method"] == "abci_query" {
        let base = [write(3, 42), write(4, state.sequence)].concat();
        let kind = b"/cosmos.auth.v1beta1.BaseAccount";
        let any = [nest(1, kind), nest(2, &base)].concat();
        let value = STANDARD.encode(nest(1, &any));
        return Reply::ok(json!({"result": {"response": {"code": 0, "value": value}}}).to_string());
    }
    let tx = read_tx(&STANDARD.decode(read["params"]["tx"].as_str().unwrap()).unwrap());
    state.txs.push(tx.clone());
    let result = |code: i64, space: &str, log: &str| {
        let result = json!({"code": code, "codespace": space, "log": log, "hash": "AB"});
        Reply::ok(json!({"jsonrpc": "2.0", "id": read["id"], "result": result}).to_string())
    };
    let is_stateful = tx.flags != 0;
    let fate = state.fates.pop_front();
    match fate {
        Some(Fate::Lost) => return Reply::status(0, "", ""),
        Some(Fate::Refused(code)) => return result(code, "clob", "why"),
        Some(Fate::AnswerLost) | None => {}
    }
    if is_stateful && tx.sequence != state.sequence {
        let (expected, got) = (state.sequence, tx.sequence);
        let log = format!("account sequence mismatch, expected {expected}, got {got}: incorrect");
        return result(32, "sdk", &log);
    }
    state.sequence += u64::from(is_stateful);
    if let Some(told) = state.carry_out(&tx)
        && !state.is_mute
    {
        let _nobody = news.send(("v4_subaccounts".to_owned(), told.to_string()));
    }
    match fate {
        Some(_) => Reply::status(0, "", ""),
        None => result(0, "", ""),
    }
}

/// A field of a message of protocol buffers.
#[derive(Clone, Debug)]
enum Field {
    Number(u64),
    Bytes(Vec<u8>),
}

fn read_number(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        shift += 7;
        if first & 0x80 == 0 {
            return value;
        }
    }
}

fn fields(mut bytes: &[u8]) -> Vec<(u64, Field)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = read_number(&mut bytes);
        let field = match key & 7 {
            0 => Field::Number(read_number(&mut bytes)),
            2 => {
                let length = usize::try_from(read_number(&mut bytes)).unwrap();
                let (inner, rest) = bytes.split_at(length);
                bytes = rest;
                Field::Bytes(inner.to_vec())
            }
            5 => {
                let (four, rest) = bytes.split_at(4);
                bytes = rest;
                Field::Number(u32::from_le_bytes(four.try_into().unwrap()).into())
            }
            other => panic!("wire type {other}"),
        };
        fields.push((key >> 3, field));
    }
    fields
}

fn inner(bytes: &[u8], tag: u64) -> Vec<u8> {
    let found = fields(bytes).into_iter().find_map(|(number, field)| match field {
        Field::Bytes(bytes) if number == tag => Some(bytes),
        _ => None,
    });
    found.unwrap_or_default()
}

fn value(bytes: &[u8], tag: u64) -> u64 {
    let found = fields(bytes).into_iter().find_map(|(number, field)| match field {
        Field::Number(value) if number == tag => Some(value),
        _ => None,
    });
    found.unwrap_or_default()
}

fn read_tx(bytes: &[u8]) -> Tx {
    let any = inner(&inner(bytes, 1), 1);
    let url = String::from_utf8(inner(&any, 1)).unwrap();
    let message = inner(&any, 2);
    let signer = inner(&inner(bytes, 2), 1);
    let kind = match url.rsplit('.').next().unwrap() {
        "MsgPlaceOrder" => "Place",
        "MsgCancelOrder" => "Cancel",
        "MsgBatchCancel" => "Batch",
        other => panic!("{other}"),
    };
    let (order, batch) = (inner(&message, 1), inner(&message, 2));
    let id = if kind == "Place" { inner(&order, 1) } else { order.clone() };
    let (block, time) = match kind {
        "Place" => (value(&order, 5), value(&order, 6)),
        "Cancel" => (value(&message, 2), value(&message, 3)),
        _ => (value(&message, 3), 0),
    };
    let packed = inner(&batch, 2);
    let (mut rest, mut clients) = (&packed[..], Vec::new());
    while kind == "Batch" && !rest.is_empty() {
        clients.push(read_number(&mut rest));
    }
    Tx {
        kind: kind.to_owned(),
        sequence: value(&signer, 3),
        client: value(&id, 2) as u32,
        flags: if kind == "Batch" { 0 } else { value(&id, 3) },
        is_buy: value(&order, 2) == 1,
        quantity: (Decimal::from(value(&order, 3)) / Decimal::from(QUANTUMS)).normalize(),
        price: (Decimal::from(value(&order, 4)) / Decimal::from(SUBTICKS)).normalize(),
        until: block.max(time),
        force: value(&order, 7),
        metadata: value(&order, 9),
        clients,
    }
}

fn write_number(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn write(tag: u64, number: u64) -> Vec<u8> {
    [write_number(tag << 3), write_number(number)].concat()
}

fn nest(tag: u64, bytes: &[u8]) -> Vec<u8> {
    let length = u64::try_from(bytes.len()).unwrap();
    [write_number(tag << 3 | 2), write_number(length), bytes.to_vec()].concat()
}
