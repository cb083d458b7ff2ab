//! Readers of comma-separated files: bars and prints, strict unless told otherwise.

mod bars;
mod digits;
mod events;
mod gaps;
mod prints;
mod rows;
mod table;
mod time;

pub use bars::{BarColumn, CsvBars, Stamp};
pub use events::CsvEvents;
pub use prints::{CsvPrints, PrintColumn};
pub use time::TimeFormat;
