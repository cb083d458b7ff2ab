//! Binance, spot and USD-margined futures, over the network.

mod attempts;
mod client;
mod config;
mod endpoint;
mod feed;
mod market;
mod memory;
mod polled;
mod refusal;
mod rest;
mod topic;
mod turns;
mod user;
mod wire;

pub use client::BinanceClient;
pub use config::{BinanceConfig, BinanceNetwork, BinanceUrls};
pub use market::BinanceMarketData;
pub use rest::BinanceConnection;
