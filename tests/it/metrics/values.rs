//! What the metrics say is what was done.

use std::time::Duration;

use tradewright::engine::{Control, Engine, Input, SlotConfig};
use tradewright::metrics::{EngineMetrics, MemoryMetrics, Registry, Tee};
use tradewright::prelude::*;
use tradewright::risk::RealtimeRiskManager;
use tradewright::types::{
    Acknowledgement, DayBoundary, Halt, HaltCause, HaltScope, Label, OrderReport, RejectReason,
    to_f64,
};

use super::lab::{Lab, PERP, SHARE, USD, VIX, WithAlerts, dec, instruments, with_alerts};

const SCRIPT: (&str, &str) = ("strategy", "SCRIPT");

/// Two winners and a loser, with fees.
#[test]
fn trades_add_up() {
    let mut lab = Lab::new(|builder| builder);
    lab.deposit("100000");
    lab.round_trip(SHARE, ["100", "110"]);
    lab.round_trip(SHARE, ["110", "115"]);
    lab.round_trip(SHARE, ["115", "100"]);
    // 100, 50 and -150 before two fees of 1 each.
    assert_eq!(lab.value("trading_trade_pnl", &[]), 3.0);
    assert_eq!(lab.value("trading_profit_total", &[]), 98.0 + 48.0);
    assert_eq!(lab.value("trading_loss_total", &[]), 152.0);
    assert_eq!(lab.value("trading_realized_pnl", &[]), -6.0);
    assert_eq!(lab.value("risk_current_equity", &[]), 99_994.0);
    assert_eq!(lab.value("trading_fees_paid_total", &[SCRIPT]), 6.0);
    assert_eq!(lab.value("risk_consecutive_losses", &[]), 1.0);
    assert_eq!(lab.value("bot_consecutive_losses", &[("bot_id", "1")]), 1.0);
    assert_eq!(lab.value("trading_strategy_win_rate", &[SCRIPT]), 2.0 / 3.0);
    assert_eq!(lab.value("trading_strategy_avg_pnl", &[SCRIPT]), -2.0);
    let (mean, values) = (-2.0, [98.0_f64, 48.0, -152.0]);
    let variance = values.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / 2.0;
    let sharpe = lab.value("trading_strategy_sharpe_ratio", &[SCRIPT]);
    assert!((sharpe - mean / variance.sqrt()).abs() < 1e-12, "{sharpe}");
    assert_eq!(lab.value("trading_strategy_trades_today", &[SCRIPT]), 3.0);
    assert_eq!(lab.value("trading_volume_total", &[SCRIPT, ("symbol", "SHARE")]), 6_500.0);
    for (side, status, count) in [("BUY", "filled", 3.0), ("SELL", "filled", 3.0)] {
        let labels = [SCRIPT, ("symbol", "SHARE"), ("side", side), ("status", status)];
        assert_eq!(lab.value("trading_trades_total", &labels), count);
    }
    assert_eq!(lab.total("trading_trades_total"), 6.0);
    assert_eq!(lab.value("trading_orders_open", &[SCRIPT]), 0.0);
    assert_eq!(lab.value("trading_last_trade_pnl", &[SCRIPT, ("symbol", "SHARE")]), -152.0);
    let at = lab.now.nanos() as f64 * 1e-9;
    assert_eq!(lab.value("trading_last_trade_timestamp_seconds", &[SCRIPT]), at);
    assert_eq!(lab.value("bot_realized_pnl", &[("bot_id", "1"), SCRIPT]), -6.0);
}

