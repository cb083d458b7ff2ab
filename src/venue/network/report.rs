use core::fmt;

use serde::{Deserialize, Serialize};

use super::{EndpointRole, NetworkEnvironment, NetworkVenue};
use crate::types::{Classification, Classify};

/// What was found before the first connection: every finding, not only the first.
///
/// Printed or serialised, it shows names of variables and hosts: no value of a key, no path.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct NetworkReport {
    pub(super) environment: Option<NetworkEnvironment>,
    pub(super) endpoints: Vec<NetworkEndpoint>,
    #[serde(skip)]
    pub(super) key_files: Vec<(NetworkVenue, String)>,
    pub(super) findings: Vec<NetworkFinding>,
}

/// An address that passed. Printed or serialised, it shows where it leads without its path, in
/// which some operators put a key.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct NetworkEndpoint {
    /// Of which venue.
    pub venue: NetworkVenue,
    /// What it is for.
    pub role: EndpointRole,
    /// Scheme and host.
    pub(super) leads_to: String,
    #[serde(skip)]
    pub(super) url: String,
}

impl NetworkEndpoint {
    /// The whole address.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl fmt::Debug for NetworkEndpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}: {}", self.venue, self.role.suffix(), self.leads_to)
    }
}

impl fmt::Debug for NetworkReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// One reason not to connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkFinding {
    /// Which kind of mistake.
    pub kind: FindingKind,
    /// The variable that it is about.
    pub variable: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub fix: String,
}

/// Which kind of mistake a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// A variable is missing.
    Missing,
    /// A variable cannot be what it should be.
    Malformed,
    /// A variable that nobody reads: probably a misspelt one.
    Unknown,
    /// Two variables of which only one can be meant.
    Ambiguous,
    /// Orders on the main network were not allowed.
    MainnetNotAllowed,
    /// A host belongs to another network.
    OtherNetwork,
    /// A host is not known to belong to the network.
    UnknownHost,
    /// A scheme that does not encrypt, or one of another protocol.
    InsecureScheme,
    /// A chain that is not the network's.
    OtherChain,
    /// A key that was made for another network.
    OtherKey,
    /// The venue has no such network.
    NoSuchNetwork,
    /// A secret is in a place where secrets must not be, or others can read it.
    ExposedSecret,
}

impl NetworkReport {
    /// True when nothing was found.
    pub const fn is_safe(&self) -> bool {
        self.findings.is_empty()
    }

    /// The environment, where it is known.
    pub const fn environment(&self) -> Option<NetworkEnvironment> {
        self.environment
    }

    /// Everything that was found.
    pub fn findings(&self) -> &[NetworkFinding] {
        &self.findings
    }

    /// The addresses that passed.
    pub fn endpoints(&self) -> &[NetworkEndpoint] {
        &self.endpoints
    }

    /// The address of a venue for this purpose, if it passed.
    pub fn url(&self, venue: NetworkVenue, role: EndpointRole) -> Option<&str> {
        let found = self.endpoints.iter().find(|it| it.venue == venue && it.role == role);
        found.map(NetworkEndpoint::url)
    }

    /// Paths of private keys: whoever can read files checks that they are there and that nobody
    /// else can read them, and adds what is wrong with [`NetworkReport::add`].
    pub fn key_files(&self) -> impl Iterator<Item = (NetworkVenue, &str)> {
        self.key_files.iter().map(|(venue, path)| (*venue, path.as_str()))
    }

    /// Adds a finding of the host's own.
    pub fn add(&mut self, finding: NetworkFinding) {
        self.findings.push(finding);
    }

    /// The report, if it is safe to connect.
    ///
    /// # Errors
    /// [`UnsafeNetworkError`] with the report, if it is not.
    pub fn require_safe(self) -> Result<Self, UnsafeNetworkError> {
        if self.is_safe() { Ok(self) } else { Err(UnsafeNetworkError { report: Box::new(self) }) }
    }
}

impl fmt::Display for NetworkReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.environment {
            Some(environment) => writeln!(out, "network: {environment}")?,
            None => writeln!(out, "network: not known")?,
        }
        for endpoint in &self.endpoints {
            writeln!(out, "  {endpoint:?}")?;
        }
        for finding in &self.findings {
            writeln!(out, "REFUSED {}: {}", finding.variable, finding.problem)?;
            writeln!(out, "        fix: {}", finding.fix)?;
        }
        match self.findings.len() {
            0 => write!(out, "safe to connect"),
            1 => write!(out, "not safe to connect: 1 finding"),
            count => write!(out, "not safe to connect: {count} findings"),
        }
    }
}

/// It is not safe to connect: fix what the report lists.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{report}")]
pub struct UnsafeNetworkError {
    /// Everything that was found.
    pub report: Box<NetworkReport>,
}

impl Classify for UnsafeNetworkError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}
