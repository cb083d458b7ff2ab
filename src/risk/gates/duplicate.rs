use core::time::Duration;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::risk::{GateEvent, OrderGate, Refusal, RiskConfigError, gate::seconds, limits};
use crate::types::{
    Amount, Facts, InstrumentId, Leg, Linkage, Order, OrderId, OrderKind, ReasonCode, Side, SlotId,
    State, StateError, Timestamp,
};

/// Refuses an order that was sent a moment ago: the same client id, or the same strategy,
/// instrument, side, quantity and price within a span. One that is exactly that old does not
/// count any more.
///
/// Exits of different fills are told apart by their links, so that each part of an entry keeps
/// its own protection. Two strategies may want the same thing.
///
/// It is a validity control and applies to reducing orders too. It remembers the last 1,024
/// orders.
#[derive(Clone, Debug, PartialEq)]
pub struct DuplicateOrders {
    span: Duration,
    sent: VecDeque<Sent>,
}

/// Orders that are remembered.
const MOST: usize = 1_024;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Sent {
    id: OrderId,
    at: Timestamp,
    face: Face,
}

/// What makes two orders the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Face {
    slot: SlotId,
    instrument: InstrumentId,
    side: Side,
    amount: Amount,
    kind: OrderKind,
    leg: Leg,
    linkage: Linkage,
}

impl Face {
    const fn of(order: &Order) -> Self {
        let intent = &order.intent;
        Self {
            slot: intent.slot,
            instrument: intent.instrument,
            side: intent.side,
            amount: intent.amount,
            kind: intent.kind,
            leg: intent.leg,
            linkage: intent.linkage,
        }
    }
}

impl DuplicateOrders {
    /// For so long the same order counts as a duplicate.
    ///
    /// # Errors
    /// [`RiskConfigError::NoSpan`] for zero.
    pub fn within(span: Duration) -> Result<Self, RiskConfigError> {
        Ok(Self { span: limits::span("duplicate orders", span)?, sent: VecDeque::new() })
    }

    /// Number of orders that are remembered; never above 1,024.
    pub fn remembered(&self) -> usize {
        self.sent.len()
    }
}

impl OrderGate for DuplicateOrders {
    fn name(&self) -> &'static str {
        "duplicate_order"
    }

    fn check(&self, order: &Order, facts: &Facts<'_>) -> Result<(), Refusal> {
        let face = Face::of(order);
        // Children of a parent are meant to be alike; what leaves for it is counted elsewhere.
        let is_child = order.intent.linkage.parent().is_some();
        for sent in self.sent.iter().rev() {
            let age = facts.at.since(sent.at);
            if sent.id == order.id || (age < self.span && sent.face == face && !is_child) {
                let (limit, age) = (seconds(self.span), seconds(age));
                return Err(Refusal::new(ReasonCode::DuplicateOrder, limit, age));
            }
        }
        Ok(())
    }

    fn observe(&mut self, event: &GateEvent<'_>, facts: &Facts<'_>) {
        if let GateEvent::Placed(order) = event {
            if self.sent.len() >= MOST {
                self.sent.pop_front();
            }
            self.sent.push_back(Sent { id: order.id, at: facts.at, face: Face::of(order) });
        }
    }
}

/// The orders that it remembers are its state; the span is configuration.
impl State for DuplicateOrders {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        State::save(&self.sent)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut sent: VecDeque<Sent> = VecDeque::new();
        State::restore(&mut sent, state)?;
        if sent.len() > MOST {
            return Err(StateError::Unreadable(format!("{} orders are remembered", sent.len())));
        }
        self.sent = sent;
        Ok(())
    }
}
