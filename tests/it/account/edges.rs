//! The account where something is missing, does not fit, or was damaged.

use tradewright::account::{
    Account, AdjustmentEffects, Ledger, LedgerConfig, LedgerError, MarkPrices, PositionMode,
    PriceSource,
};
use tradewright::risk::PortfolioHeat;
use tradewright::types::{
    AdjustmentKind, Decimal, FactBookBuilder, Facts, Fill, Funding, Instrument, InstrumentId,
    Instruments, Leg, Money, Qty, Side, SlotId, State, StateError, StopFact, TradeId, WorkingFacts,
};

use super::{ACME, BTCUSD, COIN, ONE, PERP, TWO, World, at, dec, price, table, usd};

/// Slots are numbered by 16 bits: 65,536 of them are the most, the house included.
#[test]
fn as_many_slots_as_numbers() {
    let mut small = Instruments::new();
    small.add(Instrument::stock("ACME", "USD")).unwrap();
    let of = |slots| {
        let ledger = Box::new(Ledger::new(&small, slots, LedgerConfig::default()));
        Account::new(&small, slots, usd(&small), ledger).map(|_| ())
    };
    assert_eq!(of(65_536), Ok(()));
    assert_eq!(of(65_537), Err(LedgerError::UnknownSlot { slot: SlotId::HOUSE }));
}

/// Open risk is money: it follows the stop, what the stop covers, and the rate of the currency in
/// which the loss would be.
#[test]
fn open_risk_follows_stops_and_rates() {
    let mut world = World::new();
    world.mark(BTCUSD, 50_000.0);
    world.mark(COIN, 50_000.0);
    world.trade(ONE, COIN, "10", "50000");
    let heat = PortfolioHeat::new(1.0).unwrap();
    let is_near = |world: &World, expected: f64| {
        let facts = Facts::new(at(9), SlotId::HOUSE, &world.table, world.book());
        let (all, own) = (heat.open_risk(&facts), heat.risk_of(ONE, COIN, &facts));
        assert!((all - expected).abs() < 1e-9 && all == own, "{all}, {own} and {expected}");
    };
    // Without a stop everything can be lost.
    is_near(&world, 1_000.0);
    let stop = StopFact { level: 40_000.0, covered: 10.0, distance: 0.0 };
    world.account.note_stop(ONE, COIN, stop);
    // Ten contracts of 100 USD lose 0.005 BTC.
    is_near(&world, 250.0);
    world.mark(BTCUSD, 60_000.0);
    is_near(&world, 300.0);
    world.account.note_stop(ONE, COIN, StopFact { covered: 4.0, ..stop });
    is_near(&world, 120.0 + 6.0 * 120.0);
    world.mark(COIN, 60_000.0);
    is_near(&world, 120.0 + 6.0 * 100.0);
    world.trade(ONE, COIN, "-10", "60000");
    is_near(&world, 0.0);
}

/// The mark of an instrument that nobody holds is a fact and no more, even while its
/// currency has no rate.
#[test]
fn marks_of_what_is_not_held_move_no_equity() {
    let mut world = World::new();
    world.deposit("100", "USD");
    for mark in [50.0, 55.0, 60.0] {
        world.mark(COIN, mark);
        assert_eq!((world.equity(), world.book().gross()), (100.0, 0.0));
    }
    // Bought and sold again, it is not held either; the gain is 0.2 BTC.
    world.mark(BTCUSD, 60.0);
    world.trade(ONE, COIN, "1", "50");
    world.trade(ONE, COIN, "-1", "50");
    for mark in [70.0, 90.0] {
        world.mark(COIN, mark);
        assert_eq!((world.equity(), world.book().gross()), (100.0, 0.0));
    }
}

/// The largest finite price is a price; what is beyond is none.
#[test]
fn every_finite_price_is_a_mark() {
    let mut world = World::new();
    for mark in [f64::MIN_POSITIVE, f64::MAX] {
        world.mark(ACME, mark);
        assert_eq!(world.book().mark(ACME).unwrap().price, mark);
    }
    world.mark(ACME, f64::INFINITY);
    assert_eq!(world.book().mark(ACME).unwrap().price, f64::MAX);
}

