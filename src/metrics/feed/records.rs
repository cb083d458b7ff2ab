use crate::metrics::catalogue::system;
use crate::metrics::{CounterHandle, Meter};
use crate::types::Record;

/// How many records of each kind came.
pub(super) struct RecordFeed<M: Meter>([M::Counter; KINDS.len()]);

/// Words of the kinds, in the order of [`place`].
const KINDS: [&str; 21] = [
    "signal",
    "passed",
    "refused",
    "placed",
    "transition",
    "reported",
    "filled",
    "closed",
    "adjusted",
    "funded",
    "paid",
    "halted",
    "anomaly",
    "stop_moved",
    "failed",
    "status",
    "limit_changed",
    "acted",
    "parent",
    "delivered",
    "doubted",
];

impl<M: Meter> RecordFeed<M> {
    pub(super) fn new(meter: &M) -> Self {
        Self(KINDS.map(|kind| meter.counter(&system::RECORDS, &[kind])))
    }

    #[inline]
    pub(super) fn count(&self, record: &Record<'_>) {
        if let Some(counter) = self.0.get(place(record)) {
            counter.increment();
        }
    }
}

const fn place(record: &Record<'_>) -> usize {
    match record {
        Record::Signal { .. } => 0,
        Record::Passed { .. } => 1,
        Record::Refused { .. } => 2,
        Record::Placed { .. } => 3,
        Record::Transition { .. } => 4,
        Record::Reported { .. } => 5,
        Record::Filled { .. } => 6,
        Record::Closed { .. } => 7,
        Record::Adjusted { .. } => 8,
        Record::Funded { .. } => 9,
        Record::Paid { .. } => 10,
        Record::Halted { .. } => 11,
        Record::Anomaly { .. } => 12,
        Record::StopMoved { .. } => 13,
        Record::Failed { .. } => 14,
        Record::Status { .. } => 15,
        Record::LimitChanged { .. } => 16,
        Record::Acted { .. } => 17,
        Record::Parent { .. } => 18,
        Record::Delivered { .. } => 19,
        Record::Doubted { .. } => 20,
    }
}
