//! The whole engine, per bar and per fill:
//!
//! - "no strategy": a bar that is marked, watched by the guards, and shown to nobody;
//! - "signal only": workload C's signal is computed and nothing is traded;
//! - "workload C": its 37,132 orders and fills in a million bars;
//! - "a fill on every bar": the whole life of an order, its bar included;
//! - workload C in one run without any limit, and under every built-in rule and guard, with
//!   portfolio figures per day and per bar.
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

use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main,
};
use tradewright::backtest::{Tape, Timed};
use tradewright::math::{TailEstimator, TailModel};
use tradewright::risk::{PortfolioRiskSettings, RiskChain};
use tradewright::strategy::Strategy;
use tradewright::types::InstrumentId;
use workload_c::{BandTrader, BandWatcher, Churner, simulation_of};

const BARS: usize = 1_000_000;

/// Few enough that the fees of a fill on every bar do not use up the cash.
const FILLS: usize = 100_000;

fn workload(criterion: &mut Criterion) {
    let tape = support::workload(BARS);
    let mut group = criterion.benchmark_group("engine");
    group.sample_size(10);
    bench(&mut group, "no strategy, per bar", (&tape, BARS), None::<BandWatcher>);
    bench(&mut group, "signal only, per bar", (&tape, BARS), Some(BandWatcher::new()));
    bench(&mut group, "workload C, per bar", (&tape, BARS), Some(BandTrader::new()));
    bench(&mut group, "a fill on every bar, per fill", (&tape, FILLS), Some(Churner));
    group.finish();
}

fn bench<S: Strategy + Clone>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    (tape, bars): (&Tape, usize),
    strategy: Option<S>,
) {
    let events: &[Timed] = tape.events().get(..bars).expect("so many bars");
    group.throughput(Throughput::Elements(bars as u64));
    group.bench_function(name, |bencher| {
        bencher.iter_batched_ref(
            || simulation_of(tape, strategy.clone()),
            |simulation| simulation.run(events),
            BatchSize::PerIteration,
        );
    });
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
