//! Answers are read to the values that stand in them, or refused by type.

use proptest::prelude::*;
use serde_json::{Value, json};
use tradewright::types::{
    Decimal, Instrument, InstrumentId, Instruments, Intent, Leg, Liquidity, MarketEvent, Order,
    OrderId, OrderStatus, Period, Qty, RejectReason, Side, SlotId, Timestamp, TradeId,
};
use tradewright::venue::binance::{
    BinanceMarket, ExchangeInfo, LimitHeader, Outcome, ReplyDecoder, VenueError, WsReply,
    decode_aggregate_trades, decode_klines, decode_listen_key, decode_server_time,
};
use tradewright::venue::{
    Answer, DecodeError, Found, MarketNews, OrderState, Submitted, Symbols, UserNews,
};

use super::{Frame, frames};

const OWN: OrderId = OrderId::new(7, SlotId(3), 41);

fn decimal(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn table() -> Instruments {
    let mut table = Instruments::new();
    for (symbol, base, quote) in
        [("BTCUSDT", "BTC", "USDT"), ("LTCBTC", "LTC", "BTC"), ("BNBUSDT", "BNB", "USDT")]
    {
        table.add(Instrument::spot(symbol, base, quote)).unwrap();
    }
    table
}

fn decoder() -> ReplyDecoder {
    ReplyDecoder::new(Symbols::of(&table()))
}

fn order() -> Order {
    let intent = Intent::market(SlotId(3), InstrumentId(0), Side::Sell, Qty::new(10.into()));
    Order { id: OWN, intent, created_at: Timestamp::EPOCH }
}

/// The frames of one kind, the client ids in them replaced by one of the engine's.
fn own(file: &str, kind: &str) -> Vec<String> {
    let is_wanted = |frame: &Frame| frame.kind == kind;
    let renamed = |frame: Frame| {
        let mut value: Value = serde_json::from_str(&frame.raw).unwrap();
        for name in ["clientOrderId", "clientAlgoId"] {
            if value.get(name).is_some() {
                value[name] = OWN.to_string().into();
            }
        }
        value.to_string()
    };
    frames(file).into_iter().filter(is_wanted).map(renamed).collect()
}

fn submitted(body: &str) -> Submitted {
    decoder().submitted(&order(), body.as_bytes()).unwrap_or_else(|error| panic!("{error}: {body}"))
}

#[test]
fn an_answer_to_an_order_says_as_much_as_it_says() {
    for body in own("binance-spot.jsonl", "rest.new_order_full") {
        let answer = submitted(&body);
        assert_eq!((answer.venue_order, answer.status), (28, OrderStatus::Filled));
        assert_eq!(answer.at.millis(), 1_507_725_176_595);
        assert_eq!(answer.fills.len(), 5);
        let quantity = answer.fills.iter().map(|fill| fill.quantity.value()).sum::<Decimal>();
        assert_eq!(quantity, decimal("10"));
        let fill = answer.fills[1];
        assert_eq!((fill.trade, fill.price.value()), (TradeId(57), decimal("3999")));
        assert_eq!(fill.fee.amount, decimal("19.995"));
        assert_eq!(fill.fee.asset, table().find_asset("USDT").unwrap());
        assert_eq!(fill.liquidity, Liquidity::Taker);
    }
    for body in own("binance-spot.jsonl", "rest.new-order-trade") {
        let answer = submitted(&body);
        assert_eq!((answer.status, answer.fills.len()), (OrderStatus::Filled, 0));
    }
    for body in own("binance-usdm.jsonl", "rest.new_order") {
        let answer = submitted(&body);
        assert_eq!((answer.venue_order, answer.status), (22_542_179, OrderStatus::Open));
    }
    for body in own("binance-usdm.jsonl", "rest.new_algo_order") {
        let answer = submitted(&body);
        assert_eq!((answer.venue_order, answer.status), (2_146_760, OrderStatus::Open));
        assert_eq!(answer.at.millis(), 1_750_485_492_076);
    }
    let ack = r#"{"symbol":"BTCUSDT","orderId":28,"orderListId":-1,"clientOrderId":"tw-7-3-41",
        "transactTime":1507725176595}"#;
    assert_eq!(submitted(ack).status, OrderStatus::Open);
}

