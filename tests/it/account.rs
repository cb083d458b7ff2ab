//! The account: facts that equal the books, equity that follows the market, and its memory.

mod edges;

use proptest::prelude::*;
use tradewright::account::{
    Account, AdjustmentEffects, Holding, Ledger, LedgerConfig, LedgerError, PnlCalculator,
    PositionMode,
};
use tradewright::types::{
    Adjustment, AdjustmentCause, AdjustmentKind, AssetId, Decimal, FactBook, Facts, Fill,
    FillReport, Funding, HaltLevel, Instrument, InstrumentId, Instruments, Label, Leg, Liquidity,
    Money, OptionRight, OrderId, Price, Purpose, Qty, Side, SlotId, State, StateError, Timestamp,
    Trade, TradeId, WorkingFacts, to_f64,
};

const ACME: InstrumentId = InstrumentId(0);
const PERP: InstrumentId = InstrumentId(1);
const COIN: InstrumentId = InstrumentId(2);
const BTCUSD: InstrumentId = InstrumentId(3);
const HOUSE: SlotId = SlotId::HOUSE;
const ONE: SlotId = SlotId(1);
const TWO: SlotId = SlotId(2);
const SLOTS: usize = 3;

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn price(text: &str) -> Price {
    Price::new(dec(text)).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(seconds).unwrap()
}

/// A share, a perpetual of 0.1, an inverse perpetual of 100 USD, and BTC itself.
fn table() -> Instruments {
    let mut table = Instruments::new();
    table.add(Instrument::stock("ACME", "USD")).unwrap();
    table.add(Instrument::linear_perpetual("PERP", "ETH", "USD").multiplier("0.1")).unwrap();
    table.add(Instrument::inverse_perpetual("COIN", "BTC", "USD").multiplier("100")).unwrap();
    table.add(Instrument::spot("BTCUSD", "BTC", "USD")).unwrap();
    table
}

fn usd(table: &Instruments) -> AssetId {
    table.find_asset("USD").unwrap()
}

/// An account, its table, and short words to feed it.
struct World {
    table: Instruments,
    account: Account,
    closed: Vec<Trade>,
    effects: AdjustmentEffects,
    clock: i64,
}

fn account(table: &Instruments, positions: PositionMode) -> Account {
    let config = LedgerConfig { positions, ..LedgerConfig::default() };
    let ledger = Box::new(Ledger::new(table, SLOTS, config));
    Account::new(table, SLOTS, usd(table), ledger).unwrap()
}

impl World {
    fn new() -> Self {
        Self::of(table(), PositionMode::Netting)
    }

    fn of(table: Instruments, positions: PositionMode) -> Self {
        let account = account(&table, positions);
        let effects = AdjustmentEffects::default();
        Self { table, account, closed: Vec::new(), effects, clock: 0 }
    }

    fn book(&self) -> &FactBook {
        self.account.book()
    }

    fn equity(&self) -> f64 {
        self.book().equity()
    }

    fn mark(&mut self, id: InstrumentId, price: f64) {
        self.clock += 1;
        self.account.mark(at(self.clock), &self.table, id, price);
    }

    fn fill(&mut self, slot: SlotId, id: InstrumentId, quantity: &str, at_price: &str) -> Fill {
        self.clock += 1;
        let quantity = dec(quantity);
        Fill {
            at: at(self.clock),
            order: OrderId::default(),
            slot,
            instrument: id,
            side: Side::of(quantity).unwrap(),
            leg: Leg::Net,
            execution: FillReport {
                trade: TradeId(self.clock as u128),
                price: price(at_price),
                quantity: Qty::new(quantity.abs()),
                fee: Money::zero(usd(&self.table)),
                liquidity: Liquidity::Taker,
                before_slippage: price(at_price),
            },
            arrival: f64::NAN,
            purpose: Purpose::Entry,
            tag: Label::default(),
        }
    }

    fn book_fill(&mut self, fill: &Fill) -> Result<Money, LedgerError> {
        self.account.on_fill(&self.table, fill, &mut self.closed)
    }

    fn trade(&mut self, slot: SlotId, id: InstrumentId, quantity: &str, at_price: &str) -> Money {
        let fill = self.fill(slot, id, quantity, at_price);
        self.book_fill(&fill).unwrap()
    }

    fn adjust(&mut self, kind: AdjustmentKind) -> Result<(), LedgerError> {
        let adjustment = Adjustment { cause: AdjustmentCause::Reconciliation, kind };
        self.account.adjust(at(self.clock), &self.table, &adjustment, &mut self.effects)
    }

