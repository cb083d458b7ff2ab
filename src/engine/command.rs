use serde::{Deserialize, Serialize};

use crate::types::{AlertLevel, InstrumentId, Label, Order, OrderId, Price, Qty};

/// What the host, or the simulated venue, is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Command {
    /// Send an order.
    Place(Order),
    /// Take an order back.
    Cancel {
        /// Which.
        order: OrderId,
        /// Of which instrument.
        instrument: InstrumentId,
    },
    /// Change an order that is working.
    Amend {
        /// Which.
        order: OrderId,
        /// Of which instrument.
        instrument: InstrumentId,
        /// The new total quantity, what is filled included.
        quantity: Qty,
        /// The new limit price, or the new trigger where there is no limit.
        price: Price,
    },
    /// Tell a person.
    Alert(Alert),
}

/// Something that a person should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// How bad.
    pub level: AlertLevel,
    /// A stable word for it.
    pub code: Label,
    /// Where, empty for everywhere.
    pub subject: Label,
}
