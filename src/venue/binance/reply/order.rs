use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::types::{
    FillReport, InstrumentId, Liquidity, Money, Order, OrderId, OrderStatus, Price, Qty, Side,
    SlotId, Timestamp, TradeId,
};
use crate::venue::binance::user::leg;
use crate::venue::read::{self, decimal, instant};
use crate::venue::{DecodeCounts, DecodeError, OrderState, Submitted, Symbols};

/// Reads the answers of Binance about orders, fills and accounts, spot and USD-margined futures:
/// the body of an HTTP answer, or the `result` of an answer of the WebSocket API.
///
/// What is about instruments and assets that are not in the table is passed over and counted.
/// Amounts stay decimals from text on.
///
/// ```
/// use tradewright::types::{Instrument, Instruments, OrderId, OrderStatus, SlotId};
/// use tradewright::venue::Symbols;
/// use tradewright::venue::binance::ReplyDecoder;
///
/// let mut table = Instruments::new();
/// table.add(Instrument::spot("LTCBTC", "LTC", "BTC"))?;
/// let mut decoder = ReplyDecoder::new(Symbols::of(&table));
/// let body = br#"[{"symbol":"LTCBTC","orderId":1,"clientOrderId":"tw-1-2-3","price":"0.1",
///     "origQty":"1.0","executedQty":"0.4","status":"PARTIALLY_FILLED","timeInForce":"GTC",
///     "type":"LIMIT","side":"BUY","stopPrice":"0.0","updateTime":1499827319559}]"#;
/// let mut orders = Vec::new();
/// decoder.orders(body, &mut orders)?;
/// assert_eq!(orders[0].order, OrderId::new(1, SlotId(2), 3));
/// assert_eq!(orders[0].status, OrderStatus::PartiallyFilled);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReplyDecoder {
    pub(super) symbols: Symbols,
    pub(super) counts: DecodeCounts,
}

impl ReplyDecoder {
    /// A decoder for these instruments and assets.
    pub fn new(symbols: Symbols) -> Self {
        Self { symbols, counts: DecodeCounts::default() }
    }

    /// What was passed over so far.
    pub const fn counts(&self) -> DecodeCounts {
        self.counts
    }

    /// Reads the answer to a new order, however much it says, conditional orders included. An
    /// answer that says no more than that the order was taken counts as [`OrderStatus::Open`].
    ///
    /// # Errors
    /// [`DecodeError`], also when the answer is about another order, or a fee is in an asset that
    /// is not in the table. The order may have been taken all the same: ask for it.
    pub fn submitted(&self, order: &Order, bytes: &[u8]) -> Result<Submitted, DecodeError> {
        const WHAT: &str = "new order";
        let wire: WireOrder<'_> = parse(WHAT, bytes)?;
        if OrderId::parse(wire.name()) != Some(order.id) {
            return Err(read::word(WHAT, "clientOrderId", wire.name()));
        }
        let mut fills = Vec::with_capacity(wire.fills.len());
        for fill in &wire.fills {
            fills.push(self.fill(WHAT, order.intent.instrument, fill)?);
        }
        let status = match wire.status {
            Some(_) => wire.status(WHAT)?,
            None => OrderStatus::Open,
        };
        Ok(Submitted { venue_order: wire.id, at: wire.at(WHAT)?, status, fills })
    }

