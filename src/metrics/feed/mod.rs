//! From the engine's records to the metrics of the catalogue.

mod account;
mod lazy;
mod live;
mod market;
mod money;
mod names;
mod orders;
mod performance;
mod rates;
mod records;
mod risk;

use core::time::Duration;

use self::account::AccountFeed;
use self::lazy::Dense;
use self::market::MarketFeed;
use self::money::MoneyFeed;
use self::names::Names;
use self::orders::OrderFeed;
use self::performance::PerformanceFeed;
use self::rates::Rates;
use self::records::RecordFeed;
use self::risk::RiskFeed;
use super::catalogue::system;
use super::{CounterHandle, GaugeHandle, Meter, MetricsSink, Registry, RunStart, Snapshot};
use crate::types::{
    DayBoundary, Facts, Fill, InstrumentId, Label, LimitUse, MarketEvent, Money, OrderReport,
    Record, Timestamp, Trade,
};

/// Metrics in memory: for tests, and for a dashboard inside of the program.
pub type MemoryMetrics = EngineMetrics<Registry>;

/// Reads an engine's records and keeps every metric of the catalogue that is not pending. (Alerts
/// are told by a [`MeteredBoard`](crate::alert::MeteredBoard) beside it.)
///
/// Handles are made when the engine is built and when something is seen for the first time; from
/// then on a record costs a few atomic operations, and nothing is allocated.
///
/// One sink serves one engine. Several engines may share a registry when their strategies have
/// different names; totals without labels are then those of the engine that wrote last, so that
/// a registry each, under different namespaces, is the better way.
///
/// ```
/// use tradewright::metrics::MemoryMetrics;
/// use tradewright::prelude::*;
///
/// let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/fb_1d.csv");
/// let tape = CsvBars::open(file).load(Instrument::stock("FB", "USD"))?;
/// let run = Backtest::new(&tape).strategy("MEAN_REVERSION").run_with(MemoryMetrics::default())?;
/// let (report, metrics) = run;
/// let snapshot = metrics.snapshot();
/// assert_eq!(snapshot.total("trading_orders_filled_total"), report.orders.len() as f64);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EngineMetrics<M: Meter = Registry> {
    meter: M,
    settings: Settings,
    names: Names,
    rates: Rates,
    /// The volatility index, where it is among the instruments.
    index: Option<InstrumentId>,
    next_sample: Timestamp,
    next_limits: Timestamp,
    /// The reads at which limits were last looked at.
    limits_read: Option<u64>,
    /// The refusal that comes next is the venue's, not ours.
    is_venue_refusal: bool,
    records: RecordFeed<M>,
    account: AccountFeed<M>,
    market: MarketFeed<M>,
    money: MoneyFeed<M>,
    orders: OrderFeed<M>,
    performance: PerformanceFeed<M>,
    risk: RiskFeed<M>,
    errors: Dense<M::Counter>,
}

#[derive(Clone, Debug)]
struct Settings {
    day: DayBoundary,
    index: Label,
    bots: String,
    every: Duration,
}

impl Default for EngineMetrics<Registry> {
    fn default() -> Self {
        Self::new(Registry::new())
    }
}

impl EngineMetrics<Registry> {
    /// The registry, to read on another thread or to feed by hand.
    pub const fn registry(&self) -> &Registry {
        &self.meter
    }

    /// Every value as it is now.
    pub fn snapshot(&self) -> Snapshot {
        self.meter.snapshot()
    }
}

impl<M: Meter> EngineMetrics<M> {
    /// A sink that keeps its values in `meter`.
    pub fn new(meter: M) -> Self {
        let settings = Settings {
            day: DayBoundary::UTC,
            index: Label::new("VIX"),
            bots: String::new(),
            every: Duration::from_secs(1),
        };
        let names = Names::default();
        Self {
            records: RecordFeed::new(&meter),
            account: AccountFeed::new(&meter, &names, settings.day),
            market: MarketFeed::new(&meter, &names),
            money: MoneyFeed::new(&meter, &names),
            orders: OrderFeed::new(&meter, &names),
            performance: PerformanceFeed::new(&meter, &names, &settings.bots),
            risk: RiskFeed::new(&meter),
            errors: Dense::default(),
            meter,
            settings,
            names,
            rates: Rates::default(),
            index: None,
            next_sample: Timestamp::from_nanos(i64::MIN),
            next_limits: Timestamp::from_nanos(i64::MIN),
            limits_read: None,
            is_venue_refusal: false,
        }
    }

