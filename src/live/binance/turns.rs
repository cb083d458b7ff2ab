use crate::live::turns::Turns;
use crate::venue::{ClockOffset, RateBudget};

/// What is learnt of a venue that tells its limits, and its time to the millisecond.
impl Turns {
    /// Lets the budget be told something, such as the venue's own limits.
    pub(in crate::live) fn with_budget(&self, tell: impl FnOnce(&mut RateBudget)) {
        tell(self.lock().queue.budget_mut());
        self.wake.notify_one();
    }

    /// How far the venue's clock is from ours, as far as it was measured.
    pub(in crate::live) fn offset(&self) -> ClockOffset {
        self.lock().offset
    }

    pub(in crate::live) fn with_offset(&self, change: impl FnOnce(&mut ClockOffset)) {
        change(&mut self.lock().offset);
    }
}
