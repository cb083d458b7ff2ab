use serde::{Deserialize, Serialize};

use super::{Confidence, InstrumentId, Label, Side};

/// A strategy's opinion on an instrument; saying nothing is HOLD.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// On what.
    pub instrument: InstrumentId,
    /// BUY or SELL.
    pub side: Side,
    /// How sure, 0 to 1.
    pub confidence: Confidence,
    /// A word that travels to order, trade and reports; empty for none.
    pub tag: Label,
    /// Why, in a few words; empty for none.
    pub reason: Label,
}
