use serde::Serialize;

/// One row of the catalogue: everything that is said about a metric anywhere comes from here.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MetricSpec {
    /// The name, without a namespace, as queries use it.
    pub name: &'static str,
    /// What its values do.
    pub kind: MetricKind,
    /// What its values are.
    pub unit: Unit,
    /// What it tells, in one sentence.
    pub help: &'static str,
    /// Its labels, in the order of exposition.
    pub labels: &'static [LabelSpec],
    /// Upper bounds of a histogram, rising, without infinity; empty for the other kinds.
    pub buckets: &'static [f64],
    /// Which part of the program moves it.
    pub feed: Feed,
}

/// What a metric's values do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// It only rises, from zero at the start of the process.
    Counter,
    /// It is set.
    Gauge,
    /// It counts observations by size.
    Histogram,
}

impl MetricKind {
    /// The kind's word in the exposition formats.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What a metric's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Things that are counted.
    Count,
    /// An amount of the reporting currency.
    Currency,
    /// Seconds.
    Seconds,
    /// Seconds since 1970 in UTC.
    Timestamp,
    /// A fraction: 1 is the whole.
    Ratio,
    /// Bytes.
    Bytes,
    /// A price of the instrument.
    Price,
    /// 0 or 1.
    Flag,
    /// A documented code.
    Code,
    /// Whatever the labels say.
    Various,
}

impl Unit {
    /// The unit's words for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Currency => "reporting currency",
            Self::Seconds => "seconds",
            Self::Timestamp => "seconds since 1970",
            Self::Ratio => "ratio",
            Self::Bytes => "bytes",
            Self::Price => "price",
            Self::Flag => "0 or 1",
            Self::Code => "code",
            Self::Various => "as labelled",
        }
    }

    /// The unit's suffix of names, where OpenMetrics knows one.
    pub const fn suffix(self) -> Option<&'static str> {
        match self {
            Self::Seconds | Self::Timestamp => Some("seconds"),
            Self::Ratio => Some("ratio"),
            Self::Bytes => Some("bytes"),
            Self::Count
            | Self::Currency
            | Self::Price
            | Self::Flag
            | Self::Code
            | Self::Various => None,
        }
    }
}

/// A label and what it may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LabelSpec {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub values: LabelValues,
}

/// What a label may say. Whatever else is offered becomes [`OTHER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelValues {
    /// One of these words.
    Fixed(&'static [&'static str]),
    /// Words that come at run time: the first so many different ones are kept.
    First(usize),
}

/// The label value of everything beyond a label's bounds.
pub const OTHER: &str = "other";

/// Who moves a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Feed {
    /// The engine, through its sink: the record or call that does it.
    Engine(&'static str),
    /// The edge: the part of it that does it, through an [`EdgeSink`](super::EdgeSink). It is not
    /// exposed before the edge has begun.
    Edge(&'static str),
    /// No part of the library, for this reason. It is not exposed until a host feeds it by hand
    /// through a [`MetricsExporter`](super::MetricsExporter).
    Pending(&'static str),
}

impl MetricSpec {
    const fn new(kind: MetricKind, name: &'static str, help: &'static str) -> Self {
        let feed = Feed::Pending("");
        Self { name, kind, unit: Unit::Count, help, labels: &[], buckets: &[], feed }
    }

    pub(super) const fn counter(name: &'static str, help: &'static str) -> Self {
        Self::new(MetricKind::Counter, name, help)
    }

    pub(super) const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self::new(MetricKind::Gauge, name, help)
    }

    pub(super) const fn histogram(
        name: &'static str,
        buckets: &'static [f64],
        help: &'static str,
    ) -> Self {
        Self { buckets, ..Self::new(MetricKind::Histogram, name, help) }
    }

    pub(super) const fn labels(mut self, labels: &'static [LabelSpec]) -> Self {
        self.labels = labels;
        self
    }

    pub(super) const fn unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    pub(super) const fn fed_by(mut self, source: &'static str) -> Self {
        self.feed = Feed::Engine(source);
        self
    }

    pub(super) const fn told_by(mut self, source: &'static str) -> Self {
        self.feed = Feed::Edge(source);
        self
    }

    pub(super) const fn pending(mut self, reason: &'static str) -> Self {
        self.feed = Feed::Pending(reason);
        self
    }

    /// True for a metric that no part of the library moves.
    pub const fn is_pending(&self) -> bool {
        matches!(self.feed, Feed::Pending(_))
    }

    /// The name of the family in OpenMetrics: a counter's without `_total`.
    pub fn family(&self) -> &'static str {
        match self.kind {
            MetricKind::Counter => self.name.strip_suffix("_total").unwrap_or(self.name),
            MetricKind::Gauge | MetricKind::Histogram => self.name,
        }
    }

    /// True for a histogram whose observations may be negative: its sum is no counter, and
    /// OpenMetrics forbids it.
    pub fn may_be_negative(&self) -> bool {
        self.buckets.first().is_some_and(|bound| *bound < 0.0)
    }
}

impl LabelSpec {
    pub(super) const fn fixed(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, values: LabelValues::Fixed(values) }
    }

    pub(super) const fn first(name: &'static str, most: usize) -> Self {
        Self { name, values: LabelValues::First(most) }
    }
}
