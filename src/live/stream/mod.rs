//! What the market data of every venue need between its codec and its readers.

mod audience;
mod bars;
mod driver;
mod line;
#[cfg(feature = "binance")]
mod missed;
#[cfg(feature = "dydx")]
mod past;
mod polling;
mod service;
mod wire;

pub(super) use audience::{Audience, Member};
pub(super) use bars::{ClosedBars, Fetch};
pub(super) use driver::{Driver, DriverConfig};
pub(super) use line::Line;
pub(super) use polling::Polling;
pub(super) use service::{Drive, Service, Venue};
pub(super) use wire::{Errand, Feed, Heard, Moment, Question, Wire};
