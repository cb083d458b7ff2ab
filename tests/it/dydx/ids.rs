//! What the indexer calls an order follows from what the chain calls it, and an order of the
//! engine is known again by what was written with it.

use serde_json::Value;
use tradewright::types::{OrderId, OrderReport, OrderStatus, Price, SlotId, Timestamp};
use tradewright::venue::dydx::{
    ChainAddress, Subaccount, client_id, client_metadata, decode_fills, decode_holdings,
    decode_orders, decode_time, hyphenated, venue_id, venue_order,
};
use tradewright::venue::{Symbols, UserNews};

use super::{NOW, decoder, exact, frames, table, time, unwrapped};

/// All objects within a value that have these fields.
fn collect<'a>(value: &'a Value, fields: &[&str], out: &mut Vec<&'a Value>) {
    if fields.iter().all(|field| value[*field].is_string()) {
        out.push(value);
    }
    match value {
        Value::Array(values) => values.iter().for_each(|inner| collect(inner, fields, out)),
        Value::Object(values) => values.values().for_each(|inner| collect(inner, fields, out)),
        _ => {}
    }
}

/// Frames of three accounts of the testnet name their orders as we do.
#[test]
fn the_ids_of_recorded_orders_follow_from_their_names() {
    let (mut checked, all) = (0, frames());
    for frame in &all {
        let Ok(value) = serde_json::from_str::<Value>(&frame.raw) else { continue };
        let Some((address, number)) = value["id"].as_str().and_then(|id| id.split_once('/')) else {
            continue;
        };
        // Others are of networks before the first, or were edited by hand.
        let Ok(address) = ChainAddress::parse(address) else { continue };
        let account = Subaccount { address, number: number.parse().unwrap() };
        let mut orders = Vec::new();
        collect(&value, &["id", "clientId", "clobPairId", "orderFlags"], &mut orders);
        if frame.kind.ends_with("v4_subaccounts") {
            for order in orders {
                let field = |name: &str| order[name].as_str().unwrap().parse().unwrap();
                let (client, pair, flags) =
                    (field("clientId"), field("clobPairId"), field("orderFlags"));
                let id = hyphenated(venue_id(&account, client, pair, flags));
                assert_eq!(order["id"], id.as_str(), "{} {order}", frame.id);
                checked += 1;
            }
        }
    }
    assert!(all.is_empty() || checked >= 4, "{checked} orders were checked");
}

/// The orders of one page of the documentation, with all that the chain knows of them.
#[test]
fn recorded_answers_about_an_account_are_read() {
    let symbols = Symbols::of(&table(&["BTC-USD", "ETH-USD"]));
    for frame in frames() {
        let bytes = || serde_json::to_vec(&unwrapped(&frame.raw)).unwrap();
        match frame.kind.as_str() {
            "rest.order" => {
                let order = &decode_orders(&bytes()).unwrap()[0];
                let account = ChainAddress::parse("dydx14zzueazeh0hj67cghhf9jypslcf9sh2n5k6art");
                let account = Subaccount { address: account.unwrap(), number: 0 };
                assert_eq!(order.id, venue_id(&account, order.client, 1, order.flags));
                assert_eq!((order.flags, order.metadata, order.own()), (64, 4, None));
                let stands = order.stands(&symbols, None, 0).unwrap();
                assert_eq!(stands.order, OrderId::new(0, SlotId::HOUSE, venue_order(order.id)));
                assert_eq!(stands.status, OrderStatus::Cancelled);
                assert_eq!(stands.at, "2025-02-26T09:01:29.102Z".parse().unwrap());
            }
            "rest.fills" => {
                let value = unwrapped(&frame.raw);
                let read = decode_fills(&symbols, &bytes()).unwrap();
                let listed = value["fills"].as_array().unwrap();
                assert_eq!((read.count, read.fills.len()), (listed.len(), listed.len()));
                assert_eq!(read.oldest, Some(time(&listed.last().unwrap()["createdAt"])));
                let newest = read.fills.last().unwrap().fill;
                assert_eq!(newest.fill.price.value(), exact(&listed[0]["price"]));
                let mut own = Vec::new();
                decoder(&["BTC-USD", "ETH-USD"]).fills(NOW, &bytes(), &mut own).unwrap();
                let Some(UserNews::Order(news)) = own.last() else { panic!("{own:?}") };
                let OrderReport::Fill(told) = news.update.report else { panic!("{news:?}") };
                assert_eq!(told.trade, newest.fill.trade, "the ids are those of the stream");
            }
            "rest.subaccount" => {
                let holdings = decode_holdings(&bytes()).unwrap();
                assert_eq!(holdings.wallet(), Some("45.201296".parse().unwrap()));
                assert_eq!(holdings.bound(), 0.into());
            }
            "rest.time" => {
                let read = decode_time(frame.raw.as_bytes()).unwrap();
                assert_eq!(read, Timestamp::from_secs(1_753_767_908).unwrap());
            }
            _ => {}
        }
    }
}

