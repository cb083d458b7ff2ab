use super::{Classification, Classify};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What can be saved and restored: every strategy, rule and stateful part of the engine.
///
/// It comes for free with serde: derive `Serialize` and `Deserialize`. The saved form is
/// MessagePack, which keeps every bit of an `f64`.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use tradewright::types::State;
///
/// #[derive(Serialize, Deserialize, PartialEq, Debug)]
/// struct Counter { seen: u64 }
///
/// let saved = Counter { seen: 3 }.save().unwrap();
/// let mut other = Counter { seen: 0 };
/// other.restore(&saved).unwrap();
/// assert_eq!(other, Counter { seen: 3 });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be saved and restored",
    label = "this type has no saved form",
    note = "derive serde's `Serialize` and `Deserialize` for it"
)]
pub trait State {
    /// The state as bytes.
    ///
    /// # Errors
    /// [`StateError::Unwritable`] when a part of it cannot be written.
    fn save(&self) -> Result<Vec<u8>, StateError>;

    /// Takes over a saved state.
    ///
    /// # Errors
    /// [`StateError::Unreadable`] or [`StateError::Mismatch`]; the old state stays.
    fn restore(&mut self, state: &[u8]) -> Result<(), StateError>;
}

impl<T: Serialize + DeserializeOwned> State for T {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        rmp_serde::to_vec_named(self).map_err(|error| StateError::Unwritable(error.to_string()))
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        *self = rmp_serde::from_slice(state)
            .map_err(|error| StateError::Unreadable(error.to_string()))?;
        Ok(())
    }
}

/// Why a state could not be saved or taken over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// A part of the state has no written form.
    #[error("state cannot be written: {0}")]
    Unwritable(String),
    /// The bytes are no state of this type; use the snapshot of the same version.
    #[error("state cannot be read: {0}")]
    Unreadable(String),
    /// The state belongs to another strategy, parameter set or table of instruments.
    #[error("state belongs to `{found}`, expected `{expected}`")]
    Mismatch {
        /// What the running object is.
        expected: String,
        /// What the state says it is.
        found: String,
    },
}

impl Classify for StateError {
    fn classification(&self) -> Classification {
        Classification::STORED
    }
}
