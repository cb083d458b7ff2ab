//! The text that a Prometheus server reads: both formats, by a strict reader of the test's own.

use std::collections::{BTreeMap, BTreeSet};

use tradewright::metrics::prometheus::{
    ExpositionFormat, PrometheusMetrics, exposition, write_exposition,
};
use tradewright::metrics::{
    CounterHandle, GaugeHandle, HistogramHandle, Meter, MetricKind, MetricSpec, MetricsExporter,
    Registry, catalogue,
};
use tradewright::prelude::*;

const FORMATS: [ExpositionFormat; 2] = [ExpositionFormat::Text, ExpositionFormat::OpenMetrics];

/// Names and values, in the order of the text.
type Labels = Vec<(String, String)>;

/// A family as it was read.
#[derive(Debug, Default)]
struct Read {
    kind: String,
    help: String,
    unit: Option<String>,
    /// Suffix of the name, labels, value.
    samples: Vec<(String, Labels, f64)>,
}

/// Reads a text and refuses whatever the formats do not allow.
fn read(text: &str, format: ExpositionFormat) -> BTreeMap<String, Read> {
    let open = format == ExpositionFormat::OpenMetrics;
    assert!(text.ends_with('\n') || text.is_empty());
    let mut lines: Vec<&str> = text.split_terminator('\n').collect();
    if open {
        assert_eq!(lines.pop(), Some("# EOF"));
    }
    let mut families: BTreeMap<String, Read> = BTreeMap::new();
    let mut current = String::new();
    for line in lines {
        if let Some(head) = line.strip_prefix("# ") {
            let mut words = head.splitn(3, ' ');
            let (word, name) = (words.next().unwrap(), words.next().unwrap());
            let rest = words.next().unwrap().to_owned();
            if name != current {
                assert!(!families.contains_key(name), "{name} comes in two pieces");
                assert!(is_name(name), "{name}");
                families.insert(name.to_owned(), Read::default());
                name.clone_into(&mut current);
            }
            let family = families.get_mut(name).unwrap();
            assert!(family.samples.is_empty(), "{line} comes after samples");
            match word {
                "TYPE" => {
                    assert!(["counter", "gauge", "histogram"].contains(&rest.as_str()), "{line}");
                    assert!(family.kind.is_empty());
                    family.kind = rest;
                }
                "HELP" => family.help = rest,
                "UNIT" => {
                    assert!(open && name.ends_with(&format!("_{rest}")), "{line}");
                    family.unit = Some(rest);
                }
                _ => panic!("{line}"),
            }
            continue;
        }
        let family = families.get_mut(&current).unwrap();
        let (name, labels, value) = sample(line);
        let suffix = name.strip_prefix(current.as_str()).expect(line).to_owned();
        let allowed: &[&str] = match (family.kind.as_str(), open) {
            ("counter", true) => &["_total"],
            ("counter" | "gauge", _) => &[""],
            ("histogram", _) => &["_bucket", "_sum", "_count"],
            _ => panic!("{line} without a type"),
        };
        assert!(allowed.contains(&suffix.as_str()), "{line}");
        assert!(family.kind == "gauge" || !value.is_nan(), "{line}");
        let is_signed = family.kind == "gauge" || (suffix == "_sum" && !open);
        assert!(is_signed || value >= 0.0, "{line}");
        family.samples.push((suffix, labels, value));
    }
    for (name, family) in &families {
        assert!(!family.help.is_empty() && !family.samples.is_empty(), "{name}");
        let keys: BTreeSet<_> = family.samples.iter().map(|(s, l, _)| (s, l)).collect();
        assert_eq!(keys.len(), family.samples.len(), "{name} has a sample twice");
        if family.kind == "histogram" {
            histograms(name, family, open);
        }
    }
    families
}

/// `name{label="value",..} number`.
fn sample(line: &str) -> (&str, Labels, f64) {
    let end = line.find(['{', ' ']).unwrap();
    let (name, rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let mut labels = Vec::new();
    let mut rest = rest;
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"").unwrap();
            assert!(is_name(label) && !label.contains(':'), "{line}");
            let mut value = String::new();
            let mut chars = after.char_indices();
            let end = loop {
                match chars.next().unwrap() {
                    (at, '"') => break at,
                    (_, '\\') => value.push(match chars.next().unwrap().1 {
                        'n' => '\n',
                        quoted @ ('"' | '\\') => quoted,
                        other => panic!("\\{other} in {line}"),
                    }),
                    (_, other) => value.push(other),
                }
            };
            labels.push((label.to_owned(), value));
            rest = &after[end + 1..];
            if let Some(after) = rest.strip_prefix('}') {
                rest = after;
                break;
            }
            rest = rest.strip_prefix(',').unwrap();
        }
        let names: BTreeSet<&String> = labels.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), labels.len(), "a label twice: {line}");
    }
    let number = rest.strip_prefix(' ').unwrap();
    let value = match number {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        other => other.parse().unwrap(),
    };
    (name, labels, value)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Buckets rise to infinity, which is the count; no sum below zero in OpenMetrics.
