mod breaker;
mod daily_loss;
mod drawdown;
mod portfolio;

pub use breaker::BreakerGuard;
pub use daily_loss::{DailyLimit, DailyLoss, DailyLossGuard};
pub use drawdown::DrawdownGuard;
pub use portfolio::PortfolioGuard;
