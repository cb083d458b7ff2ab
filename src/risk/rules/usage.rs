//! How much of a limit is used with nothing being opened, for dashboards and summaries.

use crate::risk::exposure::mark_value;
use crate::risk::reach::Reach;
use crate::types::{Facts, Instrument};

/// The largest value that the position in one of these instruments can reach with all working
/// orders filled; NaN while a mark or rate is missing.
pub(super) fn largest_value(facts: &Facts<'_>, which: impl Fn(&Instrument) -> bool) -> f64 {
    let mut largest = 0.0;
    for instrument in facts.instruments.iter().filter(|instrument| which(instrument)) {
        let value = worst_value(instrument, facts);
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
    members.map(|instrument| worst_value(instrument, facts)).sum()
}

fn worst_value(instrument: &Instrument, facts: &Facts<'_>) -> f64 {
    let worst = Reach::of(instrument.id, facts.book).worst();
    // Nothing held needs no mark.
    if worst == 0.0 { 0.0 } else { worst * mark_value(instrument, facts) }
}
