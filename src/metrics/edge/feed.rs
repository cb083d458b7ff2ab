use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{ApiEndpoint, EdgeNews, EdgeQueue, EdgeSink, MessageKind, ProcessFigures};
use crate::metrics::catalogue::{capital, edge, market, system};
use crate::metrics::registry::{Counter, Gauge, Histogram};
use crate::metrics::{
    CounterHandle, GaugeHandle, HistogramHandle, Meter, MetricSpec, MetricsExporter, OTHER,
    Registry,
};
use crate::types::{ErrorCategory, Label, OperatingMode};

/// From what happens at the edge to the metrics of the catalogue.
///
/// What can be counted is exposed at zero before it happens for the first time, so that its rate
/// is known from the first time on. Copies write into the same registry.
///
/// ```
/// use tradewright::metrics::{EdgeMetrics, EdgeNews, EdgeSink, MessageKind, Registry};
/// use tradewright::types::Label;
///
/// let edge = EdgeMetrics::new(Registry::new());
/// let exchange = Label::new("binance");
/// edge.tell(&EdgeNews::SocketOpened { exchange, is_again: false });
/// edge.tell(&EdgeNews::Message { exchange, kind: MessageKind::Trades });
/// let labels = [("exchange", "binance"), ("type", "trades")];
/// let snapshot = edge.registry().snapshot();
/// assert_eq!(snapshot.value("websocket_messages_total", &labels), Some(1.0));
/// assert_eq!(snapshot.total("trading_websocket_connections"), 1.0);
/// ```
#[derive(Clone, Debug)]
pub struct EdgeMetrics {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    registry: Registry,
    exchanges: Mutex<BTreeMap<Label, ExchangeFeed>>,
    all_connections: Gauge,
    queues: [Gauge; EdgeQueue::ALL.len()],
    frame_to_order: Histogram,
    reconciled: [Counter; 2],
    cpu: Counter,
}

/// The handles of one exchange.
#[derive(Debug)]
struct ExchangeFeed {
    open: Gauge,
    reconnects: Counter,
    messages: [Counter; MessageKind::ALL.len()],
    calls: BTreeMap<ApiEndpoint, Counter>,
    latency: Histogram,
    budget: Gauge,
}

/// Exchanges with handles of their own; later ones share one set.
const MOST_EXCHANGES: usize = 64;

