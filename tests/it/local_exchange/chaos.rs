//! What goes wrong on request.

use core::time::Duration;
use tradewright::local_exchange::{Chaos, Frame, HttpRequest, Refusal, Strike};

use super::{START, World};

const LIMIT: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=50000";

#[test]
fn an_unknown_outcome_is_an_order_that_works() {
    let mut world = World::sample();
    world.exchange.set_chaos(Chaos { unknown_outcome: 1.0, ..Chaos::default() });
    let (status, body) = world.signed("POST", "/api/v3/order", LIMIT);
    assert_eq!((status, body["code"].as_i64()), (503, Some(-1007)));
    assert_eq!(world.done("GET", "/api/v3/openOrders", "").as_array().unwrap().len(), 1);
    world.exchange.set_chaos(Chaos { unknown_and_lost: 1.0, ..Chaos::default() });
    let (status, body) = world.signed("POST", "/api/v3/order", LIMIT);
    assert_eq!((status, body["code"].as_i64()), (503, Some(-1007)));
    assert_eq!(world.done("GET", "/api/v3/openOrders", "").as_array().unwrap().len(), 1);
}

#[test]
fn a_lost_answer_is_an_order_that_works_and_a_lost_request_is_none() {
    let mut world = World::sample();
    world.exchange.set_chaos(Chaos { lost_answer: 1.0, ..Chaos::default() });
    assert!(world.send("POST", "/api/v3/order", LIMIT).is_lost);
    world.exchange.set_chaos(Chaos { lost_request: 1.0, ..Chaos::default() });
    assert!(world.send("POST", "/api/v3/order", LIMIT).is_lost);
    world.exchange.set_chaos(Chaos::default());
    assert_eq!(world.done("GET", "/api/v3/openOrders", "").as_array().unwrap().len(), 1);
}

#[test]
fn a_ban_says_until_when() {
    let mut world = World::sample();
    let until = world.at.after(Duration::from_secs(90));
    let refusal = Some(Refusal { status: 418, until });
    world.exchange.set_chaos(Chaos { refusal, ..Chaos::default() });
    let reply = world.exchange.http(world.at, &HttpRequest::get("/api/v3/time"));
    assert_eq!(reply.status, 418);
    assert!(reply.headers.contains(&("retry-after".to_owned(), "91".to_owned())));
    assert!(reply.body.contains(&format!("banned until {}", until.millis())));
    world.pass(90_000);
    assert_eq!(world.get("/api/v3/time").0, 200);
}

#[test]
fn too_much_weight_is_429_and_then_a_ban() {
    let mut world = World::sample();
    let mut statuses = Vec::new();
    for _ in 0..330 {
        statuses.push(world.get("/api/v3/exchangeInfo").0);
    }
    let count = |status: u16| statuses.iter().filter(|known| **known == status).count();
    // 300 requests of weight 20; ten are forgiven.
    assert_eq!([200, 429, 418].map(count), [300, 10, 20]);
    world.pass(121_000);
    assert_eq!(world.get("/api/v3/time").0, 200);
}

#[test]
fn too_many_orders_are_refused_until_the_window_ends() {
    let mut world = World::sample();
    for _ in 0..50 {
        world.done("POST", "/api/v3/order", LIMIT);
    }
    let reply = world.send("POST", "/api/v3/order", LIMIT);
    assert_eq!((reply.status, reply.body.contains("-1015")), (429, true));
    assert!(reply.headers.iter().any(|(name, _)| name == "retry-after"));
    world.pass(10_000);
    world.done("POST", "/api/v3/order", LIMIT);
}

#[test]
fn gaps_duplicates_and_swaps_show_in_the_numbers_of_trades() {
    let run = |chaos: Chaos| {
        let mut world = World::sample();
        let id = world.connect(1, "/ws/btcusdt@trade");
        world.exchange.set_chaos(chaos);
        world.pass(60_000);
        let numbers = world.messages(id);
        numbers.iter().map(|trade| trade["t"].as_u64().unwrap()).collect::<Vec<u64>>()
    };
    let clean = run(Chaos::default());
    assert!(clean.windows(2).all(|pair| pair[1] == pair[0] + 1));
    let gaps = run(Chaos { gap: 0.1, ..Chaos::default() });
    assert!(gaps.len() < clean.len() && gaps.windows(2).all(|pair| pair[1] > pair[0]));
    let twice = run(Chaos { duplicate: 0.1, ..Chaos::default() });
    assert!(twice.windows(2).any(|pair| pair[1] == pair[0]) && twice.len() > clean.len());
    let swapped = run(Chaos { reorder: 0.1, ..Chaos::default() });
    assert!(swapped.windows(2).any(|pair| pair[1] < pair[0]));
    let mut sorted = swapped.clone();
    sorted.sort_unstable();
    assert_eq!(sorted[..clean.len() - 1], clean[..clean.len() - 1]);
    // The same seed meets the same faults.
    assert_eq!(run(Chaos { gap: 0.1, ..Chaos::default() }), gaps);
    assert!(run(Chaos { muted: vec!["@trade".to_owned()], ..Chaos::default() }).is_empty());
}

#[test]
fn the_clock_can_be_wrong_in_both_directions() {
    let mut world = World::sample();
    for (skew, code) in [(3_000, 0), (6_000, -1021), (-900, 0), (-1_500, -1021)] {
        world.exchange.set_chaos(Chaos { clock_skew_millis: skew, ..Chaos::default() });
        let (_, time) = world.get("/api/v3/time");
        assert_eq!(time["serverTime"].as_i64(), Some(START * 1_000 + skew));
        let (_, body) = world.signed("GET", "/api/v3/account", "");
        assert_eq!(body["code"].as_i64().unwrap_or(0), code, "{skew}");
    }
}

#[test]
fn a_shutdown_is_announced_and_a_cut_is_not() {
    let mut world = World::sample();
    let bare = world.connect(1, "/ws/btcusdt@trade");
    world.exchange.strike(world.at, Strike::Shutdown);
    assert_eq!(world.messages(bare)[0]["e"], "serverShutdown");
    world.pass(11_000);
    assert!(matches!(world.frames(bare).last(), Some(Frame::Close(1012, _))));
    let next = world.connect(2, "/stream?streams=btcusdt@trade");
    world.exchange.strike(world.at, Strike::Cut);
    assert_eq!(world.frames(next), [Frame::Cut]);
}

#[test]
fn slow_answers_come_later_and_in_order() {
    let mut world = World::sample();
    let slow = Duration::from_millis(300);
    world.exchange.set_chaos(Chaos { slow, ..Chaos::default() });
    let reply = world.exchange.http(world.at, &HttpRequest::get("/api/v3/time"));
    assert_eq!(reply.delay, slow);
    let id = world.connect(1, "/ws-api/v3");
    for number in 0..3 {
        let request = format!(r#"{{"id":{number},"method":"ping"}}"#);
        world.exchange.message(world.at, id, &request);
    }
    assert_eq!(world.frames(id), []);
    assert!(world.exchange.deadline() <= world.at.after(slow));
    world.pass(300);
    let ids: Vec<u64> = world.messages(id).iter().map(|m| m["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [0, 1, 2]);
}
