//! Market streams, the WebSocket API, and user data; read by the crate's own decoders.

use serde_json::json;
use tradewright::local_exchange::{Account, ExchangeConfig, Frame};
use tradewright::types::{
    Decimal, Instrument, InstrumentId, Instruments, MarketEvent, OrderReport, Side,
};
use tradewright::venue::binance::{
    Ed25519Key, MarketDecoder, SecretString, StreamFrame, UserDecoder, decode_depth,
};
use tradewright::venue::{BookAction, BookSync, MarketNews, Symbols, SyncRule, UserNews};

use super::{World, scripted};

fn table() -> Instruments {
    let mut table = Instruments::new();
    let spot = Instrument::spot("BTCUSDT", "BTC", "USDT").tick("0.01").step("0.00001");
    table.add(spot).unwrap();
    table
}

#[test]
fn streams_are_what_the_decoder_reads() {
    let mut world = World::sample();
    let names = "btcusdt@bookTicker/btcusdt@trade/btcusdt@aggTrade/btcusdt@depth@100ms/\
                 btcusdt@kline_1s/btcusdt@ticker/btcusdt@miniTicker";
    let id = world.connect(1, &format!("/stream?streams={names}"));
    world.pass(10_000);
    let mut decoder = MarketDecoder::new(Symbols::of(&table()));
    let mut news = Vec::new();
    for frame in world.frames(id) {
        let Frame::Text(text) = frame else { continue };
        assert_eq!(decoder.decode(text.as_bytes(), &mut news), Ok(StreamFrame::Events), "{text}");
    }
    assert_eq!(decoder.counts(), Default::default(), "nothing was passed over");
    let count = |is: fn(&MarketNews) -> bool| news.iter().filter(|item| is(item)).count();
    let event = |is: fn(&MarketEvent) -> bool| {
        news.iter().filter(|item| matches!(item, MarketNews::Event(e) if is(&e.event))).count()
    };
    // Four prints a second, each as trade and aggregate.
    assert_eq!(event(|event| matches!(event, MarketEvent::Print(_))), 2 * 40);
    assert_eq!(event(|event| matches!(event, MarketEvent::Quote(_))), 40);
    assert_eq!(event(|event| matches!(event, MarketEvent::Bar(_))), 10);
    assert_eq!(count(|item| matches!(item, MarketNews::Forming(_))), 10);
    assert_eq!(count(|item| matches!(item, MarketNews::Ticker(_))), 20);
    assert!(count(|item| matches!(item, MarketNews::Depth(_))) > 30);
}

