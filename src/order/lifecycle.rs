use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::types::{
    Anomaly, InstrumentId, Order, OrderId, OrderReport, OrderStatus, Qty, SlotId, State, Timestamp,
    exact,
};
use crate::types::{Classification, Classify};

/// The life of orders. The built-in implementation is
/// [`OrderBook`](super::OrderBook); a host may bring its own.
pub trait OrderLifecycle: State + Send {
    /// Takes in an order that is about to be sent; it is PENDING from now on.
    ///
    /// # Errors
    /// [`OrderError::DuplicateId`]; nothing changed.
    fn open(&mut self, at: Timestamp, order: &Order) -> Result<(), OrderError>;

    /// Applies what the venue says. Late, early and repeated reports are normal: see
    /// [`Applied`]. Fills must have been checked for repetition by their trade id before.
    ///
    /// # Errors
    /// [`OrderError::Unknown`] when the order is not known (any more); nothing changed.
    fn apply(
        &mut self,
        at: Timestamp,
        id: OrderId,
        report: &OrderReport,
    ) -> Result<Applied, OrderError>;

    /// Notes a request that is on its way to the venue.
    ///
    /// # Errors
    /// [`OrderError::Unknown`] or [`OrderError::NotLive`]; nothing changed.
    fn request(&mut self, at: Timestamp, id: OrderId, request: InFlight) -> Result<(), OrderError>;

    /// An order that is working or was so recently.
    fn find(&self, id: OrderId) -> Option<&OrderState>;

    /// All orders that are not over, as they were created.
    fn live(&self) -> &[OrderState];

    /// What the live orders of one strategy in one instrument would add if they filled.
    /// Linked groups count once per side, by their largest member. A reduce-only order whose
    /// cancel was requested counts in the number of orders alone: what replaces it takes its
    /// place.
    fn reserved(&self, slot: SlotId, instrument: InstrumentId) -> Reserved;
}

/// One order and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderState {
    /// What was sent.
    pub order: Order,
    /// Where it stands.
    pub status: OrderStatus,
    /// The total quantity; `None` while a cash amount is not yet resolved.
    pub quantity: Option<Qty>,
    /// Quantity filled so far.
    #[serde(with = "exact")]
    pub filled: Decimal,
    /// Sum of price times quantity of its fills; the average price is `notional / filled`.
    #[serde(with = "exact")]
    pub notional: Decimal,
    /// Time of the last change.
    pub changed_at: Timestamp,
    /// A request that the venue has not answered.
    pub in_flight: InFlight,
}

impl OrderState {
    /// What is still to be filled; zero while unresolved or when over.
    #[inline]
    pub fn remaining(&self) -> Decimal {
        match self.quantity {
            Some(quantity)
                if self.filled.is_zero()
                    && quantity.value().is_sign_positive()
                    && !self.status.is_terminal() =>
            {
                quantity.value()
            }
            Some(quantity) if !self.status.is_terminal() => {
                quantity.value().checked_sub(self.filled).unwrap_or_default().max(Decimal::ZERO)
            }
            Some(_) | None => Decimal::ZERO,
        }
    }

    /// Average fill price; `None` before the first fill. A quotient for display: cash is never
    /// derived from it.
    pub fn average_price(&self) -> Option<Decimal> {
        self.notional.checked_div(self.filled)
    }
}

/// A request on its way, beside the status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum InFlight {
    /// Nothing is open.
    #[default]
    None,
    /// A cancel was sent.
    Cancel,
    /// An amendment was sent.
    Amend,
    /// The outcome of the submission is unknown: only the venue's word ends this.
    Unknown,
}

/// What a report did to its order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// A step that had to be made up (PENDING to OPEN before an early fill).
    pub implied: Option<Step>,
    /// The step itself; from equal to to for a further partial fill; `None` when the status
    /// did not change.
    pub step: Option<Step>,
    /// What was not as it must be.
    pub anomaly: Option<Anomaly>,
}

/// A change of status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Before.
    pub from: OrderStatus,
    /// After.
    pub to: OrderStatus,
}

/// Reserved quantities of one owner in one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    /// Unfilled quantity of buy orders.
    #[serde(with = "exact")]
    pub buy: Decimal,
    /// Unfilled quantity of sell orders.
    #[serde(with = "exact")]
    pub sell: Decimal,
    /// Number of live orders.
    pub orders: u32,
}

/// Why an order operation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// The id was used before.
    #[error("order id {id} is in use")]
    DuplicateId {
        /// The refused id.
        id: OrderId,
    },
    /// No such order is known; a fill of it is the house's.
    #[error("order {id} is unknown")]
    Unknown {
        /// The id.
        id: OrderId,
    },
    /// The order is over.
    #[error("order {id} is {status:?} and cannot be changed")]
    NotLive {
        /// The id.
        id: OrderId,
        /// Its terminal status.
        status: OrderStatus,
    },
    /// The quantity is not above zero.
    #[error("order {id}: quantity {quantity} is not above zero")]
    BadQuantity {
        /// The id.
        id: OrderId,
        /// The refused quantity.
        quantity: Decimal,
    },
    /// An amount of cash, and no price that tells how much it may buy.
    #[error("order {id}: a cash amount needs a limit, a trigger or a reference price")]
    NoPrice {
        /// The id.
        id: OrderId,
    },
    /// The sums of the order's fills do not fit.
    #[error("order {id}: the sums of its fills overflow")]
    Overflow {
        /// The id.
        id: OrderId,
    },
}

impl Classify for OrderError {
    fn classification(&self) -> Classification {
        match self {
            Self::Unknown { .. } | Self::NotLive { .. } | Self::Overflow { .. } => {
                Classification::FAILURE
            }
            Self::DuplicateId { .. } | Self::BadQuantity { .. } | Self::NoPrice { .. } => {
                Classification::INPUT
            }
        }
    }
}