#[test]
fn an_answer_about_another_order_is_refused() {
    let ack = |id: &str| {
        json!({"symbol": "BTCUSDT", "orderId": 28, "clientOrderId": id, "transactTime": 1})
            .to_string()
    };
    for id in ["tw-7-3-42", "web_1", ""] {
        let error = decoder().submitted(&order(), ack(id).as_bytes()).unwrap_err();
        assert!(matches!(error, DecodeError::Word { field: "clientOrderId", .. }), "{error}");
    }
    // A fee that could not be booked.
    let fills = json!([{"price": "1", "qty": "1", "commission": "1", "commissionAsset": "XYZ",
        "tradeId": 1}]);
    let mut body: Value = serde_json::from_str(&ack("tw-7-3-41")).unwrap();
    body["fills"] = fills;
    let error = decoder().submitted(&order(), body.to_string().as_bytes()).unwrap_err();
    assert!(matches!(error, DecodeError::Word { field: "commissionAsset", .. }), "{error}");
}

fn state(body: &str) -> OrderState {
    let state = decoder().order(body.as_bytes());
    state.unwrap_or_else(|error| panic!("{error}: {body}")).expect("an instrument of the table")
}

#[test]
fn orders_of_both_markets_are_read() {
    for body in own("binance-spot.jsonl", "rest.order") {
        let read = state(&body);
        assert_eq!((read.order, read.venue_order, read.side), (OWN, 1, Side::Buy));
        assert_eq!((read.quantity.value(), read.filled), (decimal("1"), decimal("0")));
        assert_eq!(read.price.unwrap().value(), decimal("0.1"));
        assert_eq!((read.trigger, read.status), (None, OrderStatus::Open));
        assert_eq!(read.found(), Found::Order { status: OrderStatus::Open, filled: 0.into() });
    }
    for body in own("binance-usdm.jsonl", "rest.query_order") {
        let read = state(&body);
        assert_eq!((read.leg, read.order), (Leg::Short, OWN));
        assert_eq!(read.trigger.unwrap().value(), decimal("9300"));
        assert_eq!(read.at.millis(), 1_579_276_756_075);
    }
    for body in own("binance-usdm.jsonl", "rest.order") {
        let read = state(&body);
        assert_eq!(read.price.unwrap().value(), decimal("50000"));
        assert_eq!((read.leg, read.quantity.value()), (Leg::Net, decimal("0.001")));
    }
    // A change that keeps the priority: the order stands inside, the time outside.
    for body in own("binance-spot.jsonl", "rest.order-amend-keep-priority-trade") {
        let read = state(&body);
        assert_eq!((read.venue_order, read.quantity.value()), (9, decimal("4")));
        assert_eq!(read.at.millis(), 1_741_669_661_670);
        assert_eq!(read.order, OrderId::new(0, SlotId::HOUSE, 9));
    }
    // A cancel has an id of its own.
    let cancelled = state(
        r#"{"symbol":"LTCBTC","origClientOrderId":"tw-7-3-41","orderId":4,"orderListId":-1,
        "clientOrderId":"cancelMyOrder1","transactTime":1684804350068,"price":"2.00000000",
        "origQty":"1.00000000","executedQty":"0.25000000","status":"CANCELED",
        "timeInForce":"GTC","type":"LIMIT","side":"BUY"}"#,
    );
    assert_eq!((cancelled.order, cancelled.status), (OWN, OrderStatus::Cancelled));
    assert_eq!(cancelled.filled, decimal("0.25"));
}

