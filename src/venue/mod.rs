//! Talking to a venue without touching a network: the state machines between the bytes of a
//! connection and the inputs of an engine.
//!
//! Nothing here opens a socket, reads a clock or draws a random number. Time comes in as `at`,
//! chance as a number, messages as values; what is to be done is appended to the caller's buffer.
//! Each machine can be used alone:
//!
//! - [`BookSync`] makes an order book of a snapshot and its updates, and serves none that it
//!   cannot vouch for.
//! - [`Session`] keeps a connection and its streams up.
//! - [`TradeStream`] tells each trade once, and what is missing.
//! - [`RateBudget`] and [`RequestQueue`] keep all requests within what the venue allows, cancels
//!   first.
//! - [`ClockOffset`] says how far the venue's clock is from ours.
//! - [`network`] refuses settings in which hosts, keys and network do not agree.
//! - [`Conversation`] sends each order at most once, and finds out what became of it.
//!
//! With the feature `live` there are the async traits of a venue, too: `ExchangeClient`,
//! `MarketDataStream` and `Clock`. They are doors; what stands behind them is built elsewhere.

mod account;
mod book_sync;
mod budget;
mod clock_offset;
mod conversation;
mod decode;
mod depth;
mod ladder;
pub mod network;
mod queue;
#[cfg(any(feature = "binance", feature = "dydx"))]
mod read;
mod session;
mod session_config;
mod session_parts;
mod session_state;
mod stream;
mod symbols;
mod trades;
mod user_news;

#[cfg(feature = "binance")]
pub mod binance;
#[cfg(feature = "dydx")]
pub mod dydx;
#[cfg(feature = "live")]
mod edge;

pub use account::{
    Balance, FillsFrom, Listing, OrderChange, OrderState, PositionState, Submitted, VenueFill,
    VenueListings,
};
pub use book_sync::{BookAction, BookCounts, BookFault, BookSync, BookSyncConfig, SyncRule};
pub use budget::{Cost, Limited, RateBudget, Throttled, Urgency};
pub use clock_offset::ClockOffset;
pub use conversation::{Answer, Conversation, ConversationConfig, Found, TalkAction};
pub use decode::{DecodeCounts, DecodeError};
pub use depth::{DepthSnapshot, DepthUpdate};
#[cfg(feature = "live")]
pub use edge::{
    BarQuery, Channel, Clock, ConnectionCounts, DataQuality, ExchangeClient, ExchangeError,
    MarketDataStream, MarketStream, Subscription, UserEvent, UserStream, VenueEvent,
};
pub use queue::RequestQueue;
pub use session::{LinkId, Session, SessionAction, StreamId};
pub use session_config::SessionConfig;
pub use session_state::{SessionCounts, SessionState};
pub use stream::{FundingForecast, MarketNews, MarketSighting, Ticker};
pub use symbols::Symbols;
pub use trades::{TradeAction, TradeStream};
pub use user_news::{OrderNews, UserNews};
