use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::number::{minus, over, text};
use crate::types::{InstrumentId, Liquidity, RejectReason, Side, Timestamp};

/// The order types of both markets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Limit,
    LimitMaker,
    Market,
    StopLoss,
    StopLossLimit,
    TakeProfit,
    // Futures; they live at `algoOrder`.
    Stop,
    StopMarket,
    TakeProfitMarket,
    TrailingStopMarket,
}

impl Kind {
    const ALL: [(Self, &str); 10] = [
        (Self::Limit, "LIMIT"),
        (Self::LimitMaker, "LIMIT_MAKER"),
        (Self::Market, "MARKET"),
        (Self::StopLoss, "STOP_LOSS"),
        (Self::StopLossLimit, "STOP_LOSS_LIMIT"),
        (Self::TakeProfit, "TAKE_PROFIT"),
        (Self::Stop, "STOP"),
        (Self::StopMarket, "STOP_MARKET"),
        (Self::TakeProfitMarket, "TAKE_PROFIT_MARKET"),
        (Self::TrailingStopMarket, "TRAILING_STOP_MARKET"),
    ];

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, word)| *word == text).map(|(kind, _)| *kind)
    }

    pub(super) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }

    /// True for orders with a limit price.
    pub(super) const fn has_price(self) -> bool {
        matches!(self, Self::Limit | Self::LimitMaker | Self::StopLossLimit | Self::Stop)
    }

    /// True for orders that wait for a trigger.
    pub(super) const fn has_trigger(self) -> bool {
        !matches!(self, Self::Limit | Self::LimitMaker | Self::Market)
    }
}

/// How long an order lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifetime {
    Gtc,
    Ioc,
    Fok,
    Gtx,
}

impl Lifetime {
    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Gtc, Self::Ioc, Self::Fok, Self::Gtx].into_iter().find(|life| life.word() == text)
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Gtc => "GTC",
            Self::Ioc => "IOC",
            Self::Fok => "FOK",
            Self::Gtx => "GTX",
        }
    }
}

/// What an order has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    New,
    PartiallyFilled,
    Filled,
    Canceled,
    Rejected,
    Expired,
}

impl Status {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::PartiallyFilled => "PARTIALLY_FILLED",
            Self::Filled => "FILLED",
            Self::Canceled => "CANCELED",
            Self::Rejected => "REJECTED",
            Self::Expired => "EXPIRED",
        }
    }

    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::New | Self::PartiallyFilled)
    }
}

/// What was asked for, checked and on the grids.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wish {
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    pub(super) kind: Kind,
    pub(super) lifetime: Lifetime,
    pub(super) client: Option<String>,
    /// Zero where there is none.
    pub(super) price: Decimal,
    pub(super) trigger: Decimal,
    pub(super) quantity: Decimal,
    /// So much of the quote currency; zero where a quantity was said.
    pub(super) quote: Decimal,
    pub(super) reduce_only: bool,
    /// Percent that a trailing stop stays behind.
    pub(super) callback: Decimal,
}

/// An order and all that became of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub(super) number: u64,
    pub(super) client: String,
    pub(super) wish: Wish,
    /// The total quantity, amendments included.
    pub(super) quantity: Decimal,
    pub(super) price: Decimal,
    pub(super) executed: Decimal,
    pub(super) value: Decimal,
    pub(super) status: Status,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    /// True once it can trade: at once, or when its trigger was touched.
    pub(super) is_working: bool,
    /// True once its owner was told of it.
    pub(super) is_reported: bool,
    /// True while its owner's cancel is under way.
    pub(super) is_cancelling: bool,
    /// Indices of its trades among the account's.
    pub(super) trades: Vec<usize>,
    pub(super) amendments: u32,
    /// The client id of the request that cancels or amends it.
    pub(super) request: Option<String>,
    /// Why the venue refused it, or the last change of it.
    pub(super) refusal: Option<RejectReason>,
    /// Its number among the conditional orders of futures.
    pub(super) algo: Option<u64>,
    /// The list that it belongs to.
    pub(super) list: Option<u64>,
}

impl Record {
    pub(super) fn remaining(&self) -> Decimal {
        minus(self.quantity, self.executed).max(Decimal::ZERO)
    }

    pub(super) fn average(&self) -> Decimal {
        over(self.value, self.executed).round_dp(8)
    }

    pub(super) fn list_id(&self) -> i64 {
        self.list.and_then(|list| i64::try_from(list).ok()).unwrap_or(-1)
    }

