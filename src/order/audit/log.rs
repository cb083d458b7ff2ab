use std::io::{self, Write};

use super::entry::{actor_of, reason_of};
use super::{AuditEntry, AuditEvent, AuditFault, AuditState, AuditValue, violations};
use crate::metrics::MetricsSink;
use crate::types::{Facts, Instruments, Record, Timestamp};

/// A reader of records that writes an audit log: one line of JSON per record, with time, actor,
/// what was before and after, the reason, a number without gaps, and what must not be.
///
/// Folding the lines gives the state of orders, positions, halts and limits again:
/// [`AuditState::fold`]. When the writer fails, the log stops and keeps the error, because a
/// log with a hole is none; the engine goes on.
///
/// ```
/// use tradewright::metrics::MetricsSink;
/// use tradewright::order::audit::{AuditEntry, AuditLog};
/// use tradewright::types::{Instruments, Record, SlotId, Timestamp};
///
/// let mut log = AuditLog::new(Vec::new(), Instruments::new());
/// log.record(Timestamp::EPOCH, &Record::Failed { slot: SlotId(1), error: "no model" });
/// let lines = String::from_utf8(log.into_writer())?;
/// let entry: AuditEntry = serde_json::from_str(lines.trim())?;
/// assert_eq!(entry.sequence, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AuditLog<W> {
    writer: W,
    instruments: Instruments,
    state: AuditState,
    marks: Vec<Option<f64>>,
    faults: u64,
    error: Option<io::Error>,
}

impl<W: Write> AuditLog<W> {
    /// A log over a table of instruments, which orders are checked against.
    pub fn new(writer: W, instruments: Instruments) -> Self {
        let marks = vec![None; instruments.len()];
        Self { writer, instruments, state: AuditState::new(), marks, faults: 0, error: None }
    }

    /// What the log says so far.
    pub const fn state(&self) -> &AuditState {
        &self.state
    }

    /// How many faults were met.
    pub const fn faults(&self) -> u64 {
        self.faults
    }

    /// Why the log has stopped; `None` while it goes on.
    pub const fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    /// Ends the log and hands the writer back.
    pub fn into_writer(self) -> W {
        self.writer
    }

    fn entry(&mut self, at: Timestamp, record: &Record<'_>) -> AuditEntry {
        let event = AuditEvent::of(record);
        let mut faults = Vec::new();
        if let Record::Placed { order } = record {
            let mark = self.marks.get(order.intent.instrument.index()).copied().flatten();
            let found = violations(order, &self.instruments, mark).into_iter();
            faults.extend(found.map(|it| AuditFault::InvalidOrder(order.id, it)));
        }
        let before = match record {
            Record::LimitChanged { before, .. } => Some(AuditValue::Limit(*before)),
            _ => self.state.value(&event),
        };
        let sequence = self.state.sequence().saturating_add(1);
        self.state.check_order(sequence, at, &mut faults);
        self.state.apply(at, &event, &mut faults);
        let after = self.state.value(&event);
        let (actor, reason) = (actor_of(record), reason_of(record));
        AuditEntry { sequence, at, actor, event, before, after, reason, faults }
    }

    fn write(&mut self, entry: &AuditEntry) -> io::Result<()> {
        // The whole line at once, so that a writer that fails leaves none of it or says so.
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.writer.write_all(&line)
    }
}

impl<W: Write> MetricsSink for AuditLog<W> {
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        if self.error.is_some() {
            return;
        }
        let entry = self.entry(at, record);
        self.faults = self.faults.saturating_add(entry.faults.len() as u64);
        self.error = self.write(&entry).err();
    }

    fn on_mark(&mut self, facts: &Facts<'_>) {
        for (instrument, mark) in self.instruments.iter().zip(&mut self.marks) {
            *mark = facts.mark(instrument.id);
        }
    }
}