/// A long and a short leg of one size have no net, and their gross follows the mark.
#[test]
fn the_gross_of_a_hedge_follows_the_mark() {
    let mut world = World::of(table(), PositionMode::Hedging);
    world.mark(PERP, 50.0);
    for (quantity, leg) in [("10", Leg::Long), ("-10", Leg::Short)] {
        let mut fill = world.fill(ONE, PERP, quantity, "50");
        fill.leg = leg;
        world.book_fill(&fill).unwrap();
    }
    assert!(world.book().net(PERP).is_flat());
    assert_eq!(world.book().gross(), 100.0);
    world.mark(PERP, 60.0);
    assert!((world.book().gross() - 120.0).abs() < 1e-9);
    assert!(world.equity().abs() < 1e-9);
}

/// The position without a name counts beside one leg as it does beside two.
#[test]
fn the_gross_of_one_leg_counts_what_is_beside_it() {
    let mut world = World::of(table(), PositionMode::Hedging);
    world.mark(PERP, 50.0);
    world.trade(ONE, PERP, "-3", "50");
    let entry = Fill { leg: Leg::Long, ..world.fill(ONE, PERP, "5", "50") };
    world.book_fill(&entry).unwrap();
    assert_eq!(world.book().net(PERP).size, 2.0);
    assert_eq!(world.book().gross(), 40.0, "eight times 0.1 times 50");
}

/// What is paid in full in another currency is worth its price times that currency's rate.
#[test]
fn spot_in_another_currency_is_converted() {
    let mut table = table();
    let ethbtc = table.add(Instrument::spot("ETHBTC", "ETH", "BTC").tick("0.0001")).unwrap();
    let mut world = World::of(table, PositionMode::Netting);
    world.mark(BTCUSD, 60.0);
    world.mark(ethbtc, 0.5);
    world.trade(ONE, ethbtc, "8", "0.5");
    // 8 ETH for 4 BTC.
    assert_eq!((world.equity(), world.book().gross()), (0.0, 240.0));
    world.mark(ethbtc, 0.75);
    assert!((world.equity() - 120.0).abs() < 1e-9);
    world.mark(BTCUSD, 30.0);
    assert_eq!((world.equity(), world.book().gross()), (60.0, 180.0));
}

/// Of several perpetuals of a currency the first in the table tells its rate.
#[test]
fn the_first_perpetual_of_a_currency_is_its_rate() {
    let mut table = Instruments::new();
    let first = table.add(Instrument::linear_perpetual("EUR-1", "EUR", "USD")).unwrap();
    let second = table.add(Instrument::linear_perpetual("EUR-2", "EUR", "USD")).unwrap();
    let mut world = World::of(table, PositionMode::Netting);
    world.deposit("10", "EUR");
    world.mark(second, 1.5);
    assert!(world.equity().is_nan());
    world.mark(first, 1.25);
    assert_eq!(world.equity(), 12.5);
}

/// Reservations of two instruments are apart, and a change of any one number is taken.
#[test]
fn each_number_of_a_reservation_counts() {
    let mut world = World::new();
    for (instrument, buy, sell, orders) in [
        (ACME, "5", "2", 1),
        (PERP, "7", "0", 2),
        (ACME, "5", "2", 3),
        (ACME, "6", "2", 3),
        (ACME, "6", "1", 3),
        (ACME, "6", "1", 3),
        (PERP, "0", "0", 0),
        (ACME, "0", "0", 0),
    ] {
        let (buy, sell) = (dec(buy), dec(sell));
        world.account.reserve(ONE, instrument, buy, sell, orders).unwrap();
        assert_eq!(world.book().working(instrument), WorkingFacts { buy, sell, orders });
        let own = world.book().position(ONE, instrument);
        assert_eq!((own.working(Side::Buy), own.working(Side::Sell)), (buy, sell));
    }
}

/// A cross of no quantity is refused, whoever the parties are.
#[test]
fn nothing_is_crossed_by_nothing() {
    let mut world = World::new();
    for quantity in [Decimal::ZERO, Decimal::NEGATIVE_ONE] {
        for seller in [ONE, TWO] {
            let World { table, account, closed, .. } = &mut world;
            let outcome =
                account.cross(at(1), table, ACME, ONE, seller, quantity, price("5"), closed);
            assert_eq!(outcome, Err(LedgerError::BadQuantity { quantity }));
        }
    }
}

