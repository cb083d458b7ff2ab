use super::Names;
use super::lazy::{Dense, Keyed};
use super::live::{Live, LiveOrder};
use crate::metrics::catalogue::{orders, trading};
use crate::metrics::{CounterHandle, GaugeHandle, HistogramHandle, Meter, OTHER};
use crate::types::{
    Anomaly, Order, OrderId, OrderKind, OrderReport, OrderStatus, Price, RejectReason, Side,
    SlotId, Timestamp,
};

/// The life of orders.
pub(super) struct OrderFeed<M: Meter> {
    live: Live,
    slots: Dense<SlotOrders<M>>,
    /// By slot, instrument, side and status.
    trades: Dense<M::Counter>,
    rejected: Keyed<(usize, Refusal), M::Counter>,
    changes_refused: Keyed<(usize, Refusal), M::Counter>,
    anomalies: Dense<M::Counter>,
}

/// One strategy's handles.
struct SlotOrders<M: Meter> {
    open: f64,
    open_gauge: M::Gauge,
    submitted: [[M::Counter; 6]; 2],
    filled: [M::Counter; 2],
    cancelled: M::Counter,
    expired: M::Counter,
    amended: M::Counter,
    triggered: M::Counter,
    fill_time: M::Histogram,
    acknowledge_time: M::Histogram,
    stops_placed: M::Counter,
    stops_moved: M::Counter,
}

const SIDES: [&str; 2] = ["BUY", "SELL"];
const KINDS: [&str; 6] =
    ["market", "limit", "stop_market", "stop_limit", "take_profit", "trailing_stop"];
const STATUSES: [&str; 5] = ["filled", "partially_filled", "cancelled", "rejected", "expired"];

impl<M: Meter> SlotOrders<M> {
    fn new(meter: &M, strategy: &str) -> Self {
        let counter = |spec| meter.counter(spec, &[strategy]);
        let submitted = |side, kind| meter.counter(&orders::SUBMITTED, &[strategy, side, kind]);
        let open_gauge = meter.gauge(&orders::ORDERS_OPEN, &[strategy]);
        open_gauge.set(0.0);
        Self {
            open: 0.0,
            open_gauge,
            submitted: SIDES.map(|side| KINDS.map(|kind| submitted(side, kind))),
            filled: SIDES.map(|side| meter.counter(&orders::FILLED, &[strategy, side])),
            cancelled: counter(&orders::CANCELLED),
            expired: counter(&orders::EXPIRED),
            amended: counter(&orders::AMENDED),
            triggered: counter(&orders::TRIGGERED),
            fill_time: meter.histogram(&orders::FILL_TIME, &[strategy]),
            acknowledge_time: meter.histogram(&orders::ACKNOWLEDGE_TIME, &[strategy]),
            stops_placed: counter(&orders::STOPS_PLACED),
            stops_moved: counter(&orders::STOPS_MOVED),
        }
    }

    fn change_open(&mut self, change: f64) {
        self.open += change;
        self.open_gauge.set(self.open);
    }
}

impl<M: Meter> OrderFeed<M> {
    pub(super) fn new(meter: &M, names: &Names) -> Self {
        let mut slots = Dense::default();
        for place in names.bots() {
            slots.get(place, || SlotOrders::new(meter, names.strategy(place)));
        }
        Self {
            live: Live::default(),
            slots,
            trades: Dense::default(),
            rejected: Keyed::default(),
            changes_refused: Keyed::default(),
            anomalies: Dense::default(),
        }
    }

    pub(super) fn placed(&mut self, order: &Order, context: (&Names, &M)) {
        let intent = &order.intent;
        let (id, created_at) = (order.id, order.created_at);
        let live = LiveOrder { id, instrument: intent.instrument, side: intent.side, created_at };
        let forgotten = self.live.insert(live);
        if let Some(slot) = forgotten.and_then(|old| self.slot(old.slot(), context)) {
            slot.change_open(-1.0);
        }
        let Some(slot) = self.slot(id.slot(), context) else { return };
        slot.change_open(1.0);
        let [buy, sell] = &slot.submitted;
        let kinds = if intent.side == Side::Buy { buy } else { sell };
        let [market, limit, stop_market, stop_limit, take_profit, trailing] = kinds;
        match intent.kind {
            OrderKind::Market => market,
            OrderKind::Limit { .. } => limit,
            OrderKind::StopMarket { .. } => stop_market,
            OrderKind::StopLimit { .. } => stop_limit,
            OrderKind::TakeProfit { .. } => take_profit,
            OrderKind::TrailingStop { .. } => trailing,
        }
        .increment();
    }

