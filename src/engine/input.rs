use serde::{Deserialize, Serialize};

use crate::types::Acknowledgement;
use crate::types::{Adjustment, Halt, HaltScope, MarketEvent, OrderUpdate, SlotId};

/// Everything that the engine can be told. What it does depends on its past inputs alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Input {
    /// The market.
    Market(MarketEvent),
    /// The venue's word on one of our orders.
    Order(OrderUpdate),
    /// A change of cash or position that is no fill.
    Adjustment(Adjustment),
    /// A person or program gives an order.
    Control(Control),
    /// Time has passed: a timer that the engine asked for has run out.
    Time,
}

/// What a person or a supervising program may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Control {
    /// Stop.
    Halt(Halt),
    /// Go on in this scope; it ends the halts that wait for a resume.
    Resume {
        /// Where.
        scope: HaltScope,
        /// How the resume is meant.
        acknowledgement: Acknowledgement,
    },
    /// A strategy is paused: it is not called any more.
    Pause(SlotId),
    /// A paused or failed strategy goes on.
    Unpause(SlotId),
}
