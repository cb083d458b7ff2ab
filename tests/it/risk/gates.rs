use tradewright::risk::{GridGate, OrderGate};
use tradewright::types::{
    Amount, Bracket, InstrumentId, Intent, Money, Offset, Order, OrderFlags, OrderId, OrderKind,
    ReasonCode, Side, TimeInForce, Timestamp,
};

use super::{COIN, INVERSE, SHARE, SLOT, World, dec, market, price};

fn check(intent: Intent) -> Result<(), ReasonCode> {
    let world = World::new();
    let book = world.book().build();
    let order = Order { id: OrderId::new(1, SLOT, 1), created_at: Timestamp::EPOCH, intent };
    assert_eq!(GridGate.name(), "grid");
    GridGate.check(&order, &world.facts(&book)).map_err(|refusal| refusal.reason.code)
}

fn coin(kind: OrderKind, quantity: &str) -> Intent {
    let mut intent = market(COIN, Side::Buy, quantity);
    intent.kind = kind;
    intent
}

const INVALID: Result<(), ReasonCode> = Err(ReasonCode::InvalidOrder);

#[test]
fn quantities_lie_on_the_step_above_the_minimum() {
    for (quantity, expected) in
        [("0.3", Ok(())), ("0.2", INVALID), ("0.35", INVALID), ("0", INVALID), ("-1", INVALID)]
    {
        assert_eq!(check(market(COIN, Side::Sell, quantity)), expected, "{quantity}");
    }
    assert_eq!(check(market(InstrumentId(9), Side::Buy, "1")), Err(ReasonCode::UnknownInstrument));
}

#[test]
fn prices_lie_on_the_tick() {
    let (on, off) = (price("49.5"), price("49.4"));
    let kinds = |price| {
        [
            OrderKind::Limit { price },
            OrderKind::StopMarket { trigger: price },
            OrderKind::TakeProfit { trigger: price },
            OrderKind::StopLimit { trigger: price, price: on },
            OrderKind::StopLimit { trigger: on, price },
            OrderKind::TrailingStop { offset: Offset::Price(price) },
        ]
    };
    for (good, bad) in kinds(on).into_iter().zip(kinds(off)) {
        assert_eq!(check(coin(good, "1")), Ok(()));
        assert_eq!(check(coin(bad, "1")), INVALID, "{bad:?}");
    }
    for (points, expected) in [(0, INVALID), (1, Ok(())), (9_999, Ok(())), (10_000, INVALID)] {
        let offset = Offset::BasisPoints(points);
        assert_eq!(check(coin(OrderKind::TrailingStop { offset }, "1")), expected);
    }
    for (exit, expected) in [(on, Ok(())), (off, INVALID)] {
        let mut intent = market(COIN, Side::Buy, "1");
        intent.bracket = Some(Bracket { take_profit: Some(exit), stop_loss: None });
        assert_eq!(check(intent), expected);
        intent.bracket = Some(Bracket { take_profit: None, stop_loss: Some(exit) });
        assert_eq!(check(intent), expected);
    }
}

#[test]
fn only_resting_limit_orders_can_be_post_only() {
    let limit = OrderKind::Limit { price: price("49.5") };
    let post = |kind, time_in_force| {
        let mut intent = coin(kind, "1");
        intent.flags = OrderFlags { post_only: true, reduce_only: false };
        intent.time_in_force = time_in_force;
        check(intent)
    };
    assert_eq!(post(limit, TimeInForce::Gtc), Ok(()));
    assert_eq!(post(limit, TimeInForce::Ioc), INVALID);
    assert_eq!(post(limit, TimeInForce::Fok), INVALID);
    assert_eq!(post(OrderKind::Market, TimeInForce::Gtc), INVALID);
}

#[test]
fn the_value_reaches_the_minimum_at_the_price_that_counts() {
    let limit = |text| OrderKind::Limit { price: price(text) };
    assert_eq!(check(coin(limit("10"), "1")), Ok(()));
    assert_eq!(check(coin(limit("9.5"), "1")), INVALID);
    let stop = OrderKind::StopMarket { trigger: price("9.5") };
    assert_eq!(check(coin(stop, "1")), INVALID);
    let mut reducing = coin(limit("9.5"), "1");
    reducing.flags.reduce_only = true;
    assert_eq!(check(reducing), Ok(()));
    let mut referred = market(COIN, Side::Buy, "1");
    assert_eq!(check(referred), Ok(()), "the mark is 50");
    referred.reference = 9.5;
    assert_eq!(check(referred), INVALID);
    assert_eq!(check(market(SHARE, Side::Buy, "1")), Ok(()));
    assert_eq!(check(market(INVERSE, Side::Buy, "1")), Ok(()));
}

#[test]
fn cash_is_for_market_orders_in_the_quote_currency() {
    let world = World::new();
    let cash = |amount: &str, asset| {
        let mut intent = market(COIN, Side::Buy, "1");
        intent.amount = Amount::Cash(Money::new(dec(amount), asset));
        intent
    };
    assert_eq!(check(cash("10", world.usd)), Ok(()));
    assert_eq!(check(cash("9.99", world.usd)), INVALID);
    assert_eq!(check(cash("50", world.table[COIN].base)), INVALID);
    let mut limit = cash("50", world.usd);
    limit.kind = OrderKind::Limit { price: price("50") };
    assert_eq!(check(limit), INVALID);
    let mut share = cash("0", world.usd);
    share.instrument = SHARE;
    assert_eq!(check(share), INVALID);
}
