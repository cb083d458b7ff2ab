//! How orders of each kind fill on bars.

use tradewright::sim::{LimitFill, MarketFill, PathModel, SimConfig};
use tradewright::types::{
    Bar, Liquidity, MarketEvent, Offset, OrderKind, OrderReport, Period, Side, Timestamp,
};

use crate::sim_world::{World, at, limit, price, stop, stop_limit};

const CALM: [f64; 4] = [100.0, 101.0, 99.0, 100.0];
const NOTHING: [&str; 0] = [];

fn with_path(path: PathModel) -> World {
    World::new(SimConfig::default().with_path(path))
}

#[test]
fn a_market_order_fills_at_the_next_open_and_carries_its_time() {
    let mut world = World::plain();
    world.bar(CALM);
    world.buy("2", OrderKind::Market);
    let decided = world.now();
    world.start_bar([103.0, 104.0, 102.0, 103.5], 10.0);
    let reports = world.poll_all();
    let [(when, update)] = reports.as_slice() else { panic!("one report: {reports:?}") };
    assert_eq!(*when, decided, "the open of this bar is the close of the last");
    let OrderReport::Fill(fill) = update.report else { panic!("a fill: {update:?}") };
    assert_eq!((fill.price, fill.liquidity), (price("103"), Liquidity::Taker));
    assert_eq!(fill.before_slippage, fill.price);
}

#[test]
fn a_market_order_fills_at_the_same_close_by_option() {
    let mut world = World::new(SimConfig::default().with_market_fill(MarketFill::SameClose));
    world.bar([100.0, 101.0, 99.0, 100.5]);
    world.send(world.intent(Side::Buy, "1", OrderKind::Market));
    assert_eq!(world.words(), ["accepted", "fill 1@100.5"]);
    assert_eq!(world.bar(CALM), NOTHING);
}

#[test]
fn bars_of_another_period_match_nothing() {
    let mut world = World::plain();
    world.venue.drive_by(world.id, Period::MINUTE);
    world.bar(CALM);
    world.buy("1", OrderKind::Market);
    let hour = Bar::new(world.id, Period::HOUR, [50.0, 60.0, 40.0, 55.0], 1.0).unwrap();
    world.venue.on_market(at(2), &MarketEvent::Bar(hour));
    assert_eq!(world.words(), NOTHING);
    assert_eq!(world.bar(CALM), ["fill 1@100"]);
}

#[test]
fn an_order_of_the_bars_own_close_does_not_fill_at_its_open() {
    // Another instrument's bar ends at the same time: the open of this one is already past.
    let mut world = World::plain();
    world.bar(CALM);
    let close = at(2);
    world.send_at(close, world.intent(Side::Buy, "1", OrderKind::Market));
    assert_eq!(world.words(), ["accepted"]);
    assert_eq!(world.bar([90.0, 95.0, 85.0, 92.0]), NOTHING);
    assert_eq!(world.bar([93.0, 95.0, 92.0, 94.0]), ["fill 1@93"]);
}

#[test]
fn a_limit_order_fills_only_when_the_market_trades_through_it() {
    let mut world = World::plain();
    world.bar(CALM);
    world.buy("1", limit("98"));
    assert_eq!(world.bar([100.0, 101.0, 98.0, 99.0]), NOTHING);
    world.start_bar([99.0, 99.5, 97.99, 99.0], 10.0);
    let fills = world.fills();
    assert_eq!(fills.len(), 1);
    assert_eq!((fills[0].price, fills[0].liquidity), (price("98"), Liquidity::Maker));
}

#[test]
fn a_touch_suffices_by_option() {
    let mut world = World::new(SimConfig::default().with_limit_fill(LimitFill::Touch));
    world.bar(CALM);
    world.buy("1", limit("98"));
    assert_eq!(world.bar([100.0, 101.0, 98.0, 99.0]), ["fill 1@98"]);
}

#[test]
fn a_limit_order_that_the_open_has_passed_fills_at_the_open() {
    let mut world = World::plain();
    world.bar(CALM);
    world.buy("1", limit("98"));
    assert_eq!(world.bar([95.0, 96.0, 94.0, 95.0]), ["fill 1@95"]);
    world.sell("1", limit("97"));
    assert_eq!(world.bar([99.0, 99.5, 98.0, 98.5]), ["2 fill 1@99"]);
}

#[test]
fn a_post_only_order_gets_no_better_price_than_its_own() {
    let mut world = World::plain();
    world.bar(CALM);
    let mut intent = world.intent(Side::Buy, "1", limit("98"));
    intent.flags.post_only = true;
    world.place(intent);
    assert_eq!(world.bar([95.0, 96.0, 94.0, 95.0]), ["fill 1@98"]);
}

