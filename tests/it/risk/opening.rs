use proptest::prelude::*;
use tradewright::risk::{Parts, Standing, split, split_after, valuation_price};
use tradewright::types::{Amount, Decimal, Leg, Linkage, Money, OrderFlags, OrderKind, Qty, Side};

use super::{COIN, INVERSE, SHARE, SLOT, World, dec, market, price};

fn parts(reducing: &str, opening: &str) -> Parts {
    Parts { reducing: dec(reducing), opening: dec(opening) }
}

proptest! {
    /// Counts unit by unit: a unit reduces when, after all working orders of its side, it
    /// brings the position nearer to zero.
    #[test]
    fn equals_counting_unit_by_unit(
        net in -30_i64..30,
        buying in 0_i64..20,
        selling in 0_i64..20,
        quantity in 1_i64..60,
        buys in any::<bool>(),
    ) {
        let world = World::new();
        let side = if buys { Side::Buy } else { Side::Sell };
        let book = world
            .book()
            .position(SLOT, SHARE, Decimal::from(net), price("100"))
            .working(SLOT, SHARE, Side::Buy, Decimal::from(buying))
            .working(SLOT, SHARE, Side::Sell, Decimal::from(selling))
            .build();
        let step = if buys { 1 } else { -1 };
        let mut position = net + if buys { buying } else { -selling };
        // Working orders beyond zero do not make the position they cross reducible again.
        if net == 0 || net.signum() == step || position.signum() != net.signum() {
            position = 0;
        }
        let mut reducing = 0;
        for _ in 0..quantity {
            if (position + step).abs() < position.abs() {
                reducing += 1;
                position += step;
            }
        }
        let intent = market(SHARE, side, &quantity.to_string());
        let parts = split(&intent, &world.facts(&book));
        prop_assert_eq!(parts.reducing, Decimal::from(reducing));
        prop_assert_eq!(parts.opening, Decimal::from(quantity - reducing));
        let standing = Standing::of(SHARE, &world.facts(&book));
        let worst = (net + buying).abs().max((net - selling).abs());
        prop_assert_eq!(standing.worst(), Decimal::from(worst));
        let held = if buys { net + buying } else { selling - net };
        prop_assert_eq!(standing.held(side), Decimal::from(held.max(0)));
    }

    /// The parts of any group always add up to what was asked, and together never reduce more
    /// than the position.
    #[test]
    fn a_group_reduces_the_position_once(
        net in -30_i64..30,
        legs in prop::collection::vec((any::<bool>(), 1_i64..40), 1..6),
    ) {
        let world = World::new();
        let book = world.book().position(SLOT, SHARE, Decimal::from(net), price("100")).build();
        let group: Vec<_> = legs
            .iter()
            .map(|(buys, quantity)| {
                let side = if *buys { Side::Buy } else { Side::Sell };
                market(SHARE, side, &quantity.to_string())
            })
            .collect();
        let mut reduced = Decimal::ZERO;
        for (index, intent) in group.iter().enumerate() {
            let parts = split_after(intent, &group[..index], &world.facts(&book));
            prop_assert_eq!(parts.reducing + parts.opening, Decimal::from(legs[index].1));
            prop_assert!(parts.reducing >= Decimal::ZERO && parts.opening >= Decimal::ZERO);
            reduced += parts.reducing;
        }
        prop_assert!(reduced <= Decimal::from(net.abs()));
    }
}

#[test]
fn a_sale_beyond_the_position_closes_and_opens() {
    let world = World::new();
    let book = world.book().position(SLOT, SHARE, dec("10"), price("90")).build();
    let facts = world.facts(&book);
    assert_eq!(split(&market(SHARE, Side::Sell, "10"), &facts), parts("10", "0"));
    assert_eq!(split(&market(SHARE, Side::Sell, "15"), &facts), parts("10", "5"));
    assert_eq!(split(&market(SHARE, Side::Buy, "15"), &facts), parts("0", "15"));
}

