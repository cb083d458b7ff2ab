//! From the text of one value to what it means. The error is the reason; it never holds more of
//! the value than a few characters.

use core::net::SocketAddr;
use core::time::Duration;
use std::path::PathBuf;

use rust_decimal::Decimal;

use super::{Address, LogConsole, LogFormat, LogLevel, LogModule, LogModuleError, Profile};
use crate::types::{Label, Period};
use crate::venue::network::NetworkEnvironment;

pub(super) type Read<T> = Result<T, String>;

/// The value as it is shown: a long one may be a secret in the wrong place.
fn shown(text: &str) -> String {
    const LONGEST: usize = 16;
    match text.chars().count() {
        0 => "nothing".to_owned(),
        count if count > LONGEST => format!("a text of {count} characters"),
        _ => format!("`{text}`"),
    }
}

fn refused(text: &str, wanted: &str) -> String {
    format!("{} is not {wanted}", shown(text))
}

/// One of these words.
pub(super) fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Read<T> {
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    found.ok_or_else(|| refused(text, &format!("one of {}", all.join(", "))))
}

pub(super) fn profile(text: &str) -> Read<Profile> {
    word(text, &Profile::ALL.map(|profile| (profile.as_str(), profile)))
}

pub(super) fn network(text: &str) -> Read<NetworkEnvironment> {
    word(text, &NetworkEnvironment::ALL.map(|network| (network.as_str(), network)))
}

pub(super) fn level(text: &str) -> Read<LogLevel> {
    word(text, &LogLevel::ALL.map(|level| (level.as_str(), level)))
}

pub(super) fn format(text: &str) -> Read<LogFormat> {
    word(text, &[("human", LogFormat::Human), ("json", LogFormat::Json)])
}

pub(super) fn console(text: &str) -> Read<LogConsole> {
    word(text, &LogConsole::ALL.map(|console| (console.as_str(), console)))
}

/// `my_bot=trace, my_bot::orders=debug`: modules, each once, with their levels.
pub(super) fn modules(text: &str) -> Read<Vec<(LogModule, LogLevel)>> {
    let mut modules: Vec<(LogModule, LogLevel)> = Vec::new();
    for entry in text.split(',').map(str::trim) {
        let wanted = "a module and its level, such as my_bot=trace";
        let (path, word) = entry.split_once('=').ok_or_else(|| refused(entry, wanted))?;
        let (path, word) = (path.trim(), word.trim());
        let module = LogModule::new(path).map_err(|error| match error {
            LogModuleError::Unknown { .. } => {
                let known = LogModule::KNOWN.join(", ");
                refused(path, &format!("a module of this crate that logs; those are {known}"))
            }
            LogModuleError::NoPath { .. } => refused(path, "the path of a module"),
        })?;
        if modules.iter().any(|(other, _)| *other == module) {
            return Err(format!("{} has two levels", shown(path)));
        }
        modules.push((module, level(word)?));
    }
    Ok(modules)
}

/// `512KB`, `10MB`, `1GB`: from 1 KB to 1 GB, in powers of ten.
pub(super) fn file_size(text: &str) -> Read<u64> {
    let split = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let factor: Option<u64> = match unit {
        "KB" => Some(1_000),
        "MB" => Some(1_000_000),
        "GB" => Some(1_000_000_000),
        _ => None,
    };
    let bytes = factor.and_then(|factor| digits.parse::<u64>().ok()?.checked_mul(factor));
    let bytes = bytes.filter(|bytes| (1_000..=1_000_000_000).contains(bytes));
    bytes.ok_or_else(|| refused(text, "a size such as 512KB or 10MB, from 1KB to 1GB"))
}

/// A number of files that can be renamed in a moment.
pub(super) fn files(text: &str) -> Read<u32> {
    let read = text.parse().ok().filter(|count| *count <= 1_000);
    read.ok_or_else(|| refused(text, "a whole number from 0 to 1000"))
}

/// Any text that is not empty.
pub(super) fn text(text: &str) -> Read<String> {
    let is_empty = text.trim().is_empty();
    if is_empty { Err("it is empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// Letters, digits and underscores, or nothing.
pub(super) fn namespace(text: &str) -> Read<String> {
    let is_sound = text.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
        && !text.starts_with(|first: char| !first.is_ascii_alphabetic());
    let wanted = "letters, digits and underscores, a letter first";
    if is_sound { Ok(text.to_owned()) } else { Err(refused(text, wanted)) }
}

/// The code of an asset: up to 12 capital letters and digits.
pub(super) fn asset(text: &str) -> Read<Label> {
    let is_code = (1..=12).contains(&text.len())
        && text.chars().all(|char| char.is_ascii_uppercase() || char.is_ascii_digit());
    if is_code { Ok(Label::new(text)) } else { Err(refused(text, "the code of an asset")) }
}

/// A decimal above zero.
pub(super) fn positive(text: &str) -> Read<Decimal> {
    let read = Decimal::from_str_exact(text).ok().filter(|value| *value > Decimal::ZERO);
    read.ok_or_else(|| refused(text, "a number above zero"))
}

/// A decimal above zero and at most one.
pub(super) fn share(text: &str) -> Read<Decimal> {
    let read = positive(text).ok().filter(|value| *value <= Decimal::ONE);
    read.ok_or_else(|| refused(text, "a share above 0 and at most 1"))
}

/// A whole number of at least one.
pub(super) fn count(text: &str) -> Read<u32> {
    let read = text.parse().ok().filter(|count| *count > 0);
    read.ok_or_else(|| refused(text, "a whole number from 1"))
}

/// A whole number.
pub(super) fn count_or_zero(text: &str) -> Read<u32> {
    text.parse().map_err(|_| refused(text, "a whole number from 0"))
}

/// `500ms`, `30s`, `5m`, `1h`: above zero, at most a year.
pub(super) fn span(text: &str) -> Read<Duration> {
    const YEAR: Duration = Duration::from_secs(366 * 86_400);
    let split = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let factor: Option<u64> = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let millis = factor.and_then(|factor| digits.parse::<u64>().ok()?.checked_mul(factor));
    let span = millis.map(Duration::from_millis).filter(|span| !span.is_zero() && *span <= YEAR);
    span.ok_or_else(|| refused(text, "a span such as 500ms, 30s, 5m or 1h, up to a year"))
}

/// The length of bars: whole seconds up to a day.
pub(super) fn period(text: &str) -> Read<Period> {
    let seconds = span(text)?.as_secs_f64();
    let is_whole = (1.0..=86_400.0).contains(&seconds) && seconds.fract() == 0.0;
    let wanted = "a length of bars such as 1m or 4h, in whole seconds up to a day";
    is_whole.then(|| Period::seconds(seconds as u32)).ok_or_else(|| refused(text, wanted))
}

pub(super) fn socket(text: &str) -> Read<SocketAddr> {
    text.parse().map_err(|_| refused(text, "an address and port such as 127.0.0.1:9464"))
}

/// An absolute path: what it is relative to would depend on who starts the program.
pub(super) fn path(text: &str) -> Read<PathBuf> {
    let path = PathBuf::from(text);
    if path.is_absolute() { Ok(path) } else { Err("it is no absolute path".to_owned()) }
}

pub(super) fn url(text: &str) -> Read<Address> {
    let is_url = ["https://", "http://", "wss://", "ws://"].iter().any(|it| text.starts_with(it));
    if is_url {
        Ok(Address(text.to_owned()))
    } else {
        Err("it is no address with a scheme".to_owned())
    }
}
