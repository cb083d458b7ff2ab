//! Dividends, splits, expiries, exercises, interest; funding of a real series; other currencies.

use std::time::Duration;

use tradewright::account::{
    Account, AdjustmentEffects, DayCount, Ledger, LedgerConfig, LedgerError, MarkPrices,
    accrued_interest, funding_payment,
};
use tradewright::backtest::{Backtest, FundingSeries, Tape};
use tradewright::engine::Input;
use tradewright::sim::SimConfig;
use tradewright::strategy::from_fn;
use tradewright::types::{
    Adjustment, AdjustmentCause, AdjustmentKind, AssetId, Bar, Decimal, Facts, Fill, FillReport,
    Instrument, InstrumentId, Instruments, Label, Leg, Liquidity, MarketEvent, Money, OptionRight,
    OrderId, Period, Price, Purpose, Qty, Side, SlotId, State, Timestamp, Trade, TradeId, to_f64,
};

const ACME: InstrumentId = InstrumentId(0);
const CALL: InstrumentId = InstrumentId(1);
const PUT: InstrumentId = InstrumentId(2);
const FUTURE: InstrumentId = InstrumentId(3);
const XRP: InstrumentId = InstrumentId(4);
const INVERSE: InstrumentId = InstrumentId(5);
const BNBUSD: InstrumentId = InstrumentId(6);
const EURUSD: InstrumentId = InstrumentId(7);
const ONE: SlotId = SlotId(1);
const TWO: SlotId = SlotId(2);

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn price(text: &str) -> Price {
    Price::new(dec(text)).unwrap()
}

fn table() -> Instruments {
    let mut table = Instruments::new();
    let pair = ["ACME", "USD"];
    table.add(Instrument::stock("ACME", "USD")).unwrap();
    for (symbol, right) in [("C100", OptionRight::Call), ("P100", OptionRight::Put)] {
        let option = Instrument::option(symbol, pair, (right, "100"), Timestamp::MAX);
        table.add(option.multiplier("10")).unwrap();
    }
    let future = Instrument::future("FUT", "OIL", "USD", Timestamp::MAX);
    table.add(future.multiplier("100")).unwrap();
    table.add(Instrument::linear_perpetual("XRPUSD", "XRP", "USD").tick("0.0001")).unwrap();
    table.add(Instrument::inverse_perpetual("XRPINV", "XRP", "USD").tick("0.0001")).unwrap();
    table.add(Instrument::spot("BNBUSD", "BNB", "USD")).unwrap();
    table.add(Instrument::spot("EURUSD", "EUR", "USD").tick("0.0001")).unwrap();
    table
}

struct World {
    table: Instruments,
    account: Account,
    effects: AdjustmentEffects,
    closed: Vec<Trade>,
    trades: u128,
}

impl World {
    fn new() -> Self {
        let table = table();
        let usd = table.find_asset("USD").unwrap();
        let ledger = Box::new(Ledger::new(&table, 3, LedgerConfig::default()));
        let account = Account::new(&table, 3, usd, ledger).unwrap();
        let effects = AdjustmentEffects::default();
        Self { table, account, effects, closed: Vec::new(), trades: 0 }
    }

    fn asset(&self, code: &str) -> AssetId {
        self.table.find_asset(code).unwrap()
    }

    fn usd(&self) -> Decimal {
        self.account.sums(self.asset("USD")).cash
    }

    fn adjust(&mut self, kind: AdjustmentKind) -> Result<(), LedgerError> {
        self.effects.clear();
        let adjustment = Adjustment { cause: AdjustmentCause::Expiry, kind };
        self.account.adjust(Timestamp::EPOCH, &self.table, &adjustment, &mut self.effects)
    }

    fn trade(&mut self, slot: SlotId, id: InstrumentId, units: i64, at: &str, fee: (&str, &str)) {
        self.trades += 1;
        let fill = Fill {
            at: Timestamp::EPOCH,
            order: OrderId::default(),
            slot,
            instrument: id,
            side: if units > 0 { Side::Buy } else { Side::Sell },
            leg: Leg::Net,
            execution: FillReport {
                trade: TradeId(self.trades),
                price: price(at),
                quantity: Qty::from(units.abs()),
                fee: Money::new(dec(fee.0), self.asset(fee.1)),
                liquidity: Liquidity::Taker,
                before_slippage: price(at),
            },
            arrival: f64::NAN,
            purpose: Purpose::Entry,
            tag: Label::default(),
        };
        self.account.on_fill(&self.table, &fill, &mut self.closed).unwrap();
    }

