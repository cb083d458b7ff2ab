use core::time::Duration;

use rust_decimal::Decimal;

use super::number::{count, over};
use crate::sim::SplitMix64;
use crate::types::{Bar, Grid, Instrument, MarketEvent, Side, Timestamp};

/// Where the prices of a symbol come from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Prices {
    /// A seeded random walk that is drawn back to its start.
    Generated {
        /// The first price.
        start: Decimal,
        /// Standard deviation of one step, in basis points of the start.
        step_bp: f64,
    },
    /// What was recorded: prints as they are, bars as four prints each (open, low, high, close
    /// where it closed higher, else open, high, low, close). Its first event happens when the
    /// exchange opens; after the last one the market is silent.
    Recorded(Vec<(Timestamp, MarketEvent)>),
}

/// The largest price and quantity, in ticks and steps: sums of them stay far from overflow.
const MOST: i64 = 1_000_000_000_000_000;

/// One trade that the source tells of, in ticks and steps of the instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tick {
    pub(super) at: Timestamp,
    pub(super) price: i64,
    pub(super) steps: i64,
    pub(super) taker: Side,
}

/// The prices of one symbol, in order of time.
#[derive(Clone, Debug)]
pub(super) struct Source {
    random: SplitMix64,
    walk: Option<Walk>,
    recorded: std::vec::IntoIter<Tick>,
    next: Option<Tick>,
}

#[derive(Clone, Copy, Debug)]
struct Walk {
    start: i64,
    price: i64,
    deviation: f64,
    steps: i64,
    interval: Duration,
}

impl Source {
    /// `first` is when the market opens, `interval` the time between two generated prints.
    pub(super) fn new(
        instrument: &Instrument,
        prices: &Prices,
        (first, interval): (Timestamp, Duration),
        seed: u64,
    ) -> Self {
        let mut source = Self {
            random: SplitMix64::new(seed),
            walk: None,
            recorded: Vec::new().into_iter(),
            next: None,
        };
        match prices {
            Prices::Generated { start, step_bp } => {
                let ticks = count(*start, instrument.tick).unwrap_or(1).clamp(1, MOST);
                source.walk = Some(Walk {
                    start: ticks,
                    price: ticks,
                    deviation: ticks as f64 * step_bp.abs() / 10_000.0,
                    steps: usual_steps(instrument, *start),
                    interval,
                });
                source.next = source.step(first);
            }
            Prices::Recorded(events) => {
                source.recorded = ticks_of(instrument, events, first).into_iter();
                source.next = source.recorded.next();
            }
        }
        source
    }

    /// The next print, left where it is.
    pub(super) const fn peek(&self) -> Option<&Tick> {
        self.next.as_ref()
    }

    /// When the next print happens.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.next.map(|tick| tick.at)
    }

    /// The next print.
    pub(super) fn take(&mut self) -> Option<Tick> {
        let tick = self.next.take()?;
        self.next = match self.walk {
            Some(walk) => self.step(tick.at.after(walk.interval)),
            None => self.recorded.next(),
        };
        Some(tick)
    }

    /// Prints of the past for the history: `count` of them, the last before `first`.
    pub(super) fn past(&mut self, first: Timestamp, count: u32, interval: Duration) -> Vec<Tick> {
        let Some(walk) = self.walk else { return Vec::new() };
        let begin = first.before(interval.saturating_mul(count));
        // A longer step moves as far as the many short ones that it stands for.
        let ratio = interval.as_secs_f64() / walk.interval.as_secs_f64().max(1e-3);
        let calm = walk.deviation;
        self.walk = Some(Walk { deviation: calm * ratio.sqrt().min(30.0), ..walk });
        let ticks = (0..count).filter_map(|index| self.step(begin.after(interval * index)));
        let ticks: Vec<Tick> = ticks.collect();
        if let Some(walk) = &mut self.walk {
            walk.deviation = calm;
        }
        self.next = self.step(first);
        ticks
    }

    fn step(&mut self, at: Timestamp) -> Option<Tick> {
        let walk = self.walk.as_mut()?;
        // Twelve even numbers sum up to nearly a bell with deviation one.
        let bell: f64 = (0..12).map(|_| self.random.fraction()).sum::<f64>() - 6.0;
        let back = (walk.start - walk.price) as f64 * 0.001;
        let change = (bell * walk.deviation + back).round() as i64;
        walk.price = (walk.price + change).max(walk.start / 4 + 1);
        let taker = match (change > 0, change < 0, self.random.next() & 1) {
            (true, _, _) | (false, false, 0) => Side::Buy,
            (_, _, _) => Side::Sell,
        };
        let steps = (walk.steps as f64 * (0.1 + self.random.fraction())) as i64;
        Some(Tick { at, price: walk.price, steps: steps.max(1), taker })
    }
}

/// A usual quantity: worth about a thousand units of the quote currency.
pub(super) fn usual_steps(instrument: &Instrument, price: Decimal) -> i64 {
    let quantity = over(Decimal::ONE_THOUSAND, price);
    let least = count(instrument.min_quantity, instrument.step).unwrap_or(1);
    count(quantity, instrument.step).unwrap_or(1).max(least).clamp(1, MOST)
}

fn ticks_of(
    instrument: &Instrument,
    events: &[(Timestamp, MarketEvent)],
    first: Timestamp,
) -> Vec<Tick> {
    let origin = events.first().map_or(first, |(at, event)| match event {
        MarketEvent::Bar(bar) => opening(*at, bar),
        _ => *at,
    });
    let moved = |at: Timestamp| first.after(at.since(origin));
    let mut last = i64::MIN;
    let mut ticks = Vec::new();
    let mut push = |at: Timestamp, price: f64, quantity: f64, taker: Option<Side>| {
        let price = Grid::recover(price).and_then(|price| {
            let rounded = instrument.round_to_tick(price)?;
            count(rounded, instrument.tick)
        });
        let steps = Grid::recover(quantity).and_then(|units| count(units, instrument.step));
        let Some(price) = price.filter(|price| (1..=MOST).contains(price)) else { return };
        let taker = taker.unwrap_or(if price >= last { Side::Buy } else { Side::Sell });
        last = price;
        ticks.push(Tick { at: moved(at), price, steps: steps.unwrap_or(1).clamp(1, MOST), taker });
    };
    for (at, event) in events {
        match event {
            MarketEvent::Print(print) => push(*at, print.price, print.quantity, print.taker),
            MarketEvent::Bar(bar) => {
                let begin = opening(*at, bar);
                let part = at.since(begin) / 4;
                let path = match bar.close >= bar.open {
                    true => [bar.open, bar.low, bar.high, bar.close],
                    false => [bar.open, bar.high, bar.low, bar.close],
                };
                for (index, price) in (0_u32..).zip(path) {
                    push(begin.after(part * index), price, bar.volume / 4.0, None);
                }
            }
            _ => {}
        }
    }
    ticks.sort_by_key(|tick| tick.at);
    ticks
}

fn opening(close: Timestamp, bar: &Bar) -> Timestamp {
    close.before(bar.period.span().unwrap_or(Duration::ZERO))
}