    pub(super) fn moved(
        &mut self,
        at: Timestamp,
        id: OrderId,
        [from, to]: [OrderStatus; 2],
        report: &OrderReport,
        context: (&Names, &M),
    ) {
        let Some(order) = self.live.find(id) else { return };
        let taken = at.since(order.created_at).as_secs_f64();
        let is_first = from != to;
        if let Some(slot) = self.slot(order.slot(), context) {
            if from == OrderStatus::Pending {
                slot.acknowledge_time.observe(taken);
            }
            match to {
                OrderStatus::Filled => {
                    let [buy, sell] = &slot.filled;
                    if order.side == Side::Buy { buy } else { sell }.increment();
                    slot.fill_time.observe(taken);
                }
                OrderStatus::Cancelled => slot.cancelled.increment(),
                OrderStatus::Expired => slot.expired.increment(),
                OrderStatus::Rejected
                | OrderStatus::Pending
                | OrderStatus::Open
                | OrderStatus::PartiallyFilled => {}
            }
            if to.is_terminal() {
                slot.change_open(-1.0);
            }
        }
        if let (OrderStatus::Rejected, OrderReport::Rejected(reason)) = (to, report) {
            self.reject(order.slot(), *reason, context);
        }
        if is_first {
            self.count_trade(&order, to, context);
        }
        if to.is_terminal() {
            self.live.remove(id);
        }
    }

    fn count_trade(&mut self, order: &LiveOrder, to: OrderStatus, (names, meter): (&Names, &M)) {
        let status = match to {
            OrderStatus::Filled => 0,
            OrderStatus::PartiallyFilled => 1,
            OrderStatus::Cancelled => 2,
            OrderStatus::Rejected => 3,
            OrderStatus::Expired => 4,
            OrderStatus::Pending | OrderStatus::Open => return,
        };
        let (slot, symbol) = (names.slot(order.slot()), names.instrument(order.instrument));
        let side = usize::from(order.side == Side::Sell);
        let index = ((slot * names.instruments() + symbol) * 2 + side) * STATUSES.len() + status;
        let make = || {
            let (strategy, symbol) = (names.strategy(slot), names.symbol(symbol));
            meter.counter(&trading::TRADES, &[strategy, symbol, SIDES[side], STATUSES[status]])
        };
        self.trades.with(index, make, CounterHandle::increment);
    }

    fn reject(&mut self, id: SlotId, reason: RejectReason, (names, meter): (&Names, &M)) {
        let (slot, refusal) = (names.slot(id), Refusal::of(reason));
        let make = |is_rest: bool| {
            let word = if is_rest { OTHER } else { refusal.as_str() };
            meter.counter(&orders::REJECTED, &[names.strategy(slot), word])
        };
        self.rejected.with((slot, refusal), make, CounterHandle::increment);
    }

    /// What the venue said of an order that leaves its status as it was.
    pub(super) fn reported(&mut self, id: OrderId, report: &OrderReport, context: (&Names, &M)) {
        let (names, meter) = context;
        match report {
            OrderReport::Amended { .. } => {
                if let Some(slot) = self.slot(id.slot(), context) {
                    slot.amended.increment();
                }
            }
            OrderReport::Triggered => {
                if let Some(slot) = self.slot(id.slot(), context) {
                    slot.triggered.increment();
                }
            }
            OrderReport::ChangeRefused(reason) => {
                let (slot, refusal) = (names.slot(id.slot()), Refusal::of(*reason));
                let make = |is_rest: bool| {
                    let word = if is_rest { OTHER } else { refusal.as_str() };
                    meter.counter(&orders::CHANGES_REFUSED, &[names.strategy(slot), word])
                };
                self.changes_refused.with((slot, refusal), make, CounterHandle::increment);
            }
            _ => {}
        }
    }

    pub(super) fn anomaly(&mut self, anomaly: Anomaly, meter: &M) {
        let (index, word) = match anomaly {
            Anomaly::Overfill => (0, "overfill"),
            Anomaly::FillAfterEnd => (1, "fill_after_end"),
            Anomaly::UnknownOrder => (2, "unknown_order"),
            Anomaly::ImpossibleReport => (3, "impossible_report"),
            Anomaly::RepeatedFill => (4, "repeated_fill"),
        };
        let make = || meter.counter(&orders::ANOMALIES, &[word]);
        self.anomalies.with(index, make, CounterHandle::increment);
    }

    /// A stop was placed, or moved from where it was.
    pub(super) fn stop(&mut self, id: SlotId, from: Option<Price>, context: (&Names, &M)) {
        if let Some(slot) = self.slot(id, context) {
            match from {
                None => slot.stops_placed.increment(),
                Some(_) => slot.stops_moved.increment(),
            }
        }
    }

    fn slot(&mut self, id: SlotId, (names, meter): (&Names, &M)) -> Option<&mut SlotOrders<M>> {
        let place = names.slot(id);
        self.slots.get(place, || SlotOrders::new(meter, names.strategy(place)))
    }
}

/// A venue's refusal as a key with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Refusal(crate::types::Label);

impl Refusal {
    fn of(reason: RejectReason) -> Self {
        let word = match reason {
            RejectReason::InvalidOrder => "invalid_order",
            RejectReason::InsufficientFunds => "insufficient_funds",
            RejectReason::WouldTake => "would_take",
            RejectReason::NothingToReduce => "nothing_to_reduce",
            RejectReason::NoLiquidity => "no_liquidity",
            RejectReason::DuplicateId => "duplicate_id",
            RejectReason::NotFound => "not_found",
            RejectReason::NotTrading => "not_trading",
            RejectReason::Other(label) => return Self(label),
        };
        Self(crate::types::Label::new(word))
    }

    fn as_str(&self) -> &str {
        self.0.as_str()
    }
}