    fn deposit(&mut self, amount: &str, code: &str) {
        let asset = self.table.find_asset(code).unwrap();
        self.adjust(AdjustmentKind::Capital(Money::new(dec(amount), asset))).unwrap();
    }
}

#[test]
fn fills_and_marks_reach_the_facts() {
    let mut world = World::new();
    world.deposit("1000", "USD");
    assert_eq!(world.equity(), 1_000.0);
    world.mark(ACME, 10.0);
    assert_eq!(world.book().mark(ACME).unwrap().at, at(1));
    assert_eq!(world.book().mark(ACME).unwrap().rate, 1.0);
    let realised = world.trade(ONE, ACME, "20", "11");
    assert_eq!(realised, Money::zero(usd(&world.table)));
    world.trade(TWO, ACME, "-5", "12");

    let own = *world.book().position(ONE, ACME);
    assert_eq!((own.quantity, own.size, own.cost), (dec("20"), 20.0, dec("220")));
    assert_eq!((own.average, own.opened_at), (11.0, at(2)));
    let other = *world.book().position(TWO, ACME);
    assert_eq!((other.quantity, other.cost, other.average), (dec("-5"), dec("-60"), 12.0));
    let net = *world.book().net(ACME);
    assert_eq!((net.quantity, net.size, net.cost), (dec("15"), 15.0, dec("160")));
    assert_eq!(net.opened_at, at(2));
    assert_eq!(world.book().cash(usd(&world.table)), dec("840"));
    assert_eq!(world.account.sums(usd(&world.table)).cash, dec("840"));
    assert!(world.book().position(HOUSE, ACME).is_flat());

    // 840 in cash and 15 shares at 10, then at 14.
    assert_eq!((world.equity(), world.book().gross()), (990.0, 150.0));
    world.mark(ACME, 14.0);
    assert_eq!((world.equity(), world.book().gross()), (1_050.0, 210.0));
    let facts = Facts::new(at(9), ONE, &world.table, world.account.book());
    assert_eq!(facts.equity_exact(), Some(dec("1050")));

    assert_eq!(world.trade(ONE, ACME, "-20", "14").amount, dec("60"));
    assert!(world.book().position(ONE, ACME).is_flat());
    assert_eq!(world.book().position(ONE, ACME).average, 0.0);
    assert_eq!(world.closed.len(), 1);
    assert_eq!(world.account.pnl().sums(usd(&world.table)).realised, dec("60"));
    world.account.set_halt(HaltLevel::ReduceOnly);
    assert_eq!(world.book().halt(), HaltLevel::ReduceOnly);
}

#[test]
fn margined_positions_are_worth_their_profit() {
    let mut world = World::new();
    world.mark(PERP, 100.0);
    world.trade(ONE, PERP, "-50", "100");
    assert_eq!((world.equity(), world.book().gross()), (0.0, 500.0));
    assert_eq!(world.book().position(ONE, PERP).average, 100.0);
    world.mark(PERP, 90.0);
    assert_eq!((world.equity(), world.book().gross()), (50.0, 450.0));
    let facts = Facts::new(at(9), ONE, &world.table, world.account.book());
    assert_eq!(facts.equity_exact(), Some(dec("50")));
}

#[test]
fn equity_is_unknown_while_a_held_currency_has_no_rate() {
    let mut world = World::new();
    world.deposit("100", "USD");
    // Flat in BTC: no rate is needed.
    world.mark(COIN, 50.0);
    assert_eq!(world.equity(), 100.0);
    assert!(world.book().mark(COIN).unwrap().rate.is_nan());
    world.trade(ONE, COIN, "10", "50");
    assert!(world.equity().is_nan());
    assert!(world.book().gross().is_nan());
    world.mark(COIN, 80.0);
    assert!(world.equity().is_nan());
    // 10 contracts: 20 BTC at 50, 12.5 BTC at 80; BTC at 60.
    world.mark(BTCUSD, 60.0);
    assert_eq!(world.book().mark(COIN).unwrap().rate, 60.0);
    assert_eq!(world.equity(), 100.0 + 7.5 * 60.0);
    assert_eq!(world.book().gross(), 12.5 * 60.0);
    assert_eq!(world.book().position(ONE, COIN).average, 50.0);
    // The contract's own mark moves it at the same rate, the rate's mark at the same price.
    world.mark(COIN, 100.0);
    assert!((world.equity() - (100.0 + 10.0 * 60.0)).abs() < 1e-9);
    assert!((world.book().gross() - 10.0 * 60.0).abs() < 1e-9);
    world.mark(BTCUSD, 30.0);
    assert_eq!(world.equity(), 100.0 + 10.0 * 30.0);
    let facts = Facts::new(at(9), ONE, &world.table, world.account.book());
    assert_eq!(facts.equity_exact(), None);
}

