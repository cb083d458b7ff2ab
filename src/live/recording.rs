//! What a bot leaves on disk: snapshots, and of each run its inputs and decisions.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::backtest::{
    DecisionWriter, Decisions, Difference, Recorder, Recording, RecordingError, RunHash, replay,
};
use crate::engine::{EngineError, Input};
use crate::metrics::MetricsSink;
use crate::strategy::Strategy;
use crate::types::{Classification, Classify, StateError, Timestamp};

use super::{Bot, BotPlan, engine_state};

/// Writes the inputs of a run and what was decided on them to two streams.
#[derive(Debug)]
pub struct SessionRecorder<W> {
    inputs: Recorder<W>,
    decisions: DecisionWriter<W>,
}

impl<W: Write> SessionRecorder<W> {
    /// Begins two recordings.
    ///
    /// # Errors
    /// Those of the writers.
    pub fn new(inputs: W, decisions: W) -> io::Result<Self> {
        Ok(Self { inputs: Recorder::new(inputs)?, decisions: DecisionWriter::new(decisions)? })
    }

    /// Hands everything on that the writers have kept back.
    ///
    /// # Errors
    /// Those of the writers.
    pub fn flush(&mut self) -> io::Result<()> {
        self.inputs.get_mut().flush()?;
        self.decisions.get_mut().flush()
    }

    /// Ends both and hands the streams back.
    pub fn into_inner(self) -> (W, W) {
        (self.inputs.into_inner(), self.decisions.into_inner())
    }
}

impl<S: Strategy, M: MetricsSink> Bot<S, M> {
    /// Writes what was told and decided since the last call. Call it before the requests are
    /// carried out: what is sent is then on record.
    ///
    /// # Errors
    /// Those of the writers. A record may then be half written: end the recording.
    pub fn record<W: Write>(&mut self, to: &mut SessionRecorder<W>) -> io::Result<()> {
        let journal = self.take_journal();
        // A decision without its input is known by its time, an input without its decisions
        // would look like another run.
        journal
            .decisions
            .iter()
            .try_for_each(|(at, command)| to.decisions.decision(*at, command))?;
        journal.inputs.iter().try_for_each(|(at, input)| to.inputs.input(*at, input))
    }
}

/// The files of one bot, in a folder of the host's choice:
///
/// | file | holds |
/// |---|---|
/// | `NAME.state` | the last snapshot |
/// | `NAME-RUN.start` | the snapshot that run number RUN began with; the first has none |
/// | `NAME-RUN.inputs` | its inputs, a [`Recording`] |
/// | `NAME-RUN.decisions` | its decisions, [`Decisions`] |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFiles {
    folder: PathBuf,
    name: String,
}

/// First bytes of a snapshot's file: name and version of the form.
const MAGIC: &[u8; 8] = b"twstate1";

