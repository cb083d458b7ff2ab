use core::time::Duration;

use crate::types::Timestamp;

/// Keeps what is sent on one connection apart in time: venues count every message, pings and
/// pongs included, and cut who sends too many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    apart: Duration,
    free_at: Timestamp,
}

impl Pace {
    pub(super) const fn new(apart: Duration) -> Self {
        Self { apart, free_at: Timestamp::EPOCH }
    }

    /// When the next message may leave.
    pub(super) const fn free_at(&self) -> Timestamp {
        self.free_at
    }

    /// A message has left. One that could not wait (a pong) pushes the next ones back.
    pub(super) fn sent(&mut self, at: Timestamp) {
        self.free_at = self.free_at.max(at).after(self.apart);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pongs_push_the_next_messages_back() {
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        let mut pace = Pace::new(Duration::from_millis(250));
        pace.sent(at(1_000));
        assert_eq!(pace.free_at(), at(1_250));
        pace.sent(at(1_001));
        assert_eq!(pace.free_at(), at(1_500));
        pace.sent(at(9_000));
        assert_eq!(pace.free_at(), at(9_250));
    }
}