#[test]
fn a_stop_fills_at_its_trigger_and_beyond_it_at_the_open() {
    let mut world = World::plain();
    world.bar(CALM);
    world.sell("1", stop("97"));
    assert_eq!(world.bar([99.0, 100.0, 97.01, 98.0]), NOTHING);
    assert_eq!(world.bar([98.0, 98.5, 97.0, 98.0]), ["triggered", "fill 1@97"]);
    world.buy("1", stop("103"));
    assert_eq!(world.bar([105.0, 106.0, 104.0, 104.5]), ["2 triggered", "2 fill 1@105"]);
}

#[test]
fn a_stop_limit_waits_at_its_limit_after_a_jump() {
    let mut world = World::plain();
    world.bar(CALM);
    world.buy("1", stop_limit("103", "104"));
    assert_eq!(world.bar([106.0, 107.0, 105.0, 106.0]), ["triggered"]);
    assert_eq!(world.bar([105.0, 106.0, 103.5, 104.5]), ["fill 1@104"]);
    world.buy("1", stop_limit("106", "107"));
    assert_eq!(world.bar([105.0, 106.5, 104.0, 105.0]), ["2 triggered", "2 fill 1@106"]);
}

#[test]
fn a_take_profit_is_a_market_order_at_its_trigger() {
    let mut world = World::plain();
    world.bar(CALM);
    world.sell("1", OrderKind::TakeProfit { trigger: price("105") });
    assert_eq!(world.bar([100.0, 104.99, 99.0, 103.0]), NOTHING);
    assert_eq!(world.bar([103.0, 105.0, 102.0, 104.0]), ["triggered", "fill 1@105"]);
}

fn trailing(distance: &str) -> OrderKind {
    OrderKind::TrailingStop { offset: Offset::Price(price(distance)) }
}

#[test]
fn a_trailing_stop_uses_the_extremes_of_earlier_bars() {
    let mut world = World::plain();
    world.bar(CALM);
    world.sell("1", trailing("3"));
    // From 100 the trigger is 97. The high of 104 counts from the next bar on.
    assert_eq!(world.bar([100.0, 104.0, 99.0, 103.0]), NOTHING);
    assert_eq!(world.bar([103.0, 103.5, 100.5, 102.0]), ["triggered", "fill 1@101"]);
}

#[test]
fn a_trailing_stop_follows_a_jump_and_what_the_close_makes_certain() {
    let mut world = World::plain();
    world.bar(CALM);
    world.sell("1", trailing("3"));
    // The close comes after the high: from 110 the market must have passed 107.
    assert_eq!(world.bar([100.0, 110.0, 99.0, 105.0]), ["triggered", "fill 1@107"]);
    let points = OrderKind::TrailingStop { offset: Offset::BasisPoints(1_000) };
    world.buy("1", points);
    // From 105 down to 90, then ten percent up.
    assert_eq!(world.bar([100.0, 101.0, 90.0, 91.0]), NOTHING);
    assert_eq!(world.bar([92.0, 99.5, 91.0, 99.0]), ["2 triggered", "2 fill 1@99"]);
}

#[test]
fn a_trailing_stop_follows_the_path_where_there_is_one() {
    let mut world = with_path(PathModel::OpenHighLowClose);
    world.bar(CALM);
    world.sell("1", trailing("3"));
    assert_eq!(world.bar([100.5, 104.0, 100.5, 103.0]), ["triggered", "fill 1@101"]);
    let mut world = with_path(PathModel::OpenLowHighClose);
    world.bar(CALM);
    world.sell("1", trailing("3"));
    assert_eq!(world.bar([100.0, 104.0, 98.0, 102.0]), NOTHING);
}

/// Which of stop (95) and target (105) of a long position a bar over both hits.
fn first_exit(path: PathModel, bar: [f64; 4]) -> String {
    let mut world = with_path(path);
    world.bar(CALM);
    world.buy("1", OrderKind::Market);
    world.bar(CALM);
    for intent in world.exits(Side::Sell, "1", ["95", "105"]) {
        world.place(intent);
    }
    let words = world.bar(bar);
    words.into_iter().find(|word| word.contains("fill")).unwrap()
}

