use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::arithmetic::add;
use super::seen::SeenTrades;
use super::{Account, LedgerError};
use crate::types::{FactBook, SlotId, State, StateError, WorkingFacts};

/// The written form of an account.
#[derive(Serialize, Deserialize)]
struct SavedAccount {
    book: FactBook,
    pnl: Vec<u8>,
    seen: SeenTrades,
    orders: Vec<u32>,
    marks_left: u32,
    is_sound: bool,
}

/// A snapshot holds the facts, the books of money and the memory of booked executions.
///
/// Restoring refuses a snapshot of another table of instruments, number of slots or reporting
/// currency, and one whose facts and books differ; the running account then stays as it was.
impl State for Account {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        State::save(&SavedAccount {
            book: self.book.clone(),
            pnl: self.pnl.save()?,
            seen: self.seen.clone(),
            orders: self.orders.clone(),
            marks_left: self.marks_left,
            is_sound: self.is_sound,
        })
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut saved = SavedAccount {
            book: FactBook::default(),
            pnl: Vec::new(),
            seen: SeenTrades::new(0),
            orders: Vec::new(),
            marks_left: 0,
            is_sound: true,
        };
        State::restore(&mut saved, state)?;
        let (expected, found) = (shape(&self.book), shape(&saved.book));
        if expected != found {
            return Err(StateError::Mismatch { expected, found });
        }
        if saved.orders.len() != self.orders.len() || !saved.seen.fits(self.terms.len()) {
            return Err(StateError::Unreadable("the account's tables have another size".into()));
        }
        if orders_add_up(&saved.book, &saved.orders) != Ok(true) {
            return Err(StateError::Unreadable("working orders do not add up".into()));
        }
        let books = self.pnl.save()?;
        self.pnl.restore(&saved.pnl)?;
        let facts = core::mem::replace(&mut self.book, saved.book);
        if let Err(error) = self.check_and_derive(saved.is_sound) {
            self.book = facts;
            self.pnl.restore(&books)?;
            // The old facts and books agreed before.
            return self.check_and_derive(self.is_sound).and(Err(error));
        }
        self.seen.replace(saved.seen);
        self.orders = saved.orders;
        self.marks_left = saved.marks_left;
        self.is_sound = saved.is_sound;
        Ok(())
    }
}

impl Account {
    /// Compares facts and books, then derives from them what no snapshot holds.
    fn check_and_derive(&mut self, is_sound: bool) -> Result<(), StateError> {
        let slots: Vec<SlotId> = self.slot_ids().collect();
        let unlike = || StateError::Unreadable("facts and books of the account differ".into());
        for (index, cash) in self.book.cash.iter().enumerate() {
            let asset = u16::try_from(index).map(crate::types::AssetId).map_err(|_| unlike())?;
            if *cash != self.pnl.sums(asset).cash {
                return Err(unlike());
            }
        }
        let ids = (0..self.terms.len()).map_while(|index| u32::try_from(index).ok());
        for id in ids.map(crate::types::InstrumentId) {
            let (mut quantity, mut cost) = (Decimal::ZERO, Decimal::ZERO);
            for slot in &slots {
                let fact = self.book.position(*slot, id);
                let held = self.holding(*slot, id).map_err(|_| unlike())?;
                if !is_sound {
                    continue;
                }
                if (fact.quantity, fact.cost) != (held.quantity, held.cost) {
                    return Err(unlike());
                }
                quantity = add(quantity, fact.quantity, "net quantity").map_err(|_| unlike())?;
                cost = add(cost, fact.cost, "net cost").map_err(|_| unlike())?;
            }
            let net = self.book.net(id);
            if is_sound && (net.quantity, net.cost) != (quantity, cost) {
                return Err(unlike());
            }
        }
        self.derive_terms().map_err(|_| unlike())
    }
}

/// True when what works of each strategy adds up to what works in all, in every instrument.
fn orders_add_up(book: &FactBook, orders: &[u32]) -> Result<bool, LedgerError> {
    let what = "working orders";
    let counts = orders.chunks(book.slots.len().max(1));
    for (index, ((net, working), counts)) in
        book.net.iter().zip(&book.working).zip(counts).enumerate()
    {
        let mut sum = WorkingFacts::default();
        for (positions, count) in book.slots.iter().zip(counts) {
            let Some(own) = positions.get(index) else { return Ok(false) };
            sum.buy = add(sum.buy, own.working_buy, what)?;
            sum.sell = add(sum.sell, own.working_sell, what)?;
            sum.orders = sum.orders.checked_add(*count).ok_or(LedgerError::Overflow { what })?;
        }
        let both = (net.working_buy, net.working_sell);
        if sum != *working || both != (working.buy, working.sell) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What must be the same in the snapshot and the running account.
fn shape(book: &FactBook) -> String {
    let instruments = book.marks.len();
    let is_whole = book.net.len() == instruments
        && book.working.len() == instruments
        && book.slots.iter().all(|positions| positions.len() == instruments);
    format!(
        "{} slots, {instruments} instruments, {} assets, reporting asset {}{}",
        book.slots.len(),
        book.cash.len(),
        book.reporting.0,
        if is_whole { "" } else { ", incomplete" },
    )
}
