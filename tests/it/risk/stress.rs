//! Stress scenarios against books that were rebuilt at the stressed marks.

use proptest::prelude::*;
use tradewright::math::norm_cdf;
use tradewright::risk::{OtherPrices, Repricing, StressError, StressResult, StressScenario};
use tradewright::types::{
    AssetId, Decimal, FactBookBuilder, Facts, Instrument, InstrumentId, Instruments, MarkFact,
    OptionRight, Timestamp,
};

use super::{COIN, INVERSE, LINEAR, SHARE, SLOT, World, dec, price, secs};

fn built(builder: tradewright::risk::StressScenarioBuilder) -> StressScenario {
    builder.build().unwrap()
}

fn apply(scenario: &StressScenario, world: &World, book: FactBookBuilder<'_>) -> StressResult {
    scenario.apply(&world.facts(&book.build())).unwrap()
}

/// Long and short of every kind, at the marks times a factor.
fn held<'a>(world: &'a World, sizes: [i64; 4], factors: [f64; 4]) -> FactBookBuilder<'a> {
    let [share, coin, linear, inverse] = factors;
    let coin_price = 40_000.0 * inverse;
    let rated = MarkFact { price: coin_price, at: Timestamp::EPOCH, rate: coin_price };
    let book = world
        .book()
        .mark(SHARE, Timestamp::EPOCH, 100.0 * share)
        .mark(COIN, Timestamp::EPOCH, 50.0 * coin)
        .mark(LINEAR, Timestamp::EPOCH, 20.0 * linear)
        .rated_mark(INVERSE, rated);
    let averages = ["90", "60", "21", "32000"];
    let ids = [SHARE, COIN, LINEAR, INVERSE];
    ids.into_iter().zip(sizes).zip(averages).fold(book, |book, ((id, size), average)| {
        if size == 0 { book } else { book.position(SLOT, id, Decimal::from(size), price(average)) }
    })
}

proptest! {
    /// Full repricing: equity, gross and each profit are those of a book at the stressed marks.
    #[test]
    fn a_scenario_equals_the_book_at_the_stressed_marks(
        sizes in prop::array::uniform4(-20_i64..20), shocks in prop::array::uniform4(-0.6..1.5),
    ) {
        let world = World::new();
        let scenario = [SHARE, COIN, LINEAR, INVERSE].into_iter().zip(shocks).fold(
            StressScenario::builder("any"), |builder, (id, shock)| builder.price(id, shock));
        let scenario = built(scenario);
        let before = held(&world, sizes, [1.0; 4]).build();
        let after = held(&world, sizes, shocks.map(|shock| 1.0 + shock)).build();
        let result = scenario.apply(&world.facts(&before)).unwrap();
        prop_assert!((result.equity - after.equity()).abs() < 1e-6, "{}", result.equity);
        prop_assert!((result.gross - after.gross()).abs() < 1e-6);
        let sum: f64 = result.positions.iter().map(|position| position.profit).sum();
        prop_assert!((before.equity() + sum - result.equity).abs() < 1e-6);
        prop_assert_eq!(result.positions.len(), sizes.iter().filter(|size| **size != 0).count());
        let fallen = (1.0 - after.equity() / before.equity()).max(0.0);
        prop_assert!((result.drawdown - fallen).abs() < 1e-9);
        // Nothing moves, nothing is gained.
        let calm = built(StressScenario::builder("calm"));
        let calm = calm.apply(&world.facts(&before)).unwrap();
        prop_assert_eq!((calm.profit, calm.equity), (0.0, before.equity()));
    }
}

#[test]
fn symbols_groups_betas_and_the_rest_move_as_they_are_told() {
    let world = World::new();
    let book = || held(&world, [10, 10, 10, 0], [1.0; 4]);
    let group = StressScenario::builder("group").prices([SHARE, COIN], -0.1).price(COIN, -0.2);
    let moved = |result: &StressResult| -> Vec<f64> {
        result.positions.iter().map(|p| p.stressed_price / p.price - 1.0).collect()
    };
    let near = |found: Vec<f64>, expected: [f64; 3]| {
        assert_eq!(found.len(), 3);
        found.iter().zip(expected).for_each(|(found, expected)| {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        });
    };
    near(moved(&apply(&built(group.clone()), &world, book())), [-0.1, -0.2, 0.0]);
    let rest = built(group.clone().others(OtherPrices::Same(0.3)));
    near(moved(&apply(&rest, &world, book())), [-0.1, -0.2, 0.3]);
    let betas = vec![(LINEAR, 1.5), (SHARE, 9.0)];
    let by_beta = built(group.others(OtherPrices::ByBeta { market: -0.2, betas }));
    near(moved(&apply(&by_beta, &world, book())), [-0.1, -0.2, -0.3]);
    let none = OtherPrices::ByBeta { market: -0.2, betas: vec![(SHARE, 1.0)] };
    let none = built(StressScenario::builder("none").others(none));
    let facts = book().build();
    let missing = none.apply(&world.facts(&facts));
    assert_eq!(missing, Err(StressError::NoBeta { instrument: COIN }));
    assert_eq!(none.price_shock(SHARE), Some(-0.2));
    assert_eq!(none.price_shock(COIN), None);
}

