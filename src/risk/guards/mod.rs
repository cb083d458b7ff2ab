mod breaker;
mod drawdown;
mod portfolio;

pub use breaker::BreakerGuard;
pub use drawdown::DrawdownGuard;
pub use portfolio::PortfolioGuard;
