//! The whole engine per bar: workload C over a million bars, and the same in one run without any
//! limit and under every built-in rule and guard, with portfolio figures per day and per bar.
//!
//! Included: strategy, policy, sizer, risk with drawdown, breaker and five limits, order life,
//! simulated venue, ledger with fees, records, run hash over every command and record. Not
//! included: reading the data, hashing the tape (once per data set).

#![allow(missing_docs, reason = "a benchmark")]

#[path = "support/every_rule.rs"]
mod every_rule;
#[path = "support/mod.rs"]
mod support;
#[path = "support/workload_c.rs"]
mod workload_c;

use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tradewright::math::{TailEstimator, TailModel};
use tradewright::risk::{PortfolioRiskSettings, RiskChain};
use tradewright::types::InstrumentId;

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

fn rules(criterion: &mut Criterion) {
    let tape = support::workload(BARS);
    let ids = [InstrumentId(0)];
    let model = TailModel::new(TailEstimator::Gaussian, 0.99, 1.0).expect("sound parameters");
    let figures = |spacing| {
        let settings = PortfolioRiskSettings { model, minimum_rows: 2, ..Default::default() };
        PortfolioRiskSettings { row_spacing: spacing, ..settings }
    };
    let day = Duration::from_secs(86_400);
    let mut group = criterion.benchmark_group("engine under rules");
    group.throughput(Throughput::Elements(BARS as u64)).sample_size(10);
    group.bench_function("no rule, per bar", |bencher| {
        bencher.iter_batched_ref(
            || workload_c::simulation_under(&tape, RiskChain::new()),
            |simulation| simulation.run(tape.events()),
            BatchSize::PerIteration,
        );
    });
    for (name, spacing) in [("day", day), ("bar", Duration::ZERO)] {
        group.bench_function(format!("every rule, figures per {name}, per bar"), |bencher| {
            bencher.iter_batched_ref(
                || {
                    let risk = every_rule::every_rule(&ids, figures(spacing));
                    workload_c::simulation_under(&tape, risk)
                },
                |simulation| simulation.run(tape.events()),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, workload, rules);
criterion_main!(benches);
