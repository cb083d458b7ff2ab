use core::fmt;
use std::io::{self, Read, Write};

use crate::engine::Command;
use crate::types::Timestamp;

use super::RecordingError;
use super::framed::write_one;
use super::recording::read_all;

/// First bytes of written decisions: name and version of the form.
const MAGIC: &[u8; 8] = b"twdecid1";

/// The commands of a run in order: what it decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decisions {
    rows: Vec<(Timestamp, Command)>,
}

impl Decisions {
    /// No decisions yet.
    pub const fn new() -> Self {
        Self { rows: Vec::new() }
    }

    /// Appends one.
    pub fn push(&mut self, at: Timestamp, command: Command) {
        self.rows.push((at, command));
    }

    /// All of them.
    pub fn rows(&self) -> &[(Timestamp, Command)] {
        &self.rows
    }

    /// Those up to a time, its own included; none before a first.
    #[must_use]
    pub fn until(mut self, last: Option<Timestamp>) -> Self {
        self.rows.retain(|(at, _)| last.is_some_and(|last| *at <= last));
        self
    }

    /// Reads back what [`DecisionWriter`] has written; a last record that was cut off, because
    /// the program was stopped, is dropped.
    ///
    /// # Errors
    /// [`RecordingError`] with the offset of the damage.
    pub fn read(from: impl Read) -> Result<Self, RecordingError> {
        let (rows, _) = read_all(from, MAGIC)?;
        Ok(Self { rows })
    }

    /// What differs from another run, in order of time; empty when both decided alike.
    ///
    /// Decisions of one instant are compared in their order; a decision that the other run did
    /// not take stands alone.
    pub fn diff(&self, other: &Self) -> Vec<Difference> {
        let (mut left, mut right) = (self.rows.as_slice(), other.rows.as_slice());
        let mut differences = Vec::new();
        while let Some(at) = earliest(left, right) {
            let (ours, rest) = instant(left, at);
            let (theirs, others) = instant(right, at);
            (left, right) = (rest, others);
            compare(at, ours, theirs, &mut differences);
        }
        differences
    }
}

/// Writes decisions to a stream as they are taken, in the form of a
/// [`Recording`](super::Recording).
///
/// ```
/// use tradewright::backtest::{DecisionWriter, Decisions};
/// use tradewright::engine::Command;
/// use tradewright::types::{InstrumentId, OrderId, SlotId, Timestamp};
///
/// let order = OrderId::new(1, SlotId(1), 1);
/// let command = Command::Cancel { order, instrument: InstrumentId(0) };
/// let mut writer = DecisionWriter::new(Vec::new())?;
/// writer.decision(Timestamp::EPOCH, &command)?;
/// let decisions = Decisions::read(&writer.into_inner()[..])?;
/// assert_eq!(decisions.rows(), [(Timestamp::EPOCH, command)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DecisionWriter<W> {
    out: W,
    buffer: Vec<u8>,
}

impl<W: Write> DecisionWriter<W> {
    /// Begins.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        Ok(Self { out, buffer: Vec::new() })
    }

    /// Writes one decision.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn decision(&mut self, at: Timestamp, command: &Command) -> io::Result<()> {
        write_one(&mut self.out, &mut self.buffer, &(at, command))
    }

    /// The stream, such as to flush it.
    pub const fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// Ends and hands the stream back.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// A place where two runs decided differently.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// When.
    pub at: Timestamp,
    /// What the first run did.
    pub left: Option<Command>,
    /// What the second run did.
    pub right: Option<Command>,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let say = |command: &Option<Command>| command.as_ref().map_or("nothing".into(), tell);
        write!(formatter, "{}: {} | {}", self.at, say(&self.left), say(&self.right))
    }
}

/// A command in a few words.
fn tell(command: &Command) -> String {
    match command {
        Command::Place(order) => {
            let intent = &order.intent;
            format!("place {} {} {:?} {:?}", order.id, intent.side, intent.amount, intent.kind)
        }
        Command::Cancel { order, .. } => format!("cancel {order}"),
        Command::Amend { order, quantity, price, .. } => {
            format!("amend {order} to {quantity} at {price}")
        }
        Command::Alert(alert) => format!("alert {} {}", alert.code, alert.subject),
    }
}

type Row = (Timestamp, Command);

fn earliest(left: &[Row], right: &[Row]) -> Option<Timestamp> {
    let first = |rows: &[Row]| rows.first().map(|(at, _)| *at);
    match (first(left), first(right)) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The rows of one instant, and the later ones.
fn instant(rows: &[Row], at: Timestamp) -> (&[Row], &[Row]) {
    rows.split_at(rows.iter().take_while(|(own, _)| *own == at).count())
}

fn compare(at: Timestamp, ours: &[Row], theirs: &[Row], out: &mut Vec<Difference>) {
    for index in 0..ours.len().max(theirs.len()) {
        let left = ours.get(index).map(|(_, command)| *command);
        let right = theirs.get(index).map(|(_, command)| *command);
        // Debug text compares NaN references as equal, which `==` would not.
        if left.map(|it| format!("{it:?}")) != right.map(|it| format!("{it:?}")) {
            out.push(Difference { at, left, right });
        }
    }
}
