use serde::{Deserialize, Serialize};

use super::Guard;
use crate::types::{Halt, StateError};

/// One guard's name, state and last answer.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedGuard {
    name: String,
    state: Vec<u8>,
    wanted: Option<Halt>,
}

impl SavedGuard {
    pub(super) fn of(guard: &dyn Guard, wanted: Option<Halt>) -> Result<Self, StateError> {
        Ok(Self { name: guard.name().to_owned(), state: guard.save()?, wanted })
    }

    pub(super) fn load(self, into: &mut dyn Guard) -> Result<Option<Halt>, StateError> {
        if self.name != into.name() {
            let expected = into.name().to_owned();
            return Err(StateError::Mismatch { expected, found: self.name });
        }
        into.restore(&self.state)?;
        Ok(self.wanted)
    }
}
