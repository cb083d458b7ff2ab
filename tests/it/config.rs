//! Settings come from defaults, a file, its profile and the environment, in this order.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use tradewright::config::{
    ExposeSecret, LogFormat, LogLevel, Profile, SecretError, SecretSource, Settings, SettingsError,
    keys,
};
use tradewright::types::Classify;
use tradewright::venue::network::{
    NetworkAccess, NetworkEnvironment, NetworkValidator, NetworkVenue,
};

const CANARY: &str = "c4n4ryC4n4ryc4n4ryC4n4ryc4n4ryC4n4ryc4n4ryC4n4ryc4n4ryC4n4ryc4n4";
const EXAMPLE: &str = include_str!("../../docs/tradewright.example.toml");

fn load(file: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let owned = |(name, value): &(&str, &str)| (format!("TRADEWRIGHT_{name}"), (*value).to_owned());
    Settings::load(file, variables.iter().map(owned))
}

fn refused(file: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let error = load(file, variables).unwrap_err();
    assert!(!error.is_recoverable());
    error.errors.iter().map(ToString::to_string).collect()
}

/// The example has every key, sets those with a default to it, and, read back, changes nothing.
#[test]
fn the_example_file_is_the_documentation_of_all_defaults() {
    let settings = load(EXAMPLE, &[]).unwrap();
    let defaults = load("", &[]).unwrap();
    assert_eq!(format!("{settings:?}"), format!("{defaults:?}"));
    let production = load(EXAMPLE, &[("PROFILE", "production")]).unwrap();
    assert_eq!(production.risk.max_drawdown.to_string(), "0.1");

    let mut section = String::new();
    let (mut set, mut named) = (BTreeSet::new(), BTreeSet::new());
    for line in EXAMPLE.lines().take_while(|line| !line.starts_with("[profile")) {
        if let Some(name) = line.strip_prefix('[') {
            section = format!("{}.", name.trim_end_matches(']'));
        } else if let Some((name, value)) = line.trim_start_matches("# ").split_once(" = ") {
            let key = format!("{section}{name}");
            if !line.starts_with('#') {
                set.insert((key.clone(), value.trim_matches('"').to_owned()));
            }
            named.insert(key);
        }
    }
    for info in keys() {
        if info.is_secret || info.key == "profile" {
            assert!(!named.contains(&info.key), "{} must not be in the file", info.key);
            continue;
        }
        assert!(named.contains(&info.key), "the example lacks {}", info.key);
        let is_set = set.contains(&(info.key.clone(), info.default.clone()));
        let without = info.default.is_empty() && info.key != "metrics.namespace";
        assert!(is_set || without, "{} is not set to {}", info.key, info.default);
    }
    let variables: BTreeSet<String> = keys().into_iter().map(|info| info.variable).collect();
    assert_eq!(variables.len(), keys().len(), "two keys have one variable");
}

/// Each default that is told is the one that is taken.
#[test]
fn told_defaults_are_the_real_ones() {
    let defaults = format!("{:?}", load("", &[]).unwrap());
    for info in keys().iter().filter(|info| !info.default.is_empty()) {
        let short = info.variable.strip_prefix("TRADEWRIGHT_").unwrap();
        let settings = load("", &[(short, &info.default)]).unwrap();
        assert_eq!(format!("{settings:?}"), defaults, "{}", info.key);
    }
}

#[test]
fn later_sources_win() {
    let file = "[risk]\nmax_drawdown = 0.2\n[profile.staging.risk]\nmax_drawdown = 0.15\n";
    let drawdown =
        |variables: &[(&str, &str)]| load(file, variables).unwrap().risk.max_drawdown.to_string();
    assert_eq!(drawdown(&[]), "0.2");
    assert_eq!(drawdown(&[("PROFILE", "staging")]), "0.15");
    let both = [("PROFILE", "staging"), ("RISK_MAX_DRAWDOWN", "0.05")];
    assert_eq!(drawdown(&both), "0.05");
    let staging = load("profile = \"staging\"", &[]).unwrap();
    assert_eq!((staging.profile, staging.network), (Profile::Staging, NetworkEnvironment::Testnet));
    assert_eq!(staging.log.format, LogFormat::Json);
    let beside = "[profile]\nname = \"staging\"\n[profile.development.log]\nlevel = \"trace\"\n\
                  [profile.staging.log]\nlevel = \"debug\"";
    assert_eq!(load(beside, &[]).unwrap().log.level, LogLevel::Debug);
    let wrong = refused("[profile]\nname = 7", &[]);
    let words = "development, staging, production";
    assert_eq!(wrong, [format!("profile: nothing is not one of {words}")]);
    assert_eq!(load("", &[("LOG_FORMAT", "")]).unwrap().log.format, LogFormat::Human);
    let foreign = Settings::load("", [("PATH".to_owned(), "/bin".to_owned())]);
    assert!(foreign.is_ok(), "variables of others are left aside");
}

