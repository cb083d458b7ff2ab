use std::collections::VecDeque;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::risk::{BreakerStatus, CircuitBreaker, Fact, Guard, Limit, TripReason};
use crate::types::{
    Facts, Fill, Halt, HaltCause, HaltScope, OrderId, Purpose, Reason, ReasonCode, SlotId, State,
    StateError, Timestamp, Trade,
};

/// The circuit breaker on the account's trades and fills, or on those of one strategy.
///
/// It wants [`HaltCause::CircuitBreaker`] while the breaker does not allow entries and lets go
/// by itself. Only orders with [`Purpose::Entry`] count as entries, each once, at its first
/// fill; a market maker's quotes do not. A trade whose result does not fit a decimal counts as
/// a loss.
#[derive(Clone, Debug)]
pub struct BreakerGuard {
    breaker: CircuitBreaker,
    slot: Option<SlotId>,
    /// In rising order.
    counted: VecDeque<OrderId>,
}

/// Entry orders that are remembered, so that their later fills are no further entries. An
/// older order that still fills counts again, which errs on the careful side.
const REMEMBERED: usize = 64;

impl BreakerGuard {
    /// Watches the whole account.
    pub const fn new(breaker: CircuitBreaker) -> Self {
        Self { breaker, slot: None, counted: VecDeque::new() }
    }

    /// Watches one strategy and stops only that.
    pub const fn for_strategy(breaker: CircuitBreaker, slot: SlotId) -> Self {
        Self { breaker, slot: Some(slot), counted: VecDeque::new() }
    }

    /// The breaker's status.
    pub fn status(&self, at: Timestamp) -> BreakerStatus {
        self.breaker.status(at)
    }

    /// The breaker, for what is done by hand; the next fact tells the halt machine.
    pub const fn breaker_mut(&mut self) -> &mut CircuitBreaker {
        &mut self.breaker
    }

    /// True when no halt is wanted, at whatever time; false where the time decides.
    #[inline]
    pub(in crate::risk) fn is_quiet(&self) -> bool {
        self.breaker.is_free()
    }

    fn is_mine(&self, slot: SlotId) -> bool {
        self.slot.is_none_or(|own| own == slot)
    }

    fn on_fill(&mut self, fill: &Fill, at: Timestamp) {
        if fill.purpose != Purpose::Entry || !self.is_mine(fill.slot) {
            return;
        }
        // Ids rise with each order, so that the ordered queue mostly grows at its end.
        let Err(place) = self.counted.binary_search(&fill.order) else { return };
        self.counted.insert(place, fill.order);
        if self.counted.len() > REMEMBERED {
            self.counted.pop_front();
        }
        self.breaker.on_entry_fill(at);
    }

    fn on_trade(&mut self, trade: &Trade, at: Timestamp) {
        if self.is_mine(trade.slot) {
            self.breaker.on_trade(at, trade.net().unwrap_or(Decimal::NEGATIVE_ONE));
        }
    }

    fn reason(&self, status: &BreakerStatus) -> Reason {
        let limits = self.breaker.limits();
        let of = |code, limit: u32, observed: u32| {
            Reason::new(code, f64::from(limit), f64::from(observed))
        };
        let losses = of(
            ReasonCode::CircuitBreaker,
            limits.max_consecutive_losses,
            status.consecutive_losses,
        );
        let rate = of(ReasonCode::TradeRate, limits.max_trades_per_hour, status.trades_last_hour);
        match status.reason {
            Some(TripReason::Losses) => losses,
            Some(TripReason::TradeRate) => rate,
            Some(TripReason::Manual) => of(ReasonCode::CircuitBreaker, 0, 1),
            None if losses.utilisation() >= rate.utilisation() => losses,
            None => rate,
        }
    }
}

impl Default for BreakerGuard {
    /// The default limits, for the whole account.
    fn default() -> Self {
        Self::new(CircuitBreaker::default())
    }
}

impl Guard for BreakerGuard {
    fn name(&self) -> &'static str {
        "breaker"
    }

    #[inline]
    fn watch(&mut self, fact: &Fact<'_>, facts: &Facts<'_>) -> Option<Halt> {
        match fact {
            Fact::Fill(fill) => self.on_fill(fill, facts.at),
            Fact::Trade(trade) => self.on_trade(trade, facts.at),
            Fact::Mark
            | Fact::Capital(_)
            | Fact::Time
            | Fact::Market(_)
            | Fact::Heartbeat
            | Fact::Distrusted(_)
            | Fact::TightenStops(_) => {}
        }
        if self.breaker.allowed(facts.at) {
            return None;
        }
        Some(Halt::new(HaltCause::CircuitBreaker, self.scope()))
    }

    fn scope(&self) -> HaltScope {
        self.slot.map_or(HaltScope::Account, HaltScope::Strategy)
    }

    fn verdict(&self, facts: &Facts<'_>) -> Limit {
        let reason = self.reason(&self.breaker.status(facts.at));
        if self.breaker.allowed(facts.at) {
            Limit::Allow(Some(reason))
        } else {
            Limit::Deny(reason)
        }
    }

    fn release(&mut self, cause: HaltCause, facts: &Facts<'_>) {
        if cause == HaltCause::CircuitBreaker {
            self.breaker.reset(facts.at);
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Saved {
    breaker: CircuitBreaker,
    slot: Option<SlotId>,
    counted: VecDeque<OrderId>,
}

impl State for BreakerGuard {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        let (breaker, counted) = (self.breaker.clone(), self.counted.clone());
        Saved { breaker, slot: self.slot, counted }.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut saved =
            Saved { breaker: CircuitBreaker::default(), slot: None, counted: VecDeque::new() };
        saved.restore(state)?;
        let text = |breaker: &CircuitBreaker, slot| {
            format!("breaker with {:?} for {slot:?}", breaker.limits())
        };
        let expected = text(&self.breaker, self.slot);
        let found = text(&saved.breaker, saved.slot);
        if expected != found {
            return Err(StateError::Mismatch { expected, found });
        }
        saved.counted.make_contiguous().sort_unstable();
        while saved.counted.len() > REMEMBERED {
            saved.counted.pop_front();
        }
        self.breaker = saved.breaker;
        self.counted = saved.counted;
        Ok(())
    }
}
