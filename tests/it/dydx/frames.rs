use serde_json::Value;
use tradewright::types::{Instruments, MarketEvent, OrderReport, Side, Timestamp};
use tradewright::venue::dydx::{IndexerDecoder, IndexerFrame};
use tradewright::venue::{DecodeError, MarketNews, Symbols, UserNews};

use super::{Frame, NOW, exact, frames, number, table, time};

/// Payloads that no indexer of today can send: one is of the venue's former version, with ids of
/// 256 bits, the others are examples of the documentation with fills that have no fee.
fn is_of_the_past(frame: &Frame) -> bool {
    frame.raw.contains("limitFee")
        || frame.raw.contains("\"fills\":[{") && !frame.raw.contains("fee")
}

fn all_tickers(frames: &[Frame]) -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    if matches!(key.as_str(), "ticker" | "market" | "id") {
                        found.extend(value.as_str().map(str::to_owned));
                    }
                    found.push(key.clone());
                    collect(value, found);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
            _ => {}
        }
    }
    let mut names = Vec::new();
    for frame in frames {
        if let Ok(value) = serde_json::from_str(&frame.raw) {
            collect(&value, &mut names);
        }
    }
    let ticker = |name: String| name.split('/').next().unwrap_or_default().to_owned();
    let mut names: Vec<String> = names.into_iter().map(ticker).collect();
    names.retain(|name| name.ends_with("-USD") && name.len() < 16);
    names.sort();
    names.dedup();
    names
}

fn contents(frame: &Frame) -> (String, Vec<Value>) {
    let mut value: Value = serde_json::from_str(&frame.raw).unwrap();
    let id = value["id"].as_str().unwrap_or_default().to_owned();
    match value["contents"].take() {
        Value::Array(contents) => (id, contents),
        one => (id, vec![one]),
    }
}

/// Every payload of the WebSocket, in a connection of its own: what it says is what stands in it.
#[test]
fn payloads_have_the_values_that_stand_in_them() {
    let frames = frames();
    let tickers = all_tickers(&frames);
    let tickers: Vec<&str> = tickers.iter().map(String::as_str).collect();
    let table = table(&tickers);
    let (mut read, mut refused) = (0, 0);
    for frame in frames.iter().filter(|frame| !frame.kind.starts_with("rest.")) {
        let mut decoder = IndexerDecoder::new(Symbols::of(&table));
        let (mut market, mut user) = (Vec::new(), Vec::new());
        let result = decoder.decode(NOW, frame.raw.as_bytes(), &mut market, &mut user);
        let kind = match result {
            Ok(kind) => kind,
            Err(error) => {
                assert!(is_of_the_past(frame), "{} {}: {error}", frame.id, frame.kind);
                assert!(market.is_empty() && user.is_empty());
                refused += 1;
                continue;
            }
        };
        let (form, channel) = frame.kind.split_once('.').unwrap_or((&frame.kind, ""));
        let (id, contents) = contents(frame);
        match (form, channel) {
            ("connected", _) => assert_eq!(kind, IndexerFrame::Connected),
            ("pong", _) => assert_eq!(kind, IndexerFrame::Pong),
            ("error", _) => assert!(matches!(kind, IndexerFrame::Refused { .. })),
            (_, "v4_orderbook") => same_book(&frame.raw, &contents, &market, form),
            (_, "v4_trades") => same_trades(&contents, &market),
            (_, "v4_candles") => same_candles(&id, &contents, &market, &table),
            (_, "v4_markets") => same_markets(&contents, &market, &table),
            (_, "v4_subaccounts") => same_account(&contents, &user, &table),
            (_, "v4_block_height") if form == "channel_data" => {
                assert_eq!(kind, IndexerFrame::Height(12_345_679));
            }
            (_, "v4_block_height") => {}
            // Sub-accounts of a parent are not read.
            (_, "v4_parent_subaccounts") => assert_eq!(kind, IndexerFrame::Unknown),
            (_, _) => panic!("{}", frame.kind),
        }
        if form == "subscribed" && channel != "v4_parent_subaccounts" {
            assert!(matches!(kind, IndexerFrame::Subscribed { .. }), "{kind:?}");
        }
        assert_eq!(decoder.counts().foreign, 0, "{} {}", frame.id, frame.kind);
        read += 1;
    }
    println!("{read} payloads read, {refused} refused");
    assert!(frames.is_empty() || read >= 40 && refused <= 4, "{read} read, {refused} refused");
}

