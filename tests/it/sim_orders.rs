//! Acceptance, time in force, flags, amendments, cash, fees, slippage and partial fills.

use std::time::Duration;

use tradewright::sim::{
    DayEnd, FeeAsset, FeeSchedule, FeeTier, SimConfig, SimError, SimVenue, Slippage, TradingDays,
};
use tradewright::types::{
    Instrument, Instruments, Leg, Linkage, Liquidity, Money, Offset, OrderKind, Purpose, Side,
    TimeInForce, Timestamp,
};

use crate::sim_world::{World, at, dec, limit, order_id, qty, stop, stop_limit, with_life};

const CALM: [f64; 4] = [100.0, 101.0, 99.0, 100.0];
const NOTHING: [&str; 0] = [];

fn refused(world: &mut World, change: impl Fn(&mut tradewright::types::Intent)) -> Vec<String> {
    let mut intent = world.intent(Side::Buy, "1", limit("98"));
    change(&mut intent);
    world.send(intent);
    world.words()
}

#[test]
fn orders_that_break_the_instruments_rules_are_refused() {
    let mut world = World::plain();
    let invalid = |words: Vec<String>| {
        assert!(words.len() == 1 && words[0].ends_with("rejected InvalidOrder"), "{words:?}");
    };
    invalid(refused(&mut world, |intent| intent.kind = limit("98.001")));
    invalid(refused(&mut world, |intent| intent.kind = stop("98.001")));
    invalid(refused(&mut world, |intent| {
        intent.amount = tradewright::types::Amount::Quantity(qty("0.0001"));
    }));
    invalid(refused(&mut world, |intent| {
        intent.amount = tradewright::types::Amount::Quantity(qty("-1"));
    }));
    invalid(refused(&mut world, |intent| {
        intent.kind = OrderKind::TrailingStop { offset: Offset::BasisPoints(10_000) };
    }));
    invalid(refused(&mut world, |intent| {
        intent.flags.post_only = true;
        intent.time_in_force = TimeInForce::Ioc;
    }));
    invalid(refused(&mut world, |intent| {
        intent.time_in_force = TimeInForce::Gtd(Timestamp::EPOCH);
    }));
    let words = refused(&mut world, |intent| intent.instrument.0 = 9);
    assert!(words[0].ends_with("rejected NotTrading"), "{words:?}");
    assert_eq!(world.venue.open_orders().count(), 0);
}

#[test]
fn smallest_quantity_and_value_hold_for_what_opens() {
    let mut table = Instruments::new();
    let builder = Instrument::linear_perpetual("XUSD", "X", "USD").step("0.001");
    let id = table.add(builder.min_quantity("0.01").min_notional("5")).unwrap();
    let mut world = World::plain();
    world.venue = SimVenue::new(&table, SimConfig::default()).unwrap();
    world.id = id;
    world.bar(CALM);
    for units in ["0.009", "0.049"] {
        world.send(world.intent(Side::Buy, units, limit("99")));
        let words = world.words();
        assert!(words[0].ends_with("rejected InvalidOrder"), "{units}: {words:?}");
    }
    world.buy("0.051", limit("99"));
    world.venue.adjust_position(id, Leg::Net, qty("0.004"));
    let mut exit = world.intent(Side::Sell, "0.004", OrderKind::Market);
    exit.flags.reduce_only = true;
    world.place(exit);
}

#[test]
fn an_id_in_use_is_refused() {
    let mut world = World::plain();
    let intent = world.intent(Side::Buy, "1", limit("98"));
    world.place(intent);
    let order = tradewright::types::Order { id: order_id(1), created_at: at(0), intent };
    world.venue.submit(at(0), &tradewright::engine::Command::Place(order));
    assert_eq!(world.words(), ["rejected DuplicateId"]);
    assert_eq!(world.venue.open_orders().count(), 1);
}

