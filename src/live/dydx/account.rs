use core::time::Duration;

use super::DydxNetwork;
use crate::live::net::Endpoint;
use crate::types::Timestamp;
use crate::venue::dydx::{ChainKey, ChainTerms, Resting, Subaccount};

/// An account of dYdX's chain, and how its orders go there.
///
/// Its `Debug` shows the address and nothing else of the key.
#[derive(Clone, Debug)]
pub struct DydxAccount {
    /// Signs transactions.
    pub key: ChainKey,
    /// Which of the account's subaccounts trades.
    pub subaccount: u32,
    /// The name of the chain, which every signature is for.
    pub chain_id: String,
    /// A validator's JSON-RPC over HTTP, as CometBFT has it.
    pub node: Endpoint,
    /// How long a validator's answer may take.
    pub node_timeout: Duration,
    /// Where limit orders without an end rest.
    pub resting: Resting,
    /// So many blocks above the chain's height is the last one of an order of the short term: 1 to
    /// 20.
    pub blocks: u32,
    /// How long orders without an end live in the chain's state, at most 95 days.
    pub lifetime: Duration,
    /// How far from its reference a market order may fill, in basis points.
    pub slippage_bps: u16,
    /// The chain's height may be so old when an order of the short term is made of it.
    pub height_age: Duration,
    /// An order in the chain's state that the indexer does not know may still come for so many
    /// blocks after it was sent.
    pub stateful_blocks: u32,
}

impl DydxAccount {
    /// The first subaccount of a key on one of dYdX's networks, by way of this validator.
    ///
    /// Defaults: 10 s for an answer; limit orders without an end rest in the chain's state, for 90
    /// days; 20 blocks for the short term, the documented window, counted from a height of at most
    /// 2 s, two or three blocks; market orders up to 100 basis points from their reference; 40
    /// blocks for what validators have not put into one yet.
    pub fn new(network: DydxNetwork, key: ChainKey, node: Endpoint) -> Self {
        let chain_id = match network {
            DydxNetwork::Mainnet => "dydx-mainnet-1",
            DydxNetwork::Testnet => "dydx-testnet-4",
            DydxNetwork::Local { .. } => "localdydxprotocol",
        };
        let usual = ChainTerms::new(0, Timestamp::EPOCH);
        Self {
            key,
            subaccount: 0,
            chain_id: chain_id.to_owned(),
            node,
            node_timeout: Duration::from_secs(10),
            resting: usual.resting,
            blocks: usual.blocks,
            lifetime: usual.lifetime,
            slippage_bps: usual.slippage_bps,
            height_age: Duration::from_secs(2),
            stateful_blocks: 40,
        }
    }

    pub(super) fn owner(&self) -> Subaccount {
        Subaccount { address: self.key.address().clone(), number: self.subaccount }
    }

    pub(super) fn terms(&self, height: u32, at: Timestamp) -> ChainTerms {
        let Self { blocks, resting, lifetime, slippage_bps, .. } = *self;
        ChainTerms { height, at, blocks, resting, lifetime, slippage_bps }
    }
}
