//! Backtests: data, the loop around engine and simulated venue, results.

mod source;
mod tape;

pub use source::{DataIssue, DataSource, IssueKind, SourceError};
pub use tape::{Tape, Timed};