#[test]
fn immediate_orders_take_the_open_or_end() {
    let mut world = World::plain();
    world.bar(CALM);
    for life in [TimeInForce::Ioc, TimeInForce::Fok] {
        world.place(with_life(world.intent(Side::Buy, "1", limit("98")), life));
    }
    assert_eq!(world.bar([98.5, 99.0, 97.0, 98.0]), ["cancelled", "2 cancelled"]);
    for life in [TimeInForce::Ioc, TimeInForce::Fok] {
        world.place(with_life(world.intent(Side::Buy, "1", limit("98")), life));
    }
    assert_eq!(world.bar([97.5, 99.0, 97.0, 98.0]), ["3 fill 1@97.5", "4 fill 1@97.5"]);
}

#[test]
fn volume_bounds_what_a_bar_fills() {
    let mut world = World::new(SimConfig::default().with_volume_share(0.1));
    world.bar_of(CALM, 100.0);
    world.buy("25", OrderKind::Market);
    assert_eq!(world.bar_of(CALM, 100.0), ["fill 10@100"]);
    assert_eq!(world.bar_of([101.0, 102.0, 100.0, 101.0], 100.0), ["fill 10@101"]);
    world.place(with_life(world.intent(Side::Sell, "20", OrderKind::Market), TimeInForce::Ioc));
    let life = TimeInForce::Fok;
    world.place(with_life(world.intent(Side::Sell, "20", OrderKind::Market), life));
    let words = world.bar_of([102.0, 103.0, 101.0, 102.0], 100.0);
    assert_eq!(words, ["fill 5@102", "2 fill 5@102", "2 cancelled", "3 cancelled"]);
    assert_eq!(world.venue.position(world.id), qty("20"));
}

#[test]
fn a_limit_order_is_filled_bar_by_bar() {
    let mut world = World::new(SimConfig::default().with_volume_share(0.5));
    world.bar_of(CALM, 10.0);
    world.buy("3", limit("99.5"));
    assert_eq!(world.bar_of(CALM, 4.0), ["fill 2@99.5"]);
    assert_eq!(world.bar_of(CALM, 0.0), NOTHING);
    assert_eq!(world.bar_of(CALM, 4.0), ["fill 1@99.5"]);
}

#[test]
fn good_till_date_and_day_orders_end() {
    let mut world = World::plain();
    world.bar(CALM);
    let life = TimeInForce::Gtd(at(2));
    world.place(with_life(world.intent(Side::Buy, "1", limit("98")), life));
    world.place(with_life(world.intent(Side::Buy, "1", limit("97")), TimeInForce::Day));
    assert_eq!(world.bar([100.0, 101.0, 98.5, 100.0]), ["expired"]);
    world.minute = 24 * 60 - 3;
    assert_eq!(world.bar(CALM), NOTHING);
    world.start_bar(CALM, 1.0);
    let (when, _) = world.venue.poll().unwrap();
    assert_eq!(when, Timestamp::from_secs(86_400).unwrap(), "midnight");
    assert_eq!(world.words(), NOTHING);
}

#[test]
fn an_order_that_ends_inside_a_bar_fills_at_its_open_only() {
    let mut world = World::plain();
    world.bar(CALM);
    let life = TimeInForce::Gtd(at(1).after(Duration::from_secs(30)));
    world.place(with_life(world.intent(Side::Buy, "1", limit("98")), life));
    world.place(with_life(world.intent(Side::Buy, "1", limit("101")), life));
    assert_eq!(world.bar([100.0, 101.0, 97.0, 98.0]), ["2 fill 1@100", "expired"]);
}