    fn mark(&mut self, id: InstrumentId, price: f64) {
        self.account.mark(Timestamp::EPOCH, &self.table, id, price);
    }

    /// Cash, less deposits, is realised less fees once everything is closed.
    fn is_conserved_flat(&self) -> bool {
        (0..self.table.assets().len()).all(|asset| {
            let sums = self.account.sums(AssetId(u16::try_from(asset).unwrap()));
            sums.cash - sums.deposits == sums.realised - sums.fees + sums.funding
        })
    }
}

const FREE: (&str, &str) = ("0", "USD");

#[test]
fn longs_receive_dividends_and_shorts_pay_them() {
    let mut world = World::new();
    world.trade(ONE, ACME, 30, "50", FREE);
    world.trade(TWO, ACME, -10, "50", FREE);
    world.adjust(AdjustmentKind::Dividend { instrument: ACME, amount: dec("0.24") }).unwrap();
    let usd = world.asset("USD");
    let paid = [(ONE, Money::new(dec("7.2"), usd)), (TWO, Money::new(dec("-2.4"), usd))];
    assert_eq!(world.effects.paid, paid);
    assert_eq!((world.usd(), world.account.sums(usd).realised), (dec("-995.2"), dec("4.8")));
    let rate = dec("0.001");
    let fee = AdjustmentKind::BorrowFee { instrument: ACME, price: price("60"), rate };
    world.adjust(fee).unwrap();
    assert_eq!(world.effects.paid, [(TWO, Money::new(dec("-0.6"), usd))]);
    assert_eq!(world.usd(), dec("-995.8"));
    // What cannot be changes nothing.
    let before = world.account.save().unwrap();
    for kind in [
        AdjustmentKind::Dividend { instrument: ACME, amount: dec("-1") },
        AdjustmentKind::Dividend { instrument: InstrumentId(99), amount: dec("1") },
        AdjustmentKind::Dividend { instrument: ACME, amount: Decimal::MAX },
        AdjustmentKind::BorrowFee { instrument: ACME, price: price("60"), rate: dec("-1") },
        AdjustmentKind::Settlement { instrument: ACME, price: dec("-1") },
        AdjustmentKind::Settlement { instrument: ACME, price: Decimal::MAX },
        AdjustmentKind::Settlement { instrument: InstrumentId(99), price: dec("1") },
    ] {
        assert!(world.adjust(kind).is_err(), "{kind:?}");
        assert_eq!(world.effects, AdjustmentEffects::default());
        assert_eq!(world.account.save().unwrap(), before);
    }
}

#[test]
fn expiries_close_every_position_and_report_its_trades() {
    let mut world = World::new();
    world.trade(ONE, FUTURE, 3, "70", ("1.5", "USD"));
    world.trade(TWO, FUTURE, -1, "75", FREE);
    world.adjust(AdjustmentKind::Settlement { instrument: FUTURE, price: dec("72") }).unwrap();
    let told: Vec<_> = world
        .effects
        .closed
        .iter()
        .map(|trade| (trade.slot, trade.gross.amount, trade.fees, trade.exit))
        .collect();
    let seventy_two = dec("72");
    assert_eq!(
        told,
        [(ONE, dec("600"), dec("1.5"), seventy_two), (TWO, dec("300"), Decimal::ZERO, seventy_two)]
    );
    assert_eq!(world.usd(), dec("898.5"));
    assert!(world.account.book().net(FUTURE).is_flat() && world.is_conserved_flat());
    assert_eq!(world.account.book().equity(), 898.5);

    // A worthless option loses its premium, a delisted share what is not paid for it.
    world.trade(ONE, CALL, 2, "5", FREE);
    world.adjust(AdjustmentKind::Settlement { instrument: CALL, price: Decimal::ZERO }).unwrap();
    let [trade] = world.effects.closed[..] else { panic!("one trade") };
    assert_eq!((trade.gross.amount, trade.exit), (dec("-100"), Decimal::ZERO));
    world.trade(ONE, ACME, 10, "50", FREE);
    world.adjust(AdjustmentKind::Settlement { instrument: ACME, price: dec("1") }).unwrap();
    assert_eq!(world.usd(), dec("308.5"));
    assert!(world.is_conserved_flat());
}

