/// What HTTP says in place of a stream: one question at a time, and no trust in what fails again
/// and again.
#[derive(Debug, Default)]
pub(in crate::live) struct Polling {
    is_asked: bool,
    /// The question that is on its way was asked before the stream came back.
    is_void: bool,
    failures: u32,
}

/// What the answers before cannot be trusted after.
const MOST_FAILURES: u32 = 3;

impl Polling {
    /// True when a question is to be asked: none is on its way.
    pub(in crate::live) const fn ask(&mut self) -> bool {
        !core::mem::replace(&mut self.is_asked, true)
    }

    /// The stream is back: what is on its way is of no use.
    pub(in crate::live) const fn stop(&mut self) {
        self.is_void = self.is_asked;
        self.failures = 0;
    }

    /// An answer, good or bad, has come; true when it is of use.
    pub(in crate::live) const fn answered(&mut self) -> bool {
        self.is_asked = false;
        !core::mem::replace(&mut self.is_void, false)
    }

    pub(in crate::live) const fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// True when so many have failed in a row that what was told before is too old.
    pub(in crate::live) const fn failed(&mut self) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.failures >= MOST_FAILURES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_question_at_a_time_and_none_from_before_the_stream() {
        let mut polling = Polling::default();
        assert!(polling.ask() && !polling.ask());
        assert!(polling.answered() && polling.ask());
        polling.stop();
        assert!(!polling.ask(), "it is on its way still");
        assert!(!polling.answered(), "it was asked before");
        assert!(polling.ask() && polling.answered());
    }

    #[test]
    fn the_third_failure_in_a_row_ends_the_trust() {
        let mut polling = Polling::default();
        assert!(!polling.failed() && !polling.failed());
        polling.succeeded();
        assert!(!polling.failed() && !polling.failed() && polling.failed() && polling.failed());
    }
}
