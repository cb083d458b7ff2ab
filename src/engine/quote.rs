//! Quotes: resting limit orders under a key, replaced when they change, paused when refused.

use core::time::Duration;

use rust_decimal::Decimal;

use crate::metrics::MetricsSink;
use crate::order::OrderState;
use crate::strategy::{Advised, QuoteSize, Strategy};
use crate::types::{
    ExecutionEnd, InstrumentId, Intent, OrderFlags, OrderKind, OrderStatus, Price, Purpose, Qty,
    Reason, ReasonCode, Side, Timestamp,
};

use super::slot::QuoteState;
use super::{Command, Engine};

/// Rejections in a row after which a quote pauses.
const MOST_REFUSALS: u32 = 3;

/// The first pause; it doubles with every further refusal, up to about an hour.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

impl<S: Strategy, M: MetricsSink> Engine<S, M> {
    #[inline(never)]
    pub(super) fn on_quote(
        &mut self,
        at: Timestamp,
        index: usize,
        item: &Advised,
        out: &mut Vec<Command>,
    ) {
        match item {
            Advised::Quote { key, instrument, side, price, size } => {
                let wish =
                    Wish { instrument: *instrument, side: *side, price: *price, size: *size };
                self.quote(at, index, *key, &wish, out);
            }
            Advised::Pull(key) => {
                let Some(slot) = self.slots.get_mut(index) else { return };
                let found = slot.memory.quotes.iter().position(|quote| quote.key == *key);
                if let Some(position) = found {
                    let quote = slot.memory.quotes.swap_remove(position);
                    self.desk.cancel(at, quote.order, out);
                }
            }
            Advised::CancelAll => {
                let Some(slot) = self.slots.get_mut(index) else { return };
                slot.memory.quotes.clear();
                let id = slot.id;
                self.desk.end_executions(|one| one.slot == id, ExecutionEnd::Cancelled);
                self.desk.step_executions(at, |one| one.slot == id, out);
                self.desk.cancel_where(
                    at,
                    |order| order.intent.slot == id && super::desk::opens(order.intent.purpose),
                    out,
                );
            }
            Advised::Signal(_)
            | Advised::Entry { .. }
            | Advised::Target { .. }
            | Advised::Execute { .. }
            | Advised::Together(..)
            | Advised::WakeAt(_) => {}
        }
    }

    fn quote(
        &mut self,
        at: Timestamp,
        index: usize,
        key: u32,
        wish: &Wish,
        out: &mut Vec<Command>,
    ) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        let id = slot.id;
        let found = slot.memory.quotes.iter().position(|quote| quote.key == key);
        let known = found.and_then(|position| slot.memory.quotes.get(position)).copied();
        let standing = known.and_then(|quote| self.desk.orders.find(quote.order)).copied();
        let next = match standing {
            Some(state) if wish.is_met_by(&state) => return,
            Some(state) => {
                self.desk.cancel(at, state.order.id, out);
                refusals_after(known, &state, at)
            }
            None => Refusals::default(),
        };
        if at < next.pause_until {
            let reason =
                Reason::new(ReasonCode::Backoff, f64::from(MOST_REFUSALS), f64::from(next.count));
            return self.desk.pass(at, id, wish.instrument, reason);
        }
        let Some(quantity) = wish.quantity(standing.as_ref()) else { return };
        let reference =
            self.desk.account.book().mark(wish.instrument).map_or(f64::NAN, |m| m.price);
        self.desk.group.clear();
        self.desk.group.push(Intent {
            kind: OrderKind::Limit { price: wish.price },
            purpose: Purpose::Quote,
            flags: OrderFlags { post_only: true, ..OrderFlags::default() },
            reference,
            ..Intent::market(id, wish.instrument, wish.side, quantity)
        });
        let before = self.desk.sequence;
        self.desk.submit(at, None, out);
        if self.desk.sequence == before {
            return;
        }
        let order = crate::types::OrderId::new(self.desk.epoch, id, self.desk.sequence);
        let state = QuoteState { key, order, refusals: next.count, pause_until: next.pause_until };
        let Some(slot) = self.slots.get_mut(index) else { return };
        match found.and_then(|position| slot.memory.quotes.get_mut(position)) {
            Some(quote) => *quote = state,
            None => slot.memory.quotes.push(state),
        }
    }
}

/// What a strategy wants to rest.
struct Wish {
    instrument: InstrumentId,
    side: Side,
    price: Price,
    size: QuoteSize,
}

impl Wish {
    /// True when the order that stands is what is wanted.
    fn is_met_by(&self, state: &OrderState) -> bool {
        let same = state.order.intent.side == self.side
            && state.order.intent.kind.limit() == Some(self.price);
        match self.size {
            QuoteSize::Resting(quantity) => {
                same && !state.status.is_terminal() && state.remaining() == quantity.value()
            }
            QuoteSize::Total(quantity) => {
                let filled = state.status == OrderStatus::Filled;
                same && (filled || !state.status.is_terminal()) && state.quantity == Some(quantity)
            }
        }
    }

    /// How much the new order is for.
    fn quantity(&self, standing: Option<&OrderState>) -> Option<Qty> {
        let quantity = match (self.size, standing) {
            (QuoteSize::Total(total), Some(state)) => total.value().checked_sub(state.filled)?,
            (QuoteSize::Resting(quantity) | QuoteSize::Total(quantity), _) => quantity.value(),
        };
        (quantity > Decimal::ZERO).then_some(Qty::new(quantity))
    }
}

#[derive(Default)]
struct Refusals {
    count: u32,
    pause_until: Timestamp,
}

/// Rejections in a row so far, and until when to wait.
fn refusals_after(known: Option<QuoteState>, state: &OrderState, at: Timestamp) -> Refusals {
    let Some(quote) = known else { return Refusals::default() };
    if state.status != OrderStatus::Rejected {
        return Refusals::default();
    }
    if at < quote.pause_until {
        return Refusals { count: quote.refusals, pause_until: quote.pause_until };
    }
    let count = quote.refusals.saturating_add(1);
    if count < MOST_REFUSALS {
        return Refusals { count, pause_until: Timestamp::EPOCH };
    }
    let doublings = (count - MOST_REFUSALS).min(12);
    let pause = FIRST_PAUSE.saturating_mul(1 << doublings);
    Refusals { count, pause_until: state.changed_at.after(pause) }
}
