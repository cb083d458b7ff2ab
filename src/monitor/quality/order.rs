use serde::{Deserialize, Serialize};

use super::Shortfall;
use super::figures::OrderMoney;
use crate::account::worse_than;
use crate::types::{
    Amount, AssetId, Facts, Fill, InstrumentId, Label, Order, OrderId, OrderKind, OrderStatus,
    Purpose, Side, SlotId, Timestamp, exact, to_f64,
};

/// One execution against the price at the decision.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FillRow {
    /// When.
    pub at: Timestamp,
    /// Of which order.
    pub order: OrderId,
    /// Whose.
    pub slot: SlotId,
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// How much.
    pub quantity: f64,
    /// At what price.
    pub price: f64,
    /// The price at the decision; `None` where it is not known.
    pub decision: Option<f64>,
    /// How much worse the price is than that at the decision, in basis points of it; positive
    /// is a cost.
    pub slippage_bps: Option<f64>,
}

/// One order that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderQuality {
    /// Which.
    pub order: OrderId,
    /// Whose.
    pub slot: SlotId,
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// What for.
    pub purpose: Purpose,
    /// The strategy's word.
    pub tag: Label,
    /// How it ended.
    pub status: OrderStatus,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How much was ordered; `None` for an amount of cash that was never turned into a
    /// quantity.
    pub quantity: Option<f64>,
    /// How much was filled.
    pub filled: f64,
    /// Filled over ordered: 1 for an order that ended as filled, whatever it was amended to.
    pub fill_ratio: Option<f64>,
    /// The price when it was decided.
    pub decision: Option<f64>,
    /// The last price before it worked at the venue.
    pub arrival: Option<f64>,
    /// The average price of its fills (of an inverse contract the harmonic one).
    pub average: Option<f64>,
    /// The last price before it ended.
    pub end: Option<f64>,
    /// Seconds from the decision to the first fill.
    pub secs_to_first_fill: Option<f64>,
    /// Seconds from the decision to the last fill.
    pub secs_to_fill: Option<f64>,
    /// How much worse the average price is than that at the decision, in basis points of it;
    /// positive is a cost.
    pub slippage_bps: Option<f64>,
    /// What it cost, in the reporting currency; `None` without a price at the decision or a
    /// rate.
    pub shortfall: Option<Shortfall>,
}

/// Assets in which the fees of one order may come.
const FEE_ASSETS: usize = 3;

/// An order that works, or has ended since the last mark.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Tracked {
    pub(super) id: OrderId,
    pub(super) slot: SlotId,
    pub(super) instrument: InstrumentId,
    side: Side,
    purpose: Purpose,
    tag: Label,
    has_trigger: bool,
    decided_at: Timestamp,
    quantity: Option<f64>,
    #[serde(deserialize_with = "exact::f64_or_nan")]
    pub(super) decision: f64,
    #[serde(deserialize_with = "exact::f64_or_nan")]
    arrival: f64,
    /// The last mark.
    #[serde(deserialize_with = "exact::f64_or_nan")]
    pub(super) mark: f64,
    filled: f64,
    /// Σ quantity · price and Σ quantity / price.
    priced: f64,
    inverse: f64,
    fees: [(AssetId, f64); FEE_ASSETS],
    /// Fees that found no room.
    has_lost_fees: bool,
    first_fill_at: Option<Timestamp>,
    last_fill_at: Option<Timestamp>,
    pub(super) end: Option<(OrderStatus, Timestamp)>,
}

impl Tracked {
    pub(super) fn new(order: &Order) -> Self {
        let intent = &order.intent;
        // A stop decides to trade at its trigger, not when it is placed.
        let (decision, has_trigger) = match intent.kind {
            OrderKind::Market | OrderKind::Limit { .. } => (intent.reference, false),
            OrderKind::StopMarket { trigger }
            | OrderKind::StopLimit { trigger, .. }
            | OrderKind::TakeProfit { trigger } => (trigger.to_f64(), true),
            OrderKind::TrailingStop { .. } => (f64::NAN, true),
        };
        Self {
            id: order.id,
            slot: intent.slot,
            instrument: intent.instrument,
            side: intent.side,
            purpose: intent.purpose,
            tag: intent.tag,
            has_trigger,
            decided_at: order.created_at,
            quantity: match intent.amount {
                Amount::Quantity(quantity) => Some(quantity.to_f64()),
                Amount::Cash(_) => None,
            },
            decision,
            arrival: if has_trigger { decision } else { f64::NAN },
            mark: intent.reference,
            filled: 0.0,
            priced: 0.0,
            inverse: 0.0,
            fees: [(AssetId::default(), 0.0); FEE_ASSETS],
            has_lost_fees: false,
            first_fill_at: None,
            last_fill_at: None,
            end: None,
        }
    }

    /// The order works at the venue.
    pub(super) fn arrive(&mut self) {
        if self.arrival.is_nan() && !self.has_trigger {
            self.arrival = self.mark;
        }
    }

    pub(super) fn fill(&mut self, fill: &Fill) -> FillRow {
        if self.first_fill_at.is_none() {
            self.first_fill_at = Some(fill.at);
            if self.has_trigger {
                // A stop is triggered by the market: what was done before it is no delay.
                self.decided_at = fill.at;
                // A trailing stop: nobody said where its trigger stood.
                if self.decision.is_nan() {
                    (self.decision, self.arrival) = (self.mark, self.mark);
                }
            }
        }
        self.last_fill_at = Some(fill.at);
        let row = FillRow::new(fill, self.decision);
        self.filled += row.quantity;
        self.priced += row.quantity * row.price;
        self.inverse += row.quantity / row.price;
        self.pay(fill.execution.fee.asset, to_f64(fill.execution.fee.amount));
        row
    }

