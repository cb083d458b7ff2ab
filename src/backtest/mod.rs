//! Backtests: data, the loop around engine and simulated venue, results, replay.

mod run;

mod csv;
mod merge;
#[cfg(feature = "parquet")]
mod parquet;
mod resample;
mod source;
mod tape;

mod collector;
mod funding;
mod hash;
mod hash_fields;
mod hash_records;
mod report;
mod simulation;
#[cfg(feature = "report")]
pub mod tear_sheet;

mod decisions;
mod framed;
mod look_ahead;
mod recording;
mod variants;
mod workbench;

pub use self::csv::{BarColumn, CsvBars, CsvEvents, CsvPrints, PrintColumn, Stamp, TimeFormat};
pub use collector::{
    Collector, EquityPoint, HaltRow, OrderRow, RefusalRow, Sampling, SignalRow, StopRow,
};
pub use decisions::{DecisionWriter, Decisions, Difference};
pub use funding::FundingSeries;
pub use hash::{Digest, RunHash};
pub use look_ahead::{LookAhead, look_ahead};
pub use merge::{Merge, merge};
#[cfg(feature = "parquet")]
pub use parquet::ParquetFile;
pub use recording::{Recorder, Recording, RecordingError, replay};
pub use report::{
    Analysis, Benchmark, Costs, MonthReturn, OpenPosition, PeriodsPerYear, Report, RunInfo,
    StrategyStatistics, TagStatistics, YearReturn,
};
pub use resample::{ResampleError, Resampler};
pub use run::{Backtest, BacktestError, Plan, Progress, Run};
pub use simulation::Simulation;
pub use source::{DataIssue, DataSource, IssueKind, SourceError};
pub use tape::{Tape, Timed};
pub use variants::run_variants;
pub use workbench::{drive, synthetic};
