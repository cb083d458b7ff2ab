//! Metrics by hand, for hosts that do not run the engine.

mod events;

pub use events::{
    BotState, CapitalFigures, CheckResult, EquityFigures, ExchangeCall, MarketFigures, OrderEvent,
    OrderStep, PnlFigures, StrategyFigures, TradeEvent,
};

use core::time::Duration;

use super::catalogue::{capital, edge, market, orders, risk, strategy, system, trading};
use super::{
    CounterHandle, GaugeHandle, HistogramHandle, Meter, MetricKind, MetricSpec, Registry, catalogue,
};
use crate::types::{AlertLevel, OrderStatus, Side, Timestamp};
use crate::types::{Classification, Classify};

/// Feeds the metrics of the catalogue by hand: one call per event.
///
/// It is for hosts whose trading is not done by the engine, and for what happens around an engine:
/// connections, calls, models, the process. Calls look their series up by text, some hundred
/// nanoseconds each; they may come from any thread. With an engine beside it, leave to the engine
/// what the engine feeds.
///
/// Whatever is fed is exposed from then on, pending metrics too.
///
/// ```
/// use std::time::Duration;
/// use tradewright::metrics::{ExchangeCall, MetricsExporter, Registry};
///
/// let exporter = MetricsExporter::new(Registry::new());
/// exporter.connections("binance", 2);
/// let (exchange, endpoint, latency) = ("binance", "order", Duration::from_millis(83));
/// exporter.exchange_call(&ExchangeCall { exchange, endpoint, latency, error: None });
/// let snapshot = exporter.registry().snapshot();
/// assert_eq!(snapshot.total("websocket_connections_active"), 2.0);
/// assert_eq!(snapshot.total("exchange_api_latency_seconds"), 1.0);
/// ```
#[derive(Clone, Debug)]
pub struct MetricsExporter {
    registry: Registry,
}

/// Why a metric could not be fed by its name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The catalogue does not have it.
    #[error("no metric `{name}` is in the catalogue")]
    UnknownMetric {
        /// The refused name.
        name: String,
    },
    /// It is of another kind.
    #[error("`{name}` is a {kind}", kind = .kind.as_str())]
    OtherKind {
        /// The metric.
        name: &'static str,
        /// What it is.
        kind: MetricKind,
    },
    /// It has another number of labels.
    #[error("`{name}` has {expected} labels, not {found}")]
    Labels {
        /// The metric.
        name: &'static str,
        /// How many it has.
        expected: usize,
        /// How many were given.
        found: usize,
    },
}

impl Classify for ExportError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}

impl MetricsExporter {
    /// An exporter into this registry.
    pub const fn new(registry: Registry) -> Self {
        Self { registry }
    }

    /// The registry, to read.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Open positions of a strategy.
    pub fn positions(&self, strategy: &str, open: u32) {
        self.set(&trading::POSITIONS_OPEN, &[strategy], f64::from(open));
    }

    /// Profit: the day's as amount and ratio, of open positions, realised.
    pub fn pnl(&self, pnl: &PnlFigures) {
        self.set(&trading::DAILY_PNL, &[], pnl.daily);
        self.set(&trading::DAILY_PNL_RATIO, &[], pnl.daily_ratio);
        self.set(&trading::UNREALIZED_PNL, &[], pnl.unrealized);
        self.set(&trading::REALIZED_PNL, &[], pnl.realized);
    }

    /// Capital and margin; the utilisation follows from them.
    pub fn capital(&self, figures: &CapitalFigures) {
        self.set(&capital::CAPITAL, &[], figures.total);
        self.set(&capital::CAPITAL_TOTAL, &[], figures.total);
        self.set(&capital::CAPITAL_USED, &[], figures.used);
        let used = if figures.used == 0.0 { 0.0 } else { figures.used / figures.total };
        self.set(&capital::CAPITAL_UTILIZATION, &[], used.clamp(0.0, 1.0));
        self.set(&capital::MARGIN_USED, &[], figures.margin_used);
        self.set(&capital::MARGIN_AVAILABLE, &[], figures.margin_available);
    }

