//! The bridge to the `metrics` facade, with a recorder that keeps what it is told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use tradewright::metrics::{EngineMetrics, FacadeMeter};
use tradewright::prelude::*;

#[derive(Default)]
struct Kept {
    numbers: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    observations: Mutex<BTreeMap<String, Arc<Observed>>>,
    described: Mutex<BTreeMap<String, String>>,
}

#[derive(Default)]
struct Observed(AtomicU64);

impl HistogramFn for Observed {
    fn record(&self, _value: f64) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Kept {
    fn number(&self, key: &Key) -> Arc<AtomicU64> {
        Arc::clone(self.numbers.lock().unwrap().entry(key.to_string()).or_default())
    }

    fn describe(&self, key: &KeyName, help: &SharedString) {
        self.described.lock().unwrap().insert(key.as_str().to_owned(), help.to_string());
    }

    fn sum(&self, name: &str, read: impl Fn(u64) -> f64) -> f64 {
        let numbers = self.numbers.lock().unwrap();
        let own = numbers.iter().filter(|(key, _)| key.starts_with(&format!("Key({name}")));
        own.map(|(_, cell)| read(cell.load(Ordering::Relaxed))).sum()
    }
}

impl Recorder for Kept {
    fn describe_counter(&self, key: KeyName, _unit: Option<Unit>, help: SharedString) {
        self.describe(&key, &help);
    }

    fn describe_gauge(&self, key: KeyName, _unit: Option<Unit>, help: SharedString) {
        self.describe(&key, &help);
    }

    fn describe_histogram(&self, key: KeyName, _unit: Option<Unit>, help: SharedString) {
        self.describe(&key, &help);
    }

    fn register_counter(&self, key: &Key, _metadata: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.number(key))
    }

    fn register_gauge(&self, key: &Key, _metadata: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.number(key))
    }

    fn register_histogram(&self, key: &Key, _metadata: &Metadata<'_>) -> Histogram {
        let mut observations = self.observations.lock().unwrap();
        Histogram::from_arc(Arc::clone(observations.entry(key.to_string()).or_default()))
    }
}

#[test]
fn a_run_reaches_the_recorder_of_the_facade() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/fb_1d.csv");
    let tape = CsvBars::open(file).load(Instrument::stock("FB", "USD")).unwrap();
    let kept = Kept::default();
    let report = metrics::with_local_recorder(&kept, || {
        let sink = EngineMetrics::new(FacadeMeter::with_namespace("acme"));
        Backtest::new(&tape).strategy("MEAN_REVERSION").run_with(sink).unwrap().0
    });
    let whole = |bits: u64| bits as f64;
    assert_eq!(kept.sum("acme_trading_fills_total", whole), report.fills.len() as f64);
    // An amount is counted by a gauge.
    let volume = kept.sum("acme_trading_volume_total", f64::from_bits);
    assert!(volume > 0.0 && volume.is_finite());
    let equity = kept.sum("acme_risk_current_equity", f64::from_bits);
    assert_eq!(equity, report.run.final_equity);
    let observations = kept.observations.lock().unwrap();
    let trades = observations.iter().find(|(key, _)| key.contains("acme_trading_trade_pnl"));
    assert_eq!(trades.unwrap().1.0.load(Ordering::Relaxed), report.trades.len() as u64);
    let described = kept.described.lock().unwrap();
    assert_eq!(described["acme_risk_current_equity"], "Cash and positions at their marks.");
}
