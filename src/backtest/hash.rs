//! The run hash: XXH3 (128 bits, Yann Collet) over the tape, the configuration, and every
//! command and record, in a byte form that this file alone defines.

use core::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use twox_hash::xxhash3_128::Hasher as Xxh3;

use crate::engine::Command;
use crate::metrics::MetricsSink;
use crate::types::{
    Adjustment, AdjustmentKind, Amount, Fill, FillReport, HaltCause, HaltScope, Intent, Label,
    Linkage, MarketEvent, Money, Offset, OrderId, OrderKind, OrderReport, Reason, Record,
    RejectReason, TimeInForce, Timestamp, Trade,
};

use super::Timed;

/// The fingerprint of a run: equal for equal data, configuration, commands and records, on
/// every machine, in debug and release, with any number of threads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunHash(pub u128);

impl fmt::Display for RunHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl fmt::Debug for RunHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RunHash({self})")
    }
}

impl Serialize for RunHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RunHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Bytes that are gathered before they are folded into the state.
const BLOCK: usize = 4_096;

/// A chained hash: its state is 16 bytes and the bytes of an unfinished block, so that it can
/// be saved in the middle of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// The hash of the blocks before, then the bytes of the unfinished block.
    block: Vec<u8>,
}

/// Bytes of the hash that heads a block.
const HEAD: usize = size_of::<u128>();

impl Default for Digest {
    fn default() -> Self {
        let mut block = Vec::with_capacity(HEAD + BLOCK + 1_024);
        block.resize(HEAD, 0);
        Self { block }
    }
}

