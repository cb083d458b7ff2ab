//! The engine: inputs in, commands out. A conductor of calls without arithmetic of its own.

mod act;
mod attend;
mod audit_gate;
mod builder;
mod command;
mod conductor;
mod crossing;
mod desk;
mod error;
mod execute;
mod flatten;
mod group;
mod input;
mod limits;
mod liquidation;
mod netting;
mod pauses;
mod policy;
mod protection;
mod quote;
mod report;
mod slot;
mod snapshot;
mod stops;
mod trigger;

pub use crate::types::{AlertLevel, SlotStatus};
pub use act::ActionPolicy;
pub use audit_gate::AuditGate;
pub use builder::{EngineBuilder, LIVE_LIMITS};
pub use command::{Alert, Command};
pub use conductor::Engine;
pub use error::EngineError;
pub use input::{Control, Input};
pub use netting::Netting;
pub use policy::Policy;
pub use slot::SlotConfig;
