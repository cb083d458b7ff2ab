//! Nanoseconds of risk: a review with every built-in rule and guard on, 50 open positions and 20
//! open orders; reviews by the exposure limits alone, and a refusal with its search for the
//! largest quantity that passes; what guards cost on each mark; and the figures of a portfolio
//! of 50 symbols: the correlations of a row, all figures of a row of 250, and the rules that
//! read them.
//!
//! Facts are in memory and made beforehand; a mark's figure includes reading them, the guards'
//! decision and the (empty) list of halt changes.

#[path = "support/every_rule.rs"]
mod every_rule;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tradewright::math::{
    ExponentialCovariance, ReturnWindow, RollingCovariance, TailEstimator, TailModel,
};
use tradewright::risk::{
    Assessment, BreakerGuard, Ceiling, CorrelationEstimator, DrawdownGuard, EnhancedRiskManager,
    Fact, Guard, HaltMachine, PortfolioGuard, PortfolioRisk, PortfolioRiskSettings,
    PositionRiskCalculator, RiskChain, RiskManager, RiskWork,
};
use tradewright::types::{
    AssetId, Decimal, FactBook, FactBookBuilder, Facts, Instrument, InstrumentId, Instruments,
    Intent, Price, Side, SlotId, Timestamp,
};

const SLOT: SlotId = SlotId(1);

fn table(count: u32) -> (Instruments, AssetId) {
    let mut table = Instruments::new();
    for index in 0..count {
        table.add(Instrument::stock(&format!("S{index}"), "USD")).expect("a sound instrument");
    }
    let usd = table.find_asset("USD").expect("the quote currency");
    (table, usd)
}

/// So many long and short positions of about 1,000 USD each, half of them with working orders.
fn book(table: &Instruments, usd: AssetId, open: u32, mark: f64) -> FactBook {
    let price = Price::new(Decimal::from(100)).expect("above zero");
    let mut builder = FactBookBuilder::new(table, usd).cash(usd, Decimal::from(1_000_000));
    for index in 0..table.len() as u32 {
        let id = InstrumentId(index);
        builder = builder.mark(id, Timestamp::EPOCH, mark + f64::from(index));
        if index < open {
            let sign = if index % 2 == 0 { 10 } else { -10 };
            builder = builder.position(SLOT, id, Decimal::from(sign), price);
            if index % 4 < 2 {
                builder = builder.working(SLOT, id, Side::Buy, Decimal::from(5));
            }
        }
    }
    builder.build()
}

fn exposure_limits(table: &Instruments) -> EnhancedRiskManager {
    let members = (0..table.len() as u32).step_by(5).map(InstrumentId);
    EnhancedRiskManager::builder()
        .gross_exposure(Ceiling::OfEquity(2.0))
        .net_exposure(Ceiling::OfEquity(1.0))
        .symbol_exposure(Ceiling::Amount(50_000.0))
        .group_exposure("sector", members, Ceiling::Amount(400_000.0))
        .leverage(3.0)
        .build()
        .expect("sound limits")
}

fn reviews(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("review");
    let (table, usd) = table(50);
    for open in [0, 50] {
        let book = book(&table, usd, open, 100.0);
        let facts = Facts::new(Timestamp::EPOCH, SLOT, &table, &book);
        let mut manager = exposure_limits(&table);
        manager.observe(&Fact::Mark, &facts, &mut Vec::new());
        let mut out = Assessment::default();
        // What reduces a position is granted without asking a rule; flat, it opens a short one.
        for (name, instrument, side, quantity) in [
            ("approved", 5, Side::Buy, 20),
            ("refused", 5, Side::Buy, 20_000),
            ("reducing", 6, Side::Sell, 10),
        ] {
            let intent = Intent::market(SLOT, InstrumentId(instrument), side, quantity.into());
            manager.review(&[intent], &facts, &mut out);
            assert_eq!(out.approved, quantity < 20_000);
            group.bench_function(format!("exposure limits, {open} positions, {name}"), |bencher| {
                bencher.iter(|| {
                    manager.review(black_box(&[intent]), black_box(&facts), &mut out);
                    out.risk_score
                });
            });
        }
    }
    group.finish();
}

