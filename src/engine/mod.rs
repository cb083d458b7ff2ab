//! The engine: inputs in, commands out. A conductor of calls without arithmetic of its own.

mod attend;
mod builder;
mod command;
mod conductor;
mod desk;
mod error;
mod flatten;
mod group;
mod input;
mod liquidation;
mod policy;
mod quote;
mod report;
mod slot;
mod snapshot;
mod stops;
mod trigger;

pub use builder::EngineBuilder;
pub use command::{Alert, AlertLevel, Command};
pub use conductor::Engine;
pub use error::EngineError;
pub use input::{Control, Input};
pub use policy::Policy;
pub use slot::{SlotConfig, SlotStatus};