fn histograms(name: &str, family: &Read, open: bool) {
    let mut series: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for (suffix, labels, value) in &family.samples {
        if suffix == "_bucket" {
            let mut labels = labels.clone();
            let (label, bound) = labels.pop().unwrap();
            assert_eq!(label, "le");
            let text = bound.as_str();
            assert!(text.contains(['.', 'e', 'I']), "{name} le={text} is not canonical");
            let bound = if text == "+Inf" { f64::INFINITY } else { text.parse().unwrap() };
            series.entry(labels).or_default().push((bound, *value));
        }
    }
    for (labels, buckets) in series {
        assert!(buckets.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1), "{name}");
        let (last, count) = *buckets.last().unwrap();
        assert_eq!(last, f64::INFINITY, "{name}");
        let is_negative = buckets[0].0 < 0.0;
        for wanted in ["_sum", "_count"] {
            let found = family.samples.iter().find(|(s, l, _)| s == wanted && *l == labels);
            assert_eq!(found.is_some(), !(open && is_negative), "{name}{wanted}");
            if let (Some((.., value)), "_count") = (found, wanted) {
                assert_eq!(*value, count, "{name}");
            }
        }
    }
}

/// A registry in which every metric of the catalogue has been fed, with labels that hurt.
fn everything() -> Registry {
    let exporter = MetricsExporter::new(Registry::new());
    let hostile = "a\"b\\c\nd\te ä{},= ";
    for spec in catalogue() {
        for word in [hostile, "plain", ""] {
            let labels: Vec<&str> = spec.labels.iter().map(|_| word).collect();
            match spec.kind {
                MetricKind::Counter => exporter.add_to(spec.name, &labels, 2.5).unwrap(),
                MetricKind::Gauge => exporter.set_to(spec.name, &labels, -1e-9).unwrap(),
                MetricKind::Histogram => {
                    for value in [-2e3, -1.0, 0.0, 1e-6, 0.3, 7e9] {
                        exporter.observe_in(spec.name, &labels, value).unwrap();
                    }
                }
            }
        }
    }
    exporter.registry().clone()
}

/// What the texts say is what the catalogue has: names, kinds, help, labels, buckets.
#[test]
fn the_exposition_is_the_catalogue() {
    let registry = everything();
    for format in FORMATS {
        let mut families = read(&exposition(&registry, format), format);
        for spec in catalogue() {
            let name = match format {
                ExpositionFormat::Text => spec.name,
                ExpositionFormat::OpenMetrics => spec.family(),
            };
            let family = families.remove(name).unwrap_or_else(|| panic!("{name} is missing"));
            check(spec, &family);
        }
        assert!(families.is_empty(), "not in the catalogue: {:?}", families.keys());
    }
}

fn check(spec: &MetricSpec, family: &Read) {
    assert_eq!((family.kind.as_str(), family.help.as_str()), (spec.kind.as_str(), spec.help));
    let labels: Vec<&str> = spec.labels.iter().map(|label| label.name).collect();
    for (suffix, found, _) in &family.samples {
        let found: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        let expected: Vec<&str> = match suffix.as_str() {
            "_bucket" => labels.iter().copied().chain(["le"]).collect(),
            _ => labels.clone(),
        };
        assert_eq!(found, expected, "{}", spec.name);
    }
    let bounds: BTreeSet<&str> = family
        .samples
        .iter()
        .filter_map(|(_, labels, _)| labels.last().filter(|(name, _)| name == "le"))
        .map(|(_, bound)| bound.as_str())
        .collect();
    let expected = if spec.buckets.is_empty() { 0 } else { spec.buckets.len() + 1 };
    assert_eq!(bounds.len(), expected, "{}", spec.name);
}

/// Labels come back as they were given, whatever is in them.
#[test]
fn labels_survive_the_way() {
    let registry = Registry::new();
    let spec = catalogue().find(|spec| spec.name == "trading_cash").unwrap();
    let words = ["plain", "quo\"te", "back\\slash", "line\nfeed", "\\n", "ä漢", "{a=\"b\"}, "];
    for word in words {
        registry.gauge(spec, &[word]).set(1.0);
    }
    for format in FORMATS {
        let families = read(&exposition(&registry, format), format);
        let samples = families["trading_cash"].samples.iter();
        let found: BTreeSet<&str> = samples.map(|(_, labels, _)| labels[0].1.as_str()).collect();
        assert_eq!(found, words.into_iter().collect());
    }
}

