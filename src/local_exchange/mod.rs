//! A server on loopback that speaks Binance's protocol over the simulated venue, so that hosts
//! and tests can run real clients end to end without the internet.
//!
//! [`LocalExchange`] is the server; [`ExchangeState`] is all of it but sockets and clock, for
//! tests that drive it in virtual time. Prices are generated from a seed or recorded
//! ([`Prices`]), orders are filled by [`SimVenue`](crate::sim::SimVenue), and [`Chaos`] decides
//! what goes wrong.
//!
//! # What is assumed
//! - Each account meets the same market and not the other accounts: there is one simulated
//!   venue for each. What an order takes from the book is missing for everybody until the next
//!   print; orders that rest are not shown in the book.
//! - The book is made around the last price, a hundred levels on each side. Every print is a
//!   trade at the best bid or offer.
//! - Fees are paid in the quote currency.
//! - Futures are traded in one-way mode, on cross margin at 5 % initial and 2.5 % maintenance
//!   margin. Funding is shown and never paid.

mod api;
mod calls;
mod candles;
mod changes;
mod chaos;
mod clock;
mod config;
mod connection;
mod desk;
mod error;
mod events;
mod exchange_info;
mod flow;
mod futures;
mod http;
mod ladder;
mod limits;
mod lists;
mod market;
mod market_view;
mod number;
mod order;
mod orders;
mod pair;
mod params;
mod queries;
mod requests;
mod server;
mod socket;
mod source;
mod state;
mod streams;
mod wish;

pub use chaos::{Chaos, Refusal, Strike};
pub use clock::ExchangeClock;
pub use config::{Account, ExchangeConfig, ExchangeError, RequestLimits, Symbol};
pub use connection::{ConnectionId, Frame, Outgoing};
pub use http::{HttpReply, HttpRequest};
pub use server::LocalExchange;
pub use source::Prices;
pub use state::ExchangeState;