#[test]
fn the_words_for_where_an_order_stands_are_all_known() {
    let read = |status: &str, filled: &str, time: &str| {
        let body = json!({"symbol": "BTCUSDT", "orderId": 1, "clientOrderId": "tw-7-3-41",
            "side": "BUY", "origQty": "1", "executedQty": filled, "status": status,
            "timeInForce": time, "updateTime": 1_579_276_756_075_u64});
        decoder().order(body.to_string().as_bytes()).map(|state| state.unwrap().status)
    };
    for (status, filled, time, expected) in [
        ("NEW", "0", "GTC", OrderStatus::Open),
        ("PENDING_NEW", "0", "GTC", OrderStatus::Open),
        ("PENDING_CANCEL", "0.5", "GTC", OrderStatus::PartiallyFilled),
        ("PARTIALLY_FILLED", "0.5", "GTC", OrderStatus::PartiallyFilled),
        ("FILLED", "1", "GTC", OrderStatus::Filled),
        ("CANCELED", "0.5", "GTC", OrderStatus::Cancelled),
        ("REJECTED", "0", "GTC", OrderStatus::Rejected),
        ("EXPIRED", "0", "IOC", OrderStatus::Cancelled),
        ("EXPIRED", "0", "GTD", OrderStatus::Expired),
        ("EXPIRED_IN_MATCH", "0", "GTC", OrderStatus::Cancelled),
    ] {
        assert_eq!(read(status, filled, time), Ok(expected), "{status}");
    }
    assert!(matches!(read("BEWITCHED", "0", "GTC"), Err(DecodeError::Word { .. })));
    assert!(matches!(read("NEW", "much", "GTC"), Err(DecodeError::Number { .. })));
}

#[test]
fn lists_of_orders_pass_over_what_is_not_in_the_table() {
    let one = |symbol: &str, side: &str| {
        json!({"symbol": symbol, "orderId": 1, "clientOrderId": "web_1", "side": side,
            "origQty": "1", "executedQty": "0", "status": "NEW", "time": 1_579_276_756_075_u64})
    };
    let (mut decoder, mut out) = (decoder(), Vec::new());
    let body = json!([one("BTCUSDT", "BUY"), one("XYZUSDT", "BUY")]).to_string();
    decoder.orders(body.as_bytes(), &mut out).unwrap();
    assert_eq!((out.len(), decoder.counts().foreign), (1, 1));
    assert_eq!(out[0].order, OrderId::new(0, SlotId::HOUSE, 1));
    let body = json!([one("BTCUSDT", "BUY"), one("BTCUSDT", "HOLD")]).to_string();
    assert!(decoder.orders(body.as_bytes(), &mut out).is_err());
    assert_eq!(out.len(), 1, "a refused list appends nothing");
}

#[test]
fn trades_of_both_markets_are_read() {
    let spot = br#"[{"symbol":"BTCUSDT","id":28457,"orderId":100234,"orderListId":-1,
        "price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012","commission":"10.10000000",
        "commissionAsset":"BNB","time":1499865549590,"isBuyer":true,"isMaker":false,
        "isBestMatch":true}]"#;
    let futures = br#"[{"buyer":false,"commission":"-0.07819010","commissionAsset":"USDT",
        "id":698759,"maker":true,"orderId":25851813,"price":"7819.01","qty":"0.002",
        "quoteQty":"15.63802","realizedPnl":"-0.91539999","side":"SELL","positionSide":"SHORT",
        "symbol":"BTCUSDT","time":1569514978020}]"#;
    let (mut decoder, mut fills) = (decoder(), Vec::new());
    let owner = |number| (number == 100_234).then_some(OWN);
    decoder.trades(spot, owner, &mut fills).unwrap();
    decoder.trades(futures, owner, &mut fills).unwrap();
    let [bought, sold] = fills[..] else { panic!("{fills:?}") };
    assert_eq!((bought.order, bought.side, bought.leg), (OWN, Side::Buy, Leg::Net));
    assert_eq!(bought.fill.trade, TradeId(28_457));
    assert_eq!(bought.fill.price.value(), decimal("4.000001"));
    assert_eq!(bought.fill.fee.amount, decimal("10.1"));
    assert_eq!(bought.fill.fee.asset, table().find_asset("BNB").unwrap());
    assert_eq!(bought.at.millis(), 1_499_865_549_590);
    assert_eq!(sold.order, OrderId::new(0, SlotId::HOUSE, 25_851_813));
    assert_eq!((sold.side, sold.leg), (Side::Sell, Leg::Short));
    assert_eq!(sold.fill.liquidity, Liquidity::Maker);
    assert_eq!(sold.fill.fee.amount, decimal("-0.0781901"));
    assert_eq!(sold.fill.quantity.value(), decimal("0.002"));
    let zero = br#"[{"symbol":"BTCUSDT","id":1,"orderId":1,"price":"4","qty":"0","time":1,
        "isBuyer":true}]"#;
    assert!(decoder.trades(zero, owner, &mut fills).is_err());
    assert_eq!(fills.len(), 2);
}

