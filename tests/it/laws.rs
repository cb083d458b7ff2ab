//! Which test holds which law of money, risk and orders, and the laws that have no other home.
//!
//! | law | tests |
//! |---|---|
//! | an error changes nothing; a replay is the run; nothing panics | `an_engine_survives_anything` here, `soak`, each suite of `conformance` |
//! | saved and restored is the same; equal events, equal answers | `conformance`, `soak`, `replay` |
//! | memory is bounded | `alloc`, `orders::the_memory_of_a_new_book_is_a_thousand_and_twenty_four` |
//! | drawdown: peak, depth, scale, strict limit, latch (1-7, 10) | `reference_models::the_drawdown_equals_the_quadratic_model`, `risk::drawdown` |
//! | drawdown: undefined, capital, unknown equity (8, 9, 11) | `risk::drawdown`, `risk::guards` |
//! | breaker: window, streak, cooldown, time that goes back (12-19) | `reference_models::the_breaker_equals_the_list_scan` |
//! | breaker: cooldown without end, no trades at all (20, 21) | `risk::breaker` |
//! | rules: conjunction, order, all objections (22) | `risk::chain` |
//! | rules: tighter is stricter (23) | `risk::chain`, `risk::controls`, `risk::limits` |
//! | rules: the worst case of all working orders fits (24) | `risk::chain::grants_the_largest_quantity_that_passes`, `soak` |
//! | what reduces always passes (25) | `conformance::risk_managers_keep_their_laws`, `risk::opening`, `soak` |
//! | what is not a number is refused (26) | `conformance::rules_keep_their_laws`, `risk::rules`, `numbers_beyond_measure_open_nothing` here |
//! | heat adds up (27) | `risk::limits::heat_adds_up` |
//! | the day resets once (28) | `risk::daily_loss` |
//! | value at risk (29), correlation (30) | `tail_risk`, `covariance` |
//! | the kill switch holds across restarts (31) | `a_kill_switch_survives_restarts` here, `risk::halt`, `soak` |
//! | orders: the exact table, terminal states, sums (32-34, 36, 40, 43, 44) | `conformance::the_order_book_keeps_its_laws`, `orders` |
//! | orders: repeated, late and reordered fills (35, 37-39) | `a_network_without_manners_changes_nothing` here, `model_check`, `soak` |
//! | orders: audit (41) | `controls` |
//! | orders: one id, one order (42) | `soak`, `model_check` |
//! | money: conservation, methods, currencies, funding (45, 46, 52, 53) | `conformance::the_ledger_keeps_its_laws`, `soak` |
//! | money: flips, cuts, round trips, mirrors (47, 48, 50, 51) | `ledger::fills_may_be_cut_and_mirrored` |
//! | money: a mark moves unrealised profit alone (49) | `a_mark_moves_unrealised_profit_alone` here |
//! | money: inverse contracts (54), averages are quotients (55) | `inverse_profit_is_exact_to_the_last_digit` here, `ledger` |
//! | a bar is sound when its numbers say so | `a_bar_is_judged_by_its_numbers` here |
//! | the equity curve ends where the money is (56) | `the_equity_curve_ends_where_the_money_is` here |
//! | figures without a value (57) | `performance` |
//! | sizes: grid, caps, budget, monotony, no size without a reason (58-61) | `risk::sizing_laws`, `risk::sizing` |
//! | stops lie on the losing side (62) | `risk::stops::levels_never_move_away`, `risk::controls::exits_lie_on_their_sides` |

use proptest::prelude::*;
use proptest::strategy::Strategy as _;
use tradewright::account::{Account, AdjustmentEffects, Ledger, LedgerConfig, PnlCalculator};
use tradewright::backtest::synthetic;
use tradewright::engine::{Command, Control, SlotConfig};
use tradewright::order::{OrderBook, OrderLifecycle};
use tradewright::prelude::*;
use tradewright::risk::{Ceiling, GrossExposure, Leverage, PositionSize};
use tradewright::strategy::Strategy;
use tradewright::testkit::inputs;
use tradewright::types::{
    Acknowledgement, Adjustment, AdjustmentCause, AdjustmentKind, Amount, Fill, FillReport, Halt,
    HaltCause, HaltScope, Label, Leg, Liquidity, Money, OrderId, OrderReport, Purpose, SlotId,
    TradeId,
};

