//! The books of money: their answers in single cases, and laws of cut, mirrored and charged fills.
//! The naive ledger that knows raw fills only is in the testkit: see conformance.rs.

mod edges;

use proptest::prelude::*;
use tradewright::account::{
    AdjustmentEffects, AssetSums, Ledger, LedgerConfig, LedgerError, LotMethod, PnlCalculator,
    PositionMode,
};
use tradewright::types::{
    Adjustment, AdjustmentCause, AdjustmentKind, AssetId, Decimal, Fill, FillReport, Funding,
    Instrument, InstrumentId, Instruments, Label, Leg, Liquidity, Money, OptionRight, OrderId,
    Price, Purpose, Qty, Side, SlotId, State, StateError, Timestamp, Trade, TradeId,
};

const SPOT: InstrumentId = InstrumentId(0);
const LINEAR: InstrumentId = InstrumentId(1);
const INVERSE: InstrumentId = InstrumentId(2);
const OPTION: InstrumentId = InstrumentId(3);
const ALL: [InstrumentId; 4] = [SPOT, LINEAR, INVERSE, OPTION];
const METHODS: [LotMethod; 3] = [LotMethod::Fifo, LotMethod::Lifo, LotMethod::Average];
const SLOTS: usize = 3;
const ME: SlotId = SlotId(1);

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn price(text: &str) -> Price {
    Price::new(dec(text)).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(seconds).unwrap()
}

/// BTC against USD, a perpetual of 0.01 BTC, an inverse one of 100 USD, an option on 10 BTC;
/// BNB pays fees.
fn table() -> Instruments {
    let mut table = Instruments::new();
    table.add(Instrument::spot("BTCUSD", "BTC", "USD")).unwrap();
    table.add(Instrument::linear_perpetual("BTCPERP", "BTC", "USD").multiplier("0.01")).unwrap();
    table.add(Instrument::inverse_perpetual("XBTUSD", "BTC", "USD").multiplier("100")).unwrap();
    let option =
        Instrument::option("BTC-C", ["BTC", "USD"], (OptionRight::Call, "100"), Timestamp::MAX);
    table.add(option.multiplier("10")).unwrap();
    table.asset("BNB").unwrap();
    table
}

fn asset(table: &Instruments, code: &str) -> AssetId {
    table.find_asset(code).unwrap()
}

fn fill(slot: SlotId, instrument: InstrumentId, quantity: Decimal, price: Price) -> Fill {
    Fill {
        at: at(10),
        order: OrderId::default(),
        slot,
        instrument,
        side: Side::of(quantity).unwrap(),
        leg: Leg::Net,
        execution: FillReport {
            trade: TradeId(1),
            price,
            quantity: Qty::new(quantity.abs()),
            fee: Money::zero(AssetId(1)),
            liquidity: Liquidity::Taker,
            before_slippage: price,
        },
        arrival: f64::NAN,
        purpose: Purpose::Entry,
        tag: Label::default(),
    }
}

fn config(lots: LotMethod) -> LedgerConfig {
    LedgerConfig { lots, positions: PositionMode::Netting }
}

/// A ledger, the trades it closed, and short words to feed it.
struct Books {
    table: Instruments,
    ledger: Ledger,
    closed: Vec<Trade>,
    effects: AdjustmentEffects,
    clock: i64,
}

impl Books {
    fn new(lots: LotMethod) -> Self {
        Self::with(config(lots))
    }

    fn with(config: LedgerConfig) -> Self {
        let table = table();
        let ledger = Ledger::new(&table, SLOTS, config);
        let effects = AdjustmentEffects::default();
        Self { table, ledger, closed: Vec::new(), effects, clock: 0 }
    }

    fn usd(&self) -> AssetSums {
        self.ledger.sums(asset(&self.table, "USD"))
    }

    fn book(&mut self, mut fill: Fill) -> Result<Decimal, LedgerError> {
        self.clock += 1;
        fill.at = at(self.clock);
        let money = self.ledger.on_fill(&self.table, &fill, &mut self.closed)?;
        assert_eq!(money.asset, self.table[fill.instrument].settlement);
        Ok(money.amount)
    }

    /// Books a signed quantity at a price for a fee in a currency.
    fn trade(
        &mut self,
        instrument: InstrumentId,
        quantity: &str,
        at_price: &str,
        (fee, code): (&str, &str),
    ) -> Decimal {
        let mut fill = fill(ME, instrument, dec(quantity), price(at_price));
        fill.execution.fee = Money::new(dec(fee), asset(&self.table, code));
        self.book(fill).unwrap()
    }

    fn adjust(&mut self, kind: AdjustmentKind) -> Result<(), LedgerError> {
        let adjustment = Adjustment { cause: AdjustmentCause::Reconciliation, kind };
        self.ledger.adjust(at(self.clock), &self.table, &adjustment, &mut self.effects)
    }

