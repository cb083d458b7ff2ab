use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::types::{Classification, Classify};
use crate::types::{DataError, InstrumentError, InstrumentId, Timestamp};

use super::{ResampleError, Timed};

/// Where market events come from, in order of time. Any iterator of events will do.
///
/// ```
/// use tradewright::backtest::{DataSource, Timed};
/// use tradewright::types::{Bar, InstrumentId, MarketEvent, Period, Timestamp};
///
/// fn count(source: impl DataSource) -> usize { source.count() }
///
/// let at = Timestamp::from_secs(60).unwrap();
/// let bar = Bar::new(InstrumentId(0), Period::MINUTE, [1.0, 1.0, 1.0, 1.0], 5.0).unwrap();
/// let events = [Ok(Timed { at, event: MarketEvent::Bar(bar) })];
/// assert_eq!(count(events.into_iter()), 1);
/// ```
pub trait DataSource: Iterator<Item = Result<Timed, SourceError>> {}

impl<I: Iterator<Item = Result<Timed, SourceError>>> DataSource for I {}

/// Something about the data that a person should know. Nothing is dropped in silence: what was
/// left out, moved or is missing stands here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataIssue {
    /// In which series.
    pub instrument: InstrumentId,
    /// At which time.
    pub at: Timestamp,
    /// Line of the file (1 is the header), 0 where there is none.
    pub line: u64,
    /// What.
    pub kind: IssueKind,
}

/// What is unusual about the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum IssueKind {
    /// A row older than its predecessor; it was put in its place.
    Unsorted,
    /// A second row of the same time; the first was kept.
    Duplicate,
    /// Bars are missing before this one.
    Gap {
        /// How many.
        missing: u64,
    },
    /// Open or close lay outside of high and low, which were widened to hold them.
    Widened,
}

/// Why data could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The file cannot be opened or read.
    #[error("{}: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// A column is missing.
    #[error("{file}: no column `{column}`, found {found}")]
    NoColumn {
        /// The file.
        file: String,
        /// The wanted column.
        column: String,
        /// The columns that are there.
        found: String,
    },
    /// A cell cannot be read.
    #[error("{file}:{line}:{column}: `{text}` is no {wanted}")]
    BadCell {
        /// The file.
        file: String,
        /// Line, 1 is the header.
        line: u64,
        /// The column's name.
        column: String,
        /// The refused text, cut to 40 characters.
        text: String,
        /// What was expected.
        wanted: &'static str,
    },
    /// A row is no sound bar or print.
    #[error("{file}:{line}: {error}")]
    BadRow {
        /// The file.
        file: String,
        /// Line, 1 is the header.
        line: u64,
        /// Why.
        error: DataError,
    },
    /// A row is older than its predecessor; a lenient reader sorts.
    #[error("{file}:{line}: time goes back from {previous} to {at}")]
    Unsorted {
        /// The file.
        file: String,
        /// Line, 1 is the header.
        line: u64,
        /// Time of the row before.
        previous: Timestamp,
        /// The refused time.
        at: Timestamp,
    },
    /// A second bar of the same time; a lenient reader keeps the first.
    #[error("{file}:{line}: a second bar of {at}, the first is in line {first}")]
    Repeated {
        /// The file.
        file: String,
        /// Line, 1 is the header.
        line: u64,
        /// Line of the first bar of this time.
        first: u64,
        /// The time of both.
        at: Timestamp,
    },
    /// The period of the bars cannot be told from the data; set it.
    #[error("{file}: the period cannot be told from {rows} rows, set it")]
    NoPeriod {
        /// The file.
        file: String,
        /// Rows in the file.
        rows: usize,
    },
    /// The text is broken as CSV.
    #[error("{file}:{line}: {message}")]
    BadText {
        /// The file.
        file: String,
        /// Line, 1 is the header.
        line: u64,
        /// Why.
        message: String,
    },
    /// An event is not sound or out of order.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The instrument cannot be registered.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// Bars cannot be made from the data.
    #[error(transparent)]
    Resample(#[from] ResampleError),
    /// There is no data at all.
    #[error("{file}: no data")]
    Empty {
        /// The file.
        file: String,
    },
}

impl Classify for SourceError {
    fn classification(&self) -> Classification {
        match self {
            Self::File { error, .. } => error.classification(),
            Self::Data(error) => error.classification(),
            Self::Instrument(error) => error.classification(),
            Self::Resample(error) => error.classification(),
            _ => Classification::SETTINGS,
        }
    }
}
