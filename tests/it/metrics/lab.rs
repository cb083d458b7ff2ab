//! An engine whose strategy says what the test wants, and whose venue is the test.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use tradewright::alert::{AlertBoard, MeteredBoard};
use tradewright::engine::{ActionPolicy, Command, Engine, EngineBuilder, Input, SlotConfig};
use tradewright::metrics::{MemoryMetrics, MetricsExporter, MetricsSink, Snapshot, Tee};
use tradewright::prelude::*;
use tradewright::types::{
    Adjustment, AdjustmentCause, AdjustmentKind, AlertAction, AssetId, FillReport, Leg, Liquidity,
    Money, Order, OrderReport, OrderUpdate, SlotId, TradeId,
};

pub const SHARE: InstrumentId = InstrumentId(0);
pub const PERP: InstrumentId = InstrumentId(1);
pub const VIX: InstrumentId = InstrumentId(2);
pub const USD: AssetId = AssetId(1);
pub const ONE: SlotId = SlotId(1);

type Word = Box<dyn FnOnce(&mut Advice) + Send>;
pub type Builder = EngineBuilder<Box<dyn Strategy>, ()>;

/// The engine with its metrics, and everything that has moved so far.
pub struct Lab<M = MemoryMetrics> {
    pub engine: Engine<Box<dyn Strategy>, M>,
    pub now: Timestamp,
    pub commands: Vec<Command>,
    say: Arc<Mutex<Option<Word>>>,
    trades: u128,
    last: Snapshot,
    pub moved: BTreeSet<&'static str>,
}

/// A sink whose values can be looked at.
pub trait Seen: MetricsSink {
    fn seen(&self) -> Snapshot;
}

impl Seen for MemoryMetrics {
    fn seen(&self) -> Snapshot {
        self.snapshot()
    }
}

/// With alerts beside the engine's own metrics, in one registry.
pub type WithAlerts = Tee<MemoryMetrics, MeteredBoard>;

impl Seen for WithAlerts {
    fn seen(&self) -> Snapshot {
        self.0.snapshot()
    }
}

pub fn with_alerts() -> WithAlerts {
    let metrics = MemoryMetrics::default();
    let exporter = MetricsExporter::new(metrics.registry().clone());
    Tee(metrics, MeteredBoard::new(AlertBoard::new(), exporter))
}

pub fn instruments() -> Instruments {
    let mut table = Instruments::new();
    table.add(Instrument::stock("SHARE", "USD")).unwrap();
    table.add(Instrument::linear_perpetual("PERP", "COIN", "USD")).unwrap();
    table.add(Instrument::stock("VIX", "USD")).unwrap();
    table
}

pub fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub fn price(text: &str) -> Price {
    Price::new(dec(text)).unwrap()
}

impl Lab {
    /// One strategy over all instruments, ten units a signal.
    pub fn new(build: impl FnOnce(Builder) -> Builder) -> Self {
        Self::with(|slot| slot, build)
    }

    pub fn with(
        shape: impl FnOnce(SlotConfig<Box<dyn Strategy>>) -> SlotConfig<Box<dyn Strategy>>,
        build: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        Self::around(MemoryMetrics::default(), shape, build)
    }
}

impl<M: Seen> Lab<M> {
    pub fn around(
        sink: M,
        shape: impl FnOnce(SlotConfig<Box<dyn Strategy>>) -> SlotConfig<Box<dyn Strategy>>,
        build: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let say: Arc<Mutex<Option<Word>>> = Arc::default();
        let words = Arc::clone(&say);
        let strategy: Box<dyn Strategy> = Box::new(from_fn("SCRIPT", move |event, _, advice| {
            if event.bar().is_some()
                && let Some(word) = words.lock().unwrap().take()
            {
                word(advice);
            }
        }));
        let slot = SlotConfig::new(strategy).sizer(FixedQuantity::new(Decimal::TEN).unwrap());
        let policy = ActionPolicy::new().allow(AlertAction::HaltTrading);
        let builder = Engine::builder(instruments(), USD).slot(shape(slot)).alert_actions(policy);
        let engine = build(builder).sink(sink).build().unwrap();
        let last = engine.sink().seen();
        let moved = BTreeSet::new();
        let now = Timestamp::from_secs(1_700_006_400).unwrap();
        let mut lab = Self { engine, now, commands: Vec::new(), say, trades: 0, last, moved };
        // What is there from the start on was moved by the start.
        for (name, series) in all_series(&lab.last) {
            if series.value != 0.0 && name == "trading_build_info" || name.starts_with("bot_sta") {
                lab.moved.insert(name);
            }
        }
        lab
    }

