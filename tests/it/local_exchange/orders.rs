//! Orders of spot: placed, filled, refused, amended, cancelled, asked about.

use serde_json::{Value, json};
use tradewright::local_exchange::HttpRequest;
use tradewright::types::Decimal;

use super::{START, World, decimal, scripted};

const ORDER: &str = "/api/v3/order";

fn balance(world: &mut World, asset: &str) -> [Decimal; 2] {
    let account = world.done("GET", "/api/v3/account", "");
    let rows = account["balances"].as_array().unwrap();
    let row = rows.iter().find(|row| row["asset"] == asset).unwrap();
    [decimal(&row["free"]), decimal(&row["locked"])]
}

#[test]
fn a_market_order_is_filled_at_once_and_paid_to_the_last_digit() {
    let mut world = scripted(&[60_000; 10]);
    world.pass(1_000);
    let answer = world.done(
        "POST",
        ORDER,
        "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&newClientOrderId=a1",
    );
    assert_eq!(answer["status"], "FILLED");
    assert_eq!(answer["clientOrderId"], "a1");
    let fills = answer["fills"].as_array().unwrap();
    let mut cost = Decimal::ZERO;
    let mut fee = Decimal::ZERO;
    for fill in fills {
        cost += decimal(&fill["price"]) * decimal(&fill["qty"]);
        fee += decimal(&fill["commission"]);
        assert_eq!(fill["commissionAsset"], "USDT");
    }
    assert_eq!(decimal(&answer["cummulativeQuoteQty"]), cost);
    let [free, locked] = balance(&mut world, "USDT");
    assert_eq!(free, Decimal::from(1_000_000) - cost - fee);
    assert_eq!(locked, Decimal::ZERO);
    assert_eq!(balance(&mut world, "BTC")[0], Decimal::new(1001, 2));
    // The trade is public under the same id, and the account's.
    let trades = world.done("GET", "/api/v3/myTrades", "symbol=BTCUSDT");
    let (_, public) = world.get("/api/v3/trades?symbol=BTCUSDT&limit=1000");
    let id = &trades[0]["id"];
    assert!(public.as_array().unwrap().iter().any(|trade| trade["id"] == *id));
}

#[test]
fn a_limit_order_rests_with_its_money_locked_until_the_market_comes() {
    let mut world = scripted(&[60_000, 60_000, 59_000, 59_000]);
    world.pass(1_000);
    let query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=59500";
    let answer = world.done("POST", ORDER, query);
    assert_eq!(answer["status"], "NEW");
    assert_eq!(balance(&mut world, "USDT"), [Decimal::from(994_050), Decimal::from(5_950)]);
    let open = world.done("GET", "/api/v3/openOrders", "");
    assert_eq!(open.as_array().unwrap().len(), 1);
    world.pass(130_000);
    let id = answer["orderId"].to_string();
    let order = world.done("GET", ORDER, &format!("symbol=BTCUSDT&orderId={id}"));
    assert_eq!(order["status"], "FILLED");
    // It was first: it gets its own price, and pays as a maker.
    assert_eq!(decimal(&order["cummulativeQuoteQty"]), Decimal::from(5_950));
    let trades = world.done("GET", "/api/v3/myTrades", "symbol=BTCUSDT");
    assert_eq!(trades[0]["isMaker"], true);
    assert_eq!(balance(&mut world, "USDT")[1], Decimal::ZERO);
}