#[test]
fn the_texts_look_like_this() {
    let registry = Registry::new();
    let spec = |name: &str| catalogue().find(|spec| spec.name == name).unwrap();
    registry.counter(spec("risk_checks_total"), &["approved"]).increment();
    registry.counter(spec("trading_profit_total"), &[]).add(12.25);
    registry.gauge(spec("trading_capital_total"), &[]).set(1e4);
    registry.gauge(spec("trading_market_vix"), &[]).set(f64::NAN);
    registry.histogram(spec("trading_trade_pnl"), &[]).observe(-250.0);
    let text = exposition(&registry, ExpositionFormat::Text);
    let expected = "\
# HELP risk_checks_total Intents that risk, halts and gates let through, in whole or in part, or \
refused.
# TYPE risk_checks_total counter
risk_checks_total{result=\"approved\"} 1
";
    assert!(text.starts_with(expected), "{text}");
    for line in [
        "trading_profit_total 12.25",
        "trading_capital_total 10000",
        "trading_market_vix NaN",
        "trading_trade_pnl_bucket{le=\"-500.0\"} 0",
        "trading_trade_pnl_bucket{le=\"-100.0\"} 1",
        "trading_trade_pnl_bucket{le=\"+Inf\"} 1",
        "trading_trade_pnl_sum -250",
        "trading_trade_pnl_count 1",
    ] {
        assert!(text.lines().any(|own| own == line), "{line} is not in {text}");
    }
    let open = exposition(&registry, ExpositionFormat::OpenMetrics);
    for line in [
        "# TYPE trading_profit counter",
        "trading_profit_total 12.25",
        "# TYPE trading_capital_total gauge",
        "trading_capital_total 10000",
    ] {
        assert!(open.lines().any(|own| own == line), "{line} is not in {open}");
    }
    assert!(!open.contains("trading_trade_pnl_sum") && !open.contains("trading_trade_pnl_count"));
    assert_eq!(exposition(&Registry::new(), ExpositionFormat::OpenMetrics), "# EOF\n");
}

#[test]
fn a_namespace_stands_before_every_name() {
    let registry = Registry::with_namespace("acme").unwrap();
    let exporter = MetricsExporter::new(registry.clone());
    exporter.connections("binance", 1);
    exporter.signal("s", None);
    for format in FORMATS {
        for name in read(&exposition(&registry, format), format).keys() {
            assert!(name.starts_with("acme_"), "{name}");
        }
    }
    assert_eq!(registry.snapshot().total("websocket_connections_active"), 1.0);
}

/// A run with a sink of its own, and everything that is not pending without labels is there.
#[test]
fn an_engine_can_be_scraped() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/fb_1d.csv");
    let tape = CsvBars::open(file).load(Instrument::stock("FB", "USD")).unwrap();
    let sink = PrometheusMetrics::default();
    let registry = sink.registry().clone();
    let (report, sink) = Backtest::new(&tape).strategy("MEAN_REVERSION").run_with(sink).unwrap();
    for format in FORMATS {
        let text = sink.exposition(format);
        assert_eq!(text, exposition(&registry, format));
        let families = read(&text, format);
        let pending: BTreeSet<&str> =
            catalogue().filter(|spec| spec.is_pending()).map(MetricSpec::family).collect();
        assert!(families.keys().all(|name| !pending.contains(name.as_str())));
        assert_eq!(families["risk_current_equity"].samples[0].2, report.run.final_equity);
        assert!(families.len() > 60, "{}", families.len());
    }
    sink.exporter().uptime(std::time::Duration::from_secs(5));
    assert!(
        sink.exposition(ExpositionFormat::Text).contains("\ntrading_system_uptime_seconds 5\n")
    );
}

#[test]
fn a_writer_that_fails_ends_the_writing() {
    struct Full(usize);
    impl std::fmt::Write for Full {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0 = self.0.checked_sub(text.len()).ok_or(std::fmt::Error)?;
            Ok(())
        }
    }
    let registry = everything();
    for room in [0, 10, 1_000, 20_000] {
        let written = write_exposition(&registry, ExpositionFormat::Text, &mut Full(room));
        assert!(written.is_err());
    }
}

#[test]
fn the_format_is_the_one_that_is_asked_for() {
    let open = "application/openmetrics-text";
    let cases = [
        ("", ExpositionFormat::Text),
        ("*/*", ExpositionFormat::Text),
        ("text/plain", ExpositionFormat::Text),
        (open, ExpositionFormat::OpenMetrics),
        ("text/plain;q=0.5, application/openmetrics-text; version=1.0.0", FORMATS[1]),
        ("application/openmetrics-text;q=0,*/*", ExpositionFormat::Text),
        ("application/openmetrics-text;q=0.75,text/plain", ExpositionFormat::OpenMetrics),
    ];
    for (header, format) in cases {
        assert_eq!(ExpositionFormat::of_accept(header), format, "{header}");
    }
    assert!(FORMATS[0].content_type().contains("0.0.4"));
    assert!(FORMATS[1].content_type().starts_with(open));
}
