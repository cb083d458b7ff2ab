//! Questions about the market, orders, trades and balances.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::calls::Who;
use super::candles::INTERVALS;
use super::error::{ApiError, ApiResult};
use super::exchange_info::exchange_info;
use super::market::{PublicTrade, Symbol};
use super::number::{minus, plus, text};
use super::order::{Execution, Record};
use super::params::Params;
use super::state::ExchangeState;
use crate::types::InstrumentId;
use crate::venue::binance::BinanceMarket;

impl ExchangeState {
    fn symbol(&self, market: BinanceMarket, params: &Params) -> Result<&Symbol, ApiError> {
        self.markets.of(market).find(params.need("symbol")?).ok_or_else(ApiError::symbol)
    }

    pub(super) fn exchange_info(&self, market: BinanceMarket, params: &Params) -> ApiResult {
        let symbols = params.symbols()?;
        let limits = &self.config.limits;
        exchange_info(self.markets.of(market), self.clock(), limits, symbols.as_deref())
    }

    pub(super) fn depth(&self, market: BinanceMarket, params: &Params) -> ApiResult {
        let (usual, most) = match market {
            BinanceMarket::Spot => (100, 5_000),
            BinanceMarket::UsdFutures => (500, 1_000),
        };
        let limit = params.limit(usual, most)?;
        Ok(self.symbol(market, params)?.depth(market, self.clock(), limit))
    }

    pub(super) fn trades(&self, market: BinanceMarket, params: &Params) -> ApiResult {
        let symbol = self.symbol(market, params)?;
        let rows = public_trades(symbol, params)?;
        Ok(rows.iter().map(|trade| symbol.trade_row(trade)).collect())
    }

    pub(super) fn aggregates(&self, market: BinanceMarket, params: &Params) -> ApiResult {
        let symbol = self.symbol(market, params)?;
        let rows = public_trades(symbol, params)?;
        Ok(rows.iter().map(|trade| symbol.aggregate_row(trade)).collect())
    }

    pub(super) fn klines(&self, market: BinanceMarket, params: &Params) -> ApiResult {
        let symbol = self.symbol(market, params)?;
        let word = params.need("interval")?;
        let interval = INTERVALS.iter().position(|(known, _)| *known == word);
        let interval = interval.ok_or_else(|| ApiError::new(-1120, "Invalid interval."))?;
        let limit = params.limit(500, 1_500)?;
        let start: Option<i64> = params.read("startTime")?;
        let end: Option<i64> = params.read("endTime")?;
        let candles = symbol.candles.series(interval).into_iter().flatten();
        let found: Vec<Value> = candles
            .filter(|candle| start.is_none_or(|start| candle.open_at * 1_000 >= start))
            .filter(|candle| end.is_none_or(|end| candle.open_at * 1_000 <= end))
            .map(|candle| symbol.candle_row(interval, candle))
            .collect();
        Ok(Value::Array(part(&found, limit, start.is_some())))
    }

    /// A row of one symbol, or the rows of several or all.
    pub(super) fn rows(
        &self,
        market: BinanceMarket,
        params: &Params,
        row: impl Fn(&Symbol) -> Value,
    ) -> ApiResult {
        let market = self.markets.of(market);
        let Some(names) = params.symbols()? else {
            return Ok(market.symbols.iter().map(row).collect());
        };
        let symbols: Result<Vec<&Symbol>, ApiError> =
            names.iter().map(|name| market.find(name).ok_or_else(ApiError::symbol)).collect();
        let rows: Vec<Value> = symbols?.into_iter().map(row).collect();
        match (params.get("symbol"), rows.as_slice()) {
            (Some(_), [only]) => Ok(only.clone()),
            (_, _) => Ok(Value::Array(rows)),
        }
    }

    /// `GET order`.
    pub(super) fn query_order(&self, who: Who, params: &Params) -> ApiResult {
        let number = self.named(who, params, ["orderId", "origClientOrderId"])?;
        let order = number.and_then(|number| self.order(who.account, who.market, number));
        let order = order.filter(|order| order.algo.is_none() || order.is_working);
        order.map(|order| self.show(who, order)).ok_or_else(ApiError::no_such_order)
    }

    fn show(&self, who: Who, order: &Record) -> Value {
        let symbol = self.markets.of(who.market).name(order.wish.instrument);
        match who.market {
            BinanceMarket::Spot => order.spot_query(symbol),
            BinanceMarket::UsdFutures => Value::Object(order.futures(symbol)),
        }
    }

    /// `GET openOrders`.
    pub(super) fn open_orders(&self, who: Who, params: &Params) -> ApiResult {
        let id = self.optional_symbol(who, params)?;
        let trader = self.traders.get(who.account).ok_or_else(ApiError::key)?;
        let open = trader.desks.of(who.market).open(id);
        let regular = open.filter(|order| order.algo.is_none() || order.is_working);
        Ok(regular.map(|order| self.show(who, order)).collect())
    }

    pub(super) fn optional_symbol(
        &self,
        who: Who,
        params: &Params,
    ) -> Result<Option<InstrumentId>, ApiError> {
        match params.get("symbol") {
            Some(_) => self.symbol(who.market, params).map(|symbol| Some(symbol.instrument.id)),
            None => Ok(None),
        }
    }

