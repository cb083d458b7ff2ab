use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;

use crate::engine::{Command, Engine, EngineError, Input};
use crate::metrics::{MetricsSink, Tee};
use crate::strategy::Strategy;
use crate::types::Timestamp;
use crate::types::{Classification, Classify};

use super::framed::{First, read_one, write_one};
use super::{Decisions, Digest, Timed};

/// First bytes of a recording: name and version of the form.
const MAGIC: &[u8; 8] = b"twinput1";

/// The inputs of a run, in order: enough to repeat it to the bit.
///
/// ```
/// use tradewright::backtest::Recording;
/// use tradewright::engine::Input;
/// use tradewright::types::Timestamp;
///
/// let mut recording = Recording::new();
/// recording.push(Timestamp::EPOCH, Input::Time);
/// let mut file = Vec::new();
/// recording.write(&mut file)?;
/// assert_eq!(Recording::read(&file[..])?, recording);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    inputs: Vec<(Timestamp, Input)>,
}

impl Recording {
    /// An empty recording.
    pub const fn new() -> Self {
        Self { inputs: Vec::new() }
    }

    /// Appends an input.
    pub fn push(&mut self, at: Timestamp, input: Input) {
        self.inputs.push((at, input));
    }

    /// The inputs.
    pub fn inputs(&self) -> &[(Timestamp, Input)] {
        &self.inputs
    }

    /// The market events alone: the tape of the recorded day, to backtest it with another
    /// strategy or parameter. The venue's recorded words on our own orders are left out: they
    /// answer orders that another strategy does not send.
    pub fn market(&self) -> Vec<Timed> {
        let events = self.inputs.iter().filter_map(|(at, input)| match input {
            Input::Market(event) => Some(Timed { at: *at, event: event.clone() }),
            Input::Order(_) | Input::Adjustment(_) | Input::Control(_) | Input::Time => None,
        });
        events.collect()
    }

    /// Writes it: a header, then each input as length, MessagePack bytes and their checksum.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, mut to: impl Write) -> io::Result<()> {
        let mut recorder = Recorder::new(&mut to)?;
        self.inputs.iter().try_for_each(|(at, input)| recorder.input(*at, input))
    }

    /// Reads it back.
    ///
    /// # Errors
    /// [`RecordingError`] with the offset of the damage.
    pub fn read(from: impl Read) -> Result<Self, RecordingError> {
        let (inputs, end) = read_all(from, MAGIC)?;
        match end {
            End::Whole => Ok(Self { inputs }),
            End::Torn { offset } => Err(RecordingError::Damaged { offset }),
        }
    }

    /// Reads back what a program that was stopped in the middle has left: a last record that was
    /// cut off is dropped, and the answer says where it begins.
    ///
    /// # Errors
    /// As [`Recording::read`]; damage anywhere else is none that a stop can have caused.
    pub fn read_interrupted(from: impl Read) -> Result<(Self, Option<usize>), RecordingError> {
        let (inputs, end) = read_all(from, MAGIC)?;
        Ok((Self { inputs }, end.torn_at()))
    }
}

/// How the bytes of a recording end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With a whole record.
    Whole,
    /// With a record that was cut off.
    Torn {
        /// Where it begins.
        offset: usize,
    },
}

impl End {
    /// Where a record begins that was cut off.
    pub(super) const fn torn_at(self) -> Option<usize> {
        match self {
            Self::Whole => None,
            Self::Torn { offset } => Some(offset),
        }
    }
}

/// Reads the name and every record.
pub(super) fn read_all<T: DeserializeOwned>(
    mut from: impl Read,
    magic: &[u8; 8],
) -> Result<(Vec<T>, End), RecordingError> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    let mut rest = bytes.strip_prefix(magic).ok_or(RecordingError::NoRecording)?;
    let mut records = Vec::new();
    while !rest.is_empty() {
        let offset = bytes.len() - rest.len();
        match read_one(rest) {
            First::Record(record, later) => {
                records.push(record);
                rest = later;
            }
            First::Torn => return Ok((records, End::Torn { offset })),
            First::Damaged => return Err(RecordingError::Damaged { offset }),
        }
    }
    Ok((records, End::Whole))
}

/// Writes inputs to a stream as they come: what a live host calls for each input before it
/// carries out what the engine has answered.
#[derive(Debug)]
pub struct Recorder<W> {
    out: W,
    buffer: Vec<u8>,
}

impl<W: Write> Recorder<W> {
    /// Begins a recording.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        Ok(Self { out, buffer: Vec::new() })
    }

    /// Writes one input.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn input(&mut self, at: Timestamp, input: &Input) -> io::Result<()> {
        write_one(&mut self.out, &mut self.buffer, &(at, input))
    }

    /// The stream, such as to flush it.
    pub const fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// Ends the recording and hands the stream back.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// Runs a fresh engine over recorded inputs: the same inputs give the same commands and
/// records, so that [`Digest::value`] of the engine's sink equals the original's.
///
/// # Errors
/// [`EngineError`] when the engine refuses an input that was accepted when it was recorded:
/// it was built differently.
pub fn replay<S: Strategy, M: MetricsSink>(
    engine: &mut Engine<S, Tee<Digest, M>>,
    recording: &Recording,
) -> Result<Decisions, EngineError> {
    let mut decisions = Decisions::new();
    let mut commands: Vec<Command> = Vec::new();
    for (at, input) in &recording.inputs {
        engine.handle(*at, input, &mut commands)?;
        for command in commands.drain(..) {
            engine.sink_mut().0.command(*at, &command);
            decisions.push(*at, command);
        }
    }
    Ok(decisions)
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The stream failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The bytes do not begin as a recording of this kind and version does.
    #[error("this is no recording of this kind and version")]
    NoRecording,
    /// A record is damaged or cut off; what comes before it is sound.
    #[error("the recording is damaged at byte {offset}")]
    Damaged {
        /// Where the damaged record begins.
        offset: usize,
    },
}

impl Classify for RecordingError {
    fn classification(&self) -> Classification {
        match self {
            Self::Io(error) => error.classification(),
            Self::NoRecording | Self::Damaged { .. } => Classification::STORED,
        }
    }
}
