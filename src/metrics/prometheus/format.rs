use core::fmt::{self, Write};

use crate::metrics::Histogram;
use crate::metrics::registry::{Cell, Series};
use crate::metrics::{MetricSpec, Registry};

/// How metrics are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExpositionFormat {
    /// The classic text format, version 0.0.4.
    #[default]
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl ExpositionFormat {
    /// The format that an `Accept` header asks for: OpenMetrics where it is named without
    /// `q=0`, else the classic text.
    ///
    /// ```
    /// use tradewright::metrics::prometheus::ExpositionFormat;
    ///
    /// let scrape = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
    /// assert_eq!(ExpositionFormat::of_accept(scrape), ExpositionFormat::OpenMetrics);
    /// assert_eq!(ExpositionFormat::of_accept("*/*"), ExpositionFormat::Text);
    /// ```
    pub fn of_accept(header: &str) -> Self {
        let is_asked = |range: &str| {
            let mut parts = range.split(';').map(str::trim);
            let named = parts.next() == Some("application/openmetrics-text");
            let refused = |part: &str| {
                let weight = part.strip_prefix("q=").and_then(|text| text.parse::<f64>().ok());
                weight == Some(0.0)
            };
            named && !parts.any(refused)
        };
        if header.split(',').any(is_asked) { Self::OpenMetrics } else { Self::Text }
    }

    /// The value of the `Content-Type` header.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Writes every metric of a registry that has values, by name and labels.
///
/// Bounds of histograms are written alike in both formats (`1.0`, `1e-07`), so that a change of
/// format makes no new series.
///
/// # Errors
/// That of the writer; a `String` has none.
pub fn write_exposition(
    registry: &Registry,
    format: ExpositionFormat,
    out: &mut impl Write,
) -> fmt::Result {
    for (spec, series) in registry.series() {
        let bounds = spec.buckets.iter().copied().chain([f64::INFINITY]).map(canonical).collect();
        let mut family = Family { prefix: registry.prefix(), spec, bounds, format, out };
        family.head()?;
        for series in &series {
            family.series(series)?;
        }
    }
    match format {
        ExpositionFormat::Text => Ok(()),
        ExpositionFormat::OpenMetrics => out.write_str("# EOF\n"),
    }
}

/// One metric on its way out.
struct Family<'a, W> {
    prefix: &'a str,
    spec: &'static MetricSpec,
    /// A histogram's upper bounds as text, infinity last.
    bounds: Vec<String>,
    format: ExpositionFormat,
    out: &'a mut W,
}

impl<W: Write> Family<'_, W> {
    fn head(&mut self) -> fmt::Result {
        let (prefix, kind, help) = (self.prefix, self.spec.kind.as_str(), self.spec.help);
        match self.format {
            ExpositionFormat::Text => {
                let name = self.spec.name;
                writeln!(self.out, "# HELP {prefix}{name} {help}\n# TYPE {prefix}{name} {kind}")
            }
            ExpositionFormat::OpenMetrics => {
                let name = self.spec.family();
                writeln!(self.out, "# TYPE {prefix}{name} {kind}")?;
                let unit = self.spec.unit.suffix();
                if let Some(unit) = unit.filter(|unit| has_suffix(name, unit)) {
                    writeln!(self.out, "# UNIT {prefix}{name} {unit}")?;
                }
                writeln!(self.out, "# HELP {prefix}{name} {help}")
            }
        }
    }

    fn series(&mut self, series: &Series) -> fmt::Result {
        match &series.cell {
            Cell::Counter(counter) => {
                self.name("", &series.text, None)?;
                match counter.whole() {
                    Some(whole) => writeln!(self.out, "{whole}"),
                    None => number(self.out, counter.value()),
                }
            }
            Cell::Gauge(gauge) => {
                self.name("", &series.text, None)?;
                number(self.out, gauge.value().unwrap_or(f64::NAN))
            }
            Cell::Histogram(histogram) => self.histogram(&series.text, histogram),
        }
    }

    fn histogram(&mut self, labels: &str, histogram: &Histogram) -> fmt::Result {
        let mut below: u64 = 0;
        for (index, count) in histogram.counts().enumerate() {
            below = below.wrapping_add(count);
            self.name("_bucket", labels, Some(index))?;
            writeln!(self.out, "{below}")?;
        }
        if self.format == ExpositionFormat::OpenMetrics && self.spec.may_be_negative() {
            return Ok(());
        }
        self.name("_sum", labels, None)?;
        number(self.out, histogram.sum())?;
        self.name("_count", labels, None)?;
        writeln!(self.out, "{below}")
    }

    /// Name and labels of a sample, and the space after them.
    fn name(&mut self, suffix: &str, labels: &str, bound: Option<usize>) -> fmt::Result {
        self.out.write_str(self.prefix)?;
        self.out.write_str(self.spec.name)?;
        self.out.write_str(suffix)?;
        if labels.is_empty() && bound.is_none() {
            return self.out.write_char(' ');
        }
        self.out.write_char('{')?;
        self.out.write_str(labels)?;
        if let Some(bound) = bound.and_then(|index| self.bounds.get(index)) {
            self.out.write_str(if labels.is_empty() { "le=\"" } else { ",le=\"" })?;
            self.out.write_str(bound)?;
            self.out.write_char('"')?;
        }
        self.out.write_str("} ")
    }
}

/// A value and the end of its line.
fn number(out: &mut impl Write, value: f64) -> fmt::Result {
    let size = value.abs();
    if value.is_nan() {
        out.write_str("NaN\n")
    } else if value.is_infinite() {
        out.write_str(if value > 0.0 { "+Inf\n" } else { "-Inf\n" })
    } else if size == 0.0 || (1e-5..1e16).contains(&size) {
        writeln!(out, "{value}")
    } else {
        writeln!(out, "{value:e}")
    }
}

/// A bound in the canonical form of OpenMetrics, which is Go's: a point always, an exponent of at
/// least two digits below 0.0001 and from a million on.
fn canonical(bound: f64) -> String {
    let size = bound.abs();
    if bound.is_infinite() {
        return if bound > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    if size == 0.0 || (1e-4..1e6).contains(&size) {
        return format!("{bound:?}");
    }
    let text = format!("{bound:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => match exponent.strip_prefix('-') {
            Some(digits) => format!("{mantissa}e-{digits:0>2}"),
            None => format!("{mantissa}e+{exponent:0>2}"),
        },
        None => text,
    }
}

/// True for a name that ends in `_unit`.
fn has_suffix(name: &str, unit: &str) -> bool {
    name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_'))
}
