use core::fmt;
use std::io::{self, Write};

use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry, reload};

use super::levels::Levels;
use super::queue::{Door, Places, Queue};
use super::{LoggingError, LoggingHandle, RollingFile};
use crate::config::{LogConsole, LogFormat, LogSettings};

/// Logs before they are at work: where they go, in which form, and of what.
///
/// In a folder they go to two files: `tradewright.log` has everything, `error.log` the errors
/// alone; both are put aside when they are full, see [`RollingFile`].
///
/// The `log` facade that some dependencies speak through is not listened to: at its lowest levels
/// the WebSocket library tells whole messages, and what is signed is among them.
pub struct Logging {
    levels: Levels,
    format: LogFormat,
    places: Places,
}

/// A layer that a host puts on a subscriber of its own. Its levels are its own, too.
pub type LogLayer<S> = Box<dyn Layer<S> + Send + Sync>;

impl Logging {
    /// Opens what the settings name. Nothing is written yet.
    ///
    /// # Errors
    /// [`LoggingError::Folder`] and [`LoggingError::File`].
    pub fn from_settings(settings: &LogSettings) -> Result<Self, LoggingError> {
        let open = |name: &str| {
            let folder = settings.directory.as_ref();
            let path = folder.map(|folder| folder.join(name));
            let (bytes, kept) = (settings.file_bytes, settings.files_kept);
            path.map(|path| RollingFile::open(&path, bytes, kept)).transpose()
        };
        let files = open("tradewright.log")?.zip(open("error.log")?);
        let console: Option<Box<dyn Write + Send>> = match settings.console {
            LogConsole::Stderr => Some(Box::new(io::stderr())),
            LogConsole::Stdout => Some(Box::new(io::stdout())),
            LogConsole::Off => None,
        };
        let modules = settings.modules.iter().cloned().collect();
        Ok(Self {
            levels: Levels { usual: settings.level, modules },
            format: settings.format,
            places: Places { console, files },
        })
    }

    /// Writes to this in the place of the console.
    #[must_use]
    pub fn console(mut self, writer: impl Write + Send + 'static) -> Self {
        self.places.console = Some(Box::new(writer));
        self
    }

    /// Makes it the subscriber of the whole process.
    ///
    /// ```
    /// use tradewright::config::LogSettings;
    /// use tradewright::logging::{Logging, LoggingError};
    ///
    /// let settings = LogSettings::default();
    /// let _log = Logging::from_settings(&settings)?.install()?;
    /// let again = Logging::from_settings(&settings)?.install();
    /// assert_eq!(again.unwrap_err(), LoggingError::Installed);
    /// # Ok::<(), LoggingError>(())
    /// ```
    ///
    /// # Errors
    /// [`LoggingError::Installed`] when there is one already, [`LoggingError::Thread`].
    pub fn install(self) -> Result<LoggingHandle, LoggingError> {
        let (subscriber, handle) = self.subscriber()?;
        tracing::subscriber::set_global_default(subscriber).map_err(|_| LoggingError::Installed)?;
        Ok(handle)
    }

    /// A subscriber of its own, for a part of the process; see
    /// [`tracing::subscriber::with_default`].
    ///
    /// # Errors
    /// [`LoggingError::Thread`].
    pub fn subscriber(
        self,
    ) -> Result<(impl Subscriber + Send + Sync + 'static, LoggingHandle), LoggingError> {
        let (layer, handle) = self.layer::<Registry>()?;
        Ok((tracing_subscriber::registry().with(layer), handle))
    }

    /// A layer for a subscriber of the host's.
    ///
    /// # Errors
    /// [`LoggingError::Thread`].
    pub fn layer<S>(self) -> Result<(LogLayer<S>, LoggingHandle), LoggingError>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let queue = Queue::start(self.places)?;
        let (filter, reload) = reload::Layer::new(self.levels.targets());
        let apply = Box::new(move |targets| reload.reload(targets).is_ok());
        let handle = LoggingHandle::new(self.levels, apply, queue.clone());
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Door(queue));
        let layer: LogLayer<S> = match self.format {
            LogFormat::Human => lines.with_filter(filter).boxed(),
            LogFormat::Json => {
                let lines = lines.json().with_current_span(false).with_span_list(true);
                lines.with_filter(filter).boxed()
            }
        };
        Ok((layer, handle))
    }
}

impl fmt::Debug for Logging {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Logging")
            .field("levels", &self.levels)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