/// 50 positions and 20 open orders, each in a symbol of its own, after 260 rows of marks.
fn whole(criterion: &mut Criterion) {
    let mut crowd = every_rule::Crowd::new();
    let mut out = Assessment::default();
    let mut group = criterion.benchmark_group("review");
    for (name, intent) in
        [("opens", every_rule::Crowd::buy()), ("opens short", every_rule::Crowd::sale())]
    {
        crowd.manager.review(&[intent], &crowd.facts(), &mut out);
        assert!(out.approved, "{:?}", out.findings);
        let title = format!("every built-in rule, 50 positions, 20 open orders, {name}");
        group.bench_function(title, |bencher| {
            let facts = crowd.facts();
            bencher.iter(|| {
                crowd.manager.review(black_box(&[intent]), black_box(&facts), &mut out);
                out.risk_score
            });
        });
        let title = format!("the same, a mark moved before each review, {name}");
        group.bench_function(title, |bencher| {
            bencher.iter(|| {
                crowd.step();
                crowd.manager.review(black_box(&[intent]), black_box(&crowd.facts()), &mut out);
                out.risk_score
            });
        });
    }
    group.finish();
}

fn marks(criterion: &mut Criterion) {
    const BOOKS: usize = 64;
    let mut group = criterion.benchmark_group("mark");
    group.throughput(Throughput::Elements(BOOKS as u64));
    let (table, usd) = table(1);
    let below = |index: usize| 90.0 + (index * 7 % 13) as f64 / 100.0;
    let moving: Vec<_> = (0..BOOKS).map(|index| book(&table, usd, 1, below(index))).collect();
    let rising: Vec<_> =
        (0..BOOKS).map(|index| book(&table, usd, 1, 101.0 + index as f64)).collect();
    let flat: Vec<_> = (0..BOOKS).map(|_| book(&table, usd, 0, 100.0)).collect();
    let peak = book(&table, usd, 1, 100.0);
    for (name, books) in [("flat", &flat), ("below the peak", &moving), ("new peaks", &rising)] {
        let managers: [(&str, Box<dyn RiskManager>); 2] = [
            ("enhanced", Box::new(EnhancedRiskManager::default())),
            (
                "chain of guards",
                Box::new(
                    RiskChain::new()
                        .with_guard(Box::new(DrawdownGuard::default()))
                        .with_guard(Box::new(BreakerGuard::default())),
                ),
            ),
        ];
        for (kind, mut manager) in managers {
            let mut changes = Vec::new();
            let first = if name == "flat" { &flat[0] } else { &peak };
            let facts = Facts::new(Timestamp::EPOCH, SLOT, &table, first);
            manager.observe(&Fact::Mark, &facts, &mut changes);
            group.bench_function(format!("{kind}, {name}"), |bencher| {
                bencher.iter(|| {
                    for book in black_box(books) {
                        let facts = Facts::new(Timestamp::EPOCH, SLOT, &table, book);
                        manager.observe(&Fact::Mark, &facts, &mut changes);
                    }
                    changes.len()
                });
            });
        }
    }
    group.finish();
}

fn halts(criterion: &mut Criterion) {
    let machine = HaltMachine::new();
    criterion.bench_function("halts/level while clear", |bencher| {
        bencher.iter(|| black_box(&machine).level(black_box(SLOT), InstrumentId(0)));
    });
}

/// Rows of returns of so many series, from a linear congruential generator.
fn rows(series: usize, count: usize) -> Vec<Vec<f64>> {
    let mut state = 7_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 11) as f64 / 9_007_199_254_740_992.0 - 0.5
    };
    let mut row = || {
        // A shared movement with fat tails, so that every estimator is valid.
        let shared = 2.0 * next() * next() * next();
        (0..series).map(|_| shared + 0.01 * next()).collect()
    };
    (0..count).map(|_| row()).collect()
}

fn correlations(criterion: &mut Criterion) {
    const SERIES: usize = 50;
    let mut group = criterion.benchmark_group("portfolio");
    let rows = rows(SERIES, 512);
    let mut rolling = RollingCovariance::new(SERIES, 250).expect("sound parameters");
    let mut fading = ExponentialCovariance::new(SERIES, 0.94, 20).expect("sound parameters");
    let mut index = 0;
    group.bench_function("rolling correlations, a row of 50", |bencher| {
        bencher.iter(|| {
            index = (index + 1) % rows.len();
            rolling.update(black_box(&rows[index]))
        });
    });
    group.bench_function("exponential correlations, a row of 50", |bencher| {
        bencher.iter(|| {
            index = (index + 1) % rows.len();
            fading.update(black_box(&rows[index]))
        });
    });
    group.finish();
}