#[test]
fn exercise_and_assignment_deliver_at_the_strike() {
    for (option, units, shares, market, worth) in [
        (CALL, 2, 20, "120", "20"),
        (CALL, -2, -20, "120", "20"),
        (PUT, 2, -20, "85", "15"),
        (PUT, -2, 20, "85", "15"),
        (CALL, 2, 20, "90", "0"),
    ] {
        let mut world = World::new();
        world.trade(ONE, option, units, "3", FREE);
        let premium = world.usd();
        let exercise = |contracts: i64, underlying| AdjustmentKind::Exercise {
            slot: ONE,
            option,
            underlying,
            contracts: Qty::from(contracts),
            price: price(market),
        };
        for refused in [exercise(3, ACME), exercise(0, ACME), exercise(1, FUTURE)] {
            let before = world.account.save().unwrap();
            assert!(world.adjust(refused).is_err());
            assert_eq!(world.account.save().unwrap(), before);
        }
        world.adjust(exercise(2, ACME)).unwrap();
        let book = world.account.book();
        assert!(book.position(ONE, option).is_flat());
        assert_eq!(book.position(ONE, ACME).quantity, Decimal::from(shares));
        assert_eq!(world.usd() - premium, Decimal::from(-100 * shares), "cash moves by the strike");
        assert_eq!(world.effects.closed[0].exit, dec(worth));
        let at: Decimal = dec(market);
        let sold = AdjustmentKind::Settlement { instrument: ACME, price: at };
        world.adjust(sold).unwrap();
        assert!(world.is_conserved_flat());
    }
}

#[test]
fn interest_accrues_by_the_day_count() {
    let (debt, rate, month) = (dec("-10000"), dec("0.06"), Duration::from_secs(30 * 86_400));
    assert_eq!(accrued_interest(debt, rate, month, DayCount::Actual360), Some(dec("-50")));
    let cost = accrued_interest(debt, rate, month, DayCount::Actual365).unwrap();
    assert_eq!(cost.round_dp(8), dec("-49.31506849"));
    assert_eq!(accrued_interest(Decimal::MAX, dec("2"), month, DayCount::Actual360), None);
}

/// A fee in a third asset: the trade carries it at the rate of the moment, both assets balance.
#[test]
fn third_asset_fees_reach_the_trade() {
    let mut world = World::new();
    let usd = world.asset("USD");
    world.mark(BNBUSD, 300.25);
    world.trade(ONE, ACME, 10, "50", ("0.02", "BNB"));
    world.mark(BNBUSD, 310.0);
    world.trade(ONE, ACME, -10, "55", ("0.01", "BNB"));
    let [trade] = world.closed[..] else { panic!("one trade") };
    // 0.02 · 300.25 and 0.01 · 310.
    assert_eq!((trade.gross.amount, trade.fees), (dec("50"), dec("9.105")));
    assert_eq!(trade.net(), Some(dec("40.895")));
    let sums = world.account.sums(usd);
    assert_eq!((sums.cash, sums.fees, sums.deposits), (dec("50"), dec("9.105"), dec("9.105")));
    let bnb = world.account.sums(world.asset("BNB"));
    assert_eq!((bnb.cash, bnb.fees, bnb.deposits), (dec("-0.03"), Decimal::ZERO, dec("-0.03")));
    assert!(world.is_conserved_flat());
    assert_eq!(world.account.book().equity(), 50.0 - 0.03 * 310.0);

    // Without a rate it stays in its own asset, and equity is not known.
    let mut world = World::new();
    world.trade(ONE, ACME, 10, "50", ("0.02", "BNB"));
    let bnb = world.account.sums(world.asset("BNB"));
    assert_eq!((bnb.cash, bnb.fees), (dec("-0.02"), dec("0.02")));
    assert_eq!(world.account.sums(usd).fees, Decimal::ZERO);
    assert!(world.account.book().equity().is_nan());
}

