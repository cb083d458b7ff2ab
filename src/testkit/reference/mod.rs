//! Reference models: written to be obviously right and not to be fast, so that an
//! implementation can be held against them.
//!
//! They keep everything and scan it anew for every question, know nothing of averages where raw
//! sums answer, and use plain operators: beyond the sizes that the testkit draws they may panic
//! on overflow.

mod breaker;
mod drawdown;
mod ledger;
mod lots;
mod orders;

pub use breaker::{BreakerStep, NaiveBreaker};
pub use drawdown::NaiveDrawdown;
pub use ledger::{NaiveLedger, naive_value};
pub use lots::NaiveLots;
pub(in crate::testkit) use orders::execution;
pub use orders::{NaiveOrder, NaiveOrders, ORDER_TABLE, OrderRow, table_reports};
