use core::fmt;

use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey};
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::{Signature, SignatureError};
use crate::types::{Classification, Classify};

/// Why a key was refused. The key's text is never part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Nothing is there.
    #[error("the {what} is empty")]
    Empty {
        /// Which key.
        what: &'static str,
    },
    /// An API key is letters, digits, `-` and `_`, at most 128 of them.
    #[error("the API key has characters other than letters, digits, `-` and `_`, or too many")]
    BadApiKey,
    /// No unencrypted key of Ed25519 in PEM, as `openssl genpkey -algorithm ed25519` writes it.
    #[error("no unencrypted Ed25519 key in PEM ({expected})")]
    BadPem {
        /// The first line that was expected.
        expected: &'static str,
    },
}

impl Classify for KeyError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}

/// The secret of an HMAC key. It is wiped when dropped, and never shown.
///
/// ```
/// use tradewright::venue::binance::{HmacKey, SecretString};
///
/// // The example of the venue's documentation.
/// let secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
/// let key = HmacKey::new(&SecretString::from(secret))?;
/// let payload = b"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1\
///     &recvWindow=5000&timestamp=1499827319559";
/// let mut text = String::new();
/// key.signature(payload).write(&mut text);
/// assert_eq!(text, "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71");
/// assert_eq!(key.verify(payload, &text), Ok(()));
/// # Ok::<(), tradewright::venue::binance::KeyError>(())
/// ```
#[derive(Clone)]
pub struct HmacKey(Hmac<Sha256>);

impl HmacKey {
    /// A key from the text that the venue has shown once.
    ///
    /// # Errors
    /// [`KeyError::Empty`].
    pub fn new(secret: &SecretString) -> Result<Self, KeyError> {
        let (text, empty) = (secret.expose_secret().trim(), KeyError::Empty { what: "secret" });
        if text.is_empty() {
            return Err(empty);
        }
        Hmac::new_from_slice(text.as_bytes()).map(Self).map_err(|_| empty)
    }

    /// The signature of a payload.
    pub fn signature(&self, payload: &[u8]) -> Signature {
        Signature::Hmac(self.0.clone().chain_update(payload).finalize().into_bytes().into())
    }

    /// Says whether a signature's text is that of a payload, in a time that tells nothing.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(&self, payload: &[u8], signature: &str) -> Result<(), SignatureError> {
        let Signature::Hmac(bytes) = Signature::parse(signature)? else {
            return Err(SignatureError::Mismatch);
        };
        let mac = self.0.clone().chain_update(payload);
        mac.verify_slice(&bytes).map_err(|_| SignatureError::Mismatch)
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HmacKey(..)")
    }
}

/// A private key of Ed25519. It is wiped when dropped, and never shown.
#[derive(Clone)]
pub struct Ed25519Key(SigningKey);

impl Ed25519Key {
    /// Reads PKCS#8 in PEM (`-----BEGIN PRIVATE KEY-----`), without a password.
    ///
    /// # Errors
    /// [`KeyError::BadPem`].
    pub fn from_pem(pem: &SecretString) -> Result<Self, KeyError> {
        let expected = "-----BEGIN PRIVATE KEY-----";
        let key = SigningKey::from_pkcs8_pem(pem.expose_secret().trim());
        key.map(Self).map_err(|_| KeyError::BadPem { expected })
    }

    /// The signature of a payload.
    pub fn signature(&self, payload: &[u8]) -> Signature {
        Signature::Ed25519(self.0.sign(payload).to_bytes())
    }

    /// The key that others verify with.
    pub fn public(&self) -> Ed25519PublicKey {
        Ed25519PublicKey(self.0.verifying_key())
    }
}

impl fmt::Debug for Ed25519Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Ed25519Key(..)")
    }
}

/// A public key of Ed25519: what a venue knows of its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ed25519PublicKey(ed25519_dalek::VerifyingKey);

impl Ed25519PublicKey {
    /// Reads PEM (`-----BEGIN PUBLIC KEY-----`).
    ///
    /// # Errors
    /// [`KeyError::BadPem`].
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let key = ed25519_dalek::VerifyingKey::from_public_key_pem(pem.trim());
        key.map(Self).map_err(|_| KeyError::BadPem { expected: "-----BEGIN PUBLIC KEY-----" })
    }

    /// Says whether a signature's text is that of a payload.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(&self, payload: &[u8], signature: &str) -> Result<(), SignatureError> {
        let Signature::Ed25519(bytes) = Signature::parse(signature)? else {
            return Err(SignatureError::Mismatch);
        };
        let signature = ed25519_dalek::Signature::from_bytes(&bytes);
        self.0.verify_strict(payload, &signature).map_err(|_| SignatureError::Mismatch)
    }
}

/// What a server verifies requests with.
#[derive(Clone, Debug)]
pub enum VerifyingKey {
    /// The secret that both know.
    Hmac(HmacKey),
    /// The public half of the client's key.
    Ed25519(Ed25519PublicKey),
}

impl VerifyingKey {
    /// Says whether a signature's text, not percent-encoded, is that of a payload: query and body
    /// as they were sent, or [`WsParams::payload`](super::WsParams::payload).
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(&self, payload: &[u8], signature: &str) -> Result<(), SignatureError> {
        match self {
            Self::Hmac(key) => key.verify(payload, signature),
            Self::Ed25519(key) => key.verify(payload, signature),
        }
    }
}