    fn fund(
        &mut self,
        instrument: InstrumentId,
        rate: f64,
        mark: f64,
    ) -> Result<Vec<(SlotId, Money)>, LedgerError> {
        let mut paid = vec![(SlotId(9), Money::zero(AssetId(0)))];
        let funding = Funding { instrument, rate, mark };
        let outcome = self.ledger.on_funding(at(self.clock), &self.table, &funding, &mut paid);
        if outcome.is_err() {
            assert_eq!(paid.len(), 1);
        }
        outcome.map(|()| paid.split_off(1))
    }

    fn held(&self, instrument: InstrumentId) -> (Decimal, Decimal) {
        let holding = self.ledger.holding(ME, instrument, Leg::Net);
        (holding.quantity, holding.cost)
    }

    fn unrealized(&self, instrument: InstrumentId, mark: &str) -> Decimal {
        self.ledger.unrealized(&self.table[instrument], ME, price(mark)).unwrap().amount
    }
}

const FREE: (&str, &str) = ("0", "USD");

#[test]
fn a_spot_round_trip_moves_cash_by_its_values_and_fees() {
    let mut books = Books::new(LotMethod::Average);
    assert_eq!(books.trade(SPOT, "2", "100", ("0.5", "USD")), Decimal::ZERO);
    assert_eq!(books.held(SPOT), (dec("2"), dec("200")));
    assert_eq!(books.usd().cash, dec("-200.5"));
    assert_eq!(books.unrealized(SPOT, "110"), dec("20"));
    assert_eq!(books.trade(SPOT, "-2", "110", ("0.7", "USD")), dec("20"));
    assert_eq!(books.held(SPOT), (Decimal::ZERO, Decimal::ZERO));
    let sums = books.usd();
    assert_eq!((sums.cash, sums.realised, sums.fees), (dec("18.8"), dec("20"), dec("1.2")));
    assert_eq!((sums.deposits, sums.funding), (Decimal::ZERO, Decimal::ZERO));
    let [trade] = books.closed[..] else { panic!("one trade") };
    assert_eq!(trade.side, Side::Buy);
    assert_eq!((trade.slot, trade.instrument, trade.leg), (ME, SPOT, Leg::Net));
    assert_eq!((trade.quantity, trade.entry, trade.exit), (Qty::from(2), dec("100"), dec("110")));
    assert_eq!((trade.opened_at, trade.closed_at), (at(1), at(2)));
    assert_eq!((trade.gross.amount, trade.fees), (dec("20"), dec("1.2")));
    assert_eq!(trade.net(), Some(dec("18.8")));
}

#[test]
fn a_margined_position_moves_cash_by_profit_alone() {
    let mut books = Books::new(LotMethod::Average);
    books.trade(LINEAR, "-300", "50", ("0.1", "USD"));
    assert_eq!(books.held(LINEAR), (dec("-300"), dec("-150")));
    assert_eq!(books.usd().cash, dec("-0.1"));
    assert_eq!(books.unrealized(LINEAR, "40"), dec("30"));
    assert_eq!(books.trade(LINEAR, "100", "40", FREE), dec("10"));
    assert_eq!(books.held(LINEAR), (dec("-200"), dec("-100")));
    assert_eq!(books.usd().cash, dec("9.9"));
    assert_eq!(books.closed[0].side, Side::Sell);
    assert_eq!(books.closed[0].entry, dec("50"));
    assert_eq!(books.closed[0].fees, dec("0.033333333333"));
}

#[test]
fn an_inverse_contract_pays_in_coin() {
    let mut books = Books::new(LotMethod::Average);
    books.trade(INVERSE, "10", "50", ("0.001", "BTC"));
    // 10 contracts of 100 USD at 50: 20 BTC.
    assert_eq!(books.held(INVERSE), (dec("10"), dec("-20")));
    assert_eq!(books.unrealized(INVERSE, "80"), dec("7.5"));
    assert_eq!(books.trade(INVERSE, "-10", "80", FREE), dec("7.5"));
    let btc = books.ledger.sums(asset(&books.table, "BTC"));
    assert_eq!((btc.cash, btc.realised, btc.fees), (dec("7.499"), dec("7.5"), dec("0.001")));
    assert_eq!(books.usd(), AssetSums::default());
    assert_eq!(books.closed[0].entry, dec("50"));
    assert_eq!(books.closed[0].gross.asset, asset(&books.table, "BTC"));
}

#[test]
fn an_inverse_short_gains_as_the_price_falls() {
    let mut books = Books::new(LotMethod::Fifo);
    books.trade(INVERSE, "-8", "80", FREE);
    assert_eq!(books.held(INVERSE), (dec("-8"), dec("10")));
    assert_eq!(books.unrealized(INVERSE, "40"), dec("10"));
    assert_eq!(books.trade(INVERSE, "8", "40", FREE), dec("10"));
}

