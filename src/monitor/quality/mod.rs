//! What trading cost against the price at which it was decided.

mod figures;
mod order;
mod reader;

pub use figures::{GroupQuality, QualityFigures, QualitySummary, Shortfall};
pub use order::{FillRow, OrderQuality};
pub use reader::FillQuality;

use order::Tracked;
