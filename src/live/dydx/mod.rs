//! dYdX v4 over the network: the indexer's WebSocket and HTTP, and a validator's door.

mod book;
mod config;
mod feed;
mod history;
mod indexer;
mod market;
#[cfg(feature = "dydx-orders")]
mod node;
mod polled;
mod prints;
mod topic;
mod wire;

pub use config::{DydxConfig, DydxNetwork, DydxUrls};
pub use market::DydxMarketData;
#[cfg(feature = "dydx-orders")]
pub use node::DydxNode;
