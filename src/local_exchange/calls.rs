//! Which request does what, and who may send it.

use serde_json::{Value, json};

use super::error::{ApiError, ApiResult};
use super::futures::set_margin_type;
use super::params::Params;
use super::state::ExchangeState;
use crate::venue::binance::BinanceMarket;

/// Who asks, and in which market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) account: usize,
    pub(super) market: BinanceMarket,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Ping,
    Time,
    ExchangeInfo,
    Depth,
    Trades,
    Aggregates,
    Klines,
    AveragePrice,
    BookTicker,
    Price,
    DayTicker,
    Premium,
    Place,
    Test,
    Query,
    Cancel,
    CancelReplace,
    AmendKeepPriority,
    Modify,
    OpenOrders,
    CancelAll,
    AllOrders,
    OwnTrades,
    Account,
    Balance,
    Positions,
    Leverage,
    Brackets,
    MarginType,
    Countdown,
    PositionMode,
    PlaceAlgo,
    QueryAlgo,
    CancelAlgo,
    OpenAlgos,
    CancelAllAlgos,
    PlaceList,
    NewListenKey,
    ExtendListenKey,
    CloseListenKey,
}

/// What a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    Open,
    Key,
    Signed,
}

/// A call with its market and weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) market: BinanceMarket,
    pub(super) call: Call,
    pub(super) weight: u32,
}

impl Call {
    pub(super) const fn security(self) -> Security {
        match self {
            Self::Ping | Self::Time | Self::ExchangeInfo | Self::Depth | Self::Trades => {
                Security::Open
            }
            Self::Aggregates | Self::Klines | Self::AveragePrice | Self::BookTicker => {
                Security::Open
            }
            Self::Price | Self::DayTicker | Self::Premium => Security::Open,
            Self::NewListenKey | Self::ExtendListenKey | Self::CloseListenKey => Security::Key,
            _ => Security::Signed,
        }
    }

    /// True for requests whose outcome matters: they change orders.
    pub(super) const fn changes_orders(self) -> bool {
        matches!(
            self,
            Self::Place
                | Self::Cancel
                | Self::CancelReplace
                | Self::AmendKeepPriority
                | Self::Modify
                | Self::CancelAll
                | Self::PlaceAlgo
                | Self::CancelAlgo
                | Self::CancelAllAlgos
                | Self::PlaceList
        )
    }

    /// True for requests that count as new orders.
    pub(super) const fn is_order(self) -> bool {
        matches!(
            self,
            Self::Place | Self::CancelReplace | Self::Modify | Self::PlaceAlgo | Self::PlaceList
        )
    }
}

/// The route of a request over HTTP.
pub(super) fn of_http(method: &str, path: &str) -> Option<Route> {
    let (market, rest) = if let Some(rest) = path.strip_prefix("/api/v3/") {
        (BinanceMarket::Spot, rest)
    } else {
        let rest = path.strip_prefix("/fapi/")?;
        let (version, rest) = rest.split_once('/')?;
        matches!(version, "v1" | "v2" | "v3").then_some(())?;
        (BinanceMarket::UsdFutures, rest)
    };
    let public = public_call(market, method, rest);
    let (call, weight) = public.or_else(|| match market {
        BinanceMarket::Spot => spot_call(method, rest),
        BinanceMarket::UsdFutures => futures_call(method, rest),
    })?;
    Some(Route { market, call, weight })
}

fn public_call(market: BinanceMarket, method: &str, rest: &str) -> Option<(Call, u32)> {
    let call = match (method, rest) {
        ("GET", "ping") => (Call::Ping, 1),
        ("GET", "time") => (Call::Time, 1),
        ("GET", "exchangeInfo") => (Call::ExchangeInfo, 20),
        ("GET", "depth") => (Call::Depth, 5),
        ("GET", "trades" | "historicalTrades") => (Call::Trades, 25),
        ("GET", "aggTrades") => (Call::Aggregates, 4),
        ("GET", "klines" | "uiKlines") => (Call::Klines, 2),
        ("GET", "ticker/bookTicker") => (Call::BookTicker, 2),
        ("GET", "ticker/price") => (Call::Price, 2),
        ("GET", "ticker/24hr") => (Call::DayTicker, 2),
        ("GET", "avgPrice") if market == BinanceMarket::Spot => (Call::AveragePrice, 2),
        ("GET", "premiumIndex") if market == BinanceMarket::UsdFutures => (Call::Premium, 1),
        (_, _) => return None,
    };
    Some(call)
}

