use super::{Tape, Timed};

impl Tape {
    /// Puts events that are sound and in order of time in their places, behind those that are
    /// there already at the same time.
    pub(super) fn insert(&mut self, events: Vec<Timed>) {
        let in_order = match (self.events.last(), events.first()) {
            (Some(last), Some(first)) => last.at <= first.at,
            (_, _) => true,
        };
        self.events.extend(events);
        if !in_order {
            // Stable: two sorted runs are merged in one pass.
            self.events.sort_by_key(|timed| timed.at);
        }
    }
}
