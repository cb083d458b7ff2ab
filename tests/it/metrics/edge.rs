//! What happens at the edge becomes the right numbers, whatever names come with it.

use std::time::Duration;

use tradewright::metrics::{
    ApiEndpoint, EdgeMetrics, EdgeNews, EdgeQueue, EdgeSink, MessageKind, ProcessFigures, Registry,
};
use tradewright::types::{ErrorCategory, Label, OperatingMode, Timestamp};

fn edge() -> EdgeMetrics {
    EdgeMetrics::new(Registry::new())
}

#[test]
fn connections_are_counted_up_and_down() {
    let edge = edge();
    let [one, other] = ["one", "other_one"].map(Label::new);
    for exchange in [one, one, other] {
        edge.tell(&EdgeNews::SocketOpened { exchange, is_again: false });
    }
    edge.tell(&EdgeNews::SocketClosed { exchange: one });
    edge.tell(&EdgeNews::SocketOpened { exchange: one, is_again: true });
    edge.tell(&EdgeNews::SocketClosed { exchange: other });
    let now = edge.registry().snapshot();
    let open = |name| now.value("websocket_connections_active", &[("exchange", name)]);
    assert_eq!((open("one"), open("other_one")), (Some(2.0), Some(0.0)));
    assert_eq!(now.total("trading_websocket_connections"), 2.0);
    let again = |name| now.value("websocket_reconnects_total", &[("exchange", name)]);
    assert_eq!((again("one"), again("other_one")), (Some(1.0), Some(0.0)));
}

#[test]
fn every_kind_of_message_has_its_own_series() {
    let edge = edge();
    let exchange = Label::new("x");
    for (times, kind) in (1..).zip(MessageKind::ALL) {
        for _ in 0..times {
            edge.tell(&EdgeNews::Message { exchange, kind });
        }
    }
    let now = edge.registry().snapshot();
    for (times, kind) in (1_u32..).zip(MessageKind::ALL) {
        let labels = [("exchange", "x"), ("type", kind.as_str())];
        assert_eq!(now.value("websocket_messages_total", &labels), Some(f64::from(times)));
    }
}

#[test]
fn calls_errors_and_queues_add_up() {
    let edge = edge();
    let exchange = Label::new("x");
    let call = |error| {
        let (endpoint, latency) = (ApiEndpoint::PlaceOrder, Duration::from_millis(20));
        edge.tell(&EdgeNews::Call { exchange, endpoint, latency, error });
    };
    call(None);
    call(Some(ErrorCategory::RateLimit));
    call(Some(ErrorCategory::Validation));
    edge.tell(&EdgeNews::BudgetUsed { exchange, ratio: 0.25 });
    edge.tell(&EdgeNews::Margin { used: 25.0, available: 75.0 });
    for (from, to) in [(0, 5), (5, 2)] {
        edge.tell(&EdgeNews::QueueMoved { queue: EdgeQueue::Requests, from, to });
    }
    // Another queue of the same kind.
    edge.tell(&EdgeNews::QueueMoved { queue: EdgeQueue::Requests, from: 0, to: 1 });
    let now = edge.registry().snapshot();
    let labels = [("exchange", "x"), ("endpoint", "place_order")];
    assert_eq!(now.value("exchange_api_calls_total", &labels), Some(3.0));
    assert_eq!(now.total("exchange_api_latency_seconds"), 3.0);
    let failed =
        |kind| now.value("exchange_api_errors_total", &[("exchange", "x"), ("error_type", kind)]);
    assert_eq!((failed("rate_limit"), failed("validation")), (Some(1.0), Some(1.0)));
    assert_eq!((failed("network"), failed("system")), (Some(0.0), None));
    assert_eq!(now.value("exchange_rate_limit_used_ratio", &[("exchange", "x")]), Some(0.25));
    assert_eq!(now.total("trading_margin_used"), 25.0);
    assert_eq!(now.total("trading_margin_available"), 75.0);
    let depth = |queue| now.value("trading_queue_depth", &[("queue", queue)]);
    assert_eq!((depth("requests"), depth("frames")), (Some(3.0), Some(0.0)));
}

