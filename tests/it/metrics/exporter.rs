//! Metrics by hand: one call per event, and any metric by its name.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use tradewright::metrics::{
    BotState, CapitalFigures, CheckResult, EquityFigures, ExchangeCall, ExportError, MarketFigures,
    MetricKind, MetricsExporter, OrderEvent, OrderStep, PnlFigures, Registry, StrategyFigures,
    TradeEvent, catalogue,
};
use tradewright::prelude::*;
use tradewright::types::{AlertLevel, OrderStatus};

fn exporter() -> MetricsExporter {
    MetricsExporter::new(Registry::new())
}

#[track_caller]
fn value(exporter: &MetricsExporter, name: &str, labels: &[(&str, &str)]) -> f64 {
    exporter.registry().snapshot().value(name, labels).unwrap()
}

#[test]
fn each_call_says_what_it_is_for() {
    let exporter = exporter();
    exporter.positions("trend", 3);
    let (daily, daily_ratio, unrealized, realized) = (50.0, 0.005, 20.0, 30.0);
    exporter.pnl(&PnlFigures { daily, daily_ratio, unrealized, realized });
    let (total, used, margin_used, margin_available) = (10_000.0, 2_500.0, 500.0, 9_500.0);
    exporter.capital(&CapitalFigures { total, used, margin_used, margin_available });
    exporter.circuit_breaker(1, 2);
    exporter.breaker_trigger("daily_loss");
    let (equity, drawdown, max_drawdown, consecutive_losses) = (9_900.0, 0.01, 0.02, 4);
    exporter.equity(&EquityFigures { equity, drawdown, max_drawdown, consecutive_losses });
    exporter.bot_status("7", "trend", BotState::Paused);
    let (win_rate, average_pnl, sharpe_ratio, trades_today) = (0.5, 1.0, 0.2, 6);
    let figures = StrategyFigures { win_rate, average_pnl, sharpe_ratio, trades_today };
    exporter.strategy("trend", &figures);
    exporter.signal("trend", None);
    exporter.risk_check("trend", CheckResult::Approved);
    exporter.risk_check("trend", CheckResult::Rejected { limit: "leverage" });
    exporter.data_update("BTC", Duration::from_millis(20));
    exporter.system_error("feed", AlertLevel::Critical);
    let expected = [
        ("trading_positions_open", 3.0),
        ("trading_daily_pnl", 50.0),
        ("trading_daily_pnl_ratio", 0.005),
        ("trading_unrealized_pnl", 20.0),
        ("trading_realized_pnl", 30.0),
        ("trading_capital_total", 10_000.0),
        ("trading_capital_utilization", 0.25),
        ("trading_margin_used", 500.0),
        ("trading_margin_available", 9_500.0),
        ("trading_circuit_breaker_active", 1.0),
        ("trading_circuit_breaker_triggers_today", 2.0),
        ("trading_circuit_breaker_triggers_total", 1.0),
        ("risk_circuit_breaker_trips_total", 1.0),
        ("risk_current_equity", 9_900.0),
        ("risk_max_drawdown", 0.01),
        ("trading_max_drawdown", 0.02),
        ("risk_consecutive_losses", 4.0),
        ("bot_status", 2.0),
        ("trading_strategy_win_rate", 0.5),
        ("trading_strategy_trades_today", 6.0),
        ("trading_market_data_updates_total", 1.0),
        ("trading_market_data_age_seconds", 1.0),
        ("risk_checks_total", 2.0),
    ];
    let snapshot = exporter.registry().snapshot();
    for (name, value) in expected {
        assert_eq!(snapshot.total(name), value, "{name}");
    }
    assert_eq!(value(&exporter, "bot_state", &[("state", "paused")]), 1.0);
    assert_eq!(value(&exporter, "bot_state", &[("state", "running")]), 0.0);
    assert_eq!(value(&exporter, "trading_strategy_signals_total", &[("signal", "HOLD")]), 1.0);
    let error = [("component", "feed"), ("severity", "critical")];
    assert_eq!(value(&exporter, "trading_system_errors_total", &error), 1.0);
    assert_eq!(
        value(&exporter, "trading_risk_limit_breaches_total", &[("limit_type", "leverage")]),
        1.0
    );
}

#[test]
fn trades_and_orders_are_counted_as_the_engine_counts_them() {
    let exporter = exporter();
    let trade = |status, pnl| TradeEvent {
        at: Timestamp::from_secs(1_700_000_000).unwrap(),
        strategy: "trend",
        symbol: "BTC",
        side: Side::Sell,
        status,
        value: 500.0,
        pnl,
    };
    exporter.trade(&trade(OrderStatus::Filled, Some(-20.0)));
    exporter.trade(&trade(OrderStatus::PartiallyFilled, None));
    exporter.trade(&trade(OrderStatus::Open, None));
    let order = |step| OrderEvent { strategy: "trend", side: Side::Buy, step };
    exporter.order(&order(OrderStep::Submitted { order_type: "limit" }));
    exporter.order(&order(OrderStep::Filled { after: Duration::from_secs(2) }));
    exporter.order(&order(OrderStep::Rejected { reason: "margin" }));
    exporter.order(&order(OrderStep::Cancelled));
    let snapshot = exporter.registry().snapshot();
    let total = |name| snapshot.total(name);
    assert_eq!(total("trading_trades_total"), 2.0);
    assert_eq!(total("trading_volume_total"), 1_000.0);
    assert_eq!((total("trading_profit_total"), total("trading_loss_total")), (0.0, 20.0));
    assert_eq!(snapshot.metric("trading_trade_pnl").unwrap().series[0].sum, -20.0);
    assert_eq!(total("trading_last_trade_timestamp_seconds"), 1_700_000_000.0);
    assert_eq!(total("trading_orders_submitted_total"), 1.0);
    assert_eq!(total("trading_orders_filled_total"), 1.0);
    assert_eq!(total("trading_orders_rejected_total"), 1.0);
    assert_eq!(total("trading_order_fill_time_seconds"), 1.0);
}

