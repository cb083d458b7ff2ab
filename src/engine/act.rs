//! What alerts ask for, as far as the host allows it.

use rust_decimal::Decimal;

use crate::metrics::MetricsSink;
use crate::risk::Fact;
use crate::types::{
    ActionOutcome, ActionRequest, AlertAction, Halt, HaltCause, HaltLevel, InstrumentId, Intent,
    Label, OrderKind, Purpose, Qty, Record, Side, SlotId, Timestamp,
};

use super::desk::{Desk, alert};
use super::{Command, EngineError};

/// Which of an alert's actions the engine carries out. Unless the host allows more, alerts only
/// tell a person.
///
/// ```
/// use tradewright::engine::ActionPolicy;
/// use tradewright::types::{AlertAction, Decimal};
///
/// let policy = ActionPolicy::new()
///     .allow(AlertAction::HaltTrading)
///     .allow(AlertAction::ReducePosition)
///     .reduce_by(Decimal::new(25, 2))?;
/// assert!(policy.allows(AlertAction::HaltTrading));
/// assert!(!policy.allows(AlertAction::ClosePosition));
/// # Ok::<(), tradewright::engine::EngineError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionPolicy {
    allowed: Vec<AlertAction>,
    reduce_by: Decimal,
}

impl Default for ActionPolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl ActionPolicy {
    /// Only what changes nothing: NONE and NOTIFY. A reduction is by half.
    pub fn new() -> Self {
        let allowed = vec![AlertAction::None, AlertAction::Notify];
        Self { allowed, reduce_by: Decimal::new(5, 1) }
    }

    /// Allows an action.
    #[must_use]
    pub fn allow(mut self, action: AlertAction) -> Self {
        if !self.allows(action) {
            self.allowed.push(action);
        }
        self
    }

    /// The fraction of a position that REDUCE_POSITION closes, above 0 and at most 1.
    ///
    /// # Errors
    /// [`EngineError::BadFraction`].
    pub fn reduce_by(mut self, fraction: Decimal) -> Result<Self, EngineError> {
        if fraction <= Decimal::ZERO || fraction > Decimal::ONE {
            return Err(EngineError::BadFraction { value: fraction });
        }
        self.reduce_by = fraction;
        Ok(self)
    }

    /// True when the engine carries the action out.
    pub fn allows(&self, action: AlertAction) -> bool {
        self.allowed.contains(&action)
    }
}

impl<M: MetricsSink> Desk<M> {
    /// Carries out what an alert asks for, where the policy allows it.
    pub(super) fn act(&mut self, at: Timestamp, request: &ActionRequest, out: &mut Vec<Command>) {
        let allowed = self.actions.allows(request.action);
        let outcome = if allowed { ActionOutcome::Done } else { ActionOutcome::NotAllowed };
        self.sink.record(at, &Record::Acted { request, outcome });
        if !allowed {
            return;
        }
        let scope = request.scope;
        match request.action {
            AlertAction::None => {}
            AlertAction::Notify => {
                out.push(alert(request.level, request.alert.as_str(), ""));
            }
            AlertAction::HaltTrading => {
                let cause = HaltCause::Custom(request.alert);
                self.raise(at, Halt { cause, level: HaltLevel::Halted, scope }, out);
            }
            AlertAction::ReducePosition | AlertAction::ClosePosition => {
                for index in 0..self.instruments.len() {
                    let Ok(index) = u32::try_from(index) else { break };
                    self.shrink_all(at, InstrumentId(index), request, out);
                }
            }
            AlertAction::TightenStops => {
                self.tighten_stops(at, scope, out);
                self.observe(at, &Fact::TightenStops(scope), out);
            }
        }
    }

    /// Reduces or closes every strategy's position in an instrument of the scope.
    fn shrink_all(
        &mut self,
        at: Timestamp,
        instrument: InstrumentId,
        request: &ActionRequest,
        out: &mut Vec<Command>,
    ) {
        for slot in 0..self.account.book().slots() {
            let Ok(slot) = u16::try_from(slot).map(SlotId) else { break };
            if request.scope.covers(slot, instrument) {
                self.shrink(at, slot, instrument, request, out);
            }
        }
    }

    fn shrink(
        &mut self,
        at: Timestamp,
        slot: SlotId,
        instrument: InstrumentId,
        request: &ActionRequest,
        out: &mut Vec<Command>,
    ) {
        let held = self.account.book().position(slot, instrument).quantity;
        let Some(side) = Side::of(held) else { return };
        let mark = self.account.book().mark(instrument);
        let intent = Intent {
            purpose: Purpose::Exit,
            tag: request.alert,
            reason: Label::new("alert"),
            reference: mark.map_or(f64::NAN, |mark| mark.price),
            ..Intent::market(slot, instrument, side.opposite(), Qty::new(held.abs()))
        };
        if request.action == AlertAction::ClosePosition {
            return self.close(at, slot, instrument, (held.abs(), intent), out);
        }
        let Some(quantity) = self.part_of(held.abs(), instrument) else { return };
        // A reduction that is on its way is not repeated.
        let is_exit = |own: &Intent| {
            own.slot == slot
                && own.instrument == instrument
                && own.side == intent.side
                && own.kind == OrderKind::Market
        };
        if self.orders.live().iter().any(|state| is_exit(&state.order.intent)) {
            return;
        }
        self.group.clear();
        self.group.push(Intent { amount: crate::types::Amount::Quantity(quantity), ..intent });
        self.submit(at, None, out);
    }

    /// The policy's fraction of a position, at least one step.
    fn part_of(&self, held: Decimal, instrument: InstrumentId) -> Option<Qty> {
        let instrument = self.instruments.get(instrument)?;
        let part = held.checked_mul(self.actions.reduce_by)?;
        let part = instrument.floor_to_step(part)?.max(instrument.step).min(held);
        Some(Qty::new(part))
    }
}
