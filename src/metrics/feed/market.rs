use super::Names;
use crate::metrics::catalogue::market;
use crate::metrics::{CounterHandle, GaugeHandle, HistogramHandle, Meter};
use crate::types::{MarketEvent, Timestamp};

/// Market data: how many, of what, how old, at what price.
pub(super) struct MarketFeed<M: Meter> {
    types: [M::Counter; 7],
    last_event: M::Gauge,
    symbols: Vec<Option<SymbolFeed<M>>>,
}

struct SymbolFeed<M: Meter> {
    last_at: Timestamp,
    updates: M::Counter,
    age: M::Histogram,
    mark: M::Gauge,
}

const TYPES: [&str; 7] = ["bar", "print", "quote", "book", "funding", "mark", "custom"];

impl<M: Meter> MarketFeed<M> {
    pub(super) fn new(meter: &M, names: &Names) -> Self {
        let counter = |kind| meter.counter(&market::MARKET_EVENTS, &[kind]);
        Self {
            types: TYPES.map(counter),
            last_event: meter.gauge(&market::LAST_EVENT, &[]),
            symbols: (0..names.instruments()).map(|_| None).collect(),
        }
    }

    #[inline]
    pub(super) fn on_event(
        &mut self,
        at: Timestamp,
        (event, price): (&MarketEvent, Option<f64>),
        names: &Names,
        meter: &M,
    ) {
        let [bar, print, quote, book, funding, mark, custom] = &mut self.types;
        let kind = match event {
            MarketEvent::Bar(_) => bar,
            MarketEvent::Print(_) => print,
            MarketEvent::Quote(_) => quote,
            MarketEvent::Book(_) => book,
            MarketEvent::Funding(_) => funding,
            MarketEvent::Mark(_) => mark,
            MarketEvent::Custom(_) => custom,
        };
        kind.increment_alone();
        self.last_event.set(seconds(at));
        let place = names.instrument(event.instrument());
        let Some(symbol) = self.symbols.get_mut(place) else { return };
        let Some(symbol) = symbol else {
            let mut made = SymbolFeed::new(meter, names.symbol(place), at);
            made.take(price);
            *symbol = Some(made);
            return;
        };
        let age = at.nanos().saturating_sub(symbol.last_at.nanos()).max(0);
        symbol.age.observe_alone(age as f64 * 1e-9);
        symbol.last_at = at;
        symbol.take(price);
    }
}

impl<M: Meter> SymbolFeed<M> {
    #[cold]
    fn new(meter: &M, symbol: &str, at: Timestamp) -> Self {
        Self {
            last_at: at,
            updates: meter.counter(&market::DATA_UPDATES, &[symbol]),
            age: meter.histogram(&market::DATA_AGE, &[symbol]),
            mark: meter.gauge(&market::MARK_PRICE, &[symbol]),
        }
    }

    #[inline]
    fn take(&mut self, price: Option<f64>) {
        self.updates.increment_alone();
        if let Some(price) = price {
            self.mark.set(price);
        }
    }
}

/// Seconds since 1970.
pub(super) fn seconds(at: Timestamp) -> f64 {
    at.nanos() as f64 * 1e-9
}
