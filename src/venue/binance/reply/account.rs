use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::order::{ReplyDecoder, WireFill, parse, side};
use crate::types::{OrderId, Side, SlotId};
use crate::venue::binance::user::{leg, time};
use crate::venue::read::{self, decimal};
use crate::venue::{Balance, DecodeError, PositionState, VenueFill};

impl ReplyDecoder {
    /// Reads a list of one's own trades and appends them to `out`. Such a list names orders by
    /// the venue's number alone: `owner` tells the engine's own id; without one the house owns it.
    ///
    /// # Errors
    /// [`DecodeError`], and nothing was appended.
    pub fn trades(
        &mut self,
        bytes: &[u8],
        owner: impl Fn(u64) -> Option<OrderId>,
        out: &mut Vec<VenueFill>,
    ) -> Result<(), DecodeError> {
        const WHAT: &str = "trades";
        let before = out.len();
        let list: Vec<WireTrade<'_>> = parse(WHAT, bytes)?;
        for trade in &list {
            match self.trade(WHAT, trade, &owner) {
                Ok(fill) => out.extend(fill),
                Err(error) => {
                    out.truncate(before);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn trade(
        &mut self,
        what: &'static str,
        trade: &WireTrade<'_>,
        owner: &impl Fn(u64) -> Option<OrderId>,
    ) -> Result<Option<VenueFill>, DecodeError> {
        let Some(instrument) = self.symbols.instrument(&trade.symbol) else {
            self.counts.foreign += 1;
            return Ok(None);
        };
        let side = match (trade.side, trade.is_buyer) {
            (Some(word), _) => side(what, Some(word))?,
            (None, Some(true)) => Side::Buy,
            (None, Some(false)) => Side::Sell,
            (None, None) => return Err(DecodeError::Missing { what, field: "isBuyer" }),
        };
        let house = OrderId::new(0, SlotId::HOUSE, trade.order);
        Ok(Some(VenueFill {
            at: time(what, trade.time)?,
            order: owner(trade.order).unwrap_or(house),
            venue_order: trade.order,
            instrument,
            side,
            leg: leg(what, trade.position_side)?,
            fill: self.fill(what, instrument, &trade.fill)?,
        }))
    }

    /// Reads the balances of an account and appends them to `out`: of `account` on spot and on
    /// futures, and of the futures' `balance`.
    ///
    /// # Errors
    /// [`DecodeError`], and nothing was appended.
    pub fn balances(&mut self, bytes: &[u8], out: &mut Vec<Balance>) -> Result<(), DecodeError> {
        const WHAT: &str = "balances";
        let before = out.len();
        let is_list = bytes.trim_ascii_start().starts_with(b"[");
        let list = match is_list {
            true => parse(WHAT, bytes)?,
            false => parse::<WireAccount<'_>>(WHAT, bytes)?.balances,
        };
        for wire in &list {
            match balance(WHAT, wire) {
                Ok([total, locked]) => match self.symbols.asset(wire.asset) {
                    Some(asset) => out.push(Balance { asset, total, locked }),
                    None => self.counts.foreign += 1,
                },
                Err(error) => {
                    out.truncate(before);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Reads the positions of `positionRisk` or of the futures' `account` and appends those that
    /// are not flat to `out`.
    ///
    /// # Errors
    /// [`DecodeError`], and nothing was appended.
    pub fn positions(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<PositionState>,
    ) -> Result<(), DecodeError> {
        const WHAT: &str = "positions";
        let before = out.len();
        let is_list = bytes.trim_ascii_start().starts_with(b"[");
        let list = match is_list {
            true => parse(WHAT, bytes)?,
            false => parse::<WireAccount<'_>>(WHAT, bytes)?.positions,
        };
        for wire in &list {
            match self.position(WHAT, wire) {
                Ok(position) => out.extend(position),
                Err(error) => {
                    out.truncate(before);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn position(
        &mut self,
        what: &'static str,
        wire: &WirePosition<'_>,
    ) -> Result<Option<PositionState>, DecodeError> {
        let quantity = decimal(what, "positionAmt", wire.amount)?;
        if quantity.is_zero() {
            return Ok(None);
        }
        let Some(instrument) = self.symbols.instrument(&wire.symbol) else {
            self.counts.foreign += 1;
            return Ok(None);
        };
        let entry = wire.entry.ok_or(DecodeError::Missing { what, field: "entryPrice" })?;
        let (leg, entry) = (leg(what, wire.side)?, decimal(what, "entryPrice", entry)?);
        Ok(Some(PositionState { instrument, leg, quantity, entry }))
    }
}

/// All of it and what is locked. Futures say what is available; what is not is locked.
fn balance(what: &'static str, wire: &WireBalance<'_>) -> Result<[Decimal; 2], DecodeError> {
    if let (Some(free), Some(locked)) = (wire.free, wire.locked) {
        let locked = decimal(what, "locked", locked)?;
        let total = decimal(what, "free", free)?.checked_add(locked);
        return Ok([total.ok_or_else(|| read::number(what, "free", free))?, locked]);
    }
    let total =
        wire.total.or(wire.wallet).ok_or(DecodeError::Missing { what, field: "balance" })?;
    let total = decimal(what, "balance", total)?;
    let locked = match wire.available {
        Some(text) => {
            let free = decimal(what, "availableBalance", text)?;
            // Unrealised profit can make more available than there is.
            let locked = total.checked_sub(free);
            locked.ok_or_else(|| read::number(what, "availableBalance", text))?.max(Decimal::ZERO)
        }
        None => Decimal::ZERO,
    };
    Ok([total, locked])
}

#[derive(Deserialize)]
struct WireTrade<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(rename = "orderId")]
    order: u64,
    time: u64,
    #[serde(borrow)]
    side: Option<&'a str>,
    #[serde(borrow, rename = "positionSide")]
    position_side: Option<&'a str>,
    #[serde(rename = "isBuyer", alias = "buyer")]
    is_buyer: Option<bool>,
    #[serde(borrow, flatten)]
    fill: WireFill<'a>,
}

#[derive(Deserialize)]
struct WireAccount<'a> {
    #[serde(borrow, default, alias = "assets")]
    balances: Vec<WireBalance<'a>>,
    #[serde(borrow, default)]
    positions: Vec<WirePosition<'a>>,
}

#[derive(Deserialize)]
struct WireBalance<'a> {
    asset: &'a str,
    #[serde(borrow)]
    free: Option<&'a str>,
    #[serde(borrow)]
    locked: Option<&'a str>,
    #[serde(borrow, rename = "balance")]
    total: Option<&'a str>,
    #[serde(borrow, rename = "walletBalance")]
    wallet: Option<&'a str>,
    #[serde(borrow, rename = "availableBalance")]
    available: Option<&'a str>,
}

#[derive(Deserialize)]
struct WirePosition<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(rename = "positionAmt")]
    amount: &'a str,
    #[serde(borrow, rename = "entryPrice")]
    entry: Option<&'a str>,
    #[serde(borrow, rename = "positionSide")]
    side: Option<&'a str>,
}
