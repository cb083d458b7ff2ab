//! Conformance suites, one file for each trait that a host may implement.

mod gate;
mod guard;
mod indicator;
mod lifecycle;
mod manager;
mod pnl;
mod rule;
mod sink;
mod sizer;
mod strategy;