    /// When a trading day ends, for what is counted by the day; midnight UTC unless said. Say it
    /// before the engine is built.
    #[must_use]
    pub fn day(mut self, day: DayBoundary) -> Self {
        self.settings.day = day;
        self
    }

    /// The symbol of the instrument whose mark is shown as volatility index; `VIX` unless said.
    #[must_use]
    pub fn volatility_index(mut self, symbol: &str) -> Self {
        self.settings.index = Label::new(symbol);
        self
    }

    /// What stands before the number of a slot in `bot_id`, so that the bots of several engines
    /// differ; nothing unless said.
    #[must_use]
    pub fn bots(mut self, prefix: &str) -> Self {
        self.settings.bots = prefix.to_owned();
        self
    }

    /// How long, in the engine's time, the use of limits is at least left alone; a second unless
    /// said. It is computed for readers: at the first market event after values were read (a
    /// scrape, a snapshot), so that a reader finds what held soon after the read before.
    #[must_use]
    pub const fn limits_every(mut self, span: Duration) -> Self {
        self.settings.every = span;
        self
    }

    fn look(&mut self, facts: &Facts<'_>) {
        if facts.at >= self.next_sample {
            self.next_sample = self.rates.refresh(facts);
        }
        if self.account.look(facts, &self.meter) {
            self.performance.new_day();
            self.risk.new_day();
        }
    }

    fn on_fill(&mut self, fill: &Fill, realised: Money) {
        self.account.touch_slot(self.names.slot(fill.slot));
        self.money.filled(fill, realised, &self.rates, (&self.names, &self.meter));
    }

    fn on_trade(&mut self, trade: &Trade) {
        self.account.touch_slot(self.names.slot(trade.slot));
        let net = trade.net().map(|net| Money::new(net, trade.gross.asset));
        let net = net.map_or(f64::NAN, |net| self.rates.value(net));
        let equity = self.account.equity();
        self.performance.closed(trade, [net, equity], (&self.names, &self.meter));
        self.money.closed(trade, net, &self.names, &self.meter);
    }

    fn on_error(&mut self, component: usize) {
        let word = if component == 0 { "strategy" } else { "orders" };
        let make = || self.meter.counter(&system::ERRORS, &[word, "error"]);
        self.errors.with(component, make, CounterHandle::increment);
    }

    /// Orders and what comes of them.
    fn on_order(&mut self, at: Timestamp, record: &Record<'_>) {
        let context = (&self.names, &self.meter);
        match record {
            Record::Placed { order } => {
                self.account.touch_orders();
                self.risk.approved();
                self.orders.placed(order, context);
            }
            Record::Transition { order, from, to, report } => {
                self.account.touch_orders();
                self.is_venue_refusal = matches!(report, OrderReport::Rejected(_));
                self.orders.moved(at, *order, [*from, *to], report, context);
            }
            Record::Reported { order, report } => {
                self.account.touch_orders();
                self.orders.reported(*order, report, context);
            }
            Record::Refused { intent, granted, reason } => {
                let is_venues = core::mem::take(&mut self.is_venue_refusal);
                if !is_venues {
                    self.risk.refused(intent, *granted, reason, context);
                }
            }
            Record::StopMoved { slot, from, .. } => self.orders.stop(*slot, *from, context),
            _ => {}
        }
    }

