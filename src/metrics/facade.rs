use ::metrics::{Key, Label, Level, Metadata, SharedString, Unit as FacadeUnit};

use super::{CounterHandle, GaugeHandle, HistogramHandle, Meter, MetricKind, MetricSpec, Unit};

/// Hands the metrics of the catalogue to the recorder of the `metrics` facade, so that any of its
/// exporters can serve them: `EngineMetrics::new(FacadeMeter::new())`.
///
/// The facade's recorder is the program's own global one, or the thread's; install it before the
/// engine is built, because handles are made then.
///
/// The facade's counters count in whole numbers. Counters of amounts (`trading_volume_total`,
/// `trading_profit_total`, ..) are therefore gauges there, under the same names.
///
/// An exporter of that ecosystem keeps observations until it renders them; call its upkeep, and
/// give it the buckets of the catalogue.
#[derive(Clone, Debug, Default)]
pub struct FacadeMeter {
    prefix: String,
}

/// A counter of the facade, or a gauge where amounts are counted.
#[derive(Clone, Debug)]
pub enum FacadeCounter {
    /// Whole numbers.
    Whole(::metrics::Counter),
    /// Amounts.
    Amount(::metrics::Gauge),
}

/// A gauge of the facade.
#[derive(Clone, Debug)]
pub struct FacadeGauge(::metrics::Gauge);

/// A histogram of the facade.
#[derive(Clone, Debug)]
pub struct FacadeHistogram(::metrics::Histogram);

impl FacadeMeter {
    /// A bridge to the recorder that is installed.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with `namespace_` before every name.
    pub fn with_namespace(namespace: &str) -> Self {
        Self { prefix: format!("{namespace}_") }
    }

    fn key(&self, spec: &'static MetricSpec, values: &[&str]) -> Key {
        let labels = spec.labels.iter().zip(values);
        let labels = labels.map(|(label, value)| Label::new(label.name, (*value).to_owned()));
        Key::from_parts(format!("{}{}", self.prefix, spec.name), labels.collect::<Vec<_>>())
    }

    /// Tells the recorder what a metric is about.
    fn describe(&self, spec: &'static MetricSpec, recorder: &dyn ::metrics::Recorder) {
        let name = format!("{}{}", self.prefix, spec.name).into();
        let (unit, help) = (unit_of(spec.unit), SharedString::const_str(spec.help));
        match spec.kind {
            MetricKind::Counter if counts_amounts(spec) => {
                recorder.describe_gauge(name, unit, help);
            }
            MetricKind::Counter => recorder.describe_counter(name, unit, help),
            MetricKind::Gauge => recorder.describe_gauge(name, unit, help),
            MetricKind::Histogram => recorder.describe_histogram(name, unit, help),
        }
    }
}

const METADATA: Metadata<'static> =
    Metadata::new("tradewright", Level::INFO, Some("tradewright::metrics"));

/// True for a counter that the facade cannot count.
const fn counts_amounts(spec: &MetricSpec) -> bool {
    !matches!(spec.unit, Unit::Count | Unit::Bytes)
}

const fn unit_of(unit: Unit) -> Option<FacadeUnit> {
    match unit {
        Unit::Count => Some(FacadeUnit::Count),
        Unit::Seconds | Unit::Timestamp => Some(FacadeUnit::Seconds),
        Unit::Bytes => Some(FacadeUnit::Bytes),
        Unit::Currency | Unit::Ratio | Unit::Price | Unit::Flag | Unit::Code | Unit::Various => {
            None
        }
    }
}

/// Label values are passed on as they come: the engine's are bounded by its strategies, symbols
/// and reasons.
impl Meter for FacadeMeter {
    type Counter = FacadeCounter;
    type Gauge = FacadeGauge;
    type Histogram = FacadeHistogram;

    fn counter(&self, spec: &'static MetricSpec, labels: &[&str]) -> FacadeCounter {
        let key = self.key(spec, labels);
        ::metrics::with_recorder(|recorder| {
            self.describe(spec, recorder);
            if counts_amounts(spec) {
                FacadeCounter::Amount(recorder.register_gauge(&key, &METADATA))
            } else {
                FacadeCounter::Whole(recorder.register_counter(&key, &METADATA))
            }
        })
    }

    fn gauge(&self, spec: &'static MetricSpec, labels: &[&str]) -> FacadeGauge {
        let key = self.key(spec, labels);
        FacadeGauge(::metrics::with_recorder(|recorder| {
            self.describe(spec, recorder);
            recorder.register_gauge(&key, &METADATA)
        }))
    }

    fn histogram(&self, spec: &'static MetricSpec, labels: &[&str]) -> FacadeHistogram {
        let key = self.key(spec, labels);
        FacadeHistogram(::metrics::with_recorder(|recorder| {
            self.describe(spec, recorder);
            recorder.register_histogram(&key, &METADATA)
        }))
    }
}

impl CounterHandle for FacadeCounter {
    fn increment(&self) {
        match self {
            Self::Whole(counter) => counter.increment(1),
            Self::Amount(gauge) => gauge.increment(1.0),
        }
    }

    fn add(&self, amount: f64) {
        if !(amount > 0.0 && amount.is_finite()) {
            return;
        }
        match self {
            Self::Whole(counter) => counter.increment(amount as u64),
            Self::Amount(gauge) => gauge.increment(amount),
        }
    }
}

impl GaugeHandle for FacadeGauge {
    fn set(&self, value: f64) {
        self.0.set(value);
    }

    fn add(&self, change: f64) {
        self.0.increment(change);
    }
}

impl HistogramHandle for FacadeHistogram {
    fn observe(&self, value: f64) {
        if value.is_finite() {
            self.0.record(value);
        }
    }
}