#[test]
fn cash_of_other_assets_is_converted_while_there_is_some() {
    let mut world = World::new();
    world.deposit("2", "BTC");
    assert!(world.equity().is_nan());
    world.mark(BTCUSD, 60.0);
    assert_eq!(world.equity(), 120.0);
    world.mark(BTCUSD, 70.0);
    assert_eq!(world.equity(), 140.0);
    world.deposit("-2", "BTC");
    assert_eq!(world.equity(), 0.0);
    let facts = Facts::new(at(9), ONE, &world.table, world.account.book());
    assert_eq!(facts.equity_exact(), Some(Decimal::ZERO));
    // ETH has no instrument of its own but a perpetual.
    world.deposit("3", "ETH");
    assert!(world.equity().is_nan());
    world.mark(PERP, 20.0);
    assert_eq!(world.equity(), 60.0);
}

#[test]
fn rates_come_from_spot_first_and_from_either_side() {
    let mut table = Instruments::new();
    let right = (OptionRight::Call, "1");
    let option = Instrument::option("EUR-C", ["EUR", "USD"], right, Timestamp::MAX);
    table.add(option).unwrap();
    table.add(Instrument::linear_perpetual("EURPERP", "EUR", "USD")).unwrap();
    table.add(Instrument::spot("EURUSD", "EUR", "USD")).unwrap();
    table.add(Instrument::spot("USDJPY", "USD", "JPY")).unwrap();
    table.add(Instrument::option("GBP-C", ["GBP", "USD"], right, Timestamp::MAX)).unwrap();
    let mut world = World::of(table, PositionMode::Netting);
    world.deposit("10", "EUR");
    for (id, mark) in [(0, 0.5), (1, 1.5)] {
        world.mark(InstrumentId(id), mark);
        assert!(world.equity().is_nan());
    }
    world.mark(InstrumentId(2), 1.25);
    assert_eq!(world.equity(), 12.5);
    world.deposit("200", "JPY");
    assert!(world.equity().is_nan());
    world.mark(InstrumentId(3), 100.0);
    assert_eq!(world.equity(), 14.5);
    assert_eq!(world.book().mark(InstrumentId(3)).unwrap().rate, 0.01);
    // An option's price is no rate.
    world.mark(InstrumentId(4), 2.0);
    world.deposit("1", "GBP");
    assert!(world.equity().is_nan());
}

#[test]
fn the_first_fill_or_adjustment_stands_in_for_a_mark() {
    let mut world = World::new();
    world.trade(ONE, ACME, "2", "30");
    assert_eq!(world.book().mark(ACME).unwrap().price, 30.0);
    assert_eq!((world.equity(), world.book().gross()), (0.0, 60.0));
    world.trade(ONE, ACME, "1", "40");
    assert_eq!(world.book().mark(ACME).unwrap().price, 30.0);
    let kind = AdjustmentKind::Position {
        slot: HOUSE,
        instrument: BTCUSD,
        change: Qty::from(2),
        price: price("70"),
    };
    world.adjust(kind).unwrap();
    assert_eq!(world.book().mark(BTCUSD).unwrap().price, 70.0);
    assert_eq!(world.book().position(HOUSE, BTCUSD).quantity, dec("2"));
    assert_eq!(world.book().net(BTCUSD).quantity, dec("2"));
    assert_eq!(world.equity(), -10.0 + 140.0);
}

#[test]
fn what_is_no_price_is_not_taken() {
    let mut world = World::new();
    world.mark(ACME, 10.0);
    world.trade(ONE, ACME, "1", "10");
    for bad in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
        world.mark(ACME, bad);
    }
    world.mark(InstrumentId(99), 5.0);
    assert_eq!(world.book().mark(ACME).unwrap().price, 10.0);
    assert_eq!(world.book().mark(ACME).unwrap().at, at(1));
    assert_eq!(world.equity(), 0.0);
}

