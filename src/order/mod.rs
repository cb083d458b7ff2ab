//! Orders: their life, and the book of those that are working.

mod lifecycle;

pub use lifecycle::{Applied, InFlight, OrderError, OrderLifecycle, OrderState, Reserved, Step};
