//! The indexer's market data and a validator's door over real sockets on loopback, against a
//! server whose every step is the test's.

use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use tradewright::live::{DydxConfig, DydxMarketData, DydxNetwork, DydxNode, Endpoint, Tls};
use tradewright::types::{Book, InstrumentId, MarketEvent, Period, Quote, RejectReason};
use tradewright::venue::dydx::{ChainAccount, ChainKey, SecretString};
use tradewright::venue::{
    Channel, ExchangeError, MarketDataStream, MarketNews, MarketStream, SessionConfig,
    SessionState, Subscription, Symbols, VenueEvent,
};

use crate::live::server::{LONG, Peer, Reply, Server};

pub const BITCOIN: InstrumentId = InstrumentId(0);

pub fn config(port: u16) -> DydxConfig {
    let mut config = DydxConfig::new(DydxNetwork::Local { port }).unwrap();
    config.session = SessionConfig {
        pause: Duration::from_millis(20),
        longest_pause: Duration::from_millis(100),
        ..SessionConfig::default()
    };
    config.messages_apart = Duration::from_millis(1);
    config.resubscribe_after = Duration::from_millis(50);
    config
}

pub fn service(config: DydxConfig) -> DydxMarketData {
    DydxMarketData::new(config, Symbols::of(&super::table(&["BTC-USD", "ETH-USD"]))).unwrap()
}

/// A connection of the indexer, which numbers what it says.
pub struct Indexer {
    pub peer: Peer,
    next: u64,
}