const SHARE: InstrumentId = InstrumentId(0);
const ME: SlotId = SlotId(1);

fn shares() -> Instruments {
    let mut table = Instruments::new();
    for symbol in ["ONE", "TWO"] {
        table.add(Instrument::stock(symbol, "USD")).unwrap();
    }
    table
}

type Boxed = Engine<Box<dyn Strategy>>;

/// An engine whose strategy is a registered one, so that it can be saved.
fn engine() -> Boxed {
    let table = shares();
    let usd = table.find_asset("USD").unwrap();
    let universe: Vec<_> = table.iter().map(|found| found.id).collect();
    let context = tradewright::strategy::StrategyContext::new(&table, &universe);
    let registry = StrategyRegistry::new();
    let strategy =
        |name, parameters| registry.build_json(name, parameters, &context).unwrap().strategy;
    let fast = strategy("EMA_CROSS", r#"{"fast": 2, "slow": 3}"#);
    let maker = strategy("MARKET_MAKER", "{}");
    Engine::builder(table.clone(), usd)
        .slot(SlotConfig::new(fast).policy(Policy::LongShort))
        .slot(SlotConfig::new(maker))
        .rule(PositionSize::new(0.3).unwrap())
        .build()
        .unwrap()
}

fn deposit(engine: &mut Boxed, at: Timestamp, amount: i64) {
    let usd = engine.account().book().reporting();
    let kind = AdjustmentKind::Capital(Money::new(Decimal::from(amount), usd));
    let input = Input::Adjustment(Adjustment { cause: AdjustmentCause::Deposit, kind });
    engine.handle(at, &input, &mut Vec::new()).unwrap();
}

/// A number as a bar may bring it, or as it never should.
fn any_number() -> impl proptest::strategy::Strategy<Value = f64> {
    let least = 5e-324;
    let beyond = [f64::MAX, f64::INFINITY, f64::NAN, -f64::NAN];
    let edges = [[0.0, -0.0, least, 8_f64.next_up()], beyond].concat();
    prop_oneof![
        6 => (8_u8..12).prop_map(f64::from),
        2 => prop::sample::select(edges),
        1 => any::<u64>().prop_map(f64::from_bits),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A bar is accepted when all its numbers are finite, no price is zero or less, the volume is
    /// not less than zero, and open and close lie between low and high.
    #[test]
    fn a_bar_is_judged_by_its_numbers(bars in prop::collection::vec(
        (prop::array::uniform4(any_number()), any_number()), 200)) {
        for (ohlc, volume) in bars {
            let [open, high, low, close] = ohlc;
            let is_sound = low > 0.0
                && high < f64::INFINITY
                && (low..=high).contains(&open)
                && (low..=high).contains(&close)
                && (0.0..f64::INFINITY).contains(&volume);
            let bar = Bar::new(SHARE, Period::DAY, ohlc, volume);
            prop_assert_eq!(bar.is_ok(), is_sound, "{:?} {:?}", ohlc, volume);
        }
    }

    /// Whatever an engine is told, it does not panic; what it refuses leaves it as it was, byte
    /// by byte; and the accepted inputs alone lead another engine to the same state and commands.
    #[test]
    fn an_engine_survives_anything(inputs in inputs::engine_inputs(&shares(), 1..60)) {
        let (mut engine, mut commands) = (engine(), Vec::new());
        deposit(&mut engine, Timestamp::EPOCH, 50_000);
        let mut accepted = Vec::new();
        for (at, input) in &inputs {
            let before = engine.save().unwrap();
            let said = commands.len();
            if engine.handle(*at, input, &mut commands).is_ok() {
                accepted.push((*at, input.clone()));
                continue;
            }
            prop_assert_eq!(engine.save().unwrap(), before, "{:?} left a trace", input);
            prop_assert_eq!(commands.len(), said, "{:?} led to commands", input);
        }
        let (mut twin, mut again) = (self::engine(), Vec::new());
        deposit(&mut twin, Timestamp::EPOCH, 50_000);
        for (at, input) in &accepted {
            twin.handle(*at, input, &mut again).unwrap();
        }
        prop_assert_eq!(twin.save().unwrap(), engine.save().unwrap());
        prop_assert_eq!(format!("{again:?}"), format!("{commands:?}"));
    }

    /// Prices, quantities and fees of any size are booked or refused, and never panic.
    #[test]
    fn numbers_of_any_size_are_booked_or_refused(
        numbers in prop::collection::vec((any::<[i128; 3]>(), 0_u32..29), 1..12),
        prices in prop::collection::vec(any::<f64>(), 1..12),
    ) {
        let (mut engine, mut commands) = (engine(), Vec::new());
        deposit(&mut engine, Timestamp::EPOCH, 50_000);
        let wide = |mantissa: i128, scale| Decimal::from_i128_with_scale(mantissa >> 32, scale);
        let usd = engine.account().book().reporting();
        for (index, ([price, quantity, fee], scale)) in numbers.into_iter().enumerate() {
            let Ok(price) = Price::new(wide(price, scale).abs()) else { continue };
            let execution = FillReport {
                trade: TradeId(index as u128),
                price,
                quantity: Qty::new(wide(quantity, scale)),
                fee: Money::new(wide(fee, scale), usd),
                liquidity: Liquidity::Taker,
                before_slippage: price,
            };
            let update = tradewright::types::OrderUpdate {
                order: OrderId::default(),
                instrument: SHARE,
                side: if index % 3 == 0 { Side::Sell } else { Side::Buy },
                leg: Leg::Net,
                report: OrderReport::Fill(execution),
            };
            let before = engine.save().unwrap();
            let outcome = engine.handle(Timestamp::EPOCH, &Input::Order(update), &mut commands);
            prop_assert!(outcome.is_ok() || engine.save().unwrap() == before);
        }
        for price in prices {
            let bar = Bar::new(SHARE, Period::MINUTE, [price; 4], 1.0);
            let Ok(bar) = bar else { continue };
            let event = Input::Market(MarketEvent::Bar(bar));
            engine.handle(Timestamp::EPOCH, &event, &mut commands).unwrap();
        }
        engine.save().unwrap();
    }

    /// Laws 35, 37 and 38: however the network repeats and reorders the words of a venue, order
    /// and account end where the venue's own order of events leads, and every fill is booked once.
    #[test]
    fn a_network_without_manners_changes_nothing(life in inputs::order_lives()) {
        let table = shares();
        let usd = table.find_asset("USD").unwrap();
        let hear = |words: &[OrderReport]| {
            let ledger = Ledger::new(&table, 2, LedgerConfig::default());
            let mut account = Account::new(&table, 2, usd, Box::new(ledger)).unwrap();
            let mut book = OrderBook::new();
            book.open(Timestamp::EPOCH, &life.order).unwrap();
            for word in words {
                if let OrderReport::Fill(execution) = word {
                    if account.is_repeated(SHARE, execution.trade) {
                        continue;
                    }
                    let fill = fill_of(life.order.id, life.order.intent.side, *execution);
                    account.on_fill(&table, &fill, &mut Vec::new()).unwrap();
                }
                book.apply(Timestamp::EPOCH, life.order.id, word).unwrap();
            }
            let state = *book.find(life.order.id).unwrap();
            let net = account.book().net(SHARE).quantity;
            (state.status, state.filled, state.notional, net, account.sums(usd))
        };
        let (truth, heard) = (hear(&life.reports), hear(&life.delivered));
        prop_assert_eq!(truth.1, life.executed());
        // A refusal that arrives first is the whole story; an end that overtakes a fill is told
        // as what it is, so that only sums and positions must agree.
        prop_assert_eq!((truth.1, truth.2, truth.3, truth.4), (heard.1, heard.2, heard.3, heard.4));
        prop_assert_eq!(truth.0.is_terminal(), heard.0.is_terminal());
    }

    /// Law 49: a new mark changes unrealised profit by quantity times its move, and nothing else.
    #[test]
    fn a_mark_moves_unrealised_profit_alone(
        events in inputs::money_events(1..30),
        first in 20_i64..60,
        second in 20_i64..60,
    ) {
        let table = inputs::money_table();
        let mut ledger = Ledger::new(&table, 3, LedgerConfig::default());
        let mut effects = AdjustmentEffects::default();
        for event in &events {
            event.book(Timestamp::EPOCH, &table, &mut ledger, &mut effects).unwrap();
        }
        let before = ledger.clone();
        for instrument in table.iter().filter(|found| !found.kind.is_inverse()) {
            let [low, high] = [first, second].map(|mark| {
                let mark = Price::new(Decimal::from(mark)).unwrap();
                ledger.unrealized(instrument, ME, mark).unwrap().amount
            });
            let quantity = ledger.holding(ME, instrument.id, Leg::Net).quantity;
            let moved = quantity * instrument.multiplier * Decimal::from(second - first);
            prop_assert_eq!(high - low, moved);
        }
        prop_assert_eq!(ledger, before);
    }

    /// Law 54: an inverse contract earns contracts times value times the difference of the
    /// reciprocal prices; each of its two values is rounded once to 12 decimals.
    #[test]
    fn inverse_profit_is_exact_to_the_last_digit(
        contracts in 1_i64..10_000,
        entry in 1_i64..10_000_000,
        exit in 1_i64..10_000_000,
        buys in any::<bool>(),
    ) {
        let table = inputs::money_table();
        let inverse = InstrumentId(2);
        let mut ledger = Ledger::new(&table, 3, LedgerConfig::default());
        let side = if buys { Side::Buy } else { Side::Sell };
        let mut realised = Decimal::ZERO;
        for (side, price) in [(side, entry), (side.opposite(), exit)] {
            let price = Price::new(Decimal::new(price, 2)).unwrap();
            let mut fill = fill_of(OrderId::default(), side, FillReport {
                trade: TradeId(1),
                price,
                quantity: Qty::from(contracts),
                fee: Money::zero(table[inverse].settlement),
                liquidity: Liquidity::Taker,
                before_slippage: price,
            });
            fill.instrument = inverse;
            realised = ledger.on_fill(&table, &fill, &mut Vec::new()).unwrap().amount;
        }
        let value = |price: i64| Decimal::from(contracts * 100) / Decimal::new(price, 2);
        let exact = side.signed(value(entry) - value(exit));
        prop_assert!((realised - exact).abs() <= Decimal::new(1, 12), "{realised}, not {exact}");
    }

    /// Law 56: the steps of the equity curve sum to its end, and its end is what the account's
    /// money says: profit of trades and open positions, less what was paid.
    #[test]
    fn the_equity_curve_ends_where_the_money_is(seed in 0_u64..10_000, bars in 50_usize..400) {
        let tape = synthetic(bars, seed);
        let rate = Decimal::new(1, 3);
        let backtest = Backtest::new(&tape).strategy("MEAN_REVERSION");
        let report = backtest.fees(FeeSchedule::flat(rate, rate)).run().unwrap();
        let curve: Vec<f64> = report.equity.iter().map(|point| point.equity).collect();
        let steps: f64 = curve.windows(2).map(|pair| pair[1] - pair[0]).sum();
        let (first, last) = (curve[0], curve[curve.len() - 1]);
        prop_assert!((first + steps - last).abs() < 1e-6);
        let mut paid = Decimal::ZERO;
        let mut held = Decimal::ZERO;
        for (fill, _) in &report.fills {
            let quantity = fill.signed_quantity();
            paid += quantity * fill.execution.price.value() + fill.execution.fee.amount;
            held += quantity;
        }
        let mark = tape.bars(SHARE, Period::MINUTE).last().unwrap().1.close;
        let end = report.run.initial_equity - tradewright::types::to_f64(paid)
            + tradewright::types::to_f64(held) * mark;
        prop_assert!((report.run.final_equity - end).abs() < 1e-6, "{end}");
    }
}

fn fill_of(order: OrderId, side: Side, execution: FillReport) -> Fill {
    Fill {
        at: Timestamp::EPOCH,
        order,
        slot: ME,
        instrument: SHARE,
        side,
        leg: Leg::Net,
        execution,
        arrival: f64::NAN,
        purpose: Purpose::Entry,
        tag: Label::default(),
    }
}

fn minute(number: i64) -> Timestamp {
    Timestamp::from_secs(60 * number).unwrap()
}

fn bar(price: f64) -> Input {
    let bar = Bar::new(SHARE, Period::MINUTE, [price; 4], 1.0).unwrap();
    Input::Market(MarketEvent::Bar(bar))
}

/// A strategy that wants in on every bar, and can be saved.
#[derive(serde::Serialize, serde::Deserialize)]
struct Eager;

impl Strategy for Eager {
    fn name(&self) -> &'static str {
        "EAGER"
    }

    fn on_event(&mut self, event: &Event<'_>, _: &Facts<'_>, advice: &mut Advice) {
        if event.bar().is_some() {
            advice.buy(Confidence::FULL);
        }
    }
}

fn eager(
    build: impl Fn(SlotConfig<Box<dyn Strategy>>) -> Vec<SlotConfig<Box<dyn Strategy>>>,
) -> Boxed {
    let table = shares();
    let usd = table.find_asset("USD").unwrap();
    let mut builder = Engine::builder(table, usd)
        .rule(PositionSize::new(0.1).unwrap())
        .rule(GrossExposure::new(Ceiling::OfEquity(0.5)).unwrap())
        .rule(Leverage::new(0.5).unwrap());
    let strategy: Box<dyn Strategy> = Box::new(Eager);
    for slot in build(SlotConfig::new(strategy)) {
        builder = builder.slot(slot);
    }
    builder.build().unwrap()
}

/// Law 31: once the kill switch is engaged nothing that adds risk is sent, however often the
/// engine is saved and restarted, until somebody who has seen it resumes.
#[test]
fn a_kill_switch_survives_restarts() {
    let units = || FixedQuantity::new(Decimal::from(3)).unwrap();
    let build = || eager(|slot| vec![slot.policy(Policy::Pyramid(9)).sizer(units())]);
    let (mut engine, mut commands) = (build(), Vec::new());
    deposit(&mut engine, minute(0), 50_000);
    let kill = Halt::new(HaltCause::KillSwitch, HaltScope::Account);
    engine.handle(minute(1), &Input::Control(Control::Halt(kill)), &mut commands).unwrap();
    for restart in 0..3_i64 {
        let saved = engine.save().unwrap();
        engine = build();
        engine.restore(&saved).unwrap();
        for step in 0..3 {
            let at = minute(2 + restart * 10 + step);
            engine.handle(at, &bar(100.0), &mut commands).unwrap();
            let scope = HaltScope::Account;
            let resume = Control::Resume { scope, acknowledgement: Acknowledgement::None };
            engine.handle(at, &Input::Control(resume), &mut commands).unwrap();
        }
    }
    let placed = |commands: &[Command]| {
        commands.iter().filter(|command| matches!(command, Command::Place(_))).count()
    };
    assert_eq!(placed(&commands), 0);
    let scope = HaltScope::Account;
    let seen = Control::Resume { scope, acknowledgement: Acknowledgement::Emergency };
    engine.handle(minute(90), &Input::Control(seen), &mut commands).unwrap();
    engine.handle(minute(91), &bar(100.0), &mut commands).unwrap();
    assert_eq!(placed(&commands), 1, "the switch was what held it");
}

/// Law 26: a price beyond all measure makes equity infinite; no limit may be measured by it.
#[test]
fn numbers_beyond_measure_open_nothing() {
    let units = || FixedQuantity::new(Decimal::from(3)).unwrap();
    let mut engine = eager(|slot| vec![slot.policy(Policy::Pyramid(9)).sizer(units())]);
    let mut commands = Vec::new();
    deposit(&mut engine, minute(0), 50_000);
    engine.handle(minute(1), &bar(100.0), &mut commands).unwrap();
    let Some(Command::Place(order)) = commands.pop() else { panic!("an order") };
    let Amount::Quantity(quantity) = order.intent.amount else { panic!("a quantity") };
    let price = Price::new(Decimal::from(100)).unwrap();
    let report = OrderReport::Fill(FillReport {
        trade: TradeId(1),
        price,
        quantity,
        fee: Money::zero(engine.account().book().reporting()),
        liquidity: Liquidity::Taker,
        before_slippage: price,
    });
    let (side, leg) = (Side::Buy, Leg::Net);
    let order = order.id;
    let update = tradewright::types::OrderUpdate { order, instrument: SHARE, side, leg, report };
    engine.handle(minute(1), &Input::Order(update), &mut commands).unwrap();
    for (number, price) in [(2, 1e308), (3, 100.0), (4, f64::MAX), (5, 1e308)] {
        commands.clear();
        engine.handle(minute(number), &bar(price), &mut commands).unwrap();
        let is_known = engine.account().book().equity().is_finite();
        let opens = commands.iter().any(|command| matches!(command, Command::Place(_)));
        assert!(is_known || !opens, "{commands:?} at {price}");
    }
}