    /// What is not part of every order's life.
    fn on_rare(&mut self, record: &Record<'_>) {
        let (names, meter) = (&self.names, &self.meter);
        match record {
            Record::Adjusted { adjustment } => {
                self.account.touch_all();
                let shift = self.money.adjusted(adjustment, &self.rates, (names, meter));
                self.account.deposit(shift);
            }
            Record::Funded { instrument, payment, .. } => {
                self.account.touch();
                self.money.funded(*instrument, self.rates.value(*payment), names, meter);
            }
            Record::Paid { payment, cause, .. } => {
                self.account.touch();
                self.money.paid(*cause, self.rates.value(*payment), meter);
            }
            Record::Halted { halt, level, step } => self.risk.halted(halt, *level, *step, meter),
            Record::Anomaly { anomaly, .. } => {
                self.orders.anomaly(*anomaly, meter);
                self.on_error(1);
            }
            Record::Failed { slot, .. } => {
                self.performance.failed(*slot, (names, meter));
                self.on_error(0);
            }
            Record::Status { slot, status } => {
                self.performance.status(*slot, *status, (names, meter))
            }
            Record::LimitChanged { change, .. } => {
                self.risk.limit_changed(change.key.name, meter);
            }
            Record::Acted { request, outcome } => self.risk.acted(request, *outcome, meter),
            _ => {}
        }
    }
}

impl<M: Meter> MetricsSink for EngineMetrics<M> {
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        self.records.count(record);
        match record {
            Record::Signal { slot, signal } => {
                self.performance.signal(*slot, signal, (&self.names, &self.meter));
            }
            Record::Passed { slot, reason, .. } => {
                self.risk.passed(*slot, reason, &self.names, &self.meter);
            }
            Record::Filled { fill, realised } => self.on_fill(fill, *realised),
            Record::Closed { trade } => self.on_trade(trade),
            Record::Placed { .. }
            | Record::Transition { .. }
            | Record::Reported { .. }
            | Record::Refused { .. }
            | Record::StopMoved { .. } => self.on_order(at, record),
            Record::Adjusted { .. }
            | Record::Funded { .. }
            | Record::Paid { .. }
            | Record::Halted { .. }
            | Record::Anomaly { .. }
            | Record::Failed { .. }
            | Record::Status { .. }
            | Record::Parent { .. }
            | Record::Delivered { .. }
            | Record::Doubted { .. }
            | Record::LimitChanged { .. }
            | Record::Acted { .. } => self.on_rare(record),
        }
    }

    fn on_start(&mut self, run: &RunStart<'_>) {
        self.names = Names::of(run);
        self.rates = Rates::of(run);
        let (names, meter) = (&self.names, &self.meter);
        self.index = run.instruments.find(self.settings.index.as_str()).map(|found| found.id);
        self.account = AccountFeed::new(meter, names, self.settings.day);
        self.market = MarketFeed::new(meter, names);
        self.money = MoneyFeed::new(meter, names);
        self.orders = OrderFeed::new(meter, names);
        self.performance = PerformanceFeed::new(meter, names, &self.settings.bots);
        self.risk = RiskFeed::new(meter);
        meter.gauge(&system::BUILD, &[env!("CARGO_PKG_VERSION")]).set(1.0);
    }

    #[inline]
    fn on_mark(&mut self, facts: &Facts<'_>) {
        self.look(facts);
    }

    #[inline]
    fn on_settled(&mut self, facts: &Facts<'_>) {
        self.look(facts);
    }

    #[inline]
    fn on_market(&mut self, at: Timestamp, event: &MarketEvent) {
        let mark = event.mark();
        self.market.on_event(at, (event, mark), &self.names, &self.meter);
        let Some(price) = mark else { return };
        let instrument = event.instrument();
        self.rates.mark(instrument, price);
        if self.index == Some(instrument) {
            self.account.show_index(price);
        }
    }

    #[inline]
    fn wants_limits(&self, at: Timestamp) -> bool {
        let reads = self.meter.reads();
        at >= self.next_limits && (reads.is_none() || reads != self.limits_read)
    }

    fn on_limits(&mut self, facts: &Facts<'_>, limits: &[LimitUse]) {
        self.limits_read = self.meter.reads();
        self.next_limits = facts.at.after(self.settings.every);
        self.risk.limits(limits, &self.meter);
    }
}
