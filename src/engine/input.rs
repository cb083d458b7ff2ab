use serde::{Deserialize, Serialize};

use crate::types::{
    Acknowledgement, ActionRequest, Adjustment, Halt, HaltScope, InstrumentId, LimitChange,
    MarketEvent, OperatingMode, OrderId, OrderUpdate, SlotId,
};

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
    /// A limit is changed, for good or for a time.
    Limit(LimitChange),
    /// The host is alive and connected: what the dead-man timer waits for.
    Heartbeat,
    /// The data of an instrument are not to be trusted: what was refused as unsound, a gap in
    /// the sequence, a lost connection.
    Distrust(InstrumentId),
    /// The outcome of this order's submission is unknown (a time-out, a server error): only the
    /// venue's word ends that. For an order that the venue has answered meanwhile it says
    /// nothing.
    Uncertain(OrderId),
    /// An alert asks for an action; the engine's policy says whether it may.
    Act(ActionRequest),
    /// The system around the engine works so far. A worse mode halts the account with
    /// [`HaltCause::Degradation`](crate::types::HaltCause), a better one lowers that halt, and
    /// [`OperatingMode::Normal`] ends it; all other halts stay as they are.
    Mode(OperatingMode),
}
