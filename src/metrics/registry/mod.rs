//! Where the values of metrics live: dense atomics behind handles, shared by everybody who
//! writes or reads them.

mod cells;
mod family;

pub use cells::{Counter, Gauge, Histogram};
pub(super) use family::{Cell, Series};

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::family::Family;
use super::{Meter, MetricSpec, Snapshot};
use crate::types::{Classification, Classify};

/// The values of metrics. It is owned by whoever made it; there is no global one. Copies are the
/// same registry, so that an engine writes on one thread what a server reads on another.
///
/// A metric is exposed from its first series on: counters and histograms as soon as somebody asks
/// for their handle, gauges once they are set.
///
/// ```
/// use tradewright::metrics::{CounterHandle, Meter, Registry, catalogue};
///
/// let registry = Registry::new();
/// let spec = catalogue().find(|spec| spec.name == "risk_checks_total").unwrap();
/// let approved = registry.counter(spec, &["approved"]);
/// approved.increment();
/// let labels = [("result", "approved")];
/// let snapshot = registry.snapshot();
/// assert_eq!(snapshot.value("risk_checks_total", &labels), Some(1.0));
/// assert_eq!(snapshot.to_string(), "risk_checks_total{result=\"approved\"} 1\n");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry {
    families: Arc<Mutex<BTreeMap<&'static str, Family>>>,
    prefix: Arc<str>,
    reads: Arc<AtomicU64>,
}

/// Why a namespace was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("namespace `{namespace}` is not made of letters, digits and underscores, a letter first")]
pub struct NamespaceError {
    /// The refused namespace.
    pub namespace: String,
}

impl Classify for NamespaceError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}

impl Registry {
    /// An empty registry; names are exposed as they are in the catalogue.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty registry whose names are exposed as `namespace_name`, for hosts whose own
    /// metrics would clash.
    ///
    /// # Errors
    /// [`NamespaceError`] for a word that no name may begin with.
    pub fn with_namespace(namespace: &str) -> Result<Self, NamespaceError> {
        let is_word = |char: char| char.is_ascii_alphanumeric() || char == '_';
        let begins_well = namespace.starts_with(|first: char| first.is_ascii_alphabetic());
        if !begins_well || !namespace.chars().all(is_word) || namespace.len() > 64 {
            let namespace = namespace.chars().take(80).collect();
            return Err(NamespaceError { namespace });
        }
        Ok(Self { prefix: format!("{namespace}_").into(), ..Self::default() })
    }

    /// What stands before every name: empty, or the namespace and an underscore.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Every value as it is now, by name and labels.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(self)
    }

    /// Every metric that has a series with a value, by name, with those series. The lock is not
    /// held while somebody writes them out.
    pub(super) fn series(&self) -> Vec<(&'static MetricSpec, Vec<Arc<Series>>)> {
        self.reads.fetch_add(1, Relaxed);
        let all = self.lock();
        let families = all.values().map(|family| {
            let mut series = family.all();
            series.retain(|series| series.is_set());
            (family.spec, series)
        });
        families.filter(|(_, series)| !series.is_empty()).collect()
    }

    fn cell(&self, spec: &'static MetricSpec, values: &[&str]) -> Cell {
        let mut families = self.lock();
        let family = families.entry(spec.name).or_insert_with(|| Family::new(spec));
        family.series(values).cell.clone()
    }

    /// A panic elsewhere leaves no half-made entry behind, so that the map is sound even then.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Family>> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A metric of another kind than asked for gets a handle that nobody reads.
impl Meter for Registry {
    type Counter = Counter;
    type Gauge = Gauge;
    type Histogram = Histogram;

    fn counter(&self, spec: &'static MetricSpec, labels: &[&str]) -> Counter {
        match self.cell(spec, labels) {
            Cell::Counter(counter) => counter,
            Cell::Gauge(_) | Cell::Histogram(_) => Counter::default(),
        }
    }

    fn gauge(&self, spec: &'static MetricSpec, labels: &[&str]) -> Gauge {
        match self.cell(spec, labels) {
            Cell::Gauge(gauge) => gauge,
            Cell::Counter(_) | Cell::Histogram(_) => Gauge::default(),
        }
    }

    fn histogram(&self, spec: &'static MetricSpec, labels: &[&str]) -> Histogram {
        match self.cell(spec, labels) {
            Cell::Histogram(histogram) => histogram,
            Cell::Counter(_) | Cell::Gauge(_) => Histogram::new(spec.buckets),
        }
    }

    #[inline]
    fn reads(&self) -> Option<u64> {
        Some(self.reads.load(Relaxed))
    }
}