/// Equity, day, drawdown; money that comes in or goes out is no profit.
#[test]
fn the_account_is_shown_as_it_is() {
    let mut lab = Lab::new(|builder| builder);
    lab.deposit("10000");
    let orders = lab.says(SHARE, 100.0, |advice| advice.buy(Confidence::FULL));
    lab.fill(&orders[0], "100", "0");
    lab.bar(SHARE, 200.0);
    let expected = [
        ("risk_current_equity", 11_000.0),
        ("trading_capital_total", 11_000.0),
        ("trading_peak_equity", 11_000.0),
        ("trading_unrealized_pnl", 1_000.0),
        ("trading_daily_pnl", 1_000.0),
        ("trading_exposure_gross", 2_000.0),
        ("trading_exposure_net", 2_000.0),
        ("trading_capital_used", 2_000.0),
        ("trading_capital_utilization", 2_000.0 / 11_000.0),
        ("trading_leverage_ratio", 2_000.0 / 11_000.0),
        ("trading_positions_open", 1.0),
    ];
    for (name, value) in expected {
        assert_eq!(lab.total(name), value, "{name}");
    }
    assert_eq!(lab.value("trading_cash", &[("asset", "USD")]), 9_000.0);
    lab.deposit("-1000");
    assert_eq!(lab.value("trading_daily_pnl", &[]), 1_000.0);
    assert_eq!(lab.value("risk_max_drawdown", &[]), 0.0);
    lab.bar(SHARE, 100.0);
    assert_eq!(lab.value("risk_max_drawdown", &[]), 0.1);
    lab.bar(SHARE, 150.0);
    assert_eq!(lab.value("risk_max_drawdown", &[]), 0.05);
    assert_eq!(lab.value("trading_max_drawdown", &[]), 0.1);
    assert_eq!(lab.value("trading_daily_pnl", &[]), 500.0);
    assert_eq!(lab.value("trading_daily_pnl_ratio", &[]), 500.0 / 9_000.0);
    lab.pass(86_400);
    lab.bar(SHARE, 150.0);
    assert_eq!(lab.value("trading_daily_pnl", &[]), 0.0);
    assert_eq!(lab.value("trading_market_data_age_seconds", &[("symbol", "SHARE")]), 4.0);
    assert_eq!(lab.value("trading_mark_price", &[("symbol", "SHARE")]), 150.0);
}

/// A day begins where the host's day begins.
#[test]
fn the_day_is_the_hosts() {
    let metrics = MemoryMetrics::default().day(DayBoundary::new("America/New_York", 0).unwrap());
    let mut lab = Lab::around(metrics, |slot| slot, |builder| builder);
    lab.now = "2023-11-15T04:50:00Z".parse().unwrap();
    lab.deposit("10000");
    lab.round_trip(SHARE, ["100", "110"]);
    assert_eq!(lab.value("trading_strategy_trades_today", &[SCRIPT]), 1.0);
    lab.now = "2023-11-15T05:00:00Z".parse().unwrap();
    lab.bar(SHARE, 110.0);
    assert_eq!(lab.value("trading_strategy_trades_today", &[SCRIPT]), 0.0);
    assert_eq!(lab.value("trading_daily_pnl", &[]), 0.0);
}

/// A refusal of the venue is no refusal of ours.
#[test]
fn who_refused_is_told_apart() {
    let mut lab = Lab::new(|builder| builder);
    lab.deposit("10000");
    let orders = lab.says(SHARE, 100.0, |advice| advice.buy(Confidence::FULL));
    lab.report(&orders[0], OrderReport::Rejected(RejectReason::Other(Label::new("mood"))));
    assert_eq!(lab.value("trading_orders_rejected_total", &[SCRIPT, ("reason", "mood")]), 1.0);
    assert_eq!(lab.value("risk_checks_total", &[("result", "approved")]), 1.0);
    assert_eq!(lab.value("risk_checks_total", &[("result", "rejected")]), 0.0);
    let halt = Halt::new(HaltCause::Operator, HaltScope::Account);
    lab.input(&Input::Control(Control::Halt(halt)));
    lab.says(SHARE, 100.0, |advice| advice.buy(Confidence::FULL));
    assert_eq!(lab.value("risk_checks_total", &[("result", "rejected")]), 1.0);
    assert_eq!(lab.total("trading_risk_refusals_total"), 1.0);
    assert_eq!(lab.total("trading_risk_limit_breaches_total"), 1.0);
}

