//! Conditional orders of futures keep their id when they have become another order.

use tradewright::types::{
    Instrument, Instruments, Label, OrderId, OrderReport, RejectReason, Side, SlotId,
};
use tradewright::venue::binance::{ReplyDecoder, UserDecoder};
use tradewright::venue::{Symbols, UserNews};

use super::{frames, table};

const OWN: OrderId = OrderId::new(7, SlotId(3), 41);

fn symbols() -> Symbols {
    let mut table = Instruments::new();
    table.add(Instrument::linear_perpetual("DOGEUSDT", "DOGE", "USDT")).unwrap();
    Symbols::of(&table)
}

fn update(status: &str, became: &str, rest: &str) -> String {
    format!(
        r#"{{"e":"ALGO_UPDATE","T":1765431097030,"E":1765431097037,"o":{{"caid":"tw-7-3-41",
        "aid":1000000033225453,"at":"CONDITIONAL","o":"STOP_MARKET","s":"DOGEUSDT","S":"BUY",
        "ps":"BOTH","f":"GTC","q":"38","X":"{status}","ai":"{became}","tp":"0.13855","p":"0"{rest}
        }}}}"#
    )
}

/// An event of the order of the book that it has become, with an id of the venue's.
fn event(execution: &str, status: &str, last: &str, sum: &str) -> String {
    format!(
        r#"{{"e":"ORDER_TRADE_UPDATE","E":1765431097040,"T":1765431097039,"o":{{"s":"DOGEUSDT",
        "c":"venue-made","S":"BUY","o":"MARKET","f":"GTC","q":"38","p":"0","ap":"0","sp":"0",
        "x":"{execution}","X":"{status}","i":88937381063,"l":"{last}","z":"{sum}","L":"0.1386",
        "n":"0","N":"USDT","T":1765431097039,"t":77,"m":false,"R":false,"ps":"BOTH"}}}}"#
    )
}

fn reports(decoder: &mut UserDecoder, frame: &str) -> Vec<(OrderId, OrderReport)> {
    let mut news = Vec::new();
    decoder.decode(frame.as_bytes(), &mut news).unwrap_or_else(|error| panic!("{error}: {frame}"));
    let told = news.into_iter().map(|item| match item {
        UserNews::Order(order) => (order.update.order, order.update.report),
        other => panic!("{other:?}"),
    });
    told.collect()
}

#[test]
fn recorded_updates_are_read() {
    let all = frames("binance-usdm.jsonl");
    let mut decoder = UserDecoder::new(Symbols::of(&table(&all)));
    let mut told = Vec::new();
    for frame in all.iter().filter(|frame| frame.kind.starts_with("ALGO_UPDATE")) {
        let reports = reports(&mut decoder, &frame.raw);
        let state = frame.kind.strip_prefix("ALGO_UPDATE.").unwrap().to_owned();
        told.push((state, reports.first().map(|(_, report)| *report)));
    }
    told.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [
        ("CANCELED", Some(OrderReport::Cancelled)),
        ("FINISHED", None),
        ("NEW", Some(OrderReport::Accepted)),
        ("TRIGGERED", Some(OrderReport::Triggered)),
        ("TRIGGERING", None),
    ];
    let expected = expected.map(|(state, report)| (state.to_owned(), report));
    assert!(all.is_empty() || told == expected, "{told:?}");
}

#[test]
fn fills_of_a_triggered_order_are_told_under_its_own_id() {
    let mut decoder = UserDecoder::new(symbols());
    let taken = reports(&mut decoder, &update("NEW", "", ""));
    assert_eq!(taken, [(OWN, OrderReport::Accepted)]);
    assert_eq!(reports(&mut decoder, &update("TRIGGERING", "", "")), []);
    let triggered = reports(&mut decoder, &update("TRIGGERED", "88937381063", ""));
    assert_eq!(triggered, [(OWN, OrderReport::Triggered)]);
    // The order of the book is no second order.
    assert_eq!(reports(&mut decoder, &event("NEW", "NEW", "0", "0")), []);
    let filled = reports(&mut decoder, &event("TRADE", "FILLED", "38", "38"));
    let [(order, OrderReport::Fill(fill))] = filled[..] else { panic!("{filled:?}") };
    assert_eq!((order, fill.quantity.value()), (OWN, 38.into()));
    assert_eq!(reports(&mut decoder, &update("FINISHED", "88937381063", "")), []);

    // Without its history the order is the house's.
    let filled = reports(&mut UserDecoder::new(symbols()), &event("TRADE", "FILLED", "38", "38"));
    assert_eq!(filled[0].0, OrderId::new(0, SlotId::HOUSE, 88_937_381_063));
}

#[test]
fn a_triggered_order_that_finds_no_liquidity_is_over() {
    let mut decoder = UserDecoder::new(symbols());
    reports(&mut decoder, &update("TRIGGERED", "88937381063", ""));
    let ended = reports(&mut decoder, &event("EXPIRED", "EXPIRED", "0", "0"));
    assert_eq!(ended, [(OWN, OrderReport::Cancelled)]);
}

#[test]
fn refusals_and_ends_are_told() {
    let mut decoder = UserDecoder::new(symbols());
    let refused = reports(&mut decoder, &update("REJECTED", "", r#","rm":"Reduce Only reject""#));
    let reason = RejectReason::Other(Label::new("Reduce Only reject"));
    assert_eq!(refused, [(OWN, OrderReport::Rejected(reason))]);
    let expired = reports(&mut decoder, &update("EXPIRED", "", ""));
    assert_eq!(expired, [(OWN, OrderReport::Cancelled)]);
    let mut news = Vec::new();
    let unknown = update("BEWITCHED", "", "");
    assert!(decoder.decode(unknown.as_bytes(), &mut news).is_err() && news.is_empty());
    let foreign = update("NEW", "", "").replace("DOGEUSDT", "XYZUSDT");
    assert_eq!(reports(&mut decoder, &foreign), []);
    assert_eq!(decoder.counts().foreign, 1);
}

#[test]
fn a_question_tells_what_an_order_has_become() {
    let mut decoder = ReplyDecoder::new(symbols());
    let body = |status: &str, became: &str| {
        format!(
            r#"{{"algoId":2146760,"clientAlgoId":"tw-7-3-41","algoType":"CONDITIONAL",
            "orderType":"STOP_MARKET","symbol":"DOGEUSDT","side":"SELL","positionSide":"BOTH",
            "timeInForce":"GTC","quantity":"38","algoStatus":"{status}","actualOrderId":"{became}",
            "triggerPrice":"0.13855","price":"0","icebergQuantity":null,
            "createTime":1750485492076,"updateTime":1750514545091}}"#
        )
    };
    let waiting = decoder.conditional(body("NEW", "").as_bytes()).unwrap().unwrap();
    assert_eq!((waiting.state.order, waiting.became), (OWN, None));
    assert_eq!((waiting.state.side, waiting.state.price), (Side::Sell, None));
    assert_eq!(waiting.state.trigger.unwrap().to_string(), "0.13855");
    assert_eq!(waiting.state.at.millis(), 1_750_514_545_091);
    for status in ["TRIGGERED", "FINISHED"] {
        let state = decoder.conditional(body(status, "88937381063").as_bytes()).unwrap().unwrap();
        assert_eq!(state.became, Some(88_937_381_063));
        assert!(!state.state.status.is_terminal());
    }
    let over = decoder.conditional(body("CANCELED", "").as_bytes()).unwrap().unwrap();
    assert!(over.state.status.is_terminal());
}
