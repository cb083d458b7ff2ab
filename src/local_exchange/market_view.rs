//! Public market data as answers and stream events.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::candles::{Candle, INTERVALS, MINUTE};
use super::market::{Flushed, PublicTrade, Symbol};
use super::number::{minus, over, text, times};
use crate::types::{Side, Timestamp};
use crate::venue::binance::BinanceMarket;

/// Time between two payments of funding.
pub(super) const FUNDING_MILLIS: i64 = 8 * 3_600_000;

/// The funding rate that futures tell.
pub(super) const FUNDING_RATE: &str = "0.00010000";

impl Symbol {
    pub(super) fn name(&self) -> &str {
        self.instrument.symbol.as_str()
    }

    pub(super) fn depth(&self, market: BinanceMarket, at: Timestamp, limit: usize) -> Value {
        let [bids, asks] = [Side::Buy, Side::Sell].map(|side| {
            let levels = self.ladder.levels(side);
            self.levels(levels.get(..limit).unwrap_or(&levels))
        });
        let last = self.ladder.last_update;
        let millis = at.millis();
        match market {
            BinanceMarket::Spot => json!({ "lastUpdateId": last, "bids": bids, "asks": asks }),
            BinanceMarket::UsdFutures => json!({
                "lastUpdateId": last, "E": millis, "T": millis, "bids": bids, "asks": asks,
            }),
        }
    }

    /// The best levels of both sides, bids first.
    pub(super) fn top(&self, count: usize) -> [Vec<(i64, i64)>; 2] {
        [Side::Buy, Side::Sell].map(|side| {
            let mut levels = self.ladder.levels(side);
            levels.truncate(count);
            levels
        })
    }

    fn levels(&self, levels: &[(i64, i64)]) -> Value {
        let level = |(price, steps): &(i64, i64)| {
            json!([text(self.price(*price)), text(self.quantity(*steps))])
        };
        levels.iter().map(level).collect()
    }

    /// `depthUpdate`.
    pub(super) fn depth_event(
        &self,
        market: BinanceMarket,
        at: Timestamp,
        diff: &Flushed,
    ) -> Value {
        let mut event = json!({
            "e": "depthUpdate",
            "E": at.millis(),
            "s": self.name(),
            "U": diff.first,
            "u": diff.last,
            "b": self.levels(&diff.bids),
            "a": self.levels(&diff.asks),
        });
        if market == BinanceMarket::UsdFutures {
            add(&mut event, json!({ "T": at.millis(), "pu": diff.previous }));
        }
        event
    }

    pub(super) fn book_ticker(&self, market: BinanceMarket, at: Timestamp) -> Value {
        let [bid, ask] = [Side::Buy, Side::Sell].map(|side| self.ladder.best(side));
        let [(bid, bid_steps), (ask, ask_steps)] = [bid, ask].map(Option::unwrap_or_default);
        let mut row = json!({
            "symbol": self.name(),
            "bidPrice": text(self.price(bid)),
            "bidQty": text(self.quantity(bid_steps)),
            "askPrice": text(self.price(ask)),
            "askQty": text(self.quantity(ask_steps)),
        });
        if market == BinanceMarket::UsdFutures {
            let last = self.ladder.last_update;
            add(&mut row, json!({ "time": at.millis(), "lastUpdateId": last }));
        }
        row
    }

    /// The event `bookTicker`.
    pub(super) fn book_ticker_event(&self, market: BinanceMarket, at: Timestamp) -> Value {
        let [bid, ask] = [Side::Buy, Side::Sell].map(|side| self.ladder.best(side));
        let [(bid, bid_steps), (ask, ask_steps)] = [bid, ask].map(Option::unwrap_or_default);
        let mut event = json!({
            "u": self.ladder.last_update,
            "s": self.name(),
            "b": text(self.price(bid)),
            "B": text(self.quantity(bid_steps)),
            "a": text(self.price(ask)),
            "A": text(self.quantity(ask_steps)),
        });
        if market == BinanceMarket::UsdFutures {
            add(&mut event, json!({ "e": "bookTicker", "E": at.millis(), "T": at.millis() }));
        }
        event
    }

    /// A row of `trades`.
    pub(super) fn trade_row(&self, trade: &PublicTrade) -> Value {
        let (price, quantity) = self.terms(trade);
        json!({
            "id": trade.number,
            "price": text(price),
            "qty": text(quantity),
            "quoteQty": text(times(price, quantity)),
            "time": trade.tick.at.millis(),
            "isBuyerMaker": trade.tick.taker == Side::Sell,
            "isBestMatch": true,
        })
    }

    /// A row of `aggTrades`: each trade stands alone.
    pub(super) fn aggregate_row(&self, trade: &PublicTrade) -> Value {
        let (price, quantity) = self.terms(trade);
        json!({
            "a": trade.number,
            "p": text(price),
            "q": text(quantity),
            "f": trade.number,
            "l": trade.number,
            "T": trade.tick.at.millis(),
            "m": trade.tick.taker == Side::Sell,
            "M": true,
        })
    }

