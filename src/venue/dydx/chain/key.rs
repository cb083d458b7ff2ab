use core::fmt;

use bip32::{DerivationPath, XPrv};
use bip39::{Language, Mnemonic};
use k256::ecdsa::signature::{Signer, Verifier};
use k256::ecdsa::{Signature, SigningKey, VerifyingKey};
use ripemd::Ripemd160;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::ChainAddress;
use crate::types::{Classification, Classify};

/// Why a key was refused. Nothing of it is part of this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainKeyError {
    /// No 64 hexadecimal digits, or no number that a key of secp256k1 can be.
    #[error("no private key: 64 hexadecimal digits, above zero and below the curve's order")]
    BadHex,
    /// No 12 to 24 English words of BIP-39, or their checksum is wrong.
    #[error("no words of a wallet: 12 to 24 English words of BIP-39 with a sound checksum")]
    BadWords,
}

impl Classify for ChainKeyError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}

/// The private key of an account. It is wiped when dropped, and never shown.
///
/// Signatures are ECDSA over secp256k1 of the SHA-256 of a message, deterministic (RFC 6979), with
/// the lower of the two possible `s`, which the chain insists on.
///
/// ```
/// use tradewright::venue::dydx::{ChainKey, SecretString};
///
/// // The words are those of BIP-39's first test vector: everybody knows them.
/// let words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
///     abandon about";
/// let key = ChainKey::from_mnemonic(&SecretString::from(words))?;
/// assert!(key.address().as_str().starts_with("dydx1"));
/// assert!(!format!("{key:?}").contains("abandon"));
/// # Ok::<(), tradewright::venue::dydx::ChainKeyError>(())
/// ```
#[derive(Clone)]
pub struct ChainKey {
    signing: SigningKey,
    public: [u8; 33],
    address: ChainAddress,
}

/// The path of BIP-44 that wallets of Cosmos take.
const PATH: &str = "m/44'/118'/0'/0/0";

impl ChainKey {
    /// The key of these 64 hexadecimal digits, with or without `0x` before them. White space
    /// around them is passed over.
    ///
    /// # Errors
    /// [`ChainKeyError::BadHex`].
    pub fn from_hex(text: &SecretString) -> Result<Self, ChainKeyError> {
        let text = text.expose_secret().trim();
        let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
        let mut bytes = [0; 32];
        if digits.len() != 64 {
            return Err(ChainKeyError::BadHex);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = pair else { return Err(ChainKeyError::BadHex) };
            let value = |digit: u8| char::from(digit).to_digit(16);
            let (Some(high), Some(low)) = (value(*high), value(*low)) else {
                return Err(ChainKeyError::BadHex);
            };
            // Two digits of four bits.
            *byte = (high << 4 | low) as u8;
        }
        let signing = SigningKey::from_slice(&bytes).map_err(|_| ChainKeyError::BadHex);
        bytes.fill(0);
        signing.map(Self::new)
    }

    /// The first key of these words, as the wallets of Cosmos derive it (`m/44'/118'/0'/0/0`).
    ///
    /// # Errors
    /// [`ChainKeyError::BadWords`].
    pub fn from_mnemonic(words: &SecretString) -> Result<Self, ChainKeyError> {
        let bad = |_| ChainKeyError::BadWords;
        let words = Mnemonic::parse_in_normalized(Language::English, words.expose_secret());
        let seed = words.map_err(bad)?.to_seed_normalized("");
        let bad = |_| ChainKeyError::BadWords;
        let path: DerivationPath = PATH.parse().map_err(bad)?;
        let derived = XPrv::derive_from_path(&seed, &path).map_err(bad)?;
        Ok(Self::new(derived.private_key().clone()))
    }

    fn new(signing: SigningKey) -> Self {
        let point = signing.verifying_key().to_sec1_point(true);
        let mut public = [0; 33];
        public.copy_from_slice(point.as_bytes());
        let address = ChainAddress::of(&Ripemd160::digest(Sha256::digest(public)).into());
        Self { signing, public, address }
    }

    /// The account of the key.
    pub fn address(&self) -> &ChainAddress {
        &self.address
    }

    /// The public key, compressed.
    pub const fn public_key(&self) -> [u8; 33] {
        self.public
    }

    /// `r` and `s` of the message's signature.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature: Signature = self.signing.sign(message);
        signature.normalize_s().to_bytes().into()
    }

    /// Whether this key has signed the message.
    pub fn has_signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let key: &VerifyingKey = self.signing.verifying_key();
        Signature::from_slice(signature).is_ok_and(|it| key.verify(message, &it).is_ok())
    }
}

impl fmt::Debug for ChainKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ChainKey").field("address", &self.address).finish_non_exhaustive()
    }
}
