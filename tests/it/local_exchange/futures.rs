//! USD-margined futures.

use tradewright::local_exchange::Strike;
use tradewright::types::{Decimal, Instrument, Instruments, OrderReport};
use tradewright::venue::binance::UserDecoder;
use tradewright::venue::{Symbols, UserNews};

use super::{World, decimal};

const ORDER: &str = "/fapi/v1/order";

fn price(world: &mut World) -> Decimal {
    let (_, row) = world.get("/fapi/v1/ticker/price?symbol=BTCUSDT");
    decimal(&row["price"])
}

#[test]
fn a_position_is_opened_reduced_and_shown_with_its_profit() {
    let mut world = World::sample();
    world.pass(1_000);
    let buy = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.5&newOrderRespType=RESULT";
    let opened = world.done("POST", ORDER, buy);
    assert_eq!(opened["status"], "FILLED");
    let entry = decimal(&opened["avgPrice"]);
    let risk = world.done("GET", "/fapi/v3/positionRisk", "symbol=BTCUSDT");
    assert_eq!(decimal(&risk[0]["positionAmt"]), Decimal::new(5, 1));
    assert_eq!(decimal(&risk[0]["entryPrice"]), entry.round_dp(8));
    let sell = "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=2&reduceOnly=true";
    world.pass(5_000);
    world.done("POST", ORDER, sell);
    let risk = world.done("GET", "/fapi/v3/positionRisk", "symbol=BTCUSDT");
    assert_eq!(decimal(&risk[0]["positionAmt"]), Decimal::ZERO);
    assert_eq!(world.refusal("POST", ORDER, sell), -2022);
    // The wallet has changed by the profit less the fees of all trades.
    let trades = world.done("GET", "/fapi/v1/userTrades", "symbol=BTCUSDT");
    let change = trades.as_array().unwrap().iter().fold(Decimal::ZERO, |sum, trade| {
        sum + decimal(&trade["realizedPnl"]) - decimal(&trade["commission"])
    });
    let balance = world.done("GET", "/fapi/v2/balance", "");
    let wallet = decimal(&balance[0]["balance"]);
    assert!((wallet - Decimal::from(1_000_000) - change).abs() < Decimal::new(1, 6), "{wallet}");
}

#[test]
fn conditional_orders_have_an_endpoint_of_their_own() {
    let mut world = World::sample();
    world.pass(1_000);
    let last = price(&mut world);
    let above = (last + Decimal::from(3)).round_dp(1);
    let stop =
        format!("symbol=BTCUSDT&side=BUY&type=STOP_MARKET&quantity=0.1&triggerPrice={above}");
    assert_eq!(world.refusal("POST", ORDER, &stop), -4120);
    let query = format!("{stop}&algoType=CONDITIONAL&clientAlgoId=mine");
    let algo = world.done("POST", "/fapi/v1/algoOrder", &query);
    assert_eq!(algo["algoStatus"], "NEW");
    assert_eq!(world.done("GET", "/fapi/v1/openOrders", "").as_array().unwrap().len(), 0);
    assert_eq!(world.done("GET", "/fapi/v1/openAlgoOrders", "").as_array().unwrap().len(), 1);
    world.pass(600_000);
    let algo = world.done("GET", "/fapi/v1/algoOrder", "clientAlgoId=mine");
    assert_eq!(algo["algoStatus"], "FINISHED");
    let number = algo["actualOrderId"].as_str().unwrap();
    let order = world.done("GET", ORDER, &format!("symbol=BTCUSDT&orderId={number}"));
    assert_eq!(order["status"], "FILLED");
    let far = "symbol=BTCUSDT&side=BUY&type=STOP_MARKET&quantity=0.1&triggerPrice=90000\
               &algoType=CONDITIONAL&clientAlgoId=far";
    world.done("POST", "/fapi/v1/algoOrder", far);
    world.done("DELETE", "/fapi/v1/algoOrder", "clientAlgoId=far");
    assert_eq!(world.refusal("DELETE", "/fapi/v1/algoOrder", "clientAlgoId=far"), -2011);
}

