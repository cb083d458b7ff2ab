//! The lines that wait, and the thread that writes them.

use core::time::Duration;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use super::{LoggingError, LoggingStatus, RollingFile};

/// Where lines go.
pub(super) struct Places {
    pub(super) console: Option<Box<dyn Write + Send>>,
    /// Everything, and errors alone.
    pub(super) files: Option<(RollingFile, RollingFile)>,
}

/// Lines on their way from those who log to the thread that writes. When it is dropped, the thread
/// writes what is left and ends.
pub(super) struct Queue {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// There is something to write, or the end has come.
    work: Condvar,
    /// Something was written.
    done: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Line>,
    /// The bytes of those.
    bytes: usize,
    /// Lines that were taken in.
    accepted: u64,
    /// Lines that have left the queue for good.
    finished: u64,
    status: LoggingStatus,
    is_over: bool,
}

struct Line {
    is_error: bool,
    text: Vec<u8>,
}

/// Some ten thousand lines: more than the thread is behind with on a machine that works.
const MOST_BYTES: usize = 8 << 20;

impl Queue {
    /// A queue, and the thread that writes what it takes to these places.
    pub(super) fn start(places: Places) -> Result<Arc<Self>, LoggingError> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            done: Condvar::new(),
        });
        let writer = Arc::clone(&shared);
        thread::Builder::new()
            .name("tradewright-log".to_owned())
            .spawn(move || writer.write_all(places))
            .map_err(|error| LoggingError::Thread { kind: error.kind() })?;
        Ok(Arc::new(Self { shared }))
    }

    fn push(&self, line: Line) {
        let mut state = self.shared.lock();
        let bytes = state.bytes.saturating_add(line.text.len());
        if bytes > MOST_BYTES {
            state.status.dropped += 1;
            return;
        }
        state.bytes = bytes;
        state.accepted += 1;
        state.waiting.push(line);
        drop(state);
        self.shared.work.notify_one();
    }

    /// Waits until everything was written that has been taken in by now.
    pub(super) fn flush(&self, within: Duration) -> Result<(), LoggingError> {
        let state = self.shared.lock();
        let until = state.accepted;
        let is_open = |state: &mut State| state.finished < until;
        let waited = self.shared.done.wait_timeout_while(state, within, is_open);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match until.saturating_sub(state.finished) {
            0 => Ok(()),
            lines => Err(LoggingError::NotWritten { lines }),
        }
    }

    pub(super) fn status(&self) -> LoggingStatus {
        self.shared.lock().status.clone()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.work.notify_one();
    }
}

impl Shared {
    /// Nothing that holds the lock can panic half-way, so what it guards is sound.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread's work: ends when the queue is dropped and empty.
    fn write_all(&self, mut places: Places) {
        let mut lines = Vec::new();
        while self.take(&mut lines) {
            let mut status = LoggingStatus::default();
            for line in &lines {
                places.write(line, &mut status);
            }
            places.flush(&mut status);
            self.finish(&lines, status, places.failed_rolls());
            lines.clear();
        }
    }

    /// Waits for lines; false when none will come any more.
    fn take(&self, lines: &mut Vec<Line>) -> bool {
        let is_idle = |state: &mut State| state.waiting.is_empty() && !state.is_over;
        let waited = self.work.wait_while(self.lock(), is_idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        core::mem::swap(&mut state.waiting, lines);
        state.bytes = 0;
        !lines.is_empty()
    }

    fn finish(&self, lines: &[Line], batch: LoggingStatus, failed_rolls: u64) {
        let mut state = self.lock();
        state.finished = state.finished.saturating_add(lines.len() as u64);
        let status = &mut state.status;
        status.written = status.written.saturating_add(batch.written);
        status.failed = status.failed.saturating_add(batch.failed);
        status.last_error = batch.last_error.or(status.last_error.take());
        status.failed_rolls = failed_rolls;
        drop(state);
        self.done.notify_all();
    }
}

impl Places {
    fn write(&mut self, line: &Line, status: &mut LoggingStatus) {
        let mut outcome = Ok(());
        if let Some(console) = &mut self.console {
            outcome = console.write_all(&line.text);
        }
        if let Some((all, errors)) = &mut self.files {
            outcome = outcome.and(all.write_line(&line.text));
            if line.is_error {
                outcome = outcome.and(errors.write_line(&line.text));
            }
        }
        match outcome {
            Ok(()) => status.written += 1,
            Err(error) => {
                status.failed += 1;
                status.last_error = Some(error.to_string());
            }
        }
    }

    fn flush(&mut self, status: &mut LoggingStatus) {
        // Files keep nothing back.
        let flushed = self.console.as_mut().map_or(Ok(()), Write::flush);
        if let Err(error) = flushed {
            status.last_error = Some(error.to_string());
        }
    }

    fn failed_rolls(&self) -> u64 {
        let files = self.files.as_ref();
        files.map_or(0, |(all, errors)| all.failed_rolls().saturating_add(errors.failed_rolls()))
    }
}

/// Gives whoever writes an event a way into the queue.
pub(super) struct Door(pub(super) Arc<Queue>);

/// A way into the queue for one event.
pub(super) struct Entry<'a> {
    queue: &'a Queue,
    is_error: bool,
}

impl<'a> MakeWriter<'a> for Door {
    type Writer = Entry<'a>;

    fn make_writer(&'a self) -> Entry<'a> {
        Entry { queue: &self.0, is_error: false }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Entry<'a> {
        Entry { queue: &self.0, is_error: *event.level() == Level::ERROR }
    }
}

impl Write for Entry<'_> {
    /// An event comes in one piece: all of it is a line with its end.
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.queue.push(Line { is_error: self.is_error, text: text.to_owned() });
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
