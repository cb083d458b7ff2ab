use std::io::{self, Read, Write};

use crate::engine::{Command, Engine, EngineError, Input};
use crate::metrics::{MetricsSink, Tee};
use crate::strategy::Strategy;
use crate::types::Timestamp;
use crate::types::{Classification, Classify};

use super::{Decisions, Digest, Timed};

/// First bytes of a recording: name and version of the form.
const MAGIC: &[u8; 8] = b"twinput1";

/// The largest record that a reader accepts: a book of some ten thousand levels.
const MOST_BYTES: u32 = 1 << 24;

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
    pub fn read(mut from: impl Read) -> Result<Self, RecordingError> {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes)?;
        let rest = bytes.strip_prefix(MAGIC).ok_or(RecordingError::NoRecording)?;
        let mut recording = Self::new();
        let mut rest = rest;
        while !rest.is_empty() {
            let offset = bytes.len() - rest.len();
            let (input, later) = read_one(rest).ok_or(RecordingError::Damaged { offset })?;
            recording.inputs.push(input);
            rest = later;
        }
        Ok(recording)
    }
}

fn read_one(bytes: &[u8]) -> Option<((Timestamp, Input), &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length);
    if length > MOST_BYTES {
        return None;
    }
    let (body, rest) = rest.split_at_checked(length as usize)?;
    let (sum, rest) = rest.split_first_chunk::<8>()?;
    if u64::from_le_bytes(*sum) != checksum(body) {
        return None;
    }
    Some((rmp_serde::from_slice(body).ok()?, rest))
}

fn checksum(body: &[u8]) -> u64 {
    twox_hash::xxhash3_128::Hasher::oneshot(body) as u64
}

/// Writes inputs to a stream as they come: what a live host calls before each
/// [`Engine::handle`].
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
        self.buffer.clear();
        rmp_serde::encode::write(&mut self.buffer, &(at, input)).map_err(io::Error::other)?;
        let length = u32::try_from(self.buffer.len()).map_err(io::Error::other)?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&self.buffer)?;
        self.out.write_all(&checksum(&self.buffer).to_le_bytes())
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
    /// The bytes do not begin as a recording of this version does.
    #[error("this is no recording of inputs, version 1")]
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
