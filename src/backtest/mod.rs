//! Backtests: data, the loop around engine and simulated venue, results.

mod csv;
mod merge;
mod resample;
mod source;
mod tape;

pub use self::csv::{BarColumn, CsvBars, CsvEvents, CsvPrints, PrintColumn, Stamp, TimeFormat};
pub use merge::{Merge, merge};
pub use resample::{ResampleError, Resampler};
pub use source::{DataIssue, DataSource, IssueKind, SourceError};
pub use tape::{Tape, Timed};
