use serde::{Deserialize, Serialize};

use crate::account::Exposure;
use crate::metrics::MetricsSink;
use crate::types::{
    Anomaly, AssetId, Facts, Fill, Halt, HaltLevel, InstrumentId, Label, Money, Order, OrderId,
    OrderStatus, Price, Reason, Record, Side, Signal, SlotId, Timestamp, Trade,
};

/// How often equity is kept. Trades, orders and signals are always kept whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// After the events of every instant.
    #[default]
    Every,
    /// The last value of each UTC day: memory stays flat on long minute series.
    Daily,
    /// Only the last value.
    Last,
}

/// Equity at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EquityPoint {
    /// When.
    pub at: Timestamp,
    /// Cash and positions at mark, in the reporting currency.
    pub equity: f64,
    /// Value of all positions without signs, in the reporting currency.
    pub gross: f64,
}

/// One order and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderRow {
    /// What was sent.
    pub order: Order,
    /// Where it ended, or stands.
    pub status: OrderStatus,
    /// When that was reported.
    pub changed_at: Timestamp,
}

/// One opinion of a strategy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignalRow {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub slot: SlotId,
    /// What.
    pub signal: Signal,
}

/// One refusal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefusalRow {
    /// When.
    pub at: Timestamp,
    /// Whose intent.
    pub slot: SlotId,
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// Why.
    pub reason: Reason,
}

/// One change of halts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HaltRow {
    /// When.
    pub at: Timestamp,
    /// Cause and scope.
    pub halt: Halt,
    /// The level from then on.
    pub level: HaltLevel,
}

/// One placement or move of a position's stop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StopRow {
    /// When.
    pub at: Timestamp,
    /// Whose position.
    pub slot: SlotId,
    /// In what.
    pub instrument: InstrumentId,
    /// The trigger before; `None` for the first of a position.
    pub from: Option<Price>,
    /// The trigger from then on.
    pub to: Price,
}

/// Everything that records tell, gathered for a report.
#[derive(Clone, Debug, Default)]
pub struct Collector {
    sampling: Sampling,
    /// The equity curve.
    pub equity: Vec<EquityPoint>,
    /// Closed trades.
    pub trades: Vec<Trade>,
    /// Executions and what they realised.
    pub fills: Vec<(Fill, Money)>,
    /// Orders, as they were created.
    pub orders: Vec<OrderRow>,
    /// Opinions.
    pub signals: Vec<SignalRow>,
    /// Refused or shrunk intents.
    pub refusals: Vec<RefusalRow>,
    /// Signals that led to nothing, by reason: they are counted.
    pub passed: Vec<(Label, u64)>,
    /// Changes of halts.
    pub halts: Vec<HaltRow>,
    /// Stops that were placed or moved.
    pub stops: Vec<StopRow>,
    /// Funding payments.
    pub funding: Vec<(Timestamp, InstrumentId, Money)>,
    /// What must not happen and did.
    pub anomalies: Vec<(Timestamp, Anomaly, OrderId)>,
    /// Strategies that failed, and why.
    pub failures: Vec<(Timestamp, SlotId, String)>,
    pub(super) rates: BookedRates,
    exposure: Exposure,
}

/// Reporting currency per unit of what was booked, when it was booked; NaN where no rate was
/// known. Rows stand beside those of the [`Collector`].
#[derive(Clone, Debug, Default)]
pub(super) struct BookedRates {
    /// Of each fill: its settlement currency, its fee's asset.
    pub(super) fills: Vec<(f64, f64)>,
    /// Of each trade's settlement currency.
    pub(super) trades: Vec<f64>,
    /// Of each funding payment's asset.
    pub(super) funding: Vec<f64>,
}

impl Collector {
    /// An empty collector with room for so many instants.
    pub fn new(sampling: Sampling, instants: usize) -> Self {
        let room = match sampling {
            Sampling::Every => instants,
            Sampling::Daily | Sampling::Last => 0,
        };
        Self { sampling, equity: Vec::with_capacity(room), ..Self::default() }
    }

    /// Share of instants that ended with an open position; `None` before the first.
    pub fn exposure(&self) -> Option<f64> {
        self.exposure.share()
    }

    fn order(&mut self, id: OrderId) -> Option<&mut OrderRow> {
        let index = self.orders.binary_search_by_key(&id, |row| row.order.id).ok()?;
        self.orders.get_mut(index)
    }

