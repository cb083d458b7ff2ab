//! What futures have and spot has not: positions, leverage, conditional orders, listen keys.

use core::time::Duration;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::calls::Who;
use super::connection::Link;
use super::desk::{Desk, ListenKey, Position};
use super::error::{ApiError, ApiResult};
use super::market::Symbol;
use super::number::{over, plus, text, times};
use super::order::{Record, Status, side_word};
use super::orders::{Marks, one_way};
use super::params::Params;
use super::state::ExchangeState;
use super::wish;
use crate::types::{InstrumentId, Linkage, Timestamp};
use crate::venue::binance::BinanceMarket;

/// A listen key that is not extended lives so long.
const LISTEN_KEY_LIFE: Duration = Duration::from_secs(3_600);

impl ExchangeState {
    /// `PUT order`: a new price, a new quantity, or both.
    pub(super) fn modify(&mut self, who: Who, params: &Params) -> ApiResult {
        let number = self.named(who, params, ["orderId", "origClientOrderId"])?;
        let side = wish::side(params.need("side")?)?;
        let quantity = params.need_decimal("quantity")?;
        let price = params.need_decimal("price")?;
        let number = number.ok_or_else(ApiError::no_such_order)?;
        let order = self.order(who.account, who.market, number);
        let order = order.filter(|order| order.status.is_open());
        let order = order.ok_or_else(ApiError::no_such_order)?;
        if order.wish.side != side {
            return Err(ApiError::new(-1117, "Invalid side."));
        }
        if !order.wish.kind.has_price() {
            return Err(ApiError::new(-4166, "Only limit orders can be modified."));
        }
        if quantity == order.quantity && price == order.price {
            return Err(ApiError::new(-5027, "No need to modify the order."));
        }
        let mut wanted = order.wish.clone();
        (wanted.quantity, wanted.price) = (quantity, price);
        let symbol = self.markets.of(who.market).get(wanted.instrument);
        let symbol = symbol.ok_or_else(ApiError::symbol)?;
        super::exchange_info::judge(who.market, symbol, &wanted)?;
        self.amend(who, number, (quantity, price), None)?;
        Ok(self.placed(who, number, "RESULT"))
    }

    fn futures_desk(&self, who: Who) -> Result<&Desk, ApiError> {
        let trader = self.traders.get(who.account).ok_or_else(ApiError::key)?;
        Ok(trader.desks.of(BinanceMarket::UsdFutures))
    }

    /// `GET account`.
    pub(super) fn futures_account(&self, who: Who) -> ApiResult {
        let desk = self.futures_desk(who)?;
        let market = self.markets.of(who.market);
        let unrealised = self.unrealised(who.account);
        let assets = self.futures_assets(who, "walletBalance")?;
        let wallet = market.table.find_asset("USDT").map_or(Decimal::ZERO, |id| desk.total(id));
        let positions: Vec<Value> = desk
            .positions
            .iter()
            .zip(&market.symbols)
            .map(|(position, symbol)| {
                let initial = initial_margin(position, symbol);
                json!({
                    "symbol": symbol.name(),
                    "positionSide": "BOTH",
                    "positionAmt": text(position.quantity),
                    "entryPrice": text(position.entry()),
                    "breakEvenPrice": text(position.entry()),
                    "unrealizedProfit": text(position.profit_at(symbol.mark())),
                    "leverage": position.leverage.to_string(),
                    "isolated": false,
                    "isolatedMargin": "0",
                    "isolatedWallet": "0",
                    "initialMargin": text(initial),
                    "positionInitialMargin": text(initial),
                    "openOrderInitialMargin": "0",
                    "maintMargin": text(times(initial, Decimal::new(5, 1))),
                    "notional": text(times(position.quantity, symbol.mark())),
                    "maxNotional": "10000000",
                    "bidNotional": "0",
                    "askNotional": "0",
                    "updateTime": position.updated_millis,
                })
            })
            .collect();
        let free = self.free_margin(desk, wallet);
        Ok(json!({
            "feeTier": 0,
            "canTrade": true,
            "canDeposit": false,
            "canWithdraw": false,
            "multiAssetsMargin": false,
            "updateTime": self.now.millis(),
            "totalWalletBalance": text(wallet),
            "totalUnrealizedProfit": text(unrealised),
            "totalMarginBalance": text(plus(wallet, unrealised)),
            "totalInitialMargin": text(sum(desk, &market.symbols, initial_margin)),
            "totalMaintMargin": "0",
            "totalPositionInitialMargin": text(sum(desk, &market.symbols, initial_margin)),
            "totalOpenOrderInitialMargin": "0",
            "totalCrossWalletBalance": text(wallet),
            "totalCrossUnPnl": text(unrealised),
            "availableBalance": text(free),
            "maxWithdrawAmount": text(free),
            "assets": assets,
            "positions": positions,
        }))
    }

