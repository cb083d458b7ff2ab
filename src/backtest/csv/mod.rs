//! Readers of comma-separated files: bars and prints, strict unless told otherwise.

mod bars;
mod events;
mod gaps;
mod rows;
mod table;
mod time;

pub use bars::{BarColumn, CsvBars, Stamp};
pub use events::CsvEvents;
pub use time::TimeFormat;
