//! Opposite orders of several strategies meet inside the engine, and only what is left of them
//! goes to the venue.

use core::mem;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::metrics::MetricsSink;
use crate::order::{Applied, InFlight};
use crate::risk::{GridGate, OrderGate};
use crate::strategy::Strategy;
use crate::types::{
    Amount, Anomaly, Fill, FillReport, InstrumentId, Leg, Linkage, Liquidity, Money, Order,
    OrderId, OrderKind, OrderReport, OrderUpdate, Price, Purpose, Qty, Side, SlotId, Timestamp,
    Trade, TradeId,
};

use super::desk::Desk;
use super::{Command, Engine};

/// What becomes of opposite market orders that several strategies give on one input.
///
/// Crossed orders are ordinary ones until they meet: each has passed risk, halts and gates by
/// itself, as if it went to the venue, so that crossing lets nothing through that would have
/// been refused. Once every strategy has been heard, each buy meets the sales of other slots in
/// the order in which they were placed. Both are filled at the mark of that instant, rounded to
/// the grid of the series, without a fee; the records have both fills, and
/// [`TradeId::is_crossed`] tells them from the venue's. The venue gets an order for what is
/// left, or none. Its position is then the same as if both orders had gone there and had been
/// filled, and the slots still sum to it.
///
/// Market orders that enter or exit are crossed, by quantity and without a leg of their own.
/// Groups that stand or fall together, protective orders, orders of a flattening and cash
/// amounts go to the venue. So do entries with a bracket or in a slot with stops, because what
/// protects them there needs a position to reduce, and a pair of which one would leave less than
/// the venue takes. Orders of different inputs never meet: the earlier one is on its way already.
///
/// ```
/// use tradewright::backtest::synthetic;
/// use tradewright::engine::Netting;
/// use tradewright::prelude::*;
///
/// let tape = synthetic(10, 1);
/// let always = |name, side| {
///     from_fn(name, move |event, _, advice| match (event.bar(), side) {
///         (Some(_), Side::Buy) => advice.buy(Confidence::FULL),
///         (Some(_), Side::Sell) => advice.sell(Confidence::FULL),
///         (None, _) => {}
///     })
/// };
/// let fees_paid = |netting| -> Result<f64, Box<dyn std::error::Error>> {
///     let backtest = Backtest::new(&tape)
///         .policy(Policy::LongShort)
///         .sizer(FixedQuantity::new(Decimal::TEN)?)
///         .fees(FeeSchedule::flat(Decimal::ZERO, Decimal::new(1, 3)))
///         .with(always("BULL", Side::Buy))
///         .with(always("BEAR", Side::Sell));
///     Ok(backtest.netting(netting).run()?.costs.fees)
/// };
/// assert!(fees_paid(Netting::Off)? > 0.0);
/// assert_eq!(fees_paid(Netting::AtMark)?, 0.0); // The venue has seen no order.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Netting {
    /// Every order goes to the venue; the account nets the positions, not the orders.
    #[default]
    Off,
    /// Opposite orders of different slots fill each other at the mark.
    AtMark,
}

/// An order that may meet another one, and how much of it is not filled.
#[derive(Clone, Copy)]
struct Unfilled {
    order: Order,
    left: Decimal,
}

impl<S: Strategy, M: MetricsSink> Engine<S, M> {
    /// Crosses one pair of orders, where there is one.
    #[inline(never)]
    pub(super) fn cross_one(&mut self, at: Timestamp, out: &mut Vec<Command>) {
        if let Some(update) = self.desk.cross_next(at, out) {
            self.attend_order(at, &update, out);
        }
    }
}

impl<M: MetricsSink> Desk<M> {
    /// Remembers an order that others may meet before this input is over.
    #[inline(never)]
    pub(super) fn may_meet(&mut self, order: &Order) {
        let intent = &order.intent;
        let is_plain = intent.kind == OrderKind::Market
            && intent.leg == Leg::Net
            && intent.linkage == Linkage::None
            && matches!(intent.amount, Amount::Quantity(_))
            && matches!(intent.purpose, Purpose::Entry | Purpose::Exit)
            && intent.slot != SlotId::HOUSE;
        // Its protection is an order that reduces a position at the venue, and there is none.
        let is_protected = intent.purpose == Purpose::Entry
            && (intent.bracket.is_some() || self.stops.covers(intent.slot, intent.instrument));
        if is_plain && !is_protected {
            self.fresh.push(order.id);
        }
    }

    fn cross_next(&mut self, at: Timestamp, out: &mut Vec<Command>) -> Option<OrderUpdate> {
        while let Some((buy, sale)) = self.opposite_orders() {
            let crossed = self.cross_pair(at, &buy, &sale, out);
            if crossed.is_some() {
                return crossed;
            }
            // What cannot be crossed goes to the venue as it is.
            self.fresh.retain(|id| *id != buy.order.id);
        }
        None
    }

    /// The first buy that a sale of another slot meets.
    fn opposite_orders(&self) -> Option<(Unfilled, Unfilled)> {
        let buys = self.fresh.iter().filter_map(|id| self.unfilled(*id, Side::Buy));
        for buy in buys {
            let mut sales = self.fresh.iter().filter_map(|id| self.unfilled(*id, Side::Sell));
            let meets = |sale: &Unfilled| {
                let (sale, buy) = (&sale.order.intent, &buy.order.intent);
                sale.instrument == buy.instrument && sale.slot != buy.slot
            };
            if let Some(sale) = sales.find(meets) {
                return Some((buy, sale));
            }
        }
        None
    }

