//! Backtests: data, the loop around engine and simulated venue, results.

mod csv;
mod merge;
mod source;
mod tape;

pub use self::csv::{BarColumn, CsvBars, CsvEvents, Stamp, TimeFormat};
pub use source::{DataIssue, DataSource, IssueKind, SourceError};
pub use tape::{Tape, Timed};
