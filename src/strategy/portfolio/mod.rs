//! Portfolio construction: target weights, when they are renewed, and the strategy that holds
//! them.

mod allocator;
mod allocators;
mod calendar;
mod covariance;

mod rebalance;
mod rows;
mod trades;

pub use allocator::{AllocationError, Allocator, AllocatorFn, Candidates, from_fn};
pub use allocators::{EqualWeight, FixedWeights, InverseVolatility, RiskParity};
pub use calendar::RebalanceSchedule;
pub use covariance::CovarianceSpec;
pub use rebalance::{AllocatorSpec, Rebalance, RebalanceParameters};

use super::StrategyRegistry;

/// Adds the portfolio strategies to a registry.
pub(super) fn register(registry: &mut StrategyRegistry) {
    let result = registry.register(
        Rebalance::NAME,
        "Holds target weights: equal, inverse volatility, risk parity or fixed",
        |parameters, context| Ok(Box::new(Rebalance::new(parameters, context)?)),
    );
    debug_assert_eq!(result, Ok(()));
}
