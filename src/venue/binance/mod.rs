//! Binance, spot and USD-margined futures: bytes to values.
//!
//! Nothing here opens a connection or reads a clock. Protocol of July 2026.

mod field;
mod market;
mod wire;

pub use market::{MarketDecoder, StreamFrame, decode_depth};