#[test]
fn an_account_is_seen_in_any_currency_or_not_at_all() {
    let mut world = World::new();
    let [usd, eur, bnb] = ["USD", "EUR", "BNB"].map(|code| world.asset(code));
    for (amount, asset) in [("1000", usd), ("500", eur), ("2", bnb)] {
        world.adjust(AdjustmentKind::Capital(Money::new(dec(amount), asset))).unwrap();
    }
    world.trade(ONE, ACME, 4, "100", FREE);
    world.trade(ONE, FUTURE, 1, "70", FREE);
    let second = |at| Timestamp::from_secs(at).unwrap();
    let marks = [(EURUSD, 1.25, 10), (ACME, 110.0, 20), (FUTURE, 69.0, 20)];
    for (id, mark, at) in marks {
        world.account.mark(second(at), &world.table, id, mark);
    }
    let view = |world: &World, currency, age: Option<u64>| {
        let book = world.account.book();
        let prices = MarkPrices::new(Facts::new(second(30), ONE, &world.table, book));
        let prices = match age {
            Some(age) => prices.no_older_than(Duration::from_secs(age)),
            None => prices,
        };
        world.account.view(&world.table, currency, &prices)
    };
    assert_eq!(view(&world, usd, None), None, "BNB has no rate");
    world.account.mark(second(25), &world.table, BNBUSD, 300.0);
    let seen = view(&world, usd, None).unwrap();
    // 600 + 625 + 600 in cash, 440 in shares, 100 lost on the future.
    assert_eq!((seen.cash, seen.equity, seen.unrealised), (1_825.0, 2_165.0, -60.0));
    assert_eq!((seen.deposits, seen.rates_at), (2_225.0, second(10)));
    assert_eq!(seen.equity, world.account.book().equity());
    // Through the dollar.
    let seen = view(&world, eur, None).unwrap();
    assert!((seen.equity - 1_732.0).abs() < 1e-9);
    assert!(view(&world, usd, Some(20)).is_some());
    assert_eq!(view(&world, usd, Some(19)), None, "the euro's rate is 20 seconds old");
}

/// 91 payments of a real series, to the last decimal, linear and inverse, long and short.
#[test]
fn real_funding_is_reproduced() {
    let Some(rows) = reference() else { return };
    let table = table();
    let units = Decimal::from(1_000);
    let (mut total, mut rates, mut marks) = (Decimal::ZERO, Vec::new(), Vec::new());
    for (at, mark, rate, flow, cumulated) in &rows {
        let paid = funding_payment(&table[XRP], units, *mark, *rate).unwrap();
        assert_eq!(paid, *flow, "{at}");
        assert_eq!(funding_payment(&table[XRP], -units, *mark, *rate), Some(-*flow));
        total += paid;
        assert_eq!(total, *cumulated);
        rates.push((*at, to_f64(*rate)));
        // The other series stamps the full slot, a few milliseconds early now and then.
        let slot = at.millis() / 28_800_000 * 28_800_000;
        let early = i64::try_from(marks.len()).unwrap() % 3;
        marks.push((Timestamp::from_millis(slot - early).unwrap(), to_f64(*mark)));
    }
    assert_eq!((rows.len(), total), (91, dec("-8.031210148000000021458000")));

    // A rate that is sent again some milliseconds later is paid once.
    let again = (rates[5].0.after(Duration::from_millis(4)), rates[5].1);
    rates.insert(6, again);
    let eight_hours = Duration::from_secs(28_800);
    for id in [XRP, INVERSE] {
        let series = FundingSeries::pair(id, eight_hours, &rates, &marks).unwrap();
        assert_eq!((series.events.len(), series.repeated.as_slice()), (91, &[again.0][..]));
        assert!(series.unmatched.is_empty());
        let mut world = World::new();
        world.trade(ONE, id, 1_000, "1.1", FREE);
        world.trade(TWO, id, -400, "1.1", FREE);
        let asset = table[id].settlement;
        let mut expected = Decimal::ZERO;
        for (timed, (_, mark, rate, ..)) in series.events.iter().zip(&rows) {
            let MarketEvent::Funding(funding) = &timed.event else { panic!("funding") };
            let mut paid = Vec::new();
            world.account.on_funding(timed.at, &world.table, funding, &mut paid).unwrap();
            let exact = [units, Decimal::from(-400)].map(|units| {
                funding_payment(&table[id], units, *mark, *rate).unwrap().round_dp(12)
            });
            let amounts: Vec<Decimal> = paid.iter().map(|(_, money)| money.amount).collect();
            assert_eq!(amounts, exact);
            expected += exact[0] + exact[1];
            let sums = world.account.sums(asset);
            assert_eq!((sums.funding, sums.cash), (expected, expected));
            let facts = Facts::new(timed.at, ONE, &world.table, world.account.book());
            let seen = world.account.view(&world.table, asset, &MarkPrices::new(facts));
            assert_eq!(seen.map(|view| view.funding), Some(to_f64(expected)));
        }
    }
    let lonely = FundingSeries::pair(XRP, eight_hours, &rates, &marks[1..]).unwrap();
    assert_eq!(lonely.unmatched, [rates[0].0]);
    rates.swap(0, 1);
    assert!(FundingSeries::pair(XRP, eight_hours, &rates, &marks).is_err());
}

