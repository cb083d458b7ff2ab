use serde::{Deserialize, Serialize};

use crate::types::{
    Acknowledgement, Halt, HaltCause, HaltEnd, HaltLevel, HaltScope, InstrumentId, Reason,
    ReasonCode, SlotId, Timestamp,
};
use crate::types::{Classification, Classify};

/// The one machine for every way of stopping: Active → ReduceOnly → Halted → Flattening → Flat.
///
/// It holds one entry per cause and scope. The level that holds for a strategy and instrument
/// is the highest of the entries that cover them. Nothing lowers it but
/// - [`lift`](Self::lift), for causes that end by their own rule (breaker, daily loss, stale
///   data) and have not been raised to Flattening;
/// - [`resume`](Self::resume), for all others, with acknowledgement after a kill switch.
///
/// At most [`HaltMachine::MOST`] entries of strategies and symbols are kept. One more is
/// widened to an operator's halt of the account, which waits for a resume: too many halts are
/// themselves a reason to stop.
///
/// ```
/// use tradewright::risk::HaltMachine;
/// use tradewright::types::{
///     Acknowledgement, Halt, HaltCause, HaltLevel, HaltScope, InstrumentId, SlotId, Timestamp,
/// };
///
/// let mut machine = HaltMachine::new();
/// let at = Timestamp::EPOCH;
/// let kill = Halt::new(HaltCause::KillSwitch, HaltScope::Account);
/// assert_eq!(machine.raise(at, kill), Some(HaltLevel::Halted));
/// assert_eq!(machine.resume(HaltScope::Account, Acknowledgement::None).count(), 0);
/// assert_eq!(machine.level(SlotId(1), InstrumentId(0)), HaltLevel::Halted);
/// assert_eq!(machine.resume(HaltScope::Account, Acknowledgement::Emergency).count(), 1);
/// assert_eq!(machine.level(SlotId(1), InstrumentId(0)), HaltLevel::Active);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct HaltMachine {
    halts: Vec<ActiveHalt>,
    overall: HaltLevel,
}

/// A halt that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveHalt {
    /// Cause, level and scope; the level is Flat once the venue has confirmed it.
    pub halt: Halt,
    /// When it began.
    pub since: Timestamp,
}

impl HaltMachine {
    /// The most entries of narrow scope or custom cause that are kept.
    pub const MOST: usize = 256;

    /// Nothing is stopped.
    pub const fn new() -> Self {
        Self { halts: Vec::new(), overall: HaltLevel::Active }
    }

    /// Begins a halt, or raises the one of the same cause and scope. A level below the cause's
    /// usual one counts as the usual one, Flat as Flattening. Raising Flattening over Flat
    /// starts the flattening again: what the venue confirmed may have changed.
    ///
    /// The answer is the level that holds from now on in the halt's scope, `None` when the
    /// call changed nothing.
    pub fn raise(&mut self, at: Timestamp, halt: Halt) -> Option<HaltLevel> {
        let level = halt.level.max(halt.cause.level()).min(HaltLevel::Flattening);
        let asked = Halt { level, ..halt };
        let halt = if self.find(&asked).is_none() && self.is_full_for(&asked) {
            widened(asked)
        } else {
            asked
        };
        match self.find(&halt) {
            Some(index) => {
                let entry = &mut self.halts[index].halt;
                let again = entry.level == HaltLevel::Flat && level == HaltLevel::Flattening;
                if !(level > entry.level || again) {
                    return None;
                }
                entry.level = level;
            }
            None => self.halts.push(ActiveHalt { halt, since: at }),
        }
        self.refresh();
        Some(self.scope_level(asked.scope))
    }

    /// Ends a halt whose cause is over by its own rule. Halts that need a resume stay, and so
    /// does what was raised to Flattening.
    ///
    /// The answer is the halt that ended.
    pub fn lift(&mut self, cause: HaltCause, scope: HaltScope) -> Option<Halt> {
        let index = self.halts.iter().position(|active| {
            active.halt.cause == cause
                && active.halt.scope == scope
                && end(&active.halt) == HaltEnd::OwnRule
        })?;
        let ended = self.halts.remove(index).halt;
        self.refresh();
        Some(ended)
    }