    /// The event `trade`.
    pub(super) fn trade_event(&self, market: BinanceMarket, trade: &PublicTrade) -> Value {
        let (price, quantity) = self.terms(trade);
        let millis = trade.tick.at.millis();
        let mut event = json!({
            "e": "trade",
            "E": millis,
            "s": self.name(),
            "t": trade.number,
            "p": text(price),
            "q": text(quantity),
            "T": millis,
            "m": trade.tick.taker == Side::Sell,
        });
        add(
            &mut event,
            match market {
                BinanceMarket::Spot => json!({ "M": true }),
                BinanceMarket::UsdFutures => json!({ "X": "MARKET" }),
            },
        );
        event
    }

    /// The event `aggTrade`.
    pub(super) fn aggregate_event(&self, market: BinanceMarket, trade: &PublicTrade) -> Value {
        let mut event = self.aggregate_row(trade);
        let millis = trade.tick.at.millis();
        add(&mut event, json!({ "e": "aggTrade", "E": millis, "s": self.name() }));
        if market == BinanceMarket::UsdFutures {
            let (_, quantity) = self.terms(trade);
            add(&mut event, json!({ "nq": text(quantity) }));
        }
        event
    }

    fn terms(&self, trade: &PublicTrade) -> (Decimal, Decimal) {
        (self.price(trade.tick.price), self.quantity(trade.tick.steps))
    }

    /// Value of so many ticks times steps.
    fn value(&self, product: i128) -> Decimal {
        let unit = times(self.instrument.tick, self.instrument.step);
        Decimal::try_from_i128_with_scale(product, 0).map_or(Decimal::MAX, |n| times(n, unit))
    }

    /// A row of `klines`.
    pub(super) fn candle_row(&self, interval: usize, candle: &Candle) -> Value {
        let close_at = close_millis(interval, candle);
        json!([
            candle.open_at * 1_000,
            text(self.price(candle.open)),
            text(self.price(candle.high)),
            text(self.price(candle.low)),
            text(self.price(candle.close)),
            text(self.quantity(candle.steps)),
            close_at,
            text(self.value(candle.value)),
            candle.trades,
            text(self.quantity(candle.taker_steps)),
            text(self.value(candle.taker_value)),
            "0",
        ])
    }

    /// The event `kline`.
    pub(super) fn candle_event(
        &self,
        at: Timestamp,
        interval: usize,
        candle: &Candle,
        is_closed: bool,
    ) -> Value {
        let word = INTERVALS.get(interval).map_or("", |(word, _)| *word);
        let is_empty = candle.trades == 0;
        let last = candle.first_trade + candle.trades.saturating_sub(1);
        json!({
            "e": "kline",
            "E": at.millis(),
            "s": self.name(),
            "k": {
                "t": candle.open_at * 1_000,
                "T": close_millis(interval, candle),
                "s": self.name(),
                "i": word,
                "f": if is_empty { json!(-1) } else { json!(candle.first_trade) },
                "L": if is_empty { json!(-1) } else { json!(last) },
                "o": text(self.price(candle.open)),
                "c": text(self.price(candle.close)),
                "h": text(self.price(candle.high)),
                "l": text(self.price(candle.low)),
                "v": text(self.quantity(candle.steps)),
                "n": candle.trades,
                "x": is_closed,
                "q": text(self.value(candle.value)),
                "V": text(self.quantity(candle.taker_steps)),
                "Q": text(self.value(candle.taker_value)),
                "B": "0",
            },
        })
    }

    pub(super) fn day(&self, at: Timestamp) -> Day {
        let from = at.millis() / 1_000 - 86_400;
        let minutes = self.candles.series(MINUTE).into_iter().flatten();
        let mut day = Day {
            open: self.last,
            high: self.last,
            low: self.last,
            last: self.last,
            steps: 0,
            value: 0,
            first: 0,
            trades: 0,
            from: from * 1_000,
            to: at.millis(),
        };
        for (index, minute) in minutes.filter(|minute| minute.open_at > from).enumerate() {
            if index == 0 {
                (day.open, day.high, day.low) = (minute.open, minute.high, minute.low);
                day.first = minute.first_trade;
            }
            day.high = day.high.max(minute.high);
            day.low = day.low.min(minute.low);
            day.steps = day.steps.saturating_add(minute.steps);
            day.value = day.value.saturating_add(minute.value);
            day.trades += minute.trades;
        }
        day
    }

