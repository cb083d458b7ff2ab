//! From the parameters of a new order to a wish, refused as Binance refuses.

use rust_decimal::Decimal;

use super::error::ApiError;
use super::exchange_info::judge;
use super::market::{Market, Symbol};
use super::number::{minus, over, plus, times, units};
use super::order::{Kind, Lifetime, Wish};
use super::params::Params;
use crate::types::{Instrument, Offset, OrderKind, Price, Side};
use crate::venue::binance::BinanceMarket;

/// Longest client order id.
const CLIENT_BYTES: usize = 36;

/// Reads and judges a new order. `prefix` stands before the names of prices and client ids
/// in lists of orders.
pub(super) fn read(market: &Market, params: &Params) -> Result<Wish, ApiError> {
    let symbol = market.find(params.need("symbol")?).ok_or_else(ApiError::symbol)?;
    let side = side(params.need("side")?)?;
    let kind = kind(market.kind, params.need("type")?)?;
    let client = client(params.get("newClientOrderId"))?;
    let price = match kind.has_price() {
        true => params.need_decimal("price")?,
        false => Decimal::ZERO,
    };
    if !kind.has_price() && params.get("price").is_some() && market.kind == BinanceMarket::Spot {
        return Err(not_required("price"));
    }
    let trigger = trigger(market.kind, kind, params)?;
    let lifetime = lifetime(market.kind, kind, params)?;
    let (quantity, quote) = amount(market.kind, kind, params)?;
    let wish = Wish {
        instrument: symbol.instrument.id,
        side,
        kind,
        lifetime,
        client,
        price,
        trigger,
        quantity,
        quote,
        reduce_only: market.kind == BinanceMarket::UsdFutures && params.flag("reduceOnly"),
        callback: params.decimal("callbackRate")?.unwrap_or_default(),
    };
    judge(market.kind, symbol, &wish)?;
    Ok(wish)
}

pub(super) fn side(text: &str) -> Result<Side, ApiError> {
    match text {
        "BUY" => Ok(Side::Buy),
        "SELL" => Ok(Side::Sell),
        _ => Err(ApiError::new(-1117, "Invalid side.")),
    }
}

fn kind(market: BinanceMarket, text: &str) -> Result<Kind, ApiError> {
    let kind = Kind::parse(text).filter(|kind| match (market, kind) {
        (_, Kind::Limit | Kind::Market) => true,
        (BinanceMarket::Spot, Kind::LimitMaker | Kind::StopLoss | Kind::StopLossLimit) => true,
        (_, Kind::TakeProfit) => market == BinanceMarket::Spot,
        (BinanceMarket::UsdFutures, Kind::Stop | Kind::StopMarket) => true,
        (BinanceMarket::UsdFutures, Kind::TakeProfitMarket | Kind::TrailingStopMarket) => true,
        (_, _) => false,
    });
    kind.ok_or_else(|| ApiError::new(-1116, "Invalid orderType."))
}

pub(super) fn client(text: Option<&str>) -> Result<Option<String>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let legal = |char: char| char.is_ascii_alphanumeric() || ".:/_-".contains(char);
    if text.len() > CLIENT_BYTES || !text.chars().all(legal) {
        return Err(ApiError::illegal("newClientOrderId"));
    }
    Ok(Some(text.to_owned()))
}

fn not_required(name: &str) -> ApiError {
    ApiError::new(-1106, format!("Parameter '{name}' sent when not required."))
}

fn trigger(market: BinanceMarket, kind: Kind, params: &Params) -> Result<Decimal, ApiError> {
    if !kind.has_trigger() {
        return match params.get("stopPrice").filter(|_| market == BinanceMarket::Spot) {
            Some(_) => Err(not_required("stopPrice")),
            None => Ok(Decimal::ZERO),
        };
    }
    let name = match market {
        BinanceMarket::Spot => "stopPrice",
        BinanceMarket::UsdFutures => "triggerPrice",
    };
    match kind {
        Kind::TrailingStopMarket => {
            let rate = params.need_decimal("callbackRate")?;
            if rate < Decimal::new(1, 1) || rate > Decimal::TEN {
                return Err(ApiError::illegal("callbackRate"));
            }
            Ok(Decimal::ZERO)
        }
        _ => params.need_decimal(name),
    }
}

