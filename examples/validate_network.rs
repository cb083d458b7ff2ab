//! Before a deployment: would it be safe to connect? Reads this process's variables, lists
//! everything that is wrong with them and how to put it right, and exits with 1 if anything is.
//!
//! `TRADEWRIGHT_NETWORK=testnet cargo run --example validate_network -- binance`
//! `TRADEWRIGHT_NETWORK=testnet cargo run --example validate_network -- binance:trading dydx`

#![allow(clippy::disallowed_methods, reason = "a program may read its environment")]

use std::collections::BTreeMap;
use std::fs;
use std::process::ExitCode;

use tradewright::venue::network::{
    FindingKind, NetworkAccess, NetworkFinding, NetworkReport, NetworkValidator, NetworkVenue,
};

fn main() -> ExitCode {
    let mut validator = NetworkValidator::new();
    let mut asked: Vec<String> = std::env::args().skip(1).collect();
    if asked.is_empty() {
        asked.push("binance".to_owned());
    }
    for word in &asked {
        let (venue, access) = match word.as_str() {
            "binance" => (NetworkVenue::Binance, NetworkAccess::MarketData),
            "binance:trading" => (NetworkVenue::Binance, NetworkAccess::Trading),
            "dydx" => (NetworkVenue::Dydx, NetworkAccess::MarketData),
            "dydx:trading" => (NetworkVenue::Dydx, NetworkAccess::Trading),
            _ => {
                eprintln!("give `binance` or `dydx`, with `:trading` for orders");
                return ExitCode::from(2);
            }
        };
        validator = validator.venue(venue, access);
    }
    let text = |part: std::ffi::OsString| part.to_string_lossy().into_owned();
    let variables: BTreeMap<String, String> =
        std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
    let mut report = validator.validate(&variables);
    look_at_files(&mut report);
    println!("{report}");
    if report.is_safe() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A private key has to be there, and nobody else may read it.
fn look_at_files(report: &mut NetworkReport) {
    let files: Vec<(NetworkVenue, String)> =
        report.key_files().map(|(venue, path)| (venue, path.to_owned())).collect();
    for (venue, path) in files {
        let found = match fs::metadata(&path) {
            Err(error) => Some((FindingKind::Missing, format!("the file: {}", error.kind()))),
            Ok(file) if !file.is_file() => {
                Some((FindingKind::Malformed, "it is no file".to_owned()))
            }
            Ok(file) if is_open(&file) => {
                Some((FindingKind::ExposedSecret, "others can read the file".to_owned()))
            }
            Ok(_) => None,
        };
        if let Some((kind, problem)) = found {
            let variable = format!("TRADEWRIGHT_{venue}_PRIVATE_KEY_FILE");
            let fix = "name a file that is there, with chmod 600".to_owned();
            report.add(NetworkFinding { kind, variable, problem, fix });
        }
    }
}

#[cfg(unix)]
fn is_open(file: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open(_: &fs::Metadata) -> bool {
    false
}
