use crate::types::DataError;
use crate::types::{Classification, Classify};

/// What a decoder has passed over, because it does not know it or nobody asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeCounts {
    /// Events whose kind the decoder does not know: a venue adds kinds at any time.
    pub unknown: u64,
    /// Events about instruments that are not in the table.
    pub foreign: u64,
    /// Events that are known and carry nothing for an engine.
    pub ignored: u64,
}

/// Why the bytes of a venue were refused. The frame is lost, the connection is not: count it, and
/// distrust the instrument when it was market data.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// No JSON, or not of the expected form.
    #[error("{what}: {message}")]
    Malformed {
        /// What was being read.
        what: &'static str,
        /// What was wrong and where, with line and column.
        message: String,
    },
    /// A field that the message cannot do without is missing or of another kind.
    #[error("{what}: field `{field}` is missing or of the wrong kind")]
    Missing {
        /// What was being read.
        what: &'static str,
        /// Which field.
        field: &'static str,
    },
    /// A field is no number, or no number that the library can hold.
    #[error("{what}: field `{field}` is `{text}`, which is no number in range")]
    Number {
        /// What was being read.
        what: &'static str,
        /// Which field.
        field: &'static str,
        /// The refused text, its first 40 characters.
        text: String,
    },
    /// A word that has no meaning here.
    #[error("{what}: field `{field}` has the unknown word `{text}`")]
    Word {
        /// What was being read.
        what: &'static str,
        /// Which field.
        field: &'static str,
        /// The refused text, its first 40 characters.
        text: String,
    },
    /// Values that no market can have.
    #[error("{what}: {source}")]
    Unsound {
        /// What was being read.
        what: &'static str,
        /// Which value, and why not.
        source: DataError,
    },
}

impl Classify for DecodeError {
    fn classification(&self) -> Classification {
        Classification::MESSAGE
    }
}