#[test]
fn equity_is_summed_anew_every_1024_marks() {
    // 3 * 0.1 steps leave a rounding error behind; the sum from the books has none.
    let mut world = World::new();
    world.trade(ONE, ACME, "1000000", "0.1");
    let (mut marks, mut drifted) = (0, 0);
    loop {
        marks += 1;
        let mark = 0.1 + f64::from(marks % 7) * 0.1;
        world.mark(ACME, mark);
        let exact = to_f64(dec("-100000")) + 1_000_000.0 * mark;
        if marks == 1_024 {
            assert_eq!(world.equity(), exact);
            break;
        }
        drifted += i32::from(world.equity() != exact);
    }
    assert!(drifted > 0, "the marks were too kind to show a drift");
    // A fill starts the count anew, and sums at once.
    world.mark(ACME, 0.3);
    world.trade(ONE, ACME, "1", "0.3");
    let exact = -100_000.3 + 1_000_001.0 * 0.3;
    assert!((world.equity() - exact).abs() < 1e-9);
}

#[test]
fn repeated_executions_are_known() {
    let mut world = World::new();
    let mut fill = world.fill(ONE, ACME, "1", "10");
    assert!(!world.account.is_repeated(ACME, TradeId(5)));
    fill.execution.trade = TradeId(5);
    world.book_fill(&fill).unwrap();
    assert!(world.account.is_repeated(ACME, TradeId(5)));
    assert!(!world.account.is_repeated(ACME, TradeId(4)));
    assert!(!world.account.is_repeated(ACME, TradeId(6)));
    assert!(!world.account.is_repeated(PERP, TradeId(5)));
    assert!(!world.account.is_repeated(InstrumentId(77), TradeId(5)));
    // Two long ids with the same fingerprint are told apart.
    fill.execution.trade = TradeId((9 << 64) | 3);
    world.book_fill(&fill).unwrap();
    assert!(world.account.is_repeated(ACME, TradeId((9 << 64) | 3)));
    assert!(!world.account.is_repeated(ACME, TradeId((3 << 64) | 9)));
    // A refused fill is not remembered.
    fill.execution.quantity = Qty::ZERO;
    fill.execution.trade = TradeId(100);
    assert_eq!(world.book_fill(&fill), Err(LedgerError::BadQuantity { quantity: Decimal::ZERO }));
    assert!(!world.account.is_repeated(ACME, TradeId(100)));
}

#[test]
fn the_memory_of_executions_is_bounded_and_survives_a_snapshot() {
    let mut world = World::new();
    let mut fill = world.fill(ONE, ACME, "1", "10");
    let mut remember = |world: &mut World, trade: u128| {
        fill.execution.trade = TradeId(trade);
        world.book_fill(&fill).unwrap();
    };
    for trade in 1..=4_097 {
        remember(&mut world, trade);
    }
    let known = |world: &World, trade: u128| world.account.is_repeated(ACME, TradeId(trade));
    assert!(!known(&world, 1));
    assert!(known(&world, 2));
    assert!(known(&world, 4_097));
    let saved = world.account.save().unwrap();
    let mut restored = World::new();
    restored.account.restore(&saved).unwrap();
    for world in [&mut world, &mut restored] {
        assert!(!known(world, 1));
        assert!(known(world, 2));
        remember(world, 5_000);
        assert!(!known(world, 2));
        assert!(known(world, 3));
        assert!(known(world, 5_000));
    }
}

#[test]
fn reservations_are_kept_by_slot_and_summed() {
    let mut world = World::new();
    let mut reserve = |slot, buy: &str, sell: &str, orders| {
        world.account.reserve(slot, ACME, dec(buy), dec(sell), orders).unwrap();
        let book = world.account.book();
        let own = book.position(slot, ACME);
        (own.working(Side::Buy), own.working(Side::Sell), book.working(ACME))
    };
    let sum =
        |buy: &str, sell: &str, orders| WorkingFacts { buy: dec(buy), sell: dec(sell), orders };
    assert_eq!(reserve(ONE, "5", "2", 3), (dec("5"), dec("2"), sum("5", "2", 3)));
    assert_eq!(reserve(TWO, "1", "0", 1), (dec("1"), dec("0"), sum("6", "2", 4)));
    assert_eq!(reserve(ONE, "3", "0.5", 1), (dec("3"), dec("0.5"), sum("4", "0.5", 2)));
    let net = *world.book().net(ACME);
    assert_eq!((net.working_buy, net.working_sell), (dec("4"), dec("0.5")));

    // Fills leave reservations alone.
    world.trade(ONE, ACME, "1", "10");
    assert_eq!(world.book().working(ACME), sum("4", "0.5", 2));
    assert_eq!(world.book().position(ONE, ACME).working_buy, dec("3"));

    let before = world.account.save().unwrap();
    let mut refused = |slot, instrument, buy, orders| {
        world.account.reserve(slot, instrument, buy, Decimal::ZERO, orders).unwrap_err()
    };
    let overflow = LedgerError::Overflow { what: "working orders" };
    assert_eq!(refused(ONE, ACME, Decimal::MAX, 1), overflow);
    assert_eq!(refused(ONE, ACME, Decimal::ONE, u32::MAX), overflow);
    assert_eq!(
        refused(SlotId(3), ACME, Decimal::ONE, 1),
        LedgerError::UnknownSlot { slot: SlotId(3) }
    );
    let instrument = InstrumentId(9);
    let unknown = LedgerError::UnknownInstrument { instrument };
    assert_eq!(refused(ONE, instrument, Decimal::ONE, 1), unknown);
    assert_eq!(world.account.save().unwrap(), before);
}

