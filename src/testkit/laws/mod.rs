//! Conformance suites, one file for each trait that a host may implement.

mod indicator;
mod lifecycle;
mod manager;
mod pnl;
mod rule;
mod sink;
mod strategy;