#[test]
fn drawdown_and_leverage_follow_from_equity() {
    let world = World::new();
    // 100,000 in cash, shares of 100,000 paid for, and a perpetual of 1,000 x 10 x 20 = 200,000.
    let book = || {
        FactBookBuilder::new(&world.table, world.usd)
            .mark(SHARE, Timestamp::EPOCH, 100.0)
            .mark(LINEAR, Timestamp::EPOCH, 20.0)
            .position(SLOT, SHARE, dec("1000"), price("100"))
            .position(SLOT, LINEAR, dec("1000"), price("20"))
    };
    let all = |shock| StressScenario::builder("all").others(OtherPrices::Same(shock));
    let half = apply(&built(all(-0.1)), &world, book());
    assert_eq!((half.equity_before, half.equity), (100_000.0, 70_000.0));
    assert_eq!((half.profit, half.drawdown, half.gross), (-30_000.0, 0.3, 270_000.0));
    assert_eq!(half.leverage, Some(270_000.0 / 70_000.0));
    assert_eq!(half.drawdown_from(140_000.0), 0.5);
    assert_eq!(half.drawdown_from(10_000.0), 0.0);
    assert!(half.drawdown_from(0.0).is_nan());
    let ruin = apply(&built(all(-0.5)), &world, book());
    assert_eq!((ruin.equity, ruin.drawdown, ruin.leverage), (-50_000.0, 1.5, None));
    let zero = apply(&built(all(-1.0)), &world, book());
    assert_eq!((zero.gross, zero.profit), (0.0, -300_000.0));
    let rise = apply(&built(all(0.5)), &world, book());
    assert_eq!((rise.equity, rise.drawdown), (250_000.0, 0.0));
}

/// Two bitcoins as margin of a short inverse position that hedges them: a fall costs nothing.
#[test]
fn coins_that_margin_a_contract_fall_with_it() {
    let world = World::new();
    let btc = world.table.find_asset("BTC").unwrap();
    let book = || {
        let book = held(&world, [0, 0, 0, 0], [1.0; 4]);
        // 800 contracts of 100 USD, sold at the mark, are 80,000 USD or 2 BTC.
        book.cash(btc, Decimal::TWO)
            .position(SLOT, INVERSE, dec("-800"), price("40000"))
            .equity(180_000.0)
    };
    let fall = built(StressScenario::builder("fall").price(INVERSE, -0.5));
    let result = apply(&fall, &world, book());
    assert!((result.cash_profit + 40_000.0).abs() < 1e-6);
    assert!((result.equity - 180_000.0).abs() < 1e-6, "{}", result.equity);
    assert_eq!(result.positions[0].repricing, Repricing::Inverse);
    assert_eq!(result.positions[0].value, -80_000.0);
    // The coin alone, against its contract.
    let own = built(StressScenario::builder("own").price(INVERSE, -0.5).asset(btc, 0.0));
    assert_eq!(apply(&own, &world, book()).cash_profit, 0.0);
    let zero = built(StressScenario::builder("zero").price(INVERSE, -1.0));
    let facts = book().build();
    let refused = zero.apply(&world.facts(&facts));
    assert_eq!(refused, Err(StressError::NoValue { instrument: INVERSE, price: 0.0 }));
}

