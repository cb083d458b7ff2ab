//! Portfolio figures: allocation, rows, limits, restarts.

use core::time::Duration;

use proptest::prelude::*;
use tradewright::backtest::{Backtest, CsvBars};
use tradewright::math::{
    ReturnWindow, TailError, TailEstimator, TailMeasure, TailModel, norm_inverse_cdf,
};
use tradewright::risk::{
    Ceiling, CorrelatedExposure, CorrelationEstimator, Fact, Guard, PortfolioGuard, PortfolioRisk,
    PortfolioRiskSettings, PositionRiskCalculator, RiskChain, RiskFigureError, RiskRule, RiskWork,
    VarLimit,
};
use tradewright::types::{
    Decimal, FactBook, FactBookBuilder, InstrumentId, Purpose, Qty, ReasonCode, Side, State,
    StateError, Timestamp,
};

use tradewright::risk::EquityFraction;
use tradewright::types::{Instrument, to_f64};

use super::chain::review;
use super::{COIN, LINEAR, SHARE, SLOT, World, dec, market, price, secs};
use crate::tail_risk::index_returns;

const DECAY: f64 = 0.94;

fn estimator() -> impl Strategy<Value = TailEstimator> {
    prop::sample::select(vec![
        TailEstimator::Historical,
        TailEstimator::Gaussian,
        TailEstimator::CornishFisher,
        TailEstimator::Ewma { decay: DECAY },
        TailEstimator::FilteredHistorical { decay: DECAY },
    ])
}

fn measure() -> impl Strategy<Value = TailMeasure> {
    prop::sample::select(vec![TailMeasure::ValueAtRisk, TailMeasure::ExpectedShortfall])
}

fn table() -> impl Strategy<Value = (Vec<f64>, Vec<Vec<f64>>)> {
    (1_usize..5).prop_flat_map(|series| {
        let change = (-300_i32..300).prop_map(|steps| f64::from(steps) * 1e-4);
        let exposure = prop_oneof![3 => (-900_i32..900).prop_map(f64::from), 1 => Just(0.0)];
        let row = prop::collection::vec(change, series);
        (prop::collection::vec(exposure, series), prop::collection::vec(row, 12..60))
    })
}

fn window(rows: &[Vec<f64>]) -> ReturnWindow {
    let mut window = ReturnWindow::new(rows[0].len(), rows.len()).unwrap();
    rows.iter().for_each(|row| window.push(row).unwrap());
    window
}

proptest! {
    /// Components sum to the figure, Sharpe contributions to the Sharpe ratio; incremental and
    /// standalone figures are those of portfolios without and of nothing but the position.
    #[test]
    fn allocations_sum_to_the_whole(
        (exposures, rows) in table(), estimator in estimator(), measure in measure(),
    ) {
        let model = TailModel::new(estimator, 0.9, 1.0).unwrap();
        let calculator = PositionRiskCalculator::new(model, 2).unwrap().measured_by(measure);
        let returns = window(&rows);
        let (mut work, mut positions) = (RiskWork::default(), Vec::new());
        let found = calculator.positions(&exposures, &returns, &mut work, &mut positions);
        prop_assert_eq!(found, calculator.portfolio(&exposures, &returns, &mut work));
        let Ok(portfolio) = found else { return Ok(()) };
        let total = portfolio.tail.measure(measure);
        let slack = 1e-9 * (1.0 + exposures.iter().map(|one| one.abs()).sum::<f64>());
        let close = |one: f64, other: f64| (one - other).abs() <= slack * (1.0 + other.abs());
        let sum: f64 = positions.iter().map(|position| position.component).sum();
        prop_assert!(close(sum, total), "{} {}", sum, total);
        if let Some(sharpe) = portfolio.sharpe {
            let parts: f64 = positions.iter().filter_map(|one| one.sharpe_contribution).sum();
            prop_assert!((parts - sharpe).abs() < 1e-9);
        }
        for position in &positions {
            let mut rest = exposures.clone();
            rest[position.series] = 0.0;
            let without = calculator.portfolio(&rest, &returns, &mut work).ok();
            prop_assert_eq!(position.incremental.is_some(), without.is_some());
            if let (Some(step), Some(without)) = (position.incremental, without) {
                prop_assert!(close(step, total - without.tail.measure(measure)));
                let change = (position.series, position.exposure);
                let added = calculator.incremental(&rest, &returns, change, &mut work).unwrap();
                prop_assert!(close(step, added));
            }
            let mut alone = vec![0.0; exposures.len()];
            alone[position.series] = position.exposure;
            let alone = calculator.portfolio(&alone, &returns, &mut work).ok();
            prop_assert_eq!(position.standalone.is_some(), alone.is_some());
            if let (Some(own), Some(alone)) = (position.standalone, alone) {
                prop_assert!(close(own, alone.tail.measure(measure)));
            }
        }
    }
}

