//! Checks, refusals, limits, halts, drawdown, alerts.

use super::labels::{CAUSE, LEVEL, LIMIT, REASON, RESULT, SCOPE, STRATEGY};
use crate::metrics::{LabelSpec, MetricSpec, Unit};

const LIMIT_TYPE: LabelSpec = LabelSpec::first("limit_type", 64);
const STATE: LabelSpec =
    LabelSpec::fixed("state", &["active", "reduce_only", "halted", "flattening", "flat"]);
const ACTION: LabelSpec = LabelSpec::fixed(
    "action",
    &["none", "reduce_position", "close_position", "halt_trading", "tighten_stops", "notify"],
);
const OUTCOME: LabelSpec = LabelSpec::fixed("outcome", &["done", "not_allowed"]);

specs! {
    RISK_CHECKS = MetricSpec::counter(
        "risk_checks_total",
        "Intents that risk, halts and gates let through, in whole or in part, or refused.",
    ).labels(&[RESULT]).fed_by("Placed, Refused");
    REFUSALS = MetricSpec::counter(
        "trading_risk_refusals_total",
        "Intents that were refused whole, by the reason that bound.",
    ).labels(&[STRATEGY, REASON]).fed_by("Refused");
    REDUCTIONS = MetricSpec::counter(
        "trading_risk_reductions_total",
        "Intents of which less was granted than asked, by the reason that bound.",
    ).labels(&[STRATEGY, REASON]).fed_by("Refused");
    LIMIT_BREACHES = MetricSpec::counter(
        "trading_risk_limit_breaches_total",
        "Intents that came up against a limit.",
    ).labels(&[LIMIT_TYPE]).fed_by("Refused");
    BREAKER_TRIPS = MetricSpec::counter(
        "risk_circuit_breaker_trips_total",
        "Times that the circuit breaker (loss streak, trade rate) stopped trading.",
    ).fed_by("Halted");
    BREAKER_ACTIVE = MetricSpec::gauge(
        "trading_circuit_breaker_active",
        "1 while any halt is in force, whatever its cause and scope.",
    ).unit(Unit::Flag).fed_by("Halted");
    BREAKER_TRIGGERS = MetricSpec::counter(
        "trading_circuit_breaker_triggers_total",
        "Halts that began, by cause.",
    ).labels(&[REASON]).fed_by("Halted");
    BREAKER_TODAY = MetricSpec::gauge(
        "trading_circuit_breaker_triggers_today",
        "Halts that began since the start of the day.",
    ).fed_by("Halted");
    HALTS = MetricSpec::counter("trading_halts_total", "Halts that began or were raised.")
        .labels(&[CAUSE, SCOPE]).fed_by("Halted");
    HALTS_ENDED = MetricSpec::counter("trading_halts_ended_total", "Halts that ended.")
        .labels(&[CAUSE, SCOPE]).fed_by("Halted");
    HALTS_ACTIVE = MetricSpec::gauge("trading_halts_active", "Halts in force.")
        .labels(&[SCOPE]).fed_by("Halted");
    HALT_STATE = MetricSpec::gauge(
        "trading_halt_state",
        "1 for the severest level that is in force anywhere, 0 for the others.",
    ).labels(&[STATE]).unit(Unit::Flag).fed_by("Halted");
    CURRENT_DRAWDOWN = MetricSpec::gauge(
        "risk_max_drawdown",
        "How far equity is below its peak now, as a fraction of the peak.",
    ).unit(Unit::Ratio).fed_by("facts");
    MAX_DRAWDOWN = MetricSpec::gauge(
        "trading_max_drawdown",
        "The largest drawdown since the start.",
    ).unit(Unit::Ratio).fed_by("facts");
    LOSS_STREAK = MetricSpec::gauge(
        "risk_consecutive_losses",
        "Losing trades in a row; a trade without profit or loss leaves it.",
    ).fed_by("Closed");
    LIMIT_USE = MetricSpec::gauge(
        "trading_risk_limit_utilization",
        "How much of a limit is used, 0 to 1; 1 while that is not known.",
    ).labels(&[LIMIT]).unit(Unit::Ratio).fed_by("limits");
    LIMIT_VALUE = MetricSpec::gauge("trading_risk_limit_value", "A limit, in its own unit.")
        .labels(&[LIMIT]).unit(Unit::Various).fed_by("limits");
    LIMIT_OBSERVED = MetricSpec::gauge(
        "trading_risk_limit_observed",
        "What a limit watches, in the limit's own unit.",
    ).labels(&[LIMIT]).unit(Unit::Various).fed_by("limits");
    HEAT = MetricSpec::gauge(
        "trading_portfolio_heat_ratio",
        "What would be lost down to all stops, as a fraction of equity.",
    ).unit(Unit::Ratio).fed_by("limits");
    VALUE_AT_RISK = MetricSpec::gauge(
        "trading_value_at_risk",
        "The portfolio's value at risk at the level and horizon of its limit.",
    ).unit(Unit::Currency).fed_by("limits");
    EXPECTED_SHORTFALL = MetricSpec::gauge(
        "trading_expected_shortfall",
        "The portfolio's mean loss beyond its value at risk.",
    ).unit(Unit::Currency).fed_by("limits");
    RISK_SCORE = MetricSpec::gauge(
        "trading_risk_score",
        "The highest utilisation of all limits, 0 to 1.",
    ).unit(Unit::Ratio).fed_by("limits");
    LIMIT_CHANGES = MetricSpec::counter(
        "trading_limit_changes_total",
        "Limits that were changed while the engine ran.",
    ).labels(&[LIMIT]).fed_by("LimitChanged");
    ALERT_ACTIONS = MetricSpec::counter(
        "trading_alert_actions_total",
        "Actions that alerts asked for.",
    ).labels(&[ACTION, OUTCOME]).fed_by("Acted");
    ALERTS_ACTIVE = MetricSpec::gauge("trading_alerts_active", "Alerts whose condition lasts.")
        .labels(&[LEVEL]).fed_by("alerts");
    ALERTS = MetricSpec::counter("trading_alerts_total", "Alerts that were raised.")
        .labels(&[LEVEL]).fed_by("alerts");
}
