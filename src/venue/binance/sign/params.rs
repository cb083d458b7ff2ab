use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{SignatureError, VerifyingKey};
use crate::venue::DecodeError;
use crate::venue::read;

/// The parameters of a request of the WebSocket API, as whoever receives it has to see them: by
/// name, with the text that was sent. A number that was written as `0.10` was signed as `0.10`.
///
/// ```
/// use tradewright::venue::binance::WsParams;
///
/// let params = br#"{"symbol":"BTCUSDT","quantity":0.10,"signature":"ab","cancel":false}"#;
/// let params = WsParams::read(params)?;
/// assert_eq!(params.payload(), "cancel=false&quantity=0.10&symbol=BTCUSDT");
/// assert_eq!(params.get("quantity"), Some("0.10"));
/// # Ok::<(), tradewright::venue::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WsParams<'a>(BTreeMap<Cow<'a, str>, Cow<'a, str>>);

impl<'a> WsParams<'a> {
    /// Reads the object under `params`.
    ///
    /// # Errors
    /// [`DecodeError`] when it is no object.
    pub fn read(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let malformed = |error| read::malformed("params", &error);
        let raw: BTreeMap<Name<'a>, &'a RawValue> =
            serde_json::from_slice(bytes).map_err(malformed)?;
        let mut params = BTreeMap::new();
        for (name, value) in raw {
            let token = value.get();
            let text = match token.starts_with('"') {
                true => serde_json::from_str::<Name<'a>>(token).map_err(malformed)?.0,
                false => Cow::Borrowed(token),
            };
            params.insert(name.0, text);
        }
        Ok(Self(params))
    }

    /// A parameter's text: a string without its quotes, anything else as it was written.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(AsRef::as_ref)
    }

    /// All parameters in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// What was signed: all but the signature, sorted by name and not percent-encoded.
    pub fn payload(&self) -> String {
        let mut payload = String::new();
        for (name, value) in self.iter().filter(|(name, _)| *name != "signature") {
            if !payload.is_empty() {
                payload.push('&');
            }
            payload.extend([name, "=", value]);
        }
        payload
    }

    /// Says whether they carry their own signature.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(&self, key: &VerifyingKey) -> Result<(), SignatureError> {
        let signature = self.get("signature").ok_or(SignatureError::Missing)?;
        key.verify(self.payload().as_bytes(), signature)
    }
}

/// Text that is borrowed where it has no escapes.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
