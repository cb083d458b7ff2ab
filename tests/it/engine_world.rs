//! A small world for engine tests: one or two symbols, bars by hand, a free simulated venue.

use tradewright::backtest::{Collector, Digest, Sampling, Simulation, Tape, Timed};
use tradewright::engine::{Engine, EngineBuilder, Input, SlotConfig};
use tradewright::metrics::Tee;
use tradewright::prelude::*;
use tradewright::sim::SimVenue;
use tradewright::types::{Adjustment, AdjustmentCause, AdjustmentKind, AssetId, Money, SlotId};

pub const A: InstrumentId = InstrumentId(0);
pub const B: InstrumentId = InstrumentId(1);
pub const ONE: SlotId = SlotId(1);
pub const TWO: SlotId = SlotId(2);
pub const USD: AssetId = AssetId(1);

pub type World = Simulation<Box<dyn Strategy>, Collector>;

pub fn instruments() -> Instruments {
    let mut table = Instruments::new();
    table.add(Instrument::stock("A", "USD")).unwrap();
    table.add(Instrument::stock("B", "USD")).unwrap();
    table
}

pub fn minute(number: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_040 + 60 * number).unwrap()
}

pub fn bar(instrument: InstrumentId, number: i64, ohlc: [f64; 4]) -> Timed {
    let bar = Bar::new(instrument, Period::MINUTE, ohlc, 1_000.0).unwrap();
    Timed { at: minute(number), event: MarketEvent::Bar(bar) }
}

pub fn flat(instrument: InstrumentId, number: i64, price: f64) -> Timed {
    bar(instrument, number, [price; 4])
}

pub fn boxed(strategy: impl Strategy + 'static) -> Box<dyn Strategy> {
    Box::new(strategy)
}

/// A strategy that says at each bar of A what the script has for its number.
pub fn scripted(
    name: &'static str,
    mut script: impl FnMut(i64, &Facts<'_>, &mut Advice) + Send + 'static,
) -> Box<dyn Strategy> {
    let mut seen = 0;
    boxed(from_fn(name, move |event, facts, advice| {
        if event.bar().is_some_and(|bar| bar.instrument == A) {
            seen += 1;
            script(seen, facts, advice);
        }
    }))
}

pub fn ten(strategy: Box<dyn Strategy>) -> SlotConfig<Box<dyn Strategy>> {
    SlotConfig::new(strategy).sizer(FixedQuantity::new(Decimal::TEN).unwrap())
}

type Builder = EngineBuilder<Box<dyn Strategy>, ()>;

pub fn world(build: impl FnOnce(Builder) -> Builder) -> World {
    let table = instruments();
    let engine = build(Engine::builder(table.clone(), USD));
    let sink = Tee(Digest::new(), Collector::new(Sampling::Every, 0));
    let engine = engine.sink(sink).build().unwrap();
    let venue = SimVenue::new(&table, SimConfig::default()).unwrap();
    let mut world = Simulation::new(engine, venue).recorded();
    let deposit = AdjustmentKind::Capital(Money::new(Decimal::from(100_000), USD));
    let deposit = Adjustment { cause: AdjustmentCause::Deposit, kind: deposit };
    world.input(minute(0), &Input::Adjustment(deposit)).unwrap();
    world
}

pub fn tape(events: &[Timed]) -> Tape {
    let mut tape = Tape::new(instruments());
    for timed in events {
        tape.push(timed.at, timed.event.clone()).unwrap();
    }
    tape
}

pub fn position(world: &World, slot: SlotId, instrument: InstrumentId) -> Decimal {
    world.engine().account().book().position(slot, instrument).quantity
}

pub fn net(world: &World, instrument: InstrumentId) -> Decimal {
    world.engine().account().book().net(instrument).quantity
}

/// Cash plus positions at mark minus deposits equals realised plus unrealised minus fees plus
/// funding, exactly; and the slots' sum is the venue's position.
#[track_caller]
pub fn conserved(world: &World) {
    let account = world.engine().account();
    let sums = account.sums(USD);
    let mut carried = Decimal::ZERO;
    let mut unrealised = Decimal::ZERO;
    for instrument in world.engine().instruments().iter() {
        let book = account.book();
        let total: Decimal = (0..book.slots())
            .map(|slot| book.position(SlotId(slot as u16), instrument.id).quantity)
            .sum();
        assert_eq!(total, book.net(instrument.id).quantity, "slots and net of {instrument}");
        assert_eq!(total, world.venue().position(instrument.id).value(), "venue of {instrument}");
        let Some(mark) = book.mark(instrument.id) else { continue };
        let price = Price::new(instrument.price_grid.nearest(mark.price).unwrap()).unwrap();
        for slot in 0..book.slots() {
            let slot = SlotId(slot as u16);
            let held = book.position(slot, instrument.id).quantity;
            carried += instrument.value(held, price.value()).unwrap();
            unrealised += account.pnl().unrealized(instrument, slot, price).unwrap().amount;
        }
    }
    let left = sums.cash + carried - sums.deposits;
    let right = sums.realised + unrealised - sums.fees + sums.funding;
    assert_eq!(left, right, "money is conserved");
}