#[test]
fn crossing_moves_between_slots_and_nothing_else() {
    let mut world = World::new();
    world.deposit("1000", "USD");
    world.mark(ACME, 10.0);
    world.trade(ONE, ACME, "8", "10");
    let (cash, equity) = (world.book().cash(usd(&world.table)), world.equity());
    let mut closed = Vec::new();
    let mut cross = |buyer, seller, quantity: &str| {
        world.account.cross(
            at(50),
            &world.table,
            ACME,
            buyer,
            seller,
            dec(quantity),
            price("12"),
            &mut closed,
        )
    };
    assert_eq!(cross(TWO, ONE, "5"), Ok(()));
    assert_eq!(cross(ONE, ONE, "5"), Ok(()));
    assert_eq!(cross(ONE, TWO, "0"), Err(LedgerError::BadQuantity { quantity: Decimal::ZERO }));
    let unknown = Err(LedgerError::UnknownSlot { slot: SlotId(7) });
    assert_eq!(cross(SlotId(7), ONE, "5"), unknown);
    assert_eq!(cross(ONE, SlotId(7), "5"), unknown);
    assert_eq!(closed.len(), 1);
    assert_eq!((closed[0].slot, closed[0].gross.amount), (ONE, dec("10")));
    assert_eq!(world.book().position(ONE, ACME).quantity, dec("3"));
    assert_eq!(world.book().position(TWO, ACME).quantity, dec("5"));
    assert_eq!(world.book().net(ACME).quantity, dec("8"));
    assert_eq!(world.book().cash(usd(&world.table)), cash);
    assert_eq!(world.equity(), equity);
    assert!(!world.account.is_repeated(ACME, TradeId(0)));
}

/// Books that refuse every sale: what an overflow of the seller alone looks like.
struct NoSales(Ledger);

impl State for NoSales {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        self.0.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        self.0.restore(state)
    }
}

impl PnlCalculator for NoSales {
    fn on_fill(
        &mut self,
        instruments: &Instruments,
        fill: &Fill,
        closed: &mut Vec<Trade>,
    ) -> Result<Money, LedgerError> {
        if fill.slot == ONE && fill.side == Side::Sell {
            return Err(LedgerError::Overflow { what: "a test" });
        }
        self.0.on_fill(instruments, fill, closed)
    }

    fn on_funding(
        &mut self,
        at: Timestamp,
        instruments: &Instruments,
        funding: &Funding,
        paid: &mut Vec<(SlotId, Money)>,
    ) -> Result<(), LedgerError> {
        self.0.on_funding(at, instruments, funding, paid)
    }

    fn adjust(
        &mut self,
        at: Timestamp,
        instruments: &Instruments,
        adjustment: &Adjustment,
        effects: &mut AdjustmentEffects,
    ) -> Result<(), LedgerError> {
        self.0.adjust(at, instruments, adjustment, effects)
    }

    fn holding(&self, slot: SlotId, instrument: InstrumentId, leg: Leg) -> Holding {
        self.0.holding(slot, instrument, leg)
    }

    fn unrealized(
        &self,
        instrument: &Instrument,
        slot: SlotId,
        mark: Price,
    ) -> Result<Money, LedgerError> {
        self.0.unrealized(instrument, slot, mark)
    }

    fn sums(&self, asset: AssetId) -> tradewright::account::AssetSums {
        self.0.sums(asset)
    }
}

