use super::net::{EndpointError, TlsError};
use crate::types::{Classification, Classify};

/// Why a part of the edge cannot be set up: a person has to change the configuration.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// An address.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Nothing runs futures here: call it from within a runtime of tokio.
    #[error("there is no runtime of tokio here")]
    NoRuntime,
}

impl Classify for SetupError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}