fn listed(status: &str, more: &str) -> String {
    let order = OrderId::new(1_030, SlotId(7), 12);
    let (client, metadata) = (client_id(order).unwrap(), client_metadata(order));
    format!(
        r#"[{{"id":"66390c15-ebad-53f8-86ad-99b3dfedbc85","clientId":"{client}",
        "clientMetadata":"{metadata}","clobPairId":"0","side":"SELL","size":"2","price":"90",
        "totalFilled":"0.5","status":"{status}","ticker":"BTC-USD"{more}}}]"#
    )
}

#[test]
fn what_blocks_have_passed_is_over_whatever_the_list_says() {
    let short = r#","orderFlags":"0","goodTilBlock":"100""#;
    let cases = [
        ("BEST_EFFORT_CANCELED", 100, OrderStatus::PartiallyFilled),
        ("BEST_EFFORT_CANCELED", 101, OrderStatus::Cancelled),
        ("BEST_EFFORT_OPENED", 101, OrderStatus::Expired),
        ("OPEN", 100, OrderStatus::PartiallyFilled),
        ("OPEN", 101, OrderStatus::Expired),
        ("FILLED", 101, OrderStatus::Filled),
        ("CANCELED", 1, OrderStatus::Cancelled),
        ("UNTRIGGERED", 101, OrderStatus::PartiallyFilled),
    ];
    for (word, height, status) in cases {
        let order = &decode_orders(listed(word, short).as_bytes()).unwrap()[0];
        assert_eq!(order.status(height), status, "{word} at {height}");
    }
    let long = &decode_orders(listed("OPEN", "").as_bytes()).unwrap()[0];
    assert_eq!(long.status(u64::MAX), OrderStatus::PartiallyFilled);
}

/// A stop's worst price is no limit in the engine's sense, and the engine's order is known again.
#[test]
fn a_stop_is_told_by_its_trigger() {
    let stop = r#","orderFlags":"32","timeInForce":"IOC","triggerPrice":"95",
        "goodTilBlockTime":"2025-05-27T09:01:21.000Z""#;
    let order = &decode_orders(listed("UNTRIGGERED", stop).as_bytes()).unwrap()[0];
    assert_eq!(order.own(), Some(OrderId::new(1_030, SlotId(7), 12)));
    let symbols = Symbols::of(&table(&["BTC-USD"]));
    let stands = order.stands(&symbols, None, 0).unwrap();
    let trigger = Price::new(95.into()).ok();
    assert_eq!((stands.price, stands.trigger), (None, trigger));
    assert_eq!(stands.order, OrderId::new(1_030, SlotId(7), 12));
    assert_eq!(order.stands(&Symbols::of(&table(&["ETH-USD"])), None, 0), None);
    assert!(decode_orders(listed("OPEN", r#","orderFlags":"-1""#).as_bytes()).is_err());
}

/// The account's channel names the engine's orders without the host's word, fills included.
#[test]
fn the_stream_knows_the_engines_orders() {
    let order = OrderId::new(1_030, SlotId(7), 12);
    let orders = listed("OPEN", "");
    let frame = format!(
        r#"{{"type":"channel_data","connection_id":"7af1","message_id":3,"id":"a/0",
        "channel":"v4_subaccounts","contents":{{"orders":{orders},"fills":[{{
        "id":"6450e369-1dc3-5229-8dc2-fb3b5d1cf2ab","side":"SELL","size":"0.5","price":"90",
        "fee":"0","liquidity":"TAKER","type":"LIMIT","market":"BTC-USD",
        "orderId":"66390c15-ebad-53f8-86ad-99b3dfedbc85",
        "createdAt":"2025-02-26T09:01:29.102Z"}}]}}}}"#
    );
    let (mut market, mut own) = (Vec::new(), Vec::new());
    let mut decoder = decoder(&["BTC-USD"]);
    decoder.decode(NOW, frame.as_bytes(), &mut market, &mut own).unwrap();
    let orders: Vec<OrderId> = own
        .iter()
        .map(|news| match news {
            UserNews::Order(news) => news.update.order,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(orders, [order, order]);
}