impl Digest {
    /// An empty digest.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds raw bytes.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.block.extend_from_slice(bytes);
    }

    /// Adds a text with its length.
    pub fn text(&mut self, text: &str) {
        self.u64(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    /// The hash of everything so far.
    pub fn value(&self) -> RunHash {
        RunHash(Xxh3::oneshot(&self.block))
    }

    /// Closes a record. Blocks have one length, so that the value does not depend on how the
    /// bytes were cut into records.
    #[inline]
    fn end(&mut self) {
        while self.block.len() >= HEAD + BLOCK {
            self.fold_block();
        }
    }

    #[cold]
    fn fold_block(&mut self) {
        let full = self.block.get(..HEAD + BLOCK).unwrap_or_default();
        let hash = Xxh3::oneshot(full).to_le_bytes();
        self.block.drain(HEAD..HEAD + BLOCK);
        if let Some(head) = self.block.get_mut(..HEAD) {
            head.copy_from_slice(&hash);
        }
    }

    #[inline]
    fn u8(&mut self, value: u8) {
        self.block.push(value);
    }

    #[inline]
    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    #[inline]
    fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    #[inline]
    fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }

    #[inline]
    fn decimal(&mut self, value: Decimal) {
        self.bytes(&value.serialize());
    }

    #[inline]
    fn at(&mut self, at: Timestamp) {
        self.bytes(&at.nanos().to_le_bytes());
    }

    fn label(&mut self, label: &Label) {
        let text = label.as_str();
        self.u8(text.len() as u8);
        self.bytes(text.as_bytes());
    }

    fn money(&mut self, money: &Money) {
        self.decimal(money.amount);
        self.u32(u32::from(money.asset.0));
    }

    fn id(&mut self, id: OrderId) {
        self.u32(id.epoch());
        self.u32(u32::from(id.slot().0));
        self.u64(id.sequence());
    }

    /// Adds a market event and its time.
    pub fn event(&mut self, timed: &Timed) {
        self.at(timed.at);
        let event = &timed.event;
        self.u32(event.instrument().0);
        match event {
            MarketEvent::Bar(bar) => {
                self.u8(0);
                self.text(&bar.period.to_string());
                for value in [bar.open, bar.high, bar.low, bar.close, bar.volume] {
                    self.f64(value);
                }
            }
            MarketEvent::Print(print) => {
                self.u8(1);
                self.f64(print.price);
                self.f64(print.quantity);
                self.u8(print.taker.map_or(2, |side| side as u8));
            }
            MarketEvent::Quote(quote) => {
                self.u8(2);
                for value in [quote.bid, quote.bid_quantity, quote.ask, quote.ask_quantity] {
                    self.f64(value);
                }
            }
            MarketEvent::Book(book) => {
                self.u8(3);
                for side in [&book.bids, &book.asks] {
                    self.u64(side.len() as u64);
                    for level in side {
                        self.f64(level.price);
                        self.f64(level.quantity);
                    }
                }
            }
            MarketEvent::Funding(funding) => {
                self.u8(4);
                self.f64(funding.rate);
                self.f64(funding.mark);
            }
            MarketEvent::Mark(mark) => {
                self.u8(5);
                self.f64(mark.price);
            }
            MarketEvent::Custom(custom) => {
                self.u8(6);
                self.label(&custom.key);
                self.f64(custom.value);
            }
        }
        self.end();
    }

    /// Adds a command. What a placed order says is in its record already.
    pub fn command(&mut self, at: Timestamp, command: &Command) {
        self.u8(100);
        self.at(at);
        match command {
            Command::Place(order) => {
                self.u8(0);
                self.id(order.id);
            }
            Command::Cancel { order, instrument } => {
                self.u8(1);
                self.id(*order);
                self.u32(instrument.0);
            }
            Command::Amend { order, instrument, quantity, price } => {
                self.u8(2);
                self.id(*order);
                self.u32(instrument.0);
                self.decimal(quantity.value());
                self.decimal(price.value());
            }
            Command::Alert(alert) => {
                self.u8(3);
                self.u8(alert.level as u8);
                self.label(&alert.code);
                self.label(&alert.subject);
            }
        }
        self.end();
    }

    fn intent(&mut self, intent: &Intent) {
        self.u32(u32::from(intent.slot.0));
        self.u32(intent.instrument.0);
        self.u8(intent.side as u8);
        match &intent.amount {
            Amount::Quantity(quantity) => {
                self.u8(0);
                self.decimal(quantity.value());
            }
            Amount::Cash(money) => {
                self.u8(1);
                self.money(money);
            }
        }
        self.kind(&intent.kind);
        match intent.time_in_force {
            TimeInForce::Gtc => self.u8(0),
            TimeInForce::Ioc => self.u8(1),
            TimeInForce::Fok => self.u8(2),
            TimeInForce::Gtd(until) => {
                self.u8(3);
                self.at(until);
            }
            TimeInForce::Day => self.u8(4),
        }
        self.u8(u8::from(intent.flags.post_only) | (u8::from(intent.flags.reduce_only) << 1));
        self.u8(intent.leg as u8);
        self.u8(intent.purpose as u8);
        for price in intent.bracket.iter().flat_map(|exits| [exits.take_profit, exits.stop_loss]) {
            self.decimal(price.map_or(Decimal::ZERO, crate::types::Price::value));
        }
        match intent.linkage {
            Linkage::None => self.u8(0),
            Linkage::OneCancelsOther(group) => {
                self.u8(1);
                self.u64(group);
            }
        }
        self.f64(intent.reference);
        self.label(&intent.tag);
        self.label(&intent.reason);
    }

    fn kind(&mut self, kind: &OrderKind) {
        match kind {
            OrderKind::Market => self.u8(0),
            OrderKind::Limit { price } => {
                self.u8(1);
                self.decimal(price.value());
            }
            OrderKind::StopMarket { trigger } => {
                self.u8(2);
                self.decimal(trigger.value());
            }
            OrderKind::StopLimit { trigger, price } => {
                self.u8(3);
                self.decimal(trigger.value());
                self.decimal(price.value());
            }
            OrderKind::TakeProfit { trigger } => {
                self.u8(4);
                self.decimal(trigger.value());
            }
            OrderKind::TrailingStop { offset: Offset::Price(price) } => {
                self.u8(5);
                self.decimal(price.value());
            }
            OrderKind::TrailingStop { offset: Offset::BasisPoints(points) } => {
                self.u8(6);
                self.u32(u32::from(*points));
            }
        }
    }

    fn reason(&mut self, reason: &Reason) {
        self.text(reason.code.as_str());
        self.f64(reason.limit);
        self.f64(reason.observed);
    }

    fn execution(&mut self, execution: &FillReport) {
        self.bytes(&execution.trade.0.to_le_bytes());
        self.decimal(execution.price.value());
        self.decimal(execution.quantity.value());
        self.money(&execution.fee);
        self.u8(execution.liquidity as u8);
        self.decimal(execution.before_slippage.value());
    }

    fn fill(&mut self, fill: &Fill) {
        self.id(fill.order);
        self.u32(u32::from(fill.slot.0));
        self.u32(fill.instrument.0);
        self.u8(fill.side as u8);
        self.u8(fill.leg as u8);
        self.execution(&fill.execution);
        self.u8(fill.purpose as u8);
    }

    fn trade(&mut self, trade: &Trade) {
        self.u32(u32::from(trade.slot.0));
        self.u32(trade.instrument.0);
        self.u8(trade.leg as u8);
        self.u8(trade.side as u8);
        self.decimal(trade.quantity.value());
        self.at(trade.opened_at);
        self.decimal(trade.entry);
        self.decimal(trade.exit.value());
        self.money(&trade.gross);
        self.decimal(trade.fees);
        self.decimal(trade.funding);
        self.label(&trade.tag);
    }

    fn report(&mut self, report: &OrderReport) {
        match report {
            OrderReport::Accepted => self.u8(0),
            OrderReport::Rejected(reason) => {
                self.u8(1);
                self.reject(reason);
            }
            // The execution itself is in the record of the fill.
            OrderReport::Fill(execution) => {
                self.u8(2);
                self.bytes(&execution.trade.0.to_le_bytes());
            }
            OrderReport::Cancelled => self.u8(3),
            OrderReport::Expired => self.u8(4),
            OrderReport::Amended { quantity, price } => {
                self.u8(5);
                self.decimal(quantity.value());
                self.decimal(price.map_or(Decimal::ZERO, crate::types::Price::value));
            }
            OrderReport::Resolved { quantity } => {
                self.u8(6);
                self.decimal(quantity.value());
            }
            OrderReport::Triggered => self.u8(7),
            OrderReport::ChangeRefused(reason) => {
                self.u8(8);
                self.reject(reason);
            }
        }
    }

    fn reject(&mut self, reason: &RejectReason) {
        match reason {
            RejectReason::InvalidOrder => self.u8(0),
            RejectReason::InsufficientFunds => self.u8(1),
            RejectReason::WouldTake => self.u8(2),
            RejectReason::NothingToReduce => self.u8(3),
            RejectReason::NoLiquidity => self.u8(4),
            RejectReason::DuplicateId => self.u8(5),
            RejectReason::NotFound => self.u8(6),
            RejectReason::NotTrading => self.u8(7),
            RejectReason::Other(label) => {
                self.u8(8);
                self.label(label);
            }
        }
    }

    fn adjustment(&mut self, adjustment: &Adjustment) {
        self.u8(adjustment.cause as u8);
        match &adjustment.kind {
            AdjustmentKind::Capital(money) => {
                self.u8(0);
                self.money(money);
            }
            AdjustmentKind::Income(money) => {
                self.u8(1);
                self.money(money);
            }
            AdjustmentKind::Position { slot, instrument, change, price } => {
                self.u8(2);
                self.u32(u32::from(slot.0));
                self.u32(instrument.0);
                self.decimal(change.value());
                self.decimal(price.value());
            }
            AdjustmentKind::Split { instrument, numerator, denominator } => {
                self.u8(3);
                self.u32(instrument.0);
                self.u32(*numerator);
                self.u32(*denominator);
            }
        }
    }

    fn cause(&mut self, cause: HaltCause) {
        match cause {
            HaltCause::CircuitBreaker => self.u8(0),
            HaltCause::DailyLoss => self.u8(1),
            HaltCause::StaleData => self.u8(2),
            HaltCause::Drawdown => self.u8(3),
            HaltCause::Operator => self.u8(4),
            HaltCause::FillAnomaly => self.u8(5),
            HaltCause::Reconciliation => self.u8(6),
            HaltCause::StrategyFailure => self.u8(7),
            HaltCause::KillSwitch => self.u8(8),
            HaltCause::Custom(label) => {
                self.u8(9);
                self.label(&label);
            }
        }
    }

    fn scope(&mut self, scope: HaltScope) {
        match scope {
            HaltScope::Strategy(slot) => {
                self.u8(0);
                self.u32(u32::from(slot.0));
            }
            HaltScope::Symbol(instrument) => {
                self.u8(1);
                self.u32(instrument.0);
            }
            HaltScope::Account => self.u8(2),
            HaltScope::Everything => self.u8(3),
        }
    }
}

