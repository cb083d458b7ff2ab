//! Alerts: from records and facts to what a person should know.
//!
//! [`AlertBoard`] is a reader of records. It raises an alert once, updates it while its
//! condition lasts, and clears it when the condition has ended by a margin. It changes nothing:
//! an action that an alert asks for goes to the engine as an input, where a policy decides.

mod board;
mod condition;
mod metered;

pub use crate::types::ActiveAlert;
pub use board::{AlertBoard, AlertChange, AlertEvent, AlertSummary};
pub use condition::{AlertConfigError, Condition, Measure};
pub use metered::MeteredBoard;
