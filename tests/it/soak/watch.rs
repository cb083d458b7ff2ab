//! What a sequence looks at: records as they come, and the laws of the account.

use std::collections::BTreeMap;

use tradewright::metrics::MetricsSink;
use tradewright::order::OrderLifecycle;
use tradewright::prelude::*;
use tradewright::risk::{Exposure, PortfolioHeat};
use tradewright::types::{
    Amount, Anomaly, FactBook, Facts, Fill, HaltLevel, Order, OrderId, Purpose, Record, SlotId,
    State, TradeId,
};

use super::puppet::{BOTH, MOST_UNITS, World};

/// A reader of records that keeps what the laws ask for.
#[derive(Debug, Default)]
pub struct Watch {
    /// Every order, as it was placed.
    pub placed: Vec<Order>,
    /// Every fill, as it was booked.
    pub fills: Vec<Fill>,
    /// Every fill that was ever booked, by instrument and trade.
    pub booked: BTreeMap<(InstrumentId, TradeId), Fill>,
    /// Fills that were booked a second time: never.
    pub doubled: u64,
    pub repeated: u64,
    /// Fills of ended or unknown orders, and beyond what was ordered.
    pub stray: u64,
    pub refused: u64,
    pub halted: u64,
    last_order: u64,
    /// Order ids that did not rise.
    pub reused: u64,
}

impl MetricsSink for Watch {
    fn record(&mut self, _at: Timestamp, record: &Record<'_>) {
        match record {
            Record::Placed { order } => {
                self.reused += u64::from(order.id.sequence() <= self.last_order);
                self.last_order = order.id.sequence();
                self.placed.push(**order);
            }
            Record::Filled { fill, .. } => {
                let key = (fill.instrument, fill.execution.trade);
                self.doubled += u64::from(self.booked.insert(key, **fill).is_some());
                self.fills.push(**fill);
            }
            Record::Anomaly { anomaly: Anomaly::RepeatedFill, .. } => self.repeated += 1,
            Record::Anomaly {
                anomaly: Anomaly::Overfill | Anomaly::FillAfterEnd | Anomaly::UnknownOrder,
                ..
            } => self.stray += 1,
            Record::Refused { .. } => self.refused += 1,
            Record::Halted { level, .. } => {
                self.halted += u64::from(*level > HaltLevel::Active);
            }
            _ => {}
        }
    }
}

/// What stood before an event.
pub struct Before {
    net: [Decimal; 2],
    own: Vec<[Decimal; 2]>,
    levels: Vec<[HaltLevel; 2]>,
    placed: usize,
    fills: usize,
}

impl Before {
    pub fn of(world: &World) -> Self {
        let book = world.account().book();
        let slots = || (0..book.slots()).map(|slot| SlotId(slot as u16));
        Self {
            net: BOTH.map(|id| book.net(id).quantity),
            own: slots().map(|slot| BOTH.map(|id| book.position(slot, id).quantity)).collect(),
            levels: slots().map(|slot| BOTH.map(|id| world.halts().level(slot, id))).collect(),
            placed: world.sink().1.placed.len(),
            fills: world.sink().1.fills.len(),
        }
    }
}

fn law(holds: bool, name: &str, found: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("broken law: {name}: {}", found())) }
}

/// Every law that can be asked after an event.
pub fn laws(world: &World, before: &Before) -> Result<(), String> {
    money(world)?;
    fills(world)?;
    halts(world, before)?;
    exposure(world)?;
    reaches(world)?;
    kept(world)?;
    orders(world)
}

