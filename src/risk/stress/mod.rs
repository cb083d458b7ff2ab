//! What the open portfolio would be worth after a jump of prices and volatilities.

mod error;
mod reprice;
mod result;
mod scenario;

pub use error::StressError;
pub use result::{Repricing, StressResult, StressedPosition};
pub use scenario::{OtherPrices, StressScenario, StressScenarioBuilder};
