use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Counter, Gauge, Histogram};
use crate::metrics::{LabelValues, MetricKind, MetricSpec, OTHER};

/// One metric with all its series.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) spec: &'static MetricSpec,
    /// By label values.
    series: BTreeMap<Vec<Box<str>>, Arc<Series>>,
    /// What came for each label, so that it stays bounded.
    seen: Vec<BTreeSet<Box<str>>>,
}

/// One set of label values and the number that belongs to it.
#[derive(Debug)]
pub(in crate::metrics) struct Series {
    pub(in crate::metrics) values: Vec<Box<str>>,
    /// The labels as both exposition formats write them, without braces.
    pub(in crate::metrics) text: Box<str>,
    pub(in crate::metrics) cell: Cell,
}

/// A number of one of the three kinds.
#[derive(Clone, Debug)]
pub(in crate::metrics) enum Cell {
    Counter(Counter),
    Gauge(Gauge),
    Histogram(Histogram),
}

/// Series of one metric; what comes beyond goes to the series whose free labels are [`OTHER`].
const MOST_SERIES: usize = 4_096;
/// Bytes of a label value that are kept.
const LONGEST: usize = 128;
/// What stands for an empty label value, which would count as no label at all.
const NONE: &str = "none";

impl Family {
    pub(super) fn new(spec: &'static MetricSpec) -> Self {
        let seen = spec.labels.iter().map(|_| BTreeSet::new()).collect();
        Self { spec, series: BTreeMap::new(), seen }
    }

    /// The series of these label values, made when it is new.
    pub(super) fn series(&mut self, values: &[&str]) -> Arc<Series> {
        let mut values = self.admit(values);
        if let Some(series) = self.series.get(&values) {
            return Arc::clone(series);
        }
        if self.series.len() >= MOST_SERIES {
            for (value, label) in values.iter_mut().zip(self.spec.labels) {
                if matches!(label.values, LabelValues::First(_)) {
                    *value = OTHER.into();
                }
            }
        }
        let make = |values: &Vec<Box<str>>| {
            let (values, text) = (values.clone(), label_text(self.spec, values));
            Arc::new(Series { values, text, cell: Cell::new(self.spec) })
        };
        let made = make(&values);
        Arc::clone(self.series.entry(values).or_insert(made))
    }

    pub(super) fn all(&self) -> Vec<Arc<Series>> {
        self.series.values().cloned().collect()
    }

    /// The values that are kept for those that were offered.
    fn admit(&mut self, values: &[&str]) -> Vec<Box<str>> {
        let labels = self.spec.labels.iter().zip(&mut self.seen).enumerate();
        let admit = |(index, (label, seen)): (usize, (_, &mut BTreeSet<Box<str>>))| {
            let label: &crate::metrics::LabelSpec = label;
            let value = clean(values.get(index).copied().unwrap_or_default());
            let is_known = match label.values {
                LabelValues::Fixed(words) => words.contains(&&*value),
                LabelValues::First(most) => {
                    seen.contains(&value) || (seen.len() < most && seen.insert(value.clone()))
                }
            };
            if is_known { value } else { OTHER.into() }
        };
        labels.map(admit).collect()
    }
}

impl Cell {
    fn new(spec: &'static MetricSpec) -> Self {
        match spec.kind {
            MetricKind::Counter => Self::Counter(Counter::default()),
            MetricKind::Gauge => Self::Gauge(Gauge::default()),
            MetricKind::Histogram => Self::Histogram(Histogram::new(spec.buckets)),
        }
    }
}

impl Series {
    /// False for a gauge that was never set.
    pub(in crate::metrics) fn is_set(&self) -> bool {
        match &self.cell {
            Cell::Gauge(gauge) => gauge.value().is_some(),
            Cell::Counter(_) | Cell::Histogram(_) => true,
        }
    }
}

/// A label value that every format can carry: not empty, not endless, no control characters but
/// the line feed, which the formats escape.
fn clean(value: &str) -> Box<str> {
    let mut end = value.len().min(LONGEST);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    let kept = value.get(..end).unwrap_or_default();
    if kept.is_empty() {
        return NONE.into();
    }
    let is_bad = |char: char| char.is_control() && char != '\n';
    if kept.contains(is_bad) { kept.replace(is_bad, "_").into() } else { kept.into() }
}

/// `name="value",..` with backslash, quote and line feed escaped.
fn label_text(spec: &MetricSpec, values: &[Box<str>]) -> Box<str> {
    let mut text = String::new();
    for (label, value) in spec.labels.iter().zip(values) {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(label.name);
        text.push_str("=\"");
        for char in value.chars() {
            match char {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                other => text.push(other),
            }
        }
        text.push('"');
    }
    text.into()
}