#[test]
fn a_day_ends_at_the_local_close_and_skips_the_weekend() {
    let zone = String::from("America/New_York");
    let day_end = DayEnd::Local { zone, second: 57_600, days: TradingDays::Weekdays };
    let mut world = World::new(SimConfig::default().with_day_end(day_end));
    let ends = |world: &mut World, created: &str| {
        let intent = with_life(world.intent(Side::Buy, "1", limit("97")), TimeInForce::Day);
        world.send_at(created.parse().unwrap(), intent);
        world.venue.open_orders().last().unwrap().expires_at.to_string()
    };
    // Friday at noon, Friday at the very close, and the first Monday of summer time.
    assert_eq!(ends(&mut world, "2024-03-08T17:00:00Z"), "2024-03-08T21:00:00Z");
    assert_eq!(ends(&mut world, "2024-03-08T21:00:00Z"), "2024-03-11T20:00:00Z");
    assert_eq!(ends(&mut world, "2024-03-11T13:30:00Z"), "2024-03-11T20:00:00Z");
}

#[test]
fn post_only_is_refused_where_it_would_take() {
    let mut world = World::plain();
    world.bar(CALM);
    let words = refused(&mut world, |intent| {
        intent.flags.post_only = true;
        intent.kind = limit("100.01");
    });
    assert_eq!(words, ["rejected WouldTake"]);
    world.quote((99.0, 5.0), (100.0, 5.0));
    let words = refused(&mut world, |intent| {
        intent.flags.post_only = true;
        intent.kind = limit("100");
    });
    assert_eq!(words, ["2 rejected WouldTake"]);
}

#[test]
fn reduce_only_shrinks_to_the_position_and_ends_with_it() {
    let mut world = World::plain();
    world.bar(CALM);
    let words = refused(&mut world, |intent| intent.flags.reduce_only = true);
    assert_eq!(words, ["rejected NothingToReduce"]);
    world.buy("2", OrderKind::Market);
    world.bar(CALM);
    let exit = |world: &World, units: &str| {
        let mut intent = world.intent(Side::Sell, units, OrderKind::Market);
        intent.flags.reduce_only = true;
        intent
    };
    world.send(exit(&world, "5"));
    assert_eq!(world.words(), ["3 accepted", "3 amended 2"]);
    world.send(exit(&world, "2"));
    assert_eq!(world.words(), ["4 accepted"]);
    assert_eq!(world.bar(CALM), ["3 fill 2@100", "4 cancelled"]);
    assert!(world.venue.position(world.id).is_zero());
}

#[test]
fn the_legs_of_hedge_mode_never_turn_over() {
    let mut world = World::plain();
    world.bar(CALM);
    let leg = |world: &World, side, leg| {
        let mut intent = world.intent(side, "1", OrderKind::Market);
        intent.leg = leg;
        intent
    };
    world.send(leg(&world, Side::Sell, Leg::Long));
    assert_eq!(world.words(), ["rejected NothingToReduce"]);
    world.place(leg(&world, Side::Buy, Leg::Long));
    world.place(leg(&world, Side::Sell, Leg::Short));
    world.bar(CALM);
    assert_eq!(world.venue.position_of(world.id, Leg::Long), qty("1"));
    assert_eq!(world.venue.position_of(world.id, Leg::Short), qty("-1"));
    assert!(world.venue.position(world.id).is_zero());
}

#[test]
fn cancels_and_amendments_reach_only_what_works() {
    let mut world = World::plain();
    world.bar(CALM);
    let order = world.buy("1", limit("98"));
    assert_eq!(world.cancel(9), ["9 refused NotFound"]);
    assert_eq!(world.amend(9, "1", "98"), ["9 refused NotFound"]);
    assert_eq!(world.amend(order, "1", "98.001"), ["refused InvalidOrder"]);
    assert_eq!(world.amend(order, "0", "98"), ["refused InvalidOrder"]);
    assert_eq!(world.amend(order, "2", "99.5"), ["amended 2"]);
    assert_eq!(world.bar(CALM), ["fill 2@99.5"]);
    assert_eq!(world.cancel(order), ["refused NotFound"]);
    let second = world.sell("2", stop("95"));
    assert_eq!(world.amend(second, "2", "99.5"), ["2 amended 2"]);
    assert_eq!(world.bar(CALM), ["2 triggered", "2 fill 2@99.5"]);
    let third = world.buy("1", OrderKind::Market);
    assert_eq!(world.cancel(third), ["3 cancelled"]);
}

