use crate::strategy::parameter::parameters;
use crate::strategy::saved::{Identity, restore_all, save_all};
use crate::strategy::{Advice, Advised, Event, ParameterKind, Strategy};
use crate::types::{Facts, Qty, Signal, State, StateError};

use super::members::{Member, MemberSpec};

parameters! {
    /// Parameters of [`Invert`].
    pub struct InvertParameters {
        /// Whose opposite is done.
        pub strategy: MemberSpec = MemberSpec::new("BREAKOUT"), ParameterKind::Strategy;
    }
}

/// `INVERT`: does the opposite of a strategy: BUY becomes SELL, a target changes its sign.
///
/// Quotes and entries with prices of their own have no opposite: saying one is a failure. The
/// strategy inside sees the real position, which is the opposite of what it asked for, so one that
/// reads its own position (DONCHIAN, PAIRS) is not for this.
pub struct Invert {
    identity: Identity,
    member: Member,
}

impl Invert {
    /// Its name in the registry.
    pub const NAME: &'static str = "INVERT";

    /// The opposite of a strategy.
    pub fn new(strategy: Box<dyn Strategy>) -> Self {
        let identity = Identity::of(Self::NAME, &strategy.name());
        Self { identity, member: Member::new(strategy) }
    }
}

impl Strategy for Invert {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn warmup(&self) -> usize {
        self.member.strategy.warmup()
    }

    fn on_event(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) {
        let Some(said) = self.member.listen(event, facts, advice) else { return };
        for advised in said {
            match opposite(advised) {
                Some(opposite) => advice.say(opposite),
                None => {
                    advice.fail("quotes and entries with prices of their own have no opposite");
                }
            }
        }
    }
}

fn opposite(advised: &Advised) -> Option<Advised> {
    let minus = |quantity: &Qty| Qty::new(-quantity.value());
    Some(match advised {
        Advised::Signal(signal) => {
            Advised::Signal(Signal { side: signal.side.opposite(), ..*signal })
        }
        Advised::Target { instrument, quantity, tag } => {
            Advised::Target { instrument: *instrument, quantity: minus(quantity), tag: *tag }
        }
        Advised::Execute { instrument, quantity, plan, tag } => Advised::Execute {
            instrument: *instrument,
            quantity: minus(quantity),
            plan: plan.clone(),
            tag: *tag,
        },
        Advised::Together(legs, tag) => {
            Advised::Together(legs.iter().map(|(id, q)| (*id, minus(q))).collect(), *tag)
        }
        Advised::Entry { .. } | Advised::Quote { .. } => return None,
        Advised::Pull(_) | Advised::CancelAll | Advised::WakeAt(_) => advised.clone(),
    })
}

impl State for Invert {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        self.identity.save(&save_all(core::iter::once(&self.member))?)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let members: Vec<Vec<u8>> = self.identity.read(state)?;
        restore_all(&mut [&mut self.member], &members)
    }
}
