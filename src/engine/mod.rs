//! The engine: inputs in, commands out.

mod command;
mod input;

pub use command::{Alert, AlertLevel, Command};
pub use input::{Acknowledgement, Control, Input};
