use core::fmt;
use std::path::PathBuf;

use secrecy::ExposeSecret;

use super::SecretSource;
use crate::venue::network::{EndpointRole, NetworkEnvironment};

/// Binance. Addresses that are not given are the network's own.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct BinanceSettings {
    /// The key.
    pub api_key: Option<SecretSource>,
    /// Its secret.
    pub api_secret: Option<SecretSource>,
    /// A private key instead of a secret.
    pub private_key_file: Option<PathBuf>,
    /// The network that the key was made for.
    pub key_network: Option<NetworkEnvironment>,
    /// Addresses other than the network's own.
    pub urls: Vec<(EndpointRole, Address)>,
}

/// dYdX. Addresses that are not given are the network's own.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DydxSettings {
    /// The private key.
    pub private_key_file: Option<PathBuf>,
    /// The network that the key was made for.
    pub key_network: Option<NetworkEnvironment>,
    /// The account.
    pub address: Option<String>,
    /// Another chain than the network's own.
    pub chain_id: Option<String>,
    /// Addresses other than the network's own.
    pub urls: Vec<(EndpointRole, Address)>,
}

/// An address. Printed, it shows where it leads without its path, in which some operators put a
/// key.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(pub(super) String);

impl Address {
    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or_default();
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        write!(out, "{scheme}://{host}")
    }
}

impl BinanceSettings {
    /// What the validator reads. Of secrets in files it is told a stand-in of the right form.
    pub(super) fn variables(&self, put: &mut impl FnMut(&str, &str)) {
        const KEY: &str = "k000000000000000000000000000000000000000000000000000000000000000";
        const SECRET: &str = "s000000000000000000000000000000000000000000000000000000000000000";
        let secrets = [("API_KEY", &self.api_key, KEY), ("API_SECRET", &self.api_secret, SECRET)];
        for (suffix, source, stand_in) in secrets {
            let name = format!("BINANCE_{suffix}");
            match source {
                Some(SecretSource::Value(secret)) => put(&name, secret.expose_secret()),
                Some(SecretSource::File(_)) => put(&name, stand_in),
                None => {}
            }
        }
        common("BINANCE", self.private_key_file.as_ref(), self.key_network, &self.urls, put);
    }
}

impl DydxSettings {
    pub(super) fn variables(&self, put: &mut impl FnMut(&str, &str)) {
        if let Some(address) = &self.address {
            put("DYDX_ADDRESS", address);
        }
        if let Some(chain) = &self.chain_id {
            put("DYDX_CHAIN_ID", chain);
        }
        common("DYDX", self.private_key_file.as_ref(), self.key_network, &self.urls, put);
    }
}

fn common(
    venue: &str,
    key_file: Option<&PathBuf>,
    key_network: Option<NetworkEnvironment>,
    urls: &[(EndpointRole, Address)],
    put: &mut impl FnMut(&str, &str),
) {
    if let Some(path) = key_file {
        put(&format!("{venue}_PRIVATE_KEY_FILE"), &path.to_string_lossy());
    }
    if let Some(network) = key_network {
        put(&format!("{venue}_KEY_NETWORK"), network.as_str());
    }
    for (role, url) in urls {
        put(&format!("{venue}_{}", role.suffix()), url.as_str());
    }
}