#[test]
fn halts_are_counted_and_end() {
    let mut lab = Lab::new(|builder| builder);
    let scope = HaltScope::Symbol(SHARE);
    let halt = Halt::new(HaltCause::StaleData, scope);
    lab.input(&Input::Control(Control::Halt(halt)));
    assert_eq!(lab.value("trading_circuit_breaker_active", &[]), 1.0);
    assert_eq!(lab.value("trading_market_data_stale", &[]), 1.0);
    assert_eq!(lab.value("trading_halts_active", &[("scope", "symbol")]), 1.0);
    assert_eq!(lab.value("trading_halt_state", &[("state", "reduce_only")]), 1.0);
    assert_eq!(lab.value("trading_halt_state", &[("state", "active")]), 0.0);
    let operator = Halt::new(HaltCause::Operator, HaltScope::Account);
    lab.input(&Input::Control(Control::Halt(operator)));
    assert_eq!(lab.value("trading_halt_state", &[("state", "halted")]), 1.0);
    assert_eq!(lab.value("trading_circuit_breaker_triggers_today", &[]), 2.0);
    let resume = |scope| Control::Resume { scope, acknowledgement: Acknowledgement::None };
    lab.input(&Input::Control(resume(HaltScope::Account)));
    assert_eq!(lab.value("trading_halts_active", &[("scope", "account")]), 0.0);
    assert_eq!(lab.value("trading_halts_ended_total", &[("cause", "operator")]), 1.0);
    assert_eq!(lab.value("risk_circuit_breaker_trips_total", &[]), 0.0);
}

/// A halt is an alert until it ends; a failure until somebody acknowledges it.
#[test]
fn alerts_are_counted_by_level() {
    let mut lab = Lab::around(with_alerts(), |slot| slot, |builder| builder);
    let figures = |lab: &Lab<WithAlerts>| {
        ["info", "warning", "error", "critical"].map(|level| {
            let of = |name| lab.value(name, &[("level", level)]);
            (of("trading_alerts_active"), of("trading_alerts_total"))
        })
    };
    let none = (0.0, 0.0);
    assert_eq!(figures(&lab), [none; 4]);
    let (scope, acknowledgement) = (HaltScope::Account, Acknowledgement::None);
    lab.input(&Input::Control(Control::Halt(Halt::new(HaltCause::Operator, scope))));
    let begun = figures(&lab);
    assert_eq!(begun.map(|(active, raised)| active + raised).iter().sum::<f64>(), 2.0);
    lab.pass(1);
    lab.input(&Input::Control(Control::Resume { scope, acknowledgement }));
    assert_eq!(figures(&lab), begun.map(|(_, raised)| (0.0, raised)));
    lab.says(SHARE, 100.0, |advice| {
        advice.fail(tradewright::strategy::StrategyError::new("no more"));
    });
    let (active, raised) = figures(&lab)[2];
    assert_eq!((active, raised - begun[2].1), (1.0, 1.0), "the failure is an error");
}

/// Limits are looked at as often as was said, and shown as the manager tells them.
#[test]
fn limits_are_shown_as_the_manager_tells_them() {
    let manager = || RealtimeRiskManager::builder().position_count(4).leverage(2.0).build();
    let every = Duration::from_secs(600);
    let metrics = MemoryMetrics::default().limits_every(every);
    let risk = manager().unwrap();
    let mut lab = Lab::around(metrics, |slot| slot, |builder| builder.risk(risk));
    lab.deposit("10000");
    lab.bar(SHARE, 100.0);
    let orders = lab.says(SHARE, 100.0, |advice| advice.buy(Confidence::FULL));
    lab.fill(&orders[0], "100", "0");
    let count = [("limit", "position_count")];
    assert_eq!(lab.value("trading_risk_limit_utilization", &count), 0.0, "not looked at since");
    lab.pass(600);
    lab.bar(SHARE, 100.0);
    assert_eq!(lab.value("trading_risk_limit_utilization", &count), 0.25);
    assert_eq!(lab.value("trading_risk_limit_value", &count), 4.0);
    assert_eq!(lab.value("trading_risk_limit_observed", &count), 1.0);
    assert_eq!(lab.value("trading_risk_limit_observed", &[("limit", "leverage")]), 0.1);
}

