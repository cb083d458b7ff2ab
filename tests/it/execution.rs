//! Parent orders and their children: the laws of the schedule, and the engine that drives it.

mod at_work;
mod floor;
mod laws;
mod simulated;
