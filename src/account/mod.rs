//! The account: positions, cash, profit and loss; the only writer of facts.

mod arithmetic;
mod charge;
mod facts;
mod holders;
mod ledger;
mod ledger_state;
mod performance;
mod pnl;
mod position;
mod rates;
mod seen;
mod snapshot;
mod stops;
mod upkeep;

pub use facts::Account;
pub use ledger::{Ledger, LedgerConfig, PositionMode};
pub use performance::{
    Conventions, Drawdown, DrawdownStatistics, EquitySeries, HoldingTimes, RelativeStatistics,
    ReturnStatistics, RiskFree, Statistics, TradeResult, TradeStatistics, drawdowns,
    period_returns, underwater,
};
pub use pnl::{AssetSums, Holding, LedgerError, PnlCalculator};
pub use position::LotMethod;
