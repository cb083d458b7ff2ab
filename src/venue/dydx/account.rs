//! Orders, fills, positions and balances of a subaccount, read whole before any of it is told.

use rust_decimal::Decimal;

use super::market::side;
use super::orders::{FillPiece, OrderPiece};
use super::wire::{WireAccount, WireAsset, WireFill, WireOrder, WirePosition, time, uuid};
use crate::types::{
    FillReport, Leg, Liquidity, Money, OrderReport, Price, Qty, Timestamp, TradeId,
};
use crate::venue::read::{self, decimal};
use crate::venue::{DecodeError, Symbols, UserNews};

/// The asset that perpetuals are settled and fees are paid in.
pub(super) const SETTLEMENT: &str = "USDC";

/// One thing that was read.
pub(super) enum Piece {
    Order(OrderPiece),
    Fill(FillPiece),
    News(UserNews),
    /// Of an instrument or asset that is not in the table.
    Foreign,
}

/// Collects what was read.
pub(super) struct Pieces<'a> {
    at: Timestamp,
    symbols: &'a Symbols,
    pieces: Vec<Piece>,
}

impl<'a> Pieces<'a> {
    pub(super) const fn new(at: Timestamp, symbols: &'a Symbols) -> Self {
        Self { at, symbols, pieces: Vec::new() }
    }

    pub(super) fn done(self) -> Vec<Piece> {
        self.pieces
    }

    /// Orders first, so that fills find theirs; positions and balances last, as they stand after
    /// both.
    pub(super) fn account(&mut self, account: &WireAccount<'_>) -> Result<(), DecodeError> {
        account.orders.iter().try_for_each(|order| self.order(order))?;
        account.fills.iter().try_for_each(|fill| self.fill(fill))?;
        account.perpetual_positions.iter().try_for_each(|position| self.position(position))?;
        account.asset_positions.iter().try_for_each(|asset| self.asset(asset))?;
        if let Some(subaccount) = &account.subaccount {
            let mut positions = subaccount.open_perpetual_positions.values();
            positions.try_for_each(|position| self.position(position))?;
            subaccount.asset_positions.values().try_for_each(|asset| self.asset(asset))?;
        }
        Ok(())
    }

    fn order(&mut self, order: &WireOrder<'_>) -> Result<(), DecodeError> {
        let read = OrderPiece::read(self.at, order, self.symbols)?;
        self.pieces.push(read.map_or(Piece::Foreign, Piece::Order));
        Ok(())
    }

    pub(super) fn fill(&mut self, fill: &WireFill<'_>) -> Result<(), DecodeError> {
        const WHAT: &str = "fill";
        let missing = DecodeError::Missing { what: WHAT, field: "market" };
        let ticker = fill.ticker.or(fill.market).ok_or(missing)?;
        let Some(instrument) = self.symbols.instrument(ticker) else {
            self.pieces.push(Piece::Foreign);
            return Ok(());
        };
        let id = uuid(WHAT, "id", fill.id)?;
        let order = fill.order_id.map(|text| uuid(WHAT, "orderId", text)).transpose()?;
        let report = self.report(WHAT, id, fill)?;
        let quantity = report.quantity.value();
        let report = match fill.kind {
            // What the venue closes by force has no order of ours.
            "LIQUIDATED" | "DELEVERAGED" | "OFFSETTING" => OrderReport::Liquidated(report),
            "LIMIT" | "MARKET" | "STOP_LIMIT" | "STOP_MARKET" | "TAKE_PROFIT"
            | "TAKE_PROFIT_MARKET" | "LIQUIDATION" | "TWAP" | "TWAP_SUBORDER" => {
                OrderReport::Fill(report)
            }
            other => return Err(read::word(WHAT, "type", other)),
        };
        self.pieces.push(Piece::Fill(FillPiece {
            at: time(WHAT, "createdAt", fill.created_at)?,
            order: order.unwrap_or(id),
            instrument,
            side: side(WHAT, fill.side)?,
            quantity,
            report,
        }));
        Ok(())
    }

    fn report(
        &self,
        what: &'static str,
        id: u128,
        fill: &WireFill<'_>,
    ) -> Result<FillReport, DecodeError> {
        let price = Price::new(decimal(what, "price", fill.price)?);
        let price = price.map_err(|_| read::number(what, "price", fill.price))?;
        let quantity = decimal(what, "size", fill.size)?;
        if quantity <= Decimal::ZERO {
            return Err(read::number(what, "size", fill.size));
        }
        // Without its fee a fill cannot be booked exactly.
        let fee = fill.fee.ok_or(DecodeError::Missing { what, field: "fee" })?;
        let asset = self.symbols.asset(SETTLEMENT);
        let asset = asset.ok_or_else(|| read::word(what, "fee", SETTLEMENT))?;
        let liquidity = match fill.liquidity {
            "MAKER" => Liquidity::Maker,
            "TAKER" => Liquidity::Taker,
            other => return Err(read::word(what, "liquidity", other)),
        };
        Ok(FillReport {
            // The upper half of all ids belongs to trades inside of an engine.
            trade: TradeId(id & (u128::MAX >> 1)),
            price,
            quantity: Qty::new(quantity),
            fee: Money::new(decimal(what, "fee", fee)?, asset),
            liquidity,
            before_slippage: price,
        })
    }

    pub(super) fn position(&mut self, position: &WirePosition<'_>) -> Result<(), DecodeError> {
        const WHAT: &str = "position";
        let Some(instrument) = self.symbols.instrument(position.market) else {
            self.pieces.push(Piece::Foreign);
            return Ok(());
        };
        let size = signed(WHAT, position.side, position.size)?;
        let is_open = match position.status {
            "OPEN" => true,
            "CLOSED" | "LIQUIDATED" => false,
            other => return Err(read::word(WHAT, "status", other)),
        };
        let entry = position.entry_price.map(|text| decimal(WHAT, "entryPrice", text));
        let entry = entry.transpose()?.unwrap_or_default();
        let (quantity, entry) = if is_open { (size, entry) } else { Default::default() };
        let leg = Leg::Net;
        self.pieces.push(Piece::News(UserNews::Position { instrument, leg, quantity, entry }));
        Ok(())
    }

    pub(super) fn asset(&mut self, asset: &WireAsset<'_>) -> Result<(), DecodeError> {
        let total = signed("asset", asset.side, asset.size)?;
        let asset = self.symbols.asset(asset.symbol);
        let balance = |asset| Piece::News(UserNews::Balance { asset, total });
        self.pieces.push(asset.map_or(Piece::Foreign, balance));
        Ok(())
    }
}

/// Older messages write a short size without its sign.
pub(super) fn signed(what: &'static str, side: &str, size: &str) -> Result<Decimal, DecodeError> {
    let size = decimal(what, "size", size)?.abs();
    match side {
        "LONG" => Ok(size),
        "SHORT" => Ok(-size),
        other => Err(read::word(what, "side", other)),
    }
}
