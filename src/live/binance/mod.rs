//! Binance, spot and USD-margined futures, over the network.

mod attempts;
mod config;
mod feed;
mod market;
mod polled;
mod quality;
mod refusal;
mod rest;
mod shard;
mod topic;

pub use config::{BinanceConfig, BinanceNetwork, BinanceUrls};
pub use market::BinanceMarketData;
pub use rest::BinanceConnection;
