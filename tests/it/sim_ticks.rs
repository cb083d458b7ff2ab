//! How orders fill on prints, quotes and books, and what latency does.

use std::time::Duration;

use tradewright::sim::{Latency, LimitFill, QuoteDepth, SimConfig, SplitMix64};
use tradewright::types::{Liquidity, OrderKind, Side, TimeInForce};

use crate::sim_world::{World, at, dec, limit, qty, stop, with_life};

const CALM: [f64; 4] = [100.0, 101.0, 99.0, 100.0];
const NOTHING: [&str; 0] = [];

#[test]
fn takers_get_what_a_quote_displays_and_no_more() {
    let mut world = World::plain();
    world.quote((99.0, 5.0), (100.0, 3.0));
    world.buy("5", OrderKind::Market);
    world.sell("1", OrderKind::Market);
    assert_eq!(world.quote((99.5, 5.0), (100.5, 3.0)), ["fill 3@100.5", "2 fill 1@99.5"]);
    assert_eq!(world.quote((99.5, 5.0), (100.6, 0.0)), NOTHING);
    assert_eq!(world.quote((99.5, 5.0), (100.7, 9.0)), ["fill 2@100.7"]);
}

#[test]
fn quotes_without_sizes_fill_any_quantity_by_option() {
    let mut world = World::new(SimConfig::default().with_quote_depth(QuoteDepth::Unlimited));
    world.quote((99.0, 0.0), (100.0, 0.0));
    world.buy("5", OrderKind::Market);
    assert_eq!(world.quote((99.5, 0.0), (100.5, 0.0)), ["fill 5@100.5"]);
}

#[test]
fn a_resting_order_is_met_at_its_own_price() {
    let mut world = World::plain();
    world.quote((99.0, 5.0), (100.0, 5.0));
    world.buy("1", limit("99.5"));
    assert_eq!(world.quote((99.0, 5.0), (99.6, 5.0)), NOTHING);
    assert_eq!(world.quote((99.0, 5.0), (99.4, 5.0)), ["fill 1@99.5"]);
    world.buy("1", limit("99.5"));
    assert_eq!(world.quote((99.0, 5.0), (99.3, 5.0)), ["2 fill 1@99.3"], "it takes on arrival");
}

#[test]
fn a_market_order_walks_the_book() {
    let mut world = World::plain();
    world.book(&[(99.0, 1.0)], &[(100.0, 1.0), (101.0, 2.0)]);
    world.buy("5", OrderKind::Market);
    let words = world.book(&[(99.0, 1.0)], &[(100.0, 1.0), (101.0, 2.0), (102.0, 9.0)]);
    assert_eq!(words, ["fill 1@100", "fill 2@101", "fill 2@102"]);
}

#[test]
fn immediate_orders_take_the_book_up_to_their_limit() {
    let mut world = World::plain();
    let asks = [(100.0, 1.0), (101.0, 2.0), (102.0, 9.0)];
    world.book(&[(99.0, 1.0)], &asks);
    for life in [TimeInForce::Fok, TimeInForce::Ioc, TimeInForce::Gtc] {
        world.place(with_life(world.intent(Side::Buy, "4", limit("101")), life));
    }
    let words = world.book(&[(99.0, 1.0)], &asks);
    let ioc = ["2 fill 1@100", "2 fill 2@101", "2 cancelled"];
    assert_eq!(words[0], "cancelled");
    assert_eq!(words[1..4], ioc);
    assert_eq!(words[4..], ["3 fill 1@100", "3 fill 2@101"]);
    let rest: Vec<_> = world.venue.open_orders().map(|order| order.remaining()).collect();
    assert_eq!(rest, [dec("1")]);
}

#[test]
fn cash_walks_the_book_too() {
    let mut world = World::plain();
    world.book(&[(99.0, 1.0)], &[(100.0, 1.0)]);
    world.place(world.cash(Side::Buy, "301"));
    let words = world.book(&[(99.0, 1.0)], &[(100.0, 1.0), (100.5, 9.0)]);
    assert_eq!(words, ["resolved 3", "fill 1@100", "fill 2@100.5"]);
}

