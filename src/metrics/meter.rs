use super::MetricSpec;

/// Where metrics are kept: it hands out a handle per series, once, and the handle is written to
/// without a look-up from then on.
///
/// [`Registry`](super::Registry) is the library's own. Whoever keeps metrics elsewhere implements
/// this trait and gets everything that [`EngineMetrics`](super::EngineMetrics) feeds.
pub trait Meter {
    /// The handle of a counter's series.
    type Counter: CounterHandle;
    /// The handle of a gauge's series.
    type Gauge: GaugeHandle;
    /// The handle of a histogram's series.
    type Histogram: HistogramHandle;

    /// The series of these label values, in the order of the row's labels. The same values give
    /// a handle to the same series.
    fn counter(&self, spec: &'static MetricSpec, labels: &[&str]) -> Self::Counter;

    /// The same for a gauge.
    fn gauge(&self, spec: &'static MetricSpec, labels: &[&str]) -> Self::Gauge;

    /// The same for a histogram.
    fn histogram(&self, spec: &'static MetricSpec, labels: &[&str]) -> Self::Histogram;

    /// How often its values have been read, so that what is dear to compute is computed for a
    /// reader alone; `None` where that is not known.
    fn reads(&self) -> Option<u64> {
        None
    }
}

/// A number that only rises.
pub trait CounterHandle {
    /// One more.
    fn increment(&self);

    /// More by an amount; one that is not above zero or not finite is left out.
    fn add(&self, amount: f64);

    /// One more, by who has this handle to itself: a meter may make that cheaper.
    #[inline]
    fn increment_alone(&mut self) {
        self.increment();
    }
}

/// A number that is set.
pub trait GaugeHandle {
    /// Sets it.
    fn set(&self, value: f64);

    /// Changes it; before it was set it counts as zero.
    fn add(&self, change: f64);
}

/// Observations counted by size.
pub trait HistogramHandle {
    /// One observation; one that is not finite is left out.
    fn observe(&self, value: f64);

    /// One observation, by who has this handle to itself: a meter may make that cheaper.
    #[inline]
    fn observe_alone(&mut self, value: f64) {
        self.observe(value);
    }
}
