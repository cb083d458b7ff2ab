use serde::{Deserialize, Serialize};

use super::ClosedTrade;
use crate::types::{
    Adjustment, AdjustmentKind, Facts, Fill, InstrumentId, Money, SlotId, Timestamp, Trade, to_f64,
};

/// What records tell in the currencies of instruments. It is valued at the next mark, at whose
/// time rates into the reporting currency are known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Pending {
    /// A closed trade; what its profit is worth is not known yet.
    Trade { trade: ClosedTrade, net: Money },
    /// An execution.
    Fill { at: Timestamp, slot: SlotId, instrument: InstrumentId, size: f64, price: f64 },
    /// Cash that came in or went out.
    Capital { at: Timestamp, money: Money },
    /// A position that came in or went out with its value.
    Position { at: Timestamp, instrument: InstrumentId, size: f64, price: f64 },
}

/// The same in the reporting currency.
pub(super) enum Valued {
    Trade(ClosedTrade),
    Traded { at: Timestamp, slot: SlotId, instrument: InstrumentId, value: f64 },
    Flow { at: Timestamp, amount: f64 },
}

impl Pending {
    /// `None` when the profit does not fit.
    pub(super) fn trade(trade: &Trade) -> Option<Self> {
        let net = Money::new(trade.net()?, trade.gross.asset);
        Some(Self::Trade { trade: ClosedTrade::unvalued(trade), net })
    }

    pub(super) fn fill(fill: &Fill) -> Self {
        Self::Fill {
            at: fill.at,
            slot: fill.slot,
            instrument: fill.instrument,
            size: fill.execution.quantity.to_f64(),
            price: fill.execution.price.to_f64(),
        }
    }

    /// `None` for what leaves capital as it is.
    pub(super) fn adjustment(at: Timestamp, adjustment: &Adjustment) -> Option<Self> {
        match adjustment.kind {
            AdjustmentKind::Capital(money) => Some(Self::Capital { at, money }),
            AdjustmentKind::Position { instrument, change, price, .. } => {
                let (size, price) = (change.to_f64(), price.to_f64());
                Some(Self::Position { at, instrument, size, price })
            }
            _ => None,
        }
    }

    /// `None` while a rate is not known.
    pub(super) fn value(&self, facts: &Facts<'_>) -> Option<Valued> {
        match *self {
            Self::Trade { trade, net } => {
                let net = to_f64(net.amount) * facts.rate(net.asset)?;
                Some(Valued::Trade(ClosedTrade { net, ..trade }))
            }
            Self::Fill { at, slot, instrument, size, price } => {
                let value = value(facts, instrument, size, price)?.abs();
                Some(Valued::Traded { at, slot, instrument, value })
            }
            Self::Capital { at, money } => {
                let amount = to_f64(money.amount) * facts.rate(money.asset)?;
                Some(Valued::Flow { at, amount })
            }
            // A position on margin comes in at its price: equity stays what it was.
            Self::Position { at, instrument, size, price } => {
                let is_paid = facts.instruments.get(instrument)?.kind.is_paid_in_full();
                let worth = value(facts, instrument, size, price)?;
                Some(Valued::Flow { at, amount: if is_paid { worth } else { 0.0 } })
            }
        }
    }
}

fn value(facts: &Facts<'_>, instrument: InstrumentId, size: f64, price: f64) -> Option<f64> {
    let found = facts.instruments.get(instrument)?;
    Some(found.value_f64(size, price) * facts.rate(found.settlement)?)
}