#[test]
fn a_limit_order_waits_its_turn_in_the_queue() {
    let mut world = World::plain();
    let asks = [(100.0, 5.0)];
    world.book(&[(99.0, 10.0), (98.0, 4.0)], &asks);
    world.buy("2", limit("99"));
    world.book(&[(99.0, 10.0), (98.0, 4.0)], &asks);
    // Four of the ten ahead are traded, then half of the rest is cancelled: three are ahead.
    assert_eq!(world.print(99.0, 4.0, Some(Side::Sell)), NOTHING);
    assert_eq!(world.print(99.0, 4.0, Some(Side::Buy)), NOTHING, "not from our side");
    world.book(&[(99.0, 3.0), (98.0, 4.0)], &asks);
    // What comes after us queues behind us.
    world.book(&[(99.0, 30.0), (98.0, 4.0)], &asks);
    assert_eq!(world.print(99.0, 4.0, Some(Side::Sell)), ["fill 1@99"]);
    assert_eq!(world.print(98.99, 0.5, Some(Side::Sell)), ["fill 1@99"], "traded through");
}

#[test]
fn an_order_inside_the_spread_is_first() {
    let mut world = World::plain();
    world.book(&[(99.0, 10.0)], &[(100.0, 5.0)]);
    world.buy("2", limit("99.5"));
    world.book(&[(99.0, 10.0)], &[(100.0, 5.0)]);
    assert_eq!(world.print(99.5, 1.5, Some(Side::Sell)), ["fill 1.5@99.5"]);
}

#[test]
fn an_amended_price_loses_the_place_in_the_queue() {
    let mut world = World::plain();
    let book = |world: &mut World| world.book(&[(99.0, 4.0), (98.0, 4.0)], &[(100.0, 5.0)]);
    book(&mut world);
    let order = world.buy("2", limit("99"));
    book(&mut world);
    world.print(99.0, 4.0, Some(Side::Sell));
    world.amend(order, "2", "98");
    world.amend(order, "2", "99");
    book(&mut world);
    assert_eq!(world.print(99.0, 4.0, Some(Side::Sell)), NOTHING);
    assert_eq!(world.print(99.0, 4.0, Some(Side::Sell)), ["fill 2@99"]);
}

#[test]
fn prints_alone_fill_at_their_price_and_through_limits() {
    let mut world = World::plain();
    world.print(100.0, 1.0, None);
    world.buy("1", OrderKind::Market);
    world.buy("1", limit("99"));
    assert_eq!(world.print(100.5, 1.0, None), ["fill 1@100.5"]);
    assert_eq!(world.print(99.0, 5.0, None), NOTHING);
    assert_eq!(world.print(98.99, 5.0, None), ["2 fill 1@99"]);
    let mut world = World::new(SimConfig::default().with_limit_fill(LimitFill::Touch));
    world.print(100.0, 1.0, None);
    world.buy("1", limit("99"));
    assert_eq!(world.print(99.0, 5.0, None), ["fill 1@99"]);
}

#[test]
fn prints_touch_triggers_and_share_their_volume() {
    let mut world = World::new(SimConfig::default().with_volume_share(0.5));
    world.print(100.0, 1.0, None);
    world.sell("3", stop("99"));
    assert_eq!(world.print(99.5, 9.0, None), NOTHING);
    assert_eq!(world.print(98.5, 4.0, None), ["triggered", "fill 2@98.5"]);
    assert_eq!(world.print(99.5, 4.0, None), ["fill 1@99.5"]);
}

#[test]
fn quotes_touch_triggers_where_there_are_no_prints() {
    let mut world = World::plain();
    world.quote((99.5, 5.0), (100.0, 5.0));
    world.sell("1", stop("99"));
    assert_eq!(world.quote((99.01, 5.0), (99.5, 5.0)), NOTHING);
    assert_eq!(world.quote((98.9, 5.0), (99.4, 5.0)), ["triggered", "fill 1@98.9"]);
}

#[test]
fn the_finest_data_decides() {
    let mut world = World::plain();
    world.quote((99.5, 5.0), (100.0, 5.0));
    world.buy("1", OrderKind::Market);
    assert_eq!(world.bar(CALM), NOTHING);
    assert_eq!(world.print(99.8, 1.0, None), NOTHING, "a taker waits for the next quote");
    assert_eq!(world.quote((99.5, 5.0), (100.0, 5.0)), ["fill 1@100"]);
}

