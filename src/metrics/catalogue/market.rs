//! Market data.

use super::labels::SYMBOL;
use crate::metrics::{LabelSpec, MetricSpec, Unit};

/// From a millisecond (a book) to a week (a daily bar over a holiday).
const AGE: &[f64] =
    &[0.001, 0.01, 0.1, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0, 604_800.0];
const CONDITION: LabelSpec = LabelSpec::first("condition", 16);
const KIND: LabelSpec =
    LabelSpec::fixed("type", &["bar", "print", "quote", "book", "funding", "mark", "custom"]);

specs! {
    VIX = MetricSpec::gauge(
        "trading_market_vix",
        "Last mark of the instrument that was named as volatility index.",
    ).unit(Unit::Price).fed_by("market");
    CONDITION_STATE = MetricSpec::gauge(
        "trading_market_condition",
        "1 for the condition that the market is in, 0 for the others.",
    ).labels(&[CONDITION]).unit(Unit::Flag)
        .pending("conditions are classified inside of strategies; a host that classifies tells it");
    DATA_UPDATES = MetricSpec::counter(
        "trading_market_data_updates_total",
        "Market events that the engine took in.",
    ).labels(&[SYMBOL]).fed_by("market");
    MARKET_EVENTS = MetricSpec::counter("trading_market_events_total", "Market events by type.")
        .labels(&[KIND]).fed_by("market");
    DATA_STALE = MetricSpec::gauge(
        "trading_market_data_stale",
        "1 while trading is halted anywhere because market data are stale.",
    ).unit(Unit::Flag).fed_by("Halted");
    DATA_AGE = MetricSpec::histogram(
        "trading_market_data_age_seconds", AGE,
        "How old a symbol's last event was when the next one came, by the engine's time.",
    ).labels(&[SYMBOL]).unit(Unit::Seconds).fed_by("market");
    LAST_EVENT = MetricSpec::gauge(
        "trading_last_event_timestamp_seconds",
        "Time of the last market event that the engine took in.",
    ).unit(Unit::Timestamp).fed_by("market");
    MARK_PRICE = MetricSpec::gauge("trading_mark_price", "Last mark of an instrument.")
        .labels(&[SYMBOL]).unit(Unit::Price).fed_by("market");
    DATA_GAPS = MetricSpec::counter(
        "trading_market_data_gaps_total",
        "Gaps in the sequence numbers of a feed.",
    ).labels(&[SYMBOL]).told_by("market data of an exchange");
    DATA_REFUSED = MetricSpec::counter(
        "trading_market_data_refused_total",
        "Market events that were unsound and were refused.",
    ).labels(&[SYMBOL]).told_by("bots of a runner");
}