#[test]
fn an_option_is_paid_in_full_and_multiplied() {
    let mut books = Books::new(LotMethod::Lifo);
    books.trade(OPTION, "3", "2", FREE);
    assert_eq!(books.usd().cash, dec("-60"));
    assert_eq!(books.trade(OPTION, "-1", "5", FREE), dec("30"));
    assert_eq!(books.usd().cash, dec("-10"));
    assert_eq!(books.held(OPTION), (dec("2"), dec("40")));
}

#[test]
fn each_method_closes_its_own_lots() {
    for (method, realised, entries) in [
        (LotMethod::Fifo, "50", vec!["10", "20"]),
        (LotMethod::Lifo, "20", vec!["30", "20"]),
        (LotMethod::Average, "37.5", vec!["17.5"]),
    ] {
        let mut books = Books::new(method);
        for (quantity, at_price) in [("2", "10"), ("1", "20"), ("1", "30")] {
            books.trade(SPOT, quantity, at_price, FREE);
        }
        let quantity = if method == LotMethod::Lifo { "-2" } else { "-3" };
        let realised = match method {
            LotMethod::Lifo => "10",
            LotMethod::Fifo | LotMethod::Average => realised,
        };
        assert_eq!(books.trade(SPOT, quantity, "30", FREE), dec(realised), "{method:?}");
        let found: Vec<Decimal> = books.closed.iter().map(|trade| trade.entry).collect();
        assert_eq!(found, entries.into_iter().map(dec).collect::<Vec<_>>(), "{method:?}");
        let gross: Decimal = books.closed.iter().map(|trade| trade.gross.amount).sum();
        assert_eq!(gross, dec(realised));
    }
}

#[test]
fn lots_keep_their_time_tag_fees_and_what_is_left() {
    for (method, first, second) in
        [(LotMethod::Fifo, (1, "a"), (2, "b")), (LotMethod::Lifo, (2, "b"), (1, "a"))]
    {
        let mut books = Books::new(method);
        for (tag, at_price) in [("a", "10"), ("b", "20")] {
            let mut entry = fill(ME, SPOT, dec("4"), price(at_price));
            entry.execution.fee = Money::new(dec("0.4"), asset(&books.table, "USD"));
            entry.tag = Label::new(tag);
            books.book(entry).unwrap();
        }
        books.trade(SPOT, "-3", "30", ("0.3", "USD"));
        books.trade(SPOT, "-2", "30", ("0.2", "USD"));
        let told: Vec<_> = books
            .closed
            .iter()
            .map(|trade| {
                (trade.opened_at, trade.tag.as_str().to_owned(), trade.quantity, trade.fees)
            })
            .collect();
        let row = |(opened, tag): (i64, &str), quantity: i64, fees: &str| {
            (at(opened), tag.to_owned(), Qty::from(quantity), dec(fees))
        };
        // 0.1 of entry and 0.1 of exit fee for each unit.
        assert_eq!(
            told,
            [row(first, 3, "0.6"), row(first, 1, "0.2"), row(second, 1, "0.2")],
            "{method:?}"
        );
        assert_eq!(books.held(SPOT).0, dec("3"));
        // The rest goes at once, with the rest of the fees.
        books.trade(SPOT, "-3", "30", FREE);
        assert_eq!(books.closed.last().unwrap().fees, dec("0.3"));
        assert_eq!(books.held(SPOT), (Decimal::ZERO, Decimal::ZERO));
    }
}

#[test]
fn the_average_keeps_the_first_entrys_time_and_tag_and_shares_fees() {
    let mut books = Books::new(LotMethod::Average);
    for (tag, fee) in [("first", "1"), ("second", "2")] {
        let mut entry = fill(ME, SPOT, dec("1"), price("10"));
        entry.tag = Label::new(tag);
        entry.execution.fee = Money::new(dec(fee), asset(&books.table, "USD"));
        books.book(entry).unwrap();
    }
    books.trade(SPOT, "-1", "10", ("0.25", "USD"));
    let trade = books.closed[0];
    assert_eq!((trade.opened_at, trade.tag.as_str()), (at(1), "first"));
    assert_eq!(trade.fees, dec("1.75"));
    assert_eq!(books.ledger.holding(ME, SPOT, Leg::Net).opened_at, at(1));
    books.trade(SPOT, "-1", "10", FREE);
    books.trade(SPOT, "-1", "10", FREE);
    assert_eq!(books.ledger.holding(ME, SPOT, Leg::Net).opened_at, at(5));
}

