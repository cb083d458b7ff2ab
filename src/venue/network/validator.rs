use std::collections::BTreeMap;

use super::credentials;
use super::endpoint;
use super::{FindingKind, NetworkEnvironment, NetworkFinding, NetworkReport, NetworkVenue};

/// What a program wants of a venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkAccess {
    /// Market data, which need no key.
    MarketData,
    /// Orders and the own account.
    Trading,
}

/// Compares environment, hosts, schemes, chain and keys before the first connection.
///
/// ```
/// use std::collections::BTreeMap;
/// use tradewright::venue::network::{
///     FindingKind, NetworkAccess, NetworkValidator, NetworkVenue,
/// };
///
/// let validator = NetworkValidator::new().venue(NetworkVenue::Binance, NetworkAccess::MarketData);
/// let mut variables = BTreeMap::new();
/// variables.insert("TRADEWRIGHT_NETWORK".to_owned(), "testnet".to_owned());
/// assert!(validator.validate(&variables).is_safe());
///
/// let (name, url) = ("TRADEWRIGHT_BINANCE_REST_URL", "https://api.binance.com");
/// variables.insert(name.to_owned(), url.to_owned());
/// let report = validator.validate(&variables);
/// assert_eq!(report.findings()[0].kind, FindingKind::OtherNetwork);
/// println!("{report}");
/// ```
#[derive(Clone, Debug, Default)]
pub struct NetworkValidator {
    venues: Vec<(NetworkVenue, NetworkAccess)>,
    trusted: Vec<(NetworkVenue, NetworkEnvironment, String)>,
}

const NETWORK: &str = "TRADEWRIGHT_NETWORK";
const ALLOW_MAINNET: &str = "TRADEWRIGHT_ALLOW_MAINNET";
const ALLOWED: &str = "real-money";

impl NetworkValidator {
    /// Checks the environment alone, until a venue is added.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a venue, or changes what is wanted of it.
    #[must_use]
    pub fn venue(mut self, venue: NetworkVenue, access: NetworkAccess) -> Self {
        self.venues.retain(|(known, _)| *known != venue);
        self.venues.push((venue, access));
        self
    }

    /// Vouches for a host of the venue's network that is not known here: a proxy of one's own,
    /// another operator's node.
    #[must_use]
    pub fn trust(
        mut self,
        venue: NetworkVenue,
        environment: NetworkEnvironment,
        host: &str,
    ) -> Self {
        self.trusted.push((venue, environment, host.to_ascii_lowercase()));
        self
    }

    /// Looks at all variables of the process. What does not begin with `TRADEWRIGHT_` is left
    /// aside, and no value of a key gets into the report.
    pub fn validate(&self, variables: &BTreeMap<String, String>) -> NetworkReport {
        let mut check = Check {
            variables,
            trusted: &self.trusted,
            report: NetworkReport {
                environment: None,
                endpoints: Vec::new(),
                key_files: Vec::new(),
                findings: Vec::new(),
            },
        };
        check.environment();
        for (venue, access) in &self.venues {
            check.unknown_names(*venue);
            let Some(environment) = check.report.environment else {
                continue;
            };
            if *venue == NetworkVenue::Dydx && environment == NetworkEnvironment::Demo {
                let problem = "dYdX has no network `demo`";
                check.find(FindingKind::NoSuchNetwork, NETWORK, problem, "use `testnet`");
                continue;
            }
            endpoint::check(&mut check, *venue, environment);
            if *access == NetworkAccess::Trading {
                check.allowed(environment);
                credentials::check(&mut check, *venue, environment);
            }
        }
        check.report
    }
}

/// One pass over the variables.
pub(super) struct Check<'a> {
    variables: &'a BTreeMap<String, String>,
    trusted: &'a [(NetworkVenue, NetworkEnvironment, String)],
    pub(super) report: NetworkReport,
}

impl<'a> Check<'a> {
    /// The name of a venue's variable and its value; empty ones count as missing.
    pub(super) fn read(&self, venue: NetworkVenue, suffix: &str) -> (String, Option<&'a str>) {
        let name = format!("TRADEWRIGHT_{venue}_{suffix}");
        let value = self.get(&name);
        (name, value)
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn find(&mut self, kind: FindingKind, variable: &str, problem: &str, fix: &str) {
        let finding = NetworkFinding {
            kind,
            variable: variable.to_owned(),
            problem: problem.to_owned(),
            fix: fix.to_owned(),
        };
        // Two venues may find the same about the environment.
        if !self.report.findings.contains(&finding) {
            self.report.findings.push(finding);
        }
    }

    pub(super) fn is_trusted(
        &self,
        venue: NetworkVenue,
        environment: NetworkEnvironment,
        host: &str,
    ) -> bool {
        let is_it = |(of, within, known): &(NetworkVenue, NetworkEnvironment, String)| {
            (*of, *within, known.as_str()) == (venue, environment, host)
        };
        self.trusted.iter().any(is_it)
    }

    fn environment(&mut self) {
        let fix = "set it to `mainnet`, `testnet`, `demo` or `local`";
        let Some(word) = self.get(NETWORK) else {
            let problem = "it is not set, and there is no default";
            return self.find(FindingKind::Missing, NETWORK, problem, fix);
        };
        self.report.environment = NetworkEnvironment::parse(word);
        if self.report.environment.is_none() {
            let problem = "it names no environment (lower case, nothing around it)";
            self.find(FindingKind::Malformed, NETWORK, problem, fix);
        }
    }

    /// Orders with real money need a second word.
    fn allowed(&mut self, environment: NetworkEnvironment) {
        let is_mainnet = environment == NetworkEnvironment::Mainnet;
        match self.get(ALLOW_MAINNET) {
            Some(ALLOWED) if is_mainnet => {}
            None if !is_mainnet => {}
            None | Some(_) if is_mainnet => {
                let problem = "orders on the main network were not allowed";
                let fix = "set it to `real-money` if that is what you mean";
                self.find(FindingKind::MainnetNotAllowed, ALLOW_MAINNET, problem, fix);
            }
            None | Some(_) => {
                let problem = "it allows real money, but the network is another";
                let fix = "remove it, or set TRADEWRIGHT_NETWORK to `mainnet`";
                self.find(FindingKind::Ambiguous, ALLOW_MAINNET, problem, fix);
            }
        }
    }

    /// A variable of the venue that nobody reads is a misspelt one.
    fn unknown_names(&mut self, venue: NetworkVenue) {
        let prefix = format!("TRADEWRIGHT_{venue}_");
        for name in self.variables.keys().filter(|name| name.starts_with(&prefix)) {
            let suffix = name.get(prefix.len()..).unwrap_or_default();
            let is_url = venue.roles().iter().any(|role| role.suffix() == suffix);
            if is_url || credentials::SUFFIXES.contains(&suffix) {
                continue;
            }
            let is_chain = venue == NetworkVenue::Dydx && credentials::CHAIN.contains(&suffix);
            if !is_chain {
                let shown: String = name.chars().take(60).collect();
                let problem = "nobody reads it";
                let fix = "correct its name or remove it";
                self.find(FindingKind::Unknown, &shown, problem, fix);
            }
        }
    }
}
