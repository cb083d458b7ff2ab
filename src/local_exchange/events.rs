//! What accounts are told of their orders and money.

use serde_json::{Value, json};

use super::connection::{ConnectionId, Link};
use super::desk::Desk;
use super::market::Market;
use super::market_view::add;
use super::number::text;
use super::order::{Execution, Record, side_word};
use super::state::ExchangeState;
use crate::types::{AssetId, Timestamp};
use crate::venue::binance::BinanceMarket;

/// What has happened to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    New,
    Triggered,
    /// With the index of the trade.
    Trade(usize),
    Canceled,
    Amended,
    Expired,
}

impl Step {
    const fn word(self, market: BinanceMarket) -> &'static str {
        match (self, market) {
            (Self::New | Self::Triggered, _) => "NEW",
            (Self::Trade(_), _) => "TRADE",
            (Self::Canceled, _) => "CANCELED",
            (Self::Amended, BinanceMarket::Spot) => "REPLACED",
            (Self::Amended, BinanceMarket::UsdFutures) => "AMENDMENT",
            (Self::Expired, _) => "EXPIRED",
        }
    }
}

impl ExchangeState {
    /// Tells an account of its order, and of the money where it has moved.
    pub(super) fn tell_order(
        &mut self,
        account: usize,
        market: BinanceMarket,
        number: u64,
        step: Step,
    ) {
        self.executions += 1;
        let Some(trader) = self.traders.get(account) else { return };
        let desk = trader.desks.of(market);
        let Some(order) = desk.get(number) else { return };
        let view = View {
            market: self.markets.of(market),
            desk,
            at: self.now,
            execution: self.executions,
        };
        let moves = !matches!(step, Step::Triggered);
        let mut events = Vec::new();
        match market {
            BinanceMarket::Spot => {
                events.push(view.execution_report(order, step));
                if moves {
                    events.push(view.account_position(order));
                }
            }
            BinanceMarket::UsdFutures => {
                if let Some(event) = view.algo_update(order, step) {
                    events.push(event);
                }
                if order.algo.is_none() || order.is_working {
                    events.push(view.order_trade_update(order, step));
                }
                if let Step::Trade(_) = step {
                    events.push(view.account_update(order));
                }
            }
        }
        for event in events {
            self.tell_account(account, market, &event);
        }
    }

    /// Sends an event to all streams of an account's user data.
    pub(super) fn tell_account(&mut self, account: usize, market: BinanceMarket, event: &Value) {
        let key = self.traders.get(account).and_then(|trader| trader.listen_key.as_ref());
        let kind = event.get("e").and_then(Value::as_str).unwrap_or_default();
        if self.chaos.muted.iter().any(|word| kind.contains(word.as_str())) {
            return;
        }
        let mut frames: Vec<(ConnectionId, String)> = Vec::new();
        for (id, connection) in &self.connections {
            if connection.market != market {
                continue;
            }
            match &connection.link {
                Link::Streams(streams) => {
                    let own = streams.listen_key.as_ref();
                    if own.is_some() && own == key.map(|key| &key.text) {
                        let name = own.map_or("", String::as_str);
                        let text = match streams.is_combined {
                            true => json!({ "stream": name, "data": event }).to_string(),
                            false => event.to_string(),
                        };
                        frames.push((*id, text));
                    }
                }
                Link::Api(session) => {
                    let own = session.subscriptions.iter().filter(|(_, owner)| **owner == account);
                    frames.extend(own.map(|(subscription, _)| {
                        let event = json!({ "subscriptionId": subscription, "event": event });
                        (*id, event.to_string())
                    }));
                }
            }
        }
        for (id, text) in frames {
            self.send_twice_maybe(id, text);
        }
    }
}

/// What events are made from.
#[derive(Clone, Copy)]
struct View<'a> {
    market: &'a Market,
    desk: &'a Desk,
    at: Timestamp,
    execution: u64,
}

