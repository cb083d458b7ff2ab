use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use rust_decimal::Decimal;

use super::candles::Candles;
use super::config::{ExchangeConfig, ExchangeError};
use super::ladder::{Change, Ladder};
use super::number::{count, units};
use super::source::{Prices, Source, Tick, usual_steps};
use crate::types::{
    Book, BookLevel, Instrument, InstrumentId, InstrumentKind, Instruments, MarketEvent, Print,
    Side, Timestamp, to_f64,
};
use crate::venue::binance::BinanceMarket;

/// Public trades that are kept of each symbol.
const KEPT_TRADES: usize = 1_000;

/// The speeds of the depth streams, in milliseconds.
pub(super) const SPEEDS: [i64; 4] = [100, 250, 500, 1_000];

/// One market: its symbols, as everybody sees them.
#[derive(Clone, Debug)]
pub(super) struct Market {
    pub(super) kind: BinanceMarket,
    pub(super) table: Instruments,
    pub(super) symbols: Vec<Symbol>,
}

impl Market {
    /// The market at its opening, with the past that `klines` tell of.
    pub(super) fn new(
        at: Timestamp,
        kind: BinanceMarket,
        config: &ExchangeConfig,
    ) -> Result<Self, ExchangeError> {
        let mut table = Instruments::new();
        let mut symbols = Vec::new();
        for symbol in config.symbols.iter().filter(|symbol| symbol.market == kind) {
            let id = table.add(symbol.instrument.clone())?;
            let Some(instrument) = table.get(id) else { continue };
            let expected = match kind {
                BinanceMarket::Spot => InstrumentKind::Spot,
                BinanceMarket::UsdFutures => InstrumentKind::LinearPerpetual,
            };
            if instrument.kind != expected {
                return Err(ExchangeError::Kind { symbol: instrument.symbol });
            }
            // Each symbol of each market has a walk of its own.
            let place = u64::from(id.0) + if kind == BinanceMarket::Spot { 0 } else { 1 << 32 };
            let seed = config.seed ^ place.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            symbols.push(Symbol::new(at, instrument, &symbol.prices, config, seed));
        }
        Ok(Self { kind, table, symbols })
    }

    pub(super) fn find(&self, symbol: &str) -> Option<&Symbol> {
        self.symbols.iter().find(|known| known.instrument.symbol.as_str() == symbol)
    }

    pub(super) fn get(&self, id: InstrumentId) -> Option<&Symbol> {
        self.symbols.get(id.index())
    }

    pub(super) fn get_mut(&mut self, id: InstrumentId) -> Option<&mut Symbol> {
        self.symbols.get_mut(id.index())
    }

    pub(super) fn name(&self, id: InstrumentId) -> &str {
        self.get(id).map_or("", |symbol| symbol.instrument.symbol.as_str())
    }
}

/// A trade as everybody sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PublicTrade {
    pub(super) number: u64,
    pub(super) tick: Tick,
}

/// What one symbol shows.
#[derive(Clone, Debug)]
pub(super) struct Symbol {
    pub(super) instrument: Instrument,
    pub(super) source: Source,
    pub(super) ladder: Ladder,
    pub(super) candles: Candles,
    pub(super) trades: VecDeque<PublicTrade>,
    /// The last price, in ticks.
    pub(super) last: i64,
    next_trade: u64,
    diffs: [Diff; SPEEDS.len()],
}

impl Symbol {
    fn new(
        at: Timestamp,
        instrument: &Instrument,
        prices: &Prices,
        config: &ExchangeConfig,
        seed: u64,
    ) -> Self {
        let mut source = Source::new(instrument, prices, (at, config.interval), seed);
        let quarter = Duration::from_secs(15);
        let past = source.past(at, config.history_minutes.saturating_mul(4), quarter);
        let first = source.peek().map_or(1, |tick| tick.price);
        let price = units(first, instrument.tick);
        let mut ladder = Ladder::new(first, usual_steps(instrument, price), seed ^ 1);
        ladder.centre(first, Side::Buy);
        let mut symbol = Self {
            instrument: instrument.clone(),
            source,
            ladder,
            candles: Candles::new(),
            trades: VecDeque::new(),
            last: first,
            next_trade: 1,
            diffs: core::array::from_fn(|_| Diff::default()),
        };
        let previous = symbol.ladder.last_update;
        symbol.diffs.iter_mut().for_each(|diff| diff.previous = previous);
        for tick in past {
            symbol.trade(tick);
        }
        symbol
    }

    pub(super) fn price(&self, ticks: i64) -> Decimal {
        units(ticks, self.instrument.tick)
    }

