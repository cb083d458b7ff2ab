use sha1::{Digest, Sha1};

use super::Subaccount;

/// The space of names in which the indexer makes its ids.
const SPACE: u128 = 0x0f9d_a948_a6fb_4c45_9edc_4685_c3f3_317d;

/// The indexer's id of an order, which follows from what names the order on the chain: a UUID of
/// version 5 (RFC 9562) of the subaccount's own, the client id, the order book and the flags
/// ([`ChainLife::flags`](super::ChainLife::flags)). So an order can be asked for whose sending was
/// not answered.
///
/// ```
/// use tradewright::venue::dydx::{ChainAddress, Subaccount, venue_id};
///
/// let address = ChainAddress::parse("dydx14zzueazeh0hj67cghhf9jypslcf9sh2n5k6art")?;
/// let account = Subaccount { address, number: 0 };
/// // An order of the testnet, as the indexer's documentation shows it.
/// let id = venue_id(&account, 2_116_631_218, 1, 64);
/// assert_eq!(id, 0x66390c15_ebad_53f8_86ad_99b3dfedbc85);
/// # Ok::<(), tradewright::venue::dydx::ChainAddressError>(())
/// ```
pub fn venue_id(account: &Subaccount, client: u32, clob_pair: u32, flags: u32) -> u128 {
    let owner = uuid(&format!("{}-{}", account.address, account.number));
    uuid(&format!("{}-{client}-{clob_pair}-{flags}", hyphenated(owner)))
}

/// An id in the form in which the indexer writes it.
pub fn hyphenated(id: u128) -> String {
    let field = |shift: u32, bits: u32| id >> shift & ((1 << bits) - 1);
    let (low, middle, high) = (field(96, 32), field(80, 16), field(64, 16));
    format!("{low:08x}-{middle:04x}-{high:04x}-{:04x}-{:012x}", field(48, 16), field(0, 48))
}

/// The UUID of version 5 of a name.
fn uuid(name: &str) -> u128 {
    let digest = Sha1::new().chain_update(SPACE.to_be_bytes()).chain_update(name).finalize();
    let first = digest.iter().take(16).fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
    let version = first & !(0xf << 76) | 5 << 76;
    version & !(0b11 << 62) | 0b10 << 62
}