impl EdgeMetrics {
    /// Counts into this registry.
    pub fn new(registry: Registry) -> Self {
        let gauge = |spec, labels: &[&str]| {
            let gauge = registry.gauge(spec, labels);
            gauge.add(0.0);
            gauge
        };
        for mode in OperatingMode::ALL {
            gauge(&system::DEGRADATION, &[mode_word(mode)]);
        }
        registry.counter(&system::RESTARTS, &["bot"]);
        let count = |result| registry.counter(&system::RECONCILIATIONS, &[result]);
        let inner = Inner {
            exchanges: Mutex::default(),
            all_connections: gauge(&edge::ALL_CONNECTIONS, &[]),
            queues: EdgeQueue::ALL.map(|queue| gauge(&system::QUEUE_DEPTH, &[queue.as_str()])),
            frame_to_order: registry.histogram(&system::FRAME_TO_ORDER, &[]),
            reconciled: ["ok", "failed"].map(count),
            cpu: registry.counter(&system::PROCESS_CPU, &[]),
            registry,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The registry, to read.
    pub fn registry(&self) -> &Registry {
        &self.inner.registry
    }
}

impl From<&MetricsExporter> for EdgeMetrics {
    fn from(exporter: &MetricsExporter) -> Self {
        Self::new(exporter.registry().clone())
    }
}

impl EdgeSink for EdgeMetrics {
    fn tell(&self, news: &EdgeNews) {
        let inner = &*self.inner;
        match *news {
            EdgeNews::SocketOpened { exchange, .. }
            | EdgeNews::SocketClosed { exchange }
            | EdgeNews::SocketFailed { exchange, .. }
            | EdgeNews::Message { exchange, .. }
            | EdgeNews::Call { exchange, .. }
            | EdgeNews::BudgetUsed { exchange, .. } => inner.on_exchange(exchange, news),
            EdgeNews::QueueMoved { queue, from, to } => {
                let [requests, frames] = &inner.queues;
                let gauge = match queue {
                    EdgeQueue::Requests => requests,
                    EdgeQueue::Frames => frames,
                };
                gauge.add(to as f64 - from as f64);
            }
            EdgeNews::Gaps { symbol, count } => inner.count(&market::DATA_GAPS, symbol, count),
            EdgeNews::MarketRefused { symbol, count } => {
                inner.count(&market::DATA_REFUSED, symbol, count);
            }
            EdgeNews::FrameToOrder { elapsed } => {
                inner.frame_to_order.observe(elapsed.as_secs_f64());
            }
            EdgeNews::Reconciled { count } => inner.reconciled[0].add(count as f64),
            EdgeNews::NotReconciled { count } => inner.reconciled[1].add(count as f64),
            EdgeNews::Restarted { component } => inner.count(&system::RESTARTS, component, 1),
            EdgeNews::ModeMoved { from, to } => {
                for (mode, change) in [(from, -1.0), (to, 1.0)] {
                    if let Some(mode) = mode {
                        let gauge = inner.registry.gauge(&system::DEGRADATION, &[mode_word(mode)]);
                        gauge.add(change);
                    }
                }
            }
            EdgeNews::Margin { used, available } => {
                inner.registry.gauge(&capital::MARGIN_USED, &[]).set(used);
                inner.registry.gauge(&capital::MARGIN_AVAILABLE, &[]).set(available);
            }
            EdgeNews::Uptime { elapsed } => {
                inner.registry.gauge(&system::UPTIME, &[]).set(elapsed.as_secs_f64());
            }
            EdgeNews::Process(figures) => inner.on_process(&figures),
        }
    }
}

impl Inner {
    fn on_exchange(&self, exchange: Label, news: &EdgeNews) {
        let mut exchanges = self.lock();
        let is_known = exchanges.contains_key(&exchange) || exchanges.len() < MOST_EXCHANGES;
        let name = if is_known { exchange } else { Label::new(OTHER) };
        let feed = exchanges.entry(name).or_insert_with(|| ExchangeFeed::new(name, &self.registry));
        let exchange = name.as_str();
        match *news {
            EdgeNews::SocketOpened { is_again, .. } => {
                feed.open.add(1.0);
                self.all_connections.add(1.0);
                if is_again {
                    feed.reconnects.increment();
                }
            }
            EdgeNews::SocketClosed { .. } => {
                feed.open.add(-1.0);
                self.all_connections.add(-1.0);
            }
            EdgeNews::SocketFailed { error, .. } => {
                let labels = [exchange, category_word(error)];
                self.registry.counter(&edge::SOCKET_ERRORS, &labels).increment();
            }
            EdgeNews::Message { kind, .. } => {
                if let Some(counter) = feed.messages.get(kind as usize) {
                    counter.increment();
                }
            }
            EdgeNews::Call { endpoint, latency, error, .. } => {
                let make = || self.registry.counter(&edge::CALLS, &[exchange, endpoint.as_str()]);
                feed.calls.entry(endpoint).or_insert_with(make).increment();
                feed.latency.observe(latency.as_secs_f64());
                if let Some(error) = error {
                    let labels = [exchange, category_word(error)];
                    self.registry.counter(&edge::CALL_ERRORS, &labels).increment();
                }
            }
            EdgeNews::BudgetUsed { ratio, .. } => feed.budget.set(ratio),
            _ => {}
        }
    }

    fn count(&self, spec: &'static MetricSpec, label: Label, count: u64) {
        self.registry.counter(spec, &[label.as_str()]).add(count as f64);
    }

    fn on_process(&self, figures: &ProcessFigures) {
        let set = |spec, value| self.registry.gauge(spec, &[]).set(value);
        set(&system::PROCESS_MEMORY, figures.resident_bytes as f64);
        set(&system::PROCESS_VIRTUAL, figures.virtual_bytes as f64);
        set(&system::PROCESS_START, figures.started_at.nanos() as f64 * 1e-9);
        set(&system::PROCESS_FILES, figures.open_files as f64);
        // Under the lock, so that two who tell it at once do not both add what is missing.
        let _alone = self.lock();
        self.cpu.add(figures.cpu.as_secs_f64() - self.cpu.value());
    }

    /// What the lock guards is sound even after a panic elsewhere.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Label, ExchangeFeed>> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ExchangeFeed {
    fn new(name: Label, registry: &Registry) -> Self {
        let exchange = name.as_str();
        for error in [ErrorCategory::Network, ErrorCategory::Api, ErrorCategory::RateLimit] {
            let labels = [exchange, category_word(error)];
            registry.counter(&edge::SOCKET_ERRORS, &labels);
            registry.counter(&edge::CALL_ERRORS, &labels);
        }
        let message =
            |kind: MessageKind| registry.counter(&edge::MESSAGES, &[exchange, kind.as_str()]);
        let open = registry.gauge(&edge::CONNECTIONS, &[exchange]);
        open.add(0.0);
        Self {
            open,
            reconnects: registry.counter(&edge::RECONNECTS, &[exchange]),
            messages: MessageKind::ALL.map(message),
            calls: BTreeMap::new(),
            latency: registry.histogram(&edge::CALL_TIME, &[exchange]),
            budget: registry.gauge(&edge::RATE_BUDGET, &[exchange]),
        }
    }
}

const fn mode_word(mode: OperatingMode) -> &'static str {
    match mode {
        OperatingMode::Normal => "normal",
        OperatingMode::Degraded => "degraded",
        OperatingMode::Emergency => "emergency",
        OperatingMode::Offline => "offline",
    }
}

const fn category_word(category: ErrorCategory) -> &'static str {
    match category {
        ErrorCategory::Network => "network",
        ErrorCategory::Database => "database",
        ErrorCategory::Api => "api",
        ErrorCategory::RateLimit => "rate_limit",
        ErrorCategory::Validation => "validation",
        ErrorCategory::Processing => "processing",
        ErrorCategory::System => "system",
        ErrorCategory::Unknown => "unknown",
    }
}
