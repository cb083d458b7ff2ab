use rust_decimal::Decimal;
use serde::Deserialize;

use super::user::{leg, time};
use crate::types::{
    FillReport, InstrumentId, Label, Liquidity, Money, OrderId, OrderReport, OrderUpdate, Price,
    Qty, RejectReason, Side, SlotId, TradeId,
};
use crate::venue::read::{self, decimal};
use crate::venue::{DecodeError, OrderNews, Symbols};

/// An order in an event: the whole of a spot event, `o` of a futures event.
#[derive(Debug, Deserialize)]
pub(super) struct WireOrder<'a> {
    pub(super) s: &'a str,
    c: &'a str,
    /// The order that a spot cancel was for; its `c` is the cancel's own id.
    #[serde(borrow, rename = "C")]
    original: Option<&'a str>,
    #[serde(rename = "S")]
    side: &'a str,
    #[serde(borrow)]
    f: Option<&'a str>,
    q: &'a str,
    p: &'a str,
    x: &'a str,
    #[serde(rename = "X")]
    status: &'a str,
    #[serde(borrow)]
    r: Option<&'a str>,
    i: u64,
    l: &'a str,
    z: &'a str,
    #[serde(rename = "L")]
    last_price: &'a str,
    #[serde(borrow)]
    n: Option<&'a str>,
    #[serde(borrow, rename = "N")]
    fee_asset: Option<&'a str>,
    #[serde(rename = "T")]
    time: u64,
    t: i64,
    m: bool,
    #[serde(borrow)]
    ps: Option<&'a str>,
}

/// What an order's event tells an engine; none where it tells nothing.
pub(super) fn read(
    what: &'static str,
    instrument: InstrumentId,
    order: &WireOrder<'_>,
    symbols: &Symbols,
) -> Result<Option<OrderNews>, DecodeError> {
    let Some(report) = report(what, instrument, order, symbols)? else {
        return Ok(None);
    };
    let side = match order.side {
        "BUY" => Side::Buy,
        "SELL" => Side::Sell,
        other => return Err(read::word(what, "S", other)),
    };
    let client = order.original.filter(|id| !id.is_empty()).unwrap_or(order.c);
    let id = OrderId::parse(client).unwrap_or(OrderId::new(0, SlotId::HOUSE, order.i));
    let leg = leg(what, order.ps)?;
    Ok(Some(OrderNews {
        at: time(what, order.time)?,
        update: OrderUpdate { order: id, instrument, side, leg, report },
        venue_order: order.i,
        filled: decimal(what, "z", order.z)?,
    }))
}

fn report(
    what: &'static str,
    instrument: InstrumentId,
    order: &WireOrder<'_>,
    symbols: &Symbols,
) -> Result<Option<OrderReport>, DecodeError> {
    match order.x {
        "NEW" => Ok(Some(OrderReport::Accepted)),
        "CANCELED" => Ok(Some(OrderReport::Cancelled)),
        "REJECTED" => Ok(Some(OrderReport::Rejected(reason(order.r.unwrap_or_default())))),
        "EXPIRED" | "TRADE_PREVENTION" => Ok(ended(order)),
        "REPLACED" | "AMENDMENT" => {
            let quantity = Qty::new(decimal(what, "q", order.q)?);
            let price = Price::new(decimal(what, "p", order.p)?).ok();
            Ok(Some(OrderReport::Amended { quantity, price }))
        }
        "TRADE" | "CALCULATED" => {
            if decimal(what, "l", order.l)? <= Decimal::ZERO {
                return Ok(ended(order));
            }
            let fill = fill(what, instrument, order, symbols)?;
            Ok(Some(match is_forced(order.c) {
                true => OrderReport::Liquidated(fill),
                false => OrderReport::Fill(fill),
            }))
        }
        other => Err(read::word(what, "x", other)),
    }
}

/// The end that a status tells of. What its time in force has ended counts as cancelled, but
/// for orders with an hour of their own.
fn ended(order: &WireOrder<'_>) -> Option<OrderReport> {
    match (order.status, order.f) {
        ("CANCELED", _) => Some(OrderReport::Cancelled),
        ("EXPIRED" | "EXPIRED_IN_MATCH", Some("GTD")) => Some(OrderReport::Expired),
        ("EXPIRED" | "EXPIRED_IN_MATCH", _) => Some(OrderReport::Cancelled),
        (_, _) => None,
    }
}

/// Orders that the venue makes itself to close a position whose margin is used up.
fn is_forced(client: &str) -> bool {
    client.starts_with("autoclose-") || client.starts_with("adl_autoclose")
}

fn fill(
    what: &'static str,
    instrument: InstrumentId,
    order: &WireOrder<'_>,
    symbols: &Symbols,
) -> Result<FillReport, DecodeError> {
    let text = order.last_price;
    let price = Price::new(decimal(what, "L", text)?);
    let price = price.map_err(|_| read::number(what, "L", text))?;
    let trade = u128::try_from(order.t).map_err(|_| read::number(what, "t", "-1"))?;
    Ok(FillReport {
        trade: TradeId(trade),
        price,
        quantity: Qty::new(decimal(what, "l", order.l)?),
        fee: fee(what, instrument, order, symbols)?,
        liquidity: if order.m { Liquidity::Maker } else { Liquidity::Taker },
        before_slippage: price,
    })
}

/// A fee in an asset that the table does not have is refused: it would be lost from the books.
fn fee(
    what: &'static str,
    instrument: InstrumentId,
    order: &WireOrder<'_>,
    symbols: &Symbols,
) -> Result<Money, DecodeError> {
    let amount = decimal(what, "n", order.n.unwrap_or("0"))?;
    let asset = match order.fee_asset {
        Some(code) => symbols.asset(code).ok_or_else(|| read::word(what, "N", code))?,
        None if amount.is_zero() => symbols.quote(instrument).unwrap_or_default(),
        None => return Err(DecodeError::Missing { what, field: "N" }),
    };
    Ok(Money::new(amount, asset))
}

fn reason(word: &str) -> RejectReason {
    match word {
        "GTX_ORDER_REJECT" => RejectReason::WouldTake,
        "INSUFFICIENT_BALANCE" | "INSUFFICIENT_BALANCES" => RejectReason::InsufficientFunds,
        "DUPLICATE_ORDER" => RejectReason::DuplicateId,
        other => RejectReason::Other(Label::new(other)),
    }
}