#[test]
fn a_flip_closes_and_opens_and_shares_its_fee_by_quantity() {
    for method in METHODS {
        let mut books = Books::new(method);
        books.trade(SPOT, "1", "10", FREE);
        books.trade(SPOT, "1", "12", FREE);
        assert_eq!(books.trade(SPOT, "-5", "14", ("1", "USD")), dec("6"), "{method:?}");
        assert_eq!(books.held(SPOT), (dec("-3"), dec("-42")));
        assert_eq!(books.ledger.holding(ME, SPOT, Leg::Net).opened_at, at(3));
        assert_eq!(books.closed.iter().map(|trade| trade.fees).sum::<Decimal>(), dec("0.4"));
        books.trade(SPOT, "3", "14", FREE);
        assert_eq!(books.closed.last().unwrap().fees, dec("0.6"));
        assert_eq!(books.closed.last().unwrap().side, Side::Sell);
    }
}

#[test]
fn the_average_rounds_the_realised_part_once_and_keeps_the_rest() {
    let mut books = Books::new(LotMethod::Average);
    books.trade(SPOT, "3", "10", FREE);
    books.trade(SPOT, "4", "11", FREE);
    // A third of 74 / 7 each: 10.571428571429 is booked, the remainder stays.
    assert_eq!(books.trade(SPOT, "-1", "12", FREE), dec("1.428571428571"));
    assert_eq!(books.held(SPOT), (dec("6"), dec("63.428571428571")));
    assert_eq!(books.trade(SPOT, "-6", "12", FREE), dec("8.571428571429"));
    assert_eq!(books.usd().realised, dec("10"));
    assert_eq!(books.usd().cash, dec("10"));
}

#[test]
fn products_are_rounded_half_to_even_to_the_assets_digits() {
    let mut table = table();
    let usd = asset(&table, "USD");
    table.set_ledger_digits(usd, 2).unwrap();
    let mut ledger = Ledger::new(&table, SLOTS, LedgerConfig::default());
    for (quantity, cost) in [("0.5", "0.12"), ("0.5", "0.24"), ("1.5", "0.62")] {
        // 0.125 is 0.12, 0.375 is 0.38.
        let entry = fill(ME, SPOT, dec(quantity), price("0.25"));
        ledger.on_fill(&table, &entry, &mut Vec::new()).unwrap();
        assert_eq!(ledger.holding(ME, SPOT, Leg::Net).cost, dec(cost));
    }
    let mut entry = fill(ME, SPOT, dec("1"), price("1"));
    entry.execution.fee = Money::new(dec("0.015"), usd);
    ledger.on_fill(&table, &entry, &mut Vec::new()).unwrap();
    assert_eq!(ledger.sums(usd).fees, dec("0.02"));
    assert_eq!(ledger.sums(usd).cash, dec("-1.64"));
}

#[test]
fn a_fee_in_the_base_asset_lowers_what_was_bought() {
    let mut books = Books::new(LotMethod::Average);
    assert_eq!(books.trade(SPOT, "1", "100", ("0.001", "BTC")), Decimal::ZERO);
    assert_eq!(books.held(SPOT), (dec("0.999"), dec("99.9")));
    let sums = books.usd();
    assert_eq!((sums.cash, sums.fees, sums.realised), (dec("-100"), dec("0.1"), Decimal::ZERO));
    assert_eq!(books.ledger.sums(asset(&books.table, "BTC")), AssetSums::default());
    assert!(books.closed.is_empty());
    // A sale whose fee is in the base asset takes more from the position.
    books.trade(SPOT, "-0.5", "200", ("0.001", "BTC"));
    assert_eq!(books.held(SPOT), (dec("0.498"), dec("49.8")));
    let sums = books.usd();
    assert_eq!((sums.cash, sums.fees, sums.realised), (Decimal::ZERO, dec("0.3"), dec("50.1")));
    // A rebate adds.
    books.trade(SPOT, "1", "200", ("-0.002", "BTC"));
    assert_eq!(books.held(SPOT), (dec("1.5"), dec("250.2")));
    assert_eq!(books.usd().fees, dec("-0.1"));
    assert_eq!(books.usd().cash, dec("-200"));
    // A fee as large as the fill leaves only the fee.
    books.trade(SPOT, "1", "200", ("1", "BTC"));
    assert_eq!(books.held(SPOT), (dec("1.5"), dec("250.2")));
    assert_eq!(books.usd().cash, dec("-400"));
    assert_eq!(books.usd().fees, dec("199.9"));
}

