//! What the market data of every venue need between its codec and its readers.

mod audience;
mod line;
#[cfg(feature = "binance")]
mod missed;
mod service;

pub(super) use audience::{Audience, Member};
pub(super) use line::Line;
pub(super) use service::{Drive, Order, Service, Venue};
