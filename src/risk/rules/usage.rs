//! How much of a limit is used with nothing being opened, for dashboards and summaries.

use crate::types::{Facts, Instrument};

/// The largest value that the position in one of these instruments can reach with all working
/// orders filled; NaN while a mark or rate is missing.
pub(super) fn largest_value(facts: &Facts<'_>, which: impl Fn(&Instrument) -> bool) -> f64 {
    let mut largest = 0.0;
    for instrument in facts.instruments.iter().filter(|instrument| which(instrument)) {
        let value = facts.book.reach(instrument.id).worst_value();
        // NaN wins, and stays.
        if !(value <= largest) && !f64::is_nan(largest) {
            largest = value;
        }
    }
    largest
}

/// The sum of such values.
pub(super) fn sum_of_values(facts: &Facts<'_>, which: impl Fn(&Instrument) -> bool) -> f64 {
    let members = facts.instruments.iter().filter(|instrument| which(instrument));
    members.map(|instrument| facts.book.reach(instrument.id).worst_value()).sum()
}