#[test]
fn a_fee_in_a_third_asset_is_paid_from_it() {
    let mut books = Books::new(LotMethod::Average);
    books.trade(SPOT, "1", "100", ("0.03", "BNB"));
    books.trade(LINEAR, "100", "100", ("0.0000000000005", "BNB"));
    books.trade(LINEAR, "-100", "100", ("0.01", "BTC"));
    let bnb = books.ledger.sums(asset(&books.table, "BNB"));
    assert_eq!((bnb.cash, bnb.fees), (dec("-0.03"), dec("0.03")));
    let btc = books.ledger.sums(asset(&books.table, "BTC"));
    assert_eq!((btc.cash, btc.fees), (dec("-0.01"), dec("0.01")));
    assert_eq!((books.usd().cash, books.usd().fees), (dec("-100"), Decimal::ZERO));
    assert_eq!(books.closed[0].fees, Decimal::ZERO);
}

#[test]
fn funding_is_paid_by_longs_and_shared_with_the_trades() {
    for method in METHODS {
        let mut books = Books::new(method);
        books.trade(LINEAR, "200", "50", FREE);
        books.trade(LINEAR, "200", "50", FREE);
        let mut short = fill(SlotId(2), LINEAR, dec("-100"), price("50"));
        short.leg = Leg::Short;
        books.book(short).unwrap();
        let usd = asset(&books.table, "USD");
        let paid = books.fund(LINEAR, 0.0001, 60.0).unwrap();
        // 400 * 0.01 * 60 * 0.0001
        assert_eq!(
            paid,
            [(ME, Money::new(dec("-0.024"), usd)), (SlotId(2), Money::new(dec("0.006"), usd))]
        );
        assert_eq!((books.usd().cash, books.usd().funding), (dec("-0.018"), dec("-0.018")));
        books.trade(LINEAR, "-300", "50", FREE);
        let funding: Decimal = books.closed.iter().map(|trade| trade.funding).sum();
        assert_eq!(funding, dec("-0.018"), "{method:?}");
        books.trade(LINEAR, "-100", "50", FREE);
        assert_eq!(books.closed.last().unwrap().funding, dec("-0.006"));
        assert_eq!(books.closed.last().unwrap().net(), Some(dec("-0.006")));
    }
}

#[test]
fn inverse_funding_is_paid_in_coin() {
    let mut books = Books::new(LotMethod::Average);
    books.trade(INVERSE, "10", "50", FREE);
    let btc = asset(&books.table, "BTC");
    assert_eq!(books.fund(INVERSE, 0.01, 40.0).unwrap(), [(ME, Money::new(dec("-0.25"), btc))]);
    assert_eq!(books.fund(INVERSE, -0.01, 50.0).unwrap(), [(ME, Money::new(dec("0.2"), btc))]);
    assert_eq!(books.ledger.sums(btc).funding, dec("-0.05"));
    assert_eq!(books.fund(LINEAR, 0.01, 40.0).unwrap(), []);
}

#[test]
fn funding_that_cannot_be_booked_is_refused() {
    let mut books = Books::new(LotMethod::Average);
    books.trade(LINEAR, "200", "50", FREE);
    let before = books.ledger.clone();
    let bad = |what| Err(LedgerError::BadValue { what, value: Decimal::ZERO });
    for rate in [f64::NAN, f64::INFINITY, 1e300] {
        assert_eq!(books.fund(LINEAR, rate, 50.0), bad("funding rate"));
    }
    for mark in [f64::NAN, 0.0, -1.0, 1e300] {
        assert_eq!(books.fund(LINEAR, 0.1, mark), bad("funding mark"));
    }
    let instrument = InstrumentId(4);
    let unknown = Err(LedgerError::UnknownInstrument { instrument });
    assert_eq!(books.fund(instrument, 0.1, 50.0), unknown);
    assert_eq!(books.ledger, before);
}

#[test]
fn capital_is_a_deposit_and_income_is_realised() {
    let mut books = Books::new(LotMethod::Average);
    let usd = asset(&books.table, "USD");
    books.adjust(AdjustmentKind::Capital(Money::new(dec("1000"), usd))).unwrap();
    books.adjust(AdjustmentKind::Capital(Money::new(dec("-200"), usd))).unwrap();
    books.adjust(AdjustmentKind::Income(Money::new(dec("-3.0000000000005"), usd))).unwrap();
    let sums = books.usd();
    assert_eq!((sums.cash, sums.deposits, sums.realised), (dec("797"), dec("800"), dec("-3")));
    let unknown = LedgerError::UnknownAsset { asset: AssetId(9) };
    let nowhere = AdjustmentKind::Capital(Money::new(dec("1"), AssetId(9)));
    assert_eq!(books.adjust(nowhere), Err(unknown));
    assert_eq!(books.ledger.sums(AssetId(9)), AssetSums::default());
}