    /// How many halts are in force, and how many began since the start of the day.
    pub fn circuit_breaker(&self, active: u32, triggers_today: u32) {
        self.set(&risk::BREAKER_ACTIVE, &[], if active > 0 { 1.0 } else { 0.0 });
        self.set(&risk::BREAKER_TODAY, &[], f64::from(triggers_today));
    }

    /// The circuit breaker has tripped, for this reason.
    pub fn breaker_trigger(&self, reason: &str) {
        self.increment(&risk::BREAKER_TRIGGERS, &[reason]);
        self.increment(&risk::BREAKER_TRIPS, &[]);
    }

    /// The state of the market.
    pub fn market(&self, figures: &MarketFigures<'_>) {
        if let Some(vix) = figures.vix {
            self.set(&market::VIX, &[], vix);
        }
        self.set(&market::DATA_STALE, &[], if figures.stale_symbols > 0 { 1.0 } else { 0.0 });
        if !figures.condition.is_empty() {
            self.set_only(&market::CONDITION_STATE, figures.condition);
        }
    }

    /// Market data have come, this old.
    pub fn data_update(&self, symbol: &str, age: Duration) {
        self.increment(&market::DATA_UPDATES, &[symbol]);
        self.observe(&market::DATA_AGE, &[symbol], age.as_secs_f64());
    }

    /// An order was executed, or ended otherwise; with a profit, a trade was closed by it.
    pub fn trade(&self, trade: &TradeEvent<'_>) {
        let status = match trade.status {
            OrderStatus::Filled => "filled",
            OrderStatus::PartiallyFilled => "partially_filled",
            OrderStatus::Cancelled => "cancelled",
            OrderStatus::Rejected => "rejected",
            OrderStatus::Expired => "expired",
            // It has not come to anything yet.
            OrderStatus::Pending | OrderStatus::Open => return,
        };
        let labels = [trade.strategy, trade.symbol];
        let [strategy, symbol] = labels;
        self.increment(&trading::TRADES, &[strategy, symbol, side_word(trade.side), status]);
        self.add(&trading::VOLUME, &labels, trade.value);
        let Some(pnl) = trade.pnl else { return };
        self.observe(&trading::TRADE_PNL, &[], pnl);
        self.observe(&trading::TRADES_PNL, &[strategy], pnl);
        self.add(&trading::PROFIT, &[], pnl);
        self.add(&trading::LOSS, &[], -pnl);
        let outcome = match pnl {
            _ if pnl > 0.0 => "win",
            _ if pnl < 0.0 => "loss",
            _ => "even",
        };
        self.increment(&trading::CLOSED_TRADES, &[strategy, outcome]);
        self.set(&trading::LAST_TRADE_PNL, &labels, pnl);
        self.set(&trading::LAST_TRADE_AT, &labels, seconds(trade.at));
    }

    /// A step in the life of an order.
    pub fn order(&self, order: &OrderEvent<'_>) {
        let (strategy, side) = (order.strategy, side_word(order.side));
        match order.step {
            OrderStep::Submitted { order_type } => {
                self.increment(&orders::SUBMITTED, &[strategy, side, order_type]);
            }
            OrderStep::Filled { after } => {
                self.increment(&orders::FILLED, &[strategy, side]);
                self.observe(&orders::FILL_TIME, &[strategy], after.as_secs_f64());
            }
            OrderStep::Rejected { reason } => {
                self.increment(&orders::REJECTED, &[strategy, reason]);
            }
            OrderStep::Cancelled => self.increment(&orders::CANCELLED, &[strategy]),
        }
    }

    /// A strategy gave an opinion; `None` is HOLD.
    pub fn signal(&self, strategy: &str, side: Option<Side>) {
        self.increment(&strategy::SIGNALS, &[strategy, side.map_or("HOLD", side_word)]);
    }

    /// Risk was asked.
    pub fn risk_check(&self, strategy: &str, result: CheckResult<'_>) {
        match result {
            CheckResult::Approved => self.increment(&risk::RISK_CHECKS, &["approved"]),
            CheckResult::Rejected { limit } => {
                self.increment(&risk::RISK_CHECKS, &["rejected"]);
                self.increment(&risk::REFUSALS, &[strategy, limit]);
                self.increment(&risk::LIMIT_BREACHES, &[limit]);
            }
        }
    }

