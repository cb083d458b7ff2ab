//! In the steady state the whole engine allocates nothing, nor do the figures of a portfolio, live
//! statistics, nor a review that approves under every built-in rule.
//!
//! A binary of its own, because the counting allocator is the process's and counts every thread.

#[path = "../benches/support/every_rule.rs"]
mod every_rule;
#[path = "../benches/support/mod.rs"]
mod support;
#[path = "../benches/support/workload_c.rs"]
mod workload_c;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use tradewright::backtest::Tape;
use tradewright::math::{TailEstimator, TailModel};
use tradewright::metrics::MemoryMetrics;
use tradewright::monitor::{
    ClosedTrade, MetricsAggregator, MonitorConfig, PerformanceMonitor, SampleEvery,
};
use tradewright::risk::{
    Assessment, Fact, Guard, PortfolioGuard, PortfolioRisk, PortfolioRiskSettings, RiskManager,
};
use tradewright::types::{
    Decimal, FactBook, FactBookBuilder, Facts, Instrument, InstrumentId, Instruments, Intent,
    Price, Side, SlotId, State, Timestamp,
};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const WARM_UP: usize = 50_000;

#[test]
fn nothing_is_allocated_after_warm_up() {
    let tape = support::workload(2 * WARM_UP);
    let mut simulation = workload_c::simulation(&tape);
    let (first, rest) = tape.events().split_at(WARM_UP);
    simulation.run(first).unwrap();
    let trades_before = simulation.sink().0;

    let region = Region::new(ALLOCATOR);
    simulation.run(rest).unwrap();
    let Stats { allocations, reallocations, deallocations, .. } = region.change();

    assert!(simulation.sink().0 > trades_before + 500, "the second half trades");
    assert_eq!((allocations, reallocations, deallocations), (0, 0, 0));

    with_metrics(&tape);

    // In the same test: a second one would be counted while it runs beside this one.
    portfolio_figures();
    approvals();
    live_statistics();
}

/// Monitor and fill quality read a run whose histories and breakdowns are full; one that was
/// restored from its saved state has the same room.
fn live_statistics() {
    let config = MonitorConfig {
        sample: SampleEvery::Instant,
        samples: 512,
        trades: 64,
        hours_kept: 24,
        days_kept: 7,
        months_kept: 1,
        ..MonitorConfig::default()
    };
    let aggregator = MetricsAggregator::new(PerformanceMonitor::new(config).unwrap());
    let tape = support::workload(2 * WARM_UP);
    let mut simulation = workload_c::simulation_with(&tape, workload_c::wide_limits(), aggregator);
    let (first, rest) = tape.events().split_at(WARM_UP);
    simulation.run(first).unwrap();
    let before = simulation.sink().clone();

    let region = Region::new(ALLOCATOR);
    simulation.run(rest).unwrap();
    let Stats { allocations, reallocations, .. } = region.change();
    let after = &simulation.sink().performance;
    assert!(after.trades().next() > before.performance.trades().next() + 500);
    assert!(simulation.sink().quality.orders().next() > before.quality.orders().next() + 500);
    assert_eq!((after.samples().len(), after.trades().len()), (512, 64));
    assert_eq!((allocations, reallocations), (0, 0));

    let mut restored = before.performance.clone();
    restored.restore(&before.performance.save().unwrap()).unwrap();
    let (slot, share) = (SlotId(1), tape.instruments().iter().next().unwrap().id);
    let region = Region::new(ALLOCATOR);
    for timed in rest.iter().take(5_000) {
        let at = timed.at;
        restored.on_equity(at, timed.event.mark().unwrap(), 0.0);
        let times = [at, at];
        restored.on_trade(&ClosedTrade::new(slot, share, Side::Buy, times, 1.0));
    }
    let Stats { allocations, reallocations, .. } = region.change();
    assert_eq!((allocations, reallocations), (0, 0));
}

