//! The program itself: errors, records, process, journal, service, degradation.

use super::labels::SEVERITY;
use crate::metrics::{LabelSpec, MetricSpec, Unit};

const PROCESS: &str = "the runner, on Linux";
const JOURNAL: &str = "comes with the journal";
const SERVICE: &str = "comes with the service";
/// From a microsecond to a second.
const FAST: &[f64] = &[
    0.000_001, 0.000_005, 0.000_01, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 1.0,
];
const COMPONENT: LabelSpec = LabelSpec::first("component", 32);
const RECORD: LabelSpec = LabelSpec::fixed(
    "record",
    &[
        "signal",
        "passed",
        "refused",
        "placed",
        "transition",
        "reported",
        "filled",
        "closed",
        "adjusted",
        "funded",
        "paid",
        "halted",
        "anomaly",
        "stop_moved",
        "failed",
        "status",
        "limit_changed",
        "acted",
        "parent",
        "delivered",
        "doubted",
    ],
);
const VERSION: LabelSpec = LabelSpec::first("version", 4);
const QUEUE: LabelSpec = LabelSpec::first("queue", 16);
const MODE: LabelSpec = LabelSpec::first("mode", 8);
const COMMAND: LabelSpec = LabelSpec::first("command", 32);
const OUTCOME: LabelSpec = LabelSpec::fixed("result", &["ok", "failed"]);

specs! {
    ERRORS = MetricSpec::counter(
        "trading_system_errors_total",
        "Errors: strategies that failed (strategy), anomalies of orders (orders), and the host's.",
    ).labels(&[COMPONENT, SEVERITY]).fed_by("Failed, Anomaly");
    RECORDS = MetricSpec::counter("trading_records_total", "Records of the engine.")
        .labels(&[RECORD]).fed_by("every record");
    BUILD = MetricSpec::gauge("trading_build_info", "1, with the version of the library.")
        .labels(&[VERSION]).unit(Unit::Flag).fed_by("start");
    UPTIME = MetricSpec::gauge("trading_system_uptime_seconds", "Time since the start.")
        .unit(Unit::Seconds).told_by("the runner");
    DEGRADATION = MetricSpec::gauge(
        "trading_degradation_mode",
        "How many bots work in a mode: 1 and 0 where there is one bot.",
    ).labels(&[MODE]).told_by("modes that bots are told");
    FRAME_TO_ORDER = MetricSpec::histogram(
        "trading_frame_to_order_seconds", FAST,
        "Time from a venue's frame to the order that followed from it.",
    ).unit(Unit::Seconds).told_by("bots of a runner");
    QUEUE_DEPTH = MetricSpec::gauge("trading_queue_depth", "Entries that wait in a queue.")
        .labels(&[QUEUE]).told_by("requests to an exchange, frames of its connections");
    RECONCILIATIONS = MetricSpec::counter(
        "trading_reconciliations_total",
        "Comparisons of our books with the venue's.",
    ).labels(&[OUTCOME]).told_by("bots of a runner");
    RESTARTS = MetricSpec::counter("trading_restarts_total", "Restarts of supervised tasks.")
        .labels(&[COMPONENT]).told_by("bots of a runner");
    JOURNAL_RECORDS = MetricSpec::counter("trading_journal_records_total", "Records written.")
        .pending(JOURNAL);
    JOURNAL_BYTES = MetricSpec::counter("trading_journal_bytes_total", "Bytes written.")
        .unit(Unit::Bytes).pending(JOURNAL);
    JOURNAL_SYNC = MetricSpec::histogram(
        "trading_journal_sync_seconds", FAST,
        "Time until the journal was safe on its disk.",
    ).unit(Unit::Seconds).pending(JOURNAL);
    JOURNAL_ERRORS = MetricSpec::counter("trading_journal_errors_total", "Writes that failed.")
        .pending(JOURNAL);
    SERVICE_CLIENTS = MetricSpec::gauge("trading_service_clients", "Clients that are connected.")
        .pending(SERVICE);
    SERVICE_COMMANDS = MetricSpec::counter(
        "trading_service_commands_total",
        "Commands of operators.",
    ).labels(&[COMMAND, OUTCOME]).pending(SERVICE);
    AUTH_FAILURES = MetricSpec::counter(
        "trading_service_auth_failures_total",
        "Requests without valid credentials.",
    ).pending(SERVICE);
    PROCESS_CPU = MetricSpec::counter("process_cpu_seconds_total", "CPU time of the process.")
        .unit(Unit::Seconds).told_by(PROCESS);
    PROCESS_MEMORY = MetricSpec::gauge("process_resident_memory_bytes", "Resident memory.")
        .unit(Unit::Bytes).told_by(PROCESS);
    PROCESS_VIRTUAL = MetricSpec::gauge("process_virtual_memory_bytes", "Virtual memory.")
        .unit(Unit::Bytes).told_by(PROCESS);
    PROCESS_START = MetricSpec::gauge("process_start_time_seconds", "When the process began.")
        .unit(Unit::Timestamp).told_by(PROCESS);
    PROCESS_FILES = MetricSpec::gauge("process_open_fds", "Open file descriptors.")
        .told_by(PROCESS);
}
