use std::io;
use std::path::PathBuf;

use crate::config::LogModuleError;
use crate::types::{Classification, Classify, ErrorCategory, Severity};

/// Why logs could not be set up, changed or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoggingError {
    /// The folder is not there and cannot be made.
    #[error("the folder {} cannot be made: {kind}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why not.
        kind: io::ErrorKind,
    },
    /// The file cannot be opened for writing.
    #[error("the file {} cannot be written: {kind}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        kind: io::ErrorKind,
    },
    /// The thread that writes cannot be started.
    #[error("the thread that writes cannot be started: {kind}")]
    Thread {
        /// Why not.
        kind: io::ErrorKind,
    },
    /// The process has a subscriber already: ask whoever has installed it.
    #[error("the process has a subscriber already")]
    Installed,
    /// No such module can have a level of its own.
    #[error(transparent)]
    Module(#[from] LogModuleError),
    /// The subscriber whose levels were to be changed is no more.
    #[error("the subscriber is no more")]
    Gone,
    /// Not everything was written in time.
    #[error("{lines} lines were not written in time")]
    NotWritten {
        /// So many still wait.
        lines: u64,
    },
}

impl Classify for LoggingError {
    fn classification(&self) -> Classification {
        match self {
            Self::Folder { .. } | Self::File { .. } | Self::Thread { .. } => {
                Classification::MACHINE
            }
            Self::Installed | Self::Gone => Classification::SETTINGS,
            Self::Module(error) => error.classification(),
            // The thread goes on writing.
            Self::NotWritten { .. } => Classification::new(ErrorCategory::System, Severity::Medium),
        }
    }
}
