//! The account: positions, cash, profit and loss; the only writer of facts.

mod pnl;

pub use pnl::{AssetSums, Holding, LedgerError, PnlCalculator};
