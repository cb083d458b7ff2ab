//! Portfolio construction and executions: `cargo bench --bench portfolio`. The allocators divide
//! between 50 assets with given covariances; a schedule's step is one question to a parent order
//! that has nothing to send, and one that has.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tradewright::math::risk_parity;
use tradewright::order::{Execution, Progress};
use tradewright::strategy::portfolio::{Allocator, Candidates, InverseVolatility};
use tradewright::types::{
    Decimal, ExecutionPlan, FactBook, Facts, Instrument, InstrumentId, Instruments, SlotId,
    Timestamp,
};

const ASSETS: usize = 50;

/// Assets on two factors, with noise of their own.
fn covariances() -> Vec<f64> {
    let loads: Vec<[f64; 3]> = (0..ASSETS)
        .map(|i| [0.01 + 0.0004 * i as f64, 0.01 * ((i % 7) as f64 - 3.0), 0.005])
        .collect();
    let mut rows = Vec::with_capacity(ASSETS * ASSETS);
    for (i, one) in loads.iter().enumerate() {
        for (j, other) in loads.iter().enumerate() {
            let own = if i == j { one[2] * one[2] } else { 0.0 };
            rows.push(one[0] * other[0] + one[1] * other[1] + own);
        }
    }
    rows
}

fn allocators(criterion: &mut Criterion) {
    let covariances = covariances();
    let mut weights = vec![0.0; ASSETS];
    criterion.bench_function("risk parity of 50 assets", |bencher| {
        bencher.iter(|| {
            risk_parity(black_box(&covariances), &mut weights).expect("a solution");
            weights[0]
        });
    });
    let (table, book) = (Instruments::new(), FactBook::default());
    let facts = Facts::new(Timestamp::EPOCH, SlotId(1), &table, &book);
    let ids: Vec<InstrumentId> = (0..ASSETS as u32).map(InstrumentId).collect();
    let candidates = Candidates::new(&ids, &covariances, &facts);
    criterion.bench_function("inverse volatility of 50 assets", |bencher| {
        bencher.iter(|| {
            let done = InverseVolatility.allocate(black_box(&candidates), &mut weights);
            done.expect("weights");
            weights[0]
        });
    });
}

fn schedule(criterion: &mut Criterion) {
    let mut table = Instruments::new();
    let id = table.add(Instrument::stock("ACME", "USD")).expect("a sound instrument");
    let plan = ExecutionPlan::twap(Duration::from_secs(3_600), 1_000).expect("a sound plan");
    let quantity = Decimal::from(1_000_000);
    let start = Timestamp::EPOCH;
    let parent = Execution::new(start, plan, quantity, &table[id]).expect("a sound parent");
    let half = start.after(Duration::from_secs(1_800));
    let sent = Progress { filled: parent.due(half), working: Decimal::ZERO };
    let mut quiet = parent.clone();
    criterion.bench_function("a step of a schedule with nothing to send", |bencher| {
        bencher.iter(|| quiet.next(black_box(half), black_box(sent), Decimal::ONE));
    });
    criterion.bench_function("a step of a schedule with a child to send", |bencher| {
        bencher.iter_batched_ref(
            || parent.clone(),
            |parent| parent.next(black_box(half), Progress::default(), Decimal::ONE),
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, allocators, schedule);
criterion_main!(benches);
