use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use secrecy::SecretString;
use toml::{Table, Value};

use super::read::{self, Read};
use super::{KeyInfo, Profile, SecretSource, SettingError, SettingsError};

/// Prefix of the variables that count.
pub(super) const PREFIX: &str = "TRADEWRIGHT_";

/// All values that were given, by key, and what is wrong with them.
pub(super) struct Source {
    /// From the file and its profile, by dotted key.
    file: BTreeMap<String, Value>,
    /// From variables, by name without the prefix.
    variables: BTreeMap<String, String>,
    used: BTreeSet<String>,
    pub(super) profile: Profile,
    errors: Vec<SettingError>,
    seen: Vec<KeyInfo>,
}

impl Source {
    /// Merges file and profile, and sorts out what belongs to neither.
    pub(super) fn new(file: &str, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let strip = |(name, value): (String, String)| {
            let short = name.strip_prefix(PREFIX)?.to_owned();
            Some((short, value)).filter(|(_, value)| !value.is_empty())
        };
        let mut source = Self {
            file: BTreeMap::new(),
            variables: variables.into_iter().filter_map(strip).collect(),
            used: BTreeSet::new(),
            profile: Profile::Development,
            errors: Vec::new(),
            seen: Vec::new(),
        };
        let mut table: Table = file.parse().unwrap_or_else(|error: toml::de::Error| {
            let line = error.span().map_or(0, |span| {
                let before = file.get(..span.start).unwrap_or_default();
                before.matches('\n').count() + 1
            });
            // The error's own text may show the line, and with it a secret.
            source.fail("settings file", format!("line {line} is no TOML"));
            Table::new()
        });
        let mut profiles = table.remove("profile");
        // A file names its profile by `profile = ".."`, or beside sections by `name`.
        let named = match &mut profiles {
            Some(Value::Table(sections)) => sections.remove("name"),
            other => other.take(),
        };
        source.profile(named.as_ref());
        flatten(&mut source.file, "", table);
        if let Some(Value::Table(sections)) = profiles {
            source.overlay(sections);
        }
        source
    }

    fn profile(&mut self, named: Option<&Value>) {
        self.note("profile", "development", false);
        let variable = self.variables.get("PROFILE").map(String::as_str);
        let word = match (variable, named) {
            (Some(word), _) => word,
            (None, None) => return,
            (None, Some(value)) => value.as_str().unwrap_or_default(),
        };
        match read::profile(word) {
            Ok(profile) => self.profile = profile,
            Err(reason) => self.fail("profile", reason),
        }
    }

    /// Lays the section of the profile over the file.
    fn overlay(&mut self, sections: Table) {
        for (name, section) in sections {
            let is_known = Profile::ALL.iter().any(|profile| profile.as_str() == name);
            match section {
                Value::Table(section) if is_known => {
                    if name == self.profile.as_str() {
                        flatten(&mut self.file, "", section);
                    }
                }
                _ => self.fail(&format!("profile.{name}"), "there is no such profile".to_owned()),
            }
        }
    }

    pub(super) fn fail(&mut self, key: &str, reason: String) {
        self.errors.push(SettingError { key: key.chars().take(80).collect(), reason });
    }

    fn note(&mut self, key: &str, default: &str, is_secret: bool) {
        self.used.insert(key.to_owned());
        let (key, variable) = (key.to_owned(), variable_of(key));
        self.seen.push(KeyInfo { key, variable, default: default.to_owned(), is_secret });
    }

    /// The text that was given for a key.
    fn given(&mut self, key: &str) -> Option<String> {
        let short = variable_of(key).split_off(PREFIX.len());
        if let Some(value) = self.variables.get(&short) {
            return Some(value.clone());
        }
        match self.file.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Integer(number) => Some(number.to_string()),
            Value::Float(number) => Some(number.to_string()),
            Value::Boolean(flag) => Some(flag.to_string()),
            Value::Array(_) | Value::Table(_) | Value::Datetime(_) => {
                self.fail(key, "it is no single text or number".to_owned());
                None
            }
        }
    }

    /// The value of a key, or its default.
    pub(super) fn or<T>(
        &mut self,
        key: &str,
        default: &str,
        read: fn(&str) -> Read<T>,
        or: T,
    ) -> T {
        self.note(key, default, false);
        let Some(text) = self.given(key) else { return or };
        match read(&text) {
            Ok(value) => value,
            Err(reason) => {
                self.fail(key, reason);
                or
            }
        }
    }

    /// The value of a key, if there is one.
    pub(super) fn optional<T>(&mut self, key: &str, read: fn(&str) -> Read<T>) -> Option<T> {
        self.note(key, "", false);
        let text = self.given(key)?;
        read(&text).map_err(|reason| self.fail(key, reason)).ok()
    }

    /// A secret: `key` in a variable, or `key_file` in either.
    pub(super) fn secret(&mut self, key: &str) -> Option<SecretSource> {
        let file_key = format!("{key}_file");
        self.note(key, "", true);
        if self.file.contains_key(key) {
            let variable = variable_of(key);
            let reason = format!(
                "a secret must not be in the settings file: use {variable} or `{file_key}`"
            );
            self.fail(key, reason);
        }
        let short = variable_of(key).split_off(PREFIX.len());
        let value = self.variables.get(&short).map(|value| SecretString::from(value.as_str()));
        let file: Option<PathBuf> = self.optional(&file_key, read::path);
        match (value, file) {
            (Some(_), Some(_)) => {
                self.fail(key, format!("it is given, and `{file_key}` too"));
                None
            }
            (Some(value), None) => Some(SecretSource::Value(value)),
            (None, file) => file.map(SecretSource::File),
        }
    }

    /// A list of tables, from the file alone.
    pub(super) fn tables(&mut self, key: &str) -> Vec<Table> {
        self.used.insert(key.to_owned());
        let Some(value) = self.file.get(key).cloned() else { return Vec::new() };
        let tables = match value {
            Value::Array(values) => values
                .into_iter()
                .map(|value| match value {
                    Value::Table(table) => Some(table),
                    _ => None,
                })
                .collect::<Option<Vec<Table>>>(),
            _ => None,
        };
        tables.unwrap_or_else(|| {
            self.fail(key, format!("it is no list of tables: write [[{key}]]"));
            Vec::new()
        })
    }

    /// Ends the reading: what was not read is unknown.
    pub(super) fn end<T>(mut self, settings: T) -> Result<(T, Vec<KeyInfo>), SettingsError> {
        let unknown: Vec<String> =
            self.file.keys().filter(|key| !self.used.contains(*key)).cloned().collect();
        for key in unknown {
            self.fail(&key, "there is no such key".to_owned());
        }
        let known: BTreeSet<String> = self.seen.iter().map(|it| it.variable.clone()).collect();
        let names: Vec<String> =
            self.variables.keys().map(|name| format!("{PREFIX}{name}")).collect();
        for name in names.iter().filter(|name| !known.contains(*name)) {
            self.fail(name, "there is no such variable".to_owned());
        }
        if self.errors.is_empty() {
            return Ok((settings, self.seen));
        }
        self.errors.sort_unstable();
        Err(SettingsError { errors: self.errors })
    }
}

/// `risk.max_drawdown` is `TRADEWRIGHT_RISK_MAX_DRAWDOWN`.
fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_ascii_uppercase())
}

/// Tables become dotted keys; lists stay whole.
fn flatten(into: &mut BTreeMap<String, Value>, prefix: &str, table: Table) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(inner) => flatten(into, &key, inner),
            value => {
                into.insert(key, value);
            }
        }
    }
}
