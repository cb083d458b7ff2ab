//! The doors of a venue for programs that wait: market data, orders and time as async traits.
//!
//! A host that has a venue of its own implements these; the library's backends do, too. No
//! executor is asked for: the traits know futures and streams, and nothing that runs them.

mod client;
mod clock;
mod error;
mod market;
mod quality;
mod user;

pub use client::{BarQuery, ExchangeClient};
pub use clock::Clock;
pub use error::ExchangeError;
pub use market::{Channel, MarketDataStream, MarketStream, Subscription, VenueEvent};
pub use quality::{ConnectionCounts, DataQuality};
pub use user::{UserEvent, UserStream};