#[test]
fn a_cross_that_only_half_fits_is_undone() {
    let table = table();
    let books = Box::new(NoSales(Ledger::new(&table, SLOTS, LedgerConfig::default())));
    let mut account = Account::new(&table, SLOTS, usd(&table), books).unwrap();
    let mut closed = Vec::new();
    let outcome =
        account.cross(at(1), &table, ACME, TWO, ONE, Decimal::ONE, price("5"), &mut closed);
    assert_eq!(outcome, Err(LedgerError::Overflow { what: "a test" }));
    assert!(closed.is_empty());
    assert!(account.book().position(TWO, ACME).is_flat());
    assert!(account.book().net(ACME).is_flat());
    assert_eq!(account.book().equity(), 0.0);
}

#[test]
fn funding_moves_cash_and_equity() {
    let mut world = World::new();
    world.mark(PERP, 100.0);
    world.trade(ONE, PERP, "50", "100");
    world.trade(TWO, PERP, "-20", "100");
    let mut paid = Vec::new();
    let funding = Funding { instrument: PERP, rate: 0.001, mark: 100.0 };
    world.account.on_funding(at(9), &world.table, &funding, &mut paid).unwrap();
    let amounts: Vec<_> = paid.iter().map(|(slot, money)| (*slot, money.amount)).collect();
    assert_eq!(amounts, [(ONE, dec("-0.5")), (TWO, dec("0.2"))]);
    assert_eq!(world.book().cash(usd(&world.table)), dec("-0.3"));
    assert!((world.equity() + 0.3).abs() < 1e-12);
    let bad = Funding { instrument: PERP, rate: f64::NAN, mark: 100.0 };
    assert!(world.account.on_funding(at(9), &world.table, &bad, &mut paid).is_err());
    assert_eq!(paid.len(), 2);
}

#[test]
fn a_split_leaves_equity_where_it_was() {
    let mut world = World::new();
    world.mark(ACME, 90.0);
    world.trade(ONE, ACME, "3", "80");
    world.trade(TWO, ACME, "-1", "85");
    let equity = world.equity();
    let split =
        |numerator, denominator| AdjustmentKind::Split { instrument: ACME, numerator, denominator };
    world.adjust(split(3, 1)).unwrap();
    assert_eq!(world.book().mark(ACME).unwrap().price, 30.0);
    assert_eq!(world.book().position(ONE, ACME).quantity, dec("9"));
    assert_eq!(world.book().net(ACME).quantity, dec("6"));
    assert_eq!(world.equity(), equity);
    let before = world.account.save().unwrap();
    assert!(world.adjust(split(1, 0)).is_err());
    let instrument = InstrumentId(9);
    let kind = AdjustmentKind::Split { instrument, numerator: 2, denominator: 1 };
    assert_eq!(world.adjust(kind), Err(LedgerError::UnknownInstrument { instrument }));
    assert_eq!(world.account.save().unwrap(), before);
}

#[test]
fn both_legs_of_a_hedge_count_as_gross() {
    let mut world = World::of(table(), PositionMode::Hedging);
    world.mark(PERP, 100.0);
    for (slot, leg, quantity) in [
        (ONE, Leg::Long, "50"),
        (ONE, Leg::Short, "-20"),
        (TWO, Leg::Long, "10"),
        (TWO, Leg::Net, "-1"),
    ] {
        let mut fill = world.fill(slot, PERP, quantity, "100");
        fill.leg = leg;
        world.book_fill(&fill).unwrap();
    }
    let own = world.book().position(ONE, PERP);
    assert_eq!((own.quantity, own.cost, own.opened_at), (dec("30"), dec("300"), at(2)));
    assert_eq!(world.book().net(PERP).quantity, dec("39"));
    // 60 long, 20 short, 1 without a leg.
    assert_eq!(world.book().gross(), 810.0);
    world.mark(PERP, 200.0);
    assert_eq!((world.equity(), world.book().gross()), (390.0, 1_620.0));
    // The account still moves when the legs cancel out.
    let mut restored = World::of(table(), PositionMode::Hedging);
    restored.account.restore(&world.account.save().unwrap()).unwrap();
    restored.mark(PERP, 100.0);
    assert_eq!((restored.equity(), restored.book().gross()), (0.0, 810.0));
}

#[test]
fn an_account_takes_over_what_its_books_hold() {
    let mut world = World::new();
    world.deposit("100", "USD");
    world.trade(ONE, ACME, "2", "30");
    let mut ledger = Ledger::new(&world.table, SLOTS, LedgerConfig::default());
    ledger.restore(&world.account.pnl().save().unwrap()).unwrap();
    let mut account =
        Account::new(&world.table, SLOTS, usd(&world.table), Box::new(ledger)).unwrap();
    assert_eq!(account.book().net(ACME).quantity, dec("2"));
    assert!(account.book().equity().is_nan(), "no mark yet");
    account.mark(at(5), &world.table, ACME, 40.0);
    assert_eq!(account.book().equity(), 120.0);
}

