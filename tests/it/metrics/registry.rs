//! Series, labels and their bounds.

use std::thread;

use tradewright::metrics::{
    CounterHandle, GaugeHandle, HistogramHandle, LabelValues, Meter, MetricSpec, OTHER, Registry,
    catalogue,
};

fn spec(name: &str) -> &'static MetricSpec {
    catalogue().find(|spec| spec.name == name).unwrap()
}

fn labels_of(registry: &Registry, name: &str, label: &str) -> Vec<String> {
    let snapshot = registry.snapshot();
    let series = snapshot.metric(name).unwrap().series.iter();
    series.map(|series| series.label(label).unwrap().to_owned()).collect()
}

#[test]
fn the_same_labels_are_the_same_series() {
    let registry = Registry::new();
    let one = registry.counter(spec("risk_checks_total"), &["approved"]);
    let other = registry.clone().counter(spec("risk_checks_total"), &["approved"]);
    one.increment();
    other.increment();
    other.add(0.5);
    assert_eq!((one.value(), other.value()), (2.5, 2.5));
}

#[test]
fn what_is_no_step_forward_is_left_out() {
    let registry = Registry::new();
    let counter = registry.counter(spec("trading_profit_total"), &[]);
    for amount in [-1.0, 0.0, f64::NAN, f64::INFINITY] {
        counter.add(amount);
    }
    assert_eq!(counter.value(), 0.0);
    let histogram = registry.histogram(spec("trading_trade_pnl"), &[]);
    for value in [f64::NAN, f64::INFINITY, -100.0, -100.1, 6_000.0] {
        histogram.observe(value);
    }
    assert_eq!(histogram.counts().collect::<Vec<_>>(), [0, 0, 1 + 1, 0, 0, 0, 0, 0, 1]);
    assert_eq!((histogram.count(), histogram.sum()), (3, -100.0 - 100.1 + 6_000.0));
}

#[test]
fn a_gauge_is_there_once_it_was_set() {
    let registry = Registry::new();
    let gauge = registry.gauge(spec("risk_current_equity"), &[]);
    assert!(registry.snapshot().metrics.is_empty());
    gauge.set(f64::NAN);
    assert!(gauge.value().unwrap().is_nan());
    gauge.set(1.0);
    gauge.add(-3.0);
    assert_eq!(registry.snapshot().value("risk_current_equity", &[]), Some(-2.0));
    let fresh = registry.gauge(spec("trading_queue_depth"), &["orders"]);
    fresh.add(2.0);
    assert_eq!(fresh.value(), Some(2.0), "before it was set it counts as zero");
}

/// Words that come without end are counted together from a bound on.
#[test]
fn labels_are_bounded() {
    for spec in catalogue() {
        let registry = Registry::new();
        for number in 0..600 {
            let words: Vec<String> =
                spec.labels.iter().map(|label| format!("{}{number}", label.name)).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match spec.kind {
                tradewright::metrics::MetricKind::Counter => {
                    registry.counter(spec, &words).increment();
                }
                tradewright::metrics::MetricKind::Gauge => registry.gauge(spec, &words).set(1.0),
                tradewright::metrics::MetricKind::Histogram => {
                    registry.histogram(spec, &words).observe(1.0);
                }
            }
        }
        for label in spec.labels {
            let mut found = labels_of(&registry, spec.name, label.name);
            found.sort();
            found.dedup();
            let most = match label.values {
                LabelValues::Fixed(_) => 0,
                LabelValues::First(most) => most,
            };
            assert_eq!(found.len(), most + 1, "{} {}", spec.name, label.name);
            assert!(found.iter().any(|value| value == OTHER));
        }
    }
}

/// Many labels, each within its bounds, do not multiply without end.
#[test]
fn series_are_bounded() {
    let registry = Registry::new();
    let volume = spec("trading_volume_total");
    for strategy in 0..64 {
        for symbol in 0..256 {
            registry.counter(volume, &[&format!("s{strategy}"), &format!("c{symbol}")]).increment();
        }
    }
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.metric(volume.name).unwrap().series.len(), 4_096 + 1);
    assert_eq!(snapshot.total(volume.name), 64.0 * 256.0, "none is lost");
}

#[test]
fn label_values_are_fit_to_be_shown() {
    let registry = Registry::new();
    let cash = spec("trading_cash");
    let long = "ä".repeat(100);
    for word in ["", "tab\there", long.as_str(), "quote\" back\\slash\nline"] {
        registry.gauge(cash, &[word]).set(1.0);
    }
    let found = labels_of(&registry, cash.name, "asset");
    assert_eq!(found, ["none", "quote\" back\\slash\nline", "tab_here", &"ä".repeat(64)]);
    registry.counter(spec("risk_checks_total"), &[]).increment();
    assert_eq!(labels_of(&registry, "risk_checks_total", "result"), [OTHER]);
}

#[test]
fn namespaces_are_words() {
    for bad in ["", "9lives", "a-b", "a b", "a\n", &"x".repeat(65)] {
        let refused = Registry::with_namespace(bad).unwrap_err();
        assert_eq!(refused.namespace, bad);
    }
    assert_eq!(Registry::with_namespace("acme_2").unwrap().prefix(), "acme_2_");
    assert_eq!(Registry::new().prefix(), "");
}

#[test]
fn threads_lose_nothing() {
    let registry = Registry::new();
    thread::scope(|scope| {
        for number in 0..4_u32 {
            let registry = registry.clone();
            scope.spawn(move || {
                let spec = spec("trading_volume_total");
                let shared = registry.counter(spec, &["s", "c"]);
                let histogram =
                    registry.histogram(self::spec("trading_order_fill_time_seconds"), &["s"]);
                let symbol = number.to_string();
                for _ in 0..1_000 {
                    shared.add(0.5);
                    shared.increment();
                    histogram.observe(1.0);
                    registry.counter(spec, &["s", &symbol]).increment();
                }
            });
        }
    });
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.total("trading_volume_total"), 4_000.0 * 1.5 + 4_000.0);
    let histogram = snapshot.metric("trading_order_fill_time_seconds").unwrap();
    assert_eq!((histogram.series[0].value, histogram.series[0].sum), (4_000.0, 4_000.0));
}

/// Who has a handle alone counts without locked instructions. One of them at a time does; the
/// others, and everybody by shared handles, lose nothing beside it.
#[test]
fn who_counts_alone_loses_nothing() {
    const EACH: usize = 20_000;
    let registry = Registry::new();
    let counter = || registry.counter(spec("risk_checks_total"), &["approved"]);
    let histogram = || registry.histogram(spec("trading_trade_pnl"), &[]);
    for round in 1..=2 {
        thread::scope(|scope| {
            for _ in 0..3 {
                let (mut counter, mut histogram) = (counter(), histogram());
                scope.spawn(move || {
                    for _ in 0..EACH {
                        counter.increment_alone();
                        counter.clone().increment();
                        histogram.observe_alone(50.0);
                        histogram.observe(-2_000.0);
                        histogram.observe_alone(f64::NAN);
                    }
                });
            }
        });
        // The handles are gone; those of the next round go on from where they were.
        let all = (round * 6 * EACH) as u64;
        assert_eq!((counter().whole(), counter().value()), (Some(all), all as f64));
        let (found, half) = (histogram(), all / 2);
        assert_eq!(found.counts().collect::<Vec<_>>(), [half, 0, 0, 0, half, 0, 0, 0, 0]);
        assert_eq!((found.count(), found.sum()), (all, half as f64 * (50.0 - 2_000.0)));
    }
}
