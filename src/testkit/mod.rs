//! Property tests of your own parts: inputs, reference models, conformance suites.
//!
//! A host that writes a strategy, a rule, an indicator, books or an order life of its own has the
//! laws of that trait checked by one call, on inputs that are drawn to break it; the answer names
//! the broken law and the smallest input that breaks it. The crate's own parts go through the
//! same suites.
//!
//! | trait | suite |
//! |---|---|
//! | [`Strategy`](crate::strategy::Strategy) | [`Suite::strategy`] |
//! | [`Indicator`](crate::math::Indicator) | [`Suite::indicator`] |
//! | [`RiskRule`](crate::risk::RiskRule) | [`Suite::rule`], [`Suite::monotone_rule`] |
//! | [`Guard`](crate::risk::Guard) | [`Suite::guard`] |
//! | [`OrderGate`](crate::risk::OrderGate) | [`Suite::gate`] |
//! | [`Sizer`](crate::risk::Sizer) | [`Suite::sizer`] |
//! | [`RiskManager`](crate::risk::RiskManager) | [`Suite::manager`] |
//! | [`OrderLifecycle`](crate::order::OrderLifecycle) | [`Suite::lifecycle`] |
//! | [`PnlCalculator`](crate::account::PnlCalculator) | [`Suite::pnl`] |
//! | [`MetricsSink`](crate::metrics::MetricsSink) | [`Suite::sink`] |
//! | a law of your own | [`Suite::check`] with [`inputs`] |
//!
//! [`ScriptedVenue`] and [`ManualClock`] are for tests of a host's loop.

mod suite;

pub mod inputs;
pub mod reference;

mod clock;
mod laws;
mod venue;

pub use clock::ManualClock;
pub use suite::{BrokenLaw, Fault, Suite};
pub use venue::{Answer, Delivery, ScriptedVenue, Step, VenueOrder};
