//! What the simulated venue costs per bar and per fill.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark builds its data by hand and stops when it is wrong"
)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tradewright::engine::Command;
use tradewright::sim::{FeeSchedule, SimConfig, SimVenue};
use tradewright::types::{
    Bar, Decimal, Instrument, InstrumentId, Instruments, Intent, MarketEvent, Order, OrderId,
    OrderKind, Period, Price, Qty, Side, SlotId, Timestamp,
};

const BARS: usize = 10_000;

fn venue() -> (SimVenue, InstrumentId) {
    let mut table = Instruments::new();
    let id = table.add(Instrument::spot("BTCUSD", "BTC", "USD").step("0.00001")).unwrap();
    let config =
        SimConfig::default().with_fees(FeeSchedule::flat(Decimal::ZERO, Decimal::new(1, 3)));
    (SimVenue::new(&table, config).unwrap(), id)
}

fn bars(id: InstrumentId) -> Vec<(Timestamp, MarketEvent)> {
    let bar = |index: usize| {
        let open = 40_000.0 + (index % 977) as f64 / 4.0;
        let ohlc = [open, open + 12.5, open - 12.5, open + 0.25];
        let at = Timestamp::EPOCH.after(Duration::from_secs(60 * (index as u64 + 1)));
        (at, MarketEvent::Bar(Bar::new(id, Period::MINUTE, ohlc, 100.0).unwrap()))
    };
    (0..BARS).map(bar).collect()
}

fn order(id: InstrumentId, number: usize, kind: OrderKind) -> Command {
    let side = if number.is_multiple_of(2) { Side::Buy } else { Side::Sell };
    let quantity = Qty::new(Decimal::new(125, 2));
    let intent = Intent { kind, ..Intent::market(SlotId(1), id, side, quantity) };
    let id = OrderId::new(1, SlotId(1), number as u64 + 1);
    Command::Place(Order { id, created_at: Timestamp::EPOCH, intent })
}

/// Drives the bars as a backtest does and sends an order every so many bars.
fn drive(venue: &mut SimVenue, bars: &[(Timestamp, MarketEvent)], orders: (usize, &[Command])) {
    let (every, orders) = orders;
    let mut orders = orders.iter();
    for (index, (at, event)) in bars.iter().enumerate() {
        venue.on_market(*at, event);
        while let Some(report) = venue.poll() {
            black_box(report);
        }
        if index % every == 0
            && let Some(order) = orders.next()
        {
            venue.submit(*at, order);
            while let Some(report) = venue.poll() {
                black_box(report);
            }
        }
    }
}

fn benches(criterion: &mut Criterion) {
    let (empty, id) = venue();
    let bars = bars(id);
    let mut group = criterion.benchmark_group("sim");
    group.sample_size(30).measurement_time(Duration::from_secs(2));
    group.throughput(Throughput::Elements(BARS as u64));
    let market: Vec<Command> =
        (0..BARS).map(|number| order(id, number, OrderKind::Market)).collect();
    group.bench_function("bars without orders", |bench| {
        bench.iter_batched_ref(
            || empty.clone(),
            |venue| drive(venue, &bars, (usize::MAX, &[])),
            criterion::BatchSize::LargeInput,
        );
    });
    group.bench_function("bars with a market order every 30", |bench| {
        bench.iter_batched_ref(
            || empty.clone(),
            |venue| drive(venue, &bars, (30, &market)),
            criterion::BatchSize::LargeInput,
        );
    });
    group.bench_function("bars with a market order each", |bench| {
        bench.iter_batched_ref(
            || empty.clone(),
            |venue| drive(venue, &bars, (1, &market)),
            criterion::BatchSize::LargeInput,
        );
    });
    let far = Price::new(Decimal::from(1)).unwrap();
    let mut resting = empty.clone();
    for number in 0..4 {
        resting.submit(Timestamp::EPOCH, &order(id, 2 * number, OrderKind::Limit { price: far }));
    }
    group.bench_function("bars over four resting orders", |bench| {
        bench.iter_batched_ref(
            || resting.clone(),
            |venue| drive(venue, &bars, (usize::MAX, &[])),
            criterion::BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(sim, benches);
criterion_main!(sim);
