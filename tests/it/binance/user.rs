use proptest::prelude::*;
use serde_json::Value;
use tradewright::types::{
    Decimal, Instrument, Instruments, Liquidity, OrderId, OrderReport, Side, SlotId, TradeId,
};
use tradewright::venue::binance::{BinanceMarket, ErrorClass, UserDecoder, VenueError};
use tradewright::venue::{DecodeError, OrderNews, Symbols, UserNews};

use super::{frames, table};

fn exact(value: &Value) -> Decimal {
    Decimal::from_str_exact(value.as_str().unwrap()).unwrap()
}

/// The event itself, unwrapped.
fn unwrapped(raw: &str) -> Value {
    let mut value: Value = serde_json::from_str(raw).unwrap();
    for wrapper in ["data", "event"] {
        if value.get(wrapper).is_some() {
            return value[wrapper].take();
        }
    }
    value
}

#[test]
fn order_events_have_the_values_that_stand_in_them() {
    for (file, kind, expected) in [
        ("binance-spot.jsonl", "executionReport", 14),
        ("binance-usdm.jsonl", "ORDER_TRADE_UPDATE", 12),
    ] {
        let frames = frames(file);
        let mut decoder = UserDecoder::new(Symbols::of(&table(&frames)));
        let (mut read, mut silent) = (0, 0);
        for frame in frames.iter().filter(|frame| frame.kind.starts_with(kind)) {
            let mut news = Vec::new();
            let result = decoder.decode(frame.raw.as_bytes(), &mut news);
            result.unwrap_or_else(|error| panic!("{} {}: {error}", frame.id, frame.kind));
            let mut event = unwrapped(&frame.raw);
            if event["o"].is_object() {
                event = event["o"].take();
            }
            match &news[..] {
                [UserNews::Order(order)] => {
                    same_order(&event, order, &frame.kind);
                    read += 1;
                }
                [] => {
                    // Nothing was executed and nothing has ended.
                    assert_eq!(exact(&event["l"]), Decimal::ZERO, "{}", frame.id);
                    silent += 1;
                }
                other => panic!("{}: {other:?}", frame.id),
            }
        }
        println!("{file}: {read} orders read, {silent} say nothing, {:?}", decoder.counts());
        assert!(frames.is_empty() || read >= expected, "{file}: {read}");
        assert_eq!((decoder.counts().foreign, decoder.counts().unknown), (0, 0));
    }
}

fn same_order(event: &Value, news: &OrderNews, kind: &str) {
    let update = &news.update;
    assert_eq!(Some(news.venue_order), event["i"].as_u64());
    assert_eq!(Some(news.at.millis()), event["T"].as_i64());
    assert_eq!(news.filled, exact(&event["z"]));
    assert_eq!(update.side.to_string(), event["S"].as_str().unwrap());
    // None of these orders is the engine's own.
    assert_eq!(update.order, OrderId::new(0, SlotId::HOUSE, news.venue_order));
    let executed = exact(&event["l"]) > Decimal::ZERO;
    let is_own = event["c"].as_str().unwrap().contains("autoclose");
    match (update.report, event["x"].as_str().unwrap()) {
        (OrderReport::Accepted, "NEW") => {}
        (OrderReport::Cancelled, "CANCELED" | "TRADE" | "TRADE_PREVENTION" | "EXPIRED") => {}
        (OrderReport::Expired, "EXPIRED" | "TRADE") => assert_eq!(event["f"], "GTD"),
        (OrderReport::Rejected(_), "REJECTED") => {}
        (OrderReport::Amended { quantity, .. }, "AMENDMENT" | "REPLACED") => {
            assert_eq!(quantity.value(), exact(&event["q"]));
        }
        (OrderReport::Fill(fill) | OrderReport::Liquidated(fill), "TRADE" | "CALCULATED") => {
            assert!(executed, "{kind}");
            let is_forced = matches!(update.report, OrderReport::Liquidated(_));
            assert!(!is_forced || is_own, "{kind}");
            assert_eq!(Some(fill.trade), event["t"].as_u64().map(|id| TradeId(id.into())));
            assert_eq!(fill.price.value(), exact(&event["L"]));
            assert_eq!(fill.quantity.value(), exact(&event["l"]));
            let is_maker = event["m"].as_bool().unwrap();
            assert_eq!(fill.liquidity == Liquidity::Maker, is_maker);
            let fee = event.get("n").filter(|fee| fee.is_string()).map_or(Decimal::ZERO, exact);
            assert_eq!(fill.fee.amount, fee);
        }
        (other, execution) => panic!("{kind}: {execution} gave {other:?}"),
    }
}

fn decoder() -> UserDecoder {
    let mut table = Instruments::new();
    table.add(Instrument::spot("ETHUSDT", "ETH", "USDT")).unwrap();
    UserDecoder::new(Symbols::of(&table))
}