/// A digest reads records like any other sink.
impl MetricsSink for Digest {
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        self.at(at);
        match record {
            Record::Signal { slot, signal } => {
                self.u8(0);
                self.u32(u32::from(slot.0));
                self.u32(signal.instrument.0);
                self.u8(signal.side as u8);
                self.f64(signal.confidence.value());
                self.label(&signal.tag);
            }
            Record::Passed { slot, instrument, reason } => {
                self.u8(1);
                self.u32(u32::from(slot.0));
                self.u32(instrument.0);
                self.reason(reason);
            }
            Record::Refused { intent, granted, reason } => {
                self.u8(2);
                self.intent(intent);
                self.decimal(granted.value());
                self.reason(reason);
            }
            Record::Placed { order } => {
                self.u8(3);
                self.id(order.id);
                self.intent(&order.intent);
            }
            Record::Transition { order, from, to, report } => {
                self.u8(4);
                self.id(*order);
                self.u8(*from as u8);
                self.u8(*to as u8);
                self.report(report);
            }
            Record::Filled { fill, realised } => {
                self.u8(5);
                self.fill(fill);
                self.money(realised);
            }
            Record::Closed { trade } => {
                self.u8(6);
                self.trade(trade);
            }
            Record::Adjusted { adjustment } => {
                self.u8(7);
                self.adjustment(adjustment);
            }
            Record::Funded { instrument, slot, payment } => {
                self.u8(8);
                self.u32(instrument.0);
                self.u32(u32::from(slot.0));
                self.money(payment);
            }
            Record::Halted { halt, level } => {
                self.u8(9);
                self.cause(halt.cause);
                self.u8(halt.level as u8);
                self.scope(halt.scope);
                self.u8(*level as u8);
            }
            Record::Anomaly { anomaly, order, instrument } => {
                self.u8(10);
                self.u8(*anomaly as u8);
                self.id(*order);
                self.u32(instrument.0);
            }
            Record::Failed { slot, error } => {
                self.u8(11);
                self.u32(u32::from(slot.0));
                self.text(error);
            }
        }
        self.end();
    }
}