#[test]
fn accounts_of_both_markets_are_read() {
    let asset = |code: &str| table().find_asset(code).unwrap();
    let (mut decoder, mut balances, mut positions) = (decoder(), Vec::new(), Vec::new());
    let spot = br#"{"makerCommission":15,"canTrade":true,"accountType":"SPOT","balances":[
        {"asset":"BTC","free":"4723846.89208129","locked":"0.10000000"},
        {"asset":"XYZ","free":"4763368.68006011","locked":"0.00000000"}]}"#;
    decoder.balances(spot, &mut balances).unwrap();
    assert_eq!((balances[0].asset, balances[0].total), (asset("BTC"), decimal("4723846.99208129")));
    assert_eq!((balances[0].locked, decoder.counts().foreign), (decimal("0.1"), 1));
    decoder.positions(spot, &mut positions).unwrap();
    assert_eq!(positions, []);

    let balance = br#"[{"accountAlias":"SgsR","asset":"USDT","balance":"122607.35137903",
        "crossWalletBalance":"23.72469206","crossUnPnl":"0.00000000",
        "availableBalance":"23.72469206","maxWithdrawAmount":"23.72469206"}]"#;
    decoder.balances(balance, &mut balances).unwrap();
    assert_eq!(balances[1].total, decimal("122607.35137903"));
    assert_eq!(balances[1].locked, decimal("122583.62668697"));

    let account = br#"{"totalInitialMargin":"0.00000000","assets":[{"asset":"USDT",
        "walletBalance":"10.5","unrealizedProfit":"2","availableBalance":"12.5"}],"positions":[
        {"symbol":"BTCUSDT","positionSide":"BOTH","positionAmt":"0.000","entryPrice":"0.0"},
        {"symbol":"BTCUSDT","positionSide":"SHORT","positionAmt":"-1.000","entryPrice":"100.5"}]}"#;
    decoder.balances(account, &mut balances).unwrap();
    assert_eq!((balances[2].total, balances[2].locked), (decimal("10.5"), decimal("0")));
    decoder.positions(account, &mut positions).unwrap();
    let risk = br#"[{"symbol":"LTCBTC","positionSide":"BOTH","positionAmt":"1.5",
        "entryPrice":"0.25","breakEvenPrice":"0.0","markPrice":"0.3","unRealizedProfit":"0.1",
        "liquidationPrice":"0","updateTime":1720736417660},
        {"symbol":"XYZ","positionAmt":"0","entryPrice":"0"}]"#;
    decoder.positions(risk, &mut positions).unwrap();
    let [short, long] = positions[..] else { panic!("{positions:?}") };
    assert_eq!((short.instrument, short.leg), (InstrumentId(0), Leg::Short));
    assert_eq!((short.quantity, short.entry), (decimal("-1"), decimal("100.5")));
    assert_eq!((long.instrument, long.leg), (InstrumentId(1), Leg::Net));
    assert_eq!((long.quantity, long.entry), (decimal("1.5"), decimal("0.25")));
}

