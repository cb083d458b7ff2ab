//! `exchangeInfo`, and the filters that orders are judged by.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::config::RequestLimits;
use super::error::ApiError;
use super::market::{Market, Symbol};
use super::market_view::add;
use super::number::{text, times};
use super::order::{Kind, Wish};
use crate::types::{Asset, Timestamp, small};
use crate::venue::binance::BinanceMarket;

/// Most open orders of an account in one symbol.
pub(super) const MOST_ORDERS: usize = 200;

/// A price may be so many times the average.
const PERCENT: [(i64, u32); 2] = [(5, 0), (2, 1)];

pub(super) fn exchange_info(
    market: &Market,
    at: Timestamp,
    limits: &RequestLimits,
    symbols: Option<&[String]>,
) -> Result<Value, ApiError> {
    let mut rows = Vec::new();
    match symbols {
        Some(names) => {
            for name in names {
                let symbol = market.find(name).ok_or_else(ApiError::symbol)?;
                rows.push(symbol_row(market, symbol));
            }
        }
        None => rows.extend(market.symbols.iter().map(|symbol| symbol_row(market, symbol))),
    }
    let mut info = json!({
        "timezone": "UTC",
        "serverTime": at.millis(),
        "rateLimits": rate_limits(limits),
        "exchangeFilters": [],
        "symbols": rows,
    });
    if market.kind == BinanceMarket::UsdFutures {
        let row = |asset: &Asset| {
            json!({
                "asset": asset.code.as_str(), "marginAvailable": true, "autoAssetExchange": "0",
            })
        };
        let assets: Vec<Value> = market.table.assets().iter().map(row).collect();
        add(&mut info, json!({ "futuresType": "U_MARGINED", "assets": assets }));
    }
    Ok(info)
}

