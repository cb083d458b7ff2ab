//! The whole engine per bar: workload C over a million bars.
//!
//! Included: strategy, policy, sizer, risk with drawdown, breaker and five limits, order life,
//! simulated venue, ledger with fees, records, run hash over every command and record. Not
//! included: reading the data, hashing the tape (once per data set).

#![allow(missing_docs, reason = "a benchmark")]

#[path = "support/mod.rs"]
mod support;
#[path = "support/workload_c.rs"]
mod workload_c;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const BARS: usize = 1_000_000;

fn workload(criterion: &mut Criterion) {
    let tape = support::workload(BARS);
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(BARS as u64)).sample_size(10);
    group.bench_function("workload C, per bar", |bencher| {
        bencher.iter_batched_ref(
            || workload_c::simulation(&tape),
            |simulation| simulation.run(tape.events()),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, workload);
criterion_main!(benches);