#[test]
fn bots_share_the_gauges_of_modes() {
    let edge = edge();
    let told = [
        (None, Some(OperatingMode::Normal)),
        (None, Some(OperatingMode::Normal)),
        (Some(OperatingMode::Normal), Some(OperatingMode::Emergency)),
        (Some(OperatingMode::Normal), None),
    ];
    for (from, to) in told {
        edge.tell(&EdgeNews::ModeMoved { from, to });
    }
    let now = edge.registry().snapshot();
    let bots = |mode| now.value("trading_degradation_mode", &[("mode", mode)]);
    assert_eq!((bots("normal"), bots("emergency")), (Some(0.0), Some(1.0)));
    assert_eq!((bots("degraded"), bots("offline")), (Some(0.0), Some(0.0)));
}

/// Two runners of one process tell the same time of processors; it is counted once, and a figure
/// that falls takes nothing back.
#[test]
fn the_process_is_counted_once() {
    let registry = Registry::new();
    let runners = [EdgeMetrics::new(registry.clone()), EdgeMetrics::new(registry.clone())];
    for seconds in [2, 3, 1] {
        let figures = ProcessFigures {
            cpu: Duration::from_secs(seconds),
            resident_bytes: 1 << 20,
            virtual_bytes: 1 << 30,
            started_at: Timestamp::from_secs(1_700_000_000).unwrap(),
            open_files: 12,
        };
        runners.iter().for_each(|edge| edge.tell(&EdgeNews::Process(figures)));
    }
    let now = registry.snapshot();
    assert_eq!(now.total("process_cpu_seconds_total"), 3.0);
    assert_eq!(now.total("process_resident_memory_bytes"), f64::from(1 << 20));
    assert_eq!(now.total("process_start_time_seconds"), 1.7e9);
    assert_eq!(now.total("process_open_fds"), 12.0);
}

/// A thousand strange names fill no memory and break no format.
#[test]
fn hostile_names_are_bounded() {
    let edge = edge();
    for number in 0..1_000 {
        let name = Label::new(&format!("\"}}\n\\{{evil\u{0}{number}"));
        edge.tell(&EdgeNews::SocketOpened { exchange: name, is_again: false });
        edge.tell(&EdgeNews::SocketFailed { exchange: name, error: ErrorCategory::Unknown });
        edge.tell(&EdgeNews::Gaps { symbol: name, count: 1 });
        edge.tell(&EdgeNews::MarketRefused { symbol: name, count: 1 });
        edge.tell(&EdgeNews::Restarted { component: name });
    }
    let now = edge.registry().snapshot();
    for (name, most) in [
        ("websocket_connections_active", 17),
        ("websocket_errors_total", 17 * 4),
        ("trading_market_data_gaps_total", 257),
        ("trading_market_data_refused_total", 257),
        ("trading_restarts_total", 33),
    ] {
        assert!(now.metric(name).unwrap().series.len() <= most, "{name}");
        assert_eq!(now.total(name), 1_000.0, "{name}");
    }
    for series in &now.metric("websocket_connections_active").unwrap().series {
        assert!(series.labels.iter().all(|(_, value)| !value.contains('\u{0}')));
    }
}

/// A counter cannot be made to fall or to hold what is no number.
#[test]
fn figures_that_make_no_sense_are_harmless() {
    let edge = edge();
    let exchange = Label::new("x");
    edge.tell(&EdgeNews::QueueMoved { queue: EdgeQueue::Frames, from: usize::MAX, to: 0 });
    edge.tell(&EdgeNews::Gaps { symbol: Label::default(), count: u64::MAX });
    edge.tell(&EdgeNews::FrameToOrder { elapsed: Duration::MAX });
    let (endpoint, latency) = (ApiEndpoint::Other, Duration::MAX);
    edge.tell(&EdgeNews::Call { exchange, endpoint, latency, error: None });
    let now = edge.registry().snapshot();
    assert_eq!(now.total("trading_frame_to_order_seconds"), 1.0);
    let gaps = now.value("trading_market_data_gaps_total", &[("symbol", "none")]);
    assert_eq!(gaps, Some(u64::MAX as f64));
}
