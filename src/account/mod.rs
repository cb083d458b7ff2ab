//! The account: positions, cash, profit and loss; the only writer of facts.

mod adjustments;
mod arithmetic;
mod charge;
mod checkpoint;
mod conversion;
mod exercise;
mod facts;
mod holders;
mod interest;
mod ledger;
mod ledger_state;
mod life_cycle;
mod margin;
mod open_position;
mod performance;
mod pnl;
mod position;
mod rates;
mod seen;
mod snapshot;
mod stops;
mod upkeep;

pub use conversion::{AccountView, ConversionRate, MarkPrices, PriceSource};
pub use exercise::Delivery;
pub use facts::Account;
pub use holders::funding_payment;
pub use interest::{DayCount, accrued_interest};
pub use ledger::{Ledger, LedgerConfig, PositionMode};
pub use margin::{
    AccountMargin, InstrumentMargin, LiquidationPrices, MarginBook, MarginError, MarginMode,
    MarginPosition, MarginSummary, MarginTerms, MarginTier, MarginTiers,
};
pub use open_position::OpenPosition;
pub use performance::{
    Conventions, Drawdown, DrawdownStatistics, EquitySeries, HoldingTimes, RelativeStatistics,
    ReturnStatistics, RiskFree, Statistics, TradeResult, TradeStatistics, drawdowns,
    period_returns, underwater,
};
pub(crate) use performance::{
    Exposure, MOST_COUNT, RunningDrawdown, RunningStatistics, RunningTrades, basis_points,
    signal_effectiveness, turnover, worse_than,
};
pub use pnl::{AdjustmentEffects, AssetSums, Holding, LedgerError, PnlCalculator};
pub use position::LotMethod;
