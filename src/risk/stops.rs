//! Stops that follow a position: pure state machines that are fed bars and marks and say where
//! the stop belongs. The engine carries them out for slots that have a [`StopPlan`].

mod gauge;
mod plan;
mod tracker;

pub use gauge::{StopGauge, StopVolatility};
pub use plan::{BreakEven, StopPlan, StopPlanError, StopWidth};
pub use tracker::{StopAction, StopExit, StopReading, StopTracker};
