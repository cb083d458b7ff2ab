use serde::{Deserialize, Serialize};

use crate::risk::{GateEvent, OrderGate, Refusal, split};
use crate::types::{
    Facts, InstrumentId, Order, OrderId, OrderKind, Price, Qty, ReasonCode, Side, State,
    StateError, TimeInForce,
};

/// Refuses an order that would trade with one of our own resting orders, of whichever
/// strategy: such a trade costs fees, looks like manipulation and moves no position.
///
/// It is a local check beside the venue's own prevention: it knows what was sent, not what is
/// ahead in the queue. A resting order whose cancel has left counts as gone, because the venue
/// works messages off in their order. Reducing orders pass, and the reducing part of an order
/// that turns a position over may leave: getting out comes first. It remembers 4,096 resting
/// orders; while there are more, what opens is refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SelfMatch {
    resting: Vec<Resting>,
}

const MOST: usize = 4_096;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Resting {
    order: OrderId,
    instrument: InstrumentId,
    side: Side,
    price: Price,
}

impl Resting {
    fn meets(&self, order: &Order) -> bool {
        let intent = &order.intent;
        if self.instrument != intent.instrument || self.side == intent.side {
            return false;
        }
        match (intent.kind, intent.side) {
            (OrderKind::Market, _) => true,
            (OrderKind::Limit { price }, Side::Buy) => price >= self.price,
            (OrderKind::Limit { price }, Side::Sell) => price <= self.price,
            // What waits for a trigger meets nothing now.
            (
                OrderKind::StopMarket { .. }
                | OrderKind::StopLimit { .. }
                | OrderKind::TakeProfit { .. }
                | OrderKind::TrailingStop { .. },
                _,
            ) => false,
        }
    }
}

impl SelfMatch {
    /// Knows no orders yet.
    pub const fn new() -> Self {
        Self { resting: Vec::new() }
    }

    fn forget(&mut self, order: OrderId) {
        self.resting.retain(|resting| resting.order != order);
    }
}

impl OrderGate for SelfMatch {
    fn name(&self) -> &'static str {
        "self_match"
    }

    fn check(&self, order: &Order, facts: &Facts<'_>) -> Result<(), Refusal> {
        let met = self.resting.iter().find(|resting| resting.meets(order));
        let is_full = self.resting.len() >= MOST;
        if met.is_none() && !is_full {
            return Ok(());
        }
        let parts = split(&order.intent, facts);
        if parts.opening.is_zero() {
            return Ok(());
        }
        let theirs = met.map_or(f64::NAN, |resting| resting.price.to_f64());
        let own = order.intent.kind.limit().map_or(f64::NAN, Price::to_f64);
        Err(Refusal::new(ReasonCode::SelfMatch, theirs, own).leaving(Qty::new(parts.reducing)))
    }

    fn observe(&mut self, event: &GateEvent<'_>, _facts: &Facts<'_>) {
        match event {
            GateEvent::Placed(order) => {
                let intent = &order.intent;
                let rests = !matches!(intent.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
                if let OrderKind::Limit { price } = intent.kind
                    && rests
                    && self.resting.len() < MOST
                {
                    self.resting.push(Resting {
                        order: order.id,
                        instrument: intent.instrument,
                        side: intent.side,
                        price,
                    });
                }
            }
            GateEvent::Cancelling(order) => self.forget(order.id),
            GateEvent::Ended { order, .. } => self.forget(*order),
            GateEvent::Amended { order, price: Some(price), .. } => {
                let mut resting = self.resting.iter_mut();
                if let Some(resting) = resting.find(|resting| resting.order == *order) {
                    resting.price = *price;
                }
            }
            GateEvent::Amended { .. }
            | GateEvent::Amending(_)
            | GateEvent::Filled(_)
            | GateEvent::Parent { .. }
            | GateEvent::Market(_) => {}
        }
    }
}

impl State for SelfMatch {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        State::save(&self.resting)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut resting: Vec<Resting> = Vec::new();
        State::restore(&mut resting, state)?;
        if resting.len() > MOST {
            return Err(StateError::Unreadable(format!("{} resting orders", resting.len())));
        }
        self.resting = resting;
        Ok(())
    }
}
