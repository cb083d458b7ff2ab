//! The saved form of the strategies of this crate: whose state it is, and the state.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::types::{State, StateError};

use super::Fingerprint;

/// A strategy's name and parameters, as far as its saved state has to know them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    strategy: String,
    fingerprint: Fingerprint,
}

impl Identity {
    pub(super) fn of<P: Serialize>(strategy: &str, parameters: &P) -> Self {
        let fingerprint = Fingerprint::of(strategy, parameters);
        Self { strategy: strategy.to_owned(), fingerprint }
    }

    pub(super) fn save<S: Serialize>(&self, state: &S) -> Result<Vec<u8>, StateError> {
        rmp_serde::to_vec_named(&(self, state))
            .map_err(|error| StateError::Unwritable(error.to_string()))
    }

    /// Reads a state that this very strategy with these very parameters has written.
    pub(super) fn read<S: DeserializeOwned>(&self, state: &[u8]) -> Result<S, StateError> {
        let unreadable = |error: rmp_serde::decode::Error| {
            StateError::Unreadable(format!("{}: {error}", self.strategy))
        };
        let mut reader = rmp_serde::Deserializer::from_read_ref(state);
        let Head(found) = Head::deserialize(&mut reader).map_err(unreadable)?;
        if found != *self {
            return Err(StateError::Mismatch { expected: self.text(), found: found.text() });
        }
        let (_, state): (Self, S) = rmp_serde::from_slice(state).map_err(unreadable)?;
        Ok(state)
    }

    fn text(&self) -> String {
        format!("{} {}", self.strategy, self.fingerprint)
    }
}

/// The identity alone, whatever the state after it looks like.
struct Head(Identity);

impl<'de> Deserialize<'de> for Head {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (identity, _): (Identity, serde::de::IgnoredAny) =
            Deserialize::deserialize(deserializer)?;
        Ok(Self(identity))
    }
}

/// Saves parts one after the other.
pub(super) fn save_all<'a>(
    parts: impl Iterator<Item = &'a (impl State + ?Sized + 'a)>,
) -> Result<Vec<Vec<u8>>, StateError> {
    parts.map(State::save).collect()
}

/// Restores all parts or none.
pub(super) fn restore_all<'a, S: State + ?Sized + 'a>(
    parts: &mut [&mut S],
    states: &[Vec<u8>],
) -> Result<(), StateError> {
    if parts.len() != states.len() {
        return Err(StateError::Unreadable(format!(
            "{} member states for {} members",
            states.len(),
            parts.len()
        )));
    }
    let before = save_all(parts.iter().map(|part| &**part))?;
    for index in 0..parts.len() {
        let (Some(part), Some(state)) = (parts.get_mut(index), states.get(index)) else { break };
        if let Err(error) = part.restore(state) {
            // These states were written by these very parts a moment ago.
            for (part, state) in parts.iter_mut().zip(&before).take(index) {
                part.restore(state)?;
            }
            return Err(error);
        }
    }
    Ok(())
}
