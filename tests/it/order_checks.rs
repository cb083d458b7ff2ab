//! What an order breaks before it is sent, each check at its edge.

use tradewright::order::audit::{Violation, violations};
use tradewright::order::{OrderBook, OrderError, OrderLifecycle};
use tradewright::types::{
    Amount, Bracket, Decimal, Instrument, Instruments, Intent, Leg, Money, Order, OrderId,
    OrderKind, Price, Purpose, Qty, Side, SlotId, TimeInForce, Timestamp,
};

const OWNER: SlotId = SlotId(1);
const MARK: f64 = 100.0;

fn table() -> Instruments {
    let mut table = Instruments::new();
    let stock = Instrument::stock("S", "USD").min_notional("1000").min_quantity("2");
    table.add(stock).unwrap();
    table
}

fn price(number: i64) -> Price {
    Price::new(Decimal::from(number)).unwrap()
}

fn found(side: Side, quantity: i64, shape: impl FnOnce(&mut Intent)) -> Vec<Violation> {
    let table = table();
    let id = table.find("S").unwrap().id;
    let mut intent = Intent::market(OWNER, id, side, Qty::from(quantity));
    shape(&mut intent);
    let order = Order { id: OrderId::new(1, OWNER, 1), created_at: Timestamp::EPOCH, intent };
    violations(&order, &table, Some(MARK))
}

/// At the smallest value and quantity an order passes, one step below it does not.
#[test]
fn quantities_and_values_have_a_smallest() {
    assert_eq!(found(Side::Buy, 10, |_| {}), []);
    assert_eq!(found(Side::Buy, 9, |_| {}), [Violation::BelowMinNotional]);
    let both = [Violation::BelowMinQuantity, Violation::BelowMinNotional];
    assert_eq!(found(Side::Buy, 1, |_| {}), both);
    let nothing = found(Side::Buy, 0, |_| {});
    assert!(nothing.contains(&Violation::QuantityNotPositive), "{nothing:?}");
}

/// Exits lie on their side of the entry; at the entry itself they do not.
#[test]
fn exits_lie_on_their_side() {
    let of = |side, take: i64, stop: i64| {
        found(side, 10, |intent| {
            intent.kind = OrderKind::Limit { price: price(100) };
            let (take, stop) = (Some(price(take)), Some(price(stop)));
            intent.bracket = Some(Bracket { take_profit: take, stop_loss: stop });
        })
    };
    let wrong = [Violation::TakeProfitSide, Violation::StopLossSide];
    for (side, take, stop) in [(Side::Buy, 101, 99), (Side::Sell, 99, 101)] {
        assert_eq!(of(side, take, stop), []);
        assert_eq!(of(side, stop, take), wrong);
        assert_eq!(of(side, 100, 100), wrong);
    }
}

/// The exits of a market entry that the market has passed already would trade at once: either of
/// them is enough.
#[test]
fn exits_of_a_market_entry_are_not_crossed() {
    let of = |take: i64, stop: i64, reference: f64| {
        found(Side::Buy, 20, |intent| {
            intent.reference = reference;
            let (take, stop) = (Some(price(take)), Some(price(stop)));
            intent.bracket = Some(Bracket { take_profit: take, stop_loss: stop });
        })
    };
    assert_eq!(of(101, 99, 100.0), []);
    assert_eq!(of(100, 80, 90.0), [Violation::CrossedWithMarket]);
    assert_eq!(of(120, 101, 110.0), [Violation::CrossedWithMarket]);
}

/// An entry's trigger lies before the market, not at it and not behind it; an exit's may.
#[test]
fn entries_wait_before_the_market() {
    let of = |side, kind, purpose| {
        found(side, 20, |intent| {
            intent.kind = kind;
            intent.purpose = purpose;
        })
    };
    let stop = |trigger: i64| OrderKind::StopMarket { trigger: price(trigger) };
    let touch = |trigger: i64| OrderKind::TakeProfit { trigger: price(trigger) };
    let crossed = [Violation::CrossedWithMarket];
    for (side, before, behind) in [
        (Side::Buy, stop(101), [stop(100), stop(99)]),
        (Side::Sell, stop(99), [stop(100), stop(101)]),
        (Side::Buy, touch(99), [touch(100), touch(101)]),
        (Side::Sell, touch(101), [touch(100), touch(99)]),
    ] {
        assert_eq!(of(side, before, Purpose::Entry), [], "{side:?} {before:?}");
        for kind in behind {
            assert_eq!(of(side, kind, Purpose::Entry), crossed, "{side:?} {kind:?}");
            assert_eq!(of(side, kind, Purpose::StopLoss), [], "{side:?} {kind:?}");
        }
    }
}

/// Prices lie on the tick, triggers too.
#[test]
fn prices_lie_on_the_tick() {
    let at = |text: &str| Price::new(text.parse().unwrap()).unwrap();
    let of = |kind| found(Side::Buy, 20, |intent| intent.kind = kind);
    assert_eq!(of(OrderKind::Limit { price: at("99.99") }), []);
    assert_eq!(of(OrderKind::Limit { price: at("99.995") }), [Violation::PriceOffTick]);
    let trigger = OrderKind::StopMarket { trigger: at("101.005") };
    assert_eq!(of(trigger), [Violation::PriceOffTick]);
}

