use super::Account;
use super::facts::{Rate, Terms};
use super::seen::SeenTrades;
use crate::types::{FactBook, StateError};

/// An account as it was, to go back to when one of several bookings that belong together fails.
pub(crate) struct Checkpoint {
    book: FactBook,
    pnl: Vec<u8>,
    seen: SeenTrades,
    terms: Vec<Terms>,
    rates: Vec<Rate>,
    orders: Vec<u32>,
    marks_left: u32,
    is_sound: bool,
}

impl Account {
    /// The account as it is now.
    ///
    /// # Errors
    /// [`StateError`] of books that cannot be saved.
    pub(crate) fn checkpoint(&self) -> Result<Checkpoint, StateError> {
        Ok(Checkpoint {
            book: self.book.clone(),
            pnl: self.pnl.save()?,
            seen: self.seen.clone(),
            terms: self.terms.clone(),
            rates: self.rates.clone(),
            orders: self.orders.clone(),
            marks_left: self.marks_left,
            is_sound: self.is_sound,
        })
    }

    /// Goes back to what the account was, to the bit.
    ///
    /// # Errors
    /// [`StateError`] of books that refuse what they have saved.
    pub(crate) fn roll_back(&mut self, checkpoint: Checkpoint) -> Result<(), StateError> {
        self.pnl.restore(&checkpoint.pnl)?;
        self.book = checkpoint.book;
        self.seen.replace(checkpoint.seen);
        self.terms = checkpoint.terms;
        self.rates = checkpoint.rates;
        self.orders = checkpoint.orders;
        self.marks_left = checkpoint.marks_left;
        self.is_sound = checkpoint.is_sound;
        Ok(())
    }
}