    /// Reads one order: the answer to a question for it, to its end or to its change (both
    /// kinds). `None` when its instrument is not in the table.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn order(&mut self, bytes: &[u8]) -> Result<Option<OrderState>, DecodeError> {
        const WHAT: &str = "order";
        let wire: Amended<'_> = parse(WHAT, bytes)?;
        let wire = match wire.order {
            Some(mut order) => {
                order.transact_time = order.transact_time.or(wire.transact_time);
                order
            }
            None => parse(WHAT, bytes)?,
        };
        self.state(WHAT, &wire)
    }

    /// Reads a list of orders and appends them to `out`.
    ///
    /// # Errors
    /// [`DecodeError`], and nothing was appended.
    pub fn orders(&mut self, bytes: &[u8], out: &mut Vec<OrderState>) -> Result<(), DecodeError> {
        const WHAT: &str = "orders";
        let before = out.len();
        let list: Vec<WireOrder<'_>> = parse(WHAT, bytes)?;
        for wire in &list {
            match self.state(WHAT, wire) {
                Ok(state) => out.extend(state),
                Err(error) => {
                    out.truncate(before);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    pub(super) fn state(
        &mut self,
        what: &'static str,
        wire: &WireOrder<'_>,
    ) -> Result<Option<OrderState>, DecodeError> {
        let Some(instrument) = self.symbols.instrument(&wire.symbol) else {
            self.counts.foreign += 1;
            return Ok(None);
        };
        Ok(Some(OrderState {
            order: wire.order_id(),
            venue_order: wire.id,
            instrument,
            side: side(what, wire.side)?,
            leg: leg(what, wire.position_side)?,
            status: wire.status(what)?,
            quantity: Qty::new(wire.quantity(what)?),
            filled: wire.filled(what)?,
            price: optional_price(what, "price", wire.price)?,
            trigger: optional_price(what, "stopPrice", wire.trigger)?,
            at: wire.at(what)?,
        }))
    }

    pub(super) fn fill(
        &self,
        what: &'static str,
        instrument: InstrumentId,
        wire: &WireFill<'_>,
    ) -> Result<FillReport, DecodeError> {
        let price = Price::new(decimal(what, "price", wire.price)?);
        let price = price.map_err(|_| read::number(what, "price", wire.price))?;
        let quantity = decimal(what, "qty", wire.qty)?;
        if quantity <= Decimal::ZERO {
            return Err(read::number(what, "qty", wire.qty));
        }
        let fee = decimal(what, "commission", wire.commission.unwrap_or("0"))?;
        let asset = match wire.commission_asset.filter(|code| !code.is_empty()) {
            // A fee that cannot be booked would be lost.
            Some(code) => {
                self.symbols.asset(code).ok_or_else(|| read::word(what, "commissionAsset", code))?
            }
            None if fee.is_zero() => self.symbols.quote(instrument).unwrap_or_default(),
            None => return Err(DecodeError::Missing { what, field: "commissionAsset" }),
        };
        Ok(FillReport {
            trade: TradeId(wire.trade.into()),
            price,
            quantity: Qty::new(quantity),
            fee: Money::new(fee, asset),
            liquidity: if wire.is_maker { Liquidity::Maker } else { Liquidity::Taker },
            before_slippage: price,
        })
    }
}

pub(super) fn parse<'a, T: Deserialize<'a>>(
    what: &'static str,
    bytes: &'a [u8],
) -> Result<T, DecodeError> {
    serde_json::from_slice(bytes).map_err(|error| read::malformed(what, &error))
}

pub(super) fn side(what: &'static str, word: Option<&str>) -> Result<Side, DecodeError> {
    match word {
        Some("BUY") => Ok(Side::Buy),
        Some("SELL") => Ok(Side::Sell),
        Some(other) => Err(read::word(what, "side", other)),
        None => Err(DecodeError::Missing { what, field: "side" }),
    }
}

/// Zero and nothing both stand for none.
fn optional_price(
    what: &'static str,
    field: &'static str,
    text: Option<&str>,
) -> Result<Option<Price>, DecodeError> {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => Ok(Price::new(decimal(what, field, text)?).ok()),
        None => Ok(None),
    }
}

/// The answer to a change that keeps an order's priority has the order inside.
#[derive(Deserialize)]
struct Amended<'a> {
    #[serde(borrow, rename = "amendedOrder")]
    order: Option<WireOrder<'a>>,
    #[serde(rename = "transactTime")]
    transact_time: Option<u64>,
}

/// An order in an answer: of spot, of futures, or a conditional one.
#[derive(Deserialize)]
pub(super) struct WireOrder<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(rename = "orderId", alias = "algoId")]
    id: u64,
    #[serde(borrow, rename = "clientOrderId", alias = "clientAlgoId")]
    client: Cow<'a, str>,
    /// The order that a cancel was for; the other id is then the cancel's own.
    #[serde(borrow, rename = "origClientOrderId")]
    original: Option<Cow<'a, str>>,
    #[serde(borrow)]
    side: Option<&'a str>,
    #[serde(borrow, rename = "positionSide")]
    position_side: Option<&'a str>,
    #[serde(borrow, alias = "algoStatus")]
    status: Option<&'a str>,
    #[serde(borrow, rename = "timeInForce")]
    time_in_force: Option<&'a str>,
    #[serde(borrow, rename = "origQty", alias = "qty", alias = "quantity")]
    quantity: Option<&'a str>,
    #[serde(borrow, rename = "executedQty")]
    executed: Option<&'a str>,
    #[serde(borrow)]
    price: Option<&'a str>,
    #[serde(borrow, rename = "stopPrice", alias = "triggerPrice")]
    trigger: Option<&'a str>,
    #[serde(rename = "transactTime")]
    transact_time: Option<u64>,
    #[serde(rename = "updateTime")]
    update_time: Option<u64>,
    #[serde(alias = "createTime")]
    time: Option<u64>,
    #[serde(borrow, default)]
    fills: Vec<WireFill<'a>>,
}