#[test]
fn the_path_decides_between_stop_and_target() {
    let both = [100.0, 106.0, 92.0, 100.0];
    assert_eq!(first_exit(PathModel::WorstFirst, both), "2 fill 1@95");
    assert_eq!(first_exit(PathModel::OpenLowHighClose, both), "2 fill 1@95");
    assert_eq!(first_exit(PathModel::OpenHighLowClose, both), "3 fill 1@105");
    assert_eq!(first_exit(PathModel::NearestFirst, both), "3 fill 1@105");
    let low_is_near = [100.0, 109.0, 94.0, 100.0];
    assert_eq!(first_exit(PathModel::NearestFirst, low_is_near), "2 fill 1@95");
    // What the open decides comes before anything inside the bar.
    assert_eq!(first_exit(PathModel::WorstFirst, [106.0, 107.0, 94.0, 100.0]), "3 fill 1@106");
}

fn entry_with_exits(entry: OrderKind, path: PathModel, bar: [f64; 4]) -> Vec<String> {
    let mut world = with_path(path);
    world.bar(CALM);
    world.buy("1", entry);
    let exits = world.exits(Side::Sell, "1", ["95", "105"]);
    world.bracket_bar(bar, exits)
}

#[test]
fn exits_of_an_entry_at_the_open_see_the_whole_bar() {
    let words =
        entry_with_exits(OrderKind::Market, PathModel::WorstFirst, [100.0, 106.0, 96.0, 99.0]);
    assert_eq!(words, ["fill 1@100", "2 accepted", "3 accepted", "3 fill 1@105", "2 cancelled"]);
}

#[test]
fn exits_of_an_entry_inside_the_bar_reach_the_target_only_by_the_close() {
    let entry = || limit("98");
    let worst = |bar| entry_with_exits(entry(), PathModel::WorstFirst, bar);
    let high_first = worst([100.0, 106.0, 97.0, 99.0]);
    assert_eq!(high_first, ["fill 1@98", "2 accepted", "3 accepted"]);
    let close_beyond = worst([100.0, 107.0, 97.0, 106.0]);
    assert_eq!(close_beyond[3..], ["3 fill 1@105", "2 cancelled"]);
    let stopped = worst([100.0, 107.0, 94.0, 106.0]);
    assert_eq!(stopped[3..], ["2 triggered", "2 fill 1@95", "3 cancelled"]);
    let path = entry_with_exits(entry(), PathModel::OpenLowHighClose, [100.0, 106.0, 97.0, 99.0]);
    assert_eq!(path[3..], ["3 fill 1@105", "2 cancelled"]);
}

#[test]
fn an_entry_that_answers_a_fill_waits_for_the_next_bar() {
    let mut world = World::plain();
    world.bar(CALM);
    world.buy("1", limit("99.5"));
    world.start_bar([100.0, 101.0, 98.0, 98.5], 100.0);
    let mut sent = 0;
    while let Some((when, update)) = world.venue.poll() {
        if matches!(update.report, OrderReport::Fill(_)) {
            sent += 1;
            world.send_at(when, world.intent(Side::Buy, "1", limit("99.5")));
        }
    }
    assert_eq!(sent, 1);
    assert_eq!(world.bar(CALM), ["2 fill 1@99.5"]);
}

#[test]
fn reports_of_a_bar_are_in_order_of_time() {
    let mut world = World::plain();
    world.bar(CALM);
    world.buy("1", OrderKind::Market);
    world.buy("1", limit("99.5"));
    world.start_bar([100.0, 101.0, 99.0, 100.0], 10.0);
    let times: Vec<Timestamp> = world.poll_all().iter().map(|(when, _)| *when).collect();
    assert_eq!(times, [at(1), at(2)]);
}

#[test]
fn a_bar_that_no_market_can_have_changes_nothing() {
    let mut world = World::plain();
    world.bar(CALM);
    world.buy("1", OrderKind::Market);
    let mut bar = Bar::new(world.id, Period::MINUTE, CALM, 1.0).unwrap();
    bar.open = f64::NAN;
    world.venue.on_market(at(2), &MarketEvent::Bar(bar));
    assert_eq!(world.words(), NOTHING);
    bar.open = 100.0;
    world.venue.on_market(at(0), &MarketEvent::Bar(bar));
    assert_eq!(world.words(), NOTHING, "older than its predecessor");
    assert_eq!(world.bar(CALM), ["fill 1@100"]);
}

#[test]
fn a_driver_that_forgets_to_poll_loses_no_report() {
    let mut world = World::plain();
    world.bar(CALM);
    world.buy("1", limit("99.5"));
    world.start_bar(CALM, 1.0);
    world.start_bar(CALM, 1.0);
    assert_eq!(world.words(), ["fill 1@99.5"]);
}
