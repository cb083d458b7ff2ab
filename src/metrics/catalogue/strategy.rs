//! Strategies and bots.

use super::labels::{BOT, REASON, SIGNAL, STRATEGY};
use crate::metrics::{LabelSpec, MetricSpec, Unit};

/// From 100 ns to a millisecond, then the coarse bounds of the boards.
const EXECUTION: &[f64] = &[
    0.000_000_1,
    0.000_000_5,
    0.000_001,
    0.000_005,
    0.000_01,
    0.000_05,
    0.000_1,
    0.000_5,
    0.001,
    0.005,
    0.01,
    0.05,
    0.1,
    0.5,
    1.0,
    2.0,
    5.0,
];
const STATE: LabelSpec =
    LabelSpec::fixed("state", &["running", "paused", "failed", "stopped", "starting"]);

specs! {
    SIGNALS = MetricSpec::counter(
        "trading_strategy_signals_total",
        "Opinions of strategies; the engine's say nothing instead of HOLD.",
    ).labels(&[STRATEGY, SIGNAL]).fed_by("Signal");
    PASSED = MetricSpec::counter(
        "trading_signals_passed_total",
        "Signals and targets that led to no intent, by reason.",
    ).labels(&[STRATEGY, REASON]).fed_by("Passed");
    WIN_RATE = MetricSpec::gauge(
        "trading_strategy_win_rate",
        "Winning trades as a fraction of all closed trades.",
    ).labels(&[STRATEGY]).unit(Unit::Ratio).fed_by("Closed");
    AVERAGE_PNL = MetricSpec::gauge("trading_strategy_avg_pnl", "Mean net profit of closed trades.")
        .labels(&[STRATEGY]).unit(Unit::Currency).fed_by("Closed");
    SHARPE = MetricSpec::gauge(
        "trading_strategy_sharpe_ratio",
        "Mean over standard deviation of the net profit of closed trades; per trade, not a year.",
    ).labels(&[STRATEGY]).unit(Unit::Ratio).fed_by("Closed");
    TRADES_TODAY = MetricSpec::gauge(
        "trading_strategy_trades_today",
        "Trades closed since the start of the day.",
    ).labels(&[STRATEGY]).fed_by("Closed");
    FAILURES = MetricSpec::counter(
        "trading_strategy_failures_total",
        "Times that a strategy failed and was stopped.",
    ).labels(&[STRATEGY]).fed_by("Failed");
    EXECUTION_TIME = MetricSpec::histogram(
        "strategy_execution_seconds", EXECUTION,
        "Time that a strategy took for one event.",
    ).labels(&[STRATEGY]).unit(Unit::Seconds)
        .told_by("a `Stopwatch` around the strategy");
    BOT_STATUS = MetricSpec::gauge(
        "bot_status",
        "Status of a bot: 0 stopped, 1 running, 2 paused, 3 failed, 4 starting.",
    ).labels(&[BOT, STRATEGY]).unit(Unit::Code).fed_by("start, Failed, Status");
    BOT_STATE = MetricSpec::gauge("bot_state", "1 for the state that a bot is in, 0 for others.")
        .labels(&[BOT, STRATEGY, STATE]).unit(Unit::Flag).fed_by("start, Failed, Status");
    BOT_REALIZED = MetricSpec::gauge(
        "bot_realized_pnl",
        "Net profit of a bot's closed trades since the start.",
    ).labels(&[BOT, STRATEGY]).unit(Unit::Currency).fed_by("Closed");
    BOT_LOSS_STREAK = MetricSpec::gauge("bot_consecutive_losses", "A bot's losing trades in a row.")
        .labels(&[BOT, STRATEGY]).fed_by("Closed");
    BOT_DRAWDOWN = MetricSpec::gauge(
        "bot_drawdown",
        "How far a bot's realised profit is below its peak, as a fraction of the account's equity.",
    ).labels(&[BOT, STRATEGY]).unit(Unit::Ratio).fed_by("Closed");
    BOT_MAX_DRAWDOWN = MetricSpec::gauge(
        "bot_max_drawdown",
        "The largest drawdown of a bot since the start.",
    ).labels(&[BOT, STRATEGY]).unit(Unit::Ratio).fed_by("Closed");
}