    /// Any input; what it has moved is noted.
    pub fn input(&mut self, input: &Input) {
        self.commands.clear();
        self.engine.handle(self.now, input, &mut self.commands).unwrap();
        let now = self.engine.sink().seen();
        for (name, series) in all_series(&now) {
            let labels: Vec<(&str, &str)> =
                series.labels.iter().map(|(label, value)| (*label, value.as_str())).collect();
            let before = self.last.value(name, &labels);
            let is_news = before.is_none_or(|before| before.to_bits() != series.value.to_bits());
            // A series that appears with zero was made, not moved.
            if is_news && !(before.is_none() && series.value == 0.0) {
                self.moved.insert(name);
            }
        }
        self.last = now;
    }

    pub fn adjust(&mut self, cause: AdjustmentCause, kind: AdjustmentKind) {
        self.input(&Input::Adjustment(Adjustment { cause, kind }));
    }

    pub fn deposit(&mut self, amount: &str) {
        let money = Money::new(dec(amount), USD);
        let cause = match money.amount.is_sign_negative() {
            true => AdjustmentCause::Withdrawal,
            false => AdjustmentCause::Deposit,
        };
        self.adjust(cause, AdjustmentKind::Capital(money));
    }

    pub fn pass(&mut self, seconds: u64) {
        self.now = self.now.after(std::time::Duration::from_secs(seconds));
    }

    pub fn event(&mut self, event: MarketEvent) {
        self.input(&Input::Market(event));
    }

    /// A minute passes and a bar comes.
    pub fn bar(&mut self, instrument: InstrumentId, close: f64) {
        self.pass(60);
        let bar = Bar::new(instrument, Period::MINUTE, [close; 4], 1_000.0).unwrap();
        self.event(MarketEvent::Bar(bar));
    }

    /// The strategy speaks at the next bar; the answer is the orders that were placed.
    pub fn says(
        &mut self,
        instrument: InstrumentId,
        close: f64,
        word: impl FnOnce(&mut Advice) + Send + 'static,
    ) -> Vec<Order> {
        *self.say.lock().unwrap() = Some(Box::new(word));
        self.bar(instrument, close);
        self.placed()
    }

    /// Orders in the commands of the last input.
    pub fn placed(&self) -> Vec<Order> {
        let order = |command: &Command| match command {
            Command::Place(order) => Some(*order),
            _ => None,
        };
        self.commands.iter().filter_map(order).collect()
    }

    pub fn report(&mut self, order: &Order, report: OrderReport) {
        let (id, intent) = (order.id, &order.intent);
        let (instrument, side, leg) = (intent.instrument, intent.side, Leg::Net);
        self.input(&Input::Order(OrderUpdate { order: id, instrument, side, leg, report }));
    }

    pub fn execution(&mut self, at: &str, units: &str, fee: &str) -> FillReport {
        self.trades += 1;
        FillReport {
            trade: TradeId(self.trades),
            price: price(at),
            quantity: Qty::new(dec(units)),
            fee: Money::new(dec(fee), USD),
            liquidity: Liquidity::Taker,
            before_slippage: price(at),
        }
    }

    /// The venue accepts an order and fills ten units of it.
    pub fn fill(&mut self, order: &Order, at: &str, fee: &str) -> Vec<Order> {
        self.report(order, OrderReport::Accepted);
        let execution = self.execution(at, "10", fee);
        self.report(order, OrderReport::Fill(execution));
        self.placed()
    }

    /// Ten units are bought and sold again.
    pub fn round_trip(&mut self, instrument: InstrumentId, [bought, sold]: [&str; 2]) {
        let close = bought.parse().unwrap();
        let orders = self.says(instrument, close, |advice| advice.buy(Confidence::FULL));
        self.fill(&orders[0], bought, "1");
        let close = sold.parse().unwrap();
        let orders = self.says(instrument, close, |advice| advice.sell(Confidence::FULL));
        self.fill(&orders[0], sold, "1");
    }

    #[track_caller]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let found = self.last.value(name, labels);
        found.unwrap_or_else(|| panic!("{name} {labels:?}: {:?}", self.last.metric(name)))
    }

    pub fn total(&self, name: &str) -> f64 {
        self.last.total(name)
    }
}

fn all_series(
    snapshot: &Snapshot,
) -> impl Iterator<Item = (&'static str, &tradewright::metrics::SeriesSnapshot)> {
    let metrics = snapshot.metrics.iter();
    metrics.flat_map(|metric| metric.series.iter().map(|series| (metric.name, series)))
}