pub(super) fn rate_limits(limits: &RequestLimits) -> [Value; 3] {
    let row = |kind: &str, interval: &str, number: u32, limit: u32| {
        json!({
            "rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit,
        })
    };
    [
        row("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_per_minute),
        row("ORDERS", "SECOND", 10, limits.orders_per_10_s),
        row("ORDERS", "DAY", 1, limits.orders_per_day),
    ]
}

fn symbol_row(market: &Market, symbol: &Symbol) -> Value {
    let instrument = &symbol.instrument;
    let base = market.table.code(instrument.base);
    let quote = market.table.code(instrument.quote);
    let row = json!({
        "symbol": symbol.name(),
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "filters": filters(market.kind, symbol),
    });
    with(
        row,
        match market.kind {
            BinanceMarket::Spot => json!({
                "quoteAssetPrecision": 8,
                "baseCommissionPrecision": 8,
                "quoteCommissionPrecision": 8,
                "orderTypes": [
                    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT",
                ],
                "icebergAllowed": false,
                "ocoAllowed": true,
                "otoAllowed": false,
                "opoAllowed": false,
                "quoteOrderQtyMarketAllowed": true,
                "allowTrailingStop": false,
                "cancelReplaceAllowed": true,
                "amendAllowed": true,
                "pegInstructionsAllowed": false,
                "isSpotTradingAllowed": true,
                "isMarginTradingAllowed": false,
                "permissions": [],
                "permissionSets": [["SPOT"]],
                "defaultSelfTradePreventionMode": "NONE",
                "allowedSelfTradePreventionModes": ["NONE"],
            }),
            BinanceMarket::UsdFutures => json!({
                "pair": symbol.name(),
                "contractType": "PERPETUAL",
                "deliveryDate": 4_133_404_800_000_i64,
                "onboardDate": 1_569_398_400_000_i64,
                "maintMarginPercent": "2.5000",
                "requiredMarginPercent": "5.0000",
                "marginAsset": market.table.code(instrument.settlement),
                "pricePrecision": instrument.tick.scale(),
                "quantityPrecision": instrument.step.scale(),
                "underlyingType": "COIN",
                "underlyingSubType": [],
                "settlePlan": 0,
                "triggerProtect": "0.0500",
                "liquidationFee": "0.012500",
                "marketTakeBound": "0.05",
                "orderTypes": [
                    "LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT_MARKET",
                    "TRAILING_STOP_MARKET",
                ],
                "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
            }),
        },
    )
}

fn with(mut row: Value, more: Value) -> Value {
    add(&mut row, more);
    row
}

fn filters(market: BinanceMarket, symbol: &Symbol) -> Value {
    let instrument = &symbol.instrument;
    let [tick, step] = [instrument.tick, instrument.step].map(text);
    let least = text(least_quantity(symbol));
    let most = text(most_quantity(symbol));
    let [up, down] = PERCENT.map(|(number, scale)| Decimal::new(number, scale).to_string());
    let notional = instrument.min_notional;
    let mut rows = vec![
        json!({
            "filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "10000000.00000000",
            "tickSize": tick,
        }),
        json!({ "filterType": "LOT_SIZE", "minQty": least, "maxQty": most, "stepSize": step }),
    ];
    match market {
        BinanceMarket::Spot => rows.extend([
            json!({
                "filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": most,
                "stepSize": "0.00000000",
            }),
            json!({
                "filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": up,
                "bidMultiplierDown": down, "askMultiplierUp": up, "askMultiplierDown": down,
                "avgPriceMins": 5,
            }),
            json!({
                "filterType": "NOTIONAL", "minNotional": text(notional),
                "applyMinToMarket": true, "maxNotional": "9000000.00000000",
                "applyMaxToMarket": false, "avgPriceMins": 5,
            }),
            json!({ "filterType": "MAX_NUM_ORDERS", "maxNumOrders": MOST_ORDERS }),
        ]),
        BinanceMarket::UsdFutures => rows.extend([
            json!({
                "filterType": "MARKET_LOT_SIZE", "minQty": least, "maxQty": most,
                "stepSize": step,
            }),
            json!({ "filterType": "MAX_NUM_ORDERS", "limit": MOST_ORDERS }),
            json!({ "filterType": "MAX_NUM_ALGO_ORDERS", "limit": 100 }),
            json!({ "filterType": "MIN_NOTIONAL", "notional": notional.to_string() }),
            json!({
                "filterType": "PERCENT_PRICE", "multiplierUp": up, "multiplierDown": down,
                "multiplierDecimal": "4",
            }),
        ]),
    }
    Value::Array(rows)
}

fn least_quantity(symbol: &Symbol) -> Decimal {
    symbol.instrument.min_quantity.max(symbol.instrument.step)
}

fn most_quantity(symbol: &Symbol) -> Decimal {
    times(symbol.instrument.step, Decimal::from(1_000_000_000))
}

/// Judges an order by the filters of its symbol.
pub(super) fn judge(market: BinanceMarket, symbol: &Symbol, wish: &Wish) -> Result<(), ApiError> {
    let instrument = &symbol.instrument;
    for price in [wish.price, wish.trigger] {
        if !price.is_zero() && !small::is_multiple(price, instrument.tick) {
            return Err(match market {
                BinanceMarket::Spot => ApiError::filter("PRICE_FILTER"),
                BinanceMarket::UsdFutures => {
                    ApiError::new(-4014, "Price not increased by tick size.")
                }
            });
        }
    }
    let quantity = wish.quantity;
    if !small::is_multiple(quantity, instrument.step) {
        return Err(match market {
            BinanceMarket::Spot => ApiError::filter("LOT_SIZE"),
            BinanceMarket::UsdFutures => {
                ApiError::new(-1111, "Precision is over the maximum defined for this asset.")
            }
        });
    }
    let lot = !quantity.is_zero()
        && (quantity < least_quantity(symbol) || quantity > most_quantity(symbol));
    if lot {
        return Err(match market {
            BinanceMarket::Spot => ApiError::filter("LOT_SIZE"),
            BinanceMarket::UsdFutures => {
                ApiError::new(-4003, "Quantity less than or equal to zero.")
            }
        });
    }
    judge_price(market, symbol, wish)?;
    judge_value(market, symbol, wish)
}

fn judge_price(market: BinanceMarket, symbol: &Symbol, wish: &Wish) -> Result<(), ApiError> {
    if !wish.kind.has_price() {
        return Ok(());
    }
    let average = symbol.average();
    let [up, down] = PERCENT.map(|(number, scale)| times(average, Decimal::new(number, scale)));
    if wish.price <= up && wish.price >= down {
        return Ok(());
    }
    Err(match market {
        BinanceMarket::Spot => ApiError::filter("PERCENT_PRICE_BY_SIDE"),
        BinanceMarket::UsdFutures => ApiError::new(
            -4131,
            "The counterparty's best price does not meet the PERCENT_PRICE filter limit.",
        ),
    })
}

fn judge_value(market: BinanceMarket, symbol: &Symbol, wish: &Wish) -> Result<(), ApiError> {
    let price = match (wish.kind, wish.price.is_zero()) {
        (Kind::Market, _) | (_, true) => symbol.average(),
        (_, false) => wish.price,
    };
    let value = if wish.quantity.is_zero() { wish.quote } else { times(wish.quantity, price) };
    let least = symbol.instrument.min_notional;
    if value >= least || wish.reduce_only {
        return Ok(());
    }
    Err(match market {
        BinanceMarket::Spot => ApiError::filter("NOTIONAL"),
        BinanceMarket::UsdFutures => {
            let message = format!(
                "Order's notional must be no smaller than {least} (unless you choose reduce only)."
            );
            ApiError::new(-4164, message)
        }
    })
}
