use core::time::Duration;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Notice, log};
use crate::types::{Classification, Classify, ErrorCategory, RetryAdvice, Severity};

/// A way to tell a person.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Tells it, once.
    ///
    /// # Errors
    /// [`NotifyError`]; it is tried again a few times, and given up then.
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError>;
}

/// Why a notice could not be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not told: {message}")]
pub struct NotifyError {
    /// What happened; without addresses, which may hold secrets.
    pub message: String,
}

impl Classify for NotifyError {
    /// A notice that is told twice does no harm.
    fn classification(&self) -> Classification {
        let network = Classification::new(ErrorCategory::Network, Severity::Medium);
        network.retry(RetryAdvice::Backoff)
    }
}

/// Writes each notice as a line.
///
/// ```
/// use futures::FutureExt;
/// use tradewright::live::{LogNotifier, Notice, NoticeKind, Notifier};
/// use tradewright::types::{AlertLevel, Label, Timestamp};
///
/// let log = LogNotifier::new(Vec::new());
/// let (at, bot, kind) = (Timestamp::EPOCH, Label::new("alpha"), NoticeKind::Started);
/// let notice = Notice { at, bot, kind, level: AlertLevel::Info, text: "run 3".to_owned() };
/// log.notify(&notice).now_or_never().expect("it waits for nothing")?;
/// let line = String::from_utf8(log.into_inner())?;
/// assert_eq!(line, "1970-01-01T00:00:00Z INFO alpha started: run 3\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LogNotifier<W> {
    out: Mutex<W>,
}

impl<W: Write> LogNotifier<W> {
    /// Writes to this.
    pub const fn new(out: W) -> Self {
        Self { out: Mutex::new(out) }
    }

    /// Hands the writer back.
    pub fn into_inner(self) -> W {
        self.out.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<W: Write + Send> Notifier for LogNotifier<W> {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let written = writeln!(out, "{notice}").and_then(|()| out.flush());
        written.map_err(|error| NotifyError { message: error.to_string() })
    }
}

/// Notices that wait; of more the newest are dropped, so that a dead webhook costs no memory.
const MOST_WAITING: usize = 1_024;

/// How long one notice may take, and how often it is tried.
const PATIENCE: Duration = Duration::from_secs(10);
const ATTEMPTS: u32 = 3;

/// Hands notices to all notifiers, apart from the bots: none of them waits for it.
#[derive(Clone, Debug)]
pub(super) struct Postman {
    letters: mpsc::Sender<Notice>,
}

impl Postman {
    /// A postman, and his work, which ends when nobody can post any more.
    pub(super) fn new(notifiers: Vec<Arc<dyn Notifier>>) -> (Self, impl Future<Output = ()>) {
        let (letters, mut waiting) = mpsc::channel::<Notice>(MOST_WAITING);
        let work = async move {
            while let Some(notice) = waiting.recv().await {
                for notifier in &notifiers {
                    deliver(&**notifier, &notice).await;
                }
            }
        };
        (Self { letters }, work)
    }

    pub(super) fn post(&self, notice: Notice) {
        log::notice(&notice);
        if self.letters.try_send(notice).is_err() {
            tracing::warn!("nobody has been reached for long: a notice is dropped");
        }
    }
}

async fn deliver(notifier: &dyn Notifier, notice: &Notice) {
    for attempt in 0..ATTEMPTS {
        let reason = match timeout(PATIENCE, notifier.notify(notice)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.message,
            Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
        };
        tracing::warn!(kind = notice.kind.as_str(), attempt, reason, "a notice was not told");
        tokio::time::sleep(Duration::from_secs(1 << attempt)).await;
    }
}