fn spot_call(method: &str, rest: &str) -> Option<(Call, u32)> {
    let call = match (method, rest) {
        ("POST", "order") => (Call::Place, 1),
        ("POST", "order/test") => (Call::Test, 1),
        ("GET", "order") => (Call::Query, 4),
        ("DELETE", "order") => (Call::Cancel, 1),
        ("POST", "order/cancelReplace") => (Call::CancelReplace, 1),
        ("PUT", "order/amend/keepPriority") => (Call::AmendKeepPriority, 4),
        ("GET", "openOrders") => (Call::OpenOrders, 6),
        ("DELETE", "openOrders") => (Call::CancelAll, 1),
        ("GET", "allOrders") => (Call::AllOrders, 20),
        ("GET", "myTrades") => (Call::OwnTrades, 20),
        ("GET", "account") => (Call::Account, 20),
        ("POST", "orderList/oco") => (Call::PlaceList, 1),
        (_, _) => return None,
    };
    Some(call)
}

fn futures_call(method: &str, rest: &str) -> Option<(Call, u32)> {
    let call = match (method, rest) {
        ("POST", "order") => (Call::Place, 1),
        ("POST", "order/test") => (Call::Test, 1),
        ("GET", "order") => (Call::Query, 1),
        ("PUT", "order") => (Call::Modify, 1),
        ("DELETE", "order") => (Call::Cancel, 1),
        ("GET", "openOrders") => (Call::OpenOrders, 1),
        ("DELETE", "allOpenOrders") => (Call::CancelAll, 1),
        ("GET", "allOrders") => (Call::AllOrders, 5),
        ("GET", "userTrades") => (Call::OwnTrades, 5),
        ("GET", "account") => (Call::Account, 5),
        ("GET", "balance") => (Call::Balance, 5),
        ("GET", "positionRisk") => (Call::Positions, 5),
        ("POST", "leverage") => (Call::Leverage, 1),
        ("GET", "leverageBracket") => (Call::Brackets, 1),
        ("POST", "marginType") => (Call::MarginType, 1),
        ("POST", "countdownCancelAll") => (Call::Countdown, 10),
        ("GET", "positionSide/dual") => (Call::PositionMode, 30),
        ("POST", "algoOrder") => (Call::PlaceAlgo, 1),
        ("GET", "algoOrder") => (Call::QueryAlgo, 1),
        ("DELETE", "algoOrder") => (Call::CancelAlgo, 1),
        ("GET", "openAlgoOrders" | "algoOpenOrders") => (Call::OpenAlgos, 1),
        ("DELETE", "algoOpenOrders") => (Call::CancelAllAlgos, 1),
        ("POST", "listenKey") => (Call::NewListenKey, 1),
        ("PUT", "listenKey") => (Call::ExtendListenKey, 1),
        ("DELETE", "listenKey") => (Call::CloseListenKey, 1),
        (_, _) => return None,
    };
    Some(call)
}

/// The route of a method of the WebSocket API, apart from sessions and subscriptions.
pub(super) fn of_method(market: BinanceMarket, method: &str) -> Option<Route> {
    let is_spot = market == BinanceMarket::Spot;
    let (call, weight) = match method {
        "ping" => (Call::Ping, 1),
        "time" => (Call::Time, 1),
        "exchangeInfo" => (Call::ExchangeInfo, 20),
        "depth" => (Call::Depth, 5),
        "trades.recent" => (Call::Trades, 25),
        "trades.aggregate" => (Call::Aggregates, 4),
        "klines" => (Call::Klines, 2),
        "ticker.book" => (Call::BookTicker, 2),
        "ticker.price" => (Call::Price, 2),
        "ticker.24hr" => (Call::DayTicker, 2),
        "avgPrice" if is_spot => (Call::AveragePrice, 2),
        "order.place" => (Call::Place, 1),
        "order.test" => (Call::Test, 1),
        "order.status" => (Call::Query, 4),
        "order.cancel" => (Call::Cancel, 1),
        "order.modify" if !is_spot => (Call::Modify, 1),
        "order.cancelReplace" if is_spot => (Call::CancelReplace, 1),
        "order.amend.keepPriority" if is_spot => (Call::AmendKeepPriority, 4),
        "openOrders.status" if is_spot => (Call::OpenOrders, 6),
        "openOrders.cancelAll" if is_spot => (Call::CancelAll, 1),
        "allOrders" if is_spot => (Call::AllOrders, 20),
        "myTrades" if is_spot => (Call::OwnTrades, 20),
        "account.status" | "v2/account.status" => (Call::Account, 20),
        "v2/account.balance" | "account.balance" if !is_spot => (Call::Balance, 5),
        "v2/account.position" | "account.position" if !is_spot => (Call::Positions, 5),
        "orderList.place.oco" if is_spot => (Call::PlaceList, 1),
        "algoOrder.place" if !is_spot => (Call::PlaceAlgo, 1),
        "algoOrder.cancel" if !is_spot => (Call::CancelAlgo, 1),
        _ => return None,
    };
    Some(Route { market, call, weight })
}