impl WireOrder<'_> {
    /// The order's own client id.
    fn name(&self) -> &str {
        let original = self.original.as_deref().filter(|id| !id.is_empty());
        original.unwrap_or(&self.client)
    }

    fn order_id(&self) -> OrderId {
        OrderId::parse(self.name()).unwrap_or(OrderId::new(0, SlotId::HOUSE, self.id))
    }

    fn at(&self, what: &'static str) -> Result<Timestamp, DecodeError> {
        let times = [self.transact_time, self.update_time, self.time];
        // A time of -1 or 0 is none.
        match times.into_iter().flatten().find(|time| *time > 0) {
            Some(time) => instant(what, "updateTime", time),
            None => Err(DecodeError::Missing { what, field: "updateTime" }),
        }
    }

    fn quantity(&self, what: &'static str) -> Result<Decimal, DecodeError> {
        let missing = DecodeError::Missing { what, field: "origQty" };
        decimal(what, "origQty", self.quantity.ok_or(missing)?)
    }

    fn filled(&self, what: &'static str) -> Result<Decimal, DecodeError> {
        decimal(what, "executedQty", self.executed.unwrap_or("0"))
    }

    /// What its time in force has ended counts as cancelled, but for orders with an hour of
    /// their own: as in the events of the user stream.
    fn status(&self, what: &'static str) -> Result<OrderStatus, DecodeError> {
        let word = self.status.ok_or(DecodeError::Missing { what, field: "status" })?;
        let is_filled = !self.filled(what)?.is_zero();
        match word {
            "NEW" | "PENDING_NEW" | "PENDING_CANCEL" | "NEW_INSURANCE" | "NEW_ADL"
            | "PARTIALLY_FILLED" | "TRIGGERING" | "TRIGGERED" | "FINISHED" => Ok(match is_filled {
                true => OrderStatus::PartiallyFilled,
                false => OrderStatus::Open,
            }),
            "FILLED" => Ok(OrderStatus::Filled),
            "CANCELED" => Ok(OrderStatus::Cancelled),
            "REJECTED" => Ok(OrderStatus::Rejected),
            "EXPIRED" | "EXPIRED_IN_MATCH" => Ok(match self.time_in_force {
                Some("GTD") => OrderStatus::Expired,
                _ => OrderStatus::Cancelled,
            }),
            other => Err(read::word(what, "status", other)),
        }
    }
}

/// A fill in the answer to a new order, or in a list of trades.
#[derive(Deserialize)]
pub(super) struct WireFill<'a> {
    #[serde(rename = "tradeId", alias = "id")]
    trade: u64,
    price: &'a str,
    qty: &'a str,
    #[serde(borrow)]
    commission: Option<&'a str>,
    #[serde(borrow, rename = "commissionAsset")]
    commission_asset: Option<&'a str>,
    /// Absent in the answer to a new order: what is filled at once has taken.
    #[serde(default, rename = "isMaker", alias = "maker")]
    is_maker: bool,
}
