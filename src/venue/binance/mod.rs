//! Binance, spot and USD-margined futures: bytes to values.
//!
//! Nothing here opens a connection or reads a clock. Protocol of July 2026.

mod error;
mod field;
mod limits;
mod market;
mod report;
mod user;
mod wire;

pub use error::{BinanceMarket, ErrorClass, VenueError, classify_status};
pub use limits::LimitHeader;
pub use market::{MarketDecoder, StreamFrame, decode_depth};
pub use user::UserDecoder;