    pub(super) fn quantity(&self, steps: i64) -> Decimal {
        units(steps, self.instrument.step)
    }

    pub(super) fn last_price(&self) -> Decimal {
        self.price(self.last)
    }

    /// The price that values positions: the middle of the book.
    pub(super) fn mark(&self) -> Decimal {
        let best = [Side::Buy, Side::Sell].map(|side| self.ladder.best(side));
        match best {
            [Some((bid, _)), Some((ask, _))] => {
                let two = Decimal::TWO;
                super::number::over(self.price(bid.saturating_add(ask)), two)
            }
            _ => self.last_price(),
        }
    }

    /// The market trades: the book follows.
    pub(super) fn print(&mut self, tick: Tick) -> PublicTrade {
        let before = self.ladder.last_update;
        let changes = self.ladder.centre(tick.price, tick.taker);
        self.changed(before, &changes);
        self.trade(tick)
    }

    /// An order of an account has traded; a taker's quantity is missing from the book.
    pub(super) fn own_trade(&mut self, tick: Tick, takes: bool) -> PublicTrade {
        if takes {
            let before = self.ladder.last_update;
            let change = self.ladder.take(tick.taker, tick.price, tick.steps);
            self.changed(before, change.as_slice());
        }
        self.trade(tick)
    }

    /// In ticks and steps.
    pub(super) fn tick(
        &self,
        at: Timestamp,
        price: Decimal,
        quantity: Decimal,
        taker: Side,
    ) -> Option<Tick> {
        let price = count(price, self.instrument.tick)?;
        let steps = count(quantity, self.instrument.step)?;
        Some(Tick { at, price, steps, taker })
    }

    fn trade(&mut self, tick: Tick) -> PublicTrade {
        let trade = PublicTrade { number: self.next_trade, tick };
        self.next_trade += 1;
        self.last = tick.price;
        self.candles.trade(&tick, trade.number);
        self.trades.push_back(trade);
        if self.trades.len() > KEPT_TRADES {
            self.trades.pop_front();
        }
        trade
    }

    fn changed(&mut self, before: u64, changes: &[Change]) {
        for diff in &mut self.diffs {
            diff.add(before, changes);
        }
    }

    /// What the book's changes since the last call come to, at the speed of this index.
    pub(super) fn flush(&mut self, speed: usize) -> Option<Flushed> {
        let last = self.ladder.last_update;
        self.diffs.get_mut(speed)?.flush(last)
    }

    /// The print as the venue of an account takes it.
    pub(super) fn print_event(&self, tick: &Tick) -> MarketEvent {
        MarketEvent::Print(Print {
            instrument: self.instrument.id,
            price: to_f64(self.price(tick.price)),
            quantity: to_f64(self.quantity(tick.steps)),
            taker: Some(tick.taker),
        })
    }

    /// The book as the venue of an account takes it.
    pub(super) fn book_event(&self) -> MarketEvent {
        let [bids, asks] = [Side::Buy, Side::Sell].map(|side| {
            let levels = self.ladder.levels(side).into_iter();
            let level = |(price, steps)| BookLevel {
                price: to_f64(self.price(price)),
                quantity: to_f64(self.quantity(steps)),
            };
            levels.map(level).collect()
        });
        MarketEvent::Book(Box::new(Book { instrument: self.instrument.id, bids, asks }))
    }
}

/// Changes of a book since a depth stream has last told of them.
#[derive(Clone, Debug, Default)]
struct Diff {
    bids: BTreeMap<i64, i64>,
    asks: BTreeMap<i64, i64>,
    first: Option<u64>,
    previous: u64,
}

/// What a depth stream tells: levels as price and quantity, in ticks and steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flushed {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) previous: u64,
    pub(super) bids: Vec<(i64, i64)>,
    pub(super) asks: Vec<(i64, i64)>,
}

impl Diff {
    fn add(&mut self, before: u64, changes: &[Change]) {
        for change in changes {
            self.first.get_or_insert(before + 1);
            let levels = match change.side {
                Side::Buy => &mut self.bids,
                Side::Sell => &mut self.asks,
            };
            levels.insert(change.price, change.steps);
        }
    }

    fn flush(&mut self, last: u64) -> Option<Flushed> {
        let first = self.first.take()?;
        let bids = core::mem::take(&mut self.bids).into_iter().rev().collect();
        let asks = core::mem::take(&mut self.asks).into_iter().collect();
        let previous = core::mem::replace(&mut self.previous, last);
        Some(Flushed { first, last, previous, bids, asks })
    }
}