/// Bots, symbols and signals have their names; two bots of one strategy are told apart.
#[test]
fn names_are_told_apart() {
    let silent = || -> Box<dyn Strategy> { Box::new(from_fn("TWIN", |_, _, _| {})) };
    let metrics = MemoryMetrics::default().bots("desk.");
    let engine = Engine::builder(instruments(), USD)
        .slot(SlotConfig::new(silent()))
        .slot(SlotConfig::new(silent()))
        .sink(metrics)
        .build()
        .unwrap();
    let snapshot = engine.sink().snapshot();
    let labels = |name| {
        let series = &snapshot.metric(name).unwrap().series;
        series.iter().map(|it| it.labels.clone()).collect::<Vec<_>>()
    };
    let twin = |bot: &str, strategy: &str| {
        vec![("bot_id", bot.to_owned()), ("strategy", strategy.to_owned())]
    };
    assert_eq!(labels("bot_status"), [twin("desk.1", "TWIN"), twin("desk.2", "TWIN#2")]);
    let running = [("bot_id", "desk.2"), ("state", "running")];
    assert_eq!(snapshot.value("bot_state", &running), Some(1.0));
    let hold = [("strategy", "TWIN"), ("signal", "HOLD")];
    assert_eq!(snapshot.value("trading_strategy_signals_total", &hold), Some(0.0));
}

#[test]
fn the_index_is_the_named_instrument() {
    let metrics = MemoryMetrics::default().volatility_index("PERP");
    let mut lab = Lab::around(metrics, |slot| slot, |builder| builder);
    lab.bar(VIX, 17.5);
    lab.bar(PERP, 21.25);
    assert_eq!(lab.value("trading_market_vix", &[]), 21.25);
}

/// With and without metrics, and with two sinks, a run is the same run.
#[test]
fn metrics_change_nothing() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/fb_1d.csv");
    let tape = CsvBars::open(file).load(Instrument::stock("FB", "USD")).unwrap();
    let backtest = || Backtest::new(&tape).strategy("MEAN_REVERSION").strategy("BREAKOUT");
    let alone = backtest().run().unwrap();
    let two = Tee(MemoryMetrics::default(), MemoryMetrics::default());
    let (report, Tee(one, other)) = backtest().run_with(two).unwrap();
    assert_eq!(report.hash, alone.hash);
    assert_eq!(one.snapshot(), other.snapshot());
    assert!(one.snapshot().total("trading_closed_trades_total") == report.trades.len() as f64);
    assert!(!report.trades.is_empty());
}

/// Slots and instruments that the run did not name are counted under `other`, and cost nothing.
#[test]
fn strangers_are_others() {
    use tradewright::metrics::MetricsSink;
    use tradewright::types::{Record, SlotId};
    let mut metrics = EngineMetrics::new(Registry::new());
    metrics.record(Timestamp::EPOCH, &Record::Failed { slot: SlotId(u16::MAX), error: "" });
    let snapshot = metrics.snapshot();
    let other = [("strategy", "other")];
    assert_eq!(snapshot.value("trading_strategy_failures_total", &other), Some(1.0));
}

