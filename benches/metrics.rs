//! What metrics cost: a record, a market event, the engine per bar, and a scrape.
//!
//! "Per bar" is workload C as in the bench `engine`, with `()` and with the Prometheus sink in the
//! same run; the sink's share is the difference.

#![allow(missing_docs, reason = "a benchmark")]

#[path = "support/mod.rs"]
mod support;
#[path = "support/workload_c.rs"]
mod workload_c;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tradewright::metrics::prometheus::{ExpositionFormat, PrometheusMetrics, write_exposition};
use tradewright::metrics::{
    CounterHandle, GaugeHandle, HistogramHandle, Meter, MetricsExporter, MetricsSink, Registry,
    RunStart, catalogue,
};
use tradewright::types::{
    Bar, Instrument, InstrumentId, Instruments, Intent, MarketEvent, Order, OrderId, OrderReport,
    OrderStatus, Period, Qty, Record, Side, SlotId, Timestamp,
};

const BARS: usize = 200_000;

fn handles(criterion: &mut Criterion) {
    let registry = Registry::new();
    let spec = |name: &str| catalogue().find(|spec| spec.name == name).expect("in the catalogue");
    let counter = registry.counter(spec("risk_checks_total"), &["approved"]);
    let gauge = registry.gauge(spec("risk_current_equity"), &[]);
    let histogram = registry.histogram(spec("trading_trade_pnl"), &[]);
    let mut group = criterion.benchmark_group("handle");
    group.bench_function("increment", |bencher| bencher.iter(|| counter.increment()));
    group.bench_function("add", |bencher| bencher.iter(|| counter.add(black_box(0.25))));
    group.bench_function("set", |bencher| bencher.iter(|| gauge.set(black_box(0.25))));
    group.bench_function("observe", |bencher| bencher.iter(|| histogram.observe(black_box(50.0))));
    group.bench_function("looked up by text", |bencher| {
        bencher.iter(|| registry.counter(spec("risk_checks_total"), &["approved"]).increment());
    });
    group.finish();
}

/// The life of one order in three records, and a bar.
fn records(criterion: &mut Criterion) {
    let mut instruments = Instruments::new();
    instruments.add(Instrument::stock("ASSET", "CASH")).expect("a sound instrument");
    let reporting = instruments.find_asset("CASH").expect("the currency");
    let mut sink = PrometheusMetrics::default();
    let strategies: &[&str] = &["S"];
    sink.on_start(&RunStart { instruments: &instruments, reporting, strategies });
    let at = Timestamp::from_secs(1_700_000_000).expect("a sound time");
    let intent = Intent::market(SlotId(1), InstrumentId(0), Side::Buy, Qty::from(1));
    let order = Order { id: OrderId::new(1, SlotId(1), 1), created_at: at, intent };
    let step = |from, to| {
        let (order, report) = (order.id, &OrderReport::Accepted);
        Record::Transition { order, from, to, report }
    };
    let life = [
        Record::Placed { order: &order },
        step(OrderStatus::Pending, OrderStatus::Open),
        step(OrderStatus::Open, OrderStatus::Filled),
    ];
    let mut group = criterion.benchmark_group("sink");
    group.throughput(Throughput::Elements(life.len() as u64));
    group.bench_function("a record of an order's life", |bencher| {
        bencher.iter(|| life.iter().for_each(|record| sink.record(at, black_box(record))));
    });
    group.throughput(Throughput::Elements(1));
    let bar = Bar::new(InstrumentId(0), Period::MINUTE, [100.0; 4], 1.0).expect("a sound bar");
    let bar = MarketEvent::Bar(bar);
    let mut at = at;
    group.bench_function("a market event", |bencher| {
        bencher.iter(|| {
            at = at.after(Duration::from_secs(60));
            sink.on_market(at, black_box(&bar));
        });
    });
    group.finish();
}

fn engine(criterion: &mut Criterion) {
    let tape = support::workload(BARS);
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(BARS as u64)).sample_size(20);
    group.bench_function("per bar, without metrics", |bencher| {
        bencher.iter_batched_ref(
            || workload_c::simulation_with(&tape, workload_c::wide_limits(), ()),
            |simulation| simulation.run(tape.events()),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("per bar, with the Prometheus sink", |bencher| {
        bencher.iter_batched_ref(
            || {
                let sink = PrometheusMetrics::default();
                workload_c::simulation_with(&tape, workload_c::wide_limits(), sink)
            },
            |simulation| simulation.run(tape.events()),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// A thousand lines: counters, gauges and histograms with labels.
fn scrape(criterion: &mut Criterion) {
    let exporter = MetricsExporter::new(Registry::new());
    for strategy in 0..40 {
        let name = format!("strategy-{strategy}");
        exporter.signal(&name, Some(Side::Buy));
        exporter.positions(&name, strategy);
        if strategy < 38 {
            exporter.strategy_execution(&name, Duration::from_micros(3));
        }
        exporter.set_to("trading_strategy_avg_pnl", &[&name], 12.345).expect("a gauge");
        exporter.add_to("trading_fees_paid_total", &[&name], 0.125).expect("a counter");
    }
    let mut text = String::new();
    let mut group = criterion.benchmark_group("scrape");
    for format in [ExpositionFormat::Text, ExpositionFormat::OpenMetrics] {
        write_exposition(exporter.registry(), format, &mut text).expect("a string takes all");
        let lines = text.lines().count() as u64;
        group.throughput(Throughput::Elements(lines));
        group.bench_function(format!("{format:?}, per line"), |bencher| {
            bencher.iter(|| {
                text.clear();
                write_exposition(exporter.registry(), format, &mut text)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, handles, records, engine, scrape);
criterion_main!(benches);
