//! The catalogue of metrics is sound, complete, and the page in docs/ says the same.

#![allow(clippy::disallowed_methods, reason = "the page is written anew when it is asked for")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use tradewright::metrics::{
    Feed, LabelValues, MetricKind, MetricSpec, OTHER, catalogue, catalogue_by_topic,
};

/// The names and labels that boards in use ask for.
const REQUIRED: &[(&str, &str)] = &[
    ("trading_trades_total", "strategy,symbol,side,status"),
    ("trading_trade_pnl", ""),
    ("trading_strategy_signals_total", "strategy,signal"),
    ("risk_checks_total", "result"),
    ("risk_circuit_breaker_trips_total", ""),
    ("risk_max_drawdown", ""),
    ("risk_current_equity", ""),
    ("risk_consecutive_losses", ""),
    ("bot_status", "bot_id,strategy"),
    ("bot_state", "bot_id,strategy,state"),
    ("strategy_execution_seconds", "strategy"),
    ("websocket_connections_active", "exchange"),
    ("websocket_messages_total", "exchange,type"),
    ("websocket_errors_total", "exchange,error_type"),
    ("exchange_api_calls_total", "exchange,endpoint"),
    ("exchange_api_latency_seconds", "exchange"),
    ("trading_profit_total", ""),
    ("trading_loss_total", ""),
    ("exchange_api_errors_total", "exchange,error_type"),
    ("trading_volume_total", "strategy,symbol"),
    ("trading_last_trade_timestamp_seconds", "strategy,symbol"),
    ("trading_last_trade_pnl", "strategy,symbol"),
    ("process_cpu_seconds_total", ""),
    ("process_resident_memory_bytes", ""),
    ("process_start_time_seconds", ""),
    ("trading_trades_pnl", "strategy"),
    ("trading_positions_open", "strategy"),
    ("trading_daily_pnl", ""),
    ("trading_daily_pnl_ratio", ""),
    ("trading_unrealized_pnl", ""),
    ("trading_realized_pnl", ""),
    ("trading_capital", ""),
    ("trading_capital_total", ""),
    ("trading_capital_used", ""),
    ("trading_capital_utilization", ""),
    ("trading_margin_used", ""),
    ("trading_margin_available", ""),
    ("trading_circuit_breaker_active", ""),
    ("trading_circuit_breaker_triggers_total", "reason"),
    ("trading_circuit_breaker_triggers_today", ""),
    ("trading_max_drawdown", ""),
    ("trading_risk_limit_breaches_total", "limit_type"),
    ("trading_market_vix", ""),
    ("trading_market_condition", "condition"),
    ("trading_market_data_updates_total", "symbol"),
    ("trading_market_data_stale", ""),
    ("trading_market_data_age_seconds", "symbol"),
    ("trading_orders_submitted_total", "strategy,side,order_type"),
    ("trading_orders_filled_total", "strategy,side"),
    ("trading_orders_rejected_total", "strategy,reason"),
    ("trading_order_fill_time_seconds", "strategy"),
    ("trading_strategy_win_rate", "strategy"),
    ("trading_strategy_avg_pnl", "strategy"),
    ("trading_strategy_sharpe_ratio", "strategy"),
    ("trading_strategy_trades_today", "strategy"),
    ("trading_ml_model_accuracy", "model"),
    ("trading_ml_predictions_total", "model,prediction"),
    ("trading_ml_training_duration_seconds", ""),
    ("trading_ml_last_training_timestamp", ""),
    ("trading_system_uptime_seconds", ""),
    ("trading_system_errors_total", "component,severity"),
    ("trading_websocket_connections", ""),
    ("trading_api_requests_total", "endpoint,method,status"),
    ("trading_api_request_duration_seconds", ""),
];

fn label_names(spec: &MetricSpec) -> String {
    spec.labels.iter().map(|label| label.name).collect::<Vec<_>>().join(",")
}

#[test]
fn every_name_that_boards_ask_for_is_there_with_its_labels() {
    for (name, labels) in REQUIRED {
        let spec = catalogue().find(|spec| spec.name == *name);
        assert_eq!(spec.map(label_names).as_deref(), Some(*labels), "{name}");
    }
}

