mod breaker;
mod drawdown;

pub use breaker::BreakerGuard;
pub use drawdown::DrawdownGuard;
