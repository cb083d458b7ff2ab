//! What a market, a venue and a host may say, as strategies of proptest: plausible, and as bad as
//! it gets.
//!
//! Every function is a [`proptest::strategy::Strategy`], to be used in [`Suite::check`] or in
//! proptest's own macro.
//!
//! | what | sound | as bad as it gets |
//! |---|---|---|
//! | grids, instruments | [`grids`], [`instruments`] | |
//! | market data | [`bars`], [`prints`], [`quotes`], [`books`], [`events`] | [`unsound_bars`] |
//! | orders | [`intents`], [`orders`], [`fills`] | [`order_lives`]: repeated, late, reordered |
//! | accounts | [`scenes`] | [`Scene::equity`] not a number, marks missing |
//! | books of money | [`money_events`] | |
//! | an engine's whole day | | [`engine_inputs`] |
//!
//! [`Suite::check`]: super::Suite::check

mod day;
mod instruments;
mod market;
mod money;
mod orders;
mod scene;

pub use day::engine_inputs;
pub use instruments::{grids, instruments, table};
pub use market::{BarShape, bars, books, events, prints, quotes, unsound_bars};
pub use money::{MoneyEvent, money_events, money_table};
pub(in crate::testkit) use orders::asked;
pub use orders::{OrderLife, fills, intents, order_lives, orders};
pub use scene::{Scene, scenes};
