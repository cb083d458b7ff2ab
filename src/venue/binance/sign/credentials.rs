use core::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::{Ed25519Key, HmacKey, KeyError, Signature, SignatureError};

/// Signs requests. A host may bring its own, with a key that never leaves its vault.
pub trait RequestSigner: Send + Sync {
    /// The signature of a payload: of the query and body of a request, exactly as they are sent,
    /// or of the sorted parameters of the WebSocket API.
    ///
    /// # Errors
    /// [`SignatureError::Signer`]; the request is not sent then.
    fn sign(&self, payload: &[u8]) -> Result<Signature, SignatureError>;
}

impl RequestSigner for HmacKey {
    fn sign(&self, payload: &[u8]) -> Result<Signature, SignatureError> {
        Ok(self.signature(payload))
    }
}

impl RequestSigner for Ed25519Key {
    fn sign(&self, payload: &[u8]) -> Result<Signature, SignatureError> {
        Ok(self.signature(payload))
    }
}

/// An API key and what signs for it. Neither is ever shown.
///
/// ```
/// use tradewright::venue::binance::{Credentials, SecretString};
///
/// let secret = SecretString::from("NhqPtmdSJYdKjVHj");
/// let credentials = Credentials::hmac("vmPUZE6mv9SD5VNH", &secret)?;
/// assert_eq!(format!("{credentials:?}"), "Credentials(..)");
/// # Ok::<(), tradewright::venue::binance::KeyError>(())
/// ```
#[derive(Clone)]
pub struct Credentials {
    api_key: SecretString,
    signer: Arc<dyn RequestSigner>,
}

/// More than any venue's keys have.
const LONGEST_API_KEY: usize = 128;

impl Credentials {
    /// An API key with an HMAC secret.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn hmac(api_key: impl Into<SecretString>, secret: &SecretString) -> Result<Self, KeyError> {
        Self::new(api_key, Arc::new(HmacKey::new(secret)?))
    }

    /// An API key with a private key of Ed25519 in PEM; only these may log on to a session of
    /// the WebSocket API.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn ed25519(api_key: impl Into<SecretString>, pem: &SecretString) -> Result<Self, KeyError> {
        Self::new(api_key, Arc::new(Ed25519Key::from_pem(pem)?))
    }

    /// An API key with a signer of the host's own.
    ///
    /// # Errors
    /// [`KeyError`] on the API key.
    pub fn new(
        api_key: impl Into<SecretString>,
        signer: Arc<dyn RequestSigner>,
    ) -> Result<Self, KeyError> {
        let api_key: SecretString = api_key.into();
        let text = api_key.expose_secret();
        if text.is_empty() {
            return Err(KeyError::Empty { what: "API key" });
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        // It goes into a header, a query and JSON as it is.
        if text.len() > LONGEST_API_KEY || !text.bytes().all(is_plain) {
            return Err(KeyError::BadApiKey);
        }
        Ok(Self { api_key, signer })
    }

    /// The API key, for the header `X-MBX-APIKEY`.
    pub const fn api_key(&self) -> &SecretString {
        &self.api_key
    }

    /// The signature of a payload.
    ///
    /// # Errors
    /// [`SignatureError`] of the signer.
    pub fn sign(&self, payload: &[u8]) -> Result<Signature, SignatureError> {
        self.signer.sign(payload)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials(..)")
    }
}