fn lifetime(market: BinanceMarket, kind: Kind, params: &Params) -> Result<Lifetime, ApiError> {
    let sent = params.get("timeInForce");
    match (market, kind) {
        (_, Kind::Limit | Kind::StopLossLimit) => {
            let life = Lifetime::parse(params.need("timeInForce")?);
            let life = life.filter(|life| market != BinanceMarket::Spot || *life != Lifetime::Gtx);
            life.ok_or_else(|| ApiError::new(-1115, "Invalid timeInForce."))
        }
        (BinanceMarket::Spot, _) if sent.is_some() => Err(not_required("timeInForce")),
        (_, Kind::Stop) => {
            let life = sent.map_or(Some(Lifetime::Gtc), Lifetime::parse);
            life.ok_or_else(|| ApiError::new(-1115, "Invalid timeInForce."))
        }
        (_, _) => Ok(Lifetime::Gtc),
    }
}

fn amount(
    market: BinanceMarket,
    kind: Kind,
    params: &Params,
) -> Result<(Decimal, Decimal), ApiError> {
    let quote = params.decimal("quoteOrderQty")?;
    match quote {
        Some(quote) if market == BinanceMarket::Spot && kind == Kind::Market => {
            if params.get("quantity").is_some() {
                let message = "Combination of optional parameters invalid.";
                return Err(ApiError::new(-1128, message));
            }
            Ok((Decimal::ZERO, quote))
        }
        Some(_) => Err(not_required("quoteOrderQty")),
        None => Ok((params.need_decimal("quantity")?, Decimal::ZERO)),
    }
}

impl Wish {
    /// As the simulated venue knows it.
    pub(super) fn order_kind(&self) -> Result<OrderKind, ApiError> {
        let malformed = |_| ApiError::missing("price");
        let price = || Price::new(self.price).map_err(malformed);
        let trigger = || Price::new(self.trigger).map_err(malformed);
        Ok(match self.kind {
            Kind::Market => OrderKind::Market,
            Kind::Limit | Kind::LimitMaker => OrderKind::Limit { price: price()? },
            Kind::StopLossLimit | Kind::Stop => {
                OrderKind::StopLimit { trigger: trigger()?, price: price()? }
            }
            Kind::StopLoss | Kind::StopMarket => OrderKind::StopMarket { trigger: trigger()? },
            Kind::TakeProfit | Kind::TakeProfitMarket => {
                OrderKind::TakeProfit { trigger: trigger()? }
            }
            Kind::TrailingStopMarket => {
                // A tenth to ten percent: 10 to 1,000 basis points.
                let points = times(self.callback, Decimal::ONE_HUNDRED).trunc();
                let points = u16::try_from(points).unwrap_or(10).clamp(10, 1_000);
                OrderKind::TrailingStop { offset: Offset::BasisPoints(points) }
            }
        })
    }

    /// True where the trigger has been passed already.
    pub(super) fn is_past_trigger(&self, last: Decimal) -> bool {
        match (self.kind, self.side) {
            (Kind::StopLoss | Kind::StopLossLimit | Kind::Stop | Kind::StopMarket, Side::Buy)
            | (Kind::TakeProfit | Kind::TakeProfitMarket, Side::Sell) => last >= self.trigger,
            (Kind::StopLoss | Kind::StopLossLimit | Kind::Stop | Kind::StopMarket, Side::Sell)
            | (Kind::TakeProfit | Kind::TakeProfitMarket, Side::Buy) => last <= self.trigger,
            (
                Kind::Limit | Kind::LimitMaker | Kind::Market | Kind::TrailingStopMarket,
                Side::Buy | Side::Sell,
            ) => false,
        }
    }
}

/// What so much of the quote currency buys or sells in the book, in whole steps.
pub(super) fn quantity_for(symbol: &Symbol, side: Side, quote: Decimal) -> Decimal {
    let step = symbol.instrument.step;
    let mut left = quote;
    let mut quantity = Decimal::ZERO;
    for (price, steps) in symbol.ladder.levels(side.opposite()) {
        let price = symbol.price(price);
        let wanted = floor(&symbol.instrument, over(left, price));
        let taken = wanted.min(units(steps, step));
        quantity = plus(quantity, taken);
        left = minus(left, times(taken, price));
        if taken == wanted {
            break;
        }
    }
    quantity
}

/// What a quantity costs when it is taken from the book now.
pub(super) fn cost_of(symbol: &Symbol, quantity: Decimal) -> Decimal {
    let mut left = quantity;
    let mut cost = Decimal::ZERO;
    for (price, steps) in symbol.ladder.levels(Side::Sell) {
        let taken = left.min(symbol.quantity(steps));
        cost = plus(cost, times(taken, symbol.price(price)));
        left = minus(left, taken);
        if left.is_zero() {
            break;
        }
    }
    cost
}

fn floor(instrument: &Instrument, quantity: Decimal) -> Decimal {
    instrument.floor_to_step(quantity).unwrap_or_default()
}