const ESTIMATORS: [(&str, TailEstimator); 5] = [
    ("historical", TailEstimator::Historical),
    ("gaussian", TailEstimator::Gaussian),
    ("cornish-fisher", TailEstimator::CornishFisher),
    ("ewma", TailEstimator::Ewma { decay: 0.94 }),
    ("filtered historical", TailEstimator::FilteredHistorical { decay: 0.94 }),
];

fn figures(criterion: &mut Criterion) {
    const SERIES: usize = 50;
    let mut group = criterion.benchmark_group("portfolio");
    let mut returns = ReturnWindow::new(SERIES, 250).expect("sound parameters");
    for row in rows(SERIES, 250) {
        returns.push(&row).expect("a row of the right length");
    }
    let exposures: Vec<f64> = (0..SERIES).map(|index| 1_000.0 - 40.0 * index as f64).collect();
    let (mut work, mut positions) = (RiskWork::default(), Vec::new());
    for (name, estimator) in ESTIMATORS {
        let model = TailModel::new(estimator, 0.99, 1.0).expect("sound parameters");
        let calculator = PositionRiskCalculator::new(model, 100).expect("a sound minimum");
        assert!(calculator.portfolio(&exposures, &returns, &mut work).is_ok(), "{name}");
        group.bench_function(format!("value at risk of 50 positions, {name}"), |bencher| {
            bencher.iter(|| calculator.portfolio(black_box(&exposures), &returns, &mut work));
        });
        group.bench_function(format!("50 positions one by one, {name}"), |bencher| {
            bencher.iter(|| {
                let exposures = black_box(&exposures);
                calculator.positions(exposures, &returns, &mut work, &mut positions)
            });
        });
    }
    group.finish();
}

/// A guard with both limits that has seen 260 rows of 50 symbols.
fn watching(table: &Instruments, books: &[FactBook], estimator: TailEstimator) -> PortfolioGuard {
    let settings = PortfolioRiskSettings {
        model: TailModel::new(estimator, 0.99, 1.0).expect("sound parameters"),
        correlation: CorrelationEstimator::Rolling { window: 250 },
        ..PortfolioRiskSettings::default()
    };
    let ids = (0..table.len() as u32).map(InstrumentId);
    let portfolio = PortfolioRisk::new(settings, ids).expect("sound settings");
    let mut guard = PortfolioGuard::new(portfolio)
        .var_limit(Ceiling::OfEquity(0.9))
        .and_then(|guard| guard.correlated_exposure(0.8, Ceiling::OfEquity(0.9)))
        .expect("sound ceilings");
    for second in 0..260 {
        let at = Timestamp::from_secs(second).expect("a sound time");
        let book = &books[second as usize % books.len()];
        guard.watch(&Fact::Mark, &Facts::new(at, SlotId::HOUSE, table, book));
    }
    guard
}

fn portfolio_guard(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("portfolio");
    let (table, usd) = table(50);
    let books: Vec<FactBook> =
        (0..64).map(|index| book(&table, usd, 50, 100.0 + f64::from(index * 29 % 64))).collect();
    for (name, estimator) in [ESTIMATORS[0], ESTIMATORS[3]] {
        let mut guard = watching(&table, &books, estimator);
        let mut second = 1_000;
        group.bench_function(format!("a row of 50 with all figures, {name}"), |bencher| {
            bencher.iter(|| {
                second += 1;
                let at = Timestamp::from_secs(second).expect("a sound time");
                let book = &books[second as usize % books.len()];
                guard.watch(&Fact::Mark, &Facts::new(at, SlotId::HOUSE, &table, book))
            });
        });
        let at = Timestamp::from_secs(second).expect("a sound time");
        let facts = Facts::new(at, SLOT, &table, &books[0]);
        let chain = RiskChain::new().with_guard(Box::new(guard));
        let intent = Intent::market(SLOT, InstrumentId(5), Side::Buy, 20.into());
        let mut out = Assessment::default();
        chain.review(&[intent], &facts, &mut out);
        assert!(out.approved, "{:?}", out.findings);
        group.bench_function(format!("review by both limits, {name}"), |bencher| {
            bencher.iter(|| {
                chain.review(black_box(&[intent]), black_box(&facts), &mut out);
                out.risk_score
            });
        });
    }
    group.finish();
}

criterion_group!(benches, whole, reviews, marks, halts, correlations, figures, portfolio_guard);
criterion_main!(benches);
