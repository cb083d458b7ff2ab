use std::collections::VecDeque;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::risk::{Fact, FactKinds, Guard, Limit, RiskConfigError, limits};
use crate::types::{
    Facts, Fill, Halt, HaltCause, HaltScope, LimitKey, LimitSubject, OrderId, Purpose, Reason,
    ReasonCode, SlotId, State, StateError,
};

/// Stops a strategy after so many executed entries, until a person looks at it: an explicit
/// resume of [`HaltCause::RepeatedExecution`] starts the count at zero.
///
/// An entry order counts once, at its first fill; exits and quotes do not count. It halts what
/// would open; reducing orders are free.
#[derive(Clone, Debug, PartialEq)]
pub struct RepeatedExecution {
    most: u32,
    slot: Option<SlotId>,
    memory: Memory,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Memory {
    count: u32,
    counted: VecDeque<OrderId>,
    /// The largest of those that are remembered: nearly every order is newer.
    #[serde(skip)]
    newest: Option<OrderId>,
}

/// Entry orders that are remembered, so that their later fills are no further entries; an
/// older one that still fills counts again, which errs on the careful side.
const REMEMBERED: usize = 64;

impl RepeatedExecution {
    /// The name of its limit for changes at run time.
    pub const LIMIT: &'static str = "repeated_execution";

    /// So many entries of the whole account; the one that reaches the number halts.
    ///
    /// # Errors
    /// [`RiskConfigError::NotACount`] for zero.
    pub fn new(most: u32) -> Result<Self, RiskConfigError> {
        checked(most)?;
        Ok(Self { most, slot: None, memory: Memory::default() })
    }

    /// So many entries of one strategy, which alone is halted.
    ///
    /// # Errors
    /// [`RiskConfigError::NotACount`] for zero.
    pub fn for_strategy(most: u32, slot: SlotId) -> Result<Self, RiskConfigError> {
        Ok(Self { slot: Some(slot), ..Self::new(most)? })
    }

    /// Executed entries since the last release.
    pub const fn count(&self) -> u32 {
        self.memory.count
    }

    fn on_fill(&mut self, fill: &Fill) {
        let is_mine = self.slot.is_none_or(|own| own == fill.slot);
        if fill.purpose != Purpose::Entry || !is_mine {
            return;
        }
        if !self.memory.holds(fill.order) {
            self.memory.remember(fill.order);
            self.memory.count = self.memory.count.saturating_add(1);
        }
    }
}

impl Memory {
    fn holds(&self, order: OrderId) -> bool {
        Some(order) <= self.newest && self.counted.iter().rev().any(|counted| *counted == order)
    }

    fn remember(&mut self, order: OrderId) {
        if self.counted.len() >= REMEMBERED {
            let forgotten = self.counted.pop_front();
            if forgotten == self.newest {
                self.newest = self.counted.iter().max().copied();
            }
        }
        self.counted.push_back(order);
        self.newest = self.newest.max(Some(order));
    }
}

const fn checked(most: u32) -> Result<u32, RiskConfigError> {
    if most == 0 {
        let what = RepeatedExecution::LIMIT;
        return Err(RiskConfigError::NotACount { what, value: Decimal::ZERO });
    }
    Ok(most)
}

impl Guard for RepeatedExecution {
    fn name(&self) -> &'static str {
        Self::LIMIT
    }

    fn watch(&mut self, fact: &Fact<'_>, _facts: &Facts<'_>) -> Option<Halt> {
        if let Fact::Fill(fill) = fact {
            self.on_fill(fill);
        }
        let is_over = self.memory.count >= self.most;
        is_over.then(|| Halt::new(HaltCause::RepeatedExecution, self.scope()))
    }

    fn wants(&self) -> FactKinds {
        FactKinds::FILL
    }

    fn scope(&self) -> HaltScope {
        self.slot.map_or(HaltScope::Account, HaltScope::Strategy)
    }

    fn verdict(&self, _facts: &Facts<'_>) -> Limit {
        let (limit, count) = (f64::from(self.most), f64::from(self.memory.count));
        let reason = Reason::new(ReasonCode::RepeatedExecution, limit, count);
        if self.memory.count < self.most { Limit::Allow(Some(reason)) } else { Limit::Deny(reason) }
    }

    fn release(&mut self, cause: HaltCause, _facts: &Facts<'_>) {
        if cause == HaltCause::RepeatedExecution {
            self.memory.count = 0;
        }
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        let subject = self.slot.map_or(LimitSubject::All, LimitSubject::Strategy);
        if key.name.as_str() != Self::LIMIT || key.subject != subject {
            return Ok(None);
        }
        let mut most = self.most;
        let before = limits::set_count(Self::LIMIT, &mut most, value)?;
        self.most = checked(most)?;
        Ok(Some(before))
    }
}

/// The count is its state; the limit is configuration.
impl State for RepeatedExecution {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        State::save(&self.memory)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut memory = Memory::default();
        State::restore(&mut memory, state)?;
        if memory.counted.len() > REMEMBERED {
            return Err(StateError::Unreadable(format!("{} orders", memory.counted.len())));
        }
        memory.newest = memory.counted.iter().max().copied();
        self.memory = memory;
        Ok(())
    }
}