/// Books that know more slots and instruments than the account do not widen it.
#[test]
fn an_account_refuses_what_only_its_books_know() {
    let table = table();
    let mut wider = table.clone();
    let late = wider.add(Instrument::stock("LATE", "USD")).unwrap();
    let ledger = Box::new(Ledger::new(&wider, 4, LedgerConfig::default()));
    let account = Account::new(&table, 3, usd(&table), ledger).unwrap();
    let mut world = World {
        table: wider,
        account,
        closed: Vec::new(),
        effects: AdjustmentEffects::default(),
        clock: 0,
    };
    let before = world.account.save().unwrap();
    let stranger = world.fill(SlotId(3), ACME, "1", "10");
    let slot = SlotId(3);
    assert_eq!(world.book_fill(&stranger), Err(LedgerError::UnknownSlot { slot }));
    let unlisted = world.fill(ONE, late, "1", "10");
    let unknown = LedgerError::UnknownInstrument { instrument: late };
    assert_eq!(world.book_fill(&unlisted), Err(unknown));
    assert_eq!(world.account.save().unwrap(), before);
}

/// Two positions that fit, and whose net does not: the second fill is refused and nothing is
/// booked.
#[test]
fn a_net_quantity_that_does_not_fit_is_refused() {
    let mut world = World::new();
    let half = "50000000000000000000000000000";
    world.trade(ONE, PERP, half, "0.01");
    let before = world.account.save().unwrap();
    let fill = world.fill(TWO, PERP, half, "0.01");
    let overflow = LedgerError::Overflow { what: "net quantity" };
    assert_eq!(world.book_fill(&fill), Err(overflow));
    assert_eq!(world.account.save().unwrap(), before);
}