    fn free_margin(&self, desk: &Desk, wallet: Decimal) -> Decimal {
        let market = self.markets.of(BinanceMarket::UsdFutures);
        let id = market.table.find_asset("USDT");
        id.and_then(|id| desk.venue.free_margin(id)).unwrap_or(wallet).max(Decimal::ZERO)
    }

    /// `GET balance`.
    pub(super) fn futures_balance(&self, who: Who) -> ApiResult {
        self.futures_assets(who, "balance")
    }

    /// What is held of each asset; `balance` and `account` call it by different names.
    fn futures_assets(&self, who: Who, name: &str) -> ApiResult {
        let desk = self.futures_desk(who)?;
        let market = self.markets.of(who.market);
        let mut rows = Vec::new();
        for asset in market.table.assets() {
            let code = asset.code.as_str();
            let settles = |symbol: &Symbol| market.table.code(symbol.instrument.settlement) == code;
            if !market.symbols.iter().any(settles) {
                continue;
            }
            let Some(id) = market.table.find_asset(code) else { continue };
            let wallet = desk.total(id);
            let unrealised = self.unrealised(who.account);
            let free = desk.venue.free_margin(id).unwrap_or(wallet).max(Decimal::ZERO);
            rows.push(json!({
                "accountAlias": "local",
                "asset": code,
                name: text(wallet),
                "marginBalance": text(plus(wallet, unrealised)),
                "unrealizedProfit": text(unrealised),
                "crossWalletBalance": text(wallet),
                "crossUnPnl": text(unrealised),
                "availableBalance": text(free),
                "maxWithdrawAmount": text(free),
                "marginAvailable": true,
                "updateTime": self.now.millis(),
            }));
        }
        Ok(Value::Array(rows))
    }

    /// `GET positionRisk`.
    pub(super) fn position_risk(&self, who: Who, params: &Params) -> ApiResult {
        let id = self.optional_symbol(who, params)?;
        let desk = self.futures_desk(who)?;
        let market = self.markets.of(who.market);
        let rows = desk
            .positions
            .iter()
            .zip(&market.symbols)
            .filter(|(_, symbol)| id.is_none_or(|id| symbol.instrument.id == id));
        Ok(rows
            .map(|(position, symbol)| {
                let mark = symbol.mark();
                let initial = initial_margin(position, symbol);
                json!({
                    "symbol": symbol.name(),
                    "positionSide": "BOTH",
                    "positionAmt": text(position.quantity),
                    "entryPrice": text(position.entry()),
                    "breakEvenPrice": text(position.entry()),
                    "markPrice": text(mark),
                    "unRealizedProfit": text(position.profit_at(mark)),
                    "liquidationPrice": "0",
                    "leverage": position.leverage.to_string(),
                    "marginType": "cross",
                    "isolatedMargin": "0",
                    "isAutoAddMargin": "false",
                    "isolatedWallet": "0",
                    "maxNotionalValue": "10000000",
                    "notional": text(times(position.quantity, mark)),
                    "marginAsset": market.table.code(symbol.instrument.settlement),
                    "initialMargin": text(initial),
                    "maintMargin": text(times(initial, Decimal::new(5, 1))),
                    "positionInitialMargin": text(initial),
                    "openOrderInitialMargin": "0",
                    "adl": 0,
                    "bidNotional": "0",
                    "askNotional": "0",
                    "updateTime": position.updated_millis,
                })
            })
            .collect())
    }

