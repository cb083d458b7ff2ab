use core::time::Duration;
use std::collections::VecDeque;

use crate::types::Timestamp;

/// The attempts to connect of all connections together: venues count them by address.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    times: VecDeque<Timestamp>,
}

impl Attempts {
    /// Takes one attempt, when fewer than `most` were made in the last `span`.
    pub(super) fn take(&mut self, at: Timestamp, most: usize, span: Duration) -> bool {
        let since = at.before(span);
        while self.times.front().is_some_and(|time| *time <= since) {
            self.times.pop_front();
        }
        let is_free = self.times.len() < most.max(1);
        if is_free {
            self.times.push_back(at);
        }
        is_free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_span_holds_more_than_the_budget() {
        let mut attempts = Attempts::default();
        let span = Duration::from_secs(300);
        let at = |second| Timestamp::from_secs(second).unwrap();
        let taken: Vec<i64> = (0..900).filter(|s| attempts.take(at(*s), 3, span)).collect();
        assert_eq!(taken, [0, 1, 2, 300, 301, 302, 600, 601, 602]);
    }
}
