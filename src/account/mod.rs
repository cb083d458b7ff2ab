//! The account: positions, cash, profit and loss; the only writer of facts.

mod arithmetic;
mod facts;
mod ledger;
mod pnl;
mod position;
mod rates;
mod seen;
mod snapshot;
mod upkeep;

pub use facts::Account;
pub use ledger::{Ledger, LedgerConfig, PositionMode};
pub use pnl::{AssetSums, Holding, LedgerError, PnlCalculator};
pub use position::LotMethod;