impl ExchangeState {
    /// Carries out a request.
    pub(super) fn carry_out(
        &mut self,
        route: Route,
        account: Option<usize>,
        params: &Params,
    ) -> ApiResult {
        if let Some(account) = account {
            return self.carry_out_signed(
                route.call,
                Who { account, market: route.market },
                params,
            );
        }
        let market = route.market;
        let at = self.clock();
        match route.call {
            Call::Ping => Ok(json!({})),
            Call::Time => Ok(json!({ "serverTime": at.millis() })),
            Call::ExchangeInfo => self.exchange_info(market, params),
            Call::Depth => self.depth(market, params),
            Call::Trades => self.trades(market, params),
            Call::Aggregates => self.aggregates(market, params),
            Call::Klines => self.klines(market, params),
            Call::AveragePrice => {
                params.need("symbol")?;
                self.rows(market, params, |symbol| {
                    let price = super::number::text(symbol.average());
                    json!({ "mins": 5, "price": price, "closeTime": at.millis() })
                })
            }
            Call::BookTicker => self.rows(market, params, |symbol| symbol.book_ticker(market, at)),
            Call::Price => self.rows(market, params, |symbol| {
                let price = super::number::text(symbol.last_price());
                match market {
                    BinanceMarket::Spot => json!({ "symbol": symbol.name(), "price": price }),
                    BinanceMarket::UsdFutures => {
                        json!({ "symbol": symbol.name(), "price": price, "time": at.millis() })
                    }
                }
            }),
            Call::DayTicker => self.rows(market, params, |symbol| symbol.day_row(market, at)),
            Call::Premium => self.rows(market, params, |symbol| symbol.premium_row(at)),
            _ => Err(ApiError::key()),
        }
    }

    fn carry_out_signed(&mut self, call: Call, who: Who, params: &Params) -> ApiResult {
        match call {
            Call::Place => self.place(who, params),
            Call::Test => self.test_order(who, params),
            Call::Query => self.query_order(who, params),
            Call::Cancel => self.cancel(who, params),
            Call::CancelReplace => self.cancel_replace(who, params),
            Call::AmendKeepPriority => self.amend_keep_priority(who, params),
            Call::OpenOrders => self.open_orders(who, params),
            Call::CancelAll => self.cancel_all(who, params),
            Call::AllOrders => self.all_orders(who, params),
            Call::OwnTrades => self.own_trades(who, params),
            Call::PlaceList => self.place_list(who, params),
            Call::Account if who.market == BinanceMarket::Spot => self.spot_account(who, params),
            Call::Account => self.futures_account(who),
            Call::Modify => self.modify(who, params),
            Call::Balance => self.futures_balance(who),
            Call::Positions => self.position_risk(who, params),
            Call::Leverage => self.set_leverage(who, params),
            Call::Brackets => self.brackets(who, params),
            Call::MarginType => set_margin_type(params),
            Call::Countdown => self.count_down(who, params),
            Call::PositionMode => Ok(json!({ "dualSidePosition": false })),
            Call::PlaceAlgo => self.place_algo(who, params),
            Call::QueryAlgo => self.query_algo(who, params),
            Call::CancelAlgo => self.cancel_algo(who, params),
            Call::OpenAlgos => self.open_algos(who, params),
            Call::CancelAllAlgos => self.cancel_all_algos(who, params),
            Call::NewListenKey => Ok(self.new_listen_key(who)),
            Call::ExtendListenKey => self.extend_listen_key(who),
            Call::CloseListenKey => Ok(self.close_listen_key(who)),
            _ => Ok(Value::Null),
        }
    }
}
