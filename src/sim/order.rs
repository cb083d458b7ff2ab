use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::types::{
    Amount, InstrumentId, Leg, Linkage, Money, Offset, Order, OrderFlags, OrderId, OrderKind,
    OrderReport, OrderUpdate, Purpose, Qty, Side, TimeInForce, Timestamp, exact,
};

/// An order that works at the simulated venue.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OpenOrder {
    /// Its id.
    pub id: OrderId,
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// For which position.
    pub leg: Leg,
    /// At what price; amendments included.
    pub kind: OrderKind,
    /// For how long.
    pub time_in_force: TimeInForce,
    /// Flags.
    pub flags: OrderFlags,
    /// What for.
    pub purpose: Purpose,
    /// Bonds with other orders.
    pub linkage: Linkage,
    /// The total quantity; `None` while a cash amount is not yet resolved.
    pub quantity: Option<Qty>,
    /// The cash amount, where the order is for one.
    pub cash: Option<Money>,
    /// Quantity filled so far.
    #[serde(with = "exact")]
    pub filled: Decimal,
    /// True once the trigger was touched, and for orders without one.
    pub triggered: bool,
    /// When the request reached the venue.
    pub accepted_at: Timestamp,
    /// When it ends by itself; [`Timestamp::MAX`] for never.
    pub expires_at: Timestamp,

    /// Time priority.
    pub(super) sequence: u64,
    /// Limit price, NaN without one.
    pub(super) limit: f64,
    /// Trigger, NaN without a fixed one.
    pub(super) trigger: f64,
    /// The best price that a trailing stop has seen, NaN before the first.
    pub(super) anchor: f64,
    /// It has rested through market data without being marketable: a fill makes liquidity.
    pub(super) rested: bool,
    /// The session of a bar in which it was accepted, 0 for none.
    pub(super) session: u64,
    /// Where inside that bar it starts.
    pub(super) start: Start,
    /// Its place in the queue at its price.
    pub(super) queue: Queue,
}

/// Where an order that is accepted during a bar begins to see the bar.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Start {
    /// From the open on.
    Open,
    /// From this price on, at an unknown or known place of the path.
    Price(f64),
    /// With the next bar.
    Next,
}

/// A place in the queue at one price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Queue {
    /// Quantity ahead, NaN while unknown.
    pub(super) ahead: f64,
    /// Quantity displayed at the price when it was last seen, ours left out.
    pub(super) level: f64,
}

impl Queue {
    pub(super) const UNKNOWN: Self = Self { ahead: f64::NAN, level: f64::NAN };

    /// The price level shows `displayed` now. What went away without being traded was
    /// cancelled evenly: the part ahead shrinks in proportion; what came queues behind.
    pub(super) fn observe(&mut self, displayed: f64) {
        if self.ahead.is_nan() {
            self.ahead = displayed;
        } else if displayed < self.level {
            self.ahead *= displayed / self.level;
        }
        self.level = displayed;
    }

    /// `traded` units were taken from the price: first those ahead. Gives what reached us.
    pub(super) fn trade(&mut self, traded: f64) -> f64 {
        let reached = (traded - self.ahead).max(0.0);
        self.ahead = (self.ahead - traded).max(0.0);
        self.level = (self.level - traded).max(0.0);
        reached
    }
}

impl OpenOrder {
    pub(super) fn new(order: &Order, at: Timestamp, expires_at: Timestamp, sequence: u64) -> Self {
        let intent = &order.intent;
        let (quantity, cash) = match intent.amount {
            Amount::Quantity(quantity) => (Some(quantity), None),
            Amount::Cash(cash) => (None, Some(cash)),
        };
        let [limit, trigger] = prices(&intent.kind);
        Self {
            id: order.id,
            instrument: intent.instrument,
            side: intent.side,
            leg: intent.leg,
            kind: intent.kind,
            time_in_force: intent.time_in_force,
            flags: intent.flags,
            purpose: intent.purpose,
            linkage: intent.linkage,
            quantity,
            cash,
            filled: Decimal::ZERO,
            triggered: matches!(intent.kind, OrderKind::Market | OrderKind::Limit { .. }),
            accepted_at: at,
            expires_at,
            sequence,
            limit,
            trigger,
            anchor: f64::NAN,
            rested: false,
            session: 0,
            start: Start::Open,
            queue: Queue::UNKNOWN,
        }
    }

    /// Keeps the numbers that matching compares in step with the kind.
    pub(super) fn cache_prices(&mut self) {
        [self.limit, self.trigger] = prices(&self.kind);
    }

    /// What is still to be filled; zero while a cash amount is not resolved.
    #[inline]
    pub fn remaining(&self) -> Decimal {
        let total = self.quantity.map_or(Decimal::ZERO, Qty::value);
        if self.filled.is_zero() && total.is_sign_positive() {
            return total;
        }
        total.checked_sub(self.filled).unwrap_or_default().max(Decimal::ZERO)
    }