type Row = (Timestamp, Decimal, Decimal, Decimal, Decimal);

/// The shared reference data; `None` where they are not at hand.
fn reference() -> Option<Vec<Row>> {
    let folder = std::env::var("TRADEWRIGHT_SHARED").ok()?;
    let file = format!("{folder}/reference/funding_xrp_usdt_perp.json");
    let text = std::fs::read_to_string(file).unwrap();
    let file: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rows = file["rows"].as_array().unwrap().iter().map(|row| {
        let number = |index: usize| dec(row[index].as_str().unwrap());
        let at = Timestamp::from_millis(row[0].as_i64().unwrap()).unwrap();
        (at, number(1), number(2), number(3), number(4))
    });
    Some(rows.collect())
}

/// Adjustments reach the venue too: after a split, a dividend and a delisting its cash and
/// positions are the account's, and reports know the trade.
#[test]
fn a_backtest_carries_adjustments_out_at_the_venue() {
    let table = table();
    let usd = table.find_asset("USD").unwrap();
    let mut tape = Tape::new(table);
    let day = |day: i64| Timestamp::from_secs(86_400 * day).unwrap();
    for (index, close) in [50.0, 52.0, 54.0, 27.0, 27.5, 27.0].into_iter().enumerate() {
        let bar = Bar::new(ACME, Period::DAY, [close; 4], 1e6).unwrap();
        tape.push(day(i64::try_from(index).unwrap() + 1), MarketEvent::Bar(bar)).unwrap();
    }
    let buyer = from_fn("BUYER", |event, facts, advice| {
        if event.bar().is_some() && facts.at == Timestamp::from_secs(86_400).unwrap() {
            advice.target(ACME, Qty::from(100));
        }
    });
    let venue = SimConfig::default().with_balance("USD", dec("10000"));
    let backtest = Backtest::new(&tape).cash("10000").venue(venue).with(buyer);
    let (_, mut run) = backtest.prepare(()).unwrap();
    let adjustments = [
        (
            3,
            AdjustmentCause::Dividend,
            AdjustmentKind::Dividend { instrument: ACME, amount: dec("0.5") },
        ),
        (
            3,
            AdjustmentCause::Split,
            AdjustmentKind::Split { instrument: ACME, numerator: 2, denominator: 1 },
        ),
        (5, AdjustmentCause::Interest, AdjustmentKind::Income(Money::new(dec("-3"), usd))),
        (
            6,
            AdjustmentCause::Delisting,
            AdjustmentKind::Settlement { instrument: ACME, price: dec("26") },
        ),
    ];
    let mut todo = adjustments.into_iter().peekable();
    for event in tape.events() {
        run.run(std::slice::from_ref(event)).unwrap();
        while let Some((_, cause, kind)) = todo.next_if(|(due, ..)| day(*due) == event.at) {
            run.input(event.at, &Input::Adjustment(Adjustment { cause, kind })).unwrap();
            let account = run.engine().account();
            assert_eq!(run.venue().balance(usd), Some(account.sums(usd).cash), "{kind:?}");
            let held = account.book().net(ACME).quantity;
            assert_eq!(run.venue().position(ACME), Qty::new(held), "{kind:?}");
        }
    }
    // 100 at 52, 200 at 26, 50 of dividend, 3 of interest.
    assert_eq!(run.venue().balance(usd), Some(dec("10047")));
    let collected = run.into_sink().0;
    let [trade] = collected.trades[..] else { panic!("one trade: {:?}", collected.trades) };
    assert_eq!((trade.quantity, trade.gross.amount), (Qty::from(200), Decimal::ZERO));
}