    /// `ticker/24hr`.
    pub(super) fn day_row(&self, market: BinanceMarket, at: Timestamp) -> Value {
        let day = self.day(at);
        let [change, percent, average] = self.changes(&day);
        let mut row = json!({
            "symbol": self.name(),
            "priceChange": text(change),
            "priceChangePercent": format!("{percent:.3}"),
            "weightedAvgPrice": text(average),
            "lastPrice": text(self.price(day.last)),
            "lastQty": text(self.trades.back().map_or(Decimal::ZERO, |last| self.terms(last).1)),
            "openPrice": text(self.price(day.open)),
            "highPrice": text(self.price(day.high)),
            "lowPrice": text(self.price(day.low)),
            "volume": text(self.quantity(day.steps)),
            "quoteVolume": text(self.value(day.value)),
            "openTime": day.from,
            "closeTime": day.to,
            "firstId": day.first,
            "lastId": day.last_id(),
            "count": day.trades,
        });
        if market == BinanceMarket::Spot {
            let quote = self.book_ticker(market, at);
            add(&mut row, quote);
            add(&mut row, json!({ "prevClosePrice": text(self.price(day.open)) }));
        }
        row
    }

    /// The event `24hrTicker`.
    pub(super) fn day_event(&self, market: BinanceMarket, at: Timestamp) -> Value {
        let day = self.day(at);
        let [change, percent, average] = self.changes(&day);
        let mut event = self.mini_event(at);
        add(
            &mut event,
            json!({
                "e": "24hrTicker",
                "p": text(change),
                "P": format!("{percent:.3}"),
                "w": text(average),
                "Q": text(self.trades.back().map_or(Decimal::ZERO, |last| self.terms(last).1)),
                "O": day.from,
                "C": day.to,
                "F": day.first,
                "L": day.last_id(),
                "n": day.trades,
            }),
        );
        if market == BinanceMarket::Spot {
            let quote = self.book_ticker_event(market, at);
            for field in ["b", "B", "a", "A"] {
                add(&mut event, json!({ field: quote.get(field) }));
            }
            add(&mut event, json!({ "x": text(self.price(day.open)) }));
        }
        event
    }

    /// The event `24hrMiniTicker`.
    pub(super) fn mini_event(&self, at: Timestamp) -> Value {
        let day = self.day(at);
        json!({
            "e": "24hrMiniTicker",
            "E": at.millis(),
            "s": self.name(),
            "c": text(self.price(day.last)),
            "o": text(self.price(day.open)),
            "h": text(self.price(day.high)),
            "l": text(self.price(day.low)),
            "v": text(self.quantity(day.steps)),
            "q": text(self.value(day.value)),
        })
    }

    /// Change of the price, in percent, and the average price.
    fn changes(&self, day: &Day) -> [Decimal; 3] {
        let [open, last] = [day.open, day.last].map(|ticks| self.price(ticks));
        let change = minus(last, open);
        let percent = over(times(change, Decimal::ONE_HUNDRED), open).round_dp(3);
        let average = over(self.value(day.value), self.quantity(day.steps)).round_dp(8);
        [change, percent, average]
    }

    /// The average price of the last five minutes.
    pub(super) fn average(&self) -> Decimal {
        let minutes = self.candles.series(MINUTE).into_iter().flatten().rev().take(5);
        let (mut steps, mut value) = (0_i64, 0_i128);
        for minute in minutes {
            steps = steps.saturating_add(minute.steps);
            value = value.saturating_add(minute.value);
        }
        let average = over(self.value(value), self.quantity(steps));
        if average.is_zero() { self.last_price() } else { average.round_dp(8) }
    }

    /// `premiumIndex`.
    pub(super) fn premium_row(&self, at: Timestamp) -> Value {
        let mark = text(self.mark());
        json!({
            "symbol": self.name(),
            "markPrice": mark,
            "indexPrice": mark,
            "estimatedSettlePrice": mark,
            "lastFundingRate": FUNDING_RATE,
            "interestRate": FUNDING_RATE,
            "nextFundingTime": next_funding(at),
            "time": at.millis(),
        })
    }

    /// The event `markPriceUpdate`.
    pub(super) fn mark_event(&self, at: Timestamp) -> Value {
        let mark = text(self.mark());
        json!({
            "e": "markPriceUpdate",
            "E": at.millis(),
            "s": self.name(),
            "p": mark,
            "i": mark,
            "P": mark,
            "r": FUNDING_RATE,
            "T": next_funding(at),
        })
    }
}

/// The last 24 hours of a symbol, in ticks and steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Day {
    open: i64,
    high: i64,
    low: i64,
    last: i64,
    steps: i64,
    value: i128,
    first: u64,
    trades: u64,
    from: i64,
    to: i64,
}

impl Day {
    const fn last_id(&self) -> u64 {
        self.first + self.trades.saturating_sub(1)
    }
}

fn next_funding(at: Timestamp) -> i64 {
    (at.millis().div_euclid(FUNDING_MILLIS) + 1) * FUNDING_MILLIS
}

fn close_millis(interval: usize, candle: &Candle) -> i64 {
    let seconds = INTERVALS.get(interval).map_or(0, |(_, seconds)| *seconds);
    (candle.open_at + seconds) * 1_000 - 1
}

/// Adds the fields of one object to another.
pub(super) fn add(to: &mut Value, more: Value) {
    if let (Some(to), Value::Object(more)) = (to.as_object_mut(), more) {
        to.extend(more);
    }
}
