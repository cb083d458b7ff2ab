//! Audit: what orders and positions may do, a log of what they did, and reports on it.

mod entry;
mod log;
mod position;
mod report;
mod state;
mod validate;

pub use entry::{Actor, AuditEntry, AuditEvent, AuditValue};
pub use log::AuditLog;
pub use position::{PositionEvent, PositionState};
pub use report::{AuditReport, Lifetime, LifetimeBounds};
pub use state::{AuditFault, AuditState, AuditedOrder, AuditedPosition};
pub use validate::{Violation, violations};