/// What is kept of each instrument for reviews is what facts give that were written and read: what
/// is kept is not written.
fn kept(world: &World) -> Result<(), String> {
    let book = world.account().book();
    let mut read = FactBook::default();
    let written = State::save(book).map_err(|error| error.to_string())?;
    State::restore(&mut read, &written).map_err(|error| error.to_string())?;
    let [kept, anew] = [book, &read].map(|book| {
        let facts = Facts::new(Timestamp::EPOCH, SlotId::HOUSE, world.instruments(), book);
        let heat = PortfolioHeat::new(0.1).map(|heat| heat.open_risk(&facts));
        let Exposure { gross, up, down } = Exposure::of(&facts);
        let opened = book.reaches().iter().map(|reach| reach.opened_value()).sum::<f64>();
        let all = book.reaches().iter().map(|reach| reach.opened_value_in_all()).sum::<f64>();
        [heat.unwrap_or(-1.0), gross, up, down, opened, all]
    });
    let is_same = |(one, other): (&f64, &f64)| one == other || (one.is_nan() && other.is_nan());
    law(kept.iter().zip(&anew).all(is_same), "kept values are computed ones", || {
        format!("{kept:?} and {anew:?}")
    })
}

/// Where positions can end up, as the account keeps it, is what follows from the other facts.
fn reaches(world: &World) -> Result<(), String> {
    let book = world.account().book();
    for instrument in world.instruments().iter() {
        let (reach, net) = (book.reach(instrument.id), book.net(instrument.id));
        let working = book.working(instrument.id);
        let [buying, selling] = [working.buy, working.sell].map(tradewright::types::to_f64);
        let found = [reach.size(), reach.up(), reach.down()];
        let expected = [net.size, net.size + buying, net.size - selling];
        law(found == expected, "the reach is position and orders", || {
            format!("{found:?} and {expected:?}")
        })?;
        let value = book
            .mark(instrument.id)
            .map_or(f64::NAN, |mark| instrument.value_f64(1.0, mark.price).abs() * mark.rate);
        let unit = reach.unit_value();
        let is_same = (unit - value).abs() <= 1e-12 * value || (unit.is_nan() && value.is_nan());
        law(is_same, "a unit is worth its mark", || format!("{unit} and {value}"))?;
    }
    Ok(())
}

/// Cash, positions and deposits balance with profit, fees and funding, to the last digit; slots
/// sum to the net position; the float equity is the exact one.
fn money(world: &World) -> Result<(), String> {
    let account = world.account();
    let book = account.book();
    let sums = account.sums(book.reporting());
    let (mut carried, mut unrealised, mut exact) = (Decimal::ZERO, Decimal::ZERO, sums.cash);
    for instrument in world.instruments().iter() {
        let id = instrument.id;
        let Some(mark) = book.mark(id) else { continue };
        let price = Price::new(instrument.price_grid.nearest(mark.price).unwrap()).unwrap();
        let mut total = Decimal::ZERO;
        for slot in (0..book.slots()).map(|slot| SlotId(slot as u16)) {
            let position = book.position(slot, id);
            total += position.quantity;
            let value = instrument.value(position.quantity, price.value()).unwrap();
            let is_paid = instrument.kind.is_paid_in_full();
            carried += if is_paid { value } else { value - position.cost };
            unrealised += account.pnl().unrealized(instrument, slot, price).unwrap().amount;
        }
        law(total == book.net(id).quantity, "slots sum to the net position", || {
            format!("{total} and {}", book.net(id).quantity)
        })?;
    }
    exact += carried;
    let left = sums.cash + carried - sums.deposits;
    let right = sums.realised + unrealised - sums.fees + sums.funding;
    law(left == right, "money is conserved", || format!("{left} and {right}"))?;
    let equity = tradewright::types::to_f64(exact);
    let off = (book.equity() - equity).abs();
    let scale = 1.0 + equity.abs() + book.gross();
    law(off <= 1e-9 * scale, "equity is cash and positions", || {
        format!("{} and {exact}", book.equity())
    })
}

/// Each fill is booked once, and positions are what the fills add up to.
fn fills(world: &World) -> Result<(), String> {
    let watch = &world.sink().1;
    law(watch.doubled == 0, "no fill is booked twice", || format!("{} were", watch.doubled))?;
    law(watch.reused == 0, "order ids rise", || format!("{} did not", watch.reused))?;
    for id in BOTH {
        let own = watch.booked.values().filter(|fill| fill.instrument == id);
        let total = own.map(Fill::signed_quantity).fold(Decimal::ZERO, |sum, one| sum + one);
        let net = world.account().book().net(id).quantity;
        law(net == total, "positions are what fills add up to", || format!("{net} and {total}"))?;
    }
    Ok(())
}

