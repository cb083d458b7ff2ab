use core::fmt;
use std::fs;
use std::path::PathBuf;

use secrecy::SecretString;

use crate::types::{Classification, Classify};

/// Where a secret comes from. It is never shown, and wiped when it is dropped.
#[derive(Clone)]
pub enum SecretSource {
    /// A variable held it.
    Value(SecretString),
    /// It is in a file of its own.
    File(PathBuf),
}

impl SecretSource {
    /// The secret; of a file its text without white space around it.
    ///
    /// # Errors
    /// [`SecretError`] for a file that is not there, is empty or too long, or that others may
    /// read.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        /// A private key in PEM has some hundred characters.
        const LONGEST: u64 = 65_536;
        let path = match self {
            Self::Value(secret) => return Ok(secret.clone()),
            Self::File(path) => path,
        };
        let unreadable = |error: std::io::Error| SecretError::Unreadable {
            path: path.clone(),
            kind: error.kind(),
        };
        let file = fs::metadata(path).map_err(unreadable)?;
        if is_open(&file) {
            return Err(SecretError::Open { path: path.clone() });
        }
        if file.len() > LONGEST {
            return Err(SecretError::NoSecret { path: path.clone() });
        }
        let text = SecretString::from(fs::read_to_string(path).map_err(unreadable)?);
        let trimmed = secrecy::ExposeSecret::expose_secret(&text).trim();
        if trimmed.is_empty() {
            return Err(SecretError::NoSecret { path: path.clone() });
        }
        Ok(SecretString::from(trimmed))
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(_) => out.write_str("[redacted]"),
            Self::File(path) => write!(out, "file {}", path.display()),
        }
    }
}

/// Why a secret could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The file cannot be read.
    #[error("secret file {path}: {kind}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        kind: std::io::ErrorKind,
    },
    /// Others may read the file: take that right from them (chmod 600).
    #[error("secret file {path} can be read by others")]
    Open {
        /// Which file.
        path: PathBuf,
    },
    /// The file is empty, or too long for a secret.
    #[error("secret file {path} holds no secret")]
    NoSecret {
        /// Which file.
        path: PathBuf,
    },
}

impl Classify for SecretError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}

#[cfg(unix)]
fn is_open(file: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open(_: &fs::Metadata) -> bool {
    false
}
