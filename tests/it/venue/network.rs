use std::collections::BTreeMap;

use proptest::prelude::*;
use tradewright::types::Classify;
use tradewright::venue::network::{
    EndpointRole, FindingKind, NetworkAccess, NetworkEnvironment, NetworkReport, NetworkValidator,
    NetworkVenue,
};

const KEY: &str = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let name = |name: &str| match name {
        "NETWORK" | "ALLOW_MAINNET" => format!("TRADEWRIGHT_{name}"),
        venue => format!("TRADEWRIGHT_{venue}"),
    };
    pairs.iter().map(|(key, value)| (name(key), (*value).to_owned())).collect()
}

fn check(venue: NetworkVenue, access: NetworkAccess, pairs: &[(&str, &str)]) -> NetworkReport {
    NetworkValidator::new().venue(venue, access).validate(&variables(pairs))
}

fn kinds(report: &NetworkReport) -> Vec<FindingKind> {
    report.findings().iter().map(|finding| finding.kind).collect()
}

fn binance(pairs: &[(&str, &str)]) -> NetworkReport {
    check(NetworkVenue::Binance, NetworkAccess::Trading, pairs)
}

const TESTNET: [(&str, &str); 4] = [
    ("NETWORK", "testnet"),
    ("BINANCE_API_KEY", KEY),
    ("BINANCE_API_SECRET", SECRET),
    ("BINANCE_KEY_NETWORK", "testnet"),
];

/// The sound settings with some of them changed; an empty value takes one away.
fn changed(pairs: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let mut all = TESTNET.to_vec();
    for pair in pairs {
        all.retain(|(name, _)| *name != pair.0);
        all.push(*pair);
    }
    all
}

#[test]
fn sound_settings_of_every_network_pass() {
    let report = binance(&TESTNET);
    assert!(report.is_safe(), "{report}");
    assert_eq!(report.environment(), Some(NetworkEnvironment::Testnet));
    let rest = report.url(NetworkVenue::Binance, EndpointRole::Rest);
    assert_eq!(rest, Some("https://testnet.binance.vision"));
    for (network, more) in [
        ("mainnet", &[("ALLOW_MAINNET", "real-money")][..]),
        ("demo", &[]),
        (
            "local",
            &[
                ("BINANCE_REST_URL", "http://127.0.0.1:9010"),
                ("BINANCE_STREAM_URL", "ws://[::1]:9010/ws"),
            ],
        ),
    ] {
        let networks = [("NETWORK", network), ("BINANCE_KEY_NETWORK", network)];
        let report = binance(&changed(&[&networks, more].concat()));
        assert!(report.is_safe(), "{network}: {report}");
    }
    // Every preset belongs to its own network.
    for venue in [NetworkVenue::Binance, NetworkVenue::Dydx] {
        for environment in NetworkEnvironment::ALL {
            for url in venue.roles().iter().filter_map(|role| role.preset(environment)) {
                let host = url.split("://").nth(1).unwrap().split(['/', ':']).next().unwrap();
                assert_eq!(venue.network_of(host), Some(environment), "{url}");
            }
        }
    }
}

#[test]
fn every_mistake_is_found() {
    use FindingKind::*;
    for (pairs, expected) in [
        (&[("NETWORK", "")][..], &[Missing][..]),
        (&[("NETWORK", "Testnet")], &[Malformed]),
        (&[("NETWORK", "mainnet")], &[MainnetNotAllowed, OtherKey]),
        (&[("NETWORK", "mainnet"), ("ALLOW_MAINNET", "yes")], &[MainnetNotAllowed, OtherKey]),
        (&[("ALLOW_MAINNET", "real-money")], &[Ambiguous]),
        (&[("BINANCE_API_KEY", "")], &[Missing]),
        (&[("BINANCE_API_SECRET", "")], &[Missing]),
        (&[("BINANCE_API_SECRET", KEY)], &[Malformed]),
        (&[("BINANCE_API_KEY", "\"quoted\"")], &[Malformed]),
        (&[("BINANCE_PRIVATE_KEY_FILE", "/keys/binance.pem")], &[Ambiguous]),
        (&[("BINANCE_PRIVATE_KEY_FILE", "keys/b.pem"), ("BINANCE_API_SECRET", "")], &[Malformed]),
        (&[("BINANCE_KEY_NETWORK", "")], &[Missing]),
        (&[("BINANCE_KEY_NETWORK", "mainnet")], &[OtherKey]),
        (&[("BINANCE_KEY_NETWORK", "here")], &[Malformed]),
        (&[("BINANCE_APIKEY", "x")], &[Unknown]),
        (&[("BINANCE_REST_URL", "https://api.binance.com")], &[OtherNetwork]),
        (&[("BINANCE_REST_URL", "https://API.BINANCE.COM:443/")], &[OtherNetwork]),
        (&[("BINANCE_REST_URL", "http://testnet.binance.vision")], &[InsecureScheme]),
        (&[("BINANCE_REST_URL", "wss://testnet.binance.vision")], &[InsecureScheme]),
        (&[("BINANCE_REST_URL", "https://testnet.binance.vision.evil.example")], &[UnknownHost]),
        (&[("BINANCE_REST_URL", "https://api.binance.com@testnet.binance.vision")], &[Malformed]),
        (&[("BINANCE_REST_URL", "https://testnet.binance.vision?apiKey=1")], &[Malformed]),
        (&[("BINANCE_REST_URL", "testnet.binance.vision")], &[Malformed]),
        (&[("BINANCE_STREAM_URL", "ws://127.0.0.1:9010")], &[InsecureScheme, OtherNetwork]),
        (&[("NETWORK", "local"), ("BINANCE_KEY_NETWORK", "local")], &[Missing, Missing]),
        (
            &[
                ("NETWORK", "local"),
                ("BINANCE_KEY_NETWORK", "local"),
                ("BINANCE_REST_URL", "http://192.168.0.7:9010"),
                ("BINANCE_STREAM_URL", "wss://stream.binance.com"),
            ],
            &[InsecureScheme, OtherNetwork, OtherNetwork],
        ),
    ] {
        let report = binance(&changed(pairs));
        let mut found = kinds(&report);
        found.sort_unstable();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{pairs:?}\n{report}");
        let refused = report.require_safe().unwrap_err();
        assert!(!refused.is_recoverable());
        for finding in refused.report.findings() {
            assert!(finding.variable.starts_with("TRADEWRIGHT_") && !finding.fix.is_empty());
        }
    }
}

