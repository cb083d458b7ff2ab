//! From the market to orders and from reports to events: what happens by itself.

use rust_decimal::Decimal;

use super::events::Step;
use super::number::{plus, times};
use super::order::{Execution, Kind, Lifetime, Record, Status, Wish};
use super::pair::MARKETS;
use super::state::{ExchangeState, next_beat};
use crate::types::{FillReport, InstrumentId, Liquidity, OrderReport, OrderUpdate, Timestamp};
use crate::venue::binance::BinanceMarket;

impl ExchangeState {
    /// The next print of a symbol: accounts' orders see it, then the book that follows it.
    pub(super) fn trade_next(&mut self, market: BinanceMarket, id: InstrumentId) {
        let now = self.now;
        let Some(symbol) = self.markets.of_mut(market).get_mut(id) else { return };
        let Some(tick) = symbol.source.take() else { return };
        let closed = symbol.candles.roll(now);
        let trade = symbol.print(tick);
        let print = symbol.print_event(&tick);
        self.tell_closed(market, id, &closed);
        self.tell_trade(market, id, &trade);
        for account in 0..self.traders.len() {
            if let Some(trader) = self.traders.get_mut(account) {
                trader.desks.of_mut(market).venue.on_market(now, &print);
            }
            self.collect(account, market);
            self.match_book(account, market, id);
        }
    }

    /// Lets the orders of an account meet the book as it stands.
    pub(super) fn match_book(&mut self, account: usize, market: BinanceMarket, id: InstrumentId) {
        let Some(symbol) = self.markets.of(market).get(id) else { return };
        let book = symbol.book_event();
        if let Some(trader) = self.traders.get_mut(account) {
            trader.desks.of_mut(market).venue.on_market(self.now, &book);
        }
        self.collect(account, market);
    }

    /// What is done ten times a second.
    pub(super) fn beat(&mut self) {
        for market in MARKETS {
            for index in 0..self.markets.of(market).symbols.len() {
                let id = u32::try_from(index).map(InstrumentId).unwrap_or_default();
                self.tell_beat(market, id);
            }
        }
        self.keep_connections();
        let now = self.now;
        self.expire_listen_keys(now);
        self.end_countdowns();
        self.next_beat = next_beat(now);
    }

    /// Takes over what the venue of an account reports.
    pub(super) fn collect(&mut self, account: usize, market: BinanceMarket) {
        while let Some(trader) = self.traders.get_mut(account)
            && let Some((_, update)) = trader.desks.of_mut(market).venue.poll()
        {
            self.apply(account, market, &update);
        }
    }

    fn apply(&mut self, account: usize, market: BinanceMarket, update: &OrderUpdate) {
        let number = update.order.sequence();
        let now = self.now;
        if let OrderReport::Liquidated(fill) = update.report {
            self.liquidated(account, market, update, &fill);
            return;
        }
        let Some(trader) = self.traders.get_mut(account) else { return };
        let Some(order) = trader.desks.of_mut(market).get_mut(number) else { return };
        order.updated = now;
        let step = match update.report {
            OrderReport::Accepted => Step::New,
            OrderReport::Rejected(reason) => {
                order.refusal = Some(reason);
                let was_open = order.is_reported;
                order.status = if was_open { Status::Expired } else { Status::Rejected };
                if !was_open {
                    return;
                }
                Step::Expired
            }
            OrderReport::Fill(fill) => {
                self.filled(account, market, number, &fill);
                return;
            }
            OrderReport::Cancelled if order.is_cancelling => {
                order.status = Status::Canceled;
                Step::Canceled
            }
            // By the other leg of a list, or because nothing was left to be filled at once.
            OrderReport::Cancelled | OrderReport::Expired => {
                let is_linked = order.list.is_some();
                order.status = if is_linked { Status::Canceled } else { Status::Expired };
                if is_linked { Step::Canceled } else { Step::Expired }
            }
            OrderReport::Amended { quantity, price } => {
                order.quantity = quantity.value();
                if let Some(price) = price.filter(|_| order.wish.kind.has_price()) {
                    order.price = price.value();
                }
                order.amendments += 1;
                Step::Amended
            }
            OrderReport::Triggered => {
                order.is_working = true;
                Step::Triggered
            }
            OrderReport::ChangeRefused(reason) => {
                order.refusal = Some(reason);
                return;
            }
            _ => return,
        };
        order.is_reported = true;
        self.tell_order(account, market, number, step);
    }