#[test]
fn refusals_carry_binances_codes() {
    let mut world = scripted(&[60_000; 10]);
    world.pass(1_000);
    let limit = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC";
    let cases = [
        ("symbol=NOSUCH&side=BUY&type=MARKET&quantity=1".to_owned(), -1121),
        ("symbol=BTCUSDT&side=BUY&type=WISH&quantity=1".to_owned(), -1116),
        ("symbol=BTCUSDT&side=UP&type=MARKET&quantity=1".to_owned(), -1117),
        ("symbol=BTCUSDT&side=BUY&type=MARKET".to_owned(), -1102),
        (format!("{limit}&quantity=1&price=60000.001"), -1013),
        (format!("{limit}&quantity=0.000001&price=60000"), -1013),
        (format!("{limit}&quantity=0.00001&price=60000"), -1013),
        (format!("{limit}&quantity=0.1&price=600000"), -1013),
        (format!("{limit}&quantity=0.123456789&price=60000"), -1111),
        (format!("{limit}&quantity=abc&price=60000"), -1100),
        (format!("{limit}&quantity=-1&price=60000"), -1100),
        (format!("{limit}&quantity=100&price=59000"), -2010),
        ("symbol=BTCUSDT&side=SELL&type=MARKET&quantity=10.5".to_owned(), -2010),
        ("symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&quantity=0.1&price=61000".to_owned(), -2010),
        ("symbol=BTCUSDT&side=BUY&type=STOP_LOSS&quantity=0.1&stopPrice=59000".to_owned(), -2010),
        ("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&timeInForce=GTC".to_owned(), -1106),
        (format!("{limit}&quantity=0.1&price=59000&newClientOrderId=%20x"), -1100),
    ];
    for (query, code) in cases {
        assert_eq!(world.refusal("POST", ORDER, &query), code, "{query}");
    }
    assert_eq!(world.refusal("DELETE", ORDER, "symbol=BTCUSDT&orderId=99"), -2011);
    assert_eq!(world.refusal("GET", ORDER, "symbol=BTCUSDT&origClientOrderId=x"), -2013);
    assert_eq!(world.refusal("GET", ORDER, "symbol=BTCUSDT"), -1102);
    assert_eq!(world.refusal("DELETE", "/api/v3/openOrders", "symbol=BTCUSDT"), -2011);
    let all = world.done("GET", "/api/v3/allOrders", "symbol=BTCUSDT");
    assert_eq!(all, json!([]), "what was refused leaves nothing behind");
    assert_eq!(balance(&mut world, "USDT")[0], Decimal::from(1_000_000));
}

#[test]
fn a_client_id_is_free_again_once_its_order_is_over() {
    let mut world = scripted(&[60_000; 10]);
    world.pass(1_000);
    let query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=59500\
                 &newClientOrderId=mine";
    world.done("POST", ORDER, query);
    assert_eq!(world.refusal("POST", ORDER, query), -2010);
    let gone = world.done("DELETE", ORDER, "symbol=BTCUSDT&origClientOrderId=mine");
    assert_eq!(
        (gone["status"].as_str(), gone["origClientOrderId"].as_str()),
        (Some("CANCELED"), Some("mine"))
    );
    assert_ne!(gone["clientOrderId"], "mine");
    assert_eq!(world.refusal("DELETE", ORDER, "symbol=BTCUSDT&origClientOrderId=mine"), -2011);
    world.done("POST", ORDER, query);
}

#[test]
fn signature_key_and_time_are_checked() {
    let mut world = World::sample();
    let now = START * 1_000;
    let ask = |world: &mut World, query: String, key: Option<&str>| -> i64 {
        let target = format!("/api/v3/account?{query}&signature={}", world.sign(&query));
        let key = key.map(str::to_owned);
        let request = HttpRequest { key, ..HttpRequest::get(&target) };
        let reply = world.exchange.http(world.at, &request);
        let body: Value = serde_json::from_str(&reply.body).unwrap();
        body["code"].as_i64().unwrap_or(0)
    };
    let key = Some("local-key");
    let at = |offset: i64| format!("timestamp={}", now + offset);
    assert_eq!(ask(&mut world, at(0), key), 0);
    assert_eq!(ask(&mut world, at(0), None), -2014);
    assert_eq!(ask(&mut world, at(0), Some("other")), -2015);
    assert_eq!(ask(&mut world, at(999), key), 0);
    assert_eq!(ask(&mut world, at(1_000), key), -1021);
    assert_eq!(ask(&mut world, at(-5_000), key), 0);
    assert_eq!(ask(&mut world, at(-5_001), key), -1021);
    assert_eq!(ask(&mut world, format!("{}&recvWindow=6000", at(-5_001)), key), 0);
    assert_eq!(ask(&mut world, format!("{}&recvWindow=60001", at(0)), key), -1131);
    assert_eq!(ask(&mut world, "recvWindow=5".to_owned(), key), -1102);
    // One changed letter behind the signature's back.
    let query = at(0);
    let target = format!("/api/v3/account?{query}&a=b&signature={}", world.sign(&query));
    let request = HttpRequest { key: key.map(str::to_owned), ..HttpRequest::get(&target) };
    let reply = world.exchange.http(world.at, &request);
    assert_eq!((reply.status, reply.body.contains("-1022")), (400, true));
}