#[test]
fn a_rate_may_be_quoted_the_other_way() {
    let mut table = Instruments::new();
    let dollar = table.add(Instrument::spot("USDJPY", "USD", "JPY")).unwrap();
    let (usd, yen) = (table.find_asset("USD").unwrap(), table.find_asset("JPY").unwrap());
    let share = table.add(Instrument::stock("SONY", "JPY")).unwrap();
    let rated = MarkFact { price: 2_000.0, at: Timestamp::EPOCH, rate: 0.01 };
    let book = FactBookBuilder::new(&table, usd)
        .mark(dollar, Timestamp::EPOCH, 100.0)
        .rated_mark(share, rated)
        .cash(yen, dec("1000000"))
        .position(SLOT, share, dec("100"), price("1900"))
        .equity(12_000.0)
        .build();
    let facts = Facts::new(Timestamp::EPOCH, SLOT, &table, &book);
    // The dollar doubles: yen cash and share are worth half.
    let result = built(StressScenario::builder("dollar").price(dollar, 1.0)).apply(&facts).unwrap();
    assert_eq!((result.cash_profit, result.profit), (-5_000.0, -6_000.0));
    assert_eq!(result.positions[0].stressed_price, 2_000.0);
    // One over almost nothing is no rate, and no more is zero: that of the share is taken.
    for rate in [0.0, f64::NAN] {
        let tiny = MarkFact { price: 1e-310, at: Timestamp::EPOCH, rate };
        let book = FactBookBuilder::new(&table, usd).rated_mark(dollar, tiny);
        let book = book.rated_mark(share, rated).cash(yen, dec("1000000")).equity(10_000.0);
        let book = book.build();
        let facts = Facts::new(Timestamp::EPOCH, SLOT, &table, &book);
        let result = built(StressScenario::builder("yen").asset(yen, -0.5)).apply(&facts).unwrap();
        assert_eq!(result.cash_profit, -5_000.0);
    }
}

struct Options {
    table: Instruments,
    usd: AssetId,
    stock: InstrumentId,
    call: InstrumentId,
    put: InstrumentId,
}

/// A stock and options on it at 100 for one year of 365 days.
fn options() -> Options {
    let mut table = Instruments::new();
    let expiry = secs(31_536_000);
    let option = |symbol, right| {
        Instrument::option(symbol, ["ACME", "USD"], (right, "100"), expiry).multiplier("10")
    };
    let call = table.add(option("CALL", OptionRight::Call)).unwrap();
    let put = table.add(option("PUT", OptionRight::Put)).unwrap();
    let stock = table.add(Instrument::stock("ACME", "USD")).unwrap();
    let usd = table.find_asset("USD").unwrap();
    Options { table, usd, stock, call, put }
}

/// Black and Scholes without interest, from the textbook.
fn call_value(spot: f64, strike: f64, volatility: f64) -> f64 {
    let above = (libm::log(spot / strike) + volatility * volatility / 2.0) / volatility;
    spot * norm_cdf(above) - strike * norm_cdf(above - volatility)
}

#[test]
fn options_are_repriced_with_convexity_and_volatility() {
    let Options { table, usd, stock, call, put } = options();
    let at_money = call_value(100.0, 100.0, 0.2);
    let book = FactBookBuilder::new(&table, usd)
        .cash(usd, dec("100000"))
        .mark(stock, Timestamp::EPOCH, 100.0)
        .mark(call, Timestamp::EPOCH, at_money)
        .mark(put, Timestamp::EPOCH, at_money)
        .position(SLOT, call, dec("3"), price("5"))
        .position(SLOT, put, dec("-3"), price("5"))
        .build();
    let facts = Facts::new(Timestamp::EPOCH, SLOT, &table, &book);
    let crash = StressScenario::builder("crash").price(stock, -0.2).volatility(stock, 0.5);
    let result = built(crash.clone()).apply(&facts).unwrap();
    let [long, short] = result.positions[..] else { panic!("two positions") };
    let stressed = call_value(80.0, 100.0, 0.3);
    assert!((long.stressed_price - stressed).abs() < 1e-9, "{}", long.stressed_price);
    // Put-call parity holds after the shock: a put is a call less the forward.
    assert!((short.stressed_price - (stressed - 80.0 + 100.0)).abs() < 1e-9);
    assert!((long.profit - 30.0 * (stressed - at_money)).abs() < 1e-6);
    assert!((short.profit + 30.0 * (stressed + 20.0 - at_money)).abs() < 1e-6);
    let Repricing::BlackScholes { underlying, implied_volatility, stressed_volatility } =
        long.repricing
    else {
        panic!("{:?}", long.repricing);
    };
    assert_eq!(underlying, stock);
    assert!((implied_volatility - 0.2).abs() < 1e-9 && (stressed_volatility - 0.3).abs() < 1e-9);
    // With half a year left the same price implies more.
    let later = Facts::new(secs(15_768_000), SLOT, &table, &book);
    let result = built(crash.clone()).apply(&later).unwrap();
    let Repricing::BlackScholes { implied_volatility, .. } = result.positions[0].repricing else {
        panic!("{:?}", result.positions[0].repricing);
    };
    assert!((implied_volatility - 0.2 / 0.5_f64.sqrt()).abs() < 1e-9, "{implied_volatility}");
    // An option's own shock of volatility comes before its underlying's, and the rest after.
    let own = built(crash.volatility(call, -1.0)).apply(&facts).unwrap();
    assert_eq!(own.positions[0].stressed_price, 0.0);
    let rest = StressScenario::builder("rest").price(stock, -0.2).other_volatilities(0.5);
    let rest = built(rest).apply(&facts).unwrap();
    assert_eq!(rest.positions[0].stressed_price, long.stressed_price);
}

