use crate::types::{Facts, Record, Timestamp};

/// A reader of the engine's records. It can neither fail nor change the engine.
///
/// `()` listens to nothing and costs nothing.
///
/// ```
/// use tradewright::metrics::MetricsSink;
/// use tradewright::types::{Record, Timestamp};
///
/// #[derive(Default)]
/// struct Orders(u64);
///
/// impl MetricsSink for Orders {
///     fn record(&mut self, _at: Timestamp, record: &Record<'_>) {
///         if matches!(record, Record::Placed { .. }) {
///             self.0 += 1;
///         }
///     }
/// }
/// ```
pub trait MetricsSink {
    /// A state has changed.
    fn record(&mut self, at: Timestamp, record: &Record<'_>);

    /// A market event has been handled; equity and positions are in the facts.
    fn on_mark(&mut self, _facts: &Facts<'_>) {}
}

impl MetricsSink for () {
    #[inline]
    fn record(&mut self, _at: Timestamp, _record: &Record<'_>) {}
}

impl<M: MetricsSink + ?Sized> MetricsSink for &mut M {
    #[inline]
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        (**self).record(at, record);
    }

    #[inline]
    fn on_mark(&mut self, facts: &Facts<'_>) {
        (**self).on_mark(facts);
    }
}

impl<M: MetricsSink + ?Sized> MetricsSink for Box<M> {
    #[inline]
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        (**self).record(at, record);
    }

    #[inline]
    fn on_mark(&mut self, facts: &Facts<'_>) {
        (**self).on_mark(facts);
    }
}

/// Two readers as one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tee<A, B>(pub A, pub B);

impl<A: MetricsSink, B: MetricsSink> MetricsSink for Tee<A, B> {
    #[inline]
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        self.0.record(at, record);
        self.1.record(at, record);
    }

    #[inline]
    fn on_mark(&mut self, facts: &Facts<'_>) {
        self.0.on_mark(facts);
        self.1.on_mark(facts);
    }
}
