//! Bots in virtual time: what they send, book, survive, and how they end.

mod cases;
mod faults;
mod over_tokio;
mod venue;
mod world;
