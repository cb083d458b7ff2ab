//! How numbers, dates and texts are written for people.

use crate::types::Timestamp;
pub(in crate::backtest) use crate::types::figures::{
    NONE, cut, money, number, one_line, percent, span,
};

use super::calendar::session;

/// The date that a moment belongs to.
pub(in crate::backtest) fn date(at: Timestamp) -> String {
    session(at).format("%Y-%m-%d").to_string()
}