    /// Notes the rates of what was booked since the last mark.
    #[cold]
    pub(super) fn note_rates(&mut self, facts: &Facts<'_>) {
        let settlement = |instrument: InstrumentId| {
            let asset = facts.instruments.get(instrument).map(|found| found.settlement);
            asset.and_then(|asset| facts.rate(asset)).unwrap_or(f64::NAN)
        };
        let rate = |asset: AssetId| facts.rate(asset).unwrap_or(f64::NAN);
        let rates = &mut self.rates;
        let fills = self.fills.iter().skip(rates.fills.len());
        rates.fills.extend(
            fills.map(|(fill, _)| (settlement(fill.instrument), rate(fill.execution.fee.asset))),
        );
        let trades = self.trades.iter().skip(rates.trades.len());
        rates.trades.extend(trades.map(|trade| settlement(trade.instrument)));
        let funding = self.funding.iter().skip(rates.funding.len());
        rates.funding.extend(funding.map(|(_, _, payment)| rate(payment.asset)));
    }

    #[inline]
    fn is_rated(&self) -> bool {
        self.rates.fills.len() == self.fills.len()
            && self.rates.trades.len() == self.trades.len()
            && self.rates.funding.len() == self.funding.len()
    }

    fn count_passed(&mut self, reason: &Reason) {
        let code = Label::new(reason.code.as_str());
        match self.passed.iter_mut().find(|(own, _)| *own == code) {
            Some((_, count)) => *count += 1,
            None => self.passed.push((code, 1)),
        }
    }
}

impl MetricsSink for Collector {
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        match record {
            Record::Signal { slot, signal } => {
                self.signals.push(SignalRow { at, slot: *slot, signal: **signal });
            }
            Record::Passed { reason, .. } => self.count_passed(reason),
            Record::Refused { intent, reason, .. } => self.refusals.push(RefusalRow {
                at,
                slot: intent.slot,
                instrument: intent.instrument,
                side: intent.side,
                reason: **reason,
            }),
            Record::Placed { order } => {
                let status = OrderStatus::Pending;
                self.orders.push(OrderRow { order: **order, status, changed_at: at });
            }
            Record::Transition { order, to, .. } => {
                if let Some(row) = self.order(*order) {
                    row.status = *to;
                    row.changed_at = at;
                }
            }
            Record::Filled { fill, realised } => self.fills.push((**fill, *realised)),
            Record::Closed { trade } => self.trades.push(**trade),
            Record::Adjusted { .. }
            | Record::Reported { .. }
            | Record::Doubted { .. }
            | Record::Status { .. }
            | Record::Delivered { .. }
            | Record::Paid { .. }
            | Record::LimitChanged { .. }
            | Record::Parent { .. }
            | Record::Acted { .. } => {}
            Record::Funded { instrument, payment, .. } => {
                self.funding.push((at, *instrument, *payment));
            }
            Record::Halted { halt, level, .. } => {
                self.halts.push(HaltRow { at, halt: **halt, level: *level });
            }
            Record::StopMoved { slot, instrument, from, to, .. } => self.stops.push(StopRow {
                at,
                slot: *slot,
                instrument: *instrument,
                from: *from,
                to: *to,
            }),
            Record::Anomaly { anomaly, order, .. } => self.anomalies.push((at, *anomaly, *order)),
            Record::Failed { slot, error } => {
                self.failures.push((at, *slot, (*error).to_owned()));
            }
        }
    }

    #[inline]
    fn on_mark(&mut self, facts: &Facts<'_>) {
        if !self.is_rated() {
            self.note_rates(facts);
        }
        let (equity, gross) = (facts.equity(), facts.book.gross());
        let point = EquityPoint { at: facts.at, equity, gross };
        self.exposure.mark(facts.at, gross > 0.0);
        let Some(last) = self.equity.last_mut() else {
            self.equity.push(point);
            return;
        };
        if last.at == point.at {
            *last = point;
            return;
        }
        let replaced = match self.sampling {
            Sampling::Every => false,
            Sampling::Daily => last.at.utc_day() == point.at.utc_day(),
            Sampling::Last => true,
        };
        if replaced {
            *last = point;
        } else {
            self.equity.push(point);
        }
    }
}
