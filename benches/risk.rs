//! Nanoseconds of risk: a review with every built-in rule on and 50 open positions, a refusal
//! with its search for the largest quantity that passes, and what guards cost on each mark.
//!
//! Facts are in memory and made beforehand; a mark's figure includes reading them, the guards'
//! decision and the (empty) list of halt changes.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tradewright::risk::{
    Assessment, BreakerGuard, Ceiling, DrawdownGuard, EnhancedRiskManager, Fact, HaltMachine,
    RiskChain, RiskManager,
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

fn every_rule(table: &Instruments) -> EnhancedRiskManager {
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
        let mut manager = every_rule(&table);
        manager.observe(&Fact::Mark, &facts, &mut Vec::new());
        let mut out = Assessment::default();
        for (name, quantity) in [("approved", 20), ("refused", 20_000)] {
            let intent = Intent::market(SLOT, InstrumentId(5), Side::Buy, quantity.into());
            manager.review(&[intent], &facts, &mut out);
            assert_eq!(out.approved, quantity == 20);
            group.bench_function(format!("every rule, {open} positions, {name}"), |bencher| {
                bencher.iter(|| {
                    manager.review(black_box(&[intent]), black_box(&facts), &mut out);
                    out.risk_score
                });
            });
        }
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

criterion_group!(benches, reviews, marks, halts);
criterion_main!(benches);
