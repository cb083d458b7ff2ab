use serde::{Deserialize, Serialize};

use super::position::Position;
use super::{AssetSums, Ledger, LedgerConfig};
use crate::types::{State, StateError};

/// The written form.
#[derive(Serialize, Deserialize)]
struct SavedLedger {
    config: LedgerConfig,
    slots: usize,
    instruments: usize,
    digits: Vec<u32>,
    positions: Vec<Position>,
    sums: Vec<AssetSums>,
}

impl State for Ledger {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        let saved = SavedLedger {
            config: self.config,
            slots: self.slots,
            instruments: self.instruments,
            digits: self.digits.clone(),
            positions: self.positions.clone(),
            sums: self.sums.clone(),
        };
        State::save(&saved)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut saved = SavedLedger {
            config: self.config,
            slots: 0,
            instruments: 0,
            digits: Vec::new(),
            positions: Vec::new(),
            sums: Vec::new(),
        };
        State::restore(&mut saved, state)?;
        let describe = |config: LedgerConfig, slots: usize, instruments: usize, digits: &[u32]| {
            format!("{config:?}, {slots} slots, {instruments} instruments, digits {digits:?}")
        };
        let expected = describe(self.config, self.slots, self.instruments, &self.digits);
        let found = describe(saved.config, saved.slots, saved.instruments, &saved.digits);
        if expected != found {
            return Err(StateError::Mismatch { expected, found });
        }
        if saved.positions.len() != self.positions.len() || saved.sums.len() != self.sums.len() {
            return Err(StateError::Unreadable("the ledger's tables have another size".into()));
        }
        if !saved.positions.iter().all(|position| position.is_sound(self.config.lots)) {
            return Err(StateError::Unreadable("a position differs from its lots".into()));
        }
        self.positions = saved.positions;
        self.sums = saved.sums;
        Ok(())
    }
}