    /// An explicit resume of exactly this scope: ends its halts that wait for one. A kill
    /// switch ends only with [`Acknowledgement::Emergency`]; halts that end by their own rule
    /// stay.
    ///
    /// The answer tells the halts that ended, so that guards can be released.
    pub fn resume(
        &mut self,
        scope: HaltScope,
        acknowledgement: Acknowledgement,
    ) -> impl ExactSizeIterator<Item = Halt> + use<> {
        let ends = |halt: &Halt| {
            halt.scope == scope
                && match end(halt) {
                    HaltEnd::OwnRule => false,
                    HaltEnd::Resume => true,
                    HaltEnd::AcknowledgedResume => acknowledgement == Acknowledgement::Emergency,
                }
        };
        let ended: Vec<Halt> =
            self.halts.extract_if(.., |active| ends(&active.halt)).map(|it| it.halt).collect();
        self.refresh();
        ended.into_iter()
    }

    /// The venue has confirmed that nothing is open in exactly this scope: Flattening becomes
    /// Flat. False when nothing there was flattening.
    pub fn confirm_flat(&mut self, scope: HaltScope) -> bool {
        let mut confirmed = false;
        for active in &mut self.halts {
            if active.halt.scope == scope && active.halt.level == HaltLevel::Flattening {
                active.halt.level = HaltLevel::Flat;
                confirmed = true;
            }
        }
        self.refresh();
        confirmed
    }

    /// The level that holds for a strategy in an instrument.
    #[inline]
    pub fn level(&self, slot: SlotId, instrument: InstrumentId) -> HaltLevel {
        if self.halts.is_empty() {
            return HaltLevel::Active;
        }
        self.severest(slot, instrument).map_or(HaltLevel::Active, |halt| halt.level)
    }

    /// The level that holds for the whole account.
    #[inline]
    pub const fn overall(&self) -> HaltLevel {
        self.overall
    }

    /// The level that holds for an instrument at the venue, whichever strategy trades it.
    pub fn venue_level(&self, instrument: InstrumentId) -> HaltLevel {
        self.levels(|halt| match halt.scope {
            HaltScope::Symbol(own) => own == instrument,
            HaltScope::Account | HaltScope::Everything => true,
            HaltScope::Strategy(_) => false,
        })
    }

    /// The level that holds in the whole of a scope.
    pub fn scope_level(&self, scope: HaltScope) -> HaltLevel {
        let covers = |own: HaltScope| own == scope || is_wide(own);
        self.levels(|halt| covers(halt.scope))
    }

    /// The halt that binds a strategy in an instrument: the highest, the oldest of equals.
    pub fn severest(&self, slot: SlotId, instrument: InstrumentId) -> Option<&Halt> {
        let mut severest: Option<&Halt> = None;
        for ActiveHalt { halt, .. } in &self.halts {
            let is_higher = severest.is_none_or(|other| halt.level > other.level);
            if is_higher && halt.scope.covers(slot, instrument) {
                severest = Some(halt);
            }
        }
        severest
    }

    /// Why a strategy may not open in an instrument; `None` while it may.
    pub fn reason(&self, slot: SlotId, instrument: InstrumentId) -> Option<Reason> {
        self.severest(slot, instrument).map(halt_reason)
    }

    /// All halts that hold, in the order in which they began.
    pub fn halts(&self) -> &[ActiveHalt] {
        &self.halts
    }

    /// True while nothing is stopped.
    pub const fn is_clear(&self) -> bool {
        self.halts.is_empty()
    }

    fn find(&self, halt: &Halt) -> Option<usize> {
        let is_same = |other: &Halt| other.cause == halt.cause && other.scope == halt.scope;
        self.halts.iter().position(|active| is_same(&active.halt))
    }

    fn is_full_for(&self, halt: &Halt) -> bool {
        is_counted(halt) && self.counted() >= Self::MOST
    }

    fn counted(&self) -> usize {
        self.halts.iter().filter(|active| is_counted(&active.halt)).count()
    }

    fn refresh(&mut self) {
        self.overall = self.levels(|halt| is_wide(halt.scope));
    }