    /// `POST leverage`: told back and shown; the margin that the venue asks for stays at 5 %.
    pub(super) fn set_leverage(&mut self, who: Who, params: &Params) -> ApiResult {
        let leverage: Option<u32> = params.read("leverage")?;
        let leverage = leverage.filter(|leverage| (1..=20).contains(leverage));
        let leverage =
            leverage.ok_or_else(|| ApiError::new(-4028, "Leverage is not valid, 1 to 20 are."))?;
        params.need("symbol")?;
        let id = self.optional_symbol(who, params)?.ok_or_else(ApiError::symbol)?;
        let name = self.markets.of(who.market).name(id).to_owned();
        if let Some(trader) = self.traders.get_mut(who.account)
            && let Some(position) = trader.desks.of_mut(who.market).positions.get_mut(id.index())
        {
            position.leverage = leverage;
        }
        Ok(json!({ "leverage": leverage, "maxNotionalValue": "10000000", "symbol": name }))
    }

    /// `GET leverageBracket`: one bracket, as the venue's margin is flat.
    pub(super) fn brackets(&self, who: Who, params: &Params) -> ApiResult {
        let id = self.optional_symbol(who, params)?;
        let symbols = self.markets.of(who.market).symbols.iter();
        let asked = symbols.filter(|symbol| id.is_none_or(|id| symbol.instrument.id == id));
        Ok(asked
            .map(|symbol| {
                json!({
                    "symbol": symbol.name(),
                    "notionalCoef": 1.0,
                    "brackets": [{
                        "bracket": 1,
                        "initialLeverage": 20,
                        "notionalCap": 10_000_000,
                        "notionalFloor": 0,
                        "maintMarginRatio": 0.025,
                        "cum": 0.0,
                    }],
                })
            })
            .collect())
    }

    /// `POST countdownCancelAll`: the orders of a symbol are cancelled after so many
    /// milliseconds, unless it is said again; zero ends the countdown.
    pub(super) fn count_down(&mut self, who: Who, params: &Params) -> ApiResult {
        params.need("symbol")?;
        let id = self.optional_symbol(who, params)?.ok_or_else(ApiError::symbol)?;
        let millis: u64 =
            params.read("countdownTime")?.ok_or_else(|| ApiError::missing("countdownTime"))?;
        let due = self.now.after(Duration::from_millis(millis));
        let name = self.markets.of(who.market).name(id).to_owned();
        if let Some(trader) = self.traders.get_mut(who.account) {
            trader.countdowns.remove(&id);
            if millis > 0 {
                trader.countdowns.insert(id, due);
            }
        }
        Ok(json!({ "symbol": name, "countdownTime": millis.to_string() }))
    }

    /// Cancels the orders whose countdown is over.
    pub(super) fn end_countdowns(&mut self) {
        let now = self.now;
        for account in 0..self.traders.len() {
            let Some(trader) = self.traders.get_mut(account) else { return };
            let due = trader.countdowns.iter().filter(|(_, due)| **due <= now);
            let over: Vec<InstrumentId> = due.map(|(id, _)| *id).collect();
            let who = Who { account, market: BinanceMarket::UsdFutures };
            for id in over {
                let Some(trader) = self.traders.get_mut(account) else { return };
                trader.countdowns.remove(&id);
                let open = trader.desks.of(who.market).open(Some(id));
                for number in open.map(|order| order.number).collect::<Vec<u64>>() {
                    // An order that has just ended needs no cancel.
                    let _ = self.cancel_order(who, number, None);
                }
            }
        }
    }

