//! An account over real sockets: doubt, clocks, keys, user streams; and what is never shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use tradewright::live::{BinanceClient, BinanceConfig};
use tradewright::types::{
    Intent, Order, OrderId, OrderKind, OrderReport, OrderStatus, Price, Qty, RejectReason, Side,
    SlotId, Timestamp, TradeId,
};
use tradewright::venue::binance::{BinanceMarket, Credentials, HmacKey, SecretString};
use tradewright::venue::{
    Answer, ExchangeClient, ExchangeError, FillsFrom, UserEvent, UserNews, UserStream,
};

use super::market::BTC;
use super::server::{Asked, LONG, Reply, Server, config, connection, table};

const KEY: &str = "canaryKey7Q";
const SECRET: &str = "canarySecret9Z";

fn client(config: BinanceConfig) -> BinanceClient {
    let credentials = Credentials::hmac(KEY, &SecretString::from(SECRET)).unwrap();
    BinanceClient::new(&connection(config), &table(), credentials)
}

fn order(sequence: u64) -> Order {
    let id = OrderId::new(7, SlotId(1), sequence);
    let mut intent = Intent::market(SlotId(1), BTC, Side::Buy, Qty::new("0.5".parse().unwrap()));
    intent.kind = OrderKind::Limit { price: Price::new("100.01".parse().unwrap()).unwrap() };
    Order { id, intent, created_at: Timestamp::EPOCH }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

fn value<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    let query = asked.path.split_once('?')?.1;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// What a venue checks of a signed request: key, signature over the text as it came, time.
fn check(asked: &Asked, venue_ms: i64) -> Result<(), Reply> {
    let header = format!("x-mbx-apikey: {}", KEY.to_lowercase());
    assert!(asked.head.to_lowercase().contains(&header), "{}", asked.head);
    let query = asked.path.split_once('?').unwrap().1;
    let (payload, signature) = query.rsplit_once("&signature=").expect("a signature");
    let key = HmacKey::new(&SecretString::from(SECRET)).unwrap();
    key.verify(payload.as_bytes(), signature).expect("a true signature");
    let sent: i64 = value(asked, "timestamp").unwrap().parse().unwrap();
    if (venue_ms - 5_000..venue_ms + 1_000).contains(&sent) {
        return Ok(());
    }
    let body = r#"{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}"#;
    Err(Reply::status(400, "", body))
}

fn time(venue_ms: i64) -> Reply {
    Reply::ok(format!(r#"{{"serverTime":{venue_ms}}}"#))
}

const STATE: &str = r#"{"symbol":"BTCUSDT","orderId":28,"clientOrderId":"tw-7-1-1",
    "price":"100.01","origQty":"0.5","executedQty":"0.2","status":"PARTIALLY_FILLED",
    "timeInForce":"GTC","type":"LIMIT","side":"BUY","stopPrice":"0.0","time":1700000000000,
    "updateTime":1700000000001}"#;

/// 15: the venue takes the order and gives no usable answer: the outcome is unknown, whatever the
/// failure looks like, it is sent once, and the question by the client id tells.
#[tokio::test]
async fn failure_15_unknown_outcome() {
    let timeout = r#"{"code":-1007,"msg":"Timeout waiting for response from backend server."}"#;
    let lost = [
        Reply::status(0, "", ""),
        Reply::status(503, "", "<html>"),
        Reply::status(400, "", timeout),
        Reply::ok("{}"),
    ];
    for reply in lost {
        let answer = reply.clone();
        let server = Server::new(move |asked| {
            if asked.path.ends_with("/time") {
                return time(now_ms());
            }
            check(asked, now_ms()).map_or_else(
                |refused| refused,
                |()| match &*asked.method {
                    "POST" => answer.clone(),
                    _ => Reply::ok(STATE),
                },
            )
        })
        .await;
        let client = client(config(BinanceMarket::Spot, server.port));
        let error = client.submit(&order(1)).await.unwrap_err();
        assert!(error.is_outcome_unknown(), "{reply:?}: {error}");
        assert_eq!(error.answer(), Answer::Unknown);
        let state = client.order(order(1).id, BTC).await.unwrap().unwrap();
        assert_eq!(state.status, OrderStatus::PartiallyFilled);
        assert_eq!(state.order, order(1).id);
        let posts = server.asked().iter().filter(|asked| asked.method == "POST").count();
        assert_eq!(posts, 1, "{reply:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_one_and_what_cannot_be_meant_is_not_sent() {
    let server = Server::new(|asked| {
        if asked.path.ends_with("/time") {
            return time(now_ms());
        }
        let code = if asked.method == "POST" { -2010 } else { -2013 };
        let text = "Account has insufficient balance for requested action.";
        Reply::status(400, "", &format!(r#"{{"code":{code},"msg":"{text}"}}"#))
    })
    .await;
    let client = client(config(BinanceMarket::Spot, server.port));
    let error = client.submit(&order(1)).await.unwrap_err();
    assert_eq!(error.answer(), Answer::Refused(RejectReason::InsufficientFunds));
    assert_eq!(client.order(order(1).id, BTC).await, Ok(None));
    assert!(client.cancel(order(1).id, BTC).await.unwrap_err().is_not_found());
    let before = server.asked().len();
    let mut fine = order(2);
    fine.intent.kind = OrderKind::Limit { price: Price::new("100.001".parse().unwrap()).unwrap() };
    let error = client.submit(&fine).await.unwrap_err();
    assert_eq!(error.answer(), Answer::Refused(RejectReason::InvalidOrder));
    assert_eq!(server.asked().len(), before, "off the tick: nothing was sent");
    assert_eq!(client.positions().await, Ok(Vec::new()));
}

/// 16: our clock is wrong by more than any window, in both directions, and is set while we run:
/// requests carry the venue's time; a question is asked again, an order is not.
#[tokio::test]
async fn failure_16_clock_skew() {
    for skew in [90_000, -90_000] {
        let ahead = Arc::new(AtomicI64::new(skew));
        let venue = Arc::clone(&ahead);
        let server = Server::new(move |asked| {
            let venue_ms = now_ms() + venue.load(Ordering::SeqCst);
            if asked.path.ends_with("/time") {
                return time(venue_ms);
            }
            let answer = if asked.path.contains("openOrders") { "[]" } else { STATE };
            check(asked, venue_ms).map_or_else(|refused| refused, |()| Reply::ok(answer))
        })
        .await;
        let client = client(config(BinanceMarket::Spot, server.port));
        assert_eq!(client.open_orders(Some(BTC)).await, Ok(Vec::new()));
        // Our clock is set: the old measurement is worth nothing.
        ahead.store(skew * 2, Ordering::SeqCst);
        assert_eq!(client.open_orders(Some(BTC)).await, Ok(Vec::new()));
        ahead.store(skew * 3, Ordering::SeqCst);
        let refused = client.submit(&order(1)).await.unwrap_err();
        assert!(matches!(refused, ExchangeError::Unavailable { code: -1021, .. }), "{refused}");
        let posts = || server.asked().iter().filter(|asked| asked.method == "POST").count();
        assert_eq!(posts(), 1);
        assert!(client.submit(&order(1)).await.is_ok(), "the next one carries the right time");
    }
}

#[tokio::test]
async fn fills_find_their_orders_by_the_venues_number() {
    let trades = r#"[{"symbol":"BTCUSDT","id":5,"orderId":28,"price":"100.01","qty":"0.2",
        "commission":"0.1","commissionAsset":"USDT","time":1700000000001,"isBuyer":true,
        "isMaker":false},{"symbol":"BTCUSDT","id":6,"orderId":28,"price":"100.01","qty":"0.1",
        "commission":"0.1","commissionAsset":"USDT","time":1700000000002,"isBuyer":true,
        "isMaker":true}]"#;
    let server = Server::new(move |asked| match &asked.path {
        path if path.ends_with("/time") => time(now_ms()),
        path if path.contains("/myTrades") => Reply::ok(trades),
        _ => Reply::ok(STATE),
    })
    .await;
    let client = client(config(BinanceMarket::Spot, server.port));
    let fills = client.fills(BTC, FillsFrom::After(TradeId(4))).await.unwrap();
    assert_eq!(fills.iter().map(|fill| fill.order).collect::<Vec<_>>(), [order(1).id; 2]);
    assert!(matches!(fills[1].update().report, OrderReport::Fill(fill) if fill.trade.0 == 6));
    let asked = server.asked();
    assert_eq!(asked.iter().filter(|asked| asked.path.contains("/order?")).count(), 1);
    let list = asked.iter().find(|asked| asked.path.contains("/myTrades")).unwrap();
    assert_eq!(value(list, "fromId"), Some("5"));
}

/// The fills of an order of which so much is filled, at a venue that lists a thousand of them
/// under its number, and three more among those of another order under theirs.
async fn fills_of_a_long_order(filled: &'static str) -> Result<Vec<u128>, ExchangeError> {
    let row = |id: u64, order: u64| {
        format!(
            r#"{{"symbol":"BTCUSDT","id":{id},"orderId":{order},"price":"100.01","qty":"0.0001",
            "quoteQty":"0.01","commission":"0","commissionAsset":"USDT","time":1700000000001,
            "isBuyer":true,"isMaker":true,"isBestMatch":true}}"#
        )
    };
    let server = Server::new(move |asked| {
        if asked.path.ends_with("/time") {
            return time(now_ms());
        }
        if !asked.path.contains("myTrades") {
            return Reply::ok(STATE.replace(r#""0.2""#, &format!(r#""{filled}""#)));
        }
        let rows: Vec<String> = match (value(asked, "orderId"), value(asked, "fromId")) {
            (Some("28"), None) => (1..=1_000).map(|id| row(id, 28)).collect(),
            (None, Some("1001")) => {
                [(1_001, 28), (1_002, 29), (1_003, 28), (1_004, 28)].map(|(a, b)| row(a, b)).into()
            }
            other => panic!("{other:?}"),
        };
        Reply::ok(format!("[{}]", rows.join(",")))
    })
    .await;
    let client = client(config(BinanceMarket::Spot, server.port));
    let fills = client.fills(BTC, FillsFrom::Order(order(1).id)).await?;
    Ok(fills.iter().map(|fill| fill.fill.trade.0).collect())
}

/// An order may have more fills than one answer holds: all of them are told, or none.
#[tokio::test]
async fn fills_of_one_order_go_on_over_many_pages() {
    let mut all: Vec<u128> = (1..=1_004).collect();
    all.remove(1_001);
    assert_eq!(fills_of_a_long_order("0.1003").await, Ok(all));
    let short = fills_of_a_long_order("0.1004").await;
    assert!(matches!(short, Err(ExchangeError::Unavailable { .. })), "{short:?}");
}

async fn next(stream: &mut UserStream) -> UserEvent {
    tokio::time::timeout(LONG, stream.next()).await.expect("an event").expect("an open stream")
}

const REPORT: &str = r#"{"subscriptionId":1,"event":{"e":"executionReport","E":1759347763167,
    "s":"BTCUSDT","c":"tw-7-1-1","S":"BUY","f":"GTC","q":"0.5","p":"100.01","C":"","x":"NEW",
    "X":"NEW","r":"NONE","i":28,"l":"0.0","z":"0.0","L":"0.0","n":"0","N":null,
    "T":1759347763167,"t":-1,"m":false}}"#;

/// 13, spot: the venue ends the stream: the reader is told, and a new one is subscribed.
#[tokio::test]
async fn failure_13_a_spot_stream_that_ends() {
    let mut server = Server::new(|asked| match asked.path.starts_with("/ws-api") {
        true => Reply::upgrade(),
        false => time(now_ms()),
    })
    .await;
    let client = client(config(BinanceMarket::Spot, server.port));
    let mut stream = client.user_stream().await.unwrap();
    for round in 0..2 {
        let mut peer = server.peer().await;
        let text = peer.text().await;
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["method"], "userDataStream.subscribe.signature");
        let result = r#""status":200,"result":{"subscriptionId":1}"#;
        peer.say(&format!(r#"{{"id":{},{result}}}"#, read["id"])).await;
        assert!(matches!(next(&mut stream).await, UserEvent::Started { .. }));
        peer.say(REPORT).await;
        let UserEvent::News { news: UserNews::Order(news), .. } = next(&mut stream).await else {
            panic!("no news of the order");
        };
        assert_eq!(news.update.order, order(1).id);
        if round == 0 {
            let ended = r#"{"subscriptionId":1,"event":{"e":"eventStreamTerminated","E":1}}"#;
            peer.say(ended).await;
            let ended = next(&mut stream).await;
            assert!(matches!(ended, UserEvent::News { news: UserNews::Ended, .. }), "{ended:?}");
            assert!(matches!(next(&mut stream).await, UserEvent::Lost { .. }));
        }
    }
}

/// 13, futures: the key cannot be renewed, and later expires: each time a new one is made, and
/// the reader is told to reconcile.
#[tokio::test]
async fn failure_13_listen_keys_that_die() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let mut server = Server::new(move |asked| match (&*asked.method, &asked.path) {
        (_, path) if path.starts_with("/private") => Reply::upgrade(),
        ("POST", path) if path.starts_with("/fapi/v1/listenKey") => {
            let number = count.fetch_add(1, Ordering::SeqCst);
            Reply::ok(format!(r#"{{"listenKey":"canaryListen{number}"}}"#))
        }
        ("PUT", _) if count.load(Ordering::SeqCst) == 1 => {
            Reply::status(400, "", r#"{"code":-1125,"msg":"This listenKey does not exist."}"#)
        }
        ("PUT", _) => Reply::ok("{}"),
        _ => time(now_ms()),
    })
    .await;
    let mut config = config(BinanceMarket::UsdFutures, server.port);
    config.renew_key_every = Duration::from_millis(100);
    let client = client(config);
    let mut stream = client.user_stream().await.unwrap();
    for number in 0..3 {
        let mut peer = server.peer().await;
        assert!(peer.path.contains(&format!("listenKey=canaryListen{number}&")), "{}", peer.path);
        assert!(matches!(next(&mut stream).await, UserEvent::Started { .. }));
        if number == 1 {
            peer.say(r#"{"e":"listenKeyExpired","E":1,"listenKey":"canaryListen1"}"#).await;
            assert!(matches!(next(&mut stream).await, UserEvent::News { .. }));
        }
        if number < 2 {
            let lost = next(&mut stream).await;
            assert!(matches!(lost, UserEvent::Lost { .. }), "{lost:?}");
            assert!(!format!("{lost:?}").contains("canary"));
        }
    }
    assert!(server.asked().iter().any(|asked| asked.method == "PUT"));
}

/// Keys, secrets and listen keys stand in nothing that can be written to a log.
#[tokio::test]
async fn no_secret_is_ever_shown() {
    let server = Server::new(|asked| match asked.path.ends_with("/time") {
        true => time(now_ms()),
        false => Reply::status(401, "", r#"{"code":-2015,"msg":"Invalid API-key, IP, or perm."}"#),
    })
    .await;
    let mut shown = Vec::new();
    let mut config = config(BinanceMarket::UsdFutures, server.port);
    config.request_timeout = Duration::from_millis(200);
    shown.push(format!("{config:?}"));
    for port in [server.port, 1] {
        let mut config = config.clone();
        config.urls.rest =
            tradewright::live::Endpoint::parse(&format!("http://127.0.0.1:{port}")).unwrap();
        let client = client(config);
        shown.push(format!("{client:?} {:#?} {:?}", client, client.connection()));
        let mut errors = vec![
            client.submit(&order(1)).await.unwrap_err(),
            client.open_orders(None).await.unwrap_err(),
            client.balances().await.unwrap_err(),
            client.cancel(order(1).id, BTC).await.unwrap_err(),
        ];
        let mut stream = client.user_stream().await.unwrap();
        let told = tokio::time::timeout(Duration::from_millis(100), stream.next()).await;
        shown.push(format!("{told:?}"));
        shown.extend(errors.drain(..).flat_map(|error| [format!("{error}"), format!("{error:?}")]));
    }
    // The canary sings where it should, so this test can fail.
    let was_sent = server.asked().iter().any(|asked| asked.head.contains(KEY));
    assert!(was_sent, "the key was used");
    for text in &shown {
        for secret in [KEY, SECRET, "canary", "signature="] {
            assert!(!text.contains(secret), "{secret} stands in {text}");
        }
    }
}
