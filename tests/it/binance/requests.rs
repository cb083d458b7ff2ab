//! An order reaches the venue as it was meant, or not at all; what leaves is signed as it is sent.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value;
use tradewright::types::{
    Amount, AssetId, Decimal, Instrument, InstrumentId, Instruments, Intent, Leg, Money, Offset,
    Order, OrderFlags, OrderId, OrderKind, Period, Price, Qty, RejectReason, Side, SlotId,
    TimeInForce, Timestamp,
};
use tradewright::venue::binance::BinanceMarket::{self, Spot, UsdFutures};
use tradewright::venue::binance::{
    Access, AnswerKind, Credentials, HmacKey, MarginType, Method, OrderRoute, Request,
    RequestError, Requests, SecretString, SignatureError, Signing, TradesFrom, VerifyingKey,
    WsParams,
};
use tradewright::venue::{Cost, OrderChange, Symbols, Urgency};

const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
const BITCOIN: InstrumentId = InstrumentId(0);
const ODD: InstrumentId = InstrumentId(1);

fn decimal(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn price(text: &str) -> Price {
    Price::new(decimal(text)).unwrap()
}

fn requests(market: BinanceMarket) -> Requests {
    let mut table = Instruments::new();
    let rules = [("BTCUSDT", "BTC"), ("odd", "ODD"), ("ETHUSDT", "ETH")];
    for (symbol, base) in rules {
        let builder = match market {
            Spot => Instrument::spot(symbol, base, "USDT"),
            UsdFutures => Instrument::linear_perpetual(symbol, base, "USDT"),
        };
        table.add(builder.tick("0.10").step("0.001")).unwrap();
    }
    let mut symbols = Symbols::of(&table);
    symbols.rename("１２３４５６", ODD);
    Requests::new(market, &table, symbols)
}

fn order(change: impl FnOnce(&mut Intent)) -> Order {
    let quantity = Qty::new(decimal("0.250"));
    let mut intent = Intent::market(SlotId(3), BITCOIN, Side::Sell, quantity);
    change(&mut intent);
    Order { id: OrderId::new(7, SlotId(3), 41), intent, created_at: Timestamp::EPOCH }
}

fn query(request: &Request) -> String {
    let mut out = String::new();
    request.write_query(&mut out);
    out
}

/// What leaves for an order: verb, path and query.
fn placed(market: BinanceMarket, order: &Order) -> Result<String, RequestError> {
    let mut request = Request::new();
    requests(market).place(order, &mut request)?;
    assert_eq!((request.access(), request.urgency()), (Access::Signed, Urgency::Order));
    assert_eq!(request.cost().orders, 1);
    Ok(format!("{} {} {}", request.method().as_str(), request.path().unwrap(), query(&request)))
}

const LIMIT: &str = "61000.50";

fn limit(intent: &mut Intent) {
    intent.kind = OrderKind::Limit { price: price(LIMIT) };
}

fn kinds() -> [OrderKind; 6] {
    [
        OrderKind::Market,
        OrderKind::Limit { price: price(LIMIT) },
        OrderKind::StopMarket { trigger: price("60000") },
        OrderKind::StopLimit { trigger: price("60000"), price: price("59999.9") },
        OrderKind::TakeProfit { trigger: price("65000") },
        OrderKind::TrailingStop { offset: Offset::BasisPoints(150) },
    ]
}

#[test]
fn every_kind_of_order_has_the_words_of_its_market() {
    let spot = [
        "type=MARKET&quantity=0.25",
        "type=LIMIT&timeInForce=GTC&quantity=0.25&price=61000.5",
        "type=STOP_LOSS&quantity=0.25&stopPrice=60000",
        "type=STOP_LOSS_LIMIT&timeInForce=GTC&quantity=0.25&price=59999.9&stopPrice=60000",
        "type=TAKE_PROFIT&quantity=0.25&stopPrice=65000",
        "type=STOP_LOSS&quantity=0.25&trailingDelta=150",
    ];
    for (kind, words) in kinds().into_iter().zip(spot) {
        let expected = format!(
            "POST /api/v3/order symbol=BTCUSDT&side=SELL&{words}\
             &newClientOrderId=tw-7-3-41&newOrderRespType=ACK"
        );
        assert_eq!(placed(Spot, &order(|intent| intent.kind = kind)), Ok(expected));
    }

    let start = "symbol=BTCUSDT&";
    let algo = "symbol=BTCUSDT&algoType=CONDITIONAL&";
    let futures = [
        ("order", start, "type=MARKET&quantity=0.25&newClientOrderId"),
        ("order", start, "type=LIMIT&timeInForce=GTC&quantity=0.25&price=61000.5&newClientOrderId"),
        ("algoOrder", algo, "type=STOP_MARKET&quantity=0.25&triggerPrice=60000&clientAlgoId"),
        (
            "algoOrder",
            algo,
            "type=STOP&timeInForce=GTC&quantity=0.25&price=59999.9&triggerPrice=60000&clientAlgoId",
        ),
        (
            "algoOrder",
            algo,
            "type=TAKE_PROFIT_MARKET&quantity=0.25&triggerPrice=65000&clientAlgoId",
        ),
        (
            "algoOrder",
            algo,
            "type=TRAILING_STOP_MARKET&quantity=0.25&callbackRate=1.5&clientAlgoId",
        ),
    ];
    for (kind, (path, start, words)) in kinds().into_iter().zip(futures) {
        let expected =
            format!("POST /fapi/v1/{path} {start}side=SELL&{words}=tw-7-3-41&newOrderRespType=ACK");
        assert_eq!(placed(UsdFutures, &order(|intent| intent.kind = kind)), Ok(expected));
    }
}

#[test]
fn time_in_force_and_flags_have_the_words_of_their_market() {
    let end = Timestamp::from_millis(1_693_207_680_000).unwrap();
    let post_only = OrderFlags { post_only: true, reduce_only: false };
    let reduce_only = OrderFlags { post_only: false, reduce_only: true };
    let cases: [(BinanceMarket, Order, &str); 9] = [
        (Spot, order(|i| (limit(i), i.time_in_force = TimeInForce::Ioc).1), "timeInForce=IOC&"),
        (Spot, order(|i| (limit(i), i.time_in_force = TimeInForce::Fok).1), "timeInForce=FOK&"),
        (Spot, order(|i| (limit(i), i.flags = post_only).1), "type=LIMIT_MAKER&quantity"),
        (UsdFutures, order(|i| (limit(i), i.flags = post_only).1), "type=LIMIT&timeInForce=GTX&"),
        (
            UsdFutures,
            order(|i| (limit(i), i.time_in_force = TimeInForce::Gtd(end)).1),
            "timeInForce=GTD&quantity=0.25&price=61000.5&goodTillDate=1693207680000&",
        ),
        (UsdFutures, order(|i| i.flags = reduce_only), "quantity=0.25&reduceOnly=true&"),
        // It can only reduce, and the venue takes no flag in hedge mode.
        (
            UsdFutures,
            order(|i| (i.flags = reduce_only, i.leg = Leg::Long).1),
            "side=SELL&positionSide=LONG&type=MARKET&quantity=0.25&newClientOrderId",
        ),
        (Spot, order(|i| i.flags = reduce_only), "side=SELL&type=MARKET&quantity=0.25&newClient"),
        (
            Spot,
            order(|i| i.amount = Amount::Cash(Money::new(decimal("100.50"), AssetId(1)))),
            "type=MARKET&quoteOrderQty=100.5&newClientOrderId",
        ),
    ];
    for (market, order, words) in cases {
        let text = placed(market, &order).unwrap();
        assert!(text.contains(words), "{text}\n{words}");
    }
}

#[test]
fn what_the_venue_cannot_do_as_it_is_meant_is_never_sent() {
    let tif = |time| move |intent: &mut Intent| (limit(intent), intent.time_in_force = time).1;
    let flags = |post_only, reduce_only| OrderFlags { post_only, reduce_only };
    let end = Timestamp::from_secs(1_700_000_000).unwrap();
    let cash = Amount::Cash(Money::new(decimal("100"), AssetId(1)));
    let trailing = OrderKind::TrailingStop { offset: Offset::Price(price("10")) };
    let cases: [(BinanceMarket, Order); 17] = [
        (Spot, order(tif(TimeInForce::Gtd(end)))),
        (Spot, order(tif(TimeInForce::Day))),
        (UsdFutures, order(tif(TimeInForce::Day))),
        (Spot, order(|i| i.time_in_force = TimeInForce::Fok)),
        (UsdFutures, order(|i| i.time_in_force = TimeInForce::Fok)),
        (Spot, order(|i| i.flags = flags(true, false))),
        (Spot, order(|i| (tif(TimeInForce::Ioc)(i), i.flags = flags(true, false)).1)),
        (UsdFutures, order(|i| (tif(TimeInForce::Ioc)(i), i.flags = flags(true, false)).1)),
        (Spot, order(|i| (i.kind = kinds()[3], i.flags = flags(true, false)).1)),
        (Spot, order(|i| (i.kind = kinds()[2], i.time_in_force = TimeInForce::Gtd(end)).1)),
        (Spot, order(|i| (i.side = Side::Buy, i.flags = flags(false, true)).1)),
        (UsdFutures, order(|i| (i.leg = Leg::Short, i.flags = flags(false, true)).1)),
        (Spot, order(|i| i.leg = Leg::Long)),
        (UsdFutures, order(|i| i.amount = cash)),
        (Spot, order(|i| (limit(i), i.amount = cash).1)),
        (Spot, order(|i| i.amount = Amount::Cash(Money::new(decimal("1"), AssetId(0))))),
        (UsdFutures, order(|i| i.kind = trailing)),
    ];
    for (market, order) in cases {
        let error = placed(market, &order).unwrap_err();
        let is_named = matches!(error, RequestError::Unsupported { market: named, .. }
            if named == market);
        assert!(is_named, "{error}: {order:?}");
        assert_eq!(error.reject_reason(), RejectReason::InvalidOrder);
    }
    for (what, order, value) in [
        ("price", order(|i| i.kind = OrderKind::Limit { price: price("1.05") }), "1.05"),
        ("trigger", order(|i| i.kind = OrderKind::StopMarket { trigger: price("1.05") }), "1.05"),
        ("quantity", order(|i| i.amount = Amount::Quantity(Qty::new(decimal("0.0001")))), "0.0001"),
        ("quantity", order(|i| i.amount = Amount::Quantity(Qty::ZERO)), "0"),
    ] {
        let error = placed(Spot, &order).unwrap_err();
        let RequestError::OffGrid { what: named, value: refused, .. } = error else {
            panic!("{error}");
        };
        assert_eq!((named, refused), (what, decimal(value)));
    }
    let narrow = OrderKind::TrailingStop { offset: Offset::BasisPoints(9) };
    let error = placed(UsdFutures, &order(|i| i.kind = narrow)).unwrap_err();
    assert!(matches!(error, RequestError::OutOfRange { value: 9, least: 10, .. }), "{error}");
    let unknown = placed(Spot, &order(|i| i.instrument = InstrumentId(9))).unwrap_err();
    assert_eq!(unknown.reject_reason(), RejectReason::NotTrading);
}

#[test]
fn client_ids_have_at_most_36_characters() {
    let id = |sequence| OrderId::new(u32::MAX, SlotId(u16::MAX), sequence);
    let mut longest = order(|_| ());
    longest.id = id(9_999_999_999_999_999);
    assert_eq!(longest.id.to_string().len(), 36);
    assert!(placed(Spot, &longest).is_ok());
    longest.id = id(10_000_000_000_000_000);
    assert_eq!(placed(Spot, &longest), Err(RequestError::LongId { order: longest.id }));
}

#[test]
fn orders_are_named_by_the_id_that_they_have() {
    let (own, house) = (OrderId::new(7, SlotId(3), 41), OrderId::new(0, SlotId::HOUSE, 22_542_179));
    let mut request = Request::new();
    for (market, route, path, own_words, house_words) in [
        (Spot, OrderRoute::Book, "/api/v3/order", "origClientOrderId", "orderId"),
        (UsdFutures, OrderRoute::Book, "/fapi/v1/order", "origClientOrderId", "orderId"),
        (UsdFutures, OrderRoute::Conditional, "/fapi/v1/algoOrder", "clientAlgoId", "algoId"),
    ] {
        let requests = requests(market);
        for (id, name, text) in [(own, own_words, "tw-7-3-41"), (house, house_words, "22542179")] {
            requests.cancel(route, BITCOIN, id, &mut request).unwrap();
            assert_eq!((request.method(), request.path()), (Method::Delete, Some(path)));
            assert_eq!(request.urgency(), Urgency::Cancel);
            assert_eq!((request.get(name), request.cost().orders), (Some(text), 0));
            requests.status(route, BITCOIN, id, &mut request).unwrap();
            assert_eq!((request.method(), request.path()), (Method::Get, Some(path)));
            assert_eq!((request.urgency(), request.get(name)), (Urgency::Resolve, Some(text)));
        }
    }
    let error = requests(Spot).cancel(OrderRoute::Conditional, BITCOIN, own, &mut request);
    assert!(matches!(error, Err(RequestError::Unsupported { market: Spot, .. })));
    for kind in kinds() {
        let is_kept_apart = !matches!(kind, OrderKind::Market | OrderKind::Limit { .. });
        let apart = if is_kept_apart { OrderRoute::Conditional } else { OrderRoute::Book };
        assert_eq!(OrderRoute::of(UsdFutures, kind), apart);
        assert_eq!(OrderRoute::of(Spot, kind), OrderRoute::Book);
    }
}

fn change(quantity: &str, to: &str) -> OrderChange {
    OrderChange {
        order: order(limit),
        quantity: Qty::new(decimal(quantity)),
        price: price(to),
        price_now: Some(price(LIMIT)),
        quantity_now: Qty::new(decimal("0.25")),
    }
}

#[test]
fn a_change_never_becomes_another_order() {
    let mut request = Request::new();
    let spot = requests(Spot);
    spot.amend(&change("0.2", LIMIT), &mut request).unwrap();
    assert_eq!(request.path(), Some("/api/v3/order/amend/keepPriority"));
    assert_eq!(
        query(&request),
        "symbol=BTCUSDT&origClientOrderId=tw-7-3-41&newClientOrderId=tw-7-3-41&newQty=0.2"
    );
    assert_eq!(request.cost(), Cost { weight: 4, orders: 0 });
    for refused in [change("0.25", LIMIT), change("0.3", LIMIT), change("0.2", "61000")] {
        let error = spot.amend(&refused, &mut request).unwrap_err();
        assert!(matches!(error, RequestError::Unsupported { .. }), "{error}");
    }

    let futures = requests(UsdFutures);
    futures.amend(&change("0.3", "61000"), &mut request).unwrap();
    assert_eq!((request.method(), request.path()), (Method::Put, Some("/fapi/v1/order")));
    assert_eq!(
        query(&request),
        "symbol=BTCUSDT&origClientOrderId=tw-7-3-41&side=SELL&quantity=0.3&price=61000"
    );
    let mut stop = change("0.3", "61000");
    stop.order.intent.kind = kinds()[3];
    assert!(futures.amend(&stop, &mut request).is_err());
    assert!(futures.amend(&change("0.3", "61000.05"), &mut request).is_err());
}

#[test]
fn an_order_takes_the_place_of_another_one_on_spot() {
    let mut request = Request::new();
    let ended = OrderId::new(7, SlotId(3), 40);
    requests(Spot).replace(ended, &order(limit), &mut request).unwrap();
    assert_eq!(request.call(), Some("order.cancelReplace"));
    assert_eq!(
        query(&request),
        "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=0.25&price=61000.5\
         &cancelReplaceMode=STOP_ON_FAILURE&cancelOrigClientOrderId=tw-7-3-40\
         &newClientOrderId=tw-7-3-41&newOrderRespType=ACK"
    );
    assert!(requests(UsdFutures).replace(ended, &order(limit), &mut request).is_err());
}

/// Path, query, weight and access of every question, on spot and on futures.
#[test]
fn questions_go_where_they_are_answered() {
    type Ask = fn(&Requests, &mut Request) -> Result<(), RequestError>;
    let at = |seconds| Timestamp::from_secs(seconds).unwrap();
    assert_eq!(at(1).millis(), 1_000);
    type Expected = Option<(&'static str, u32)>;
    let cases: [(Ask, Expected, Expected); 19] = [
        (|r, out| (r.server_time(out), Ok(())).1, Some(("time?", 1)), Some(("time?", 1))),
        (
            |r, out| (r.exchange_info(out), Ok(())).1,
            Some(("exchangeInfo?", 20)),
            Some(("exchangeInfo?", 1)),
        ),
        (
            |r, out| r.depth(BITCOIN, 1_000, out),
            Some(("depth?symbol=BTCUSDT&limit=1000", 50)),
            Some(("depth?symbol=BTCUSDT&limit=1000", 20)),
        ),
        (
            |r, out| r.depth(BITCOIN, 5_000, out),
            Some(("depth?symbol=BTCUSDT&limit=5000", 250)),
            None,
        ),
        (
            |r, out| r.aggregate_trades(ODD, 26_129, 500, out),
            Some((
                "aggTrades?symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96\
                 &fromId=26129&limit=500",
                4,
            )),
            Some((
                "aggTrades?symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96\
                 &fromId=26129&limit=500",
                20,
            )),
        ),
        (
            |r, out| {
                let span = [Timestamp::from_secs(1).unwrap(), Timestamp::from_secs(2).unwrap()];
                r.klines((BITCOIN, Period::HOUR), span, 100, out)
            },
            Some(("klines?symbol=BTCUSDT&interval=1h&startTime=1000&endTime=2000&limit=100", 2)),
            Some(("klines?symbol=BTCUSDT&interval=1h&startTime=1000&endTime=2000&limit=100", 2)),
        ),
        (
            |r, out| r.klines((BITCOIN, Period::seconds(1)), [Timestamp::EPOCH; 2], 1, out),
            Some(("klines?symbol=BTCUSDT&interval=1s&startTime=0&endTime=0&limit=1", 2)),
            None,
        ),
        (
            |r, out| r.open_orders(Some(BITCOIN), out),
            Some(("openOrders?symbol=BTCUSDT", 6)),
            Some(("openOrders?symbol=BTCUSDT", 1)),
        ),
        (|r, out| r.open_orders(None, out), Some(("openOrders?", 80)), Some(("openOrders?", 40))),
        (|r, out| r.open_conditional_orders(None, out), None, Some(("openAlgoOrders?", 40))),
        (
            |r, out| r.all_orders(BITCOIN, Some(28), out),
            Some(("allOrders?symbol=BTCUSDT&orderId=28&limit=1000", 20)),
            Some(("allOrders?symbol=BTCUSDT&orderId=28&limit=1000", 5)),
        ),
        (
            |r, out| r.trades(BITCOIN, TradesFrom::Trade(56), out),
            Some(("myTrades?symbol=BTCUSDT&fromId=56&limit=1000", 20)),
            Some(("userTrades?symbol=BTCUSDT&fromId=56&limit=1000", 5)),
        ),
        (
            |r, out| r.trades(BITCOIN, TradesFrom::Order(28), out),
            Some(("myTrades?symbol=BTCUSDT&orderId=28&limit=1000", 5)),
            Some(("userTrades?symbol=BTCUSDT&orderId=28&limit=1000", 5)),
        ),
        (
            |r, out| (r.balances(out), Ok(())).1,
            Some(("account?omitZeroBalances=true", 20)),
            Some(("balance?", 5)),
        ),
        (Requests::positions, None, Some(("positionRisk?", 5))),
        (Requests::create_listen_key, None, Some(("listenKey?", 1))),
        (
            |r, out| r.leverage(BITCOIN, 20, out),
            None,
            Some(("leverage?symbol=BTCUSDT&leverage=20", 1)),
        ),
        (
            |r, out| r.margin_type(BITCOIN, MarginType::Isolated, out),
            None,
            Some(("marginType?symbol=BTCUSDT&marginType=ISOLATED", 1)),
        ),
        (
            |r, out| r.cancel_all_after(BITCOIN, Duration::from_secs(120), out),
            None,
            Some(("countdownCancelAll?symbol=BTCUSDT&countdownTime=120000", 10)),
        ),
    ];
    for (index, (ask, spot, futures)) in cases.into_iter().enumerate() {
        for (market, expected) in [(Spot, spot), (UsdFutures, futures)] {
            let mut request = Request::new();
            let asked = ask(&requests(market), &mut request);
            let Some((words, weight)) = expected else {
                assert!(matches!(asked, Err(RequestError::Unsupported { .. })), "case {index}");
                continue;
            };
            asked.unwrap();
            let path = request.path().unwrap();
            let last = path.rsplit('/').next().unwrap();
            assert_eq!(format!("{last}?{}", query(&request)), words, "case {index}");
            assert_eq!(request.cost(), Cost { weight, orders: 0 }, "case {index}");
            let root = if market == Spot { "/api/v3/" } else { "/fapi/" };
            assert!(path.starts_with(root), "{path}");
        }
    }
    let mut request = Request::new();
    assert!(requests(UsdFutures).leverage(BITCOIN, 126, &mut request).is_err());
    assert!(requests(Spot).depth(BITCOIN, 0, &mut request).is_err());
    let odd = (BITCOIN, Period::minutes(7));
    assert!(requests(Spot).klines(odd, [Timestamp::EPOCH; 2], 1, &mut request).is_err());
    requests(UsdFutures).create_listen_key(&mut request).unwrap();
    assert_eq!((request.method(), request.access()), (Method::Post, Access::Key));
    requests(UsdFutures).extend_listen_key(&mut request).unwrap();
    assert_eq!(request.method(), Method::Put);
}

fn signing() -> Signing {
    let credentials = Credentials::hmac("vmPUZE6mv9SD5VNH", &SecretString::from(SECRET)).unwrap();
    let mut signing = Signing::new(credentials).recv_window(Duration::from_millis(1_500));
    let (sent, venue) = (Timestamp::from_secs(100).unwrap(), Timestamp::from_secs(103).unwrap());
    signing.clock_mut().measured(sent, sent, venue);
    signing
}

#[test]
fn queries_are_signed_as_they_are_sent_with_the_venues_time() {
    let key = VerifyingKey::Hmac(HmacKey::new(&SecretString::from(SECRET)).unwrap());
    let (signing, mut request) = (signing(), Request::new());
    let mut out = "left over".to_owned();
    let at = Timestamp::from_millis(1_700_000_000_000).unwrap();
    requests(Spot).place(&order(|i| i.instrument = ODD), &mut request).unwrap();
    signing.write_query(at, &request, &mut out).unwrap();
    let (payload, signature) = out.split_once("&signature=").unwrap();
    let start = "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=SELL&";
    assert!(payload.starts_with(start), "{payload}");
    assert!(payload.ends_with("&recvWindow=1500&timestamp=1700000003000"), "{payload}");
    assert_eq!(key.verify(payload.as_bytes(), signature), Ok(()));

    // The same request leaves again with another time.
    signing.write_query(at.after(Duration::from_secs(1)), &request, &mut out).unwrap();
    assert!(out.contains("timestamp=1700000004000&signature="), "{out}");
    assert_eq!(out.matches("signature").count(), 1);

    requests(UsdFutures).positions(&mut request).unwrap();
    signing.write_query(at, &request, &mut out).unwrap();
    assert!(out.starts_with("recvWindow=1500&timestamp="), "{out}");
    requests(Spot).depth(BITCOIN, 100, &mut request).unwrap();
    signing.write_query(at, &request, &mut out).unwrap();
    assert_eq!(out, "symbol=BTCUSDT&limit=100");
    let shown = format!("{signing:?} {request:?}");
    assert!(!shown.contains(SECRET) && !shown.contains("vmPUZE6mv9SD5VNH"), "{shown}");
}

#[test]
fn messages_of_the_websocket_api_carry_their_own_signature() {
    let key = VerifyingKey::Hmac(HmacKey::new(&SecretString::from(SECRET)).unwrap());
    let (signing, mut request, mut out) = (signing(), Request::new(), String::new());
    let at = Timestamp::from_millis(1_700_000_000_000).unwrap();
    let mut check = |request: &Request, method: &str| {
        signing.write_message(at, 12, request, &mut out).unwrap();
        let message: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((&message["id"], &message["method"]), (&12.into(), &method.into()));
        let raw = out.split_once("\"params\":").unwrap().1.strip_suffix('}').unwrap();
        let params = WsParams::read(raw.as_bytes()).unwrap();
        assert_eq!(params.verify(&key), Ok(()), "{out}");
        assert_eq!(params.get("timestamp"), Some("1700000003000"));
        assert_eq!(message["params"]["timestamp"], 1_700_000_003_000_u64);
        message
    };
    let spot = requests(Spot);
    spot.place(&order(|i| (limit(i), i.instrument = ODD).1), &mut request).unwrap();
    let message = check(&request, "order.place");
    assert_eq!(message["params"]["symbol"], "１２３４５６");
    assert_eq!(message["params"]["price"], "61000.5");
    let id = OrderId::new(7, SlotId(3), 41);
    spot.cancel(OrderRoute::Book, BITCOIN, id, &mut request).unwrap();
    check(&request, "order.cancel");
    spot.status(OrderRoute::Book, BITCOIN, id, &mut request).unwrap();
    check(&request, "order.status");
    spot.replace(OrderId::new(7, SlotId(3), 40), &order(limit), &mut request).unwrap();
    check(&request, "order.cancelReplace");
    spot.amend(&change("0.1", LIMIT), &mut request).unwrap();
    check(&request, "order.amend.keepPriority");
    spot.subscribe_user_data(&mut request).unwrap();
    let message = check(&request, "userDataStream.subscribe.signature");
    assert_eq!(message["params"].as_object().unwrap().len(), 4);
    spot.log_on(&mut request);
    assert_eq!(request.path(), None);
    check(&request, "session.logon");
    requests(UsdFutures).place(&order(|i| i.kind = kinds()[2]), &mut request).unwrap();
    check(&request, "algoOrder.place");

    // On a connection that has logged on, neither key nor signature is sent again.
    spot.place(&order(limit), &mut request).unwrap();
    signing.write_session_message(at, 13, &request, &mut out).unwrap();
    let message: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(message["params"]["timestamp"], 1_700_000_003_000_u64);
    assert!(!out.contains("signature") && !out.contains("apiKey"), "{out}");
    // A public question has no key at all.
    spot.server_time(&mut request);
    signing.write_message(at, 14, &request, &mut out).unwrap();
    assert_eq!(out, r#"{"id":14,"method":"time","params":{}}"#);
    requests(UsdFutures).leverage(BITCOIN, 3, &mut request).unwrap();
    let refused = signing.write_message(at, 15, &request, &mut out);
    assert_eq!((refused, out.as_str()), (Err(SignatureError::NoCall), ""));
}

fn any_kind() -> impl Strategy<Value = OrderKind> {
    let any_price = || (1_u32..2_000_000).prop_map(|tenths| Decimal::new(tenths.into(), 1));
    let price = || any_price().prop_map(|value| Price::new(value).unwrap());
    prop_oneof![
        Just(OrderKind::Market),
        price().prop_map(|price| OrderKind::Limit { price }),
        price().prop_map(|trigger| OrderKind::StopMarket { trigger }),
        (price(), price()).prop_map(|(trigger, price)| OrderKind::StopLimit { trigger, price }),
        price().prop_map(|trigger| OrderKind::TakeProfit { trigger }),
        (1_u16..3_000)
            .prop_map(|points| OrderKind::TrailingStop { offset: Offset::BasisPoints(points) }),
    ]
}

proptest! {
    /// Whatever leaves says what was meant, each word of it.
    #[test]
    fn what_is_sent_is_what_was_meant(
        is_spot in any::<bool>(),
        kind in any_kind(),
        thousandths in 1_u32..1_000_000,
        is_purchase in any::<bool>(),
        time in prop::sample::select(vec![TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok]),
        (post_only, reduce_only) in any::<(bool, bool)>(),
        leg in prop::sample::select(vec![Leg::Net, Leg::Long, Leg::Short]),
        answer in prop::sample::select(vec![AnswerKind::Ack, AnswerKind::Result, AnswerKind::Full]),
    ) {
        let market = if is_spot { Spot } else { UsdFutures };
        let side = if is_purchase { Side::Buy } else { Side::Sell };
        let quantity = Decimal::new(thousandths.into(), 3);
        let order = order(|intent| {
            intent.kind = kind;
            intent.side = side;
            intent.amount = Amount::Quantity(Qty::new(quantity));
            intent.time_in_force = time;
            intent.flags = OrderFlags { post_only, reduce_only };
            intent.leg = leg;
        });
        let mut request = Request::new();
        let requests = requests(market).answers(answer);
        prop_assume!(requests.place(&order, &mut request).is_ok());
        let number = |name: &str| request.get(name).map(decimal);
        let word = side.to_string();
        prop_assert_eq!(request.get("side"), Some(word.as_str()));
        prop_assert_eq!(number("quantity"), Some(quantity));
        prop_assert_eq!(number("price"), kind.limit().map(Price::value));
        let is_apart = OrderRoute::of(market, kind) == OrderRoute::Conditional;
        let (trigger, id) = match is_apart {
            true => ("triggerPrice", "clientAlgoId"),
            false => ("stopPrice", "newClientOrderId"),
        };
        prop_assert_eq!(number(trigger), kind.trigger().map(Price::value));
        prop_assert_eq!(request.get(id).and_then(OrderId::parse), Some(order.id));
        prop_assert_eq!(request.path().unwrap().ends_with("algoOrder"), is_apart);
        let word = request.get("timeInForce");
        let is_post_only = word == Some("GTX") || request.get("type") == Some("LIMIT_MAKER");
        prop_assert_eq!(is_post_only, post_only);
        prop_assert_eq!(word == Some("FOK"), time == TimeInForce::Fok);
        prop_assert_eq!(word == Some("IOC"), time == TimeInForce::Ioc && kind.limit().is_some());
        // Where the flag is not sent, side and market alone keep the order from enlarging.
        let is_sale = side == Side::Sell && (market == Spot || leg == Leg::Long);
        let is_safe = is_sale || (side == Side::Buy && leg == Leg::Short);
        prop_assert_eq!(request.get("reduceOnly").is_some(), reduce_only && !is_safe);
    }
}