/// A position of one unit in the index has the published Sharpe ratio and value at risk.
#[test]
fn the_sp500_as_a_portfolio_has_the_published_figures() {
    let returns = index_returns();
    let mut rows = ReturnWindow::new(1, returns.len()).unwrap();
    returns.iter().for_each(|change| rows.push(&[*change]).unwrap());
    let model = TailModel::new(TailEstimator::Historical, 0.95, 1.0).unwrap();
    let calculator = PositionRiskCalculator::new(model, 250).unwrap();
    let (mut work, mut positions) = (RiskWork::default(), Vec::new());
    let found = calculator.positions(&[1.0], &rows, &mut work, &mut positions).unwrap();
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 5e-6, "{found}");
    near(found.sharpe.unwrap() * 252.0_f64.sqrt(), 0.28274);
    near(found.tail.value_at_risk, 0.018643);
    near(positions[0].component, 0.018643);
    near(positions[0].incremental.unwrap(), 0.018643);
    assert_eq!(positions[0].sharpe_contribution, found.sharpe);
    assert_eq!(positions[0].sharpe_increment, None, "without it there is nothing to compare");
}

#[test]
fn too_little_history_is_a_typed_error() {
    let returns = window(&vec![vec![0.01, -0.01]; 20]);
    let calculator = PositionRiskCalculator::new(TailModel::default(), 21).unwrap();
    let mut work = RiskWork::default();
    let found = calculator.portfolio(&[1.0, 0.0], &returns, &mut work);
    assert_eq!(found, Err(RiskFigureError::TooFewRows { rows: 20, minimum: 21 }));
    let found = calculator.portfolio(&[1.0], &returns, &mut work);
    assert_eq!(found, Err(RiskFigureError::Exposures { expected: 2, found: 1 }));
    assert!(calculator.portfolio(&[0.0, 0.0], &returns, &mut work).is_ok());
    assert!(PositionRiskCalculator::new(TailModel::default(), 1).is_err());
    let model = TailModel::new(TailEstimator::CornishFisher, 0.95, 1.0).unwrap();
    let calculator = PositionRiskCalculator::new(model, 10).unwrap();
    let mut rows = vec![vec![0.001]; 50];
    rows[30] = vec![-0.5];
    let found = calculator.portfolio(&[1.0], &window(&rows), &mut work);
    let region = matches!(found, Err(RiskFigureError::Tail(TailError::OutsideRegion { .. })));
    assert!(region, "{found:?}");
}

fn settings() -> PortfolioRiskSettings {
    let model = TailModel::new(TailEstimator::Gaussian, 0.95, 1.0).unwrap();
    PortfolioRiskSettings {
        model,
        window: 40,
        minimum_rows: 10,
        correlation: CorrelationEstimator::Rolling { window: 10 },
        ..PortfolioRiskSettings::default()
    }
}

fn watching() -> PortfolioRisk {
    PortfolioRisk::new(settings(), [SHARE, COIN, LINEAR]).unwrap()
}

/// A day's prices: COIN moves with SHARE, LINEAR against it, with noise of their own.
fn prices(day: i64) -> [f64; 3] {
    let wave =
        |days: i64, period: f64| libm::sin(days as f64 * 2.0 * core::f64::consts::PI / period);
    let shared = 0.03 * wave(day, 5.3);
    let noise = |period| 0.004 * wave(day, period);
    [100.0 * (1.0 + shared), 50.0 * (1.0 + shared + noise(3.1)), 20.0 * (1.0 - shared + noise(2.3))]
}

fn day(day: i64) -> Timestamp {
    secs(86_400 * day)
}