fn same_book(raw: &str, contents: &[Value], market: &[MarketNews], form: &str) {
    let whole: Value = serde_json::from_str(raw).unwrap();
    let level = |level: &Value| match level {
        Value::Array(pair) => (number(&pair[0]), number(&pair[1])),
        pair => (number(&pair["price"]), number(&pair["size"])),
    };
    let side = |name: &str| -> Vec<(f64, f64)> {
        let sides = contents.iter().filter_map(|part| part[name].as_array());
        sides.flatten().map(level).collect()
    };
    let (last, bids, asks) = match market {
        [MarketNews::Snapshot(book)] if form == "subscribed" => {
            assert!(book.is_complete);
            (book.last, &book.bids, &book.asks)
        }
        [MarketNews::Depth(update)] if form != "subscribed" => {
            assert_eq!(update.first, update.last);
            (update.last, &update.bids, &update.asks)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(Some(last), whole["message_id"].as_u64());
    for (name, levels) in [("bids", bids), ("asks", asks)] {
        let read: Vec<(f64, f64)> = levels.iter().map(|it| (it.price, it.quantity)).collect();
        assert_eq!(read, side(name));
    }
}

fn same_trades(contents: &[Value], market: &[MarketNews]) {
    let all = contents.iter().flat_map(|part| part["trades"].as_array().unwrap());
    let mut expected: Vec<(Timestamp, &Value)> =
        all.map(|trade| (time(&trade["createdAt"]), trade)).collect();
    expected.sort_by_key(|(at, _)| *at);
    assert_eq!(market.len(), expected.len());
    for (news, (at, trade)) in market.iter().zip(expected) {
        let MarketNews::Event(sighting) = news else { panic!("{news:?}") };
        let MarketEvent::Print(print) = sighting.event else { panic!("{sighting:?}") };
        assert_eq!(sighting.at, Some(at));
        assert_eq!(
            (print.price, print.quantity),
            (number(&trade["price"]), number(&trade["size"]))
        );
        let is_buy = trade["side"] == "BUY";
        assert_eq!(print.taker, Some(if is_buy { Side::Buy } else { Side::Sell }));
    }
}

fn same_candles(id: &str, contents: &[Value], market: &[MarketNews], table: &Instruments) {
    let ticker = id.split('/').next().unwrap();
    let mut candles: Vec<&Value> = Vec::new();
    for part in contents {
        match part["candles"].as_array() {
            Some(list) => candles.extend(list),
            None => candles.push(part),
        }
    }
    let newest = candles.iter().max_by_key(|candle| time(&candle["startedAt"])).unwrap();
    let Some(MarketNews::Forming(bar)) = market.last() else { panic!("{market:?}") };
    let keys = ["open", "high", "low", "close", "baseTokenVolume"];
    let values = keys.map(|key| number(&newest[key]));
    assert_eq!([bar.open, bar.high, bar.low, bar.close, bar.volume], values);
    assert_eq!(Some(bar.instrument), table.find(ticker).map(|it| it.id));
}

fn same_markets(contents: &[Value], market: &[MarketNews], table: &Instruments) {
    let mut rest = market.iter();
    for part in contents {
        for section in ["markets", "trading", "oraclePrices"] {
            let Some(markets) = part[section].as_object() else { continue };
            for (ticker, figures) in markets {
                let id = table.find(ticker).unwrap().id;
                if figures["oraclePrice"].as_str().is_some_and(|text| text != "0") {
                    let Some(MarketNews::Event(sighting)) = rest.next() else { panic!() };
                    let MarketEvent::Mark(mark) = sighting.event else { panic!("{sighting:?}") };
                    assert_eq!(mark.instrument, id);
                    assert_eq!(mark.price, number(&figures["oraclePrice"]));
                }
                if figures["nextFundingRate"].is_string() {
                    let Some(MarketNews::Funding(funding)) = rest.next() else { panic!() };
                    assert_eq!(funding.instrument, id);
                    assert_eq!(funding.rate, number(&figures["nextFundingRate"]));
                }
                if figures["volume24H"].is_string() {
                    let Some(MarketNews::Ticker(ticker)) = rest.next() else { panic!() };
                    assert_eq!(ticker.value, Some(number(&figures["volume24H"])));
                }
            }
        }
    }
    assert!(rest.next().is_none());
}

fn same_account(contents: &[Value], user: &[UserNews], table: &Instruments) {
    let mut rest = user.iter();
    let list = |part: &Value, name: &str| part[name].as_array().cloned().unwrap_or_default();
    for part in contents {
        for order in list(part, "orders") {
            let report = match order["status"].as_str().unwrap() {
                "OPEN" | "BEST_EFFORT_OPENED" | "UNTRIGGERED" => OrderReport::Accepted,
                "CANCELED" => OrderReport::Cancelled,
                "FILLED" | "BEST_EFFORT_CANCELED" => continue,
                other => panic!("{other}"),
            };
            let Some(UserNews::Order(news)) = rest.next() else { panic!("{user:?}") };
            assert_eq!(news.update.report, report);
            assert_eq!(news.update.side.to_string(), order["side"].as_str().unwrap());
            let filled = order.get("totalFilled").map_or_else(Default::default, exact);
            assert_eq!(news.filled, filled);
            assert_eq!(news.at, order.get("updatedAt").map_or(NOW, time));
        }
        for fill in list(part, "fills") {
            let Some(UserNews::Order(news)) = rest.next() else { panic!("{user:?}") };
            let OrderReport::Fill(report) = news.update.report else { panic!("{news:?}") };
            assert_eq!(report.price.value(), exact(&fill["price"]));
            assert_eq!(report.quantity.value(), exact(&fill["size"]));
            assert_eq!(report.fee.amount, exact(&fill["fee"]));
            assert_eq!(news.at, time(&fill["createdAt"]));
            let market = fill.get("ticker").or(fill.get("market")).and_then(Value::as_str);
            let id = market.and_then(|market| table.find(market)).map(|it| it.id);
            assert_eq!(Some(news.update.instrument), id);
        }
        let mut positions = list(part, "perpetualPositions");
        let mut assets = list(part, "assetPositions");
        for (name, into) in
            [("openPerpetualPositions", &mut positions), ("assetPositions", &mut assets)]
        {
            if let Some(map) = part["subaccount"][name].as_object() {
                into.extend(map.values().cloned());
            }
        }
        for position in positions {
            let Some(UserNews::Position { quantity, .. }) = rest.next() else { panic!("{user:?}") };
            let size = exact(&position["size"]).abs();
            let expected = match (position["status"].as_str(), position["side"].as_str()) {
                (Some("OPEN"), Some("LONG")) => size,
                (Some("OPEN"), Some("SHORT")) => -size,
                _ => Default::default(),
            };
            assert_eq!(*quantity, expected);
        }
        for asset in assets {
            let Some(UserNews::Balance { total, .. }) = rest.next() else { panic!("{user:?}") };
            let size = exact(&asset["size"]).abs();
            assert_eq!(*total, if asset["side"] == "LONG" { size } else { -size });
        }
    }
    assert!(rest.next().is_none(), "{user:?}");
}

#[test]
fn what_is_unsound_is_refused_by_type() {
    let print = r#"{"type":"channel_data","message_id":4,"id":"BTC-USD","channel":"v4_trades",
        "contents":{"trades":[{"id":"a1","size":"1","price":"27839","side":"BUY",
        "createdAt":"2023-04-04T00:29:19.353Z"}]}}"#;
    let refused = |frame: String| {
        let (mut market, mut user) = (Vec::new(), Vec::new());
        let mut decoder = super::decoder(&["BTC-USD"]);
        let error = decoder.decode(NOW, frame.as_bytes(), &mut market, &mut user).unwrap_err();
        assert!(market.is_empty() && user.is_empty());
        error
    };
    let error = refused(print.replace("27839", "27x"));
    assert_eq!(error.to_string(), "trade: field `price` is `27x`, which is no number in range");
    assert!(matches!(refused(print.replace("27839", "-1")), DecodeError::Unsound { .. }));
    let error = refused(print.replace("BUY", "HOLD"));
    assert!(matches!(error, DecodeError::Word { field: "side", .. }));
    let error = refused(print.replace("2023-04-04T00:29:19.353Z", "yesterday"));
    assert!(matches!(error, DecodeError::Number { field: "createdAt", .. }));
    assert!(matches!(refused(print[..70].to_owned()), DecodeError::Malformed { .. }));
    let error = refused(print.replace(r#""id":"BTC-USD","#, ""));
    assert!(matches!(error, DecodeError::Missing { field: "id", .. }));
}
