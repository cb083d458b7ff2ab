use rust_decimal::Decimal;
use serde::Deserialize;

use super::account::{SETTLEMENT, signed};
use super::wire::{WireSubaccount, parse};
use crate::venue::DecodeError;
use crate::venue::read::decimal;

/// What a subaccount holds, as the indexer lists it.
///
/// The venue pays for a position with the account's USDC, so that its number of them falls by the
/// whole price of what was bought. [`DydxHoldings::wallet`] gives what other venues of perpetuals
/// call the balance.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DydxHoldings {
    /// USDC, after positions were paid; negative for a debt.
    pub cash: Decimal,
    /// Cash and the value of all positions, where the answer says it.
    pub equity: Option<Decimal>,
    /// The part of the equity that no margin binds, where the answer says it.
    pub free: Option<Decimal>,
    /// The positions, by ticker.
    pub positions: Vec<DydxPosition>,
}

/// A position as the indexer lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DydxPosition {
    /// In what.
    pub ticker: String,
    /// How much; negative when short.
    pub quantity: Decimal,
    /// The average price that it was entered at.
    pub entry: Decimal,
}

/// Digits of a quantum of USDC, the chain's smallest.
const DIGITS: u32 = 6;
const WHAT: &str = "subaccount";

impl DydxHoldings {
    /// What was deposited, with what closed positions have brought, less fees and funding: cash,
    /// and what the open positions have cost. It is rounded to a millionth of USDC, since entry
    /// prices are averages. None where the sum has no place in a decimal.
    ///
    /// ```
    /// use tradewright::venue::dydx::decode_holdings;
    ///
    /// // The equity of this subaccount of the testnet was 285.689378002 at a price of 1.618.
    /// let answer = br#"{"subaccount":{"equity":"285.689378002","freeCollateral":"282.1297138016",
    ///     "openPerpetualPositions":{"LDO-USD":{"market":"LDO-USD","status":"OPEN","side":"LONG",
    ///     "size":"11","entryPrice":"1.7"}},"assetPositions":{"USDC":{"size":"267.891057",
    ///     "symbol":"USDC","side":"LONG"}}}}"#;
    /// let holdings = decode_holdings(answer)?;
    /// assert_eq!(holdings.wallet(), Some("286.591057".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wallet(&self) -> Option<Decimal> {
        let mut sum = self.cash;
        for position in &self.positions {
            sum = sum.checked_add(position.quantity.checked_mul(position.entry)?)?;
        }
        Some(sum.round_dp(DIGITS).normalize())
    }

    /// The part of the wallet that margin binds: equity less what is free of it; zero where the
    /// answer does not say it.
    pub fn bound(&self) -> Decimal {
        let bound = self.equity.zip(self.free).and_then(|(all, free)| all.checked_sub(free));
        bound.unwrap_or_default().max(Decimal::ZERO)
    }
}

/// Reads the answer to `GET /v4/addresses/../subaccountNumber/..`.
///
/// # Errors
/// [`DecodeError`].
pub fn decode_holdings(bytes: &[u8]) -> Result<DydxHoldings, DecodeError> {
    let Body { subaccount } = parse(WHAT, bytes)?;
    let mut cash = Decimal::ZERO;
    for asset in subaccount.asset_positions.values().filter(|it| it.symbol == SETTLEMENT) {
        cash = signed("asset", asset.side, asset.size)?;
    }
    let mut positions = Vec::with_capacity(subaccount.open_perpetual_positions.len());
    for wire in subaccount.open_perpetual_positions.values() {
        let quantity = signed("position", wire.side, wire.size)?;
        let entry = wire.entry_price.map(|text| decimal("position", "entryPrice", text));
        let entry = entry.transpose()?.unwrap_or_default();
        positions.push(DydxPosition { ticker: wire.market.to_owned(), quantity, entry });
    }
    let number = |field, text: Option<&str>| text.map(|it| decimal(WHAT, field, it)).transpose();
    Ok(DydxHoldings {
        cash,
        equity: number("equity", subaccount.equity)?,
        free: number("freeCollateral", subaccount.free_collateral)?,
        positions,
    })
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    subaccount: WireSubaccount<'a>,
}
