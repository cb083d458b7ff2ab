use core::fmt;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};

use crate::types::{Classification, Classify};

/// An account of the chain: `dydx1` and 38 characters.
///
/// ```
/// use tradewright::venue::dydx::ChainAddress;
///
/// let address = ChainAddress::parse("dydx1fv4h2gwgvm4q9d6sjvqjh3vf7v4p6q0l0j8vqd");
/// assert!(address.is_err(), "its checksum is wrong");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainAddress(String);

/// Why a text is no address of the chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no address of dYdX: `dydx1`, 38 characters, a checksum")]
pub struct ChainAddressError {
    /// The refused text, its first 60 characters.
    pub text: String,
}

impl Classify for ChainAddressError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}

const PREFIX: Hrp = Hrp::parse_unchecked("dydx");
/// Bytes of an account: RIPEMD-160 of SHA-256 of the public key.
const BYTES: usize = 20;

impl ChainAddress {
    /// Reads an address and checks its sum.
    ///
    /// # Errors
    /// [`ChainAddressError`].
    pub fn parse(text: &str) -> Result<Self, ChainAddressError> {
        let refused = || ChainAddressError { text: text.chars().take(60).collect() };
        let read = CheckedHrpstring::new::<Bech32>(text).map_err(|_| refused())?;
        let is_account = read.hrp() == PREFIX && read.byte_iter().count() == BYTES;
        let is_lower = !text.chars().any(|char| char.is_ascii_uppercase());
        if is_account && is_lower { Ok(Self(text.to_owned())) } else { Err(refused()) }
    }

    /// The address of these 20 bytes.
    pub(super) fn of(account: &[u8; BYTES]) -> Self {
        let text = bech32::encode::<Bech32>(PREFIX, account);
        // invariant: 20 bytes make 43 characters, and the code takes 90.
        Self(text.expect("an account is shorter than the longest text of bech32"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChainAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// One of the accounts within an account: margin and positions are its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subaccount {
    /// The account.
    pub address: ChainAddress,
    /// Its number: 0 to 127 hold many positions, 128 to 128,000 an isolated one.
    pub number: u32,
}
