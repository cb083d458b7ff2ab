//! Venues, connections, interfaces, models.

use super::labels::{ENDPOINT, ERROR_TYPE, EXCHANGE, MODEL};
use crate::metrics::{LabelSpec, MetricSpec, Unit};

const SOCKETS: &str = "connections of an exchange";
const CALLS_OF: &str = "requests to an exchange";
const SERVICE: &str = "comes with the service";
const LEARNING: &str = "comes with the models";
/// From a millisecond, then the coarse bounds of the boards.
const LATENCY: &[f64] = &[0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0];
/// From a second to a day.
const TRAINING: &[f64] = &[1.0, 10.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0];
const KIND: LabelSpec = LabelSpec::first("type", 32);
const METHOD: LabelSpec =
    LabelSpec::fixed("method", &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]);
const CODE: LabelSpec = LabelSpec::first("status", 64);
const PREDICTION: LabelSpec = LabelSpec::first("prediction", 16);

specs! {
    CONNECTIONS = MetricSpec::gauge("websocket_connections_active", "Connections that are open.")
        .labels(&[EXCHANGE]).told_by(SOCKETS);
    ALL_CONNECTIONS = MetricSpec::gauge(
        "trading_websocket_connections",
        "Open connections over all exchanges.",
    ).told_by(SOCKETS);
    MESSAGES = MetricSpec::counter("websocket_messages_total", "Messages that came in.")
        .labels(&[EXCHANGE, KIND]).told_by(SOCKETS);
    SOCKET_ERRORS = MetricSpec::counter("websocket_errors_total", "Errors of connections.")
        .labels(&[EXCHANGE, ERROR_TYPE]).told_by(SOCKETS);
    RECONNECTS = MetricSpec::counter("websocket_reconnects_total", "Connections opened anew.")
        .labels(&[EXCHANGE]).told_by(SOCKETS);
    CALLS = MetricSpec::counter("exchange_api_calls_total", "Calls of an exchange's interface.")
        .labels(&[EXCHANGE, ENDPOINT]).told_by(CALLS_OF);
    CALL_TIME = MetricSpec::histogram(
        "exchange_api_latency_seconds", LATENCY,
        "Time until an exchange answered.",
    ).labels(&[EXCHANGE]).unit(Unit::Seconds).told_by(CALLS_OF);
    CALL_ERRORS = MetricSpec::counter("exchange_api_errors_total", "Calls that failed.")
        .labels(&[EXCHANGE, ERROR_TYPE]).told_by(CALLS_OF);
    RATE_BUDGET = MetricSpec::gauge(
        "exchange_rate_limit_used_ratio",
        "How much of an exchange's request budget is used.",
    ).labels(&[EXCHANGE]).unit(Unit::Ratio).told_by(CALLS_OF);
    REQUESTS = MetricSpec::counter("trading_api_requests_total", "Requests to our own interface.")
        .labels(&[ENDPOINT, METHOD, CODE]).pending(SERVICE);
    REQUEST_TIME = MetricSpec::histogram(
        "trading_api_request_duration_seconds", LATENCY,
        "Time until our own interface answered.",
    ).unit(Unit::Seconds).pending(SERVICE);
    MODEL_ACCURACY = MetricSpec::gauge(
        "trading_ml_model_accuracy",
        "Fraction of a model's predictions that came true.",
    ).labels(&[MODEL]).unit(Unit::Ratio).pending(LEARNING);
    PREDICTIONS = MetricSpec::counter("trading_ml_predictions_total", "Predictions of a model.")
        .labels(&[MODEL, PREDICTION]).pending(LEARNING);
    TRAINING_TIME = MetricSpec::histogram(
        "trading_ml_training_duration_seconds", TRAINING,
        "Time that a training took.",
    ).unit(Unit::Seconds).pending(LEARNING);
    LAST_TRAINING = MetricSpec::gauge(
        "trading_ml_last_training_timestamp",
        "When a model was last trained.",
    ).unit(Unit::Timestamp).pending(LEARNING);
}
