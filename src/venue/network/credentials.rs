use super::validator::Check;
use super::{FindingKind, NetworkEnvironment, NetworkVenue};

/// Ends of the names that every venue's key has.
pub(super) const SUFFIXES: [&str; 4] = ["API_KEY", "API_SECRET", "PRIVATE_KEY_FILE", "KEY_NETWORK"];
/// Ends of the names of what belongs to a chain; a mnemonic is known so that it can be refused.
pub(super) const CHAIN: [&str; 3] = ["CHAIN_ID", "ADDRESS", "MNEMONIC"];

/// Checks that there is a key, that it is whole, and that it was made for this network. No value
/// gets into a finding.
pub(super) fn check(check: &mut Check<'_>, venue: NetworkVenue, environment: NetworkEnvironment) {
    match venue {
        NetworkVenue::Binance => binance(check, environment),
        NetworkVenue::Dydx => dydx(check, environment),
    }
    key_network(check, venue, environment);
}

fn binance(check: &mut Check<'_>, environment: NetworkEnvironment) {
    let venue = NetworkVenue::Binance;
    let (key_name, key) = check.read(venue, "API_KEY");
    let (secret_name, secret) = check.read(venue, "API_SECRET");
    let file = key_file(check, venue);
    match key {
        None => missing(check, &key_name, "no key", "set it to the key that Binance shows"),
        Some(key) => whole(check, &key_name, key, environment),
    }
    match (secret, file) {
        (None, false) => {
            let fix = "set it, or TRADEWRIGHT_BINANCE_PRIVATE_KEY_FILE for an Ed25519 key";
            missing(check, &secret_name, "no secret, and no private key", fix);
        }
        (Some(_), true) => {
            let problem = "there is a private key too, and only one of them can be meant";
            check.find(FindingKind::Ambiguous, &secret_name, problem, "remove one of them");
        }
        (Some(secret), false) => {
            whole(check, &secret_name, secret, environment);
            if key == Some(secret) {
                let problem = "it is the same text as the key";
                let fix = "copy the secret, which is shown once when the key is made";
                check.find(FindingKind::Malformed, &secret_name, problem, fix);
            }
        }
        (None, true) => {}
    }
}

fn dydx(check: &mut Check<'_>, environment: NetworkEnvironment) {
    let venue = NetworkVenue::Dydx;
    let (mnemonic_name, mnemonic) = check.read(venue, "MNEMONIC");
    if mnemonic.is_some() {
        let problem = "the words of a wallet must not be in a variable";
        let fix = "use TRADEWRIGHT_DYDX_PRIVATE_KEY_FILE with a file that only you can read";
        check.find(FindingKind::ExposedSecret, &mnemonic_name, problem, fix);
    }
    for suffix in ["API_KEY", "API_SECRET"] {
        let (name, value) = check.read(venue, suffix);
        if value.is_some() {
            let fix = "remove it; orders are signed with TRADEWRIGHT_DYDX_PRIVATE_KEY_FILE";
            check.find(FindingKind::Unknown, &name, "dYdX v4 has no such thing", fix);
        }
    }
    if !key_file(check, venue) {
        let (name, _) = check.read(venue, "PRIVATE_KEY_FILE");
        missing(check, &name, "no private key", "set it to the absolute path of the key");
    }
    let (name, address) = check.read(venue, "ADDRESS");
    match address {
        None => missing(check, &name, "no account", "set it to the address `dydx1..`"),
        Some(address) if is_address(address) => {}
        Some(_) => {
            let problem = "it is no address: `dydx1` and 38 characters in lower case";
            check.find(FindingKind::Malformed, &name, problem, "copy the address anew");
        }
    }
    let (name, chain) = check.read(venue, "CHAIN_ID");
    match (chain, venue.chain_id(environment)) {
        (None, Some(_)) => {}
        (Some(chain), Some(expected)) if chain == expected => {}
        (Some(_), Some(expected)) => {
            let problem = format!("it is not the chain of {environment}, which is {expected}");
            let fix = "remove it, or change TRADEWRIGHT_NETWORK";
            check.find(FindingKind::OtherChain, &name, &problem, fix);
        }
        (None, None) => missing(check, &name, "no chain", "set it to the local chain's id"),
        (Some(chain), None) => {
            let is_public = [NetworkEnvironment::Mainnet, NetworkEnvironment::Testnet]
                .iter()
                .any(|public| venue.chain_id(*public) == Some(chain));
            if is_public {
                let problem = "it is a public chain, and the network is `local`";
                let fix = "set it to the local chain's id";
                check.find(FindingKind::OtherChain, &name, problem, fix);
            }
        }
    }
}

/// Keys look alike on all networks, so that they have to be told apart by a word.
fn key_network(check: &mut Check<'_>, venue: NetworkVenue, environment: NetworkEnvironment) {
    let (name, word) = check.read(venue, "KEY_NETWORK");
    match word.map(NetworkEnvironment::parse) {
        Some(Some(network)) if network == environment => {}
        Some(Some(network)) => {
            let problem =
                format!("the key was made for {network}, and the network is {environment}");
            let fix = "use a key of this network, or change TRADEWRIGHT_NETWORK";
            check.find(FindingKind::OtherKey, &name, &problem, fix);
        }
        Some(None) => {
            let fix = "set it to `mainnet`, `testnet`, `demo` or `local`";
            check.find(FindingKind::Malformed, &name, "it names no environment", fix);
        }
        None => {
            let fix = "set it to the network on whose page the key was made";
            missing(check, &name, "nobody says which network the key was made for", fix);
        }
    }
}

/// True when a private key is named; the path is kept for whoever can look at it.
fn key_file(check: &mut Check<'_>, venue: NetworkVenue) -> bool {
    let (name, path) = check.read(venue, "PRIVATE_KEY_FILE");
    let Some(path) = path else { return false };
    if path.starts_with('/') || path.get(1..3) == Some(":\\") {
        check.report.key_files.push((venue, path.to_owned()));
    } else {
        // Perhaps the key itself, which must not be told.
        let problem = "it is no absolute path";
        let fix = "set it to the absolute path of the file, and not to what is in it";
        check.find(FindingKind::Malformed, &name, problem, fix);
    }
    true
}

/// Keys and secrets of Binance are 64 letters and digits; a local server takes any text.
fn whole(check: &mut Check<'_>, name: &str, value: &str, environment: NetworkEnvironment) {
    let is_text = value.chars().all(|char| char.is_ascii_graphic() && !"\"'".contains(char));
    let is_key = value.len() == 64 && value.chars().all(|char| char.is_ascii_alphanumeric());
    let is_local = environment == NetworkEnvironment::Local;
    if !(is_key || is_local && is_text) {
        let problem = "it is not the 64 letters and digits that Binance gives";
        let fix = "copy it anew, without quotes and spaces";
        check.find(FindingKind::Malformed, name, problem, fix);
    }
}

fn is_address(text: &str) -> bool {
    let is_data = |char: char| "qpzry9x8gf2tvdw0s3jn54khce6mua7l".contains(char);
    text.strip_prefix("dydx1").is_some_and(|data| data.len() == 38 && data.chars().all(is_data))
}

fn missing(check: &mut Check<'_>, name: &str, problem: &str, fix: &str) {
    check.find(FindingKind::Missing, name, problem, fix);
}