#[test]
fn a_position_comes_in_and_leaves_at_its_value() {
    let take = |books: &mut Books, instrument, change: &str, at_price: &str| {
        let change = Qty::new(dec(change));
        let kind =
            AdjustmentKind::Position { slot: ME, instrument, change, price: price(at_price) };
        books.adjust(kind).unwrap();
        let sums = books.usd();
        (sums.cash, sums.deposits, sums.realised)
    };
    for method in METHODS {
        let mut books = Books::new(method);
        let zero = Decimal::ZERO;
        assert_eq!(take(&mut books, SPOT, "4", "10"), (zero, dec("40"), zero));
        assert_eq!(take(&mut books, SPOT, "0", "10"), (zero, dec("40"), zero));
        assert_eq!(books.held(SPOT), (dec("4"), dec("40")));
        assert_eq!(take(&mut books, SPOT, "-1", "12"), (zero, dec("28"), dec("2")));
        // A margined position is worth nothing when it comes in, its profit when it leaves.
        assert_eq!(take(&mut books, LINEAR, "100", "10"), (zero, dec("28"), dec("2")));
        assert_eq!(take(&mut books, LINEAR, "-100", "12"), (zero, dec("26"), dec("4")));
        // What left is reported as trades.
        let told = books.effects.closed.iter();
        let gross: Vec<Decimal> = told.map(|trade| trade.gross.amount).collect();
        assert_eq!(gross, [dec("2"), dec("2")]);
        assert!(books.closed.is_empty());
    }
}

#[test]
fn a_split_keeps_the_cost() {
    for method in METHODS {
        let mut books = Books::new(method);
        books.trade(SPOT, "3", "20", FREE);
        books.trade(SPOT, "1", "40", FREE);
        books.book(fill(SlotId(2), SPOT, dec("-5"), price("20"))).unwrap();
        let split = |numerator, denominator| AdjustmentKind::Split {
            instrument: SPOT,
            numerator,
            denominator,
        };
        books.adjust(split(2, 1)).unwrap();
        assert_eq!(books.held(SPOT), (dec("8"), dec("100")));
        let other = books.ledger.holding(SlotId(2), SPOT, Leg::Net);
        assert_eq!((other.quantity, other.cost), (dec("-10"), dec("-100")));
        books.trade(SPOT, "-7", "20", FREE);
        let realised = match method {
            LotMethod::Fifo => "60",
            LotMethod::Lifo => "50",
            LotMethod::Average => "52.5",
        };
        assert_eq!(books.usd().realised, dec(realised), "{method:?}");
        books.adjust(split(1, 3)).unwrap();
        assert_eq!(books.held(SPOT).0, dec("0.333333333333"));
        let before = books.ledger.clone();
        assert!(books.adjust(split(0, 1)).is_err());
        assert!(books.adjust(split(1, 0)).is_err());
        for _ in 0..1 {
            assert!(books.adjust(split(1, u32::MAX)).is_ok());
        }
        let vanishing = books.adjust(split(1, u32::MAX));
        assert!(matches!(vanishing, Err(LedgerError::BadValue { .. })), "{vanishing:?}");
        assert_ne!(books.ledger, before);
    }
}

#[test]
fn hedging_keeps_a_long_and_a_short_position_at_once() {
    let hedging = |lots| LedgerConfig { lots, positions: PositionMode::Hedging };
    for method in METHODS {
        let mut books = Books::with(hedging(method));
        for (leg, quantity, at_price) in [
            (Leg::Long, "300", "50"),
            (Leg::Short, "-200", "60"),
            (Leg::Net, "100", "10"),
            (Leg::Short, "100", "40"),
        ] {
            let mut fill = fill(ME, LINEAR, dec(quantity), price(at_price));
            fill.leg = leg;
            books.book(fill).unwrap();
        }
        let held = |leg| {
            let holding = books.ledger.holding(ME, LINEAR, leg);
            (holding.quantity, holding.cost)
        };
        assert_eq!(held(Leg::Long), (dec("300"), dec("150")));
        assert_eq!(held(Leg::Short), (dec("-100"), dec("-60")));
        assert_eq!(held(Leg::Net), (dec("100"), dec("10")));
        assert_eq!(books.usd().realised, dec("20"));
        assert_eq!(books.closed[0].leg, Leg::Short);
        assert_eq!(books.unrealized(LINEAR, "50"), dec("50"));
        let paid = books.fund(LINEAR, 0.01, 50.0).unwrap();
        let amounts: Vec<_> = paid.iter().map(|(slot, money)| (*slot, money.amount)).collect();
        assert_eq!(amounts, [(ME, dec("-0.5")), (ME, dec("-1.5")), (ME, dec("0.5"))]);
    }
    // Netting knows one leg only, whatever the fill says.
    let mut books = Books::new(LotMethod::Average);
    let mut long = fill(ME, LINEAR, dec("1"), price("1"));
    long.leg = Leg::Long;
    books.book(long).unwrap();
    assert_eq!(books.ledger.holding(ME, LINEAR, Leg::Long), Default::default());
    assert_eq!(books.held(LINEAR).0, dec("1"));
    assert_eq!(books.ledger.config(), LedgerConfig::default());
}

