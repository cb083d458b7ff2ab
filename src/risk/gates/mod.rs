//! The built-in gates, one per file: what every order must pass on its way out.

mod collar;
mod duplicate;
mod grid;
mod parent;
mod self_match;
mod throttle;

pub use collar::{PriceCollar, Reference};
pub use duplicate::DuplicateOrders;
pub use grid::GridGate;
pub use parent::ParentCheck;
pub use self_match::SelfMatch;
pub use throttle::MessageThrottle;