    /// `GET allOrders`.
    pub(super) fn all_orders(&self, who: Who, params: &Params) -> ApiResult {
        let id = self.symbol(who.market, params)?.instrument.id;
        let from: Option<u64> = params.read("orderId")?;
        let start: Option<i64> = params.read("startTime")?;
        let end: Option<i64> = params.read("endTime")?;
        let limit = params.limit(500, 1_000)?;
        let trader = self.traders.get(who.account).ok_or_else(ApiError::key)?;
        let orders = trader.desks.of(who.market).orders.iter();
        let fits = |order: &&Record| {
            let millis = order.created.millis();
            order.wish.instrument == id
                && from.is_none_or(|from| order.number >= from)
                && start.is_none_or(|start| millis >= start)
                && end.is_none_or(|end| millis <= end)
                && (order.algo.is_none() || order.is_working)
        };
        let found: Vec<Value> = orders.filter(fits).map(|order| self.show(who, order)).collect();
        let is_forward = from.is_some() || start.is_some();
        Ok(Value::Array(part(&found, limit, is_forward)))
    }

    /// `GET myTrades` and `GET userTrades`.
    pub(super) fn own_trades(&self, who: Who, params: &Params) -> ApiResult {
        let id = self.symbol(who.market, params)?.instrument.id;
        let from: Option<u64> = params.read("fromId")?;
        let order: Option<u64> = params.read("orderId")?;
        let start: Option<i64> = params.read("startTime")?;
        let end: Option<i64> = params.read("endTime")?;
        let limit = params.limit(500, 1_000)?;
        let trader = self.traders.get(who.account).ok_or_else(ApiError::key)?;
        let trades = trader.desks.of(who.market).trades.iter();
        let fits = |trade: &&Execution| {
            let millis = trade.at.millis();
            trade.instrument == id
                && from.is_none_or(|from| trade.number >= from)
                && order.is_none_or(|order| trade.order == order)
                && start.is_none_or(|start| millis >= start)
                && end.is_none_or(|end| millis <= end)
        };
        let name = self.markets.of(who.market).name(id);
        let show = |trade: &Execution| match who.market {
            BinanceMarket::Spot => trade.spot(name),
            BinanceMarket::UsdFutures => trade.futures(name),
        };
        let found: Vec<Value> = trades.filter(fits).map(show).collect();
        let is_forward = from.is_some() || start.is_some();
        Ok(Value::Array(part(&found, limit, is_forward)))
    }

    /// `GET account` of spot.
    pub(super) fn spot_account(&self, who: Who, params: &Params) -> ApiResult {
        let market = self.markets.of(who.market);
        let trader = self.traders.get(who.account).ok_or_else(ApiError::key)?;
        let desk = trader.desks.of(who.market);
        let omits = params.flag("omitZeroBalances");
        let mut balances = Vec::new();
        for asset in market.table.assets() {
            let Some(id) = market.table.find_asset(asset.code.as_str()) else { continue };
            if omits && desk.total(id).is_zero() {
                continue;
            }
            balances.push(json!({
                "asset": asset.code.as_str(),
                "free": text(desk.free(market, id)),
                "locked": text(desk.locked(market, id)),
            }));
        }
        let [maker, taker] = [self.config.maker_fee, self.config.taker_fee];
        let basis = |rate: Decimal| {
            let points = rate.checked_mul(Decimal::from(10_000)).unwrap_or_default();
            i64::try_from(points.trunc()).unwrap_or_default()
        };
        Ok(json!({
            "makerCommission": basis(maker),
            "takerCommission": basis(taker),
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {
                "maker": text(maker), "taker": text(taker), "buyer": text(Decimal::ZERO),
                "seller": text(Decimal::ZERO),
            },
            "canTrade": true,
            "canWithdraw": false,
            "canDeposit": false,
            "brokered": false,
            "requireSelfTradePrevention": false,
            "preventSor": false,
            "updateTime": self.now.millis(),
            "accountType": "SPOT",
            "balances": balances,
            "permissions": ["SPOT"],
            "uid": who.account,
        }))
    }

    /// Profit that the open positions of an account would realise at their marks.
    pub(super) fn unrealised(&self, account: usize) -> Decimal {
        let market = self.markets.of(BinanceMarket::UsdFutures);
        let Some(trader) = self.traders.get(account) else { return Decimal::ZERO };
        let positions = trader.desks.of(BinanceMarket::UsdFutures).positions.iter();
        positions.zip(&market.symbols).fold(Decimal::ZERO, |sum, (position, symbol)| {
            plus(sum, position.profit_at(symbol.mark()))
        })
    }
}

impl super::desk::Position {
    /// What it would realise at a price.
    pub(super) fn profit_at(&self, price: Decimal) -> Decimal {
        minus(super::number::times(self.quantity, price), self.cost).round_dp(8)
    }
}

/// The last trades, or the first ones from an id or a time on.
fn public_trades(symbol: &Symbol, params: &Params) -> Result<Vec<PublicTrade>, ApiError> {
    let limit = params.limit(500, 1_000)?;
    let from: Option<u64> = params.read("fromId")?;
    let start: Option<i64> = params.read("startTime")?;
    let end: Option<i64> = params.read("endTime")?;
    let fits = |trade: &&PublicTrade| {
        let millis = trade.tick.at.millis();
        from.is_none_or(|from| trade.number >= from)
            && start.is_none_or(|start| millis >= start)
            && end.is_none_or(|end| millis <= end)
    };
    let found: Vec<PublicTrade> = symbol.trades.iter().filter(fits).copied().collect();
    let is_forward = from.is_some() || start.is_some();
    Ok(part(&found, limit, is_forward))
}

/// The first rows, or the last ones.
fn part<T: Clone>(rows: &[T], limit: usize, from_start: bool) -> Vec<T> {
    let found = match from_start {
        true => rows.get(..limit),
        false => rows.get(rows.len().saturating_sub(limit)..),
    };
    found.unwrap_or(rows).to_vec()
}