    fn filled(&mut self, account: usize, market: BinanceMarket, number: u64, fill: &FillReport) {
        let Some(order) = self.order(account, market, number) else { return };
        let (id, side) = (order.wish.instrument, order.wish.side);
        let takes = fill.liquidity == Liquidity::Taker;
        let taker = if takes { side } else { side.opposite() };
        let now = self.now;
        let (price, quantity) = (fill.price.value(), fill.quantity.value());
        let markets = self.markets.of_mut(market);
        let fee_asset = markets.table.code(fill.fee.asset).to_owned();
        let Some(symbol) = markets.get_mut(id) else { return };
        let tick = symbol.tick(now, price, quantity, taker);
        let trade = tick.map(|tick| symbol.own_trade(tick, takes));
        let public = trade.map_or(0, |trade| trade.number);
        let value = times(price, quantity);
        let Some(trader) = self.traders.get_mut(account) else { return };
        let desk = trader.desks.of_mut(market);
        let mut profit = Decimal::ZERO;
        if market == BinanceMarket::UsdFutures
            && let Some(position) = desk.positions.get_mut(id.index())
        {
            profit = position.trade(side.signed(quantity), price);
            position.updated_millis = now.millis();
        }
        let index = desk.trades.len();
        desk.trades.push(Execution {
            number: public,
            order: number,
            instrument: id,
            side,
            price,
            quantity,
            value,
            fee: fill.fee.amount,
            fee_asset,
            profit,
            liquidity: fill.liquidity,
            at: now,
        });
        if let Some(order) = desk.get_mut(number) {
            order.executed = plus(order.executed, quantity);
            order.value = plus(order.value, value);
            order.trades.push(index);
            order.updated = now;
            order.is_working = true;
            order.status = match order.remaining().is_zero() {
                true => Status::Filled,
                false => Status::PartiallyFilled,
            };
        }
        if let Some(trade) = trade {
            self.tell_trade(market, id, &trade);
        }
        self.tell_order(account, market, number, Step::Trade(index));
    }

    /// The venue has closed a position whose margin was used up: an order of its own.
    fn liquidated(
        &mut self,
        account: usize,
        market: BinanceMarket,
        update: &OrderUpdate,
        fill: &FillReport,
    ) {
        let number = self.next_number();
        let client = format!("autoclose-{}", self.now.millis());
        let quantity = fill.quantity.value();
        let wish = Wish {
            instrument: update.instrument,
            side: update.side,
            kind: Kind::Limit,
            lifetime: Lifetime::Ioc,
            client: Some(client.clone()),
            price: fill.price.value(),
            trigger: Decimal::ZERO,
            quantity,
            quote: Decimal::ZERO,
            reduce_only: true,
            callback: Decimal::ZERO,
        };
        let order = Record::new(number, client, wish, self.now);
        if let Some(trader) = self.traders.get_mut(account) {
            trader.desks.of_mut(market).orders.push(order);
        }
        self.filled(account, market, number, fill);
    }

    pub(super) fn order(
        &self,
        account: usize,
        market: BinanceMarket,
        number: u64,
    ) -> Option<&Record> {
        self.traders.get(account)?.desks.of(market).get(number)
    }
}

impl Record {
    /// An order as it comes in.
    pub(super) fn new(number: u64, client: String, wish: Wish, at: Timestamp) -> Self {
        Self {
            number,
            client,
            quantity: wish.quantity,
            price: wish.price,
            executed: Decimal::ZERO,
            value: Decimal::ZERO,
            status: Status::New,
            created: at,
            updated: at,
            is_working: !wish.kind.has_trigger(),
            is_reported: false,
            is_cancelling: false,
            trades: Vec::new(),
            amendments: 0,
            request: None,
            refusal: None,
            algo: None,
            list: None,
            wish,
        }
    }
}