#[test]
fn the_signature_is_over_the_text_as_it_was_sent() {
    let mut world = scripted(&[60_000; 10]);
    world.pass(1_000);
    // In the body, percent-encoded, in any order, with numbers as they were written.
    let body = format!(
        "price=59500.00&side=BUY&symbol=%42TCUSDT&type=LIMIT&quantity=0.1000&timeInForce=GTC\
         &timestamp={}",
        world.at.millis()
    );
    let signed = format!("{body}&signature={}", world.sign(&body));
    let request = HttpRequest {
        method: "POST".to_owned(),
        target: ORDER.to_owned(),
        key: Some("local-key".to_owned()),
        body: signed,
    };
    let reply = world.exchange.http(world.at, &request);
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[test]
fn an_amendment_keeps_the_order_and_takes_quantity_away() {
    let mut world = scripted(&[60_000; 10]);
    world.pass(1_000);
    let query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=59500\
                 &newClientOrderId=mine";
    let placed = world.done("POST", ORDER, query);
    let path = "/api/v3/order/amend/keepPriority";
    let more = "symbol=BTCUSDT&origClientOrderId=mine&newQty=0.2";
    assert_eq!(world.refusal("PUT", path, more), -2038);
    let less = "symbol=BTCUSDT&origClientOrderId=mine&newQty=0.04&newClientOrderId=mine2";
    let answer = world.done("PUT", path, less);
    assert_eq!(answer["amendedOrder"]["orderId"], placed["orderId"]);
    assert_eq!(decimal(&answer["amendedOrder"]["qty"]), Decimal::new(4, 2));
    assert_eq!(balance(&mut world, "USDT")[1], Decimal::from(2_380));
    let order = world.done("GET", ORDER, "symbol=BTCUSDT&origClientOrderId=mine2");
    assert_eq!(order["orderId"], placed["orderId"]);
}

#[test]
fn a_replacement_says_which_half_has_failed() {
    let mut world = scripted(&[60_000; 10]);
    world.pass(1_000);
    let limit = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1";
    world.done("POST", ORDER, &format!("{limit}&price=59500&newClientOrderId=mine"));
    let path = "/api/v3/order/cancelReplace";
    let replace = |mode: &str, id: &str, price: &str| {
        format!("{limit}&price={price}&cancelReplaceMode={mode}&cancelOrigClientOrderId={id}")
    };
    let done = world.done("POST", path, &replace("STOP_ON_FAILURE", "mine", "59400"));
    assert_eq!(done["newOrderResponse"]["status"], "NEW");
    let (status, body) = world.signed("POST", path, &replace("STOP_ON_FAILURE", "mine", "59300"));
    assert_eq!((status, body["code"].as_i64()), (400, Some(-2022)));
    assert_eq!(body["data"]["newOrderResult"], "NOT_ATTEMPTED");
    let (status, body) = world.signed("POST", path, &replace("ALLOW_FAILURE", "mine", "59300"));
    assert_eq!((status, body["code"].as_i64()), (409, Some(-2021)));
    assert_eq!(body["data"]["cancelResponse"]["code"], -2011);
    assert_eq!(body["data"]["newOrderResponse"]["status"], "NEW");
    let open = world.done("GET", "/api/v3/openOrders", "symbol=BTCUSDT");
    assert_eq!(open.as_array().unwrap().len(), 2);
    assert_eq!(
        world.done("DELETE", "/api/v3/openOrders", "symbol=BTCUSDT").as_array().unwrap().len(),
        2
    );
}

#[test]
fn immediate_orders_take_what_there_is_and_expire() {
    let mut world = scripted(&[60_000; 10]);
    world.pass(1_000);
    let (_, depth) = world.get("/api/v3/depth?symbol=BTCUSDT&limit=1");
    let [price, quantity] = [0, 1].map(|index| decimal(&depth["asks"][0][index]));
    let more = quantity + Decimal::ONE;
    let query = format!("symbol=BTCUSDT&side=BUY&type=LIMIT&quantity={more}&price={price}");
    let fok = world.done("POST", ORDER, &format!("{query}&timeInForce=FOK"));
    assert_eq!(
        (fok["status"].as_str(), decimal(&fok["executedQty"])),
        (Some("EXPIRED"), Decimal::ZERO)
    );
    let ioc = world.done("POST", ORDER, &format!("{query}&timeInForce=IOC"));
    assert_eq!((ioc["status"].as_str(), decimal(&ioc["executedQty"])), (Some("EXPIRED"), quantity));
    // What was taken is missing until the market trades again.
    let (_, depth) = world.get("/api/v3/depth?symbol=BTCUSDT&limit=1");
    assert!(decimal(&depth["asks"][0][0]) > price);
    world.pass(60_000);
    let (_, depth) = world.get("/api/v3/depth?symbol=BTCUSDT&limit=1");
    assert_eq!(decimal(&depth["asks"][0][0]), price);
}

#[test]
fn quantities_can_be_said_in_the_quote_currency() {
    let mut world = scripted(&[60_000; 10]);
    world.pass(1_000);
    let query = "symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=1000";
    let answer = world.done("POST", ORDER, query);
    let spent = decimal(&answer["cummulativeQuoteQty"]);
    assert!(spent <= Decimal::from(1_000) && spent > Decimal::from(999), "{spent}");
    assert_eq!(answer["status"], "FILLED");
}

#[test]
fn a_stop_waits_for_its_trigger_and_then_sells() {
    let mut world = scripted(&[60_000, 60_000, 58_900, 58_800]);
    world.pass(1_000);
    let query = "symbol=BTCUSDT&side=SELL&type=STOP_LOSS&quantity=0.1&stopPrice=59000\
                 &newOrderRespType=RESULT";
    let placed = world.done("POST", ORDER, query);
    assert_eq!(
        (placed["status"].as_str(), placed["workingTime"].as_i64()),
        (Some("NEW"), Some(-1))
    );
    assert_eq!(balance(&mut world, "BTC")[1], Decimal::new(1, 1));
    world.pass(130_000);
    let id = placed["orderId"].to_string();
    let order = world.done("GET", ORDER, &format!("symbol=BTCUSDT&orderId={id}"));
    assert_eq!(order["status"], "FILLED");
}

#[test]
fn of_a_list_one_order_cancels_the_other() {
    let mut world = scripted(&[60_000, 60_000, 61_100, 61_200]);
    world.pass(1_000);
    let query = "symbol=BTCUSDT&side=SELL&quantity=10&aboveType=LIMIT_MAKER&abovePrice=61000\
                 &belowType=STOP_LOSS&belowStopPrice=59000";
    let list = world.done("POST", "/api/v3/orderList/oco", query);
    let [above, below] = [0, 1].map(|index| list["orders"][index]["orderId"].to_string());
    // Both stand on the same ten coins.
    assert_eq!(balance(&mut world, "BTC"), [Decimal::ZERO, Decimal::TEN]);
    world.pass(130_000);
    let status = |world: &mut World, id: &str| {
        let order = world.done("GET", ORDER, &format!("symbol=BTCUSDT&orderId={id}"));
        order["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(status(&mut world, &above), "FILLED");
    assert_eq!(status(&mut world, &below), "CANCELED");
}
