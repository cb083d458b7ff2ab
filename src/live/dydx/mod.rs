//! dYdX v4 over the network: the indexer's WebSocket, and a validator's door.

mod config;
mod feed;
mod market;
#[cfg(feature = "dydx-orders")]
mod node;
mod topic;
mod wire;

pub use config::{DydxConfig, DydxNetwork, DydxUrls};
pub use market::DydxMarketData;
#[cfg(feature = "dydx-orders")]
pub use node::DydxNode;
