use core::time::Duration;

use rust_decimal::Decimal;

use crate::risk::window::{SlidingWindow, Totals};
use crate::risk::{GateEvent, OrderGate, Refusal, RiskConfigError, limits, split};
use crate::types::{Facts, LimitKey, Order, Qty, ReasonCode, State, StateError, Timestamp};

/// The message budget: orders, amendments and cancels within a sliding window `(t − span, t]`.
///
/// A share of it is reserved for cancels and reducing orders: what opens exposure stops first,
/// and the last messages are for getting out. A cancel that finds no room waits in the engine
/// until there is some. Of an order that would turn a position over, the reducing part may use
/// the reserve.
///
/// It applies to every message, reducing orders included. Its memory is bounded; a budget of
/// more than 4,096 messages counts them in batches, on the careful side.
///
/// ```
/// use core::time::Duration;
/// use tradewright::risk::MessageThrottle;
///
/// let throttle = MessageThrottle::new(50, Duration::from_secs(10))?.reserve(10)?;
/// assert_eq!(throttle.for_entries(), 40);
/// # Ok::<(), tradewright::risk::RiskConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MessageThrottle {
    budget: u32,
    reserved: u32,
    window: SlidingWindow,
}

impl MessageThrottle {
    /// The name of its budget for changes at run time.
    pub const BUDGET: &'static str = "message_budget";
    /// The name of the reserved share for changes at run time.
    pub const RESERVE: &'static str = "message_reserve";

    /// So many messages per span; a fifth of them, rounded down, is reserved.
    ///
    /// # Errors
    /// [`RiskConfigError::NoSpan`], [`RiskConfigError::NothingLeft`] for a budget of zero.
    pub fn new(budget: u32, span: Duration) -> Result<Self, RiskConfigError> {
        let window = SlidingWindow::with_room(Self::BUDGET, span, budget as usize)?;
        // A fifth lets a strategy that fills the window still take back what it has sent.
        let reserved = checked(budget, budget / 5)?;
        Ok(Self { budget, reserved, window })
    }

    /// Another reserved share.
    ///
    /// # Errors
    /// [`RiskConfigError::NothingLeft`] when nothing is left for entries.
    pub fn reserve(mut self, reserved: u32) -> Result<Self, RiskConfigError> {
        self.reserved = checked(self.budget, reserved)?;
        Ok(self)
    }

    /// How many messages entries may use.
    pub const fn for_entries(&self) -> u32 {
        self.budget - self.reserved
    }

    /// Messages within the window.
    pub fn used(&self, at: Timestamp) -> u64 {
        self.window.totals(at).count
    }

    fn refusal(&self, limit: u32, at: Timestamp) -> Refusal {
        Refusal::new(ReasonCode::MessageRate, f64::from(limit), self.used(at) as f64)
    }
}

impl OrderGate for MessageThrottle {
    fn name(&self) -> &'static str {
        "message_throttle"
    }

    fn check(&self, order: &Order, facts: &Facts<'_>) -> Result<(), Refusal> {
        let used = self.used(facts.at);
        if used >= u64::from(self.budget) {
            return Err(self.refusal(self.budget, facts.at));
        }
        if used < u64::from(self.for_entries()) {
            return Ok(());
        }
        let parts = split(&order.intent, facts);
        if parts.opening.is_zero() {
            return Ok(());
        }
        Err(self.refusal(self.for_entries(), facts.at).leaving(Qty::new(parts.reducing)))
    }

    fn check_cancel(&self, _order: &Order, facts: &Facts<'_>) -> Result<(), Refusal> {
        if self.used(facts.at) < u64::from(self.budget) {
            Ok(())
        } else {
            Err(self.refusal(self.budget, facts.at))
        }
    }

    fn observe(&mut self, event: &GateEvent<'_>, facts: &Facts<'_>) {
        match event {
            GateEvent::Placed(_) | GateEvent::Cancelling(_) | GateEvent::Amending(_) => {
                self.window.push(facts.at, Totals::ONE);
            }
            GateEvent::Amended { .. }
            | GateEvent::Filled(_)
            | GateEvent::Ended { .. }
            | GateEvent::Parent { .. }
            | GateEvent::Market(_) => {}
        }
    }

    fn free_at(&self, facts: &Facts<'_>) -> Option<Timestamp> {
        let is_full = self.used(facts.at) >= u64::from(self.budget);
        is_full.then(|| self.window.next_out(facts.at)).flatten()
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        let (mut budget, mut reserved) = (self.budget, self.reserved);
        let before = if key.is_all(Self::BUDGET) {
            limits::set_count(Self::BUDGET, &mut budget, value)?
        } else if key.is_all(Self::RESERVE) {
            limits::set_count(Self::RESERVE, &mut reserved, value)?
        } else {
            return Ok(None);
        };
        self.reserved = checked(budget, reserved)?;
        self.budget = budget;
        Ok(Some(before))
    }
}

const fn checked(budget: u32, reserved: u32) -> Result<u32, RiskConfigError> {
    if reserved < budget {
        Ok(reserved)
    } else {
        Err(RiskConfigError::NothingLeft { budget, reserved })
    }
}

/// The messages in the window are its state; budget and reserve are configuration.
impl State for MessageThrottle {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        State::save(&self.window)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut window = self.window.clone();
        State::restore(&mut window, state)?;
        if window.span() != self.window.span() {
            let text = |span: Duration| format!("a message window of {} s", span.as_secs_f64());
            let (expected, found) = (text(self.window.span()), text(window.span()));
            return Err(StateError::Mismatch { expected, found });
        }
        self.window = window;
        Ok(())
    }
}
