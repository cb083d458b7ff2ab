use core::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::types::{Classification, Classify};

/// How connections are encrypted and whom they trust.
///
/// Nothing is installed for the whole process: a host that uses another provider of
/// cryptography gives its own. The default is ring and the roots of Mozilla.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
}

/// Why TLS cannot be set up.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A root certificate that cannot be read.
    #[error("a root certificate cannot be read: {message}")]
    Root {
        /// Why.
        message: String,
    },
    /// The provider has none of the versions of TLS that are needed.
    #[error("the provider of cryptography does not serve TLS 1.2 or 1.3: {message}")]
    Provider {
        /// Why.
        message: String,
    },
    /// The host's configuration names protocols, which are the client's to choose.
    #[error("the TLS configuration must not name ALPN protocols")]
    Protocols,
}

impl Classify for TlsError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}

impl Tls {
    /// Ring and the roots of Mozilla: for venues on the internet.
    ///
    /// # Errors
    /// [`TlsError::Provider`].
    pub fn web() -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        Self::with_provider(Arc::new(rustls::crypto::ring::default_provider()), roots)
    }

    /// Ring and these roots alone, each a certificate in DER: for a venue with a certificate of
    /// one's own.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn with_roots<'a>(roots: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, TlsError> {
        let mut store = RootCertStore::empty();
        for root in roots {
            let added = store.add(CertificateDer::from(root.to_vec()));
            added.map_err(|error| TlsError::Root { message: error.to_string() })?;
        }
        Self::with_provider(Arc::new(rustls::crypto::ring::default_provider()), store)
    }

    /// The host's provider of cryptography, and roots.
    ///
    /// # Errors
    /// [`TlsError::Provider`].
    pub fn with_provider(
        provider: Arc<CryptoProvider>,
        roots: RootCertStore,
    ) -> Result<Self, TlsError> {
        let versions = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Provider { message: error.to_string() })?;
        let config = versions.with_root_certificates(roots).with_no_client_auth();
        Ok(Self { config: Arc::new(config) })
    }

    /// The host's whole configuration.
    ///
    /// # Errors
    /// [`TlsError::Protocols`].
    pub fn from_config(config: Arc<ClientConfig>) -> Result<Self, TlsError> {
        if config.alpn_protocols.is_empty() {
            Ok(Self { config })
        } else {
            Err(TlsError::Protocols)
        }
    }

    pub(super) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tls")
    }
}
