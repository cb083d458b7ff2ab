//! Live statistics: what one record costs the readers. Each element is one event (a mark of a
//! new sample, a trade with its next mark, a signal) with everything that hangs on it; the mark
//! of many working orders scales with their number.

#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tradewright::account::Conventions;
use tradewright::backtest::Backtest;
use tradewright::metrics::MetricsSink;
use tradewright::monitor::{
    ClosedTrade, FillQuality, MonitorConfig, PerformanceMonitor, SampleEvery,
};
use tradewright::prelude::*;
use tradewright::types::{
    FactBook, FactBookBuilder, Intent, Label, Order, OrderId, Record, SlotId,
};

mod support;

const EVENTS: i64 = 10_000;

fn minute(number: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_040 + 60 * number).expect("a time")
}

fn monitor(sample: SampleEvery) -> PerformanceMonitor {
    let conventions = Conventions::daily();
    let config = MonitorConfig { conventions, sample, ..MonitorConfig::default() };
    let monitor = PerformanceMonitor::new(config).expect("a sound configuration");
    monitor.starting(minute(0), 1e6).expect("money")
}

fn marks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("monitor_mark");
    group.throughput(Throughput::Elements(EVENTS as u64));
    for (name, sample) in [("every_instant", SampleEvery::Instant), ("daily", SampleEvery::Day)] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || monitor(sample),
                |monitor| {
                    for number in 1..=EVENTS {
                        let equity = 1e6 + ((number * 7_919) % 1_000) as f64;
                        monitor.on_equity(minute(number), black_box(equity), 5e5);
                    }
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

fn events(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("monitor_event");
    group.throughput(Throughput::Elements(EVENTS as u64));
    let (slot, share) = (SlotId(1), InstrumentId(0));
    group.bench_function("trade", |bencher| {
        bencher.iter_batched_ref(
            || monitor(SampleEvery::Day),
            |monitor| {
                for number in 1..=EVENTS {
                    let times = [minute(number - 1), minute(number)];
                    let net = ((number * 7_919) % 1_000) as f64 - 480.0;
                    monitor.on_trade(&ClosedTrade::new(slot, share, Side::Buy, times, net));
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("signal", |bencher| {
        bencher.iter_batched_ref(
            || monitor(SampleEvery::Day),
            |monitor| {
                for number in 1..=EVENTS {
                    monitor.on_signal(minute(number), slot, share, Label::default());
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

/// Every mark while so many orders work.
fn working_orders(criterion: &mut Criterion) {
    let mut table = Instruments::new();
    let share = table.add(Instrument::stock("A", "USD")).expect("an instrument");
    let usd = table.find_asset("USD").expect("its currency");
    let book: FactBook = FactBookBuilder::new(&table, usd).mark(share, minute(0), 100.0).build();
    let mut group = criterion.benchmark_group("fill_quality_mark");
    for count in [0_u64, 1, 10] {
        let mut quality = FillQuality::default();
        for number in 0..count {
            let id = OrderId::new(1, SlotId(1), number);
            let intent = Intent::market(SlotId(1), share, Side::Buy, Qty::from(1));
            let order = Order { id, created_at: minute(0), intent };
            quality.record(minute(0), &Record::Placed { order: &order });
        }
        let facts = Facts::new(minute(1), SlotId::HOUSE, &table, &book);
        group.bench_function(format!("{count}_working"), |bencher| {
            bencher.iter(|| quality.on_mark(black_box(&facts)));
        });
    }
    group.finish();
}

/// A backtest of 20,000 minute bars with and without the readers: their share of a whole run.
fn whole_runs(criterion: &mut Criterion) {
    let tape = support::workload(20_000);
    let backtest = || Backtest::new(&tape).strategy("MEAN_REVERSION");
    let mut group = criterion.benchmark_group("monitor_run");
    group.sample_size(10).throughput(Throughput::Elements(tape.len() as u64));
    group.bench_function("without", |bencher| {
        bencher.iter(|| backtest().run().expect("a run"));
    });
    group.bench_function("monitor", |bencher| {
        bencher.iter(|| backtest().run_with(monitor(SampleEvery::Day)).expect("a run"));
    });
    group.bench_function("fill_quality", |bencher| {
        bencher.iter(|| backtest().run_with(FillQuality::default()).expect("a run"));
    });
    group.finish();
}

/// What a reader of figures pays, and nobody else.
fn summaries(criterion: &mut Criterion) {
    let mut full = monitor(SampleEvery::Instant);
    for number in 1..=EVENTS {
        full.on_equity(minute(number), 1e6 + ((number * 7_919) % 1_000) as f64, 5e5);
    }
    criterion.bench_function("monitor_summary", |bencher| {
        bencher.iter(|| black_box(&full).summary());
    });
}

criterion_group!(benches, marks, events, working_orders, whole_runs, summaries);
criterion_main!(benches);
