use super::bars::ClosedBars;
use crate::types::Timestamp;

/// What venues need whose subscriptions begin with bars of the past, and whose bars are polled.
impl ClosedBars {
    /// When the last bar that was told has closed.
    pub(in crate::live) const fn last(&self) -> Option<Timestamp> {
        self.last
    }

    pub(in crate::live) const fn is_fetching(&self) -> bool {
        self.is_fetching
    }

    /// A bar that had closed before anybody could be told is not told.
    pub(in crate::live) fn pass(&mut self, close: Timestamp) {
        self.last = self.last.max(Some(close));
    }
}
