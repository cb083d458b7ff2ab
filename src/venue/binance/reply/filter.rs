use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::info::SymbolRules;
use super::order::parse;
use crate::venue::DecodeError;
use crate::venue::read::decimal;

/// `PRICE_FILTER`: which prices an order may have. A zero means that the part is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PriceRule {
    /// The lowest price.
    pub least: Decimal,
    /// The highest price.
    pub most: Decimal,
    /// The step of prices, counted from zero.
    pub tick: Decimal,
}

/// `LOT_SIZE` and `MARKET_LOT_SIZE`: which quantities an order may have. A zero means that the
/// part is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LotRule {
    /// The smallest quantity.
    pub least: Decimal,
    /// The largest quantity.
    pub most: Decimal,
    /// The step of quantities.
    pub step: Decimal,
}

/// `MIN_NOTIONAL` and `NOTIONAL`: what an order may be worth, in the quote currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotionalRule {
    /// The smallest value; zero for none.
    pub least: Decimal,
    /// The largest value, where there is one.
    pub most: Option<Decimal>,
    /// True when the smallest value is for market orders, too.
    pub least_for_market: bool,
    /// True when the largest value is for market orders, too.
    pub most_for_market: bool,
}

/// `PERCENT_PRICE` and `PERCENT_PRICE_BY_SIDE`: how far a price may be from the venue's reference
/// (spot: an average; futures: the mark), as factors of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PercentRule {
    /// The highest factor of a purchase.
    pub bid_up: Decimal,
    /// The lowest factor of a purchase.
    pub bid_down: Decimal,
    /// The highest factor of a sale.
    pub ask_up: Decimal,
    /// The lowest factor of a sale.
    pub ask_down: Decimal,
}

/// `TRAILING_DELTA`: the distances of trailing stops, in basis points: `[least, most]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrailingRule {
    /// Of stops above the market.
    pub above: [u32; 2],
    /// Of stops below the market.
    pub below: [u32; 2],
}

const WHAT: &str = "filter";

/// Reads one filter into the rules; false when its kind is not known.
pub(super) fn read(raw: &RawValue, rules: &mut SymbolRules) -> Result<bool, DecodeError> {
    let bytes = raw.get().as_bytes();
    let Ok(Kind { kind }) = parse::<Kind<'_>>(WHAT, bytes) else { return Ok(false) };
    match kind {
        "PRICE_FILTER" => rules.price = Some(price(&parse(WHAT, bytes)?)?),
        "LOT_SIZE" => rules.lot = Some(lot(&parse(WHAT, bytes)?)?),
        "MARKET_LOT_SIZE" => rules.market_lot = Some(lot(&parse(WHAT, bytes)?)?),
        "MIN_NOTIONAL" | "NOTIONAL" => rules.notional = Some(notional(&parse(WHAT, bytes)?)?),
        "PERCENT_PRICE" => {
            let wire: Percent<'_> = parse(WHAT, bytes)?;
            let [up, down] =
                [number("multiplierUp", wire.up)?, number("multiplierDown", wire.down)?];
            let rule = PercentRule { bid_up: up, bid_down: down, ask_up: up, ask_down: down };
            rules.percent = Some(rule);
        }
        "PERCENT_PRICE_BY_SIDE" => rules.percent = Some(by_side(&parse(WHAT, bytes)?)?),
        "TRAILING_DELTA" => {
            let wire: Trailing = parse(WHAT, bytes)?;
            let above = [wire.above_least, wire.above_most];
            let below = [wire.below_least, wire.below_most];
            rules.trailing = Some(TrailingRule { above, below });
        }
        "ICEBERG_PARTS" => rules.most_iceberg_parts = parse::<Most>(WHAT, bytes)?.most,
        "MAX_NUM_ORDERS" => rules.most_orders = parse::<Most>(WHAT, bytes)?.most,
        "MAX_NUM_ALGO_ORDERS" => rules.most_conditional = parse::<Most>(WHAT, bytes)?.most,
        "MAX_NUM_ICEBERG_ORDERS" => rules.most_iceberg_orders = parse::<Most>(WHAT, bytes)?.most,
        "MAX_NUM_ORDER_AMENDS" => rules.most_changes = parse::<Most>(WHAT, bytes)?.most,
        "MAX_NUM_ORDER_LISTS" => rules.most_lists = parse::<Most>(WHAT, bytes)?.most,
        "MAX_POSITION" => {
            let wire: Position<'_> = parse(WHAT, bytes)?;
            rules.most_position = Some(number("maxPosition", wire.most)?);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn number(field: &'static str, text: &str) -> Result<Decimal, DecodeError> {
    decimal(WHAT, field, text)
}

fn price(wire: &Price<'_>) -> Result<PriceRule, DecodeError> {
    Ok(PriceRule {
        least: number("minPrice", wire.least)?,
        most: number("maxPrice", wire.most)?,
        tick: number("tickSize", wire.tick)?,
    })
}

fn lot(wire: &Lot<'_>) -> Result<LotRule, DecodeError> {
    Ok(LotRule {
        least: number("minQty", wire.least)?,
        most: number("maxQty", wire.most)?,
        step: number("stepSize", wire.step)?,
    })
}

fn notional(wire: &Notional<'_>) -> Result<NotionalRule, DecodeError> {
    let least = wire.least.ok_or(DecodeError::Missing { what: WHAT, field: "minNotional" })?;
    Ok(NotionalRule {
        least: number("minNotional", least)?,
        most: wire.most.map(|text| number("maxNotional", text)).transpose()?,
        // Futures have no such flag, and ask it of every order.
        least_for_market: wire.least_for_market.unwrap_or(true),
        most_for_market: wire.most_for_market.unwrap_or(true),
    })
}

fn by_side(wire: &BySide<'_>) -> Result<PercentRule, DecodeError> {
    Ok(PercentRule {
        bid_up: number("bidMultiplierUp", wire.bid_up)?,
        bid_down: number("bidMultiplierDown", wire.bid_down)?,
        ask_up: number("askMultiplierUp", wire.ask_up)?,
        ask_down: number("askMultiplierDown", wire.ask_down)?,
    })
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "filterType")]
    kind: &'a str,
}

#[derive(Deserialize)]
struct Price<'a> {
    #[serde(rename = "minPrice")]
    least: &'a str,
    #[serde(rename = "maxPrice")]
    most: &'a str,
    #[serde(rename = "tickSize")]
    tick: &'a str,
}