/// Shows the marks of a day, one after the other in this order.
fn show_day(
    portfolio: &mut impl FnMut(&FactBook, Timestamp),
    (number, order): (i64, [InstrumentId; 3]),
    position: &impl Fn(FactBookBuilder<'_>) -> FactBookBuilder<'_>,
    world: &World,
) {
    let marked = |ids: &[InstrumentId]| {
        let mut book = world.book();
        for id in [SHARE, COIN, LINEAR] {
            let seen = if ids.contains(&id) { number } else { number - 1 };
            book = book.mark(id, day(seen), prices(seen)[id.index()]);
        }
        position(book).build()
    };
    for count in 1..=3 {
        portfolio(&marked(&order[..count]), day(number));
    }
}

type Position = fn(FactBookBuilder<'_>) -> FactBookBuilder<'_>;

/// Twenty shares, and coins and contracts for nothing.
fn shares(book: FactBookBuilder<'_>) -> FactBookBuilder<'_> {
    book.position(SLOT, SHARE, dec("200"), price("100"))
}

fn flat(book: FactBookBuilder<'_>) -> FactBookBuilder<'_> {
    book
}

/// After so many days of marks, with these positions, seen by a portfolio.
fn after(days: i64, position: Position, world: &World) -> PortfolioRisk {
    let mut portfolio = watching();
    let mut show = |book: &FactBook, at| portfolio.observe(&Fact::Mark, &world.facts_at(at, book));
    for number in 1..=days {
        show_day(&mut show, (number, [SHARE, COIN, LINEAR]), &position, world);
    }
    portfolio
}

/// The book at the last marks of so many days.
fn today(days: i64, position: Position, world: &World) -> FactBook {
    let book = [SHARE, COIN, LINEAR]
        .into_iter()
        .fold(world.book(), |book, id| book.mark(id, day(days), prices(days)[id.index()]));
    position(book).build()
}

#[test]
fn rows_do_not_depend_on_the_order_of_marks() {
    let world = World::new();
    let orders = [
        [SHARE, COIN, LINEAR],
        [LINEAR, COIN, SHARE],
        [COIN, SHARE, LINEAR],
        [SHARE, LINEAR, COIN],
    ];
    let mut found = Vec::new();
    for turn in 0..orders.len() {
        let mut portfolio = watching();
        let mut show =
            |book: &FactBook, at| portfolio.observe(&Fact::Mark, &world.facts_at(at, book));
        for number in 1..=30 {
            let order = orders[(turn + number as usize) % orders.len()];
            show_day(&mut show, (number, order), &shares, &world);
        }
        // The first fact of the next day closes the last row of all alike.
        let book = today(30, shares, &world);
        portfolio.observe(&Fact::Time, &world.facts_at(day(31), &book));
        found.push((portfolio.figures(), portfolio.returns().clone()));
    }
    assert_eq!(found[0].1.known(0), 29);
    for column in 0..3 {
        let expected: Vec<f64> = (2..=30)
            .map(|number| prices(number)[column] / prices(number - 1)[column] - 1.0)
            .collect();
        assert_eq!(found[0].1.newest(column, 29), Some(&expected[..]));
    }
    assert!(found.iter().all(|other| other.1 == found[0].1));
    let tail = found[0].0.unwrap().tail;
    assert!(found.iter().all(|other| other.0.unwrap().tail == tail));
}

#[test]
fn figures_are_of_the_fill_however_late_they_are_asked_for() {
    let world = World::new();
    let [mut asked, mut silent] = [after(20, shares, &world), after(20, shares, &world)];
    let fill = super::guards::fill(1, SLOT, Purpose::Entry);
    fn more(book: FactBookBuilder<'_>) -> FactBookBuilder<'_> {
        book.position(SLOT, SHARE, dec("300"), price("100"))
    }
    let booked = more(world.book().mark(SHARE, day(20), 100.0)).build();
    let moved = more(world.book().mark(SHARE, day(20), 130.0)).build();
    let mut at_once = Vec::new();
    for portfolio in [&mut asked, &mut silent] {
        portfolio.observe(&Fact::Fill(&fill), &world.facts_at(day(20), &booked));
        if at_once.is_empty() {
            at_once.push(portfolio.figures().unwrap());
        }
        portfolio.observe(&Fact::Mark, &world.facts_at(day(20), &moved));
    }
    assert_eq!(silent.clone().save(), asked.save(), "a snapshot does not tell who has asked");
    assert_eq!(silent.figures(), Ok(at_once[0]));
    assert_eq!(silent.save(), asked.save());
}

#[test]
fn what_was_not_marked_carries_its_price() {
    let world = World::new();
    let hour = |hours: i64| secs(3_600 * hours);
    let spaced =
        PortfolioRiskSettings { row_spacing: Duration::from_secs(4 * 3_600), ..settings() };
    let mut portfolio = PortfolioRisk::new(spaced, [SHARE, COIN]).unwrap();
    let mut book = FactBookBuilder::new(&world.table, world.usd);
    let mut show = |id, at: Timestamp, price: f64| {
        book = book.clone().mark(id, at, price);
        portfolio.observe(&Fact::Mark, &world.facts_at(at, &book.clone().build()));
        (portfolio.returns().known(0), portfolio.returns().known(1))
    };
    assert_eq!(show(SHARE, hour(1), 100.0), (0, 0));
    assert_eq!(show(SHARE, hour(2), 104.0), (0, 0));
    // The span to 4:00 has one price, and no return yet.
    assert_eq!(show(SHARE, hour(5), 130.0), (0, 0));
    assert_eq!(show(COIN, hour(8), 50.0), (0, 0), "8:00 is the end of the second span");
    assert_eq!(show(SHARE, hour(9), 78.0), (1, 0), "it closes, with 130 over 104");
    // A day without any mark makes no rows.
    assert_eq!(show(COIN, hour(33), 55.0), (2, 1));
    assert_eq!(show(COIN, hour(37), 66.0), (3, 2));
    assert_eq!(portfolio.returns().newest(0, 3), Some(&[0.25, 78.0 / 130.0 - 1.0, 0.0][..]));
    assert_eq!(portfolio.returns().newest(1, 2), Some(&[0.0, 55.0 / 50.0 - 1.0][..]));
}

#[test]
fn figures_follow_rows_and_fills() {
    let world = World::new();
    let portfolio = after(30, shares, &world);
    let figures = portfolio.figures().unwrap();
    assert_eq!((figures.at, figures.tail.rows), (day(30), 28), "the row of day 29 is the last");
    let returns = portfolio.returns().newest(0, 28).unwrap();
    // 200 shares at the mark when the first fact of day 30 came in.
    let exposure = 200.0 * prices(30)[0];
    let mean = returns.iter().sum::<f64>() / 28.0;
    let squares: f64 = returns.iter().map(|change| (change - mean) * (change - mean)).sum();
    let deviation = exposure * (squares / 27.0).sqrt();
    assert!((figures.deviation - deviation).abs() < 1e-9 * deviation);
    let z = norm_inverse_cdf(0.95).unwrap();
    let expected = z * deviation - exposure * mean;
    assert!((figures.tail.tail.value_at_risk - expected).abs() < 1e-9 * expected);

    let risk = portfolio.positions(&world.facts(&today(30, shares, &world))).unwrap();
    assert_eq!(risk.len(), 1);
    assert_eq!(risk[0].instrument, SHARE);
    assert!((risk[0].risk.component - expected).abs() < 1e-9 * expected);
    assert!(portfolio.correlation(SHARE, COIN).unwrap() > 0.9);
    assert!(portfolio.correlation(SHARE, LINEAR).unwrap() < -0.9);
    assert!(portfolio.beta(LINEAR, SHARE).unwrap() < -0.5);
    let book = today(30, shares, &world);
    let score = |id, side| portfolio.correlation_score(id, side, &world.facts(&book));
    assert_eq!(score(SHARE, Side::Buy), Some(1.0));
    assert_eq!(score(COIN, Side::Buy), portfolio.correlation(COIN, SHARE));
    assert!(score(LINEAR, Side::Buy).unwrap() < -0.9);
    assert!(score(LINEAR, Side::Sell).unwrap() > 0.9);
    let empty = today(30, flat, &world);
    assert_eq!(portfolio.correlation_score(SHARE, Side::Buy, &world.facts(&empty)), None);
}

#[test]
fn without_figures_the_gate_is_closed() {
    let world = World::new();
    let ask = |portfolio: &PortfolioRisk, book: &FactBook, id| {
        let guard = PortfolioGuard::new(portfolio.clone());
        let guard = guard.var_limit(Ceiling::Amount(1e9)).unwrap();
        let chain = RiskChain::new().with_guard(Box::new(guard));
        let verdict = review(&chain, &[market(id, Side::Buy, "1")], &world.facts(book));
        (verdict.approved, verdict.findings.first().map(|finding| finding.reason.code))
    };
    let closed = (false, Some(ReasonCode::InvalidInput));
    let book = today(30, flat, &world);
    assert_eq!(ask(&watching(), &book, SHARE), closed, "nothing was seen");
    for (days, open) in [(11, false), (12, true)] {
        let portfolio = after(days, flat, &world);
        assert_eq!(ask(&portfolio, &today(days, flat, &world), SHARE).0, open, "{days}");
    }
    let portfolio = after(30, flat, &world);
    assert_eq!(ask(&portfolio, &book, SHARE), (true, None));
    assert_eq!(ask(&portfolio, &book, super::INVERSE), closed, "not watched");
    let foreign: Position = |book| book.position(SLOT, super::INVERSE, dec("1"), price("40000"));
    let portfolio = after(30, foreign, &world);
    let instrument = super::INVERSE;
    assert_eq!(portfolio.figures(), Err(RiskFigureError::Untracked { instrument }));
    assert_eq!(ask(&portfolio, &today(30, foreign, &world), SHARE), closed);
    // Exits are never asked about.
    let sale = market(super::INVERSE, Side::Sell, "1");
    let guard = PortfolioGuard::new(portfolio).var_limit(Ceiling::Amount(0.0)).unwrap();
    let chain = RiskChain::new().with_guard(Box::new(guard));
    let book = today(30, foreign, &world);
    assert!(review(&chain, &[sale], &world.facts(&book)).approved);
}

fn resulting(
    portfolio: &PortfolioRisk,
    book: &FactBook,
    intent: (InstrumentId, Side, &str),
) -> f64 {
    let world = World::new();
    let limit = VarLimit::new(portfolio, Ceiling::Amount(0.0)).unwrap();
    let chain = RiskChain::new().with_guard(Box::new(
        PortfolioGuard::new(portfolio.clone()).var_limit(Ceiling::Amount(0.0)).unwrap(),
    ));
    let (id, side, quantity) = intent;
    let verdict = review(&chain, &[market(id, side, quantity)], &world.facts(book));
    assert_eq!(verdict.findings[0].reason.code, ReasonCode::ValueAtRisk);
    assert_eq!(limit.name(), verdict.findings[0].rule);
    verdict.findings[0].reason.observed
}

#[test]
fn the_limit_judges_the_portfolio_with_the_opening() {
    let world = World::new();
    let portfolio = after(30, shares, &world);
    let book = today(30, shares, &world);
    let calculator = portfolio.calculator();
    let now = prices(30);
    let units = [1.0, 1.0, 10.0];
    let deviation = |sizes: [f64; 3]| {
        let exposures: Vec<f64> = (0..3).map(|one| sizes[one] * now[one] * units[one]).collect();
        let mut work = RiskWork::default();
        let all = calculator.portfolio(&exposures, portfolio.returns(), &mut work).unwrap();
        let mean: f64 = (0..3)
            .map(|one| {
                let returns = portfolio.returns().newest(one, all.rows).unwrap();
                exposures[one] * returns.iter().sum::<f64>() / all.rows as f64
            })
            .sum();
        (all.tail.value_at_risk + mean) / norm_inverse_cdf(0.95).unwrap()
    };
    // The figure of now over its deviation, or the normal multiple: the larger.
    let figures = portfolio.figures().unwrap();
    let normal = norm_inverse_cdf(0.95).unwrap();
    let multiple = (figures.tail.tail.value_at_risk / figures.deviation).max(normal);
    for (intent, sizes) in [
        ((SHARE, Side::Buy, "100"), [300.0, 0.0, 0.0]),
        ((SHARE, Side::Sell, "250"), [-50.0, 0.0, 0.0]),
        ((COIN, Side::Buy, "100"), [200.0, 100.0, 0.0]),
        ((COIN, Side::Sell, "300"), [200.0, -300.0, 0.0]),
        ((LINEAR, Side::Buy, "50"), [200.0, 0.0, 50.0]),
    ] {
        let (found, expected) = (resulting(&portfolio, &book, intent), multiple * deviation(sizes));
        assert!((found - expected).abs() < 1e-6 * expected, "{intent:?}: {found} {expected}");
    }
    // Another order that opens adds all of its own deviation, one that closes adds nothing.
    let with = |side, quantity| {
        let book = [SHARE, COIN, LINEAR]
            .into_iter()
            .fold(world.book(), |book, id| book.mark(id, day(30), now[id.index()]));
        shares(book).working(SLOT, COIN, side, dec(quantity)).build()
    };
    let alone = resulting(&portfolio, &book, (SHARE, Side::Buy, "1"));
    let own = multiple * deviation([0.0, 70.0, 0.0]);
    for side in [Side::Buy, Side::Sell] {
        let found = resulting(&portfolio, &with(side, "70"), (SHARE, Side::Buy, "1"));
        assert!((found - alone - own).abs() < 1e-6 * found, "{found} {alone} {own}");
    }
    let stop = shares(world.book()).mark(SHARE, day(30), now[0]).mark(COIN, day(30), now[1]);
    let stop = stop.mark(LINEAR, day(30), now[2]).working(SLOT, SHARE, Side::Sell, dec("200"));
    let plain = resulting(&portfolio, &book, (COIN, Side::Buy, "1"));
    assert_eq!(resulting(&portfolio, &stop.build(), (COIN, Side::Buy, "1")), plain);
}

#[test]
fn openings_are_cut_to_the_limit_and_hedges_pass() {
    let world = World::new();
    let portfolio = after(30, shares, &world);
    let book = today(30, shares, &world);
    let facts = world.facts(&book);
    let grant = |ceiling: f64, id, side, quantity| {
        let guard = PortfolioGuard::new(portfolio.clone());
        let guard = guard.var_limit(Ceiling::Amount(ceiling)).unwrap();
        let chain = RiskChain::new().with_guard(Box::new(guard));
        review(&chain, &[market(id, side, quantity)], &facts).granted[0].value()
    };
    let now = resulting(&portfolio, &book, (SHARE, Side::Buy, "1")) * 200.0 / 201.0;
    // Half as much again in the same share is half as much again at risk.
    assert_eq!(grant(1.5 * now, SHARE, Side::Buy, "150"), Decimal::from(100));
    assert_eq!(grant(0.9 * now, SHARE, Side::Buy, "150"), Decimal::ZERO);
    // What hedges passes even above the limit, where it leads below it.
    assert_eq!(grant(0.5 * now, LINEAR, Side::Buy, "80"), Decimal::from(80));
    assert_eq!(grant(0.5 * now, LINEAR, Side::Sell, "80"), Decimal::ZERO);
    let mut before = Decimal::ZERO;
    for step in 0..40 {
        let granted = grant(now * (0.8 + 0.05 * f64::from(step)), COIN, Side::Buy, "300");
        assert!(granted >= before, "a looser limit grants at least as much");
        before = granted;
    }
    assert_eq!(before, Decimal::from(300));
}

fn correlated(
    portfolio: &PortfolioRisk,
    book: &FactBook,
    intent: (InstrumentId, Side, &str),
) -> f64 {
    let world = World::new();
    let guard = PortfolioGuard::new(portfolio.clone());
    let guard = guard.correlated_exposure(0.8, Ceiling::Amount(1.0)).unwrap();
    let chain = RiskChain::new().with_guard(Box::new(guard));
    let (id, side, quantity) = intent;
    let verdict = review(&chain, &[market(id, side, quantity)], &world.facts(book));
    assert_eq!(verdict.findings[0].reason.code, ReasonCode::CorrelatedExposure);
    verdict.findings[0].reason.observed
}

#[test]
fn exposure_that_moves_together_is_added_up() {
    let world = World::new();
    let portfolio = after(30, shares, &world);
    let book = today(30, shares, &world);
    let [share, coin, linear] = prices(30);
    let held = 200.0 * share;
    let near = |found: f64, expected: f64| {
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    };
    near(correlated(&portfolio, &book, (SHARE, Side::Buy, "50")), 250.0 * share);
    near(correlated(&portfolio, &book, (COIN, Side::Buy, "10")), held + 10.0 * coin);
    near(correlated(&portfolio, &book, (COIN, Side::Sell, "10")), 10.0 * coin);
    near(correlated(&portfolio, &book, (LINEAR, Side::Sell, "2")), held + 20.0 * linear);
    near(correlated(&portfolio, &book, (LINEAR, Side::Buy, "2")), 20.0 * linear);
    // Nothing is known of a symbol that is not watched: everything counts.
    let book_of = |quantity| {
        let book = [SHARE, COIN, LINEAR]
            .into_iter()
            .fold(world.book(), |book, id| book.mark(id, day(30), prices(30)[id.index()]));
        shares(book).working(SLOT, SHARE, Side::Buy, dec(quantity)).build()
    };
    let unknown = (super::INVERSE, Side::Sell, "3");
    near(correlated(&portfolio, &book, unknown), held + 300.0);
    near(correlated(&watching(), &book, (COIN, Side::Sell, "10")), held + 10.0 * coin);
    // Working orders count as filled.
    near(
        correlated(&portfolio, &book_of("50"), (COIN, Side::Buy, "10")),
        250.0 * share + 10.0 * coin,
    );
    // A position without a mark could be worth anything, even where it would be a hedge.
    let blind =
        shares(FactBookBuilder::new(&world.table, world.usd).cash(world.usd, dec("100000")))
            .mark(COIN, day(30), coin)
            .equity(100_000.0)
            .build();
    let guard = PortfolioGuard::new(portfolio.clone());
    let guard = guard.correlated_exposure(0.8, Ceiling::Amount(1e9)).unwrap();
    let chain = RiskChain::new().with_guard(Box::new(guard));
    let sale = market(COIN, Side::Sell, "10");
    let verdict = review(&chain, &[sale], &world.facts(&blind));
    assert_eq!(verdict.findings[0].reason.code, ReasonCode::InvalidInput);
    for threshold in [0.0, 1.0, -0.5, f64::NAN] {
        assert!(CorrelatedExposure::new(&portfolio, threshold, Ceiling::Amount(1.0)).is_err());
    }
    assert!(CorrelatedExposure::new(&portfolio, 0.5, Ceiling::Amount(-1.0)).is_err());
    assert!(VarLimit::new(&portfolio, Ceiling::OfEquity(f64::NAN)).is_err());
}

#[test]
fn rules_are_pure_between_two_facts() {
    let world = World::new();
    let portfolio = after(30, shares, &world);
    let guard = PortfolioGuard::new(portfolio)
        .var_limit(Ceiling::OfEquity(0.01))
        .unwrap()
        .correlated_exposure(0.8, Ceiling::OfEquity(0.3))
        .unwrap();
    let mut names = Vec::new();
    guard.rules(&mut |rule: &dyn RiskRule| names.push(rule.name()));
    assert_eq!(names, ["value_at_risk", "correlated_exposure"]);
    let saved = guard.save().unwrap();
    let chain = RiskChain::new().with_guard(Box::new(guard.clone()));
    let book = today(30, shares, &world);
    let ask = || review(&chain, &[market(COIN, Side::Buy, "500")], &world.facts(&book));
    assert_eq!(ask(), ask());
    assert_eq!(ask().findings.len(), 2, "each rule objects in its own name");
    assert_eq!(guard.save().unwrap(), saved);
    let mut quiet = Vec::new();
    PortfolioGuard::new(watching()).rules(&mut |rule: &dyn RiskRule| quiet.push(rule.name()));
    assert!(quiet.is_empty());
}

#[test]
fn a_restored_guard_goes_on_with_the_same_bits() {
    let world = World::new();
    let limits =
        |portfolio| PortfolioGuard::new(portfolio).var_limit(Ceiling::OfEquity(0.01)).unwrap();
    let mut guard = limits(after(30, shares, &world));
    let mut other = limits(watching());
    other.restore(&guard.save().unwrap()).unwrap();
    for number in 31..45 {
        for guard in [&mut guard, &mut other] {
            let mut show = |book: &FactBook, at| {
                assert_eq!(guard.watch(&Fact::Mark, &world.facts_at(at, book)), None);
            };
            show_day(&mut show, (number, [COIN, SHARE, LINEAR]), &shares, &world);
        }
        assert_eq!(guard.save().unwrap(), other.save().unwrap());
        assert_eq!(guard.portfolio().figures(), other.portfolio().figures());
    }
    // Of other instruments, other settings, or broken: refused, and nothing has changed.
    let before = other.save().unwrap();
    let few = PortfolioRisk::new(settings(), [SHARE]).unwrap();
    let long = PortfolioRiskSettings { window: 41, ..settings() };
    let long = PortfolioRisk::new(long, [SHARE, COIN, LINEAR]).unwrap();
    for foreign in [few, long] {
        let foreign = limits(foreign).save().unwrap();
        assert!(matches!(other.restore(&foreign), Err(StateError::Mismatch { .. })));
    }
    assert!(matches!(other.restore(b"nonsense"), Err(StateError::Unreadable(_))));
    let mut chain = RiskChain::new().with_guard(Box::new(other.clone()));
    chain.restore(&chain.save().unwrap()).unwrap();
    assert_eq!(other.save().unwrap(), before);
}

#[test]
fn the_legs_of_a_group_add_up() {
    let world = World::new();
    let portfolio = after(30, flat, &world);
    let book = today(30, flat, &world);
    let guard = PortfolioGuard::new(portfolio).var_limit(Ceiling::Amount(300.0)).unwrap();
    let chain = RiskChain::new().with_guard(Box::new(guard));
    // Alone each of the two passes, together they do not: legs count as working orders.
    let legs = [market(SHARE, Side::Buy, "50"), market(COIN, Side::Buy, "100")];
    for leg in legs {
        assert!(review(&chain, &[leg], &world.facts(&book)).approved);
    }
    let both = review(&chain, &legs, &world.facts(&book));
    assert!(!both.approved);
    assert_eq!(both.granted, [Qty::ZERO; 2]);
    assert_eq!(both.findings[0].reason.code, ReasonCode::ValueAtRisk);
}

/// Through the engine, on real data: no entry brings the value at risk above its ceiling, the gate
/// is closed while there is too little history, and a run is the same twice.
#[test]
fn in_a_backtest_entries_are_cut_to_the_ceiling() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/sp500_1d.csv");
    let tape = CsvBars::open(file).load(Instrument::stock("SPX", "USD").step("0.001")).unwrap();
    let run = |ceiling| {
        let model = TailModel::new(TailEstimator::Gaussian, 0.95, 1.0).unwrap();
        let settings = PortfolioRiskSettings { model, ..PortfolioRiskSettings::default() };
        let guard = PortfolioGuard::new(PortfolioRisk::new(settings, [SHARE]).unwrap());
        Backtest::new(&tape)
            .sizer(EquityFraction::new(dec("0.95")).unwrap())
            .guard(guard.var_limit(Ceiling::OfEquity(ceiling)).unwrap())
            .strategy("MEAN_REVERSION")
            .run()
            .unwrap()
    };
    let (loose, tight) = (run(10.0), run(0.01));
    assert_eq!(tight.hash, run(0.01).hash);
    assert_ne!(tight.hash, loose.hash);
    assert!(loose.trades.len() > 20 && tight.trades.len() > 20);
    assert!(tight.refusals.iter().any(|row| row.reason.code == ReasonCode::ValueAtRisk));
    // The returns of the 250 rows before an entry, and what one percent of equity allows.
    let closes = index_returns();
    let times: Vec<Timestamp> = tape.events().iter().map(|timed| timed.at).collect();
    let z = norm_inverse_cdf(0.95).unwrap();
    let mut cut = 0;
    for (tight, loose) in tight.trades.iter().zip(&loose.trades) {
        let bar = times.iter().position(|at| *at >= tight.opened_at).unwrap();
        assert!(bar > 101, "a hundred rows are needed");
        // The entry was decided at the close of the bar before its fill, by the rows until then.
        let rows = &closes[bar.saturating_sub(252)..bar - 2];
        let mean = rows.iter().sum::<f64>() / rows.len() as f64;
        let squares: f64 = rows.iter().map(|change| (change - mean) * (change - mean)).sum();
        let deviation = (squares / (rows.len() - 1) as f64).sqrt();
        let value = to_f64(tight.quantity.value()) * to_f64(tight.entry);
        // Equity is near its start; the entry's price is a bar later than the decision's.
        assert!(value * z * deviation < 0.01 * 100_000.0 * 2.0, "{value} {deviation}");
        cut += usize::from(tight.quantity < loose.quantity);
    }
    assert!(cut > 5, "{cut} entries were cut");
}
