//! In the steady state the whole engine allocates nothing, nor do the figures of a portfolio.
//!
//! A binary of its own, because the counting allocator is the process's and counts every thread.

#[path = "../benches/support/mod.rs"]
mod support;
#[path = "../benches/support/workload_c.rs"]
mod workload_c;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use tradewright::math::{TailEstimator, TailModel};
use tradewright::risk::{Fact, Guard, PortfolioGuard, PortfolioRisk, PortfolioRiskSettings};
use tradewright::types::{
    Decimal, FactBook, FactBookBuilder, Facts, Instrument, Instruments, Price, SlotId, Timestamp,
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

    // In the same test: a second one would be counted while it runs beside this one.
    portfolio_figures();
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