/// Two costs that fit, and whose sum does not: the fill is booked, because it happened, and
/// equity is unknown from then on.
#[test]
fn a_net_cost_that_does_not_fit_makes_equity_unknown() {
    let mut world = World::new();
    let fill = |world: &mut World, slot| {
        let fill = world.fill(slot, PERP, "500000000000000", "1000000000000000");
        world.book_fill(&fill).map(|_| ())
    };
    assert_eq!(fill(&mut world, ONE), Ok(()));
    assert!(world.equity().is_finite());
    assert_eq!(fill(&mut world, TWO), Ok(()));
    let held = world.account.pnl().holding(TWO, PERP, Leg::Net);
    assert_eq!(held.quantity, dec("500000000000000"));
    assert!(world.equity().is_nan() && world.book().gross().is_nan());
    world.mark(PERP, 10.0);
    assert!(world.equity().is_nan(), "a mark does not heal it");
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Seen {
    highest: Vec<Option<TradeId>>,
    trades: Vec<(InstrumentId, TradeId)>,
    fingerprints: Vec<u64>,
    next: usize,
}

/// The facts are kept loose, so that a part of them can be exchanged.
#[derive(serde::Serialize, serde::Deserialize)]
struct Saved {
    book: serde_json::Value,
    pnl: Vec<u8>,
    seen: Seen,
    orders: Vec<u32>,
    marks_left: u32,
    is_sound: bool,
}

fn read(world: &World) -> Saved {
    rmp_serde::from_slice(&world.account.save().unwrap()).unwrap()
}

/// Everything marked: what is not a number has no loose form.
fn marked() -> World {
    let mut world = World::new();
    for id in [BTCUSD, ACME, PERP, COIN] {
        world.mark(id, 40.0);
    }
    world.trade(ONE, ACME, "3", "10");
    world
}

/// Cash that differs from the books is found, and so is a position that does.
#[test]
fn facts_are_compared_with_the_books_one_by_one() {
    let mut world = marked();
    let before = world.account.save().unwrap();
    let whole = rmp_serde::to_vec_named(&read(&world)).unwrap();
    world.account.restore(&whole).unwrap();
    assert_eq!(world.account.save().unwrap(), before);

    let mut richer = marked();
    richer.deposit("7", "USD");
    richer.trade(TWO, ACME, "1", "10");
    for part in ["cash", "slots"] {
        let mut forged = read(&world);
        forged.book[part] = read(&richer).book[part].clone();
        let bytes = rmp_serde::to_vec_named(&forged).unwrap();
        let outcome = world.account.restore(&bytes);
        assert!(matches!(outcome, Err(StateError::Unreadable(_))), "{part}: {outcome:?}");
        assert_eq!(world.account.save().unwrap(), before);
    }
}

/// Facts that lack a row of any of their tables are of no account.
#[test]
fn facts_with_missing_rows_are_refused() {
    let mut world = marked();
    let before = world.account.save().unwrap();
    let paths = ["/net", "/working", "/slots/0", "/slots/2"];
    for path in paths {
        let mut forged = read(&world);
        forged.book.pointer_mut(path).unwrap().as_array_mut().unwrap().pop();
        let bytes = rmp_serde::to_vec_named(&forged).unwrap();
        let Err(StateError::Mismatch { expected, found }) = world.account.restore(&bytes) else {
            panic!("{path} was restored");
        };
        assert_eq!(found, format!("{expected}, incomplete"), "{path}");
        assert_eq!(world.account.save().unwrap(), before);
    }
}

/// A position that is handed over before the market has said anything is marked at its price and
/// its time; one that does not fit the net quantity changes nothing.
#[test]
fn a_position_that_is_handed_over_is_marked_and_fits() {
    let mut world = World::new();
    world.clock = 7;
    let change = |slot, change| AdjustmentKind::Position {
        slot,
        instrument: ACME,
        change: Qty::new(change),
        price: price("0.01"),
    };
    world.adjust(change(ONE, dec("5"))).unwrap();
    let mark = world.book().mark(ACME).unwrap();
    assert_eq!((mark.price, mark.at), (0.01, at(7)));
    let before = world.account.save().unwrap();
    assert!(world.adjust(change(TWO, Decimal::MAX)).is_err());
    assert_eq!(world.account.save().unwrap(), before);
}

/// A price of zero is no rate of exchange.
#[test]
fn a_mark_of_zero_converts_nothing() {
    let mut world = World::new();
    let rate = |world: &World| {
        let facts = Facts::new(at(9), SlotId::HOUSE, &world.table, world.book());
        let btc = world.table.find_asset("BTC").unwrap();
        MarkPrices::new(facts).rate(btc, usd(&world.table)).map(|rate| rate.value)
    };
    assert_eq!(rate(&world), None);
    world.mark(BTCUSD, 50_000.0);
    assert_eq!(rate(&world), Some(50_000.0));
}

/// A fee in another asset than that of the books is worth what it buys of it: 50 USD are a
/// thousandth of a bitcoin.
#[test]
fn a_fee_in_another_asset_is_worth_what_it_buys() {
    let mut world = World::new();
    world.mark(BTCUSD, 50_000.0);
    world.mark(COIN, 50_000.0);
    let mut entry = world.fill(ONE, COIN, "10", "50000");
    entry.execution.fee.amount = dec("50");
    world.book_fill(&entry).unwrap();
    world.trade(ONE, COIN, "-10", "50000");
    assert_eq!(world.closed[0].fees, dec("0.001"));
}

/// Payments and closed legs are those of their owners, also where a position has two legs.
#[test]
fn legs_have_their_owners() {
    let mut world = World::of(table(), PositionMode::Hedging);
    for (slot, leg, quantity) in [(ONE, Leg::Long, "10"), (TWO, Leg::Short, "-4")] {
        let entry = Fill { leg, ..world.fill(slot, ACME, quantity, "10") };
        world.book_fill(&entry).unwrap();
    }
    world.adjust(AdjustmentKind::Dividend { instrument: ACME, amount: dec("0.5") }).unwrap();
    let paid = [(ONE, "5"), (TWO, "-2")];
    let paid = paid.map(|(slot, amount)| (slot, Money::new(dec(amount), usd(&world.table))));
    assert_eq!(world.effects.paid, paid);
    world.adjust(AdjustmentKind::Settlement { instrument: ACME, price: dec("12") }).unwrap();
    let closed = world.effects.closed.iter();
    let closed: Vec<_> = closed.map(|trade| (trade.slot, trade.leg, trade.gross.amount)).collect();
    assert_eq!(closed, [(ONE, Leg::Long, dec("20")), (TWO, Leg::Short, dec("-8"))]);
}

/// A fill whose legs have no sum is refused before it is booked, also where the net of all owners
/// would take it.
#[test]
fn the_legs_of_an_owner_have_a_sum() {
    let mut world = World::of(table(), PositionMode::Hedging);
    for (slot, change) in [(ONE, Decimal::MAX), (TWO, Decimal::MIN)] {
        let (change, price) = (Qty::new(change), price("0.01"));
        world.adjust(AdjustmentKind::Position { slot, instrument: ACME, change, price }).unwrap();
    }
    let before = world.account.save().unwrap();
    let entry = Fill { leg: Leg::Long, ..world.fill(ONE, ACME, "1", "10") };
    assert_eq!(world.book_fill(&entry), Err(LedgerError::Overflow { what: "quantity" }));
    assert_eq!(world.account.save().unwrap(), before);
}

/// What came in for nothing costs nothing and is worth its mark.
#[test]
fn a_position_without_cost_is_seen() {
    let mut world = World::new();
    let (change, price) = (Qty::new(dec("3")), price("0.0000000000001"));
    let kind = AdjustmentKind::Position { slot: ONE, instrument: ACME, change, price };
    world.adjust(kind).unwrap();
    world.mark(ACME, 10.0);
    assert_eq!(world.book().position(ONE, ACME).cost, Decimal::ZERO);
    let facts = Facts::new(at(9), SlotId::HOUSE, &world.table, world.book());
    let usd = usd(&world.table);
    let view = world.account.view(&world.table, usd, &MarkPrices::new(facts)).unwrap();
    assert_eq!((view.equity, view.unrealised), (30.0, 30.0));
    assert_eq!(view.rates_at, at(1), "as old as the mark");
}

/// A rate has an end and is above zero, whether it is a mark, its reciprocal or a product of two.
#[test]
fn rates_are_numbers() {
    let mut table = Instruments::new();
    let first = table.add(Instrument::spot("AB", "A", "B")).unwrap();
    let second = table.add(Instrument::spot("BC", "B", "C")).unwrap();
    let asset = |code| table.find_asset(code).unwrap();
    let rate = |marks: [f64; 2], from, to| {
        let book = FactBookBuilder::new(&table, asset("C"));
        let book = book.mark(first, at(1), marks[0]).mark(second, at(2), marks[1]).build();
        let facts = Facts::new(at(9), SlotId::HOUSE, &table, &book);
        MarkPrices::new(facts).rate(asset(from), asset(to)).map(|rate| rate.value)
    };
    assert_eq!(rate([2.0, 4.0], "A", "C"), Some(8.0));
    assert_eq!(rate([2.0, 4.0], "C", "A"), Some(0.125));
    let book = FactBookBuilder::new(&table, asset("C"));
    let book = book.mark(first, at(1), 2.0).mark(second, at(2), 4.0).build();
    let facts = Facts::new(at(9), SlotId::HOUSE, &table, &book);
    let both = MarkPrices::new(facts).rate(asset("A"), asset("C"));
    assert_eq!(both.unwrap().at, at(1), "as old as the older one");
    assert_eq!(rate([1e200, 1e200], "A", "C"), None, "too much");
    assert_eq!(rate([1e-200, 1e-200], "A", "C"), None, "too little");
    assert_eq!(rate([1e-310, 1.0], "A", "B"), Some(1e-310));
    assert_eq!(rate([1e-310, 1.0], "B", "A"), None, "one over almost nothing");
}

/// A view sums up what was realised, paid and put in, each for itself.
#[test]
fn a_view_sums_up() {
    let mut world = World::new();
    world.deposit("1000", "USD");
    let mut entry = world.fill(ONE, ACME, "10", "10");
    entry.execution.fee.amount = dec("1");
    world.book_fill(&entry).unwrap();
    world.trade(ONE, ACME, "-10", "12");
    world.trade(ONE, PERP, "10", "50");
    let funding = Funding { instrument: PERP, rate: 0.01, mark: 50.0 };
    world.account.on_funding(at(8), &world.table, &funding, &mut Vec::new()).unwrap();
    world.trade(ONE, PERP, "-10", "50");
    let facts = Facts::new(at(9), SlotId::HOUSE, &world.table, world.book());
    let usd = usd(&world.table);
    let view = world.account.view(&world.table, usd, &MarkPrices::new(facts)).unwrap();
    assert_eq!((view.deposits, view.realised, view.fees), (1_000.0, 20.0, 1.0));
    assert_eq!(view.funding, -0.5);
    assert_eq!((view.cash, view.equity, view.unrealised), (1_018.5, 1_018.5, 0.0));
}