/// Reviews under every built-in rule, of one intent and of a pair, with positions and orders.
fn approvals() {
    let mut table = Instruments::new();
    let ids: Vec<InstrumentId> = (0..6)
        .map(|index| table.add(Instrument::stock(&format!("S{index}"), "USD")).unwrap())
        .collect();
    let usd = table.find_asset("USD").unwrap();
    let entry = Price::new(Decimal::from(100)).unwrap();
    let book = |second: i64| {
        let at = Timestamp::from_secs(second).unwrap();
        let book = FactBookBuilder::new(&table, usd).cash(usd, Decimal::from(1_000_000));
        let book = ids.iter().fold(book, |book, id| {
            let wave = second * (7 + i64::from(id.0)) % 13;
            let book = book.mark(*id, at, 100.0 + wave as f64);
            let book =
                book.position(SlotId(1), *id, Decimal::from(10 - 5 * i64::from(id.0)), entry);
            book.working(SlotId(1), *id, Side::Buy, Decimal::TEN)
        });
        book.build()
    };
    let settings = PortfolioRiskSettings { minimum_rows: 20, window: 50, ..Default::default() };
    let mut manager = every_rule::every_rule(&ids, settings);
    let (mut changes, mut verdict) = (Vec::new(), Assessment::default());
    for second in 0..60 {
        let (at, book) = (Timestamp::from_secs(second).unwrap(), book(second));
        let facts = Facts::new(at, SlotId::HOUSE, &table, &book);
        manager.observe(&Fact::Mark, &facts, &mut changes);
    }
    let (at, book) = (Timestamp::from_secs(59).unwrap(), book(59));
    let facts = Facts::new(at, SlotId(1), &table, &book);
    manager.observe(&Fact::Heartbeat, &facts, &mut changes);
    let legs = [(ids[1], Side::Buy), (ids[4], Side::Sell)]
        .map(|(id, side)| Intent::market(SlotId(1), id, side, 3.into()));
    manager.review(&legs, &facts, &mut verdict);
    assert!(verdict.approved, "{:?}", verdict.findings);
    let region = Region::new(ALLOCATOR);
    for _ in 0..10 {
        manager.review(&legs[..1], &facts, &mut verdict);
        manager.review(&legs, &facts, &mut verdict);
    }
    let Stats { allocations, reallocations, .. } = region.change();
    assert!(verdict.approved && verdict.risk_score > 0.0);
    assert_eq!((allocations, reallocations), (0, 0));
}

/// The same with every metric of the catalogue kept.
fn with_metrics(tape: &Tape) {
    let mut simulation =
        workload_c::simulation_with(tape, workload_c::wide_limits(), MemoryMetrics::default());
    let (first, rest) = tape.events().split_at(WARM_UP);
    simulation.run(first).unwrap();
    let trades_before = simulation.sink().snapshot().total("trading_trade_pnl");
    let region = Region::new(ALLOCATOR);
    simulation.run(rest).unwrap();
    let Stats { allocations, reallocations, deallocations, .. } = region.change();
    assert!(simulation.sink().snapshot().total("trading_trade_pnl") > trades_before + 500.0);
    assert_eq!((allocations, reallocations, deallocations), (0, 0, 0), "with metrics");
}

/// Rows of three symbols, one of them held, through every estimator.
fn portfolio_figures() {
    let mut table = Instruments::new();
    let ids = ["A", "B", "C"].map(|name| table.add(Instrument::stock(name, "USD")).unwrap());
    let usd = table.find_asset("USD").unwrap();
    let entry = Price::new(Decimal::from(100)).unwrap();
    let at = |day: usize| Timestamp::from_secs(86_400 * day as i64).unwrap();
    let price = |day: usize, id: usize| 100.0 + ((day * (7 + id) + id) % 13) as f64;
    let book = |day: usize| {
        let book = FactBookBuilder::new(&table, usd);
        let book = book.position(SlotId(1), ids[0], Decimal::TEN, entry);
        (0..3).fold(book, |book, id| book.mark(ids[id], at(day), price(day, id))).build()
    };
    let books: Vec<FactBook> = (0..200).map(book).collect();
    let filtered = TailEstimator::FilteredHistorical { decay: 0.94 };
    for estimator in [TailEstimator::Historical, TailEstimator::Gaussian, filtered] {
        let model = TailModel::new(estimator, 0.95, 1.0).unwrap();
        let settings = PortfolioRiskSettings { model, window: 100, ..Default::default() };
        let mut guard = PortfolioGuard::new(PortfolioRisk::new(settings, ids).unwrap());
        let mut watch = |days: core::ops::Range<usize>| {
            for day in days {
                let facts = Facts::new(at(day), SlotId::HOUSE, &table, &books[day]);
                guard.watch(&Fact::Mark, &facts);
            }
        };
        watch(0..150);
        let region = Region::new(ALLOCATOR);
        watch(150..200);
        let Stats { allocations, reallocations, .. } = region.change();
        assert!(guard.portfolio().figures().is_ok());
        assert_eq!((allocations, reallocations), (0, 0));
    }
}