#[test]
fn both_halves_of_a_replacement_are_told() {
    let decoder = decoder();
    let refused = VenueError { code: -2011, message: "Unknown order sent.".to_owned() };
    let errors = frames("binance-spot.jsonl");
    let mut seen = 0;
    for frame in errors.iter().filter(|frame| frame.raw.contains("cancelResult")) {
        let own = |text: &str| {
            let cut = text
                .split("\"clientOrderId\":\"")
                .nth(1)
                .map_or("", |rest| rest.split('"').next().unwrap());
            if cut.is_empty() { text.to_owned() } else { text.replace(cut, "tw-7-3-41") }
        };
        let raw = own(&frame.raw);
        let bytes = match WsReply::read(raw.as_bytes()) {
            Ok(Some(reply)) => {
                assert_eq!(reply.status, 409);
                assert_eq!(reply.result.unwrap_err().code, -2021);
                reply.error.unwrap().as_bytes()
            }
            Ok(None) | Err(_) => raw.as_bytes(),
        };
        let read = decoder.replaced(&order(), bytes).unwrap();
        assert_eq!(read.cancel, Outcome::Refused(refused.clone()));
        match raw.contains("NOT_ATTEMPTED") {
            true => assert_eq!(read.place, Outcome::NotTried),
            false => assert!(matches!(read.place, Outcome::Done(_)), "{:?}", read.place),
        }
        seen += 1;
    }
    assert!(errors.is_empty() || seen == 3, "{seen}");

    let done = r#"{"cancelResult":"SUCCESS","newOrderResult":"SUCCESS","cancelResponse":
        {"symbol":"BTCUSDT","origClientOrderId":"a","orderId":9,"clientOrderId":"b"},
        "newOrderResponse":{"symbol":"BTCUSDT","orderId":10,"clientOrderId":"tw-7-3-41",
        "transactTime":1684804350068}}"#;
    let read = decoder.replaced(&order(), done.as_bytes()).unwrap();
    assert_eq!(read.cancel, Outcome::Done(()));
    assert!(matches!(read.place, Outcome::Done(placed) if placed.venue_order == 10));
    let plain = br#"{"code":-1021,"msg":"Timestamp for this request"}"#;
    assert!(decoder.replaced(&order(), plain).is_err());
}