    /// `POST algoOrder`.
    pub(super) fn place_algo(&mut self, who: Who, params: &Params) -> ApiResult {
        if params.need("algoType")? != "CONDITIONAL" {
            return Err(ApiError::missing("algoType"));
        }
        one_way(params)?;
        let mut wish = wish::read(self.markets.of(who.market), params)?;
        if !wish.kind.has_trigger() {
            return Err(ApiError::new(-1116, "Invalid orderType."));
        }
        wish.client = wish::client(params.get("clientAlgoId"))?;
        let algo = self.next_number();
        let marks = Marks { algo: Some(algo), ..Marks::default() };
        let number = self.submit(who, wish, Linkage::None, Some(marks))?;
        let order = self.order(who.account, who.market, number);
        Ok(order.map_or(Value::Null, |order| self.algo(who, order)))
    }

    fn algo(&self, who: Who, order: &Record) -> Value {
        let status = match (order.status, order.is_working) {
            (Status::New, false) => "NEW",
            (Status::Filled, _) => "FINISHED",
            (Status::Canceled, false) => "CANCELED",
            (Status::Rejected, _) => "REJECTED",
            (Status::Expired, false) => "EXPIRED",
            (_, true) | (Status::PartiallyFilled, _) => "TRIGGERED",
        };
        let actual = if order.is_working { order.number.to_string() } else { String::new() };
        json!({
            "algoId": order.algo,
            "clientAlgoId": order.client,
            "algoType": "CONDITIONAL",
            "orderType": order.wish.kind.word(),
            "symbol": self.markets.of(who.market).name(order.wish.instrument),
            "side": side_word(order.wish.side),
            "positionSide": "BOTH",
            "timeInForce": order.wish.lifetime.word(),
            "quantity": text(order.quantity),
            "algoStatus": status,
            "triggerPrice": text(order.wish.trigger),
            "price": text(order.price),
            "actualOrderId": actual,
            "actualPrice": text(order.average()),
            "selfTradePreventionMode": "NONE",
            "workingType": "CONTRACT_PRICE",
            "priceMatch": "NONE",
            "closePosition": false,
            "priceProtect": false,
            "reduceOnly": order.wish.reduce_only,
            "callbackRate": order.wish.callback.to_string(),
            "createTime": order.created.millis(),
            "updateTime": order.updated.millis(),
            "triggerTime": 0,
            "goodTillDate": 0,
        })
    }

    /// The conditional order that a request names.
    fn named_algo(&self, who: Who, params: &Params) -> Result<Option<&Record>, ApiError> {
        let algo: Option<u64> = params.read("algoId")?;
        let client = params.get("clientAlgoId");
        if algo.is_none() && client.is_none() {
            return Err(ApiError::missing("algoId"));
        }
        let mut orders = self.futures_desk(who)?.orders.iter().rev();
        let is_it = |order: &&Record| match algo {
            Some(algo) => order.algo == Some(algo),
            None => order.algo.is_some() && client == Some(order.client.as_str()),
        };
        Ok(orders.find(is_it))
    }

    /// `GET algoOrder`.
    pub(super) fn query_algo(&self, who: Who, params: &Params) -> ApiResult {
        let order = self.named_algo(who, params)?.ok_or_else(ApiError::no_such_order)?;
        Ok(self.algo(who, order))
    }

    /// `DELETE algoOrder`.
    pub(super) fn cancel_algo(&mut self, who: Who, params: &Params) -> ApiResult {
        let order = self.named_algo(who, params)?.filter(|order| !order.is_working);
        let order = order.ok_or_else(ApiError::unknown_order)?;
        let (number, algo, client) = (order.number, order.algo, order.client.clone());
        self.cancel_order(who, number, None)?;
        Ok(json!({ "algoId": algo, "clientAlgoId": client, "code": "200", "msg": "success" }))
    }

    /// `GET openAlgoOrders`.
    pub(super) fn open_algos(&self, who: Who, params: &Params) -> ApiResult {
        let id = self.optional_symbol(who, params)?;
        let open = self.futures_desk(who)?.open(id);
        let waiting = open.filter(|order| order.algo.is_some() && !order.is_working);
        Ok(waiting.map(|order| self.algo(who, order)).collect())
    }