/// A simulation of the library's own shows what its report shows.
#[test]
fn a_backtest_counts_what_its_report_lists() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/fb_1d.csv");
    let tape = CsvBars::open(file).load(Instrument::stock("FB", "USD")).unwrap();
    let rate = dec("0.001");
    let backtest = Backtest::new(&tape).strategy("MEAN_REVERSION");
    let backtest = backtest.fees(FeeSchedule::flat(rate, rate));
    let (report, metrics) = backtest.run_with(MemoryMetrics::default()).unwrap();
    let snapshot = metrics.snapshot();
    let total = |name| snapshot.total(name);
    assert_eq!(total("trading_orders_submitted_total"), report.orders.len() as f64);
    assert_eq!(total("trading_fills_total"), report.fills.len() as f64);
    assert_eq!(total("trading_strategy_signals_total"), report.signals.len() as f64);
    let fees: f64 = report.fills.iter().map(|(fill, _)| to_f64(fill.execution.fee.amount)).sum();
    assert!((total("trading_fees_paid_total") - fees).abs() < 1e-9);
    assert!(fees > 0.0);
    let last = report.equity.last().unwrap().equity;
    assert_eq!(total("risk_current_equity"), last);
}

/// Net exposure and open profit follow equity between bookings, and are summed anew at last.
#[test]
fn sums_follow_equity_between_bookings() {
    let mut lab = Lab::new(|builder| builder);
    lab.deposit("100000");
    for (instrument, units) in [(SHARE, "10"), (PERP, "-10")] {
        let quantity = Qty::new(dec(units));
        let orders = lab.says(instrument, 100.0, move |advice| advice.target(instrument, quantity));
        lab.fill(&orders[0], "100", "0");
    }
    for step in 1..200 {
        let (share, perp) = (100.0 + f64::from(step % 11), 100.0 - f64::from(step % 7));
        lab.bar(SHARE, share);
        lab.bar(PERP, perp);
        let held = |id| lab.engine.account().book().net(id).size;
        let (net, open) = (
            held(SHARE) * share + held(PERP) * perp,
            held(SHARE) * (share - 100.0) + held(PERP) * (perp - 100.0),
        );
        assert!((lab.value("trading_exposure_net", &[]) - net).abs() < 1e-6, "{step}");
        assert!((lab.value("trading_unrealized_pnl", &[]) - open).abs() < 1e-6, "{step}");
    }
    assert_eq!(lab.value("trading_positions_open", &[SCRIPT]), 2.0);
}

/// Who reads nothing pays nothing: limits are computed for readers.
#[test]
fn limits_are_looked_at_after_a_read() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use tradewright::metrics::MetricsSink;
    use tradewright::types::{LimitUse, Record};

    struct Asked(MemoryMetrics, Arc<AtomicU64>);
    impl MetricsSink for Asked {
        fn record(&mut self, at: Timestamp, record: &Record<'_>) {
            self.0.record(at, record);
        }
        fn wants_limits(&self, at: Timestamp) -> bool {
            self.0.wants_limits(at)
        }
        fn on_limits(&mut self, facts: &Facts<'_>, limits: &[LimitUse]) {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.on_limits(facts, limits);
        }
    }
    let (asked, silent) = (Arc::<AtomicU64>::default(), from_fn("WAIT", |_, _, _| {}));
    let metrics = MemoryMetrics::default();
    let registry = metrics.registry().clone();
    let strategy: Box<dyn Strategy> = Box::new(silent);
    let mut engine = Engine::builder(instruments(), USD)
        .slot(SlotConfig::new(strategy))
        .sink(Asked(metrics, Arc::clone(&asked)))
        .build()
        .unwrap();
    let mut bars = |from: i64| {
        for minute in from..from + 10 {
            let at = Timestamp::from_secs(60 * minute).unwrap();
            let bar = Bar::new(SHARE, Period::MINUTE, [100.0; 4], 1.0).unwrap();
            engine.market(at, &MarketEvent::Bar(bar), &mut Vec::new()).unwrap();
        }
        asked.load(Ordering::Relaxed)
    };
    assert_eq!(bars(0), 1);
    registry.snapshot();
    assert_eq!(bars(10), 2);
    assert_eq!(bars(20), 2);
}
