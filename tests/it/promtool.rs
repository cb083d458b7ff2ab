//! Prometheus' own tool reads what a backtest exposes, what the boards ask and what the rules say.
//!
//! The tool is the program that the variable `PROMTOOL` names, else `promtool` on the path. Without
//! one these tests say that they are skipped; with `TRADEWRIGHT_REQUIRE_PROMETHEUS=1` they fail.

#![allow(clippy::disallowed_methods, reason = "asks the environment for a program and starts it")]

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tradewright::metrics::prometheus::{ExpositionFormat, PrometheusMetrics, exposition};
use tradewright::metrics::{Registry, catalogue};
use tradewright::prelude::*;

/// The one name that the tool advises against and that boards in use ask for.
const KEPT: &str = "trading_capital_total";

/// The tool; `None` after having said that the test is skipped.
///
/// # Panics
/// Without the tool where it is required.
fn promtool() -> Option<PathBuf> {
    let named = env::var_os("PROMTOOL").filter(|name| !name.is_empty()).map(PathBuf::from);
    let paths = env::var_os("PATH").unwrap_or_default();
    let on_path = || env::split_paths(&paths).map(|folder| folder.join("promtool"));
    let found = named.or_else(|| on_path().find(|program| program.is_file()));
    if found.is_none() {
        let is_required = env::var_os("TRADEWRIGHT_REQUIRE_PROMETHEUS").is_some();
        assert!(!is_required, "promtool is required, and neither on PATH nor named by PROMTOOL");
        eprintln!("skipped: promtool is neither on PATH nor named by PROMTOOL");
    }
    found
}

/// Runs the tool; what it says goes into the text of a failure.
fn run(program: &Path, words: &[&str], files: &[PathBuf], input: &str) -> Output {
    let mut child = Command::new(program)
        .args(words)
        .args(files)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    // A program that ends without reading closes the pipe; its answer tells why.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn words_of(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

/// The lines that the tool has to say about a text of metrics.
fn findings(program: &Path, text: &str) -> Vec<String> {
    let output = run(program, &["check", "metrics"], &[], text);
    // 3 is a finding; everything else is a text that could not be read.
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", words_of(&output));
    words_of(&output).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn files(ending: &str) -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/monitoring");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    files.sort();
    assert!(!files.is_empty(), "no file ends with {ending}");
    files
}

#[test]
fn a_backtest_exposes_what_the_tool_finds_clean() {
    let Some(program) = promtool() else { return };
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/fb_1d.csv");
    let tape = CsvBars::open(file).load(Instrument::stock("FB", "USD")).unwrap();
    let test = Backtest::new(&tape).strategy("MEAN_REVERSION");
    let (_, sink) = test.run_with(PrometheusMetrics::default()).unwrap();
    let text = sink.exposition(ExpositionFormat::Text);
    let found = findings(&program, &text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with(KEPT), "{found:?}");
    // It does read: a text that is wrong is not clean.
    let twice = format!("{text}{text}");
    let output = run(&program, &["check", "metrics"], &[], &twice);
    assert_eq!(output.status.code(), Some(1), "{}", words_of(&output));
}

/// Every metric of the catalogue, pending ones too, under labels that hurt.
#[test]
fn whatever_labels_say_the_tool_can_read_it() {
    let Some(program) = promtool() else { return };
    let registry = Registry::new();
    let exporter = tradewright::metrics::MetricsExporter::new(registry.clone());
    for spec in catalogue() {
        for hurt in ["a\"b", "a\\", "a\nb", "{x=\"y\"} 1", "ä€😀", "\u{0}\u{7f}", ""] {
            let values: Vec<&str> = spec.labels.iter().map(|_| hurt).collect();
            exporter.set_to(spec.name, &values, 1.0).ok();
            exporter.add_to(spec.name, &values, 1.0).ok();
            exporter.observe_in(spec.name, &values, 1.0).ok();
        }
    }
    let text = exposition(&registry, ExpositionFormat::Text);
    for spec in catalogue() {
        assert!(text.contains(&format!("# TYPE {} ", spec.name)), "{} is not fed", spec.name);
    }
    let found = findings(&program, &text);
    let named: BTreeSet<&str> =
        found.iter().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(named, BTreeSet::from([KEPT]), "{found:?}");
}

#[test]
fn rules_pass_every_check_and_their_tests() {
    let Some(program) = promtool() else { return };
    for (words, ending) in [
        (&["check", "rules", "--lint=all", "--lint-fatal"][..], ".rules.yml"),
        (&["test", "rules"][..], ".test.yml"),
    ] {
        let output = run(&program, words, &files(ending), "");
        assert!(output.status.success(), "{words:?}: {}", words_of(&output));
    }
}

/// The boards' queries, as rules, by the server's own parser.
#[test]
fn every_query_of_the_boards_parses() {
    let Some(program) = promtool() else { return };
    let mut rules = String::new();
    let mut count = 0;
    for path in files(".json") {
        let board: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let targets = board["panels"].as_array().unwrap().iter();
        for target in targets.flat_map(|panel| panel["targets"].as_array().unwrap()) {
            let query = target["expr"].as_str().unwrap();
            let query = query.replace("$__rate_interval", "1m").replace("$__range", "1h");
            let query = query.replace("$instance", ".*").replace("$strategy", ".*");
            let query = serde_json::to_string(&query).unwrap();
            write!(rules, "  - record: board:query_{count}\n    expr: {query}\n").unwrap();
            count += 1;
        }
    }
    assert!(count > 100, "{count} queries");
    let parses = |rules: &str| {
        let text = format!("groups:\n- name: boards\n  rules:\n{rules}");
        let words = ["check", "rules", "--lint=none", "/dev/stdin"];
        let output = run(&program, &words, &[], &text);
        (output.status.success(), words_of(&output))
    };
    let (is_sound, words) = parses(&rules);
    assert!(is_sound && words.contains(&format!("{count} rules")), "{words}");
    let (is_sound, words) = parses("  - record: board:broken\n    expr: \"sum(\"\n");
    assert!(!is_sound, "{words}");
}