/// Where trading was stopped before and after, what was placed can only reduce.
fn halts(world: &World, before: &Before) -> Result<(), String> {
    let watch = &world.sink().1;
    let after = Before::of(world);
    for order in &watch.placed[before.placed..] {
        let (slot, place) = (order.intent.slot.index(), order.intent.instrument.index());
        let (first, last) = (before.levels[slot][place], after.levels[slot][place]);
        let Amount::Quantity(quantity) = order.intent.amount else { continue };
        if first < HaltLevel::ReduceOnly || last < HaltLevel::ReduceOnly {
            continue;
        }
        // A fill of this very event may have moved the position in between.
        let against = |held: Decimal| (-order.intent.side.signed(held)).max(Decimal::ZERO);
        let own = before.own[slot][place].abs().max(after.own[slot][place].abs());
        let net = [before.net[place], after.net[place]];
        let filled = watch.fills[before.fills..].iter().map(|fill| fill.execution.quantity.value());
        let moved = filled.fold(Decimal::ZERO, |sum, one| sum + one);
        let most = net.iter().map(|net| against(*net)).fold(own, Decimal::max) + moved;
        law(quantity.value() <= most, "a halt lets only exits pass", || {
            format!("{order:?} with {most} to reduce, {first:?} then {last:?}")
        })?;
    }
    Ok(())
}

/// Positions stay below the limit with every order filled that could enlarge them, unless the venue
/// itself strayed.
///
/// An exit that is being cancelled reserves nothing, so that what replaces it is not judged as if
/// both could close the position. Where it wins the race after all, what it has closed is no longer
/// there for the other orders: by so much the limit may be passed.
fn exposure(world: &World) -> Result<(), String> {
    if world.sink().1.stray > 0 {
        return Ok(());
    }
    for id in BOTH {
        let net = world.account().book().net(id).quantity;
        let (mut up, mut down) = (net, net);
        // What only reduces never enlarges anything by itself.
        let live = world.orders().live().iter().map(|state| (state, state.order.intent));
        for (state, intent) in live.filter(|(_, intent)| !intent.flags.reduce_only) {
            match intent.side {
                _ if intent.instrument != id => {}
                Side::Buy => up += state.remaining(),
                Side::Sell => down -= state.remaining(),
            }
        }
        let raced = world.sink().1.fills.iter().filter(|fill| {
            fill.instrument == id && matches!(fill.purpose, Purpose::StopLoss | Purpose::TakeProfit)
        });
        let raced = raced.map(|fill| fill.execution.quantity.value());
        let most = raced.fold(Decimal::from(MOST_UNITS), |sum, quantity| sum + quantity);
        law(up <= most && -down <= most, "exposure has a limit", || {
            format!("{net}, from {down} to {up} with everything filled")
        })?;
    }
    Ok(())
}

/// Live orders are live, and their sums are those of their fills.
fn orders(world: &World) -> Result<(), String> {
    let watch = &world.sink().1;
    for state in world.orders().live() {
        let id = state.order.id;
        law(!state.status.is_terminal(), "a live order is not over", || format!("{state:?}"))?;
        let filled = filled_of(watch, id);
        law(state.filled == filled, "an order's sum is that of its fills", || {
            format!("{state:?}, not {filled}")
        })?;
    }
    let live = |orders: &dyn OrderLifecycle| orders.live().len();
    let counted: u32 = BOTH.iter().map(|id| world.account().book().working(*id).orders).sum();
    law(live(world.orders()) == counted as usize, "every live order is counted", || {
        format!("{} and {counted}", live(world.orders()))
    })
}

pub fn filled_of(watch: &Watch, order: OrderId) -> Decimal {
    let own = watch.booked.values().filter(|fill| fill.order == order);
    own.map(|fill| fill.execution.quantity.value()).fold(Decimal::ZERO, |sum, one| sum + one)
}
