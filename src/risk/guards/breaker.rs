use std::collections::VecDeque;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::risk::limits::{set_count, set_span};
use crate::risk::{
    BreakerLimits, BreakerStatus, CircuitBreaker, Fact, FactKinds, Guard, Limit, RiskConfigError,
    TripReason,
};
use crate::types::{
    Facts, Fill, Halt, HaltCause, HaltScope, LimitKey, LimitSubject, OrderId, Purpose, Reason,
    ReasonCode, SlotId, State, StateError, Timestamp, Trade,
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
    /// The limits that it was built with.
    built: BreakerLimits,
    slot: Option<SlotId>,
    /// In rising order.
    counted: VecDeque<OrderId>,
}

/// Entry orders that are remembered, so that their later fills are no further entries. An
/// older order that still fills counts again, which errs on the careful side.
const REMEMBERED: usize = 64;

impl BreakerGuard {
    /// The name of the limit on losing trades in a row for changes at run time.
    pub const LOSSES: &'static str = "max_consecutive_losses";
    /// The name of the cooldown, in seconds.
    pub const COOLDOWN: &'static str = "breaker_cooldown_s";
    /// The name of the limit on entries within an hour.
    pub const RATE: &'static str = "max_trades_per_hour";

    /// Watches the whole account.
    pub const fn new(breaker: CircuitBreaker) -> Self {
        let built = breaker.limits();
        Self { breaker, built, slot: None, counted: VecDeque::new() }
    }

    /// Watches one strategy and stops only that.
    pub const fn for_strategy(breaker: CircuitBreaker, slot: SlotId) -> Self {
        let built = breaker.limits();
        Self { breaker, built, slot: Some(slot), counted: VecDeque::new() }
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
        if self.counted.back().is_none_or(|last| fill.order > *last) {
            self.counted.push_back(fill.order);
        } else {
            let Err(place) = self.counted.binary_search(&fill.order) else { return };
            self.counted.insert(place, fill.order);
        }
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

    fn reason(&self, at: Timestamp) -> Reason {
        let count = self.breaker.count(at);
        let limits = self.breaker.limits();
        let of = |code, limit: u32, observed: u32| {
            Reason::new(code, f64::from(limit), f64::from(observed))
        };
        let losses = of(ReasonCode::CircuitBreaker, limits.max_consecutive_losses, count.losses);
        let rate = of(ReasonCode::TradeRate, limits.max_trades_per_hour, count.entries);
        match count.reason {
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

    /// While it allows entries, time changes nothing.
    fn wants(&self) -> FactKinds {
        if self.is_quiet() { FactKinds::FILL.and(FactKinds::TRADE) } else { FactKinds::ALL }
    }

    fn scope(&self) -> HaltScope {
        self.slot.map_or(HaltScope::Account, HaltScope::Strategy)
    }

    fn verdict(&self, facts: &Facts<'_>) -> Limit {
        let reason = self.reason(facts.at);
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

    /// See [`CircuitBreaker::set_limits`]; the halt follows with the next fact.
    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if key.subject != self.slot.map_or(LimitSubject::All, LimitSubject::Strategy) {
            return Ok(None);
        }
        let mut limits = self.breaker.limits();
        let before = match key.name.as_str() {
            Self::LOSSES => set_count(Self::LOSSES, &mut limits.max_consecutive_losses, value)?,
            Self::COOLDOWN => set_span(Self::COOLDOWN, &mut limits.cooldown, value)?,
            Self::RATE => set_count(Self::RATE, &mut limits.max_trades_per_hour, value)?,
            _ => return Ok(None),
        };
        self.breaker.set_limits(limits)?;
        Ok(Some(before))
    }
}

#[derive(Serialize, Deserialize)]
struct Saved {
    breaker: CircuitBreaker,
    built: BreakerLimits,
    slot: Option<SlotId>,
    counted: VecDeque<OrderId>,
}

/// Limits that were changed since are part of the state, those that it was built with tell whose
/// state it is.
impl State for BreakerGuard {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        let (breaker, counted) = (self.breaker.clone(), self.counted.clone());
        Saved { breaker, built: self.built, slot: self.slot, counted }.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let (breaker, counted) = (CircuitBreaker::default(), VecDeque::new());
        let mut saved = Saved { breaker, built: self.built, slot: None, counted };
        saved.restore(state)?;
        let text = |built: &BreakerLimits, slot| format!("breaker with {built:?} for {slot:?}");
        let expected = text(&self.built, self.slot);
        let found = text(&saved.built, saved.slot);
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
