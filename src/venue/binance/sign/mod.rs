//! Who may ask: keys, signatures and what exactly is signed.

mod credentials;
mod key;
mod params;
mod signature;

pub use credentials::{Credentials, RequestSigner};
pub use key::{Ed25519Key, Ed25519PublicKey, HmacKey, KeyError, VerifyingKey};
pub use params::WsParams;
pub use signature::{Signature, SignatureError};
