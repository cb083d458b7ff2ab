use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::types::{
    Adjustment, AssetId, Fill, Funding, Instrument, InstrumentId, Instruments, Leg, Money, Price,
    SlotId, State, Timestamp, Trade, exact,
};
use crate::types::{Classification, Classify};

/// The books of money: what fills, funding and adjustments do to cash and positions.
///
/// The law after every call, exactly, in each asset: cash + carried positions − deposits =
/// realised + unrealised − fees + funding. The built-in implementation is
/// [`Ledger`](super::Ledger).
pub trait PnlCalculator: State + Send {
    /// Books one execution; closed pieces of position are appended to `closed`. Answers what
    /// it realised, fees not included.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing changed.
    fn on_fill(
        &mut self,
        instruments: &Instruments,
        fill: &Fill,
        closed: &mut Vec<Trade>,
    ) -> Result<Money, LedgerError>;

    /// [`PnlCalculator::on_fill`] where the fee is in a third asset that is worth so much of
    /// the settlement currency now. Books that do not convert ignore the worth.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing changed.
    fn on_charged_fill(
        &mut self,
        instruments: &Instruments,
        fill: &Fill,
        worth: Money,
        closed: &mut Vec<Trade>,
    ) -> Result<Money, LedgerError> {
        let _ = worth;
        self.on_fill(instruments, fill, closed)
    }

    /// Books a funding payment on every open position of the instrument; each payment is
    /// appended to `paid`, positive when received.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing changed.
    fn on_funding(
        &mut self,
        at: Timestamp,
        instruments: &Instruments,
        funding: &Funding,
        paid: &mut Vec<(SlotId, Money)>,
    ) -> Result<(), LedgerError>;

    /// Books a change of cash or position that is no fill; what it closed and paid is appended
    /// to `effects`.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing changed.
    fn adjust(
        &mut self,
        at: Timestamp,
        instruments: &Instruments,
        adjustment: &Adjustment,
        effects: &mut AdjustmentEffects,
    ) -> Result<(), LedgerError>;

    /// True where a position may have a long and a short leg beside its net one; asked once,
    /// when an account is made. Books that say false are asked for [`Leg::Net`] alone.
    fn has_legs(&self) -> bool {
        true
    }

    /// Signed quantity and signed cost (in the settlement currency) of a position, and when it
    /// was opened; zeros when there is none.
    fn holding(&self, slot: SlotId, instrument: InstrumentId, leg: Leg) -> Holding;

    /// Unrealised profit of a position at a mark price.
    ///
    /// # Errors
    /// [`LedgerError::Overflow`].
    fn unrealized(
        &self,
        instrument: &Instrument,
        slot: SlotId,
        mark: Price,
    ) -> Result<Money, LedgerError>;

    /// The sums of an asset since the start.
    fn sums(&self, asset: AssetId) -> AssetSums;
}

/// What an adjustment did beside changing sums and positions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AdjustmentEffects {
    /// Pieces of position that it closed.
    pub closed: Vec<Trade>,
    /// What it paid on positions, by owner; positive when received.
    pub paid: Vec<(SlotId, Money)>,
}

impl AdjustmentEffects {
    /// Empties both lists and keeps their room.
    pub fn clear(&mut self) {
        self.closed.clear();
        self.paid.clear();
    }
}

/// An open position as the books have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// Signed quantity.
    #[serde(with = "exact")]
    pub quantity: Decimal,
    /// Signed cost in the settlement currency.
    #[serde(with = "exact")]
    pub cost: Decimal,
    /// When it last left zero.
    pub opened_at: Timestamp,
}

/// Everything that ever moved in one asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetSums {
    /// What is there now.
    #[serde(with = "exact")]
    pub cash: Decimal,
    /// Capital that came in, minus what went out; positions taken over at their value; what a
    /// fee in a third asset was sold for, minus what was sold.
    #[serde(with = "exact")]
    pub deposits: Decimal,
    /// Gross profit of closed pieces, and income.
    #[serde(with = "exact")]
    pub realised: Decimal,
    /// Fees paid; rebates count negative.
    #[serde(with = "exact")]
    pub fees: Decimal,
    /// Funding received minus paid.
    #[serde(with = "exact")]
    pub funding: Decimal,
}

/// Why a booking was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// A sum or product has more than 28 digits.
    #[error("booking overflows 28 digits: {what}")]
    Overflow {
        /// Which number.
        what: &'static str,
    },
    /// The quantity is not above zero.
    #[error("fill quantity {quantity} is not above zero")]
    BadQuantity {
        /// The refused quantity.
        quantity: Decimal,
    },
    /// The instrument is not in the table.
    #[error("instrument number {} is unknown", .instrument.0)]
    UnknownInstrument {
        /// The refused id.
        instrument: InstrumentId,
    },
    /// The slot is not in the engine.
    #[error("slot {} is unknown", .slot.0)]
    UnknownSlot {
        /// The refused slot.
        slot: SlotId,
    },
    /// The asset is not in the table.
    #[error("asset number {} is unknown", .asset.0)]
    UnknownAsset {
        /// The refused asset.
        asset: AssetId,
    },
    /// An exercise names an instrument that is no option, or an underlying that the option is
    /// not on.
    #[error("instrument number {} cannot be exercised or delivered", .instrument.0)]
    NotDeliverable {
        /// The refused id.
        instrument: InstrumentId,
    },
    /// A rate, price or amount cannot be booked.
    #[error("{what} {value} cannot be booked")]
    BadValue {
        /// Which number.
        what: &'static str,
        /// The refused value.
        value: Decimal,
    },
}

impl Classify for LedgerError {
    fn classification(&self) -> Classification {
        Classification::BOOKS
    }
}
