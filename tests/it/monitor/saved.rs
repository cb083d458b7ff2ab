//! Saved and restored, a monitor goes on as if it had never stopped; what is damaged is refused.

use proptest::prelude::*;
use serde_json::{Value, json};
use tradewright::metrics::MetricsSink;
use tradewright::monitor::{
    FillQuality, History, MetricsAggregator, MonitorConfig, PerformanceMonitor, SampleEvery,
};
use tradewright::prelude::{Instruments, Side, Timestamp};
use tradewright::types::{DayBoundary, OrderStatus, State};

use super::naive::{Event, events, feed};
use super::quality::{Desk, intent};
use super::{index, monitor, secs, traded};

fn small(sample: SampleEvery) -> MonitorConfig {
    MonitorConfig {
        sample,
        days: DayBoundary::new("Europe/Berlin", 3_600).unwrap(),
        samples: 4,
        trades: 3,
        hours_kept: 3,
        days_kept: 2,
        months_kept: 2,
        groups: 2,
        ..MonitorConfig::default()
    }
}

fn fed(sample: SampleEvery, events: &[Event]) -> PerformanceMonitor {
    let mut monitor = monitor(small(sample)).starting(secs(0), 100.0).unwrap();
    events.iter().for_each(|event| feed(&mut monitor, event));
    monitor
}

proptest! {
    /// Restored at any moment, it equals the original, then and after all that follows; in
    /// MessagePack and in JSON.
    #[test]
    fn restored_it_goes_on_as_if_it_had_never_stopped(
        events in events(60), cut in 0_usize..60, sample in 0_usize..3,
    ) {
        let sample = [SampleEvery::Instant, SampleEvery::Hour, SampleEvery::Day][sample];
        let (before, after) = events.split_at(cut.min(events.len()));
        let mut original = fed(sample, before);
        let mut restored = monitor(MonitorConfig::default());
        restored.restore(&original.save().unwrap()).unwrap();
        let text = serde_json::to_string(&original).unwrap();
        let mut read: PerformanceMonitor = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&restored, &original);
        prop_assert_eq!(&read, &original);
        for event in after {
            for monitor in [&mut original, &mut restored, &mut read] {
                feed(monitor, event);
            }
        }
        prop_assert_eq!(&restored, &original);
        prop_assert_eq!(&read, &original);
        prop_assert_eq!(restored.summary(), original.summary());
        prop_assert_eq!(restored.save().unwrap(), original.save().unwrap());
    }

    /// Bytes that were changed give an error or a monitor that works, never a panic.
    #[test]
    fn changed_bytes_never_panic(
        first in events(30), then in events(30), place in any::<usize>(), byte in any::<u8>(),
    ) {
        let mut bytes = fed(SampleEvery::Hour, &first).save().unwrap();
        let place = place % bytes.len();
        bytes[place] = byte;
        let mut monitor = monitor(MonitorConfig::default());
        let before = monitor.clone();
        match monitor.restore(&bytes) {
            Ok(()) => {
                then.iter().for_each(|event| feed(&mut monitor, event));
                let _ = monitor.summary().to_string();
            }
            Err(_) => prop_assert_eq!(monitor, before),
        }
    }
}

/// A number in the saved form is replaced; a monitor with it cannot have come from events.
#[track_caller]
fn refused(saved: &Value, path: &str, value: Value) {
    let mut damaged = saved.clone();
    *damaged.pointer_mut(path).unwrap_or_else(|| panic!("no {path}")) = value;
    let read: Result<PerformanceMonitor, _> = serde_json::from_value(damaged);
    assert!(read.is_err(), "{path} was taken");
}