#[test]
fn quotes_and_books_that_cannot_be_change_nothing() {
    let mut world = World::plain();
    world.quote((99.5, 5.0), (100.0, 5.0));
    world.buy("1", OrderKind::Market);
    assert_eq!(world.quote((101.0, 5.0), (100.0, 5.0)), NOTHING);
    assert_eq!(world.book(&[(101.0, 5.0)], &[(100.0, 5.0)]), NOTHING);
    assert_eq!(world.book(&[(99.0, f64::NAN)], &[(100.0, 5.0)]), NOTHING);
    assert_eq!(world.print(f64::INFINITY, 5.0, None), NOTHING);
}

#[test]
fn an_order_meets_only_data_that_is_not_older() {
    let fixed = Latency::Fixed(Duration::from_secs(90));
    let mut world = World::new(SimConfig::default().with_latency(fixed));
    world.bar(CALM);
    world.send(world.intent(Side::Buy, "1", OrderKind::Market));
    assert_eq!(world.words(), NOTHING, "it is on its way");
    assert_eq!(world.bar(CALM), NOTHING);
    world.start_bar([101.0, 102.0, 100.0, 101.0], 1.0);
    let reports = world.poll_all();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(reports[0].0, at(2).after(Duration::from_secs(30)), "accepted inside the bar");
    world.start_bar([103.0, 104.0, 102.0, 103.0], 1.0);
    let fill = world.fills()[0];
    assert_eq!((fill.price.value(), fill.liquidity), (dec("103"), Liquidity::Taker));
}

#[test]
fn an_order_that_arrives_inside_a_bar_sees_its_close_and_its_worst() {
    let fixed = Latency::Fixed(Duration::from_secs(30));
    let run = |side, kind| {
        let mut world = World::new(SimConfig::default().with_latency(fixed));
        world.bar(CALM);
        world.send(world.intent(side, "1", kind));
        world.bar([100.0, 105.0, 95.0, 101.0])
    };
    // The low may have been before it came; that the close is at 101 is certain.
    assert_eq!(run(Side::Buy, limit("98")), ["accepted"]);
    assert_eq!(run(Side::Buy, limit("101.5")), ["accepted", "fill 1@101.5"]);
    assert_eq!(run(Side::Sell, stop("98")), ["accepted", "triggered", "fill 1@98"]);
    // Its trigger was already behind the open: where it came in is unknown.
    assert_eq!(run(Side::Sell, stop("102")), ["accepted", "triggered", "fill 1@95"]);
}

#[test]
fn requests_travel_in_order_and_as_their_seed_says() {
    let latencies = [
        Latency::Uniform { shortest: Duration::ZERO, longest: Duration::from_secs(600) },
        Latency::Normal { mean: Duration::from_secs(90), deviation: Duration::from_secs(60) },
    ];
    for latency in latencies {
        let run = |seed| {
            let config = SimConfig::default().with_latency(latency).with_seed(seed);
            let mut world = World::new(config);
            for _ in 0..40 {
                world.send(world.intent(Side::Buy, "1", limit("50")));
                world.bar(CALM);
            }
            for _ in 0..20 {
                world.bar(CALM);
            }
            world.venue.open_orders().map(|order| order.accepted_at).collect::<Vec<_>>()
        };
        let first = run(1);
        assert_eq!(first.len(), 40);
        assert!(first.is_sorted());
        assert_eq!(first, run(1));
        assert_ne!(first, run(2));
    }
}

#[test]
fn the_generator_gives_its_authors_numbers() {
    let mut generator = SplitMix64::new(1_234_567);
    let first: Vec<u64> = (0..3).map(|_| generator.next()).collect();
    let expected =
        [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
    assert_eq!(first, expected);
    assert!((0..1_000).map(|_| generator.fraction()).all(|x| (0.0..1.0).contains(&x)));
}

#[test]
fn positions_held_from_before_can_be_closed() {
    let mut world = World::plain();
    world.venue.adjust_position(world.id, tradewright::types::Leg::Net, qty("-2"));
    let mut intent = world.intent(Side::Buy, "3", OrderKind::Market);
    intent.flags.reduce_only = true;
    world.send(intent);
    assert_eq!(world.words(), ["accepted", "amended 2"]);
    assert_eq!(world.bar(CALM), ["fill 2@100"]);
}