#[test]
fn impossible_accounts_are_refused() {
    let table = table();
    let ledger = || Box::new(Ledger::new(&table, SLOTS, LedgerConfig::default()));
    let unknown = |slots, reporting| Account::new(&table, slots, reporting, ledger()).err();
    let asset = AssetId(9);
    assert_eq!(unknown(3, asset), Some(LedgerError::UnknownAsset { asset }));
    let no_slot = Some(LedgerError::UnknownSlot { slot: HOUSE });
    assert_eq!(unknown(0, usd(&table)), no_slot);
    assert_eq!(unknown(65_537, usd(&table)), no_slot);
    assert_eq!(unknown(3, usd(&table)), None);
}

#[test]
fn refused_fills_change_nothing() {
    let mut world = World::new();
    world.mark(ACME, 10.0);
    world.trade(ONE, ACME, "5", "10");
    let before = world.account.save().unwrap();
    let good = world.fill(ONE, ACME, "1", "10");
    let mut cases = [good; 4];
    cases[0].slot = SlotId(3);
    cases[1].instrument = InstrumentId(4);
    cases[2].execution.quantity = Qty::new(Decimal::MAX);
    cases[3].execution.price = Price::new(Decimal::MAX).unwrap();
    cases[3].execution.quantity = Qty::from(2);
    for fill in cases {
        assert!(world.book_fill(&fill).is_err());
        assert_eq!(world.account.save().unwrap(), before);
    }
    for kind in [
        AdjustmentKind::Position {
            slot: ONE,
            instrument: ACME,
            change: Qty::new(Decimal::MAX),
            price: price("1"),
        },
        AdjustmentKind::Position {
            slot: SlotId(3),
            instrument: ACME,
            change: Qty::from(1),
            price: price("1"),
        },
        AdjustmentKind::Capital(Money::new(Decimal::ONE, AssetId(77))),
    ] {
        assert!(world.adjust(kind).is_err());
        assert_eq!(world.account.save().unwrap(), before);
    }
}

#[test]
fn snapshots_are_complete_and_checked() {
    let mut world = World::new();
    world.deposit("1000", "USD");
    world.mark(BTCUSD, 60.0);
    world.trade(ONE, ACME, "3", "10");
    world.trade(TWO, COIN, "-4", "55");
    world.account.reserve(ONE, ACME, dec("2"), dec("1"), 2).unwrap();
    world.account.set_halt(HaltLevel::Halted);
    let saved = world.account.save().unwrap();
    let mut restored = World::new();
    restored.clock = world.clock;
    restored.account.restore(&saved).unwrap();
    assert_eq!(restored.account.save().unwrap(), saved);
    for world in [&mut world, &mut restored] {
        world.mark(COIN, 50.0);
        world.mark(BTCUSD, 61.0);
        world.trade(ONE, ACME, "-3", "12");
        world.account.reserve(ONE, ACME, dec("1"), dec("0"), 1).unwrap();
    }
    assert_eq!(restored.account.save().unwrap(), world.account.save().unwrap());
    assert_eq!(restored.equity(), world.equity());

    // Another shape, other books, half a snapshot: refused, and the account stays.
    let same = world.account.save().unwrap();
    let mut small = Instruments::new();
    small.add(Instrument::stock("ACME", "USD")).unwrap();
    let mut other = World::of(small, PositionMode::Netting);
    let outcome = other.account.restore(&saved);
    assert!(matches!(outcome, Err(StateError::Mismatch { .. })), "{outcome:?}");
    let mut hedged = World::of(table(), PositionMode::Hedging);
    hedged.trade(ONE, ACME, "1", "10");
    let kept = hedged.account.save().unwrap();
    assert!(matches!(hedged.account.restore(&saved), Err(StateError::Mismatch { .. })));
    assert_eq!(hedged.account.save().unwrap(), kept);
    assert!(world.account.restore(&saved[..saved.len() - 9]).is_err());
    assert_eq!(world.account.save().unwrap(), same);
}