    /// `DELETE algoOpenOrders`.
    pub(super) fn cancel_all_algos(&mut self, who: Who, params: &Params) -> ApiResult {
        params.need("symbol")?;
        let id = self.optional_symbol(who, params)?;
        let open = self.futures_desk(who)?.open(id);
        let waiting = open.filter(|order| order.algo.is_some() && !order.is_working);
        for number in waiting.map(|order| order.number).collect::<Vec<u64>>() {
            self.cancel_order(who, number, None)?;
        }
        let message = "The operation of cancel all open order is done.";
        Ok(json!({ "code": 200, "msg": message }))
    }

    /// `POST listenKey`: the live key, extended, or a new one.
    pub(super) fn new_listen_key(&mut self, who: Who) -> Value {
        let expires_at = self.now.after(LISTEN_KEY_LIFE);
        let fresh = self.draw_name(64);
        let Some(trader) = self.traders.get_mut(who.account) else { return Value::Null };
        let key = trader.listen_key.get_or_insert(ListenKey { text: fresh, expires_at });
        key.expires_at = expires_at;
        json!({ "listenKey": key.text })
    }

    /// `PUT listenKey`.
    pub(super) fn extend_listen_key(&mut self, who: Who) -> ApiResult {
        let expires_at = self.now.after(LISTEN_KEY_LIFE);
        let trader = self.traders.get_mut(who.account).ok_or_else(ApiError::key)?;
        let key = trader.listen_key.as_mut();
        let key = key.ok_or_else(|| ApiError::new(-1125, "This listenKey does not exist."))?;
        key.expires_at = expires_at;
        Ok(json!({ "listenKey": key.text }))
    }

    /// `DELETE listenKey`.
    pub(super) fn close_listen_key(&mut self, who: Who) -> Value {
        if let Some(trader) = self.traders.get_mut(who.account) {
            trader.listen_key = None;
        }
        json!({})
    }

    /// Ends the listen keys that end up to a time; their streams say so.
    pub(super) fn expire_listen_keys(&mut self, until: Timestamp) {
        let mut ended = Vec::new();
        for trader in &mut self.traders {
            ended.extend(trader.listen_key.take_if(|key| key.expires_at <= until));
        }
        let at = self.clock().millis();
        for key in ended {
            let event = json!({ "e": "listenKeyExpired", "E": at, "listenKey": key.text });
            let mut readers = Vec::new();
            for (id, connection) in &self.connections {
                if let Link::Streams(streams) = &connection.link
                    && streams.listen_key.as_deref() == Some(key.text.as_str())
                {
                    readers.push((*id, streams.is_combined));
                }
            }
            for (id, is_combined) in readers {
                let text = match is_combined {
                    true => json!({ "stream": key.text, "data": event }).to_string(),
                    false => event.to_string(),
                };
                self.send(id, text);
            }
        }
    }
}

/// `POST marginType`: all positions are on cross margin.
pub(super) fn set_margin_type(params: &Params) -> ApiResult {
    params.need("symbol")?;
    match params.need("marginType")? {
        "CROSSED" => Err(ApiError::new(-4046, "No need to change margin type.")),
        _ => Err(ApiError::new(-4047, "Margin type cannot be changed.")),
    }
}

fn initial_margin(position: &Position, symbol: &Symbol) -> Decimal {
    let notional = times(position.quantity.abs(), symbol.mark());
    over(notional, Decimal::from(position.leverage.max(1))).round_dp(8)
}

fn sum(desk: &Desk, symbols: &[Symbol], figure: fn(&Position, &Symbol) -> Decimal) -> Decimal {
    let positions = desk.positions.iter().zip(symbols);
    positions.fold(Decimal::ZERO, |sum, (position, symbol)| plus(sum, figure(position, symbol)))
}