#[test]
fn an_order_can_be_given_another_price_and_quantity() {
    let mut world = World::sample();
    world.pass(1_000);
    let query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTX&quantity=0.1&price=50000\
                 &newClientOrderId=mine";
    world.done("POST", ORDER, query);
    let change = "symbol=BTCUSDT&origClientOrderId=mine&side=BUY&quantity=0.3&price=50100";
    let changed = world.done("PUT", ORDER, change);
    assert_eq!(
        [&changed["origQty"], &changed["price"]].map(decimal),
        [Decimal::new(3, 1), Decimal::from(50_100)]
    );
    assert_eq!(world.refusal("PUT", ORDER, change), -5027);
    let crossing = "symbol=BTCUSDT&origClientOrderId=mine&side=BUY&quantity=0.3&price=70000";
    assert_eq!(world.refusal("PUT", ORDER, crossing), -5022);
    let cases = [
        ("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=50000.05", -4014),
        ("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=50000", -4164),
        ("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=900", -2019),
        ("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.1&positionSide=LONG", -4061),
    ];
    for (query, code) in cases {
        assert_eq!(world.refusal("POST", ORDER, query), code, "{query}");
    }
}

#[test]
fn user_data_comes_by_listen_key_until_it_expires() {
    let mut world = World::sample();
    world.pass(1_000);
    let key = world.done("POST", "/fapi/v1/listenKey", "")["listenKey"].clone();
    assert_eq!(world.done("POST", "/fapi/v1/listenKey", "")["listenKey"], key);
    let target = format!("/private/ws?listenKey={}", key.as_str().unwrap());
    let id = world.connect(1, &target);
    let query = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.1&newClientOrderId=tw-1-2-3";
    world.done("POST", ORDER, query);
    let mut table = Instruments::new();
    table.add(Instrument::linear_perpetual("BTCUSDT", "BTC", "USDT")).unwrap();
    let mut decoder = UserDecoder::new(Symbols::of(&table));
    let mut news = Vec::new();
    for message in world.messages(id) {
        decoder.decode(message.to_string().as_bytes(), &mut news).unwrap();
    }
    let is_fill = |item: &UserNews| match item {
        UserNews::Order(order) => matches!(order.update.report, OrderReport::Fill(_)),
        _ => false,
    };
    assert!(news.iter().any(is_fill));
    assert!(news.iter().any(|item| matches!(item, UserNews::Position { .. })));
    assert!(news.iter().any(|item| matches!(item, UserNews::Balance { .. })));
    world.exchange.strike(world.at, Strike::ExpireListenKeys);
    assert_eq!(world.messages(id)[0]["e"], "listenKeyExpired");
    assert_eq!(world.refusal("PUT", "/fapi/v1/listenKey", ""), -1125);
    assert_ne!(world.done("POST", "/fapi/v1/listenKey", "")["listenKey"], key);
}

#[test]
fn a_futures_connection_carries_the_streams_of_its_group_only() {
    let mut world = World::sample();
    let names = "btcusdt@markPrice@1s/btcusdt@bookTicker/btcusdt@depth@100ms/btcusdt@aggTrade";
    let public = world.connect(1, &format!("/public/stream?streams={names}"));
    let market = world.connect(2, &format!("/market/stream?streams={names}"));
    world.pass(3_000);
    let mut seen = [const { Vec::new() }; 2];
    while let Some(outgoing) = world.exchange.poll() {
        let tradewright::local_exchange::Frame::Text(text) = outgoing.frame else { continue };
        let message: serde_json::Value = serde_json::from_str(&text).unwrap();
        let name = message["data"]["e"].as_str().unwrap().to_owned();
        let index = usize::from(outgoing.connection == market);
        if !seen[index].contains(&name) {
            seen[index].push(name);
        }
    }
    seen.iter_mut().for_each(|names| names.sort());
    assert_eq!(seen, [["bookTicker", "depthUpdate"], ["aggTrade", "markPriceUpdate"]]);
    assert_ne!(public, market);
}

#[test]
fn a_countdown_that_is_not_renewed_cancels_the_orders() {
    let mut world = World::sample();
    world.pass(1_000);
    let query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=50000";
    world.done("POST", ORDER, query);
    let path = "/fapi/v1/countdownCancelAll";
    for _ in 0..3 {
        world.done("POST", path, "symbol=BTCUSDT&countdownTime=2000");
        world.pass(1_900);
    }
    let open =
        |world: &mut World| world.done("GET", "/fapi/v1/openOrders", "").as_array().unwrap().len();
    assert_eq!(open(&mut world), 1);
    world.pass(200);
    assert_eq!(open(&mut world), 0);
    world.done("POST", ORDER, query);
    world.done("POST", path, "symbol=BTCUSDT&countdownTime=2000");
    world.done("POST", path, "symbol=BTCUSDT&countdownTime=0");
    world.pass(5_000);
    assert_eq!(open(&mut world), 1);
}