impl SessionFiles {
    /// The files of the bot of this name.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for a name with other signs than letters, digits, dashes
    /// and underscores.
    pub fn new(folder: impl Into<PathBuf>, name: &str) -> io::Result<Self> {
        let is_plain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_');
        if name.is_empty() || !name.chars().all(is_plain) {
            let message = format!("`{name}` is no name for files");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(Self { folder: folder.into(), name: name.to_owned() })
    }

    fn of_run(&self, epoch: u32, kind: &str) -> PathBuf {
        self.folder.join(format!("{}-{epoch}.{kind}", self.name))
    }

    fn state(&self) -> PathBuf {
        self.folder.join(format!("{}.state", self.name))
    }

    /// The last snapshot; `None` where there never was one.
    ///
    /// # Errors
    /// Those of the file system, and [`io::ErrorKind::InvalidData`] for a damaged file: it is
    /// for a person to say how to go on, a bot must not begin anew beside orders that work.
    pub fn snapshot(&self) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.state()) {
            Ok(bytes) => unseal(&bytes).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts a snapshot in the place of the last one, as a whole or not at all: it is written
    /// beside it, brought to the disk, and renamed.
    ///
    /// # Errors
    /// Those of the file system; the last snapshot is still there.
    pub fn keep(&self, snapshot: &[u8]) -> io::Result<()> {
        write_whole(&self.state(), snapshot)
    }

    /// Opens the files of a run; `start` is the snapshot that it begins with.
    ///
    /// # Errors
    /// Those of the file system, [`io::ErrorKind::AlreadyExists`] among them: a run's number is
    /// given once.
    pub fn begin(&self, epoch: u32, start: Option<&[u8]>) -> io::Result<SessionRecorder<File>> {
        fs::create_dir_all(&self.folder)?;
        if let Some(start) = start {
            write_whole(&self.of_run(epoch, "start"), start)?;
        }
        let open =
            |kind| OpenOptions::new().write(true).create_new(true).open(self.of_run(epoch, kind));
        SessionRecorder::new(open("inputs")?, open("decisions")?)
    }

    /// The inputs of a run from this number on: what its engine has taken after a snapshot. A
    /// last input that was cut off is left out, since nothing was done on it.
    ///
    /// # Errors
    /// [`RecordingError`]; that there is no file is none.
    pub fn tail(&self, epoch: u32, from: u64) -> Result<Vec<(Timestamp, Input)>, RecordingError> {
        let file = match File::open(self.of_run(epoch, "inputs")) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let (recording, _) = Recording::read_interrupted(file)?;
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        Ok(recording.inputs().get(from..).unwrap_or_default().to_vec())
    }

    /// Repeats every recorded run on engines that are built anew, and compares what they decide
    /// with what was decided live.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn replay<S: Strategy, M: MetricsSink>(
        &self,
        plan: &BotPlan<S, M>,
    ) -> Result<Vec<Replayed>, ReplayError> {
        let mut runs = Vec::new();
        for epoch in 1.. {
            let inputs = self.of_run(epoch, "inputs");
            if !inputs.exists() {
                break;
            }
            let (recording, _) = Recording::read_interrupted(File::open(inputs)?)?;
            let mut engine = (plan.build)(epoch)?;
            let start = self.of_run(epoch, "start");
            if start.exists() {
                engine.restore(&engine_state(&unseal(&fs::read(start)?)?)?)?;
            }
            let again = replay(&mut engine, &recording)?;
            let decided = Decisions::read(File::open(self.of_run(epoch, "decisions"))?)?;
            let last = recording.inputs().last().map(|(at, _)| *at);
            let decided = decided.until(last);
            runs.push(Replayed {
                epoch,
                inputs: recording.inputs().len(),
                decisions: again.rows().len(),
                differences: decided.diff(&again),
                hash: engine.sink().0.value(),
            });
        }
        Ok(runs)
    }
}

/// What the replay of a run has shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// The run's number.
    pub epoch: u32,
    /// How many inputs it had.
    pub inputs: usize,
    /// How many decisions it took.
    pub decisions: usize,
    /// Where it decided otherwise than live (`left`); empty when it is the same run.
    pub differences: Vec<Difference>,
    /// The hash of its commands and records.
    pub hash: RunHash,
}

/// Why runs could not be repeated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The files cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A recording is damaged.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The engine is built differently from the one that was recorded.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The snapshot that a run began with belongs to something else.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Classify for ReplayError {
    fn classification(&self) -> Classification {
        match self {
            Self::Io(_) => Classification::MACHINE,
            Self::Recording(error) => error.classification(),
            Self::Engine(error) => error.classification(),
            Self::State(error) => error.classification(),
        }
    }
}

/// Writes a file as a whole or not at all.
fn write_whole(path: &Path, body: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = File::create(&beside)?;
    file.write_all(MAGIC)?;
    file.write_all(&checksum(body).to_le_bytes())?;
    file.write_all(body)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)?;
    // The rename is on the disk once its folder is. Some systems cannot open folders.
    match File::open(folder) {
        Ok(folder) => folder.sync_all(),
        Err(_) => Ok(()),
    }
}

/// The body of a file that [`write_whole`] has written.
fn unseal(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let body = bytes.strip_prefix(MAGIC).and_then(|rest| {
        let (sum, body) = rest.split_first_chunk::<16>()?;
        (u128::from_le_bytes(*sum) == checksum(body)).then(|| body.to_vec())
    });
    let damaged = "the snapshot is damaged, or of another version";
    body.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, damaged))
}

fn checksum(body: &[u8]) -> u128 {
    twox_hash::xxhash3_128::Hasher::oneshot(body)
}