#[derive(Deserialize)]
struct Lot<'a> {
    #[serde(rename = "minQty")]
    least: &'a str,
    #[serde(rename = "maxQty")]
    most: &'a str,
    #[serde(rename = "stepSize")]
    step: &'a str,
}

#[derive(Deserialize)]
struct Notional<'a> {
    #[serde(borrow, rename = "minNotional", alias = "notional")]
    least: Option<&'a str>,
    #[serde(borrow, rename = "maxNotional")]
    most: Option<&'a str>,
    #[serde(rename = "applyMinToMarket", alias = "applyToMarket")]
    least_for_market: Option<bool>,
    #[serde(rename = "applyMaxToMarket")]
    most_for_market: Option<bool>,
}

#[derive(Deserialize)]
struct Percent<'a> {
    #[serde(rename = "multiplierUp")]
    up: &'a str,
    #[serde(rename = "multiplierDown")]
    down: &'a str,
}

#[derive(Deserialize)]
struct BySide<'a> {
    #[serde(rename = "bidMultiplierUp")]
    bid_up: &'a str,
    #[serde(rename = "bidMultiplierDown")]
    bid_down: &'a str,
    #[serde(rename = "askMultiplierUp")]
    ask_up: &'a str,
    #[serde(rename = "askMultiplierDown")]
    ask_down: &'a str,
}

#[derive(Deserialize)]
struct Trailing {
    #[serde(rename = "minTrailingAboveDelta")]
    above_least: u32,
    #[serde(rename = "maxTrailingAboveDelta")]
    above_most: u32,
    #[serde(rename = "minTrailingBelowDelta")]
    below_least: u32,
    #[serde(rename = "maxTrailingBelowDelta")]
    below_most: u32,
}

#[derive(Deserialize)]
struct Most {
    #[serde(
        rename = "limit",
        alias = "maxNumOrders",
        alias = "maxNumAlgoOrders",
        alias = "maxNumIcebergOrders",
        alias = "maxNumOrderAmends",
        alias = "maxNumOrderLists"
    )]
    most: Option<u32>,
}

#[derive(Deserialize)]
struct Position<'a> {
    #[serde(rename = "maxPosition")]
    most: &'a str,
}