const FILL: &str = concat!(
    r#"{"subscriptionId":0,"event":{"e":"executionReport","E":1759347763167,"s":"ETHUSDT","#,
    r#""c":"tw-3-2-41","S":"SELL","o":"LIMIT","f":"GTC","q":"1.00000000","p":"2500.00000000","#,
    r#""C":"","x":"TRADE","X":"PARTIALLY_FILLED","r":"NONE","i":123,"l":"0.10000000","#,
    r#""z":"0.30000000","L":"2499.50000000","n":"0.00012345","N":"ETH","T":1759347763167,"#,
    r#""t":98765432,"m":true,"V":"NONE"}}"#
);
const ACCOUNT: &str = concat!(
    r#"{"e":"ACCOUNT_UPDATE","T":1564745798939,"E":1564745798939,"a":{"m":"ORDER","B":[{"a":"#,
    r#""USDT","wb":"122624.12345678","cw":"100.1","bc":"50.1"}],"P":[{"s":"ETHUSDT","pa":"-10","#,
    r#""ep":"6563.8","up":"-1423.15600","mt":"isolated","iw":"6570.42511771","ps":"SHORT"}]}}"#
);

fn read(frame: &str) -> Result<Vec<UserNews>, DecodeError> {
    let mut news = Vec::new();
    let result = decoder().decode(frame.as_bytes(), &mut news);
    assert!(result.is_ok() || news.is_empty());
    result.map(|()| news)
}

#[test]
fn the_engines_own_orders_are_found_by_their_client_id() {
    let [UserNews::Order(order)] = read(FILL).unwrap()[..] else { panic!() };
    assert_eq!(order.update.order, OrderId::new(3, SlotId(2), 41));
    assert_eq!(order.update.side, Side::Sell);
    let OrderReport::Fill(fill) = order.update.report else { panic!("{order:?}") };
    assert_eq!(fill.fee.amount.to_string(), "0.00012345");

    // A cancel carries an id of its own; the order's is the original one.
    let cancel = FILL
        .replace(r#""C":"""#, r#""C":"tw-3-2-41""#)
        .replace(r#""c":"tw-3-2-41""#, r#""c":"web_77""#)
        .replace(r#""x":"TRADE","X":"PARTIALLY_FILLED""#, r#""x":"CANCELED","X":"CANCELED""#);
    let [UserNews::Order(order)] = read(&cancel).unwrap()[..] else { panic!() };
    assert_eq!(order.update.order, OrderId::new(3, SlotId(2), 41));
    assert_eq!(order.update.report, OrderReport::Cancelled);
}

#[test]
fn a_fill_that_cannot_be_booked_exactly_is_refused() {
    let fee = read(&FILL.replace(r#""N":"ETH""#, r#""N":"BNB""#)).unwrap_err();
    assert_eq!(fee.to_string(), "executionReport: field `N` has the unknown word `BNB`");
    let amount = read(&FILL.replace("0.00012345", "1e-9")).unwrap_err();
    assert!(matches!(amount, DecodeError::Number { field: "n", .. }), "{amount:?}");
    let price = read(&FILL.replace("2499.50000000", "0.00000000")).unwrap_err();
    assert!(matches!(price, DecodeError::Number { field: "L", .. }), "{price:?}");
    let side = read(&FILL.replace("SELL", "HOLD")).unwrap_err();
    assert!(matches!(side, DecodeError::Word { field: "S", .. }), "{side:?}");
    let missing = read(&FILL.replace(r#""L":"#, r#""K":"#)).unwrap_err();
    assert!(missing.to_string().contains("missing field `L`"), "{missing}");
}

#[test]
fn balances_and_positions_are_read() {
    let news = read(ACCOUNT).unwrap();
    let [UserNews::Balance { total, .. }, UserNews::Position { quantity, entry, .. }] = &news[..]
    else {
        panic!("{news:?}")
    };
    let texts = [total, quantity, entry].map(ToString::to_string);
    assert_eq!(texts, ["122624.12345678", "-10", "6563.8"]);
    let ended = read(r#"{"event":{"e":"eventStreamTerminated","E":1728973001334}}"#);
    assert_eq!(ended, Ok(vec![UserNews::Ended]));
}

#[test]
fn errors_say_what_may_be_done() {
    let class = |code: i64, market| VenueError { code, message: String::new() }.class(market);
    let (spot, futures) = (BinanceMarket::Spot, BinanceMarket::UsdFutures);
    assert_eq!(class(-1006, spot), ErrorClass::UnknownOutcome);
    assert_eq!(class(-1007, futures), ErrorClass::UnknownOutcome);
    assert_eq!(class(-2021, spot), ErrorClass::UnknownOutcome);
    assert_eq!(class(-2021, futures), ErrorClass::Rejected);
    assert_eq!(class(-1021, spot), ErrorClass::Clock);
    assert_eq!(class(-2011, spot), ErrorClass::NotFound);
    let ban = "Way too much request weight used; IP banned until 1659146400000.";
    let error = VenueError { code: -1003, message: ban.to_owned() };
    assert_eq!(error.banned_until_millis(), Some(1_659_146_400_000));
    for file in ["binance-spot.jsonl", "binance-usdm.jsonl"] {
        for frame in frames(file).iter().filter(|frame| frame.kind.ends_with(".error")) {
            let error = VenueError::decode(frame.raw.as_bytes());
            let error = error.unwrap_or_else(|fault| panic!("{}: {fault}", frame.id));
            assert!(frame.raw.contains(&format!(r#""code":{}"#, error.code)), "{}", frame.id);
        }
    }
}

proptest! {
    #[test]
    fn damaged_user_data_are_read_or_refused(
        frame in prop::sample::select(vec![FILL, ACCOUNT]),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = frame.as_bytes().to_vec();
        for (place, byte) in places {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let mut news = Vec::new();
        let result = decoder().decode(&bytes, &mut news);
        prop_assert!(result.is_ok() || news.is_empty());
    }
}