/// An id that is in use is refused, whether its order is the newest or not.
#[test]
fn an_id_is_used_once() {
    let mut book = OrderBook::new();
    let id = table().find("S").unwrap().id;
    let order = |sequence| {
        let intent = Intent::market(OWNER, id, Side::Buy, Qty::from(10));
        let id = OrderId::new(1, OWNER, sequence);
        Order { id, created_at: Timestamp::EPOCH, intent }
    };
    for sequence in [3, 1, 2] {
        assert_eq!(book.open(Timestamp::EPOCH, &order(sequence)), Ok(()), "{sequence}");
    }
    for sequence in [1, 2, 3] {
        let id = order(sequence).id;
        let again = book.open(Timestamp::EPOCH, &order(sequence));
        assert_eq!(again, Err(OrderError::DuplicateId { id }));
    }
    assert_eq!(book.live().len(), 3);
}

/// The value of an order counts the units of a contract.
#[test]
fn the_smallest_value_counts_the_multiplier() {
    let mut table = Instruments::new();
    let linear = Instrument::linear_perpetual("P", "ETH", "USD").multiplier("10");
    let id = table.add(linear.min_notional("1000")).unwrap();
    let found = |quantity: i64| {
        let intent = Intent::market(OWNER, id, Side::Buy, Qty::from(quantity));
        let order = Order { id: OrderId::new(1, OWNER, 1), created_at: Timestamp::EPOCH, intent };
        violations(&order, &table, Some(50.0))
    };
    assert_eq!(found(2), []);
    assert_eq!(found(1), [Violation::BelowMinNotional]);
}

/// What only reduces may be of any value, and where there is no smallest value none has to be
/// known.
#[test]
fn a_smallest_value_is_for_what_has_one() {
    assert_eq!(found(Side::Sell, 2, |intent| intent.flags.reduce_only = true), []);
    let mut table = Instruments::new();
    let id = table.add(Instrument::stock("S", "USD")).unwrap();
    let intent = Intent::market(OWNER, id, Side::Buy, Qty::from(1));
    let order = Order { id: OrderId::new(1, OWNER, 1), created_at: Timestamp::EPOCH, intent };
    assert_eq!(violations(&order, &table, None), []);
}

/// Only a limit order that waits can promise to take nothing.
#[test]
fn a_maker_is_a_limit_order_that_waits() {
    let of = |kind, time_in_force| {
        found(Side::Buy, 20, |intent| {
            (intent.kind, intent.time_in_force) = (kind, time_in_force);
            intent.flags.post_only = true;
        })
    };
    let below = OrderKind::Limit { price: price(99) };
    assert_eq!(of(below, TimeInForce::Gtc), []);
    assert_eq!(of(below, TimeInForce::Ioc), [Violation::CannotRest]);
    assert_eq!(of(OrderKind::Market, TimeInForce::Gtc), [Violation::CannotRest]);
}

/// What opens a leg cannot be an order that only reduces it.
#[test]
fn a_leg_is_reduced_by_its_other_side() {
    let of = |side, leg, reduce_only| {
        found(side, 10, |intent| {
            intent.leg = leg;
            intent.flags.reduce_only = reduce_only;
        })
    };
    for (opening, leg, closing) in
        [(Side::Buy, Leg::Long, Side::Sell), (Side::Sell, Leg::Short, Side::Buy)]
    {
        assert_eq!(of(opening, leg, true), [Violation::WrongSide], "{leg:?}");
        assert_eq!(of(opening, leg, false), []);
        assert_eq!(of(closing, leg, true), []);
    }
    assert_eq!(of(Side::Buy, Leg::Net, true), []);
}

/// An order lives until a time that is still to come, and what waits for a trigger cannot have to
/// fill at once.
#[test]
fn times_in_force_fit() {
    let of = |kind, time_in_force| {
        found(Side::Buy, 20, |intent| (intent.kind, intent.time_in_force) = (kind, time_in_force))
    };
    let until = |nanos| TimeInForce::Gtd(Timestamp::from_nanos(nanos));
    let wrong = [Violation::WrongTimeInForce];
    let limit = OrderKind::Limit { price: price(99) };
    assert_eq!(of(limit, until(1)), []);
    assert_eq!(of(limit, until(0)), wrong, "created at this very time");
    assert_eq!(of(limit, until(-1)), wrong);
    let stop = OrderKind::StopMarket { trigger: price(105) };
    assert_eq!(of(stop, TimeInForce::Gtc), []);
    for at_once in [TimeInForce::Ioc, TimeInForce::Fok] {
        assert_eq!(of(stop, at_once), wrong);
        assert_eq!(of(limit, at_once), []);
    }
}

/// The smallest value holds for an amount of cash as it is.
#[test]
fn an_amount_of_cash_has_a_smallest_value() {
    let of = |amount: i64| {
        let usd = table().find_asset("USD").unwrap();
        let money = Money::new(Decimal::from(amount), usd);
        found(Side::Buy, 10, |intent| intent.amount = Amount::Cash(money))
    };
    assert_eq!(of(1_000), []);
    assert_eq!(of(1_001), []);
    assert_eq!(of(999), [Violation::BelowMinNotional]);
}