    fn pay(&mut self, asset: AssetId, amount: f64) {
        let place = |(own, sum): &&mut (AssetId, f64)| *own == asset || *sum == 0.0;
        match self.fees.iter_mut().find(place) {
            Some(fee) => *fee = (asset, fee.1 + amount),
            None => self.has_lost_fees = true,
        }
    }

    /// The order as it ended; valued where all prices and rates are known.
    pub(super) fn finish(&self, facts: &Facts<'_>) -> (OrderQuality, Option<OrderMoney>) {
        let (status, ended_at) = self.end.unwrap_or((OrderStatus::Filled, self.decided_at));
        let is_inverse =
            facts.instruments.get(self.instrument).is_some_and(|found| found.kind.is_inverse());
        let average =
            if is_inverse { self.filled / self.inverse } else { self.priced / self.filled };
        let average = known(average);
        let money = self.money(facts, status, is_inverse);
        let since = |at: Timestamp| at.since(self.decided_at).as_secs_f64();
        let row = OrderQuality {
            order: self.id,
            slot: self.slot,
            instrument: self.instrument,
            side: self.side,
            purpose: self.purpose,
            tag: self.tag,
            status,
            decided_at: self.decided_at,
            ended_at,
            quantity: self.quantity,
            filled: self.filled,
            fill_ratio: self.ordered(status).and_then(|all| known(self.filled / all)),
            decision: known(self.decision),
            arrival: known(self.arrival),
            average,
            end: known(self.mark),
            secs_to_first_fill: self.first_fill_at.map(since),
            secs_to_fill: self.last_fill_at.map(since),
            slippage_bps: average.and_then(|price| slippage(self.side, price, self.decision)),
            shortfall: money.map(|money| money.shortfall),
        };
        (row, money)
    }

    /// How much was ordered. Amendments leave no record: what ended as filled was filled whole.
    fn ordered(&self, status: OrderStatus) -> Option<f64> {
        if status == OrderStatus::Filled {
            return Some(self.filled);
        }
        self.quantity.map(|quantity| quantity.max(self.filled))
    }

    fn money(
        &self,
        facts: &Facts<'_>,
        status: OrderStatus,
        is_inverse: bool,
    ) -> Option<OrderMoney> {
        let instrument = facts.instruments.get(self.instrument)?;
        let rate = facts.rate(instrument.settlement)?;
        let decision = known(self.decision)?;
        // Before it worked there was no other arrival than the decision.
        let arrival = known(self.arrival).unwrap_or(decision);
        let value = |size: f64, price: f64| instrument.value_f64(size, price) * rate;
        // A stop that was not touched and a quote that was pulled wanted nothing more.
        let wants_no_more = self.purpose == Purpose::Quote || self.has_trigger;
        let ordered = if wants_no_more { self.filled } else { self.ordered(status)? };
        let rest = ordered - self.filled;
        let paid = match (is_inverse, self.filled > 0.0) {
            (_, false) => 0.0,
            (false, true) => value(1.0, self.priced),
            (true, true) => value(1.0, 1.0 / self.inverse),
        };
        let worse = |one: f64, other: f64| worse_than(self.side, one, other);
        let opportunity = if rest > 0.0 {
            worse(value(rest, known(self.mark)?), value(rest, arrival))
        } else {
            0.0
        };
        let mut fees = 0.0;
        for (asset, sum) in self.fees.iter().filter(|(_, sum)| *sum != 0.0) {
            fees += sum * facts.rate(*asset)?;
        }
        let at_decision = value(self.filled, decision);
        let shortfall = Shortfall {
            delay: worse(value(ordered, arrival), value(ordered, decision)),
            execution: worse(paid, value(self.filled, arrival)),
            opportunity,
            fees,
        };
        let money = OrderMoney {
            ordered: value(ordered, decision).abs(),
            filled: at_decision.abs(),
            traded: paid.abs(),
            slippage: worse(paid, at_decision),
            shortfall,
        };
        (!self.has_lost_fees && shortfall.total().is_finite()).then_some(money)
    }

    /// Why it cannot have come from records.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let sums = [self.filled, self.priced, self.inverse];
        let are_sums = sums.iter().all(|sum| sum.is_finite() && *sum >= 0.0);
        let is_filled = self.first_fill_at.is_some() && self.last_fill_at.is_some();
        let is_ended = self.end.is_none_or(|(status, _)| status.is_terminal());
        (!are_sums || !is_ended || is_filled != (self.filled > 0.0))
            .then_some("an order that is tracked does not add up")
    }
}

impl FillRow {
    pub(super) fn new(fill: &Fill, decision: f64) -> Self {
        let price = fill.execution.price.to_f64();
        Self {
            at: fill.at,
            order: fill.order,
            slot: fill.slot,
            instrument: fill.instrument,
            side: fill.side,
            quantity: fill.execution.quantity.to_f64(),
            price,
            decision: known(decision),
            slippage_bps: slippage(fill.side, price, decision),
        }
    }
}

fn slippage(side: Side, price: f64, decision: f64) -> Option<f64> {
    crate::account::basis_points(worse_than(side, price, decision), decision)
}

/// A price that is one.
fn known(price: f64) -> Option<f64> {
    (price.is_finite() && price > 0.0).then_some(price)
}