#[test]
fn the_depth_stream_keeps_a_book_equal_to_the_snapshot() {
    let mut world = World::sample();
    let id = world.connect(1, "/ws/btcusdt@depth@100ms");
    let mut decoder = MarketDecoder::new(Symbols::of(&table()));
    let instrument = InstrumentId(0);
    let mut sync = BookSync::new(instrument, SyncRule::Spot);
    let mut actions = Vec::new();
    sync.start(world.at, &mut actions);
    let mut compared = 0;
    for _ in 0..200 {
        world.pass(250);
        let mut news = Vec::new();
        for frame in world.frames(id) {
            let Frame::Text(text) = frame else { continue };
            decoder.decode(text.as_bytes(), &mut news).unwrap();
        }
        for item in news {
            let MarketNews::Depth(update) = item else { continue };
            sync.on_update(world.at, &update, &mut actions);
        }
        let (_, depth) = world.get("/api/v3/depth?symbol=BTCUSDT&limit=5000");
        let snapshot = decode_depth(instrument, depth.to_string().as_bytes()).unwrap();
        if actions.contains(&BookAction::RequestSnapshot) {
            sync.on_snapshot(world.at, &snapshot, &mut actions);
            actions.clear();
        } else if sync.is_live() && sync.last() == Some(snapshot.last) {
            let levels = |side| sync.levels(side).copied().collect::<Vec<_>>();
            // Beyond what the first snapshot reached, a book says nothing.
            for (own, theirs) in
                [(levels(Side::Buy), &snapshot.bids), (levels(Side::Sell), &snapshot.asks)]
            {
                assert!(own.len() > 30, "{}", own.len());
                assert_eq!(own, theirs[..own.len()]);
            }
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
    assert_eq!(sync.counts().gaps, 0);
}

#[test]
fn subscriptions_come_and_go() {
    let mut world = World::sample();
    let id = world.connect(1, "/ws");
    let subscribe = r#"{"method":"SUBSCRIBE","params":["btcusdt@trade","ethusdt@trade"],"id":3}"#;
    world.exchange.message(world.at, id, subscribe);
    world.exchange.message(world.at, id, r#"{"method":"LIST_SUBSCRIPTIONS","id":"x"}"#);
    let unsubscribe = r#"{"method":"UNSUBSCRIBE","params":["ethusdt@trade"],"id":null}"#;
    world.exchange.message(world.at, id, unsubscribe);
    let answers = world.messages(id);
    assert_eq!(answers[0], json!({ "result": null, "id": 3 }));
    assert_eq!(answers[1], json!({ "result": ["btcusdt@trade", "ethusdt@trade"], "id": "x" }));
    assert_eq!(answers[2], json!({ "result": null, "id": null }));
    world.pass(1_000);
    let trades = world.messages(id);
    assert!(trades.len() >= 4 && trades.iter().all(|trade| trade["s"] == "BTCUSDT"));
    // More than five messages in a second are too many.
    for _ in 0..6 {
        world.exchange.message(world.at, id, r#"{"method":"LIST_SUBSCRIPTIONS","id":1}"#);
    }
    let last = world.frames(id).pop();
    assert!(matches!(last, Some(Frame::Close(1008, _))), "{last:?}");
}

#[test]
fn pings_come_every_twenty_seconds_and_silence_ends_a_connection() {
    let mut world = World::sample();
    let (quiet, lively) = (world.connect(1, "/ws"), world.connect(2, "/ws"));
    let mut pings = 0;
    let mut ended = false;
    for _ in 0..100 {
        world.pass(1_000);
        while let Some(outgoing) = world.exchange.poll() {
            match outgoing.frame {
                Frame::Ping(_) if outgoing.connection == lively => {
                    pings += 1;
                    world.exchange.heard(world.at, lively);
                }
                Frame::Close(code, _) => {
                    assert_eq!((outgoing.connection, code), (quiet, 1008));
                    ended = true;
                }
                _ => {}
            }
        }
    }
    assert_eq!((pings, ended), (5, true));
}

#[test]
fn the_whole_life_of_an_order_over_the_websocket_api() {
    let mut world = scripted(&[60_000, 60_000, 59_000, 59_000]);
    world.pass(1_000);
    let id = world.connect(1, "/ws-api/v3");
    let time = world.ask(id, "time", json!({}));
    assert_eq!(time["result"]["serverTime"], world.at.millis());
    let subscribed =
        world.ask(id, "userDataStream.subscribe.signature", json!({ "signature": "" }));
    assert_eq!(subscribed["result"], json!({ "subscriptionId": 0 }));
    let again = world.ask(id, "userDataStream.subscribe.signature", json!({ "signature": "" }));
    assert_eq!(again["error"]["code"], -2035);
    let order = json!({
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
        "price": "59500.00", "quantity": 0.1, "newClientOrderId": "tw-1-2-3",
        "returnRateLimits": false, "signature": "",
    });
    let request = json!({ "id": 1, "method": "none" });
    world.exchange.message(world.at, id, &request.to_string());
    assert_eq!(world.messages(id)[0]["error"]["code"], -1020);
    let placed = world.ask(id, "order.place", order);
    assert_eq!((placed["status"].as_i64(), placed.get("rateLimits")), (Some(200), None));
    assert_eq!(placed["result"]["status"], "NEW");
    let amend = json!({
        "symbol": "BTCUSDT", "origClientOrderId": "tw-1-2-3", "newQty": "0.05",
        "newClientOrderId": "tw-1-2-3", "signature": "",
    });
    assert_eq!(world.ask(id, "order.amend.keepPriority", amend)["status"], 200);
    let named = json!({ "symbol": "BTCUSDT", "origClientOrderId": "tw-1-2-3", "signature": "" });
    let status = world.ask(id, "order.status", named.clone());
    assert_eq!(status["result"]["origQty"], "0.05000000");
    for _ in 0..13 {
        world.pass(10_000);
        world.exchange.heard(world.at, id);
    }
    let mut decoder = UserDecoder::new(Symbols::of(&table()));
    let mut news = Vec::new();
    for message in world.messages(id) {
        decoder.decode(message.to_string().as_bytes(), &mut news).unwrap();
    }
    let fills = news.iter().filter(|item| {
        matches!(item, UserNews::Order(order)
            if matches!(order.update.report, OrderReport::Fill(_))
                && order.update.order.to_string() == "tw-1-2-3")
    });
    assert_eq!(fills.count(), 1);
    assert!(news.iter().any(|item| matches!(item, UserNews::Balance { .. })));
    assert_eq!(world.ask(id, "order.cancel", named)["error"]["code"], -2011);
    let logon = world.ask(id, "session.logon", json!({ "signature": "" }));
    assert_eq!(logon["error"]["code"], -4056, "an HMAC key cannot log on");
}

/// A pair of keys that was made for this test alone.
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAC0UKkaklziFpGSe7WiUQLF4vk0nh57gcNIabJh4UOdY=\n\
    -----END PUBLIC KEY-----\n";
const PRIVATE: [&str; 3] = [
    "-----BEGIN PRIVATE ",
    "KEY-----\nMC4CAQAwBQYDK2VwBCIEIAHZy0W/4oQ05A1VYj1WOU78o6KWzC6N+yA8VVuO73jR\n-----END PRIVATE ",
    "KEY-----\n",
];

#[test]
fn an_ed25519_key_logs_on_once_and_signs_no_more() {
    let account = Account::ed25519("ed-key", PUBLIC).with_spot("USDT", Decimal::from(10_000));
    let mut world = World::new(ExchangeConfig::sample(7).with_account(account));
    let id = world.connect(1, "/ws-api/v3");
    let key = Ed25519Key::from_pem(&SecretString::from(PRIVATE.concat())).unwrap();
    let millis = world.at.millis();
    let mut signature = String::new();
    key.signature(format!("apiKey=ed-key&timestamp={millis}").as_bytes()).write(&mut signature);
    let log_on = |world: &mut World, signature: &str| {
        let params = json!({ "apiKey": "ed-key", "timestamp": millis, "signature": signature });
        let request = json!({ "id": 1, "method": "session.logon", "params": params });
        world.exchange.message(world.at, id, &request.to_string());
        world.messages(id).pop().unwrap()
    };
    assert_eq!(log_on(&mut world, "AAAA")["error"]["code"], -1022);
    assert_eq!(log_on(&mut world, &signature)["result"]["apiKey"], "ed-key");
    let order = json!({
        "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "100",
        "timestamp": millis,
    });
    assert_eq!(world.ask(id, "order.place", order)["result"]["status"], "FILLED");
    let subscribed = world.ask(id, "userDataStream.subscribe", json!({}));
    assert_eq!(subscribed["result"]["subscriptionId"], 0);
}

#[test]
fn the_same_seed_and_requests_give_the_same_hour_to_the_letter() {
    let run = || {
        let mut world = World::sample();
        let id = world.connect(1, "/stream?streams=btcusdt@trade/btcusdt@depth/ethusdt@kline_1m");
        let mut frames = Vec::new();
        for minute in 0..60 {
            world.pass(60_000);
            world.exchange.heard(world.at, id);
            let side = if minute % 2 == 0 { "BUY" } else { "SELL" };
            let query = format!("symbol=BTCUSDT&side={side}&type=MARKET&quantity=0.01");
            let order = world.done("POST", "/api/v3/order", &query);
            frames.push(Frame::Text(order.to_string()));
            frames.extend(world.frames(id));
        }
        frames
    };
    let frames = run();
    assert!(frames.len() > 10_000, "{}", frames.len());
    assert!(frames == run());
}
