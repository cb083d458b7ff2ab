mod breaker;
mod daily_loss;
mod data_quality;
mod dead_man;
mod drawdown;
mod execution_rate;
mod portfolio;
mod repeated;

pub use breaker::BreakerGuard;
pub use daily_loss::{DailyLimit, DailyLoss, DailyLossGuard};
pub use data_quality::{DataLimits, DataQualityGuard, DataTrouble};
pub use dead_man::DeadManGuard;
pub use drawdown::DrawdownGuard;
pub use execution_rate::{ExecutionLimits, ExecutionRate};
pub use portfolio::PortfolioGuard;
pub use repeated::RepeatedExecution;