#[test]
fn cash_becomes_a_quantity_at_the_fill_with_its_fee() {
    let fees = FeeSchedule::flat(dec("0"), dec("0.001"));
    let mut world =
        World::new(SimConfig::default().with_fees(fees).with_balance("USD", dec("1000")));
    world.bar(CALM);
    world.place(world.cash(Side::Buy, "1000"));
    // 1000 / (103 * 1.001) = 9.69903...
    assert_eq!(world.bar([103.0, 104.0, 102.0, 103.0]), ["resolved 9.699", "fill 9.699@103"]);
    let left = world.venue.balance(world.table.find_asset("USD").unwrap()).unwrap();
    assert_eq!(left, dec("1000") - dec("9.699") * dec("103") * dec("1.001"));
    world.send(world.cash(Side::Buy, "0.05"));
    assert_eq!(world.words(), ["2 rejected InsufficientFunds"]);
}

#[test]
fn cash_below_one_step_is_refused_at_the_fill() {
    let mut world = World::plain();
    world.bar(CALM);
    world.place(world.cash(Side::Buy, "0.05"));
    assert_eq!(world.bar(CALM), ["rejected InsufficientFunds"]);
    assert_eq!(world.venue.open_orders().count(), 0);
}

#[test]
fn listed_cash_bounds_what_is_bought_and_sold() {
    let config =
        SimConfig::default().with_balance("USD", dec("150")).with_balance("ACME", dec("1"));
    let mut world = World::new(config);
    world.bar(CALM);
    world.buy("1", limit("98"));
    world.send(world.intent(Side::Buy, "1", limit("98")));
    assert_eq!(world.words(), ["2 rejected InsufficientFunds"], "the first holds its cash");
    world.send(world.intent(Side::Sell, "1.001", OrderKind::Market));
    assert_eq!(world.words(), ["3 rejected InsufficientFunds"]);
    world.sell("1", OrderKind::Market);
    world.bar(CALM);
    let usd = world.table.find_asset("USD").unwrap();
    assert_eq!(world.venue.balance(usd), Some(dec("250")));
    world.venue.deposit(Money::new(dec("50"), usd)).unwrap();
    assert_eq!(world.venue.balance(usd), Some(dec("300")));
}

#[test]
fn a_market_order_that_the_open_makes_too_dear_is_cancelled_with_its_reason() {
    let mut world = World::new(SimConfig::default().with_balance("USD", dec("100")));
    world.bar(CALM);
    world.buy("1", OrderKind::Market);
    assert_eq!(world.bar([100.01, 101.0, 100.0, 101.0]), ["rejected InsufficientFunds"]);
    assert!(world.venue.position(world.id).is_zero());
}

#[test]
fn fees_follow_liquidity_and_tier_and_are_rounded_once() {
    let tier = FeeTier { from: dec("300"), maker: dec("-0.0001"), taker: dec("0.0003") };
    let fees = FeeSchedule::flat(dec("0.0002"), dec("0.0005")).with_tier(tier);
    let mut world = World::new(SimConfig::default().with_fees(fees));
    world.bar(CALM);
    let mut fees = Vec::new();
    for kind in [OrderKind::Market, limit("99.5"), OrderKind::Market, limit("99.5")] {
        world.buy("1.5", kind);
        world.start_bar(CALM, 10.0);
        let fill = world.fills()[0];
        assert_eq!(fill.liquidity == Liquidity::Maker, kind != OrderKind::Market);
        fees.push(fill.fee.amount.normalize().to_string());
    }
    assert_eq!(fees, ["0.075", "0.02985", "0.075", "-0.014925"]);
}

