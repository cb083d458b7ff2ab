//! The indexer of dYdX v4: bytes to values, in the words that all venues share.
//!
//! Nothing here opens a connection or reads a clock. Protocol of March 2026. Orders are placed
//! through the chain: with the feature `dydx-orders`, `ChainOrder`, `ChainKey` and `ChainSigner`
//! make the signed transactions that a validator takes.
//!
//! - [`IndexerDecoder`] reads every frame of the indexer's WebSocket, and the lists of its HTTP
//!   answers that are about the own account.
//! - [`Subscription`] writes the texts that ask for them.
//! - [`MessageNumbers`] knows when a connection has lost a message.
//! - [`DydxMarket`] turns quantities and prices into the chain's quantums and subticks.
//! - [`own_order`] knows the engine's orders again, by what [`client_metadata`] has written.
//! - [`DydxOrderState`] knows which words end an order: `BEST_EFFORT_CANCELED` is none of them.

mod account;
mod answers;
mod candles;
#[cfg(feature = "dydx-orders")]
mod chain;
mod decoder;
mod holdings;
mod identity;
mod instrument;
mod listed;
mod market;
mod numbers;
mod orders;
mod subscription;
mod wire;

pub use answers::{
    DydxFill, DydxFills, decode_candles, decode_fills, decode_funding, decode_height,
    decode_orderbook, decode_time, decode_trades,
};
#[cfg(feature = "dydx-orders")]
pub use chain::{
    ChainAccount, ChainAddress, ChainAddressError, ChainCancel, ChainExecution, ChainKey,
    ChainKeyError, ChainLife, ChainOrder, ChainOrderError, ChainRefusal, ChainSigner, ChainTerms,
    ChainTrigger, Resting, SHORT_TERM_SEQUENCE, SecretString, Subaccount, account_request,
    broadcast_request, client_id, decode_account, decode_broadcast, hyphenated, venue_id,
};
pub use decoder::{IndexerDecoder, IndexerFrame};
pub use holdings::{DydxHoldings, DydxPosition, decode_holdings};
pub use identity::{client_metadata, own_order};
pub use instrument::{DydxMarket, DydxMarketStatus, DydxUnitError, decode_markets};
pub use listed::{DydxOrder, decode_orders};
pub use numbers::MessageNumbers;
pub use orders::{DydxOrderState, venue_order};
pub use subscription::{DydxChannel, Subscription};
