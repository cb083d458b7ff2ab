use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use crate::metrics::{CounterHandle, GaugeHandle, HistogramHandle};

/// A number that only rises; its copies are the same number. Any thread may raise it.
#[derive(Debug, Default)]
pub struct Counter {
    cell: Arc<CounterCell>,
    holds: bool,
}

/// Whole steps apart from fractions, so that a count costs one addition.
#[derive(Debug, Default)]
struct CounterCell {
    whole: AtomicU64,
    fraction: AtomicFloat,
    /// What the handle counted that holds the claim.
    alone: AtomicU64,
    claim: Claim,
}

impl Counter {
    /// The value; `f64` is exact up to 2^53.
    pub fn value(&self) -> f64 {
        self.steps() as f64 + self.cell.fraction.get()
    }

    /// The value where it has no fraction: exact beyond 2^53, too.
    pub fn whole(&self) -> Option<u64> {
        (self.cell.fraction.get() == 0.0).then(|| self.steps())
    }

    fn steps(&self) -> u64 {
        self.cell.whole.load(Relaxed).wrapping_add(self.cell.alone.load(Relaxed))
    }

    /// The first of the handles that wants to count alone does, until it is dropped.
    #[cold]
    fn increment_claiming(&mut self) {
        self.holds = self.cell.claim.take();
        match self.holds {
            true => add_alone(&self.cell.alone),
            false => self.increment(),
        }
    }
}

impl CounterHandle for Counter {
    #[inline]
    fn increment(&self) {
        self.cell.whole.fetch_add(1, Relaxed);
    }

    #[inline]
    fn add(&self, amount: f64) {
        if amount > 0.0 && amount.is_finite() {
            self.cell.fraction.add(amount);
        }
    }

    #[inline]
    fn increment_alone(&mut self) {
        match self.holds {
            true => add_alone(&self.cell.alone),
            false => self.increment_claiming(),
        }
    }
}

/// The copy counts the same number, without the claim.
impl Clone for Counter {
    fn clone(&self) -> Self {
        Self { cell: Arc::clone(&self.cell), holds: false }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        if self.holds {
            self.cell.claim.give_back();
        }
    }
}

/// The right to write into a part of a cell that nobody else writes into. A locked instruction
/// takes some nanoseconds, a plain one nearly none. One handle has it at a time, and uses it by
/// exclusive reference only, so that nothing is lost.
#[derive(Debug, Default)]
struct Claim(AtomicBool);

impl Claim {
    /// True for who has it now. What the holder before wrote is seen.
    fn take(&self) -> bool {
        !self.0.load(Relaxed) && !self.0.swap(true, Acquire)
    }

    fn give_back(&self) {
        self.0.store(false, Release);
    }
}

#[inline]
fn add_alone(count: &AtomicU64) {
    count.store(count.load(Relaxed).wrapping_add(1), Relaxed);
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
#[derive(Debug)]
pub struct Histogram {
    cell: Arc<HistogramCell>,
    holds: bool,
    /// What was observed alone last, and its bucket: regular events are equally far apart.
    last: (f64, usize),
}

#[derive(Debug)]
struct HistogramCell {
    bounds: &'static [f64],
    shared: Tally,
    /// What the handle observed that holds the claim.
    alone: Tally,
    claim: Claim,
}

#[derive(Debug)]
struct Tally {
    /// One more than bounds: the last is beyond all of them.
    counts: Box<[AtomicU64]>,
    sum: AtomicFloat,
}

impl Tally {
    fn new(bounds: &[f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { counts, sum: AtomicFloat::default() }
    }
}

impl Histogram {
    pub(in crate::metrics) fn new(bounds: &'static [f64]) -> Self {
        let (shared, alone) = (Tally::new(bounds), Tally::new(bounds));
        let cell = HistogramCell { bounds, shared, alone, claim: Claim::default() };
        Self { cell: Arc::new(cell), holds: false, last: UNSEEN }
    }

    /// The upper bounds, without infinity.
    pub fn bounds(&self) -> &'static [f64] {
        self.cell.bounds
    }

    /// Observations in each bucket by itself; the last is beyond all bounds.
    pub fn counts(&self) -> impl ExactSizeIterator<Item = u64> {
        let both = self.cell.shared.counts.iter().zip(&self.cell.alone.counts);
        both.map(|(shared, alone)| shared.load(Relaxed).wrapping_add(alone.load(Relaxed)))
    }

    /// All observations.
    pub fn count(&self) -> u64 {
        self.counts().fold(0, u64::wrapping_add)
    }

    /// Their sum.
    pub fn sum(&self) -> f64 {
        self.cell.shared.sum.get() + self.cell.alone.sum.get()
    }

    /// The first of the handles that wants to observe alone does, until it is dropped.
    #[cold]
    fn observe_claiming(&mut self, value: f64) {
        self.holds = self.cell.claim.take();
        match self.holds {
            true => self.observe_alone(value),
            false => self.observe(value),
        }
    }
}

/// Before the first: NaN equals nothing.
const UNSEEN: (f64, usize) = (f64::NAN, 0);

impl HistogramCell {
    fn bucket(&self, value: f64) -> usize {
        self.bounds.iter().take_while(|bound| value > **bound).count()
    }
}

impl HistogramHandle for Histogram {
    #[inline]
    fn observe(&self, value: f64) {
        // NaN belongs nowhere, and would spoil the sum for ever.
        if let Some(count) = self.cell.shared.counts.get(self.cell.bucket(value))
            && value.is_finite()
        {
            count.fetch_add(1, Relaxed);
            self.cell.shared.sum.add(value);
        }
    }

    #[inline]
    fn observe_alone(&mut self, value: f64) {
        if !self.holds {
            return self.observe_claiming(value);
        }
        if value != self.last.0 {
            if !value.is_finite() {
                return;
            }
            self.last = (value, self.cell.bucket(value));
        }
        if let Some(count) = self.cell.alone.counts.get(self.last.1) {
            add_alone(count);
            self.cell.alone.sum.add_alone(value);
        }
    }
}

/// The copy is the same histogram, without the claim.
impl Clone for Histogram {
    fn clone(&self) -> Self {
        Self { cell: Arc::clone(&self.cell), holds: false, last: UNSEEN }
    }
}

impl Drop for Histogram {
    fn drop(&mut self) {
        if self.holds {
            self.cell.claim.give_back();
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

    /// Of who has the claim.
    #[inline]
    fn add_alone(&self, amount: f64) {
        self.0.store((self.get() + amount).to_bits(), Relaxed);
    }
}