    /// The fields that all answers about a spot order share.
    pub(super) fn spot(&self, symbol: &str) -> Map<String, Value> {
        let body = json!({
            "symbol": symbol,
            "orderId": self.number,
            "orderListId": self.list_id(),
            "clientOrderId": self.client,
            "price": text(self.price),
            "origQty": text(self.quantity),
            "executedQty": text(self.executed),
            "origQuoteOrderQty": text(self.wish.quote),
            "cummulativeQuoteQty": text(self.value),
            "status": self.status.word(),
            "timeInForce": self.wish.lifetime.word(),
            "type": self.wish.kind.word(),
            "side": side_word(self.wish.side),
            "workingTime": self.working_time(),
            "selfTradePreventionMode": "NONE",
        });
        let mut fields = fields(body);
        if self.wish.kind.has_trigger() {
            fields.insert("stopPrice".to_owned(), text(self.wish.trigger).into());
        }
        fields
    }

    /// A spot order as queries show it.
    pub(super) fn spot_query(&self, symbol: &str) -> Value {
        let mut fields = self.spot(symbol);
        let more = [
            ("stopPrice", json!(text(self.wish.trigger))),
            ("icebergQty", json!("0.00000000")),
            ("time", json!(self.created.millis())),
            ("updateTime", json!(self.updated.millis())),
            ("isWorking", json!(self.is_working)),
        ];
        fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
        Value::Object(fields)
    }

    /// A futures order as every answer shows it.
    pub(super) fn futures(&self, symbol: &str) -> Map<String, Value> {
        fields(json!({
            "symbol": symbol,
            "orderId": self.number,
            "clientOrderId": self.client,
            "price": text(self.price),
            "avgPrice": text(self.average()),
            "origQty": text(self.quantity),
            "executedQty": text(self.executed),
            "cumQty": text(self.executed),
            "cumQuote": text(self.value),
            "status": self.status.word(),
            "timeInForce": self.wish.lifetime.word(),
            "type": self.wish.kind.word(),
            "origType": self.wish.kind.word(),
            "side": side_word(self.wish.side),
            "positionSide": "BOTH",
            "stopPrice": text(self.wish.trigger),
            "reduceOnly": self.wish.reduce_only,
            "closePosition": false,
            "workingType": "CONTRACT_PRICE",
            "priceProtect": false,
            "priceMatch": "NONE",
            "selfTradePreventionMode": "NONE",
            "goodTillDate": 0,
            "time": self.created.millis(),
            "updateTime": self.updated.millis(),
        }))
    }

    fn working_time(&self) -> i64 {
        if self.is_working { self.created.millis() } else { -1 }
    }
}

/// A trade of an account.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Execution {
    pub(super) number: u64,
    pub(super) order: u64,
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    pub(super) price: Decimal,
    pub(super) quantity: Decimal,
    pub(super) value: Decimal,
    pub(super) fee: Decimal,
    pub(super) fee_asset: String,
    /// Profit that a futures trade has realised.
    pub(super) profit: Decimal,
    pub(super) liquidity: Liquidity,
    pub(super) at: Timestamp,
}

impl Execution {
    pub(super) fn is_maker(&self) -> bool {
        self.liquidity == Liquidity::Maker
    }

    /// As `myTrades` shows it.
    pub(super) fn spot(&self, symbol: &str) -> Value {
        json!({
            "symbol": symbol,
            "id": self.number,
            "orderId": self.order,
            "orderListId": -1,
            "price": text(self.price),
            "qty": text(self.quantity),
            "quoteQty": text(self.value),
            "commission": text(self.fee),
            "commissionAsset": self.fee_asset,
            "time": self.at.millis(),
            "isBuyer": self.side == Side::Buy,
            "isMaker": self.is_maker(),
            "isBestMatch": true,
        })
    }

    /// As `userTrades` shows it.
    pub(super) fn futures(&self, symbol: &str) -> Value {
        json!({
            "symbol": symbol,
            "id": self.number,
            "orderId": self.order,
            "side": side_word(self.side),
            "price": text(self.price),
            "qty": text(self.quantity),
            "quoteQty": text(self.value),
            "realizedPnl": text(self.profit),
            "marginAsset": self.fee_asset,
            "commission": text(self.fee),
            "commissionAsset": self.fee_asset,
            "time": self.at.millis(),
            "positionSide": "BOTH",
            "buyer": self.side == Side::Buy,
            "maker": self.is_maker(),
        })
    }

    /// As a new order's full answer shows it.
    pub(super) fn of_answer(&self) -> Value {
        json!({
            "price": text(self.price),
            "qty": text(self.quantity),
            "commission": text(self.fee),
            "commissionAsset": self.fee_asset,
            "tradeId": self.number,
        })
    }
}

pub(super) const fn side_word(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

/// The fields of an object.
pub(super) fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