#[test]
fn answers_of_the_websocket_api_are_told_from_events() {
    let mut read = (0, 0, 0);
    let all = frames("binance-spot.jsonl");
    let answers = ["wsapi.error", "wsapi.response"];
    for frame in all.iter().filter(|frame| frame.transport == "ws-api") {
        let reply = WsReply::read(frame.raw.as_bytes());
        if !answers.iter().any(|kind| frame.kind.starts_with(kind)) {
            read.2 += usize::from(matches!(reply, Ok(None)));
            continue;
        }
        let reply = reply.unwrap().unwrap();
        let value: Value = serde_json::from_str(&frame.raw).unwrap();
        assert_eq!(u64::from(reply.status), value["status"].as_u64().unwrap());
        assert_eq!(reply.id, None, "these ids are texts");
        match reply.result {
            Ok(result) => {
                assert_eq!(serde_json::from_str::<Value>(result).unwrap(), value["result"]);
                read.0 += 1;
            }
            Err(error) => {
                assert_eq!(Some(error.code), value["error"]["code"].as_i64());
                read.1 += 1;
            }
        }
        let limits = value["rateLimits"].as_array().map_or(0, Vec::len);
        assert_eq!(reply.limits.len(), limits);
    }
    assert!(all.is_empty() || read.0 == 3 && read.1 == 4 && read.2 > 5, "{read:?}");

    let banned = br#"{"id":3,"status":418,"error":{"code":-1003,"msg":"Way too much request weight
        used; IP banned until 1659146400000.","data":{"serverTime":1659142907531,
        "retryAfter":1659146400000}},"rateLimits":[{"rateLimitType":"ORDERS","interval":"SECOND",
        "intervalNum":10,"limit":50,"count":5},{"rateLimitType":"MOONS","interval":"LUNATION",
        "intervalNum":1,"limit":1,"count":1}]}"#
        .map(|byte| if byte == b'\n' { b' ' } else { byte });
    let reply = WsReply::read(&banned).unwrap().unwrap();
    assert_eq!((reply.id, reply.status), (Some(3), 418));
    assert_eq!(reply.retry_at.unwrap().millis(), 1_659_146_400_000);
    let interval = std::time::Duration::from_secs(10);
    assert_eq!(reply.limits, [LimitHeader::Orders { interval, used: 5 }]);
    let done = WsReply::read(br#"{"id":4,"status":200,"result":null}"#).unwrap().unwrap();
    assert_eq!(done.result, Ok("null"));
    assert!(WsReply::read(br#"{"id":4,"status":500}"#).is_err());
}

#[test]
fn history_and_times_are_read() {
    let row = |opens: u64, close: &str| {
        json!([opens, "0.5", "0.8", "0.1", close, "148.5", opens + 59_999, "1", 308, "1", "1", "0"])
    };
    let body = json!([row(1_499_040_000_000, "0.6"), row(1_499_040_060_000, "0.7")]).to_string();
    let (mut news, of) = (Vec::new(), (InstrumentId(0), Period::MINUTE));
    let at = Timestamp::from_millis(1_499_040_119_999).unwrap();
    decode_klines(at, of, body.as_bytes(), &mut news).unwrap();
    let [MarketNews::Event(closed), MarketNews::Forming(forming)] = &news[..] else {
        panic!("{news:?}")
    };
    let MarketEvent::Bar(bar) = closed.event else { panic!("{closed:?}") };
    assert_eq!([bar.open, bar.high, bar.low, bar.close, bar.volume], [0.5, 0.8, 0.1, 0.6, 148.5]);
    assert_eq!(closed.at.unwrap().millis(), 1_499_040_060_000);
    assert_eq!(forming.close, 0.7);
    let unsound = json!([row(1_499_040_000_000, "0.6"), row(1_499_040_060_000, "9")]).to_string();
    assert!(decode_klines(at, of, unsound.as_bytes(), &mut news).is_err());
    assert!(decode_klines(at, of, b"[[1,\"1\"]]", &mut news).is_err());
    assert_eq!(news.len(), 2, "a refused list appends nothing");

    let trades = br#"[{"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27781,
        "T":1498793709153,"m":true,"M":true}]"#;
    let mut news = Vec::new();
    decode_aggregate_trades(InstrumentId(0), trades, &mut news).unwrap();
    let [MarketNews::Event(sighting)] = &news[..] else { panic!("{news:?}") };
    assert_eq!(sighting.number, Some(26_129));
    let MarketEvent::Print(print) = sighting.event else { panic!("{sighting:?}") };
    assert_eq!((print.price, print.taker), (0.016_331_02, Some(Side::Sell)));

    assert!(decode_server_time(br#"{"serverTime":-1}"#).is_err());
    let key =
        decode_listen_key(br#"{"listenKey":"pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a"}"#);
    assert!(!format!("{key:?}").contains("pqia"), "{key:?}");
    for refused in [r#"{"listenKey":""}"#, r#"{"listenKey":"a/../b"}"#, r#"{"listenKey":"äq"}"#] {
        let error = decode_listen_key(refused.as_bytes()).unwrap_err();
        assert!(!error.to_string().contains("äq"), "{error}");
    }
}

#[test]
fn refusals_have_the_engines_words() {
    let reason = |code, message: &str, market| {
        VenueError { code, message: message.to_owned() }.reject_reason(market)
    };
    let (spot, futures) = (BinanceMarket::Spot, BinanceMarket::UsdFutures);
    let funds = "Account has insufficient balance for requested action.";
    for (code, message, market, expected) in [
        (-2010, funds, spot, RejectReason::InsufficientFunds),
        (-2010, "Order would immediately match and take.", spot, RejectReason::WouldTake),
        (-2010, "Duplicate order sent.", spot, RejectReason::DuplicateId),
        (-2010, "Market is closed.", spot, RejectReason::NotTrading),
        (-2011, "Unknown order sent.", spot, RejectReason::NotFound),
        (-1013, "Filter failure: LOT_SIZE", spot, RejectReason::InvalidOrder),
        (-1111, "Precision is over the maximum", futures, RejectReason::InvalidOrder),
        (-1121, "Invalid symbol.", futures, RejectReason::NotTrading),
        (-2019, "Margin is insufficient.", futures, RejectReason::InsufficientFunds),
        (-2022, "ReduceOnly Order is rejected.", futures, RejectReason::NothingToReduce),
        (
            -5022,
            "Due to the order could not be executed as maker",
            futures,
            RejectReason::WouldTake,
        ),
        (-4120, "Order type not supported", futures, RejectReason::InvalidOrder),
    ] {
        assert_eq!(reason(code, message, market), expected, "{code} {message}");
    }
    let other = reason(-9999, "A new rule", spot);
    assert!(matches!(other, RejectReason::Other(label) if label.as_str() == "A new rule"));
    for (code, is_unknown) in
        [(-1000, true), (-1001, true), (-1006, true), (-1007, true), (-1008, false), (-2010, false)]
    {
        let answer = VenueError { code, message: String::new() }.answer(spot);
        assert_eq!(answer == Answer::Unknown, is_unknown, "{code}");
    }
    // On spot it is a replacement of which one half may have been done, on futures a refusal.
    let half = VenueError { code: -2021, message: String::new() };
    assert_eq!(half.answer(spot), Answer::Unknown);
    assert!(matches!(half.answer(futures), Answer::Refused(_)));
}

proptest! {
    /// Whatever stands in an answer, it is read or refused; a refused one says nothing.
    #[test]
    fn damaged_answers_are_read_or_refused(
        pick in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        with in prop::sample::select(br#""{}[],:0-9e.nulltruefalse\u"#.to_vec()),
        is_cut in any::<bool>(),
    ) {
        let mut bodies: Vec<String> = ["binance-spot.jsonl", "binance-usdm.jsonl"]
            .into_iter()
            .flat_map(frames)
            .filter(|frame| frame.transport == "rest" || frame.kind.starts_with("wsapi"))
            .map(|frame| frame.raw)
            .collect();
        bodies.push(r#"[{"symbol":"BTCUSDT","id":1,"orderId":1,"price":"4","qty":"1","time":1,
            "isBuyer":true}]"#.to_owned());
        let mut bytes = bodies[pick.index(bodies.len())].clone().into_bytes();
        let at = at.index(bytes.len());
        match is_cut {
            true => bytes.truncate(at),
            false => bytes[at] = with,
        }
        let mut decoder = decoder();
        let _ = decoder.submitted(&order(), &bytes);
        let _ = (decoder.order(&bytes), decoder.conditional(&bytes));
        let _ = (decoder.replaced(&order(), &bytes), WsReply::read(&bytes));
        let info = ExchangeInfo::decode(&bytes);
        let _ = (info.map(|info| info.listings(20)), decode_server_time(&bytes));
        let (mut orders, mut fills, mut balances) = (Vec::new(), Vec::new(), Vec::new());
        prop_assert!(decoder.orders(&bytes, &mut orders).is_ok() || orders.is_empty());
        prop_assert!(decoder.trades(&bytes, |_| None, &mut fills).is_ok() || fills.is_empty());
        prop_assert!(decoder.balances(&bytes, &mut balances).is_ok() || balances.is_empty());
    }
}

/// The decoder of the user stream tells the same of an order as the answers do.
#[test]
fn answers_and_events_agree() {
    let frame = br#"{"e":"executionReport","E":1,"s":"BTCUSDT","c":"tw-7-3-41","S":"BUY",
        "f":"IOC","q":"1","p":"2","C":"","x":"EXPIRED","X":"EXPIRED","r":"NONE","i":5,"l":"0",
        "z":"0.5","L":"0","n":"0","N":null,"T":1499405658657,"t":-1,"m":false}"#;
    let mut news = Vec::new();
    let mut events = tradewright::venue::binance::UserDecoder::new(Symbols::of(&table()));
    events.decode(frame, &mut news).unwrap();
    let [UserNews::Order(event)] = &news[..] else { panic!("{news:?}") };
    let answer = state(
        r#"{"symbol":"BTCUSDT","orderId":5,"clientOrderId":"tw-7-3-41","side":"BUY","origQty":"1",
        "executedQty":"0.5","price":"2","status":"EXPIRED","timeInForce":"IOC",
        "updateTime":1499405658657}"#,
    );
    assert_eq!((event.update.order, event.venue_order), (answer.order, answer.venue_order));
    assert_eq!((event.filled, event.at), (answer.filled, answer.at));
    assert_eq!(event.update.report, tradewright::types::OrderReport::Cancelled);
    assert_eq!(answer.status, OrderStatus::Cancelled);
}
