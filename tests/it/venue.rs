//! The machines between a venue's connection and the engine's inputs.

mod books;
mod faults;
mod network;
mod recorded;
mod sessions;
