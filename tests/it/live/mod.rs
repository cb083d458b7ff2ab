//! Real sockets on loopback, against a server whose every step is the test's: what a client
//! must survive, and what it does meanwhile.

mod client;
mod failures;
mod market;
mod network;
pub mod server;