#[test]
fn every_mistake_is_told_at_once_with_key_and_reason() {
    let file = r#"
nonsense = 1
[risk]
max_drawdown = 1.5
max_drawdwn = 0.1
cooldown = "soon"
max_trades_per_hour = -1
[account]
cash = [1]
[profile.live]
[[strategy]]
name = 7
symbols = []
risk = 1
"#;
    let found = refused(file, &[("LOG_LEVEL", "loud"), ("RISK_MAXDRAWDOWN", "1")]);
    assert_eq!(
        found,
        [
            "TRADEWRIGHT_RISK_MAXDRAWDOWN: there is no such variable",
            "account.cash: it is no single text or number",
            "log.level: `loud` is not one of error, warn, info, debug, trace",
            "nonsense: there is no such key",
            "profile.live: there is no such profile",
            "risk.cooldown: `soon` is not a span such as 500ms, 30s, 5m or 1h, up to a year",
            "risk.max_drawdown: `1.5` is not a share above 0 and at most 1",
            "risk.max_drawdwn: there is no such key",
            "risk.max_trades_per_hour: `-1` is not a whole number from 0",
            "strategy[0].name: it has to be a text",
            "strategy[0].risk: there is no such key",
            "strategy[0].symbols: it has to be a list of texts, and not an empty one",
        ]
    );
    let broken = refused("[risk]\nmax_drawdown = = 1", &[("PROFILE", "production")]);
    assert_eq!(
        broken,
        [
            "network: production has to say which network it means",
            "settings file: line 2 is no TOML",
        ]
    );
}

#[test]
fn strategies_keep_their_parameters() {
    let file = r#"
[[strategy]]
name = "MEAN_REVERSION"
symbols = ["BTCUSDT", "ETHUSDT"]
parameters = { period = 20, width = 2.5 }
"#;
    let settings = load(file, &[]).unwrap();
    let [strategy] = &settings.strategies[..] else { panic!("{settings:?}") };
    assert_eq!(strategy.symbols, ["BTCUSDT", "ETHUSDT"]);
    assert_eq!(strategy.parameters["period"], 20);
    assert_eq!(strategy.parameters["width"], 2.5);
}

/// The canary stands where a person could put it by mistake; no error and no printout shows it.
#[test]
fn secrets_are_never_shown() {
    let settings = load("", &[("BINANCE_API_SECRET", CANARY)]).unwrap();
    assert!(!format!("{settings:?} {settings:#?}").contains("c4n4ry"));
    let secret = settings.binance.api_secret.unwrap().read().unwrap();
    assert_eq!(secret.expose_secret(), CANARY);
    assert!(!format!("{secret:?}").contains("c4n4ry"));

    let node = format!("https://user:{CANARY}@node.example/v2/{CANARY}?key={CANARY}");
    let settings = load("", &[("DYDX_NODE_URL", &node)]).unwrap();
    assert!(!format!("{settings:?}").contains("c4n4ry"), "{settings:?}");
    assert_eq!(settings.dydx.urls[0].1.as_str(), node);

    let quoted = format!("\"{CANARY}\"");
    for info in keys() {
        for value in [CANARY, &quoted] {
            let short = info.variable.strip_prefix("TRADEWRIGHT_").unwrap();
            if let Err(error) = load("", &[(short, value)]) {
                assert!(!format!("{error} {error:?}").contains("c4n4ry"), "{}", info.key);
            }
            let file = match info.key.rsplit_once('.') {
                Some((section, name)) => format!("[{section}]\n{name} = \"{CANARY}\""),
                None => format!("{} = \"{CANARY}\"", info.key),
            };
            match load(&file, &[]) {
                Err(error) => assert!(!format!("{error} {error:?}").contains("c4n4ry"), "{file}"),
                Ok(_) => assert!(!info.is_secret, "{} was taken from a file", info.key),
            }
        }
    }
    for file in [format!("x = {CANARY}"), format!("[{CANARY}\n"), CANARY.to_owned()] {
        let error = load(&file, &[]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("c4n4ry"), "{error}");
    }
    let both = [("BINANCE_API_SECRET", CANARY), ("BINANCE_API_SECRET_FILE", "/run/secret")];
    assert_eq!(
        refused("", &both),
        ["binance.api_secret: it is given, and `binance.api_secret_file` too"]
    );
}

#[cfg(unix)]
#[test]
fn a_secret_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("secret_of_a_test");
    fs::write(&path, format!("{CANARY}\n")).unwrap();
    let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    let source = SecretSource::File(path.clone());
    mode(0o644);
    assert_eq!(source.read().unwrap_err(), SecretError::Open { path: path.clone() });
    mode(0o600);
    assert_eq!(source.read().unwrap().expose_secret(), CANARY);
    fs::write(&path, " \n").unwrap();
    assert_eq!(source.read().unwrap_err(), SecretError::NoSecret { path: path.clone() });
    fs::remove_file(&path).unwrap();
    assert!(matches!(source.read(), Err(SecretError::Unreadable { .. })));
}

#[test]
fn settings_are_compared_before_the_first_connection() {
    let validator = NetworkValidator::new().venue(NetworkVenue::Binance, NetworkAccess::Trading);
    let file = "network = \"testnet\"\n[binance]\nkey_network = \"testnet\"\n\
                api_secret_file = \"/run/secrets/binance\"\n";
    let settings = load(file, &[("BINANCE_API_KEY", &CANARY[..64])]).unwrap();
    let report = settings.validate_network(&validator);
    assert!(report.is_safe(), "{report}");
    let settings = load(file, &[("NETWORK", "mainnet"), ("BINANCE_API_KEY", CANARY)]).unwrap();
    let report = settings.validate_network(&validator);
    assert_eq!(report.findings().len(), 2, "{report}");
    assert!(!report.to_string().contains("c4n4ry"));
}
