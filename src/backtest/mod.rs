//! Backtests: data, the loop around engine and simulated venue, results, replay.

mod collector;
mod decisions;
mod hash;
mod look_ahead;
mod recording;
mod report;
mod run;
mod simulation;
mod source;
mod tape;
mod variants;

pub use collector::{
    Collector, EquityPoint, HaltRow, OrderRow, RefusalRow, Sampling, SignalRow,
};
pub use decisions::{Decisions, Difference};
pub use hash::{Digest, RunHash};
pub use look_ahead::{LookAhead, look_ahead};
pub use recording::{Recorder, Recording, RecordingError, replay};
pub use report::Report;
pub use run::{Backtest, BacktestError, Plan, Progress};
pub use simulation::Simulation;
pub use source::{DataIssue, DataSource, IssueKind, SourceError};
pub use tape::{Tape, Timed};
pub use variants::run_variants;