#[test]
fn what_is_refused_changes_nothing() {
    for method in METHODS {
        let mut books = Books::new(method);
        books.trade(SPOT, "5", "100", FREE);
        books.trade(SPOT, "5", "100", FREE);
        let before = books.ledger.clone();
        let max = "79228162514264337593543950335";
        let tiny = "0.0000000000000000000000000001";
        let good = fill(ME, SPOT, dec("1"), price("1"));
        let with = |change: &dyn Fn(&mut Fill)| {
            let mut fill = good;
            change(&mut fill);
            fill
        };
        let quantity = |text: &str| Qty::new(dec(text));
        let refused = [
            with(&|fill| fill.execution.quantity = Qty::ZERO),
            with(&|fill| fill.execution.quantity = quantity("-1")),
            with(&|fill| fill.instrument = InstrumentId(4)),
            with(&|fill| fill.slot = SlotId(3)),
            with(&|fill| fill.execution.fee = Money::new(dec("1"), AssetId(9))),
            with(&|fill| fill.execution.fee = Money::new(dec(max), AssetId(1))),
            with(&|fill| fill.execution.fee = Money::new(dec(max), AssetId(0))),
            with(&|fill| fill.execution.price = price(max)),
            with(&|fill| {
                fill.execution.quantity = quantity(max);
                fill.side = Side::Sell;
            }),
            // 29 digits: the exact sum does not fit.
            with(&|fill| fill.execution.quantity = quantity(tiny)),
        ];
        for (index, fill) in refused.into_iter().enumerate() {
            let mut closed = books.closed.clone();
            let outcome = books.ledger.on_fill(&books.table, &fill, &mut closed);
            assert!(outcome.is_err(), "{method:?}, case {index}");
            assert_eq!(closed, books.closed, "{method:?}, case {index}");
            assert_eq!(books.ledger, before, "{method:?}, case {index}");
        }
        let change = quantity(max);
        let kind =
            AdjustmentKind::Position { slot: ME, instrument: SPOT, change, price: price("2") };
        assert!(books.adjust(kind).is_err());
        let kind = AdjustmentKind::Position {
            slot: SlotId(3),
            instrument: SPOT,
            change: Qty::ZERO,
            price: price("2"),
        };
        assert_eq!(books.adjust(kind), Err(LedgerError::UnknownSlot { slot: SlotId(3) }));
        let kind =
            AdjustmentKind::Split { instrument: InstrumentId(4), numerator: 1, denominator: 2 };
        assert!(books.adjust(kind).is_err());
        assert_eq!(books.ledger, before);
        let bnb = asset(&books.table, "BNB");
        assert_eq!(books.ledger.sums(bnb), AssetSums::default());
    }
}

#[test]
fn snapshots_keep_everything_and_other_books_are_refused() {
    for method in METHODS {
        let mut books = Books::new(method);
        books.trade(SPOT, "3", "10", ("0.1", "USD"));
        books.trade(SPOT, "4", "11", ("0.2", "BNB"));
        books.trade(LINEAR, "-4", "11", FREE);
        books.fund(LINEAR, 0.001, 11.0).unwrap();
        let saved = books.ledger.save().unwrap();
        let mut restored = Ledger::new(&books.table, SLOTS, config(method));
        restored.restore(&saved).unwrap();
        assert_eq!(restored, books.ledger);
        let same = books.ledger.clone();
        for mut other in [
            Ledger::new(&books.table, SLOTS + 1, config(method)),
            Ledger::new(&Instruments::new(), SLOTS, config(method)),
            Ledger::new(
                &books.table,
                SLOTS,
                LedgerConfig { lots: method, positions: PositionMode::Hedging },
            ),
        ] {
            let before = other.clone();
            assert!(matches!(other.restore(&saved), Err(StateError::Mismatch { .. })));
            assert_eq!(other, before);
        }
        assert!(books.ledger.restore(&saved[..saved.len() / 2]).is_err());
        assert_eq!(books.ledger, same);
    }
}

fn signed(range: core::ops::Range<i64>) -> impl Strategy<Value = i64> {
    (range, any::<bool>()).prop_map(|(size, is_buy)| if is_buy { size } else { -size })
}

