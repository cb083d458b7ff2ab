//! Logs: what is written where, in which form, of whom; what becomes of it on a full disk.

use core::time::Duration;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::Value;
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;
use tradewright::config::{
    LogConsole, LogFormat, LogLevel, LogLevelError, LogModule, LogModuleError, LogSettings,
    Settings,
};
use tradewright::logging::{Logging, LoggingError, LoggingHandle, RollingFile};
use tradewright::types::Classify;

const PATIENCE: Duration = Duration::from_secs(20);

/// An empty folder that is gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("logging-{name}"));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn names(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(&self.0).unwrap().map(Result::unwrap);
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A console that can be read.
#[derive(Clone, Default)]
struct Console(Arc<Mutex<Vec<u8>>>);

impl Console {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn lines(&self) -> usize {
        self.text().lines().count()
    }
}

impl Write for Console {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// While there is one subscriber alone, `tracing` asks that of the thread which meets an event
/// first whether anybody wants it. Tests run side by side, and most have none: with a second one in
/// the process all are asked.
pub fn ask_all_subscribers() {
    static DEAF: OnceLock<Dispatch> = OnceLock::new();
    DEAF.get_or_init(|| Dispatch::new(NoSubscriber::new()));
}

fn settings(change: impl FnOnce(&mut LogSettings)) -> LogSettings {
    let mut settings = LogSettings::default();
    settings.console = LogConsole::Off;
    change(&mut settings);
    settings
}

/// Lets something log, and waits until it is written.
fn logged(logging: Logging, work: impl FnOnce(&LoggingHandle)) -> LoggingHandle {
    ask_all_subscribers();
    let (subscriber, handle) = logging.subscriber().unwrap();
    tracing::subscriber::with_default(subscriber, || work(&handle));
    handle.flush(PATIENCE).unwrap();
    handle
}

fn speak(count: u64) {
    let span = tracing::info_span!("bot", bot = "alpha");
    let _entered = span.enter();
    for number in 0..count {
        tracing::info!(number, symbol = "BTCUSDT", "order sent");
    }
    tracing::warn!(reason = "a \"quoted\"\nsecond line", "order refused");
    tracing::error!(code = -2010, "no snapshot");
}

#[test]
fn files_have_json_by_the_line_and_errors_apart() {
    let folder = Folder::new("json");
    let deep = folder.path("made/as/needed");
    let settings = settings(|settings| {
        settings.format = LogFormat::Json;
        settings.directory = Some(deep.clone());
    });
    let handle = logged(Logging::from_settings(&settings).unwrap(), |_| speak(3));
    let lines = |name: &str| -> Vec<Value> {
        let text = fs::read_to_string(deep.join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let all = lines("tradewright.log");
    assert_eq!(all.len(), 5);
    assert_eq!(all[2]["fields"]["number"], 2);
    assert_eq!(all[2]["fields"]["message"], "order sent");
    assert_eq!(all[3]["fields"]["reason"], "a \"quoted\"\nsecond line");
    for line in &all {
        assert_eq!(line["spans"][0]["bot"], "alpha", "{line}");
        assert_eq!(line["target"], "it::logging");
        let time = line["timestamp"].as_str().unwrap();
        let read = chrono::DateTime::parse_from_rfc3339(time).unwrap();
        assert!(time.ends_with('Z'), "{time}");
        let age = read.timestamp() - chrono::DateTime::<chrono::Utc>::from(now()).timestamp();
        assert!(age.abs() < 60, "{time} is not the time of day in UTC");
    }
    let errors = lines("error.log");
    assert_eq!(errors.len(), 1);
    assert_eq!(
        (&errors[0]["level"], &errors[0]["fields"]["code"]),
        (&"ERROR".into(), &(-2010).into())
    );
    assert_eq!(handle.status().written, 5);
}

fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

/// What a venue says cannot begin a line of its own.
#[test]
fn people_read_a_line_an_event() {
    let console = Console::default();
    let logging = Logging::from_settings(&settings(|_| {})).unwrap();
    logged(logging.console(console.clone()), |_| speak(1));
    let text = console.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    let words = r#"INFO bot{bot="alpha"}: it::logging: order sent number=0 symbol="BTCUSDT""#;
    assert!(lines[0].ends_with(words), "{text}");
    assert!(lines[1].ends_with(r#"reason="a \"quoted\"\nsecond line""#), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours: it may be no terminal");
}

#[test]
fn levels_change_while_it_runs() {
    let console = Console::default();
    let settings = settings(|settings| {
        settings.level = LogLevel::Warn;
        settings.modules = vec![(LogModule::new("it::logging").unwrap(), LogLevel::Info)];
    });
    let logging = Logging::from_settings(&settings).unwrap().console(console.clone());
    let say = || {
        tracing::info!("mine");
        tracing::debug!("mine, in detail");
        tracing::info!(target: "other", "of others");
    };
    let handle = logged(logging, |handle| {
        let mut told = 0;
        let mut count = || {
            say();
            handle.flush(PATIENCE).unwrap();
            let before = core::mem::replace(&mut told, console.lines());
            told - before
        };
        assert_eq!(count(), 1);
        handle.set_level("it::logging", LogLevel::Debug).unwrap();
        assert_eq!(count(), 2);
        handle.set_usual_level(LogLevel::Trace).unwrap();
        assert_eq!(count(), 3);
        handle.set_level("it", LogLevel::Error).unwrap();
        assert_eq!(count(), 3, "the longer name wins");
        handle.reset_level("it::logging").unwrap();
        assert_eq!(count(), 1);
        for refused in ["tradewright::life", "it::", "", "it-logging", "it=debug", "tradewright::"]
        {
            let error = handle.set_level(refused, LogLevel::Trace).unwrap_err();
            assert!(matches!(error, LoggingError::Module(_)), "{refused}: {error}");
            assert!(!error.is_recoverable());
        }
        assert_eq!(handle.levels(), [(LogModule::new("it").unwrap(), LogLevel::Error)]);
        assert_eq!(count(), 1, "nothing has changed");
    });
    // The subscriber is gone by now.
    assert_eq!(handle.set_level("it", LogLevel::Info), Err(LoggingError::Gone));
    assert_eq!(handle.levels()[0].1, LogLevel::Error);
    assert_eq!("debug".parse(), Ok(LogLevel::Debug));
    assert_eq!("DEBUG".parse::<LogLevel>(), Err(LogLevelError { word: "DEBUG".to_owned() }));
}

#[test]
fn settings_name_modules_sizes_and_places() {
    let file = "[log]\nmodules = \"tradewright::live::net=debug, my_bot = trace\"\n\
                file_size = \"512KB\"\nfiles_kept = 0\nconsole = \"stdout\"";
    let log = Settings::load(file, []).unwrap().log;
    let module = |path| LogModule::new(path).unwrap();
    let modules =
        [(module("tradewright::live::net"), LogLevel::Debug), (module("my_bot"), LogLevel::Trace)];
    assert_eq!(log.modules, modules);
    assert_eq!((log.file_bytes, log.files_kept, log.console), (512_000, 0, LogConsole::Stdout));
    assert_eq!(Settings::load("", []).unwrap().log, LogSettings::default());

    let refused = |line: &str| {
        let error = Settings::load(&format!("[log]\n{line}"), []).unwrap_err();
        assert_eq!(error.errors.len(), 1, "{error}");
        error.errors[0].to_string()
    };
    assert_eq!(
        refused("modules = \"my_bot\""),
        "log.modules: `my_bot` is not a module and its level, such as my_bot=trace"
    );
    assert_eq!(
        refused("modules = \"my_bot=loud\""),
        "log.modules: `loud` is not one of error, warn, info, debug, trace"
    );
    assert_eq!(refused("modules = \"a=info, a=warn\""), "log.modules: `a` has two levels");
    assert_eq!(
        refused("modules = \"my-bot=info\""),
        "log.modules: `my-bot` is not the path of a module"
    );
    let unknown = refused("modules = \"tradewright::x=info\"");
    assert!(unknown.starts_with("log.modules: `tradewright::x` is not"), "{unknown}");
    assert!(unknown.contains("tradewright::live::runner"), "{unknown}");
    for size in ["10", "10 MB", "999", "2GB", "0MB", "-1MB", "99999999999999999999GB"] {
        assert!(refused(&format!("file_size = \"{size}\"")).contains("is not a size"), "{size}");
    }
    assert!(refused("files_kept = 1001").contains("from 0 to 1000"));
    assert!(refused("console = \"tty\"").contains("one of stderr, stdout, off"));
}

/// Numbered lines of ten bytes.
fn line(number: usize) -> String {
    format!("line {number:04}\n")
}

fn numbers(path: &Path) -> Vec<usize> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.strip_prefix("line ").unwrap().parse().unwrap()).collect()
}

#[test]
fn full_files_are_put_aside_and_five_are_kept() {
    let folder = Folder::new("rolls");
    let path = folder.path("bot.log");
    let mut next = 0;
    // Each run of the program writes seven lines, four of which fit in a file.
    for _ in 0..7 {
        let mut file = RollingFile::open(&path, 40, 5).unwrap();
        for _ in 0..7 {
            file.write_line(line(next).as_bytes()).unwrap();
            next += 1;
        }
        assert_eq!(file.failed_rolls(), 0);
    }
    let file = RollingFile::open(&path, 40, 5).unwrap();
    let names = ["bot.log", "bot.log.1", "bot.log.2", "bot.log.3", "bot.log.4", "bot.log.5"];
    assert_eq!(folder.names(), names.map(str::to_owned).into());
    let mut last: Vec<usize> = (1..=5).rev().flat_map(|n| numbers(&file.put_aside(n))).collect();
    assert_eq!(last.len(), 20, "each full file is full, whatever run wrote it");
    last.extend(numbers(&path));
    assert_eq!(last, (next - last.len()..next).collect::<Vec<_>>());

    // A run that keeps fewer removes the rest, one that keeps none writes on.
    RollingFile::open(&path, 40, 2).unwrap();
    assert_eq!(folder.names(), names[..3].iter().map(|name| (*name).to_owned()).collect());
    let mut file = RollingFile::open(&path, 40, 0).unwrap();
    (0..9).for_each(|number| file.write_line(line(number).as_bytes()).unwrap());
    assert_eq!(folder.names(), ["bot.log".to_owned()].into());
    assert_eq!(numbers(&path).last(), Some(&8));
}

#[test]
fn lines_stay_whole() {
    let folder = Folder::new("whole");
    let path = folder.path("bot.log");
    // Another process has died within a line.
    fs::write(&path, "line 0000\nline 00").unwrap();
    let mut file = RollingFile::open(&path, 1_000, 1).unwrap();
    file.write_line(line(7).as_bytes()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "line 0000\nline 00\nline 0007\n");
    // A line that is longer than a file has one of its own.
    let long = format!("{}\n", "x".repeat(2_000));
    file.write_line(long.as_bytes()).unwrap();
    file.write_line(line(8).as_bytes()).unwrap();
    assert_eq!(fs::read_to_string(file.put_aside(1)).unwrap(), long);
    assert_eq!(numbers(file.path()), [8]);
    // Somebody else moves the file away: what follows is in a new one after the next roll.
    fs::rename(&path, folder.path("moved")).unwrap();
    (0..150).for_each(|number| file.write_line(line(number).as_bytes()).unwrap());
    assert_eq!(numbers(&path).last(), Some(&149));
    assert_eq!(file.failed_rolls(), 0);
}

#[test]
fn what_cannot_be_written_is_a_typed_error() {
    let folder = Folder::new("refused");
    fs::write(folder.path("file"), "").unwrap();
    let below = folder.path("file/logs");
    let settings = settings(|settings| settings.directory = Some(below.clone()));
    let error = Logging::from_settings(&settings).unwrap_err();
    assert!(matches!(&error, LoggingError::Folder { path, .. } if *path == below), "{error}");
    assert!(!error.is_recoverable());
    fs::create_dir_all(folder.path("logs/error.log")).unwrap();
    let error = RollingFile::open(&folder.path("logs/error.log"), 100, 1).unwrap_err();
    assert!(matches!(error, LoggingError::File { .. }), "{error}");

    // A full file that cannot be put aside is written on, and counted.
    fs::create_dir_all(folder.path("bot.log.1/not empty")).unwrap();
    let mut file = RollingFile::open(&folder.path("bot.log"), 40, 1).unwrap();
    (0..8).for_each(|number| file.write_line(line(number).as_bytes()).unwrap());
    assert_eq!((numbers(file.path()).len(), file.failed_rolls()), (8, 1));
    fs::remove_dir_all(folder.path("bot.log.1")).unwrap();
    file.write_line(line(8).as_bytes()).unwrap();
    assert_eq!((numbers(file.path()), file.failed_rolls()), (vec![8], 1));
}

/// A console that takes nothing leaves files and program alone, and is told of.
#[test]
fn places_fail_by_themselves() {
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let folder = Folder::new("broken");
    let settings = settings(|settings| settings.directory = Some(folder.0.clone()));
    let logging = Logging::from_settings(&settings).unwrap().console(Broken);
    let status = logged(logging, |_| speak(1)).status();
    assert_eq!((status.written, status.failed, status.dropped), (0, 3, 0));
    assert!(status.last_error.is_some());
    let text = fs::read_to_string(folder.path("tradewright.log")).unwrap();
    assert_eq!(text.lines().count(), 3);
}

/// Whoever logs never waits: what is too much is dropped and counted.
#[test]
fn a_console_that_hangs_holds_nobody_up() {
    struct Hanging(Receiver<()>);
    impl Write for Hanging {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Until the other end is dropped.
            let _ = self.0.recv();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    ask_all_subscribers();
    let (hold, held) = channel();
    let logging = Logging::from_settings(&settings(|_| {})).unwrap().console(Hanging(held));
    let (subscriber, handle) = logging.subscriber().unwrap();
    let text = "x".repeat(1 << 20);
    tracing::subscriber::with_default(subscriber, || {
        for _ in 0..40 {
            tracing::info!(text);
        }
    });
    let unwritten = handle.flush(Duration::from_millis(10)).unwrap_err();
    assert!(matches!(unwritten, LoggingError::NotWritten { lines } if lines > 0), "{unwritten}");
    let dropped = handle.status().dropped;
    assert!((20..40).contains(&dropped), "{dropped} of 40 MB");
    drop(hold);
    handle.flush(PATIENCE).unwrap();
    assert_eq!(handle.status().written, 40 - dropped);
}

#[test]
fn the_last_handle_writes_what_waits() {
    ask_all_subscribers();
    let folder = Folder::new("last");
    let settings = settings(|settings| settings.directory = Some(folder.0.clone()));
    let (subscriber, handle) = Logging::from_settings(&settings).unwrap().subscriber().unwrap();
    tracing::subscriber::with_default(subscriber, || speak(1_000));
    drop(handle);
    let text = fs::read_to_string(folder.path("tradewright.log")).unwrap();
    assert_eq!(text.lines().count(), 1_002);
}

/// A host's own subscriber keeps its levels beside ours.
#[test]
fn a_layer_filters_for_itself_alone() {
    use tracing_subscriber::layer::SubscriberExt;
    ask_all_subscribers();
    let (ours, theirs) = (Console::default(), Console::default());
    let settings = settings(|settings| settings.level = LogLevel::Error);
    let logging = Logging::from_settings(&settings).unwrap().console(ours.clone());
    let (layer, handle) = logging.layer().unwrap();
    let writer = theirs.clone();
    let own = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
    let subscriber = tracing_subscriber::registry().with(own).with(layer);
    tracing::subscriber::with_default(subscriber, || speak(1));
    handle.flush(PATIENCE).unwrap();
    assert_eq!((ours.lines(), theirs.lines()), (1, 3));
}

/// Every file that logs belongs to a module that can have a level, and every such module is there.
#[test]
fn known_modules_are_those_that_log() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut logs = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let macros = ["trace", "debug", "info", "warn", "error"];
            if macros.iter().any(|name| text.contains(&format!("tracing::{name}!("))) {
                let inner = path.strip_prefix(&root).unwrap().with_extension("");
                let names = inner.iter().map(|name| name.to_str().unwrap().to_owned());
                logs.insert(names.filter(|name| name != "mod").take(2).collect::<Vec<_>>());
            }
        }
    }
    let logs: BTreeSet<String> = logs
        .into_iter()
        .filter(|names| names[0] != "logging")
        .map(|names| match names[0].as_str() {
            "live" => format!("tradewright::{}", names.join("::")),
            name => format!("tradewright::{name}"),
        })
        .collect();
    let mut known: BTreeSet<String> =
        LogModule::KNOWN.iter().map(|&name| name.to_owned()).collect();
    assert!(known.remove("tradewright") && known.remove("tradewright::live"));
    assert_eq!(known, logs);
    assert!(matches!(LogModule::new("tradewright::config"), Err(LogModuleError::Unknown { .. })));
}