    /// Equity, drawdown now and at its largest, the streak of losses.
    pub fn equity(&self, figures: &EquityFigures) {
        self.set(&capital::EQUITY, &[], figures.equity);
        self.set(&risk::CURRENT_DRAWDOWN, &[], figures.drawdown);
        self.set(&risk::MAX_DRAWDOWN, &[], figures.max_drawdown);
        self.set(&risk::LOSS_STREAK, &[], f64::from(figures.consecutive_losses));
    }

    /// What a bot does now.
    pub fn bot_status(&self, bot_id: &str, strategy: &str, state: BotState) {
        self.set(&strategy::BOT_STATUS, &[bot_id, strategy], f64::from(state.code()));
        for other in BotState::ALL {
            let value = if other == state { 1.0 } else { 0.0 };
            self.set(&strategy::BOT_STATE, &[bot_id, strategy, other.as_str()], value);
        }
    }

    /// How a strategy does.
    pub fn strategy(&self, strategy: &str, figures: &StrategyFigures) {
        self.set(&strategy::WIN_RATE, &[strategy], figures.win_rate);
        self.set(&strategy::AVERAGE_PNL, &[strategy], figures.average_pnl);
        self.set(&strategy::SHARPE, &[strategy], figures.sharpe_ratio);
        self.set(&strategy::TRADES_TODAY, &[strategy], f64::from(figures.trades_today));
    }

    /// A strategy took so long for one event.
    pub fn strategy_execution(&self, strategy: &str, elapsed: Duration) {
        self.observe(&strategy::EXECUTION_TIME, &[strategy], elapsed.as_secs_f64());
    }

    /// Does the work and notes how long it took by the host's clock, which says the time since
    /// any fixed moment.
    pub fn time_strategy<T>(
        &self,
        strategy: &str,
        clock: impl Fn() -> Duration,
        work: impl FnOnce() -> T,
    ) -> T {
        let start = clock();
        let done = work();
        self.strategy_execution(strategy, clock().saturating_sub(start));
        done
    }

    /// Something failed.
    pub fn system_error(&self, component: &str, severity: AlertLevel) {
        self.increment(&system::ERRORS, &[component, level_word(severity)]);
    }

    /// Alerts that are active at each level, and the number raised at each since the last call.
    pub fn alerts(&self, level: AlertLevel, active: u32, raised: u32) {
        self.set(&risk::ALERTS_ACTIVE, &[level_word(level)], f64::from(active));
        self.add(&risk::ALERTS, &[level_word(level)], f64::from(raised));
    }

    /// So many connections to an exchange are open; the total over all exchanges follows.
    pub fn connections(&self, exchange: &str, open: u32) {
        self.set(&edge::CONNECTIONS, &[exchange], f64::from(open));
        let total = self.registry.snapshot().total(edge::CONNECTIONS.name);
        self.set(&edge::ALL_CONNECTIONS, &[], total);
    }

    /// A message came in.
    pub fn message(&self, exchange: &str, kind: &str) {
        self.increment(&edge::MESSAGES, &[exchange, kind]);
    }

    /// A connection failed, or what came over it could not be read.
    pub fn message_error(&self, exchange: &str, error_type: &str) {
        self.increment(&edge::SOCKET_ERRORS, &[exchange, error_type]);
    }

    /// A connection was opened anew.
    pub fn reconnected(&self, exchange: &str) {
        self.increment(&edge::RECONNECTS, &[exchange]);
    }

    /// An exchange's interface was called.
    pub fn exchange_call(&self, call: &ExchangeCall<'_>) {
        self.increment(&edge::CALLS, &[call.exchange, call.endpoint]);
        self.observe(&edge::CALL_TIME, &[call.exchange], call.latency.as_secs_f64());
        if let Some(error_type) = call.error {
            self.increment(&edge::CALL_ERRORS, &[call.exchange, error_type]);
        }
    }

    /// A request to the host's own interface was answered. Give the route (`/orders/{id}`), not
    /// the path.
    pub fn api_request(&self, [endpoint, method]: [&str; 2], status: u16, elapsed: Duration) {
        self.increment(&edge::REQUESTS, &[endpoint, method, &status.to_string()]);
        self.observe(&edge::REQUEST_TIME, &[], elapsed.as_secs_f64());
    }

