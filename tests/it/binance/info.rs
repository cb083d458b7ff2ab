//! The venue's rules become instruments and budgets, and what is not known costs nothing else.

use std::time::Duration;

use serde_json::Value;
use tradewright::types::{Decimal, InstrumentKind, Instruments, Timestamp};
use tradewright::venue::binance::{
    ExchangeInfo, NotionalRule, PercentRule, SymbolStatus, TrailingRule,
};
use tradewright::venue::{Cost, Limited, Urgency};

use super::frames;

fn decimal(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

/// Every rule of a recorded answer stands in the instrument, digit by digit.
#[test]
fn recorded_rules_become_instruments() {
    for (file, expected) in [("binance-spot.jsonl", 6), ("binance-usdm.jsonl", 3)] {
        let all = frames(file);
        let mut made = 0;
        for frame in all.iter().filter(|frame| frame.kind == "exchangeInfo") {
            let info = ExchangeInfo::decode(frame.raw.as_bytes()).unwrap();
            let value: Value = serde_json::from_str(&frame.raw).unwrap();
            assert_eq!(info.unreadable, 0);
            assert_eq!(info.at.map(Timestamp::millis), value["serverTime"].as_i64());
            for (rules, wire) in info.symbols.iter().zip(value["symbols"].as_array().unwrap()) {
                assert_eq!(rules.unknown_filters, 0, "{}", rules.symbol);
                assert_eq!(rules.status, SymbolStatus::Trading);
                let filter = |kind: &str, field: &str| {
                    let mut filters = wire["filters"].as_array().unwrap().iter();
                    let found = filters.find(|filter| filter["filterType"] == kind)?;
                    found[field].as_str().map(decimal)
                };
                let Some(builder) = rules.instrument() else {
                    assert_eq!(filter("LOT_SIZE", "stepSize"), None, "{}", rules.symbol);
                    continue;
                };
                let mut table = Instruments::new();
                let id = table.add(builder).unwrap();
                let instrument = &table[id];
                assert_eq!(Some(instrument.tick), filter("PRICE_FILTER", "tickSize"));
                assert_eq!(Some(instrument.step), filter("LOT_SIZE", "stepSize"));
                assert_eq!(Some(instrument.min_quantity), filter("LOT_SIZE", "minQty"));
                let notional = filter("MIN_NOTIONAL", "minNotional");
                let notional = notional.or_else(|| filter("MIN_NOTIONAL", "notional"));
                assert_eq!(Some(instrument.min_notional), notional);
                assert_eq!(
                    rules.market_lot.map(|rule| rule.most),
                    filter("MARKET_LOT_SIZE", "maxQty")
                );
                assert_eq!(
                    rules.percent.map(|rule| rule.bid_up),
                    filter("PERCENT_PRICE", "multiplierUp")
                );
                assert_eq!(rules.most_orders, Some(200));
                let is_perpetual = instrument.kind == InstrumentKind::LinearPerpetual;
                assert_eq!(is_perpetual, file.contains("usdm"));
                assert!(rules.takes("LIMIT") && !rules.takes("WISH"));
                made += 1;
            }
        }
        assert!(all.is_empty() || made == expected, "{file}: {made}");
    }
}

fn with_filters(filters: &str) -> String {
    format!(
        r#"{{"serverTime":1,"rateLimits":[],"symbols":[{{"symbol":"ETHBTC","status":"TRADING",
        "baseAsset":"ETH","quoteAsset":"BTC","filters":[{filters}]}}]}}"#
    )
}

#[test]
fn filters_of_2026_are_read_and_later_ones_counted() {
    let info = ExchangeInfo::decode(
        with_filters(
            r#"{"filterType":"NOTIONAL","minNotional":"10.0","applyMinToMarket":false,
            "maxNotional":"10000.0","applyMaxToMarket":true,"avgPriceMins":5},
            {"filterType":"PERCENT_PRICE_BY_SIDE","bidMultiplierUp":"1.2","bidMultiplierDown":"0.2",
            "askMultiplierUp":"5","askMultiplierDown":"0.8","avgPriceMins":1},
            {"filterType":"TRAILING_DELTA","minTrailingAboveDelta":10,"maxTrailingAboveDelta":2000,
            "minTrailingBelowDelta":11,"maxTrailingBelowDelta":2001},
            {"filterType":"MAX_POSITION","maxPosition":"10.5"},
            {"filterType":"MAX_NUM_ORDER_AMENDS","maxNumOrderAmends":10},
            {"filterType":"MAX_NUM_ORDER_LISTS","maxNumOrderLists":20},
            {"filterType":"MAX_NUM_ICEBERG_ORDERS","maxNumIcebergOrders":5},
            {"filterType":"MAX_NUM_ALGO_ORDERS","maxNumAlgoOrders":6},
            {"filterType":"ICEBERG_PARTS","limit":7},
            {"filterType":"PHASE_OF_THE_MOON","full":true},
            {"filterType":"PRICE_FILTER","minPrice":{"of":"another kind"}},"another kind""#,
        )
        .as_bytes(),
    )
    .unwrap();
    let rules = &info.symbols[0];
    let notional = NotionalRule {
        least: decimal("10"),
        most: Some(decimal("10000")),
        least_for_market: false,
        most_for_market: true,
    };
    assert_eq!(rules.notional, Some(notional));
    let percent = PercentRule {
        bid_up: decimal("1.2"),
        bid_down: decimal("0.2"),
        ask_up: decimal("5"),
        ask_down: decimal("0.8"),
    };
    assert_eq!(rules.percent, Some(percent));
    assert_eq!(rules.trailing, Some(TrailingRule { above: [10, 2_000], below: [11, 2_001] }));
    assert_eq!(rules.most_position, Some(decimal("10.5")));
    let counts = [
        rules.most_changes,
        rules.most_lists,
        rules.most_iceberg_orders,
        rules.most_conditional,
        rules.most_iceberg_parts,
    ];
    assert_eq!(counts, [Some(10), Some(20), Some(5), Some(6), Some(7)]);
    assert_eq!((rules.unknown_filters, rules.price), (3, None));
    assert!(rules.instrument().is_none(), "without a tick there is no grid");
}

