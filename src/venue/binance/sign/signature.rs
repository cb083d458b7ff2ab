use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::types::{Classification, Classify, ErrorCategory, Severity};
use crate::venue::binance::text;

/// The signature of a request, in the two kinds whose keys this crate knows.
///
/// RSA keys are not among them: the venue recommends Ed25519 instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signature {
    /// HMAC-SHA-256, written in hexadecimal digits.
    Hmac([u8; 32]),
    /// Ed25519, written in base64.
    Ed25519([u8; 64]),
}

/// Why a payload has no signature, or another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// It is neither 64 hexadecimal digits nor 64 bytes in base64.
    #[error("the signature has no known form")]
    Malformed,
    /// It is of another kind of key, or of another key or payload.
    #[error("the signature is not that of this payload and key")]
    Mismatch,
    /// A request without a signature where one is needed.
    #[error("the signature is missing")]
    Missing,
    /// The WebSocket API has no such request: it is for HTTP alone.
    #[error("the WebSocket API has no such request")]
    NoCall,
    /// The host's signer has failed.
    #[error("signing failed: {0}")]
    Signer(&'static str),
}

impl Classify for SignatureError {
    fn classification(&self) -> Classification {
        match self {
            Self::Malformed | Self::Mismatch | Self::Missing | Self::NoCall => {
                Classification::INPUT
            }
            Self::Signer(_) => {
                Classification::new(ErrorCategory::System, Severity::Critical).fatal()
            }
        }
    }
}

/// Base64 of 64 bytes.
const LONGEST: usize = 88;

impl Signature {
    /// Appends it as the WebSocket API takes it.
    ///
    /// ```
    /// use tradewright::venue::binance::Signature;
    ///
    /// let mut text = String::new();
    /// Signature::Hmac([0xab; 32]).write(&mut text);
    /// assert_eq!(text, "ab".repeat(32));
    /// assert_eq!(Signature::parse(&text), Ok(Signature::Hmac([0xab; 32])));
    /// ```
    pub fn write(&self, out: &mut String) {
        match self {
            Self::Hmac(bytes) => text::hex(bytes, out),
            Self::Ed25519(bytes) => STANDARD.encode_string(bytes, out),
        }
    }

    /// Appends it as a query takes it: base64 is percent-encoded.
    pub fn write_encoded(&self, out: &mut String) {
        match self {
            Self::Hmac(bytes) => text::hex(bytes, out),
            Self::Ed25519(bytes) => {
                let mut encoded = [0; LONGEST];
                let length = STANDARD.encode_slice(bytes, &mut encoded).unwrap_or_default();
                text::percent(encoded.get(..length).unwrap_or_default(), out);
            }
        }
    }

    /// Reads a signature's text, which is not percent-encoded (any more). Hexadecimal digits may
    /// be of either case.
    ///
    /// # Errors
    /// [`SignatureError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        if let Some(bytes) = text::read_hex(text) {
            return Ok(Self::Hmac(bytes));
        }
        // Its estimate of the length is 66 bytes, and it insists on having them.
        let mut bytes = [0; 66];
        match STANDARD.decode_slice(text, &mut bytes) {
            Ok(64) => bytes.first_chunk().copied().map(Self::Ed25519),
            Ok(_) | Err(_) => None,
        }
        .ok_or(SignatureError::Malformed)
    }
}