#[test]
fn a_snapshot_whose_facts_and_books_differ_is_refused() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Seen {
        highest: Vec<Option<TradeId>>,
        trades: Vec<(InstrumentId, TradeId)>,
        fingerprints: Vec<u64>,
        next: usize,
    }
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Saved {
        book: FactBook,
        pnl: Vec<u8>,
        seen: Seen,
        orders: Vec<u32>,
        marks_left: u32,
        is_sound: bool,
    }
    let mut world = World::new();
    world.trade(ONE, ACME, "3", "10");
    let mut richer = World::new();
    richer.trade(ONE, ACME, "4", "10");
    let read =
        |world: &World| -> Saved { rmp_serde::from_slice(&world.account.save().unwrap()).unwrap() };
    let mut forged = read(&world);
    forged.pnl = read(&richer).pnl;
    let bytes = rmp_serde::to_vec_named(&forged).unwrap();
    let before = world.account.save().unwrap();
    let outcome = world.account.restore(&bytes);
    assert!(matches!(outcome, Err(StateError::Unreadable(_))), "{outcome:?}");
    assert_eq!(world.account.save().unwrap(), before);
    let damages: [fn(&mut Saved); 5] = [
        |saved| saved.orders.truncate(1),
        |saved| saved.seen.highest.truncate(1),
        |saved| saved.seen.fingerprints.truncate(0),
        |saved| saved.seen.next = 4_096,
        |saved| {
            saved.seen.trades = vec![(ACME, TradeId(1)); 4_097];
            saved.seen.fingerprints = vec![1; 4_097];
        },
    ];
    for damage in damages {
        let mut saved = read(&world);
        damage(&mut saved);
        let bytes = rmp_serde::to_vec_named(&saved).unwrap();
        assert!(matches!(world.account.restore(&bytes), Err(StateError::Unreadable(_))));
        assert_eq!(world.account.save().unwrap(), before);
    }
}

proptest! {
    /// Whatever happens, the facts equal the books, slots sum up to net, and the incremental
    /// equity equals the sum over the books.
    #[test]
    fn facts_equal_books(
        steps in prop::collection::vec(
            (0u16..3, 0u32..4, 1i64..6, any::<bool>(), 20i64..60, 0u8..6), 1..60,
        ),
    ) {
        let mut world = World::new();
        for (id, mark) in [(0, 40.0), (1, 40.0), (2, 40.0), (3, 40.0)] {
            world.mark(InstrumentId(id), mark);
        }
        for (slot, id, size, is_buy, level, what) in steps {
            let id = InstrumentId(id);
            if what < 3 {
                world.mark(id, level as f64);
                continue;
            }
            let size = if is_buy { size } else { -size };
            let mut fill = world.fill(SlotId(slot), id, &size.to_string(), &level.to_string());
            fill.execution.fee.amount = Decimal::new(level, 3);
            world.book_fill(&fill).unwrap();

            let mut exact = 0.0;
            let btc = world.book().mark(BTCUSD).unwrap().price;
            for index in 0..world.table.assets().len() {
                let asset = AssetId(index as u16);
                let sums = world.account.sums(asset);
                prop_assert_eq!(world.book().cash(asset), sums.cash);
                let rate = if world.table.code(asset) == "BTC" { btc } else { 1.0 };
                exact += to_f64(sums.cash) * rate;
            }
            for instrument in world.table.iter() {
                let mut total = Decimal::ZERO;
                let mark = world.book().mark(instrument.id).unwrap().price;
                for slot in 0..3 {
                    let fact = *world.book().position(SlotId(slot), instrument.id);
                    let held = world.account.pnl().holding(SlotId(slot), instrument.id, Leg::Net);
                    prop_assert_eq!(fact.quantity, held.quantity);
                    prop_assert_eq!(fact.cost, held.cost);
                    prop_assert_eq!(fact.size, to_f64(held.quantity));
                    total += held.quantity;
                    let value = instrument.value_f64(fact.size, mark);
                    let rate = if instrument.kind.is_inverse() { btc } else { 1.0 };
                    exact += if instrument.kind.is_paid_in_full() {
                        value
                    } else {
                        (value - to_f64(fact.cost)) * rate
                    };
                }
                prop_assert_eq!(world.book().net(instrument.id).quantity, total);
            }
            prop_assert!((world.equity() - exact).abs() < 1e-7, "{} {}", world.equity(), exact);
        }
        // Marks alone move it by the same law.
        let before = world.equity();
        world.mark(ACME, 50.0);
        world.mark(ACME, 40.0);
        let net = world.book().net(ACME).size;
        let at_40 = world.equity();
        world.mark(ACME, 43.0);
        prop_assert!((world.equity() - at_40 - 3.0 * net).abs() < 1e-7);
        prop_assert!(before.is_finite());
    }
}