#[test]
fn options_that_imply_nothing_say_how_they_were_priced() {
    let Options { table, usd, stock, call, .. } = options();
    let book = |stock_price: f64, call_price| {
        let book = FactBookBuilder::new(&table, usd)
            .cash(usd, dec("100000"))
            .mark(call, Timestamp::EPOCH, call_price)
            .position(SLOT, call, dec("1"), price("5"));
        let marked = stock_price > 0.0;
        if marked { book.mark(stock, Timestamp::EPOCH, stock_price) } else { book }.build()
    };
    let scenario = StressScenario::builder("fall").price(stock, -0.2).price(call, -0.5);
    let scenario = built(scenario);
    let first = |book, at| {
        let result = scenario.apply(&Facts::new(at, SLOT, &table, &book)).unwrap();
        (result.positions[0].stressed_price, result.positions[0].repricing)
    };
    // Below what exercise would bring: no volatility explains it.
    let intrinsic = Repricing::Intrinsic { underlying: stock };
    assert_eq!(first(book(130.0, 29.0), Timestamp::EPOCH), (3.0, intrinsic));
    assert_eq!(first(book(110.0, 9.0), Timestamp::EPOCH), (0.0, intrinsic));
    assert_eq!(first(book(130.0, 35.0), secs(31_536_000)), (9.0, intrinsic), "expired");
    assert_eq!(first(book(0.0, 8.0), Timestamp::EPOCH), (4.0, Repricing::OwnPrice));
}

#[test]
fn what_is_not_known_is_an_error() {
    let world = World::new();
    let calm = built(StressScenario::builder("calm"));
    let holding = |book: FactBookBuilder<'_>| {
        let book = book.build();
        calm.apply(&world.facts(&book)).map(|result| result.equity)
    };
    for equity in [f64::NAN, 0.0, -5.0] {
        let found = holding(world.book().equity(equity));
        assert!(matches!(found, Err(StressError::NoEquity { .. })), "{found:?}");
    }
    let unmarked = held(&world, [1, 0, 0, 0], [1.0; 4]).rated_mark(SHARE, MarkFact::default());
    let found = holding(unmarked.equity(1e5));
    assert_eq!(found, Err(StressError::NoMark { instrument: SHARE }));
    let rate = MarkFact { price: 4e4, at: Timestamp::EPOCH, rate: f64::NAN };
    let unrated = held(&world, [0, 0, 0, 1], [1.0; 4]).rated_mark(INVERSE, rate).equity(1e5);
    assert_eq!(holding(unrated), Err(StressError::NoMark { instrument: INVERSE }));
    let eth = world.table.find_asset("ETH").unwrap();
    let ether = world.book().rated_mark(LINEAR, MarkFact::default()).cash(eth, Decimal::ONE);
    assert_eq!(holding(ether), Err(StressError::NoRate { asset: eth }));
}

#[test]
fn scenarios_are_checked_when_they_are_made_and_read() {
    let start = || StressScenario::builder("bad");
    let out = |value: f64| StressError::ShockOutOfRange { value };
    assert_eq!(start().price(SHARE, -1.1).build(), Err(out(-1.1)));
    assert_eq!(start().volatility(SHARE, f64::INFINITY).build(), Err(out(f64::INFINITY)));
    assert_eq!(start().other_volatilities(-2.0).build(), Err(out(-2.0)));
    assert_eq!(start().asset(AssetId(0), -1.5).build(), Err(out(-1.5)));
    assert_eq!(start().others(OtherPrices::Same(-7.0)).build(), Err(out(-7.0)));
    let betas = vec![(SHARE, f64::INFINITY)];
    let by_beta = OtherPrices::ByBeta { market: 0.1, betas };
    let found = start().others(by_beta).build();
    assert_eq!(found, Err(StressError::BetaNotFinite { value: f64::INFINITY }));
    let text = r#"{"name": "2008", "prices": [[0, -0.5]], "others": {"same": -0.3}}"#;
    let read: StressScenario = serde_json::from_str(text).unwrap();
    let prices = StressScenario::builder("2008").price(SHARE, -0.5);
    assert_eq!(read, built(prices.others(OtherPrices::Same(-0.3))));
    let again = serde_json::to_string(&read).unwrap();
    assert_eq!(serde_json::from_str::<StressScenario>(&again).unwrap(), read);
    assert!(serde_json::from_str::<StressScenario>(&text.replace("-0.3", "-3.0")).is_err());
}