    /// True for an order that takes whatever price there is, now that it is triggered.
    pub(super) fn is_market(&self) -> bool {
        self.triggered
            && match self.kind {
                OrderKind::Market
                | OrderKind::StopMarket { .. }
                | OrderKind::TakeProfit { .. }
                | OrderKind::TrailingStop { .. } => true,
                OrderKind::Limit { .. } | OrderKind::StopLimit { .. } => false,
            }
    }

    /// True for an order that must not outlive its first chance.
    pub(super) fn is_immediate(&self) -> bool {
        matches!(self.time_in_force, TimeInForce::Ioc | TimeInForce::Fok)
    }

    /// True for orders that must not open: by flag, and those against a leg of hedge mode.
    pub(super) fn is_reduce_only(&self) -> bool {
        self.flags.reduce_only
            || matches!((self.leg, self.side), (Leg::Long, Side::Sell) | (Leg::Short, Side::Buy))
    }

    /// True for orders that leave a position.
    pub(super) fn is_exit(&self) -> bool {
        self.is_reduce_only()
            || match self.purpose {
                Purpose::Exit
                | Purpose::StopLoss
                | Purpose::TakeProfit
                | Purpose::Flatten
                | Purpose::Liquidation => true,
                Purpose::Entry | Purpose::Quote => false,
            }
    }

    /// True when `price` is better than or at the limit: not above for buyers.
    pub(super) fn accepts(&self, price: f64) -> bool {
        match self.side {
            Side::Buy => price <= self.limit,
            Side::Sell => price >= self.limit,
        }
    }

    /// True when `price` is better than the limit.
    pub(super) fn prefers(&self, price: f64) -> bool {
        match self.side {
            Side::Buy => price < self.limit,
            Side::Sell => price > self.limit,
        }
    }

    /// Which way the market must go to touch the trigger.
    pub(super) fn trigger_way(&self) -> Way {
        let with = match self.side {
            Side::Buy => Way::Up,
            Side::Sell => Way::Down,
        };
        match self.kind {
            OrderKind::TakeProfit { .. } => with.back(),
            OrderKind::Market
            | OrderKind::Limit { .. }
            | OrderKind::StopMarket { .. }
            | OrderKind::StopLimit { .. }
            | OrderKind::TrailingStop { .. } => with,
        }
    }

    /// The trigger, where a trailing stop has also seen the price `seen`.
    pub(super) fn trigger_after(&self, seen: f64) -> f64 {
        let OrderKind::TrailingStop { offset } = self.kind else {
            return self.trigger;
        };
        // `max` and `min` pass over the NaN of an anchor that has seen nothing yet.
        let anchor = match self.side {
            Side::Sell => self.anchor.max(seen),
            Side::Buy => self.anchor.min(seen),
        };
        let distance = match offset {
            Offset::Price(distance) => distance.to_f64(),
            Offset::BasisPoints(points) => anchor * f64::from(points) / 10_000.0,
        };
        match self.side {
            Side::Sell => anchor - distance,
            Side::Buy => anchor + distance,
        }
    }

    /// A trailing stop has seen this price.
    pub(super) fn trail(&mut self, seen: f64) {
        self.anchor = match self.side {
            Side::Sell => self.anchor.max(seen),
            Side::Buy => self.anchor.min(seen),
        };
    }

    pub(super) fn is_trailing(&self) -> bool {
        matches!(self.kind, OrderKind::TrailingStop { .. })
    }

    pub(super) fn is_linked(&self) -> bool {
        matches!(self.linkage, Linkage::OneCancelsOther(_))
    }

    pub(super) fn is_linked_with(&self, other: &Self) -> bool {
        match (self.linkage, other.linkage) {
            (Linkage::OneCancelsOther(left), Linkage::OneCancelsOther(right)) => {
                left == right
                    && self.id.epoch() == other.id.epoch()
                    && self.sequence != other.sequence
            }
            (_, _) => false,
        }
    }

    pub(super) fn update(&self, report: OrderReport) -> OrderUpdate {
        OrderUpdate {
            order: self.id,
            instrument: self.instrument,
            side: self.side,
            leg: self.leg,
            report,
        }
    }
}

/// Limit and trigger as matching compares them, NaN where there is none.
fn prices(kind: &OrderKind) -> [f64; 2] {
    match kind {
        OrderKind::Market | OrderKind::TrailingStop { .. } => [f64::NAN; 2],
        OrderKind::Limit { price } => [price.to_f64(), f64::NAN],
        OrderKind::StopMarket { trigger } | OrderKind::TakeProfit { trigger } => {
            [f64::NAN, trigger.to_f64()]
        }
        OrderKind::StopLimit { trigger, price } => [price.to_f64(), trigger.to_f64()],
    }
}

/// Up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

impl Way {
    const fn back(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }

    /// True when `price` has reached `level` on this way.
    pub(super) fn reached(self, price: f64, level: f64) -> bool {
        match self {
            Self::Up => price >= level,
            Self::Down => price <= level,
        }
    }
}