impl Indexer {
    pub async fn new(server: &mut Server) -> Self {
        let mut indexer = Self { peer: server.peer().await, next: 0 };
        assert_eq!(indexer.peer.path, "/v4/ws");
        indexer.say(r#""type":"connected""#).await;
        indexer
    }

    async fn say(&mut self, body: &str) {
        let number = self.next;
        self.next += 1;
        self.peer.say(&format!(r#"{{"connection_id":"7af1","message_id":{number},{body}}}"#)).await;
    }

    pub async fn asked(&mut self) -> (String, String) {
        let read: Value = serde_json::from_str(&self.peer.text().await).unwrap();
        let id = read["id"].as_str().unwrap_or_default();
        let kind = read["type"].as_str().unwrap();
        (format!("{kind} {}", read["channel"].as_str().unwrap()), id.to_owned())
    }

    /// Takes a subscription of this channel, with these contents.
    pub async fn subscribed(&mut self, channel: &str, id: &str, contents: &str) {
        assert_eq!(self.asked().await, (format!("subscribe {channel}"), id.to_owned()));
        self.tell_subscribed(channel, id, contents).await;
    }

    pub async fn tell_subscribed(&mut self, channel: &str, id: &str, contents: &str) {
        let id = if id.is_empty() { String::new() } else { format!(r#""id":"{id}","#) };
        let body =
            format!(r#""type":"subscribed","channel":"{channel}",{id}"contents":{contents}"#);
        self.say(&body).await;
    }

    pub async fn update(&mut self, channel: &str, id: &str, contents: &str) {
        let body = format!(
            r#""type":"channel_batch_data","channel":"{channel}","id":"{id}","version":"1.0.0",
            "contents":[{contents}]"#
        );
        self.say(&body).await;
    }
}

pub const BOOK: &str = r#"{"bids":[{"price":"114623","size":"0.1112"}],
    "asks":[{"price":"114624","size":"0.0872"}]}"#;

pub async fn next(stream: &mut MarketStream) -> VenueEvent {
    tokio::time::timeout(LONG, stream.next()).await.expect("an event").expect("an open stream")
}

pub async fn started(stream: &mut MarketStream) {
    let event = next(stream).await;
    assert!(matches!(event, VenueEvent::Started { .. }), "{event:?}");
}

pub async fn lost(stream: &mut MarketStream) {
    let event = next(stream).await;
    assert!(matches!(event, VenueEvent::Lost { .. }), "{event:?}");
}

pub async fn event(stream: &mut MarketStream) -> MarketEvent {
    match next(stream).await {
        VenueEvent::News { news: MarketNews::Event(sighting), .. } => sighting.event,
        other => panic!("{other:?}"),
    }
}

pub async fn quote(stream: &mut MarketStream) -> Quote {
    match event(stream).await {
        MarketEvent::Quote(quote) => quote,
        other => panic!("{other:?}"),
    }
}

pub async fn book(stream: &mut MarketStream) -> Box<Book> {
    match event(stream).await {
        MarketEvent::Book(book) => book,
        other => panic!("{other:?}"),
    }
}

pub async fn subscribe(service: &DydxMarketData, channels: &[Channel]) -> MarketStream {
    let of = |channel: &Channel| Subscription::new(BITCOIN, *channel);
    service.subscribe(&channels.iter().map(of).collect::<Vec<_>>()).await.unwrap()
}

/// A snapshot makes a book, an update changes it, and one that crosses it takes the older side
/// out, as books of this venue are crossed now and then.
#[tokio::test]
async fn books_are_uncrossed_and_quoted() {
    let mut server = Server::new(|_| Reply::upgrade()).await;
    let service = service(config(server.port));
    let mut books = subscribe(&service, &[Channel::Book { levels: 5 }]).await;
    let mut indexer = Indexer::new(&mut server).await;
    indexer.subscribed("v4_orderbook", "BTC-USD", BOOK).await;
    started(&mut books).await;
    let first = book(&mut books).await;
    assert_eq!((first.bids[0].price, first.asks[0].price), (114_623.0, 114_624.0));

    let mut quotes = subscribe(&service, &[Channel::Quotes]).await;
    started(&mut quotes).await;
    assert_eq!(quote(&mut quotes).await.bid_quantity, 0.1112);

    indexer.update("v4_orderbook", "BTC-USD", r#"{"bids":[["114624","2"]]}"#).await;
    let crossed = book(&mut books).await;
    assert_eq!(crossed.bids[0].price, 114_624.0);
    assert!(crossed.asks.is_empty(), "{crossed:?}");
    indexer.update("v4_orderbook", "BTC-USD", r#"{"asks":[["114625","3"]]}"#).await;
    let top = quote(&mut quotes).await;
    assert_eq!((top.bid, top.ask, top.ask_quantity), (114_624.0, 114_625.0, 3.0));
    assert_eq!(service.status(), SessionState::Live);
    service.close().await;
    let rest: Vec<VenueEvent> = books.collect().await;
    assert!(
        matches!(
            rest[..],
            [VenueEvent::News { .. }, VenueEvent::Lost { .. }] | [VenueEvent::Lost { .. }]
        ),
        "{rest:?}"
    );
}

/// Whatever comes before the last acknowledgement is told once it is there; prints once each.
#[tokio::test]
async fn channels_start_together_and_tell_each_print_once() {
    let mut server = Server::new(|_| Reply::upgrade()).await;
    let service = service(config(server.port));
    let minute = Channel::Bars(Period::MINUTE);
    let mut prints = subscribe(&service, &[Channel::Trades]).await;
    let mut marks = subscribe(&service, &[Channel::Marks]).await;
    let mut bars = subscribe(&service, &[minute]).await;
    let mut indexer = Indexer::new(&mut server).await;
    let trade = |id: &str| {
        format!(
            r#"{{"trades":[{{"id":"{id}","side":"BUY","size":"0.5","price":"43250","type":"LIMIT",
            "createdAt":"2024-01-01T00:00:00.000Z"}}]}}"#
        )
    };
    // Subscriptions are sent in the order in which they were made.
    for _ in 0..3 {
        indexer.asked().await;
    }
    indexer.tell_subscribed("v4_trades", "BTC-USD", &trade("a")).await;
    let oracle = r#"{"markets":{"BTC-USD":{"oraclePrice":"43251"},
        "ETH-USD":{"oraclePrice":"2000"}}}"#;
    indexer.tell_subscribed("v4_markets", "", oracle).await;
    indexer.tell_subscribed("v4_candles", "BTC-USD/1MIN", r#"{"candles":[]}"#).await;
    for stream in [&mut prints, &mut marks, &mut bars] {
        started(stream).await;
    }
    assert!(
        matches!(event(&mut prints).await, MarketEvent::Print(print) if print.price == 43250.0)
    );
    let mark = event(&mut marks).await;
    assert!(matches!(mark, MarketEvent::Mark(mark) if mark.price == 43251.0), "{mark:?}");

    indexer.update("v4_trades", "BTC-USD", &format!("{},{}", trade("a"), trade("b"))).await;
    indexer.update("v4_trades", "BTC-USD", &trade("c")).await;
    for _ in ["b", "c"] {
        assert!(matches!(event(&mut prints).await, MarketEvent::Print(_)));
    }
    service.close().await;
    let rest: Vec<VenueEvent> = prints.collect().await;
    let told = rest.iter().any(|event| matches!(event, VenueEvent::News { .. }));
    assert!(!told, "each print once: {rest:?}");
}

/// A message that never comes makes everything doubtful: the connection is given up, readers are
/// told, and the next connection begins with snapshots.
#[tokio::test]
async fn a_missing_message_ends_the_connection() {
    let mut server = Server::new(|_| Reply::upgrade()).await;
    let mut config = config(server.port);
    config.missing_after = Duration::from_millis(100);
    let service = service(config);
    let mut quotes = subscribe(&service, &[Channel::Quotes]).await;
    let mut indexer = Indexer::new(&mut server).await;
    indexer.subscribed("v4_orderbook", "BTC-USD", BOOK).await;
    started(&mut quotes).await;
    quote(&mut quotes).await;
    indexer.next += 1;
    indexer.update("v4_orderbook", "BTC-USD", r#"{"bids":[["114623","9"]]}"#).await;
    let closed = tokio::spawn(indexer.peer.until_closed());
    loop {
        match next(&mut quotes).await {
            VenueEvent::Lost { .. } => break,
            VenueEvent::News { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    let mut second = Indexer::new(&mut server).await;
    second.subscribed("v4_orderbook", "BTC-USD", BOOK).await;
    started(&mut quotes).await;
    assert_eq!(quote(&mut quotes).await.bid_quantity, 0.1112);
    closed.await.unwrap();
    assert_eq!((service.counts().attempts, service.counts().book_gaps), (2, 1));
}

/// Snapshots overtake one another: a number that comes late is no loss.
#[tokio::test]
async fn a_late_number_is_no_loss() {
    let mut server = Server::new(|_| Reply::upgrade()).await;
    let mut config = config(server.port);
    config.missing_after = Duration::from_millis(300);
    let service = service(config);
    let mut quotes = subscribe(&service, &[Channel::Quotes]).await;
    let mut indexer = Indexer::new(&mut server).await;
    indexer.next = 2;
    indexer.subscribed("v4_orderbook", "BTC-USD", BOOK).await;
    indexer.next = 1;
    indexer.say(r#""type":"pong""#).await;
    started(&mut quotes).await;
    quote(&mut quotes).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!((service.counts().attempts, service.counts().failures), (1, 0));
}

/// A muted socket: the book is lost and asked for anew on the same connection; when that does not
/// help, the connection is given up.
#[tokio::test]
async fn a_muted_connection_is_given_up() {
    let mut server = Server::new(|_| Reply::upgrade()).await;
    let mut config = config(server.port);
    config.session.most_silent = Duration::from_millis(50);
    config.mute_after = Duration::from_millis(200);
    let service = service(config);
    let mut quotes = subscribe(&service, &[Channel::Quotes]).await;
    let mut indexer = Indexer::new(&mut server).await;
    indexer.subscribed("v4_orderbook", "BTC-USD", BOOK).await;
    started(&mut quotes).await;
    quote(&mut quotes).await;
    lost(&mut quotes).await;
    assert_eq!(indexer.asked().await.0, "unsubscribe v4_orderbook");
    assert_eq!(indexer.asked().await.0, "subscribe v4_orderbook");
    let mute = tokio::spawn(indexer.peer.until_closed());
    let mut second = Indexer::new(&mut server).await;
    second.subscribed("v4_orderbook", "BTC-USD", BOOK).await;
    started(&mut quotes).await;
    mute.await.unwrap();
}

/// A connection that is cut is made again, and the venue asked for the same.
#[tokio::test]
async fn a_cut_connection_is_made_again() {
    let mut server = Server::new(|_| Reply::upgrade()).await;
    let service = service(config(server.port));
    let mut quotes = subscribe(&service, &[Channel::Quotes]).await;
    let mut indexer = Indexer::new(&mut server).await;
    indexer.subscribed("v4_orderbook", "BTC-USD", BOOK).await;
    started(&mut quotes).await;
    quote(&mut quotes).await;
    drop(indexer);
    lost(&mut quotes).await;
    let mut second = Indexer::new(&mut server).await;
    second.subscribed("v4_orderbook", "BTC-USD", BOOK).await;
    started(&mut quotes).await;
    quote(&mut quotes).await;
}

#[tokio::test]
async fn what_the_indexer_does_not_have_is_refused() {
    let service = service(config(1));
    let odd = Channel::Bars(Period::seconds(7));
    for subscription in
        [Subscription::new(BITCOIN, odd), Subscription::new(InstrumentId(9), Channel::Trades)]
    {
        let refused = service.subscribe(&[subscription]).await.map(|_| ());
        assert!(matches!(refused, Err(ExchangeError::Unsupported { .. })), "{refused:?}");
    }
    service.close().await;
    let closed = service.subscribe(&[Subscription::new(BITCOIN, Channel::Quotes)]).await;
    assert!(matches!(closed.map(|_| ()), Err(ExchangeError::Closed)));
}

fn node(port: u16) -> DydxNode {
    let endpoint = Endpoint::http(&format!("http://127.0.0.1:{port}")).unwrap();
    DydxNode::new(endpoint, &Tls::web().unwrap(), Duration::from_secs(10))
}

/// Doubt is told apart from refusal, and no transaction is sent twice.
#[tokio::test]
async fn a_validators_answers_become_errors_of_a_venue() {
    let result = |code: i64, codespace: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":0,"result":{{"code":{code},"data":"","log":"why",
            "codespace":"{codespace}","hash":"AB"}}}}"#
        )
    };
    let cached = r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32603,"message":"Internal error",
        "data":"tx already exists in cache"}}"#;
    let send = async |reply: Reply| {
        let server = Server::new(move |_| reply.clone()).await;
        let sent = node(server.port).broadcast(b"signed").await;
        let asked = server.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!((asked[0].method.as_str(), asked[0].path.as_str()), ("POST", "/"));
        sent
    };
    assert_eq!(send(Reply::ok(result(0, ""))).await, Ok("AB".to_owned()));
    let refused = send(Reply::ok(result(2003, "clob"))).await.unwrap_err();
    assert!(matches!(refused, ExchangeError::Refused { reason: RejectReason::WouldTake, .. }));
    let sequence = send(Reply::ok(result(32, "sdk"))).await.unwrap_err();
    assert!(matches!(sequence, ExchangeError::Unavailable { code: 32, .. }), "{sequence:?}");
    let key = send(Reply::ok(result(4, "sdk"))).await.unwrap_err();
    assert!(matches!(key, ExchangeError::Authentication { .. }), "{key:?}");
    for doubt in [Reply::status(500, "", cached), Reply::ok("<html>"), Reply::status(0, "", "")] {
        let sent = send(doubt).await.unwrap_err();
        assert!(sent.is_outcome_unknown(), "{sent:?}");
    }
    let nobody = node(1).broadcast(b"signed").await.unwrap_err();
    assert!(matches!(nobody, ExchangeError::Transport { .. }), "{nobody:?}");
}

#[tokio::test]
async fn a_validator_tells_an_accounts_numbers() {
    // Number 42 and sequence 5, encoded by the venue's client.
    let vectors = include_str!("../../data/dydx/transactions.txt");
    let hex = vectors.lines().find_map(|line| line.strip_prefix("account_answer ")).unwrap();
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(digit).collect();
    let value = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
    let answer = format!(r#"{{"result":{{"response":{{"code":0,"value":"{value}"}}}}}}"#);
    let server = Server::new(move |_| Reply::ok(answer.clone())).await;
    let key = ChainKey::from_hex(&SecretString::from("01".repeat(32))).unwrap();
    let account = node(server.port).account(key.address()).await;
    assert_eq!(account, Ok(ChainAccount { number: 42, sequence: 5 }));
}