    /// A model has predicted.
    pub fn prediction(&self, model: &str, prediction: &str) {
        self.increment(&edge::PREDICTIONS, &[model, prediction]);
    }

    /// The fraction of a model's predictions that came true.
    pub fn model(&self, model: &str, accuracy: f64) {
        self.set(&edge::MODEL_ACCURACY, &[model], accuracy);
    }

    /// A training has ended.
    pub fn training(&self, at: Timestamp, elapsed: Duration) {
        self.observe(&edge::TRAINING_TIME, &[], elapsed.as_secs_f64());
        self.set(&edge::LAST_TRAINING, &[], seconds(at));
    }

    /// The process has run for so long.
    pub fn uptime(&self, elapsed: Duration) {
        self.set(&system::UPTIME, &[], elapsed.as_secs_f64());
    }
}

/// Any metric of the catalogue by its name, labels in the catalogue's order.
impl MetricsExporter {
    /// Raises a counter by an amount above zero.
    ///
    /// # Errors
    /// [`ExportError`]: an unknown name, another kind, another number of labels.
    pub fn add_to(&self, name: &str, labels: &[&str], amount: f64) -> Result<(), ExportError> {
        self.add(find(name, MetricKind::Counter, labels)?, labels, amount);
        Ok(())
    }

    /// Sets a gauge.
    ///
    /// # Errors
    /// As [`MetricsExporter::add_to`].
    pub fn set_to(&self, name: &str, labels: &[&str], value: f64) -> Result<(), ExportError> {
        self.set(find(name, MetricKind::Gauge, labels)?, labels, value);
        Ok(())
    }

    /// Puts an observation into a histogram.
    ///
    /// # Errors
    /// As [`MetricsExporter::add_to`].
    pub fn observe_in(&self, name: &str, labels: &[&str], value: f64) -> Result<(), ExportError> {
        self.observe(find(name, MetricKind::Histogram, labels)?, labels, value);
        Ok(())
    }

    fn increment(&self, spec: &'static MetricSpec, labels: &[&str]) {
        self.registry.counter(spec, labels).increment();
    }

    fn add(&self, spec: &'static MetricSpec, labels: &[&str], amount: f64) {
        self.registry.counter(spec, labels).add(amount);
    }

    fn set(&self, spec: &'static MetricSpec, labels: &[&str], value: f64) {
        self.registry.gauge(spec, labels).set(value);
    }

    fn observe(&self, spec: &'static MetricSpec, labels: &[&str], value: f64) {
        self.registry.histogram(spec, labels).observe(value);
    }

    /// One value of the only label is in force, all others that came before are not.
    fn set_only(&self, spec: &'static MetricSpec, value: &str) {
        let chosen = self.registry.gauge(spec, &[value]);
        let snapshot = self.registry.snapshot();
        let series = snapshot.metric(spec.name).into_iter().flat_map(|metric| &metric.series);
        for (_, other) in series.flat_map(|series| &series.labels) {
            self.registry.gauge(spec, &[other]).set(0.0);
        }
        chosen.set(1.0);
    }
}

fn find(name: &str, kind: MetricKind, labels: &[&str]) -> Result<&'static MetricSpec, ExportError> {
    let spec = catalogue().find(|spec| spec.name == name);
    let spec = spec.ok_or_else(|| {
        let name = name.chars().take(80).collect();
        ExportError::UnknownMetric { name }
    })?;
    let name = spec.name;
    if spec.kind != kind {
        return Err(ExportError::OtherKind { name, kind: spec.kind });
    }
    let (expected, found) = (spec.labels.len(), labels.len());
    if expected != found {
        return Err(ExportError::Labels { name, expected, found });
    }
    Ok(spec)
}

const fn side_word(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

const fn level_word(level: AlertLevel) -> &'static str {
    match level {
        AlertLevel::Info => "info",
        AlertLevel::Warning => "warning",
        AlertLevel::Error => "error",
        AlertLevel::Critical => "critical",
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.nanos() as f64 * 1e-9
}
