use std::path::Path;

use super::source::Source;
use super::{SettingError, Settings, SettingsError, fields};

/// A key that is known: where it can be given, and what it is without that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// The key in the file, with dots between its sections.
    pub key: String,
    /// The variable.
    pub variable: String,
    /// The default, in the words of the file; empty for none.
    pub default: String,
    /// True for what must not be in the file.
    pub is_secret: bool,
}

/// Every key that is known, with its default in development. The list of strategies
/// (`[[strategy]]`) stands beside them, and can be given in the file alone.
pub fn keys() -> Vec<KeyInfo> {
    let mut source = Source::new("", []);
    let settings = fields::read(&mut source);
    source.end(settings).map(|(_, keys)| keys).unwrap_or_default()
}

pub(super) fn settings(
    file: &str,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Settings, SettingsError> {
    let mut source = Source::new(file, variables);
    let settings = fields::read(&mut source);
    source.end(settings).map(|(settings, _)| settings)
}

pub(super) fn unreadable(path: &Path, kind: std::io::ErrorKind) -> SettingsError {
    let key = path.display().to_string();
    SettingsError { errors: vec![SettingError { key, reason: kind.to_string() }] }
}