impl View<'_> {
    fn execution_report(self, order: &Record, step: Step) -> Value {
        let trade = self.trade(step);
        // A request that cancels or amends has an id of its own.
        let is_asked = matches!(step, Step::Canceled | Step::Amended);
        let request = order.request.as_ref().filter(|_| is_asked);
        let mut event = json!({
            "e": "executionReport",
            "E": self.at.millis(),
            "s": self.market.name(order.wish.instrument),
            "c": request.unwrap_or(&order.client),
            "S": side_word(order.wish.side),
            "o": order.wish.kind.word(),
            "f": order.wish.lifetime.word(),
            "q": text(order.quantity),
            "p": text(order.price),
            "P": text(order.wish.trigger),
            "F": "0.00000000",
            "g": order.list_id(),
            "C": request.map_or("", |_| order.client.as_str()),
            "x": step.word(BinanceMarket::Spot),
            "X": order.status.word(),
            "r": "NONE",
            "i": order.number,
            "l": text(trade.map_or_else(Default::default, |trade| trade.quantity)),
            "z": text(order.executed),
            "L": text(trade.map_or_else(Default::default, |trade| trade.price)),
            "n": text(trade.map_or_else(Default::default, |trade| trade.fee)),
            "N": trade.map(|trade| trade.fee_asset.as_str()),
            "T": self.at.millis(),
            "t": trade.map_or(json!(-1), |trade| json!(trade.number)),
            "I": self.execution,
            "w": order.is_working && order.status.is_open(),
            "m": trade.is_some_and(Execution::is_maker),
            "M": trade.is_some(),
            "O": order.created.millis(),
            "Z": text(order.value),
            "Y": text(trade.map_or_else(Default::default, |trade| trade.value)),
            "Q": text(order.wish.quote),
            "V": "NONE",
        });
        if order.is_working {
            add(&mut event, json!({ "W": order.created.millis() }));
        }
        event
    }

    /// Base and quote of the order's symbol.
    fn account_position(self, order: &Record) -> Value {
        let instrument = self.market.table.get(order.wish.instrument);
        let assets = instrument.map(|known| [known.base, known.quote]);
        let balances: Vec<Value> =
            assets.into_iter().flatten().map(|asset| self.balance(asset)).collect();
        json!({
            "e": "outboundAccountPosition",
            "E": self.at.millis(),
            "u": self.at.millis(),
            "B": balances,
        })
    }

    fn balance(self, asset: AssetId) -> Value {
        json!({
            "a": self.market.table.code(asset),
            "f": text(self.desk.free(self.market, asset)),
            "l": text(self.desk.locked(self.market, asset)),
        })
    }

    fn order_trade_update(self, order: &Record, step: Step) -> Value {
        let trade = self.trade(step);
        let is_forced = order.client.starts_with("autoclose-");
        let execution = if is_forced { "CALCULATED" } else { step.word(BinanceMarket::UsdFutures) };
        json!({
            "e": "ORDER_TRADE_UPDATE",
            "E": self.at.millis(),
            "T": self.at.millis(),
            "o": {
                "s": self.market.name(order.wish.instrument),
                "c": order.client,
                "S": side_word(order.wish.side),
                "o": order.wish.kind.word(),
                "f": order.wish.lifetime.word(),
                "q": text(order.quantity),
                "p": text(order.price),
                "ap": text(order.average()),
                "sp": text(order.wish.trigger),
                "x": execution,
                "X": order.status.word(),
                "i": order.number,
                "l": text(trade.map_or_else(Default::default, |trade| trade.quantity)),
                "z": text(order.executed),
                "L": text(trade.map_or_else(Default::default, |trade| trade.price)),
                "N": trade.map(|trade| trade.fee_asset.as_str()),
                "n": trade.map(|trade| text(trade.fee)),
                "T": self.at.millis(),
                "t": trade.map_or(0, |trade| trade.number),
                "b": "0",
                "a": "0",
                "m": trade.is_some_and(Execution::is_maker),
                "R": order.wish.reduce_only,
                "wt": "CONTRACT_PRICE",
                "ot": order.wish.kind.word(),
                "ps": "BOTH",
                "cp": false,
                "rp": text(trade.map_or_else(Default::default, |trade| trade.profit)),
                "pP": false,
                "si": 0,
                "ss": 0,
                "V": "NONE",
                "pm": "NONE",
                "gtd": 0,
            },
        })
    }

    fn account_update(self, order: &Record) -> Value {
        let instrument = order.wish.instrument;
        let settlement = self.market.table.get(instrument).map(|known| known.settlement);
        let settlement = settlement.unwrap_or_default();
        let wallet = text(self.desk.total(settlement));
        let position = self.desk.positions.get(instrument.index()).copied().unwrap_or_default();
        json!({
            "e": "ACCOUNT_UPDATE",
            "E": self.at.millis(),
            "T": self.at.millis(),
            "a": {
                "m": "ORDER",
                "B": [{
                    "a": self.market.table.code(settlement), "wb": wallet, "cw": wallet, "bc": "0",
                }],
                "P": [{
                    "s": self.market.name(instrument),
                    "pa": text(position.quantity),
                    "ep": text(position.entry()),
                    "bep": text(position.entry()),
                    "cr": "0",
                    "up": "0",
                    "mt": "cross",
                    "iw": "0",
                    "ps": "BOTH",
                }],
            },
        })
    }

    /// What a conditional order of futures has come to; none for other orders and steps.
    fn algo_update(self, order: &Record, step: Step) -> Option<Value> {
        let algo = order.algo?;
        let status = match step {
            Step::New => "NEW",
            Step::Triggered => "TRIGGERED",
            Step::Canceled if !order.is_working => "CANCELED",
            Step::Expired if !order.is_working => "EXPIRED",
            Step::Trade(_) if !order.status.is_open() => "FINISHED",
            Step::Trade(_) | Step::Canceled | Step::Amended | Step::Expired => return None,
        };
        let actual = if order.is_working { order.number.to_string() } else { String::new() };
        Some(json!({
            "e": "ALGO_UPDATE",
            "E": self.at.millis(),
            "T": self.at.millis(),
            "o": {
                "caid": order.client,
                "aid": algo,
                "at": "CONDITIONAL",
                "o": order.wish.kind.word(),
                "s": self.market.name(order.wish.instrument),
                "S": side_word(order.wish.side),
                "ps": "BOTH",
                "f": order.wish.lifetime.word(),
                "q": text(order.quantity),
                "X": status,
                "ai": actual,
                "ap": text(order.average()),
                "aq": text(order.executed),
                "act": "0",
                "tp": text(order.wish.trigger),
                "p": text(order.price),
                "V": "NONE",
                "wt": "CONTRACT_PRICE",
                "pm": "NONE",
                "cp": false,
                "pP": false,
                "R": order.wish.reduce_only,
                "tt": 0,
                "gtd": 0,
            },
        }))
    }

    fn trade(&self, step: Step) -> Option<&Execution> {
        match step {
            Step::Trade(index) => self.desk.trades.get(index),
            Step::New | Step::Triggered | Step::Canceled | Step::Amended | Step::Expired => None,
        }
    }
}