#[test]
fn damaged_states_are_refused() {
    let (_, monitor) = traded(&index());
    let saved = serde_json::to_value(&monitor).unwrap();
    serde_json::from_value::<PerformanceMonitor>(saved.clone()).unwrap();
    refused(&saved, "/config/samples", json!(1));
    refused(&saved, "/config/days/zone", json!("Mars/Olympus"));
    refused(&saved, "/config/days/second", json!(1));
    refused(&saved, "/samples/capacity", json!(4_000));
    refused(&saved, "/samples/next", json!(3));
    refused(&saved, "/trades/next", json!(u64::MAX));
    refused(&saved, "/trades/entries/0/net", json!(null));
    refused(&saved, "/samples/entries/5/at", json!(i64::MAX));
    refused(&saved, "/factor", json!(0.0));
    refused(&saved, "/start", json!(null));
    refused(&saved, "/running/trades/wins", json!(u64::MAX));
    refused(&saved, "/running/trades/closed", json!(u64::MAX));
    refused(&saved, "/running/returns/count", json!(7));
    refused(&saved, "/running/returns/periods", json!(u64::MAX));
    refused(&saved, "/running/drawdown/below", json!(-1.0));
    refused(&saved, "/running/drawdown/count", json!(u64::MAX));
    refused(&saved, "/exposure/exposed", json!(u64::MAX));
    refused(&saved, "/exposure/instants", json!(u64::MAX));
    refused(&saved, "/whole/signals", json!(u64::MAX));
    refused(&saved, "/by_strategy/rows/0/0", json!(2));
    refused(&saved, "/by_strategy/rows/1/1/signals", json!(u64::MAX));
    refused(&saved, "/by_strategy/most", json!(1));
    refused(&saved, "/hours/rows/1/period/year", json!(1990));
    refused(&saved, "/days/rows/0/wins", json!(u64::MAX));
    refused(&saved, "/months/most", json!(7));
    refused(&saved, "/open", json!(null));
    let mut history: Value = serde_json::to_value(History::<u8>::new(2)).unwrap();
    history["entries"] = json!([1, 2, 3]);
    history["next"] = json!(3);
    assert!(serde_json::from_value::<History<u8>>(history).is_err());
}

/// Fill quality in the middle of orders, saved and restored.
#[test]
fn fill_quality_goes_on_in_the_middle_of_an_order() {
    let mut desk = Desk::new();
    desk.mark(0, 10.0);
    let buy = intent(0, Side::Buy, 10, 10.0);
    let (order, other) = (desk.place(1, &buy), desk.place(2, &buy));
    desk.becomes(order, OrderStatus::Open);
    desk.fill(order, &buy, 4, "10.1", "1");
    desk.becomes(other, OrderStatus::Rejected);
    let mut restored = FillQuality::default();
    restored.restore(&desk.quality.save().unwrap()).unwrap();
    assert_eq!(restored.summary(), desk.quality.summary());
    let goes_on = |desk: &mut Desk| {
        desk.mark(0, 10.2);
        desk.becomes(order, OrderStatus::Cancelled);
        desk.mark(0, 10.3);
        (desk.quality.summary(), desk.quality.save().unwrap())
    };
    let mut twin = Desk::new();
    std::mem::swap(&mut twin.quality, &mut restored);
    twin.follow(&desk);
    assert_eq!(goes_on(&mut twin), goes_on(&mut desk));

    let mut desk = Desk::new();
    desk.mark(0, 10.0);
    let (one, _) = (desk.place(1, &buy), desk.place(2, &buy));
    desk.fill(one, &buy, 4, "10.1", "1");
    let saved = serde_json::to_value(&desk.quality).unwrap();
    let refused = |path: &str, value: Value| {
        let mut damaged = saved.clone();
        *damaged.pointer_mut(path).unwrap() = value;
        let read: Result<FillQuality, _> = serde_json::from_value(damaged);
        assert!(read.is_err(), "{path} was taken");
    };
    refused("/ended", json!(1));
    refused("/live/0/filled", json!(-1.0));
    refused("/live/0/filled", json!(0.0));
    refused("/live/0/end", json!(["Open", 0]));
    refused("/all/orders", json!(5));
    let first = saved.pointer("/live/0").unwrap().clone();
    refused("/live/1", first);
}

/// The whole aggregate in the middle of a run.
#[test]
fn an_aggregate_goes_on_in_the_middle_of_a_run() {
    let (_, monitor) = traded(&index());
    let mut aggregator = MetricsAggregator::new(monitor).with_strategies(["ONE", "TWO"]);
    aggregator.health.gauge(Timestamp::EPOCH, "queue_depth", 2.0);
    let saved = aggregator.save().unwrap();
    let mut restored = MetricsAggregator::new(super::monitor(MonitorConfig::default()));
    restored.restore(&saved).unwrap();
    assert_eq!(restored, aggregator);
    assert!(restored.restore(&saved[..saved.len() - 1]).is_err());
    assert_eq!(restored, aggregator);
    restored.on_mark(&tradewright::types::Facts::new(
        Timestamp::MAX,
        tradewright::types::SlotId::HOUSE,
        &Instruments::new(),
        &Default::default(),
    ));
}