#[test]
fn a_symbol_that_cannot_be_expressed_is_passed_over() {
    let body = |change: &str| {
        let rest = r#"{"filterType":"PRICE_FILTER","minPrice":"0","maxPrice":"0","tickSize":"0.1"},
            {"filterType":"LOT_SIZE","minQty":"0.01","maxQty":"9","stepSize":"0.01"}"#;
        with_filters(rest)
            .replace(r#""quoteAsset":"BTC""#, &format!(r#""quoteAsset":"BTC"{change}"#))
    };
    let kinds = |change: &str| {
        let listings = ExchangeInfo::decode(body(change).as_bytes()).unwrap().listings(20);
        let mut table = Instruments::new();
        for listing in &listings.listings {
            table.add(listing.instrument.clone()).unwrap();
        }
        (table.iter().map(|instrument| instrument.kind).next(), listings.passed_over)
    };
    assert_eq!(kinds(""), (Some(InstrumentKind::Spot), 0));
    let perpetual = r#","contractType":"TRADIFI_PERPETUAL","marginAsset":"BTC""#;
    assert_eq!(kinds(perpetual), (Some(InstrumentKind::LinearPerpetual), 0));
    let expiry = Timestamp::from_millis(1_782_460_800_000).unwrap();
    let dated =
        r#","contractType":"CURRENT_QUARTER","marginAsset":"BTC","deliveryDate":1782460800000"#;
    assert_eq!(kinds(dated), (Some(InstrumentKind::Future { expiry }), 0));
    assert_eq!(kinds(r#","contractType":"PERPETUAL","marginAsset":"USDT""#), (None, 1));
    assert_eq!(kinds(r#","contractType":"NEXT_QUARTER""#), (None, 1));

    let cancel_only = body("").replace("TRADING", "CANCEL_ONLY");
    let info = ExchangeInfo::decode(cancel_only.as_bytes()).unwrap();
    assert_eq!(info.symbols[0].status, SymbolStatus::CancelOnly);
    assert!(!info.listings(20).listings[0].is_trading);
    let halted = body("").replace("TRADING", "BEWITCHED");
    let info = ExchangeInfo::decode(halted.as_bytes()).unwrap();
    assert!(
        matches!(info.symbols[0].status, SymbolStatus::Closed(word) if word.as_str() == "BEWITCHED")
    );
    let unreadable = body("").replace(r#""symbol":"ETHBTC""#, r#""symbol":5"#);
    let info = ExchangeInfo::decode(unreadable.as_bytes()).unwrap();
    assert_eq!((info.symbols.len(), info.unreadable), (0, 1));
}

#[test]
fn limits_become_a_budget() {
    let body = br#"{"serverTime":1,"symbols":[],"rateLimits":[
        {"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":100},
        {"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":50},
        {"rateLimitType":"ORDERS","interval":"DAY","intervalNum":1,"limit":160000},
        {"rateLimitType":"RAW_REQUESTS","interval":"MINUTE","intervalNum":5,"limit":300000},
        {"rateLimitType":"ORDERS","interval":"LUNATION","intervalNum":1,"limit":1}]}"#;
    let info = ExchangeInfo::decode(body).unwrap();
    let day = Duration::from_secs(86_400);
    assert_eq!(info.limits[2], (Limited::Orders, day, 160_000));
    assert_eq!((info.limits.len(), info.other_limits), (3, 2));
    let mut budget = info.budget(0);
    let at = Timestamp::from_secs(1_700_000_000).unwrap();
    let cost = |weight| Cost { weight, orders: 0 };
    assert_eq!(budget.take(at, Urgency::Query, cost(100)), Ok(()));
    assert!(budget.take(at, Urgency::Query, cost(1)).is_err());
}