#[test]
fn fees_may_be_taken_from_what_is_bought() {
    let fees = FeeSchedule::flat(dec("0"), dec("0.001")).paid_in(FeeAsset::Base);
    let mut world = World::new(SimConfig::default().with_fees(fees));
    world.bar(CALM);
    world.buy("2", OrderKind::Market);
    world.start_bar(CALM, 10.0);
    let fee = world.fills()[0].fee;
    assert_eq!(fee, Money::new(dec("0.002"), world.table.find_asset("ACME").unwrap()));
}

fn slipped(slippage: Slippage, side: Side, kind: OrderKind) -> String {
    let mut world = World::new(SimConfig::default().with_slippage(slippage));
    world.bar(CALM);
    world.place(world.intent(side, "10", kind));
    world.start_bar([100.0, 102.0, 98.0, 100.0], 1_000.0);
    let fill = world.fills()[0];
    match side {
        Side::Buy => assert!(fill.price >= fill.before_slippage),
        Side::Sell => assert!(fill.price <= fill.before_slippage),
    }
    fill.price.value().normalize().to_string()
}

#[test]
fn slippage_is_adverse_on_the_tick_and_within_the_limit() {
    let buy = |slippage| slipped(slippage, Side::Buy, OrderKind::Market);
    let sell = |slippage| slipped(slippage, Side::Sell, OrderKind::Market);
    assert_eq!(buy(Slippage::None), "100");
    assert_eq!(buy(Slippage::Fixed(0.05)), "100.05");
    assert_eq!(sell(Slippage::Fixed(0.051)), "99.94");
    assert_eq!(buy(Slippage::BasisPoints(2.5)), "100.03");
    assert_eq!(sell(Slippage::BasisPoints(2.5)), "99.97");
    assert_eq!(buy(Slippage::Spread(1.0)), "100.01");
    assert_eq!(buy(Slippage::VolumeShare { impact: 0.1 }), "100.1");
    // 0.5 * 4 * sqrt(10 / 1000) = 0.2
    assert_eq!(buy(Slippage::SquareRoot { coefficient: 0.5 }), "100.2");
    assert_eq!(slipped(Slippage::Fixed(5.0), Side::Buy, limit("101")), "101");
    assert_eq!(slipped(Slippage::Fixed(5.0), Side::Sell, limit("99.5")), "99.5");
    assert_eq!(slipped(Slippage::Fixed(500.0), Side::Sell, OrderKind::Market), "0.01");
    // Makers are filled at their price.
    assert_eq!(slipped(Slippage::Fixed(5.0), Side::Buy, limit("98.5")), "98.5");
    let by_stop = slipped(Slippage::Fixed(0.05), Side::Sell, stop("99"));
    assert_eq!(by_stop, "98.95");
    assert_eq!(slipped(Slippage::Fixed(0.05), Side::Sell, stop_limit("99", "98.97")), "98.97");
}

#[test]
fn a_fill_of_one_reduces_its_siblings_and_an_end_ends_all() {
    let mut world = World::new(SimConfig::default().with_volume_share(0.1));
    world.bar_of(CALM, 1_000.0);
    world.buy("10", OrderKind::Market);
    world.bar_of(CALM, 1_000.0);
    for intent in world.exits(Side::Sell, "10", ["95", "105"]) {
        world.place(intent);
    }
    assert_eq!(world.bar_of([104.0, 106.0, 103.0, 104.0], 40.0), ["3 fill 4@105", "2 amended 6"]);
    let words = world.bar_of([100.0, 101.0, 94.0, 95.0], 1_000.0);
    assert_eq!(words, ["2 triggered", "2 fill 6@95", "3 cancelled"]);
    assert!(world.venue.position(world.id).is_zero());

    world.buy("1", OrderKind::Market);
    world.bar(CALM);
    let [stopped, target] = world.exits(Side::Sell, "1", ["95", "105"]);
    let first = world.place(stopped);
    world.place(target);
    assert_eq!(world.cancel(first), ["5 cancelled", "6 cancelled"]);
}

