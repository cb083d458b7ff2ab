//! The life of orders and stops.

use super::labels::{ORDER_TYPE, REASON, SIDE, STRATEGY};
use crate::metrics::{LabelSpec, MetricSpec, Unit};

/// From a millisecond (a venue nearby) over a minute bar to a day.
const ORDER_TIME: &[f64] = &[
    0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0,
    86_400.0,
];
const ANOMALY: LabelSpec = LabelSpec::fixed(
    "anomaly",
    &["overfill", "fill_after_end", "unknown_order", "impossible_report", "repeated_fill"],
);

specs! {
    SUBMITTED = MetricSpec::counter("trading_orders_submitted_total", "Orders sent to a venue.")
        .labels(&[STRATEGY, SIDE, ORDER_TYPE]).fed_by("Placed");
    FILLED = MetricSpec::counter("trading_orders_filled_total", "Orders that were filled whole.")
        .labels(&[STRATEGY, SIDE]).fed_by("Transition");
    REJECTED = MetricSpec::counter("trading_orders_rejected_total", "Orders that a venue refused.")
        .labels(&[STRATEGY, REASON]).fed_by("Transition");
    CANCELLED = MetricSpec::counter("trading_orders_cancelled_total", "Orders that were cancelled.")
        .labels(&[STRATEGY]).fed_by("Transition");
    EXPIRED = MetricSpec::counter("trading_orders_expired_total", "Orders whose time ran out.")
        .labels(&[STRATEGY]).fed_by("Transition");
    AMENDED = MetricSpec::counter(
        "trading_orders_amended_total",
        "Changes of price or quantity of a working order.",
    ).labels(&[STRATEGY]).fed_by("Reported");
    TRIGGERED = MetricSpec::counter(
        "trading_orders_triggered_total",
        "Stops and targets that the market touched.",
    ).labels(&[STRATEGY]).fed_by("Reported");
    CHANGES_REFUSED = MetricSpec::counter(
        "trading_order_changes_refused_total",
        "Cancels and amendments that a venue refused.",
    ).labels(&[STRATEGY, REASON]).fed_by("Reported");
    FILL_TIME = MetricSpec::histogram(
        "trading_order_fill_time_seconds", ORDER_TIME,
        "Time from an order's creation until it was filled whole, by the engine's time.",
    ).labels(&[STRATEGY]).unit(Unit::Seconds).fed_by("Transition");
    ACKNOWLEDGE_TIME = MetricSpec::histogram(
        "trading_order_acknowledge_time_seconds", ORDER_TIME,
        "Time from an order's creation until the venue accepted or refused it.",
    ).labels(&[STRATEGY]).unit(Unit::Seconds).fed_by("Transition");
    ORDERS_OPEN = MetricSpec::gauge("trading_orders_open", "Orders on their way or working.")
        .labels(&[STRATEGY]).fed_by("Placed, Transition");
    RESERVED = MetricSpec::gauge(
        "trading_orders_reserved_value",
        "Value at mark of what working orders would add if they filled.",
    ).labels(&[SIDE]).unit(Unit::Currency).fed_by("facts");
    ANOMALIES = MetricSpec::counter(
        "trading_order_anomalies_total",
        "What must not happen to an order, did, and was survived.",
    ).labels(&[ANOMALY]).fed_by("Anomaly");
    STOPS_PLACED = MetricSpec::counter("trading_stops_placed_total", "First stops of positions.")
        .labels(&[STRATEGY]).fed_by("StopMoved");
    STOPS_MOVED = MetricSpec::counter("trading_stops_moved_total", "Stops that were moved.")
        .labels(&[STRATEGY]).fed_by("StopMoved");
}
