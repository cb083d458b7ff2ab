use crate::backtest::{DataIssue, SourceError, Tape, Timed};
use crate::types::Instruments;

/// The events of one file, in order of time: a [`DataSource`](crate::backtest::DataSource).
#[derive(Clone, Debug)]
pub struct CsvEvents {
    events: std::vec::IntoIter<Timed>,
    issues: Vec<DataIssue>,
}

impl CsvEvents {
    pub(super) fn new(events: Vec<Timed>, issues: Vec<DataIssue>) -> Self {
        Self { events: events.into_iter(), issues }
    }

    /// What is unusual about the file.
    pub fn issues(&self) -> &[DataIssue] {
        &self.issues
    }
}

impl Iterator for CsvEvents {
    type Item = Result<Timed, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.events.next().map(Ok)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.events.size_hint()
    }
}

impl Tape {
    /// Takes a table that has grown and the events of its newest instrument.
    pub(super) fn take(&mut self, instruments: Instruments, events: CsvEvents) {
        self.instruments = instruments;
        self.insert(events.events.collect());
        self.issues.extend(events.issues);
    }
}