#[test]
fn linked_entries_end_each_other_but_others_stay() {
    let mut world = World::plain();
    world.bar(CALM);
    for (group, kind) in [(1, stop("103")), (1, limit("97")), (2, limit("96"))] {
        let mut intent = world.intent(Side::Buy, "1", kind);
        intent.linkage = Linkage::OneCancelsOther(group);
        intent.purpose = Purpose::Entry;
        world.place(intent);
    }
    assert_eq!(world.bar([100.0, 104.0, 98.0, 103.0]), ["triggered", "fill 1@103", "2 cancelled"]);
    assert_eq!(world.venue.open_orders().count(), 1);
}

#[test]
fn a_dead_contract_takes_no_orders() {
    let mut table = Instruments::new();
    table.add(Instrument::future("F", "X", "USD", at(5))).unwrap();
    let mut world = World::plain();
    world.venue = SimVenue::new(&table, SimConfig::default()).unwrap();
    world.send_at(at(4), world.intent(Side::Buy, "1", OrderKind::Market));
    world.send_at(at(5), world.intent(Side::Buy, "1", OrderKind::Market));
    assert_eq!(world.words(), ["accepted", "2 rejected NotTrading"]);
}

#[test]
fn cash_follows_the_profit_of_contracts_and_their_funding() {
    let mut table = Instruments::new();
    let id = table.add(Instrument::linear_perpetual("XUSD", "X", "USD")).unwrap();
    let config = SimConfig::default().with_balance("USD", dec("1000"));
    let mut world = World::plain();
    world.venue = SimVenue::new(&table, config).unwrap();
    world.table = table;
    let usd = world.table.find_asset("USD").unwrap();
    world.bar(CALM);
    world.buy("20", OrderKind::Market);
    world.bar(CALM);
    assert_eq!(world.venue.balance(usd), Some(dec("1000")), "only profits move cash");
    let funding = tradewright::types::Funding { instrument: id, rate: 0.001, mark: 100.0 };
    world.venue.on_market(world.now(), &tradewright::types::MarketEvent::Funding(funding));
    assert_eq!(world.venue.balance(usd), Some(dec("998")));
    world.sell("5", OrderKind::Market);
    world.bar([110.0, 111.0, 109.0, 110.0]);
    assert_eq!(world.venue.balance(usd), Some(dec("1048")));
    world.sell("25", OrderKind::Market);
    world.bar([90.0, 91.0, 89.0, 90.0]);
    assert_eq!(world.venue.balance(usd), Some(dec("898")));
    assert_eq!(world.venue.position(id), qty("-10"));
}

#[test]
fn a_configuration_that_cannot_be_is_refused_with_its_value() {
    let new = |config| SimVenue::new(&World::plain().table, config).unwrap_err();
    let share = new(SimConfig::default().with_volume_share(0.0));
    assert_eq!(share.to_string(), "volume share 0 is outside of its range");
    let nan = new(SimConfig::default().with_slippage(Slippage::Fixed(f64::NAN)));
    assert!(matches!(nan, SimError::BadNumber { what: "slippage", .. }));
    let fees = new(SimConfig::default().with_fees(FeeSchedule::flat(dec("0"), dec("1"))));
    assert_eq!(fees.to_string(), "fee rate 1 is not between -1 and 1");
    let asset = new(SimConfig::default().with_balance("EUR", dec("1")));
    assert_eq!(asset.to_string(), "asset `EUR` is unknown");
    let poor = new(SimConfig::default().with_balance("USD", dec("-1")));
    assert!(matches!(poor, SimError::BadBalance { .. }));
    let zone = DayEnd::Local { zone: "Mars".into(), second: 0, days: TradingDays::Every };
    let zone = new(SimConfig::default().with_day_end(zone));
    assert_eq!(zone.to_string(), "time zone `Mars` is unknown");
    let tier = FeeTier { from: dec("0"), maker: dec("0"), taker: dec("0") };
    let tiers = new(SimConfig::default().with_fees(FeeSchedule::free().with_tier(tier)));
    assert!(matches!(tiers, SimError::BadFeeTiers { .. }));
}
