//! Virtual positions of opposite sign that close each other inside the account, at the mark, before
//! anything goes to the venue: sent there, one of the two would open.

use core::mem;

use rust_decimal::Decimal;

use crate::metrics::MetricsSink;
use crate::risk::split_after;
use crate::types::{
    Amount, Facts, Fill, FillReport, HaltLevel, InstrumentId, Intent, Label, Leg, Liquidity, Money,
    OrderId, OrderKind, Purpose, Qty, Side, SlotId, Timestamp, TradeId,
};

use super::Command;
use super::desk::{Desk, Notice, opens, own_reducing};

/// Two positions that close each other.
#[derive(Clone, Copy)]
struct Pair {
    instrument: InstrumentId,
    long: SlotId,
    short: SlotId,
    quantity: Decimal,
}

impl<M: MetricsSink> Desk<M> {
    /// While an instrument is halted at the venue: what an exit at the market closes of its
    /// strategy's own position, and the venue's position cannot take because others hold the
    /// opposite, is crossed with them. What is left of the group goes on.
    #[cold]
    pub(super) fn cross_exits(
        &mut self,
        at: Timestamp,
        group: &mut Vec<Intent>,
        out: &mut Vec<Command>,
    ) {
        let mut index = 0;
        while let Some(intent) = group.get(index).copied() {
            let Amount::Quantity(asked) = intent.amount else {
                index += 1;
                continue;
            };
            let crossed = self.cross_exit(at, &intent, &group[..index], out);
            let left = asked.value().saturating_sub(crossed);
            if crossed > Decimal::ZERO && left.is_zero() {
                group.remove(index);
                continue;
            }
            group[index].amount = Amount::Quantity(Qty::new(left));
            index += 1;
        }
    }

    /// Crosses what of an exit the venue cannot take; the answer is how much that was.
    fn cross_exit(
        &mut self,
        at: Timestamp,
        intent: &Intent,
        earlier: &[Intent],
        out: &mut Vec<Command>,
    ) -> Decimal {
        let is_halted = self.halts.venue_level(intent.instrument) != HaltLevel::Active;
        if !is_halted || intent.kind != OrderKind::Market || intent.leg != Leg::Net {
            return Decimal::ZERO;
        }
        let facts = Facts::new(at, SlotId::HOUSE, &self.instruments, self.account.book());
        let own = own_reducing(intent, earlier, &facts);
        let wanted = own.saturating_sub(split_after(intent, earlier, &facts).reducing);
        let mut crossed = Decimal::ZERO;
        while let Some((other, held)) = self.holder(intent)
            && crossed < wanted
        {
            let quantity = held.min(wanted.saturating_sub(crossed));
            let (instrument, slot) = (intent.instrument, intent.slot);
            let (long, short) = match intent.side {
                Side::Sell => (slot, other),
                Side::Buy => (other, slot),
            };
            if !self.cross_positions(at, Pair { instrument, long, short, quantity }, out) {
                break;
            }
            if quantity == held {
                // What protected the other position has nothing left to do.
                let is_exit = |own: &Intent| {
                    own.slot == other && own.instrument == instrument && !opens(own.purpose)
                };
                self.cancel_where(at, |order| is_exit(&order.intent), out);
            }
            crossed = crossed.saturating_add(quantity);
        }
        crossed
    }

    /// The first other slot that holds what an exit would have to be sold to (bought from).
    fn holder(&self, intent: &Intent) -> Option<(SlotId, Decimal)> {
        let book = self.account.book();
        let slots = (0..book.slots()).filter_map(|slot| u16::try_from(slot).ok().map(SlotId));
        let others = slots.filter(|slot| *slot != intent.slot);
        let mut held = others.map(|slot| (slot, book.position(slot, intent.instrument).quantity));
        held.find(|(_, quantity)| Side::of(*quantity) == Some(intent.side))
            .map(|(slot, quantity)| (slot, quantity.abs()))
    }

    /// Positions that are flattened close each other.
    pub(super) fn cross_opposites(
        &mut self,
        at: Timestamp,
        instrument: InstrumentId,
        out: &mut Vec<Command>,
    ) {
        while let Some(pair) = self.opposites(instrument) {
            if !self.cross_positions(at, pair, out) {
                return;
            }
        }
    }

    /// A long and a short slot, both without working orders and both being flattened.
    fn opposites(&self, instrument: InstrumentId) -> Option<Pair> {
        let book = self.account.book();
        let find = |side: Side| {
            (0..book.slots()).filter_map(|slot| u16::try_from(slot).ok().map(SlotId)).find(|slot| {
                let position = book.position(*slot, instrument);
                Side::of(position.quantity) == Some(side)
                    && self.is_flattening(*slot, instrument)
                    && position.working_buy.is_zero()
                    && position.working_sell.is_zero()
            })
        };
        let (long, short) = (find(Side::Buy)?, find(Side::Sell)?);
        let quantity = |slot| book.position(slot, instrument).quantity.abs();
        Some(Pair { instrument, long, short, quantity: quantity(long).min(quantity(short)) })
    }

    /// Closes two positions against each other at the mark and tells everybody; false when the
    /// mark is not known or the books cannot take it.
    fn cross_positions(&mut self, at: Timestamp, pair: Pair, out: &mut Vec<Command>) -> bool {
        let Pair { instrument, long, short, quantity } = pair;
        let entry = self.instruments.get(instrument);
        let Some((price, entry)) = self.crossing_price(instrument).zip(entry) else { return false };
        let settlement = entry.settlement;
        let mut closed = mem::take(&mut self.closed);
        closed.clear();
        let crossed = self.account.cross(
            at,
            &self.instruments,
            instrument,
            short,
            long,
            quantity,
            price,
            &mut closed,
        );
        if crossed.is_ok() {
            self.tell_closed(at, &closed, out);
        }
        self.closed = closed;
        for (slot, side) in [(long, Side::Sell), (short, Side::Buy)] {
            if crossed.is_ok() && slot != SlotId::HOUSE {
                self.notices.push(Notice::Fill(Fill {
                    at,
                    order: OrderId::default(),
                    slot,
                    instrument,
                    side,
                    leg: Leg::Net,
                    execution: FillReport {
                        trade: TradeId::default(),
                        price,
                        quantity: Qty::new(quantity),
                        fee: Money::zero(settlement),
                        liquidity: Liquidity::Maker,
                        before_slippage: price,
                    },
                    arrival: f64::NAN,
                    purpose: Purpose::Exit,
                    tag: Label::default(),
                }));
            }
        }
        crossed.is_ok()
    }
}
