use core::fmt;
use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::config::{Account, ExchangeConfig, ExchangeError};
use super::market::Market;
use super::number::{minus, over, plus, times};
use super::order::{Execution, Record};
use super::pair::Pair;
use crate::account::{MarginTerms, MarginTiers};
use crate::sim::{FeeSchedule, SimConfig, SimVenue};
use crate::types::{AssetId, InstrumentId, InstrumentKind, Label, Side, Timestamp};
use crate::venue::binance::{BinanceMarket, VerifyingKey};

/// An account with its books in both markets.
#[derive(Clone)]
pub(super) struct Trader {
    pub(super) key: String,
    pub(super) verifying: VerifyingKey,
    pub(super) desks: Pair<Desk>,
    pub(super) listen_key: Option<ListenKey>,
    /// When all futures orders of an instrument are cancelled.
    pub(super) countdowns: BTreeMap<InstrumentId, Timestamp>,
}

/// Keys are not shown.
impl fmt::Debug for Trader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Trader").field("desks", &self.desks).finish_non_exhaustive()
    }
}

/// The key of a stream of futures user data.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ListenKey {
    pub(super) text: String,
    pub(super) expires_at: Timestamp,
}

impl Trader {
    pub(super) fn new(
        account: &Account,
        config: &ExchangeConfig,
        markets: &Pair<Market>,
    ) -> Result<Self, ExchangeError> {
        let key = account.key.clone();
        let verifying = account.verifying.clone();
        let refused = |source| ExchangeError::Key { key: key.clone(), source };
        let verifying = verifying.map_err(refused)?;
        let spot = Desk::new(&account.spot, config, markets.of(BinanceMarket::Spot))?;
        let futures = Desk::new(&account.futures, config, markets.of(BinanceMarket::UsdFutures))?;
        Ok(Self {
            key,
            verifying,
            desks: Pair::new(spot, futures),
            listen_key: None,
            countdowns: BTreeMap::new(),
        })
    }
}

/// What an account has in one market.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    pub(super) venue: SimVenue,
    /// All orders, by number.
    pub(super) orders: Vec<Record>,
    pub(super) trades: Vec<Execution>,
    /// The futures positions, by instrument.
    pub(super) positions: Vec<Position>,
}

/// A futures position: quantity and cost are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) quantity: Decimal,
    pub(super) cost: Decimal,
    pub(super) leverage: u32,
    pub(super) updated_millis: i64,
}

impl Position {
    /// Price at which it was opened, zero without one.
    pub(super) fn entry(&self) -> Decimal {
        over(self.cost, self.quantity).round_dp(8)
    }

    /// Books a trade; gives the profit that it realises.
    pub(super) fn trade(&mut self, signed: Decimal, price: Decimal) -> Decimal {
        let opposite = Side::of(self.quantity).is_some_and(|side| Some(side) != Side::of(signed));
        if !opposite {
            self.quantity = plus(self.quantity, signed);
            self.cost = plus(self.cost, times(signed, price));
            return Decimal::ZERO;
        }
        let entry = over(self.cost, self.quantity);
        let closed = signed.abs().min(self.quantity.abs());
        let closing = if signed.is_sign_negative() { -closed } else { closed };
        self.quantity = plus(self.quantity, closing);
        self.cost = if self.quantity.is_zero() {
            Decimal::ZERO
        } else {
            plus(self.cost, times(closing, entry))
        };
        let rest = minus(signed, closing);
        if !rest.is_zero() {
            self.quantity = rest;
            self.cost = times(rest, price);
        }
        times(-closing, minus(price, entry)).round_dp(8)
    }
}

impl Desk {
    fn new(
        balances: &[(Label, Decimal)],
        config: &ExchangeConfig,
        market: &Market,
    ) -> Result<Self, ExchangeError> {
        let fees = FeeSchedule::flat(config.maker_fee, config.taker_fee);
        let mut sim = SimConfig::default().with_seed(config.seed).with_fees(fees);
        for asset in market.table.assets() {
            let own = balances.iter().filter(|(code, _)| *code == asset.code);
            let amount = own.fold(Decimal::ZERO, |sum, (_, amount)| plus(sum, *amount));
            sim = sim.with_balance(asset.code.as_str(), amount);
        }
        for instrument in market.table.iter() {
            if instrument.kind == InstrumentKind::LinearPerpetual
                && let Ok(tiers) = MarginTiers::flat(Decimal::new(5, 2), Decimal::new(25, 3))
            {
                let terms = MarginTerms::new(tiers);
                sim = sim.with_margin(instrument.symbol.as_str(), terms);
            }
        }
        let mut venue = SimVenue::new(&market.table, sim)?;
        for symbol in &market.symbols {
            venue.on_market(Timestamp::EPOCH, &symbol.book_event());
        }
        let position = Position { leverage: 20, ..Position::default() };
        let positions = vec![position; market.symbols.len()];
        Ok(Self { venue, orders: Vec::new(), trades: Vec::new(), positions })
    }

    pub(super) fn find(&self, number: u64) -> Option<usize> {
        self.orders.binary_search_by_key(&number, |order| order.number).ok()
    }

    pub(super) fn get(&self, number: u64) -> Option<&Record> {
        self.orders.get(self.find(number)?)
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Record> {
        let index = self.find(number)?;
        self.orders.get_mut(index)
    }

    /// The last order of a symbol that was sent under a client id, open ones first.
    pub(super) fn find_client(&self, instrument: InstrumentId, client: &str) -> Option<u64> {
        let own = |order: &&Record| order.wish.instrument == instrument && order.client == client;
        let found = self.orders.iter().rev().filter(own);
        let open = found.clone().find(|order| order.status.is_open());
        open.or_else(|| found.clone().next()).map(|order| order.number)
    }

    pub(super) fn open(&self, instrument: Option<InstrumentId>) -> impl Iterator<Item = &Record> {
        self.orders.iter().filter(move |order| {
            order.status.is_open()
                && instrument.is_none_or(|instrument| order.wish.instrument == instrument)
        })
    }

    pub(super) fn total(&self, asset: AssetId) -> Decimal {
        self.venue.balance(asset).unwrap_or_default()
    }

    /// What the open orders of a spot account have reserved of an asset. Of the two legs of a
    /// list only the first counts: one of them alone can fill.
    pub(super) fn locked(&self, market: &Market, asset: AssetId) -> Decimal {
        let mut seen = Vec::new();
        let mut locked = Decimal::ZERO;
        for order in self.open(None) {
            if let Some(list) = order.list {
                if seen.contains(&list) {
                    continue;
                }
                seen.push(list);
            }
            locked = plus(locked, reserved(market, order, asset));
        }
        locked
    }

    pub(super) fn free(&self, market: &Market, asset: AssetId) -> Decimal {
        minus(self.total(asset), self.locked(market, asset)).max(Decimal::ZERO)
    }
}

/// What one order reserves of an asset.
fn reserved(market: &Market, order: &Record, asset: AssetId) -> Decimal {
    let Some(instrument) = market.table.get(order.wish.instrument) else { return Decimal::ZERO };
    let price = if order.price.is_zero() { order.wish.trigger } else { order.price };
    match order.wish.side {
        Side::Buy if instrument.quote == asset => times(order.remaining(), price),
        Side::Sell if instrument.base == asset => order.remaining(),
        Side::Buy | Side::Sell => Decimal::ZERO,
    }
}