    /// An order of one side that is not filled and not being taken back.
    fn unfilled(&self, id: OrderId, side: Side) -> Option<Unfilled> {
        let state = self.orders.find(id)?;
        let is_free = !state.status.is_terminal() && state.in_flight == InFlight::None;
        let left = state.quantity?.value().checked_sub(state.filled)?;
        let order = state.order;
        let is_wanted = is_free && order.intent.side == side && left > Decimal::ZERO;
        is_wanted.then_some(Unfilled { order, left })
    }

    /// Fills two orders by each other; `None` when they cannot be, and then nothing changed.
    fn cross_pair(
        &mut self,
        at: Timestamp,
        buy: &Unfilled,
        sale: &Unfilled,
        out: &mut Vec<Command>,
    ) -> Option<OrderUpdate> {
        let quantity = buy.left.min(sale.left);
        let rests = [rest_of(buy, quantity), rest_of(sale, quantity)];
        if !rests.iter().flatten().all(|rest| self.is_sendable(at, rest)) {
            return None;
        }
        let instrument = buy.order.intent.instrument;
        let price = self.crossing_price(instrument)?;
        let execution = FillReport {
            trade: TradeId::crossed(buy.order.id, sale.order.id),
            price,
            quantity: Qty::new(quantity),
            fee: Money::zero(self.instruments.get(instrument)?.settlement),
            liquidity: Liquidity::Maker,
            before_slippage: price,
        };
        let updates = [buy, sale].map(|unfilled| update_of(&unfilled.order, execution));
        let [bought, sold] = [(buy, &updates[0]), (sale, &updates[1])]
            .map(|(own, update)| self.fill_of(at, update, &execution, Some(&own.order)));
        let mut closed = mem::take(&mut self.closed);
        closed.clear();
        let booked = self.account.cross_fills(&self.instruments, &bought, &sold, &mut closed);
        if let Ok(realised) = booked {
            for (rest, update) in rests.iter().zip(&updates) {
                send_only(rest.as_ref(), update.order, out);
            }
            let of_buyer = closed.iter().take_while(|trade| trade.slot == bought.slot).count();
            let (first, second) = closed.split_at(of_buyer);
            self.tell_crossed(at, &updates[0], (&bought, realised[0]), (buy, first), out);
            self.tell_crossed(at, &updates[1], (&sold, realised[1]), (sale, second), out);
        }
        self.closed = closed;
        booked.is_ok().then_some(updates[0])
    }

    /// The order's state, the records and everybody who is told of fills.
    fn tell_crossed(
        &mut self,
        at: Timestamp,
        update: &OrderUpdate,
        (fill, realised): (&Fill, Money),
        (own, closed): (&Unfilled, &[Trade]),
        out: &mut Vec<Command>,
    ) {
        let applied = self
            .orders
            .apply(at, update.order, &update.report)
            .unwrap_or(Applied { anomaly: Some(Anomaly::UnknownOrder), ..Applied::default() });
        self.record_steps(at, update, &applied);
        self.tell_booked(at, (fill, &realised), closed, out);
        self.after_report(at, update, out);
        self.after_fill(at, fill, applied.anomaly, out);
        if let Some(bracket) = own.order.intent.bracket {
            self.protect(at, fill, bracket, out);
        }
    }

    /// Whether the venue takes an order of this size.
    fn is_sendable(&self, at: Timestamp, rest: &Order) -> bool {
        GridGate.check(rest, &self.facts(at, rest.intent.slot)).is_ok()
    }

    /// What one unit changes hands for inside the account: the mark, on the series' grid.
    pub(super) fn crossing_price(&self, instrument: InstrumentId) -> Option<Price> {
        let mark = self.account.book().mark(instrument)?.price;
        let grid = self.instruments.get(instrument)?.price_grid;
        Price::new(grid.nearest(mark)?).ok()
    }
}

/// The order for what a crossing of this quantity leaves; `None` for nothing.
fn rest_of(unfilled: &Unfilled, quantity: Decimal) -> Option<Order> {
    let left = unfilled.left.saturating_sub(quantity);
    let mut order = unfilled.order;
    order.intent.amount = Amount::Quantity(Qty::new(left));
    (left > Decimal::ZERO).then_some(order)
}

fn update_of(order: &Order, execution: FillReport) -> OrderUpdate {
    let (side, leg) = (order.intent.side, order.intent.leg);
    let (order, instrument) = (order.id, order.intent.instrument);
    OrderUpdate { order, instrument, side, leg, report: OrderReport::Fill(execution) }
}

/// Puts the rest in the place of the order that has not left yet, or takes it out.
fn send_only(rest: Option<&Order>, id: OrderId, out: &mut Vec<Command>) {
    let is_its = |command: &Command| matches!(command, Command::Place(order) if order.id == id);
    let Some(place) = out.iter().rposition(is_its) else { return };
    match (rest, out.get_mut(place)) {
        (Some(rest), Some(command)) => *command = Command::Place(*rest),
        (_, _) => {
            out.remove(place);
        }
    }
}
