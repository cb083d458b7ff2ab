//! The one integration binary: one file per behaviour.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "what is banned in the library for its own sake is fine in its tests"
)]

mod indicator_laws;
mod indicators;
mod sim_bars;
mod sim_laws;
mod sim_orders;
mod sim_ticks;
mod sim_world;
mod tidy;
