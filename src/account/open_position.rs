use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::types::{Facts, Instrument, InstrumentId, PositionFacts, SlotId, Timestamp, exact};

/// An open position at its mark.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenPosition {
    /// Whose.
    pub slot: SlotId,
    /// In what.
    pub instrument: InstrumentId,
    /// Signed quantity.
    #[serde(with = "exact")]
    pub quantity: Decimal,
    /// Since when.
    pub opened_at: Timestamp,
    /// Average entry price.
    pub entry: f64,
    /// The last mark; `None` when there was none.
    pub mark: Option<f64>,
    /// Profit at the mark before the exit's costs, in the reporting currency; `None` without
    /// a mark or rate.
    pub unrealised: Option<f64>,
}

impl OpenPosition {
    /// The open positions of every strategy and of the house, by slot.
    pub fn all(facts: &Facts<'_>) -> Vec<Self> {
        open(facts)
    }
}

fn open(facts: &Facts<'_>) -> Vec<OpenPosition> {
    let slots = (0..facts.book.slots()).filter_map(|slot| u16::try_from(slot).ok());
    slots
        .flat_map(|slot| facts.instruments.iter().map(move |found| (SlotId(slot), found)))
        .map(|(slot, instrument)| (slot, instrument, facts.book.position(slot, instrument.id)))
        .filter(|(_, _, position)| !position.is_flat())
        .map(|(slot, instrument, position)| row(facts, slot, instrument, position))
        .collect()
}

fn row(
    facts: &Facts<'_>,
    slot: SlotId,
    instrument: &Instrument,
    position: &PositionFacts,
) -> OpenPosition {
    let mark = facts.book.mark(instrument.id);
    let unrealised = mark.map(|mark| {
        let value = instrument.value_f64(position.size, mark.price);
        (value - crate::types::to_f64(position.cost)) * mark.rate
    });
    OpenPosition {
        slot,
        instrument: instrument.id,
        quantity: position.quantity,
        opened_at: position.opened_at,
        entry: position.average,
        mark: mark.map(|mark| mark.price),
        unrealised: unrealised.filter(|profit| profit.is_finite()),
    }
}
