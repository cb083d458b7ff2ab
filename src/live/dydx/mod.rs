//! dYdX v4 over the network: the indexer's WebSocket and HTTP, and an account on the chain.

#[cfg(feature = "dydx-orders")]
mod account;
mod book;
#[cfg(feature = "dydx-orders")]
mod chain;
#[cfg(feature = "dydx-orders")]
mod client;
mod config;
#[cfg(feature = "dydx-orders")]
mod ended;
mod feed;
mod history;
mod indexer;
mod market;
#[cfg(feature = "dydx-orders")]
mod memory;
#[cfg(feature = "dydx-orders")]
mod node;
#[cfg(feature = "dydx-orders")]
mod orders;
mod polled;
mod prints;
#[cfg(feature = "dydx-orders")]
mod questions;
#[cfg(feature = "dydx-orders")]
mod told;
mod topic;
#[cfg(feature = "dydx-orders")]
mod user;
mod wire;

#[cfg(feature = "dydx-orders")]
pub use account::DydxAccount;
#[cfg(feature = "dydx-orders")]
pub use client::DydxClient;
pub use config::{DydxConfig, DydxNetwork, DydxUrls};
pub use market::DydxMarketData;
#[cfg(feature = "dydx-orders")]
pub use node::DydxNode;
