//! Orders: their life, and the book of those that are working.

pub mod audit;
mod book;
mod ended;
mod execution;
mod lifecycle;
mod reserve;
mod table;

pub use book::OrderBook;
pub use execution::{Execution, ExecutionError, ExecutionStep, Progress};
pub use lifecycle::{Applied, InFlight, OrderError, OrderLifecycle, OrderState, Reserved, Step};
