use serde::{Deserialize, Serialize};

use super::OrderQuality;
use crate::account::basis_points;
use crate::math::CompensatedSum;
use crate::types::{InstrumentId, SlotId};

/// Implementation shortfall (Perold, 1988) by its causes (Wagner and Edwards, 1993; Kissell,
/// 2006): what an order cost against a portfolio that had traded all of it at the price of the
/// decision, without fees. Positive is a cost; in the reporting currency.
///
/// With S ordered, s filled at the average p, decision price d, arrival price a, end price e and
/// the sign of the side:
///
/// | part | what |
/// |---|---|
/// | delay | sign · S · (a - d) |
/// | execution | sign · s · (p - a) |
/// | opportunity | sign · (S - s) · (e - a) |
/// | fees | as billed |
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shortfall {
    /// What the market moved between the decision and the order's arrival at the venue.
    pub delay: f64,
    /// What the fills were worse than the price at arrival.
    pub execution: f64,
    /// What was missed by what was not filled, at the price when the order ended.
    pub opportunity: f64,
    /// Fees, less rebates.
    pub fees: f64,
}

impl Shortfall {
    /// All four.
    pub const fn total(&self) -> f64 {
        self.delay + self.execution + self.opportunity + self.fees
    }
}

/// Figures of many orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QualityFigures {
    /// Orders that have ended.
    pub orders: u64,
    /// Orders of which something was filled.
    pub filled_orders: u64,
    /// Filled value over ordered value, at the decision prices.
    pub fill_ratio: Option<f64>,
    /// Value of what was ordered, at the decision prices.
    pub ordered: f64,
    /// Value of what was traded.
    pub traded: f64,
    /// What the fills were worse than the decision prices, over their value at these, in basis
    /// points; positive is a cost.
    pub slippage_bps: Option<f64>,
    /// Sums of the parts.
    pub costs: Shortfall,
    /// Mean time from the decision to the last fill, in seconds.
    pub mean_secs_to_fill: Option<f64>,
    /// Orders that are in no sum of money: no price at the decision, or no rate.
    pub unpriced: u64,
}

impl QualityFigures {
    /// A cost over the ordered value, in basis points.
    pub fn bps(&self, cost: f64) -> Option<f64> {
        basis_points(cost, self.ordered)
    }
}

/// The figures of one strategy or symbol.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupQuality<K> {
    /// Which.
    pub key: K,
    /// Its orders.
    pub figures: QualityFigures,
}

/// Everything that a [`FillQuality`](super::FillQuality) knows, but for single orders and fills.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QualitySummary {
    /// All orders.
    pub all: QualityFigures,
    /// By strategy, in the order of slots.
    pub by_strategy: Vec<GroupQuality<SlotId>>,
    /// By symbol, in the order of instruments.
    pub by_symbol: Vec<GroupQuality<InstrumentId>>,
    /// Orders that work.
    pub working: usize,
    /// Fills that belong to no order that is tracked: they are in the history of fills alone.
    pub strays: u64,
    /// Orders that were not tracked because too many work at once.
    pub untracked: u64,
}

/// Running sums of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::monitor) struct QualitySums {
    pub(super) orders: u64,
    pub(super) filled_orders: u64,
    unpriced: u64,
    ordered: CompensatedSum,
    filled: CompensatedSum,
    traded: CompensatedSum,
    slippage: CompensatedSum,
    delay: CompensatedSum,
    execution: CompensatedSum,
    opportunity: CompensatedSum,
    fees: CompensatedSum,
    secs_to_fill: CompensatedSum,
}

/// The money of one order, in the reporting currency.
#[derive(Clone, Copy, Debug)]
pub(super) struct OrderMoney {
    /// Of all that was ordered and of what was filled, at the decision price, without sign.
    pub(super) ordered: f64,
    pub(super) filled: f64,
    /// Of the fills at their own prices, without sign.
    pub(super) traded: f64,
    /// What the fills were worse than the decision price.
    pub(super) slippage: f64,
    pub(super) shortfall: Shortfall,
}

impl QualitySums {
    pub(super) fn add(&mut self, order: &OrderQuality, money: Option<&OrderMoney>) {
        self.orders += 1;
        if let Some(secs) = order.secs_to_fill {
            self.filled_orders += 1;
            self.secs_to_fill.add(secs);
        }
        let Some(money) = money else {
            self.unpriced += 1;
            return;
        };
        self.ordered.add(money.ordered);
        self.filled.add(money.filled);
        self.traded.add(money.traded);
        self.slippage.add(money.slippage);
        self.delay.add(money.shortfall.delay);
        self.execution.add(money.shortfall.execution);
        self.opportunity.add(money.shortfall.opportunity);
        self.fees.add(money.shortfall.fees);
    }

    pub(super) fn figures(&self) -> QualityFigures {
        let (ordered, filled) = (self.ordered.total(), self.filled.total());
        let count = self.filled_orders as f64;
        QualityFigures {
            orders: self.orders,
            filled_orders: self.filled_orders,
            fill_ratio: (ordered > 0.0).then(|| filled / ordered),
            ordered,
            traded: self.traded.total(),
            slippage_bps: basis_points(self.slippage.total(), filled),
            costs: Shortfall {
                delay: self.delay.total(),
                execution: self.execution.total(),
                opportunity: self.opportunity.total(),
                fees: self.fees.total(),
            },
            mean_secs_to_fill: (count > 0.0).then(|| self.secs_to_fill.total() / count),
            unpriced: self.unpriced,
        }
    }

    /// Why it cannot have come from orders.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let is_wrong = self.filled_orders > self.orders
            || self.unpriced > self.orders
            || self.orders > crate::account::MOST_COUNT;
        is_wrong.then_some("sums of orders do not add up")
    }
}
