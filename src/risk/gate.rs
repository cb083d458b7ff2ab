use core::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::RiskConfigError;
use crate::types::{
    Facts, Fill, Halt, LimitKey, MarketEvent, Order, OrderId, ParentId, Price, Qty, Reason,
    ReasonCode, State, Timestamp,
};

/// A check of every order, exits too: grid, price collar, throttle.
///
/// Checks ask and change nothing; a gate with memory takes note in
/// [`observe`](Self::observe), which is told what really left. So an order that one gate
/// refuses leaves no trace in another.
///
/// A gate on validity (price, quantity, duplicate, message budget) refuses reducing orders
/// too. A gate on exposure leaves them alone: its [`Refusal::granted`] is the order's reducing
/// part.
pub trait OrderGate: State + Send {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// Looks at an order that is about to leave.
    ///
    /// # Errors
    /// Why it must not leave, and what of it may leave all the same.
    fn check(&self, order: &Order, facts: &Facts<'_>) -> Result<(), Refusal>;

    /// Looks at the cancel of an order that is about to leave. What is refused here waits until
    /// it is let through.
    ///
    /// # Errors
    /// Why it must not leave now.
    fn check_cancel(&self, _order: &Order, _facts: &Facts<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    /// Takes note of what left and what came back.
    fn observe(&mut self, _event: &GateEvent<'_>, _facts: &Facts<'_>) {}

    /// True for a gate that wants [`GateEvent::Market`]; asked once, when an engine is built.
    fn watches_market(&self) -> bool {
        false
    }

    /// When its next cancel may pass, for the host's timer; `None` when nothing waits here.
    fn free_at(&self, _facts: &Facts<'_>) -> Option<Timestamp> {
        None
    }

    /// Changes one of its limits while the engine runs; the answer is the value before, `None`
    /// when the limit is not this gate's.
    ///
    /// # Errors
    /// [`RiskConfigError`] for a value that cannot be; the old limit stays.
    fn set_limit(
        &mut self,
        _key: &LimitKey,
        _value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        Ok(None)
    }
}

/// A gate's refusal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why, with limit and observed value.
    pub reason: Reason,
    /// What may leave all the same: the reducing part for controls of exposure, else zero.
    pub granted: Qty,
    /// A halt that has to follow.
    pub halt: Option<Halt>,
}

impl Refusal {
    /// A refusal of the whole order.
    pub const fn new(code: ReasonCode, limit: f64, observed: f64) -> Self {
        Self { reason: Reason::new(code, limit, observed), granted: Qty::ZERO, halt: None }
    }

    /// A refusal that leaves this much.
    #[must_use]
    pub const fn leaving(mut self, granted: Qty) -> Self {
        self.granted = granted;
        self
    }

    /// A refusal that halts trading.
    #[must_use]
    pub const fn halting(mut self, halt: Halt) -> Self {
        self.halt = Some(halt);
        self
    }
}

/// What gates with memory are told.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum GateEvent<'a> {
    /// An order left.
    Placed(&'a Order),
    /// The cancel of an order left.
    Cancelling(&'a Order),
    /// An amendment left.
    Amending(&'a Order),
    /// A parent order is for so much from now on; zero when it is over.
    Parent {
        /// Which parent.
        parent: ParentId,
        /// How much its children may be for in all, filled and still to be filled.
        quantity: Qty,
    },
    /// The venue has changed a working order.
    Amended {
        /// Which order.
        order: OrderId,
        /// Its new total quantity, what is filled included.
        quantity: Qty,
        /// Its new limit price, where it has one.
        price: Option<Price>,
    },
    /// A fill was booked.
    Filled(&'a Fill),
    /// An order is over; it may be told twice.
    Ended {
        /// Which order.
        order: OrderId,
        /// What was filled of it.
        filled: Qty,
    },
    /// The market, for gates that watch it.
    Market(&'a MarketEvent),
}

/// A span of time as a number of seconds, for reasons.
pub(super) fn seconds(span: Duration) -> f64 {
    span.as_secs_f64()
}
