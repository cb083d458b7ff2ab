use core::fmt;

use serde::Serialize;

use super::registry::{Cell, Series};
use super::{MetricKind, Registry};

/// Values of a registry at one moment, to look at in a test, a dashboard, a file. As text it has a
/// line for each series: `name{label="value"} number`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Snapshot {
    /// The metrics that have values, by name.
    pub metrics: Vec<MetricSnapshot>,
}

/// One metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricSnapshot {
    /// Its name in the catalogue, without a namespace.
    pub name: &'static str,
    /// What its values do.
    pub kind: MetricKind,
    /// Its series, by label values.
    pub series: Vec<SeriesSnapshot>,
}

/// One series.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SeriesSnapshot {
    /// Names and values of its labels.
    pub labels: Vec<(&'static str, String)>,
    /// Its value; of a histogram the number of observations.
    pub value: f64,
    /// Of a histogram: upper bound and number of observations up to it, infinity last.
    pub buckets: Vec<(f64, u64)>,
    /// Of a histogram: the sum of its observations.
    pub sum: f64,
    /// The labels as text, `label="value",..`, with backslash, quote and line feed escaped.
    #[serde(skip)]
    pub text: String,
}

impl Snapshot {
    pub(super) fn of(registry: &Registry) -> Self {
        let metrics = registry.series().into_iter().map(|(spec, series)| {
            let names = || spec.labels.iter().map(|label| label.name);
            let series = series.iter().map(|series| {
                let values = series.values.iter().map(|value| value.to_string());
                SeriesSnapshot::of(names().zip(values).collect(), series)
            });
            MetricSnapshot { name: spec.name, kind: spec.kind, series: series.collect() }
        });
        Self { metrics: metrics.collect() }
    }

    /// A metric by its name.
    pub fn metric(&self, name: &str) -> Option<&MetricSnapshot> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// The value of the series that has these labels (and maybe others); of a histogram the
    /// number of observations.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |series: &&SeriesSnapshot| {
            labels.iter().all(|(label, value)| series.label(label) == Some(*value))
        };
        self.metric(name)?.series.iter().find(has).map(|series| series.value)
    }

    /// The sum over all series of a metric; zero for one without values.
    pub fn total(&self, name: &str) -> f64 {
        let series = self.metric(name).into_iter().flat_map(|metric| &metric.series);
        // The standard library's sum of nothing is minus zero.
        series.fold(0.0, |sum, series| sum + series.value)
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for metric in &self.metrics {
            for SeriesSnapshot { text, value, .. } in &metric.series {
                match text.as_str() {
                    "" => writeln!(f, "{} {value}", metric.name)?,
                    labels => writeln!(f, "{}{{{labels}}} {value}", metric.name)?,
                }
            }
        }
        Ok(())
    }
}

impl SeriesSnapshot {
    fn of(labels: Vec<(&'static str, String)>, series: &Series) -> Self {
        let text = series.text.to_string();
        let plain = |value| Self { value, ..Self::default() };
        let read = match &series.cell {
            Cell::Counter(counter) => plain(counter.value()),
            Cell::Gauge(gauge) => plain(gauge.value().unwrap_or(f64::NAN)),
            Cell::Histogram(histogram) => {
                let mut below = 0;
                let bounds = histogram.bounds().iter().copied().chain([f64::INFINITY]);
                let buckets = bounds.zip(histogram.counts()).map(|(bound, count)| {
                    below += count;
                    (bound, below)
                });
                let buckets: Vec<(f64, u64)> = buckets.collect();
                let count = buckets.last().map_or(0, |(_, count)| *count);
                Self { buckets, sum: histogram.sum(), ..plain(count as f64) }
            }
        };
        Self { labels, text, ..read }
    }

    /// The value of one label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| *label == name).map(|(_, value)| value.as_str())
    }
}