#[test]
fn only_one_condition_holds() {
    let exporter = exporter();
    for condition in ["trending", "ranging", ""] {
        exporter.market(&MarketFigures { vix: Some(18.0), condition, stale_symbols: 1 });
    }
    let state = |word| value(&exporter, "trading_market_condition", &[("condition", word)]);
    assert_eq!((state("trending"), state("ranging")), (0.0, 1.0));
    assert_eq!(value(&exporter, "trading_market_vix", &[]), 18.0);
    assert_eq!(value(&exporter, "trading_market_data_stale", &[]), 1.0);
}

#[test]
fn connections_add_up() {
    let exporter = exporter();
    exporter.connections("a", 2);
    exporter.connections("b", 1);
    exporter.connections("a", 1);
    assert_eq!(value(&exporter, "trading_websocket_connections", &[]), 2.0);
    exporter.message("a", "trade");
    exporter.message_error("a", "timeout");
    exporter.reconnected("a");
    let (exchange, endpoint, latency) = ("a", "order", Duration::from_millis(80));
    exporter.exchange_call(&ExchangeCall { exchange, endpoint, latency, error: Some("limit") });
    exporter.api_request(["/orders/{id}", "GET"], 404, Duration::from_millis(1));
    let not_found = [("endpoint", "/orders/{id}"), ("method", "GET"), ("status", "404")];
    assert_eq!(value(&exporter, "trading_api_requests_total", &not_found), 1.0);
    let snapshot = exporter.registry().snapshot();
    for name in [
        "websocket_messages_total",
        "websocket_errors_total",
        "websocket_reconnects_total",
        "exchange_api_calls_total",
        "exchange_api_latency_seconds",
        "exchange_api_errors_total",
        "trading_api_request_duration_seconds",
    ] {
        assert_eq!(snapshot.total(name), 1.0, "{name}");
    }
}

#[test]
fn models_and_the_process_are_told_of() {
    let exporter = exporter();
    exporter.prediction("forest", "up");
    exporter.model("forest", 0.61);
    exporter.training(Timestamp::from_secs(1_700_000_000).unwrap(), Duration::from_secs(90));
    exporter.uptime(Duration::from_secs(3_600));
    exporter.alerts(AlertLevel::Warning, 2, 3);
    let snapshot = exporter.registry().snapshot();
    assert_eq!(snapshot.total("trading_ml_predictions_total"), 1.0);
    assert_eq!(snapshot.total("trading_ml_model_accuracy"), 0.61);
    assert_eq!(snapshot.total("trading_ml_training_duration_seconds"), 1.0);
    assert_eq!(snapshot.total("trading_ml_last_training_timestamp"), 1_700_000_000.0);
    assert_eq!(snapshot.total("trading_system_uptime_seconds"), 3_600.0);
    assert_eq!(snapshot.total("trading_alerts_active"), 2.0);
    assert_eq!(snapshot.total("trading_alerts_total"), 3.0);
}

/// The host's clock measures a strategy; what the work gives is handed on.
#[test]
fn a_strategy_is_timed_by_the_hosts_clock() {
    let exporter = exporter();
    let ticks = Cell::new(0);
    let clock = || {
        ticks.set(ticks.get() + 3);
        Duration::from_millis(ticks.get())
    };
    assert_eq!(exporter.time_strategy("trend", clock, || 42), 42);
    let snapshot = exporter.registry().snapshot();
    let series = &snapshot.metric("strategy_execution_seconds").unwrap().series[0];
    assert_eq!((series.value, series.sum), (1.0, 0.003));
}

/// Every metric can be fed by its name, pending ones too, and is there from then on.
#[test]
fn every_metric_can_be_fed_by_name() {
    let exporter = exporter();
    for spec in catalogue() {
        let labels: Vec<&str> = spec.labels.iter().map(|_| "x").collect();
        match spec.kind {
            MetricKind::Counter => exporter.add_to(spec.name, &labels, 2.0).unwrap(),
            MetricKind::Gauge => exporter.set_to(spec.name, &labels, 2.0).unwrap(),
            MetricKind::Histogram => exporter.observe_in(spec.name, &labels, 2.0).unwrap(),
        }
    }
    let snapshot = exporter.registry().snapshot();
    let found: BTreeSet<&str> = snapshot.metrics.iter().map(|metric| metric.name).collect();
    assert_eq!(found, catalogue().map(|spec| spec.name).collect());
}

#[test]
fn what_is_not_in_the_catalogue_is_refused() {
    let exporter = exporter();
    let unknown = exporter.add_to("my_total", &[], 1.0).unwrap_err();
    assert_eq!(unknown.to_string(), "no metric `my_total` is in the catalogue");
    let kind = exporter.set_to("risk_checks_total", &["approved"], 1.0).unwrap_err();
    let expected = ExportError::OtherKind { name: "risk_checks_total", kind: MetricKind::Counter };
    assert_eq!(kind, expected);
    assert_eq!(kind.to_string(), "`risk_checks_total` is a counter");
    let labels = exporter.add_to("risk_checks_total", &[], 1.0).unwrap_err();
    assert_eq!(labels, ExportError::Labels { name: "risk_checks_total", expected: 1, found: 0 });
    assert!(exporter.registry().snapshot().metrics.is_empty());
}