#[test]
fn dydx_needs_its_chain_address_and_a_key_in_a_file() {
    use FindingKind::*;
    let sound = [
        ("NETWORK", "testnet"),
        ("DYDX_KEY_NETWORK", "testnet"),
        ("DYDX_PRIVATE_KEY_FILE", "/keys/dydx.key"),
        ("DYDX_ADDRESS", "dydx1n56z5fhmemtffzkt2eqyf9kuc7ycjfs86mvqy7"),
    ];
    let with = |pairs: &[(&'static str, &'static str)]| {
        let all = [&sound[..], pairs].concat();
        let report = check(NetworkVenue::Dydx, NetworkAccess::Trading, &all);
        (kinds(&report), report)
    };
    let (found, report) = with(&[]);
    assert_eq!(found, [], "{report}");
    assert_eq!(report.key_files().collect::<Vec<_>>(), [(NetworkVenue::Dydx, "/keys/dydx.key")]);
    assert_eq!(with(&[("DYDX_CHAIN_ID", "dydx-testnet-4")]).0, []);
    assert_eq!(with(&[("DYDX_CHAIN_ID", "dydx-mainnet-1")]).0, [OtherChain]);
    assert_eq!(with(&[("DYDX_MNEMONIC", "twelve words")]).0, [ExposedSecret]);
    assert_eq!(with(&[("DYDX_ADDRESS", "dydx1short")]).0, [Malformed]);
    assert_eq!(with(&[("DYDX_API_KEY", "x")]).0, [Unknown]);
    assert_eq!(with(&[("NETWORK", "demo")]).0, [NoSuchNetwork]);
}

#[test]
fn a_host_can_be_vouched_for_in_one_network() {
    let own = "https://proxy.example.org/binance";
    let pairs = variables(&changed(&[("BINANCE_REST_URL", own)]));
    let validator = NetworkValidator::new().venue(NetworkVenue::Binance, NetworkAccess::Trading);
    let trust = |network| {
        let validator = validator.clone();
        validator.trust(NetworkVenue::Binance, network, "proxy.example.org").validate(&pairs)
    };
    assert_eq!(kinds(&validator.validate(&pairs)), [FindingKind::UnknownHost]);
    assert_eq!(kinds(&trust(NetworkEnvironment::Mainnet)), [FindingKind::UnknownHost]);
    assert!(trust(NetworkEnvironment::Testnet).is_safe());
}

proptest! {
    /// A secret in the wrong place is still a secret: whichever variables hold it, and whatever
    /// stands around it, it is in no text, debug output or JSON of the report.
    #[test]
    fn no_secret_gets_into_a_report(
        places in prop::collection::vec(0_usize..14, 1..6),
        shape in 0_usize..8,
        network in prop::sample::select(vec!["mainnet", "testnet", "demo", "local", "nowhere"]),
    ) {
        const CANARY: &str = "c4n4ryc4n4ryc4n4ryc4n4ryc4n4ry";
        const NAMES: [&str; 14] = [
            "NETWORK", "ALLOW_MAINNET", "BINANCE_API_KEY", "BINANCE_API_SECRET",
            "BINANCE_KEY_NETWORK", "BINANCE_REST_URL", "BINANCE_STREAM_URL", "BINANCE_NOVELTY",
            "BINANCE_PRIVATE_KEY_FILE", "DYDX_ADDRESS", "DYDX_CHAIN_ID", "DYDX_MNEMONIC",
            "DYDX_INDEXER_URL", "DYDX_PRIVATE_KEY_FILE",
        ];
        let value = match shape {
            0 => CANARY.to_owned(),
            1 => format!("https://{CANARY}"),
            2 => format!("https://user:{CANARY}@api.binance.com"),
            3 => format!("wss://stream.binance.com/ws?listenKey={CANARY}"),
            4 => format!("http://{CANARY}.binance.com:1"),
            5 => format!("https://testnet.binance.vision/{CANARY}"),
            6 => format!("/{CANARY}"),
            _ => format!("\"{CANARY}\" "),
        };
        let mut all = vec![("NETWORK", network)];
        for place in places {
            all.push((NAMES[place], value.as_str()));
        }
        let validator = NetworkValidator::new()
            .venue(NetworkVenue::Binance, NetworkAccess::Trading)
            .venue(NetworkVenue::Dydx, NetworkAccess::Trading);
        let report = validator.validate(&variables(&all));
        prop_assert!(!report.is_safe());
        let texts = [
            report.to_string(),
            format!("{report:?}"),
            serde_json::to_string(&report).unwrap(),
            report.require_safe().unwrap_err().to_string(),
        ];
        for text in texts {
            prop_assert!(!text.contains("c4n4ry"), "{text}");
        }
    }
}
