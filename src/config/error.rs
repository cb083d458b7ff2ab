use core::fmt;

use crate::types::{Classification, Classify};

/// Settings that were refused, with everything that is wrong with them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError {
    /// Every mistake, in order of the keys.
    pub errors: Vec<SettingError>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the settings have {} mistakes", self.errors.len())?;
        for error in &self.errors {
            write!(out, "\n  {error}")?;
        }
        Ok(())
    }
}

impl Classify for SettingsError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}

/// One mistake. Values of secrets are never part of it, and of other values only short ones: a
/// long text under a wrong key may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct SettingError {
    /// The key, or the name of the variable where that was wrong.
    pub key: String,
    /// Why it was refused.
    pub reason: String,
}

impl Classify for SettingError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}