proptest! {
    /// Laws 47, 48, 50, 51: a flip is two fills, a fill may be cut in pieces, a round trip at
    /// one price costs the fees, and mirrored sides earn the opposite.
    #[test]
    fn fills_may_be_cut_and_mirrored(
        fills in prop::collection::vec((signed(1..8), 20i64..60), 1..20),
        method in prop::sample::select(METHODS.to_vec()),
        index in 0usize..4,
    ) {
        let id = ALL[index];
        let run = |fills: &[(i64, i64)]| {
            let mut books = Books::new(method);
            for (quantity, at_price) in fills {
                let fee = ("0.25", if index == 2 { "BTC" } else { "USD" });
                books.trade(id, &quantity.to_string(), &at_price.to_string(), fee);
            }
            let sums = books.ledger.sums(AssetId(if index == 2 { 0 } else { 1 }));
            (sums, books.held(id), books)
        };
        let (whole, held, books) = run(&fills);
        let mirrored: Vec<_> = fills.iter().map(|(quantity, price)| (-quantity, *price)).collect();
        let (mirror, other, _) = run(&mirrored);
        prop_assert_eq!((mirror.realised, mirror.fees), (-whole.realised, whole.fees));
        prop_assert_eq!(other, (-held.0, -held.1));

        // Cut every fill into single units; only linear values are free of rounding.
        let units: Vec<_> = fills
            .iter()
            .flat_map(|(quantity, price)| {
                std::iter::repeat_n((quantity.signum(), *price), quantity.unsigned_abs() as usize)
            })
            .collect();
        let (cut, cut_held, _) = run(&units);
        prop_assert_eq!(cut_held.0, held.0);
        if index != 2 && method != LotMethod::Average {
            prop_assert_eq!((cut.realised, cut_held.1), (whole.realised, held.1));
        } else {
            prop_assert!((cut.realised - whole.realised).abs() < dec("0.0000000001"));
        }

        // The trades carry all of the fees that no open position carries.
        let mut books = books;
        if !held.0.is_zero() {
            books.trade(id, &(-held.0).to_string(), "33", FREE);
        }
        let fees: Decimal = books.closed.iter().map(|trade| trade.fees).sum();
        prop_assert_eq!(fees, whole.fees);
        let gross: Decimal = books.closed.iter().map(|trade| trade.gross.amount).sum();
        let realised = books.ledger.sums(AssetId(if index == 2 { 0 } else { 1 })).realised;
        prop_assert_eq!(gross, realised);
        prop_assert_eq!(books.held(id), (Decimal::ZERO, Decimal::ZERO));
    }

    /// Law 52 for the base asset: what the account has of each asset is what raw fills say.
    #[test]
    fn base_fees_conserve_the_coin(
        fills in prop::collection::vec((signed(1..8), 20i64..60, 0i64..20), 1..20),
        method in prop::sample::select(METHODS.to_vec()),
        mark in 20i64..60,
    ) {
        let mut books = Books::new(method);
        let (mut coin, mut cash, mut fees) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
        for (quantity, at_price, fee) in fills {
            let fee = Decimal::new(fee, 3);
            let texts = [quantity.to_string(), at_price.to_string(), fee.to_string()];
            books.trade(SPOT, &texts[0], &texts[1], (&texts[2], "BTC"));
            coin += Decimal::from(quantity) - fee;
            cash -= Decimal::from(quantity * at_price);
            fees += fee * Decimal::from(at_price);
        }
        prop_assert_eq!(books.held(SPOT).0, coin);
        prop_assert_eq!((books.usd().cash, books.usd().fees), (cash, fees));
        let unrealised = books.unrealized(SPOT, &mark.to_string());
        let value = coin * Decimal::from(mark);
        prop_assert_eq!(cash + value, books.usd().realised + unrealised - fees);
    }
}

/// Funding that one owner's position cannot take is paid to nobody, not even with the next.
#[test]
fn refused_funding_is_forgotten() {
    let mut books = Books::new(LotMethod::Average);
    books.trade(LINEAR, "200", "50", FREE);
    let large = fill(SlotId(2), LINEAR, dec("1000000000000000000000000"), price("0.01"));
    books.book(large).unwrap();
    let mut other = books.ledger.clone();
    let refused = books.fund(LINEAR, 0.1, 1e9);
    assert_eq!(refused, Err(LedgerError::Overflow { what: "funding" }));
    assert_eq!(books.ledger, other);
    books.fund(LINEAR, 0.0001, 50.0).unwrap();
    let funding = Funding { instrument: LINEAR, rate: 0.0001, mark: 50.0 };
    other.on_funding(at(9), &books.table, &funding, &mut Vec::new()).unwrap();
    assert_eq!(books.ledger, other);
}

/// A fee is shared by quantity also where fee times quantity is beyond all numbers.
#[test]
fn a_large_fee_of_a_large_turn_is_shared() {
    let mut books = Books::new(LotMethod::Average);
    books.trade(LINEAR, "1000000000000000000000000", "0.01", FREE);
    books.trade(LINEAR, "-2000000000000000000000000", "0.01", ("10000000000", "USD"));
    assert_eq!(books.closed[0].fees, dec("5000000000"));
    assert_eq!(books.usd().fees, dec("10000000000"));
}
