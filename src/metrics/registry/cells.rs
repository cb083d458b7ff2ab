use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::metrics::{CounterHandle, GaugeHandle, HistogramHandle};

/// A number that only rises; its copies are the same number. Any thread may raise it.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<CounterCell>);

/// Whole steps apart from fractions, so that a count costs one atomic addition.
#[derive(Debug, Default)]
struct CounterCell {
    whole: AtomicU64,
    fraction: AtomicFloat,
}

impl Counter {
    /// The value; `f64` is exact up to 2^53.
    pub fn value(&self) -> f64 {
        self.0.whole.load(Relaxed) as f64 + self.0.fraction.get()
    }

    /// The value where it has no fraction: exact beyond 2^53, too.
    pub fn whole(&self) -> Option<u64> {
        (self.0.fraction.get() == 0.0).then(|| self.0.whole.load(Relaxed))
    }
}

impl CounterHandle for Counter {
    #[inline]
    fn increment(&self) {
        self.0.whole.fetch_add(1, Relaxed);
    }

    #[inline]
    fn add(&self, amount: f64) {
        if amount > 0.0 && amount.is_finite() {
            self.0.fraction.add(amount);
        }
    }
}

/// A number that is set; its copies are the same number. Any thread may set it.
#[derive(Clone, Debug)]
pub struct Gauge(Arc<AtomicU64>);

/// A NaN that no computation gives: nothing has been set yet.
const UNSET: u64 = 0x7ff8_dead_0000_0001;

impl Default for Gauge {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(UNSET)))
    }
}

impl Gauge {
    /// The value; `None` before it was set for the first time.
    pub fn value(&self) -> Option<f64> {
        let bits = self.0.load(Relaxed);
        (bits != UNSET).then(|| f64::from_bits(bits))
    }
}

impl GaugeHandle for Gauge {
    #[inline]
    fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Relaxed);
    }

    fn add(&self, change: f64) {
        let add = |bits| {
            let value = if bits == UNSET { 0.0 } else { f64::from_bits(bits) };
            Some((value + change).to_bits())
        };
        let _ = self.0.fetch_update(Relaxed, Relaxed, add);
    }
}

/// Observations counted by size; its copies are the same histogram. Any thread may observe.
#[derive(Clone, Debug)]
pub struct Histogram(Arc<HistogramCell>);

#[derive(Debug)]
struct HistogramCell {
    bounds: &'static [f64],
    /// One more than bounds: the last is beyond all of them.
    counts: Box<[AtomicU64]>,
    sum: AtomicFloat,
}

impl Histogram {
    pub(in crate::metrics) fn new(bounds: &'static [f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(HistogramCell { bounds, counts, sum: AtomicFloat::default() }))
    }

    /// The upper bounds, without infinity.
    pub fn bounds(&self) -> &'static [f64] {
        self.0.bounds
    }

    /// Observations in each bucket by itself; the last is beyond all bounds.
    pub fn counts(&self) -> impl ExactSizeIterator<Item = u64> {
        self.0.counts.iter().map(|count| count.load(Relaxed))
    }

    /// All observations.
    pub fn count(&self) -> u64 {
        self.counts().fold(0, u64::wrapping_add)
    }

    /// Their sum.
    pub fn sum(&self) -> f64 {
        self.0.sum.get()
    }
}

impl HistogramHandle for Histogram {
    #[inline]
    fn observe(&self, value: f64) {
        // NaN belongs nowhere, and would spoil the sum for ever.
        if !value.is_finite() {
            return;
        }
        let cell = &*self.0;
        let bucket = cell.bounds.iter().take_while(|bound| value > **bound).count();
        if let Some(count) = cell.counts.get(bucket) {
            count.fetch_add(1, Relaxed);
            cell.sum.add(value);
        }
    }
}

/// An `f64` that threads may add to.
#[derive(Debug, Default)]
struct AtomicFloat(AtomicU64);

impl AtomicFloat {
    #[inline]
    fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }

    #[inline]
    fn add(&self, amount: f64) {
        let mut before = self.0.load(Relaxed);
        loop {
            let after = (f64::from_bits(before) + amount).to_bits();
            match self.0.compare_exchange_weak(before, after, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(found) => before = found,
            }
        }
    }
}