    fn levels(&self, holds: impl Fn(&Halt) -> bool) -> HaltLevel {
        let halts = self.halts.iter().map(|active| &active.halt);
        halts.filter(|halt| holds(halt)).map(|halt| halt.level).max().unwrap_or_default()
    }
}

/// The refusal that a halt leads to: "Max drawdown exceeded", "Circuit breaker active" or
/// "Trading is halted", with the level as the observed value (1 is ReduceOnly, 4 is Flat).
pub fn halt_reason(halt: &Halt) -> Reason {
    let code = match halt.cause {
        HaltCause::Drawdown => ReasonCode::MaxDrawdown,
        HaltCause::CircuitBreaker => ReasonCode::CircuitBreaker,
        HaltCause::DailyLoss => ReasonCode::DailyLoss,
        HaltCause::StaleData
        | HaltCause::Disconnected
        | HaltCause::RepeatedExecution
        | HaltCause::ParentBreach
        | HaltCause::Degradation
        | HaltCause::Operator
        | HaltCause::FillAnomaly
        | HaltCause::Reconciliation
        | HaltCause::StrategyFailure
        | HaltCause::KillSwitch
        | HaltCause::Custom(_) => ReasonCode::Halted,
    };
    Reason::new(code, 0.0, f64::from(halt.level as u8))
}

/// What ends a halt as it stands: closing positions is not taken back by a cause's own rule.
fn end(halt: &Halt) -> HaltEnd {
    match halt.cause.end() {
        HaltEnd::OwnRule if halt.level >= HaltLevel::Flattening => HaltEnd::Resume,
        usual => usual,
    }
}

const fn is_wide(scope: HaltScope) -> bool {
    match scope {
        HaltScope::Account | HaltScope::Everything => true,
        HaltScope::Strategy(_) | HaltScope::Symbol(_) => false,
    }
}

/// Entries of wide scope and built-in cause are few by themselves.
const fn is_counted(halt: &Halt) -> bool {
    !is_wide(halt.scope) || matches!(halt.cause, HaltCause::Custom(_))
}

fn widened(halt: Halt) -> Halt {
    let scope = if is_wide(halt.scope) { halt.scope } else { HaltScope::Account };
    let cause = match halt.cause {
        HaltCause::KillSwitch => HaltCause::KillSwitch,
        _ => HaltCause::Operator,
    };
    Halt { cause, scope, level: halt.level.max(cause.level()) }
}

#[derive(Serialize, Deserialize)]
struct Saved {
    halts: Vec<ActiveHalt>,
}

impl TryFrom<Saved> for HaltMachine {
    type Error = HaltStateError;

    fn try_from(saved: Saved) -> Result<Self, HaltStateError> {
        let mut machine = Self::new();
        for active in saved.halts {
            let halt = active.halt;
            if halt.level < halt.cause.level() {
                return Err(HaltStateError::TooLow { cause: halt.cause, level: halt.level });
            }
            if machine.find(&halt).is_some() {
                return Err(HaltStateError::Repeated { cause: halt.cause, scope: halt.scope });
            }
            machine.halts.push(active);
        }
        let entries = machine.counted();
        if entries > Self::MOST {
            return Err(HaltStateError::TooMany { entries });
        }
        machine.refresh();
        Ok(machine)
    }
}

impl From<HaltMachine> for Saved {
    fn from(machine: HaltMachine) -> Self {
        Self { halts: machine.halts }
    }
}

/// Why saved halts were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HaltStateError {
    /// A halt's level is below the level of its cause.
    #[error("a halt by {cause:?} cannot have the level {level:?}")]
    TooLow {
        /// The halt's cause.
        cause: HaltCause,
        /// The refused level.
        level: HaltLevel,
    },
    /// A cause and scope has two entries.
    #[error("the halt by {cause:?} over {scope:?} is there twice")]
    Repeated {
        /// The halt's cause.
        cause: HaltCause,
        /// The halt's scope.
        scope: HaltScope,
    },
    /// More entries than the machine keeps.
    #[error("{entries} halts are more than the machine keeps")]
    TooMany {
        /// Their number.
        entries: usize,
    },
}

impl Classify for HaltStateError {
    fn classification(&self) -> Classification {
        Classification::STORED
    }
}
