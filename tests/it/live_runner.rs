//! Bots in virtual time: what they send, book, survive, and how they end.

mod cases;
mod faults;
mod over_tokio;
#[cfg(all(unix, feature = "runtime"))]
mod signals;
mod supervised;
mod venue;
mod world;