#[test]
fn reduce_only_orders_are_cut_to_the_position_and_never_open() {
    let world = World::new();
    let book = world
        .book()
        .position(SLOT, SHARE, dec("10"), price("90"))
        .working(SLOT, SHARE, Side::Sell, dec("10"))
        .build();
    let facts = world.facts(&book);
    let mut stop = market(SHARE, Side::Sell, "15");
    assert_eq!(split(&stop, &facts), parts("0", "15"));
    stop.flags = OrderFlags { reduce_only: true, post_only: false };
    assert_eq!(split(&stop, &facts), parts("10", "0"));
    stop.side = Side::Buy;
    assert_eq!(split(&stop, &facts), parts("0", "0"));
}

#[test]
fn in_hedge_mode_the_leg_decides() {
    let world = World::new();
    let book = world.book().position(SLOT, SHARE, dec("-5"), price("90")).build();
    let facts = world.facts(&book);
    let with_leg = |leg, side| {
        let mut intent = market(SHARE, side, "8");
        intent.leg = leg;
        split(&intent, &facts)
    };
    assert_eq!(with_leg(Leg::Long, Side::Sell), parts("8", "0"));
    assert_eq!(with_leg(Leg::Short, Side::Buy), parts("8", "0"));
    assert_eq!(with_leg(Leg::Long, Side::Buy), parts("0", "8"));
    assert_eq!(with_leg(Leg::Short, Side::Sell), parts("0", "8"));
    assert_eq!(with_leg(Leg::Net, Side::Buy), parts("5", "3"));
}

#[test]
fn linked_legs_do_not_add_up() {
    let world = World::new();
    let book = world.book().position(SLOT, SHARE, dec("10"), price("90")).build();
    let facts = world.facts(&book);
    let exit = |linkage| {
        let mut intent = market(SHARE, Side::Sell, "10");
        intent.linkage = linkage;
        intent
    };
    let linked = exit(Linkage::OneCancelsOther(1));
    assert_eq!(split_after(&linked, &[linked], &facts), parts("10", "0"));
    let other = exit(Linkage::OneCancelsOther(2));
    assert_eq!(split_after(&linked, &[other], &facts), parts("0", "10"));
    let alone = exit(Linkage::None);
    assert_eq!(split_after(&alone, &[alone], &facts), parts("0", "10"));
    let elsewhere = market(COIN, Side::Sell, "10");
    assert_eq!(split_after(&alone, &[elsewhere], &facts), parts("10", "0"));
}

#[test]
fn cash_is_estimated_at_the_price_that_values_it() {
    let world = World::new();
    let book = world.book().position(SLOT, SHARE, dec("-4"), price("90")).build();
    let facts = world.facts(&book);
    let mut buy = market(SHARE, Side::Buy, "1");
    buy.amount = Amount::Cash(Money::new(dec("1000"), world.usd));
    assert_eq!(split(&buy, &facts), parts("4", "6"));
    buy.reference = 50.0;
    assert_eq!(split(&buy, &facts), parts("4", "16"));
    let blind = tradewright::types::FactBookBuilder::new(&world.table, world.usd).build();
    buy.reference = f64::NAN;
    let unknown = split(&buy, &world.facts(&blind));
    assert_eq!(unknown, Parts { reducing: Decimal::ZERO, opening: Decimal::MAX });
    let nothing = split(&market(SHARE, Side::Buy, "0"), &facts);
    assert_eq!(nothing.opening, Decimal::MAX, "not above zero cannot be judged");
    assert_eq!(Qty::ZERO, Qty::default());
}

#[test]
fn sales_are_valued_at_the_mark_at_least() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let valued = |instrument, side, limit: Option<&str>| {
        let mut intent = market(instrument, side, "1");
        if let Some(limit) = limit {
            intent.kind = OrderKind::Limit { price: price(limit) };
        }
        valuation_price(&intent, &world.table[instrument], &facts)
    };
    assert_eq!(valued(SHARE, Side::Buy, None), 100.0);
    assert_eq!(valued(SHARE, Side::Buy, Some("80")), 80.0);
    assert_eq!(valued(SHARE, Side::Buy, Some("120")), 120.0);
    assert_eq!(valued(SHARE, Side::Sell, Some("80")), 100.0);
    assert_eq!(valued(SHARE, Side::Sell, Some("120")), 120.0);
    assert_eq!(valued(INVERSE, Side::Buy, Some("10000")), 40_000.0);
}
