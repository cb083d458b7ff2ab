mod breaker;
mod daily_loss;
mod drawdown;

pub use breaker::BreakerGuard;
pub use daily_loss::{DailyLimit, DailyLoss, DailyLossGuard};
pub use drawdown::DrawdownGuard;