#[test]
fn names_follow_the_rules_of_the_format() {
    let mut seen = BTreeSet::new();
    for spec in catalogue() {
        let name = spec.name;
        assert!(seen.insert(name), "{name} is there twice");
        let is_snake = |text: &str| {
            text.starts_with(|first: char| first.is_ascii_lowercase())
                && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        assert!(is_snake(name), "{name}");
        // The one gauge that keeps its name against the rule.
        let is_total = spec.kind == MetricKind::Counter || name == "trading_capital_total";
        assert_eq!(name.ends_with("_total"), is_total, "{name}");
        for ending in ["_count", "_sum", "_bucket", "_created", "_info"] {
            assert!(!name.ends_with(ending) || name == "trading_build_info", "{name}");
        }
        for label in spec.labels {
            assert!(is_snake(label.name) && label.name != "le", "{name} {}", label.name);
            if let LabelValues::Fixed(values) = label.values {
                let different: BTreeSet<&&str> = values.iter().collect();
                assert_eq!(different.len(), values.len(), "{name} {}", label.name);
                assert!(!values.contains(&OTHER), "{name} {}", label.name);
            }
        }
    }
}

#[test]
fn kinds_buckets_and_words_are_whole() {
    for spec in catalogue() {
        let name = spec.name;
        assert_eq!(spec.buckets.is_empty(), spec.kind != MetricKind::Histogram, "{name}");
        assert!(spec.buckets.is_sorted_by(|one, next| one < next), "{name}");
        assert!(spec.buckets.iter().all(|bound| bound.is_finite()), "{name}");
        assert!(spec.help.ends_with('.') && !spec.help.contains('\n'), "{name}");
        let (Feed::Engine(why) | Feed::Edge(why) | Feed::Pending(why)) = spec.feed;
        assert!(!why.is_empty(), "{name} does not say what feeds it, or why nothing does");
    }
}

#[test]
fn there_are_well_over_sixty_that_the_engine_feeds() {
    let fed = catalogue().filter(|spec| matches!(spec.feed, Feed::Engine(_))).count();
    assert!(fed > 75, "{fed}");
}

#[test]
fn the_page_in_docs_is_the_catalogue() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let page = page();
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page, "docs/metrics.md differs: run this test with WRITE_DOCS=1");
}

/// The reference page.
fn page() -> String {
    let mut page = String::from(HEAD);
    let (mut all, mut edge, mut pending) = (0, 0, 0);
    for (topic, specs) in catalogue_by_topic() {
        all += specs.len();
        edge += specs.iter().filter(|spec| matches!(spec.feed, Feed::Edge(_))).count();
        pending += specs.iter().filter(|spec| spec.is_pending()).count();
        writeln!(
            page,
            "\n## {topic}\n\n| metric | kind | unit | labels | what it tells | fed by |"
        )
        .unwrap();
        page.push_str("|---|---|---|---|---|---|\n");
        specs.iter().for_each(|spec| row(&mut page, spec));
    }
    let engine = all - edge - pending;
    let counts = format!(
        "{all} metrics: {engine} are fed by the engine, {edge} by the edge, {pending} are \
         pending.\n"
    );
    page = page.replace("COUNTS\n", &counts);
    page.push_str("\n## Buckets\n\n| histogram | upper bounds, and infinity |\n|---|---|\n");
    for spec in catalogue().filter(|spec| spec.kind == MetricKind::Histogram) {
        let bounds: Vec<String> = spec.buckets.iter().map(f64::to_string).collect();
        writeln!(page, "| `{}` | {} |", spec.name, bounds.join(", ")).unwrap();
    }
    page.push_str("\n## Labels\n\n| label | of | values |\n|---|---|---|\n");
    let mut rows = BTreeSet::new();
    for label in catalogue().flat_map(|spec| spec.labels) {
        let of: Vec<String> = catalogue()
            .filter(|spec| spec.labels.contains(label))
            .map(|spec| format!("`{}`", spec.name))
            .collect();
        let of = if of.len() > 4 { format!("{} metrics", of.len()) } else { of.join(", ") };
        let values = match label.values {
            LabelValues::Fixed(values) => values.join(", "),
            LabelValues::First(most) => format!("the first {most} that occur"),
        };
        rows.insert(format!("| `{}` | {of} | {values} |\n", label.name));
    }
    page.extend(rows);
    page
}

fn row(page: &mut String, spec: &MetricSpec) {
    let labels: Vec<String> = spec.labels.iter().map(|label| format!("`{}`", label.name)).collect();
    let (kind, unit) = (spec.kind.as_str(), spec.unit.as_str());
    let feed = match spec.feed {
        Feed::Engine(source) => source.to_owned(),
        Feed::Edge(source) => format!("*edge:* {source}"),
        Feed::Pending(reason) => format!("*pending:* {reason}"),
    };
    let (name, labels) = (spec.name, labels.join(", "));
    writeln!(page, "| `{name}` | {kind} | {unit} | {labels} | {} | {feed} |", spec.help).unwrap();
}

const HEAD: &str = "\
# Metrics

<!-- Written from the catalogue in src/metrics/catalogue by a test; do not edit. -->

Every metric of the library, as the catalogue in its code has it. The guide to sinks, exposition and
the exporter for hosts without the engine is `monitoring.md`.

COUNTS

- **Fed by** names what moves a metric: a record of the engine (`Transition`, `Filled`, ..), `facts`
  (equity and positions after every input), `limits` (looked at with the first market event after a
  scrape, at most once a second of the engine's time), `market` (every market event), `alerts` (a
  `MeteredBoard` beside the sink), or `start` (the engine was built).
- **Edge** metrics are fed by an `EdgeMetrics`, which the live parts tell what happens: those of an
  exchange as its `BinanceConfig::edge`, those of bots and process by `Runner::metrics`.
- **Pending** metrics have no feeder inside of the library yet. They are not exposed until a host
  feeds them by hand through a `MetricsExporter`.
- Gauges without labels are totals of the account. Amounts are in the reporting currency.
- A label keeps to its values: what is beyond them is counted under `other`, and an empty word under
  `none`.
- Histograms with negative bounds have neither sum nor count in the OpenMetrics form, which forbids
  them; the classic text has both. The mean profit is that of `trading_profit_total` less
  `trading_loss_total`.
";
