use crate::strategy::parameter::parameters;
use crate::strategy::saved::{Identity, restore_all, save_all};
use crate::strategy::{Advice, Advised, BuildError, Event, ParameterKind, Parameters, Strategy};
use crate::types::{Facts, State, StateError};

use super::members::{Member, MemberSpec, Seen};
use super::reach::openings;

parameters! {
    /// Parameters of [`Cooldown`].
    pub struct CooldownParameters {
        /// Whose entries are held back.
        pub strategy: MemberSpec = MemberSpec::new("BREAKOUT"), ParameterKind::Strategy;
        /// Bars of the instrument after an entry on which no other one passes.
        pub bars: u32 = 5, ParameterKind::Count { minimum: 1, maximum: 1_000_000 };
    }
}

/// `COOLDOWN`: after an entry of a strategy has passed, the next ones on the same instrument are
/// held back for some bars.
///
/// Entries are signals and targets that would open or enlarge the slot's position; exits always
/// pass, and so do quotes, which rest and are no entries yet. What counts is the bars after the
/// entry: with 5, an entry on bar 10 leaves 11 to 15 out.
pub struct Cooldown {
    identity: Identity,
    member: Member,
    bars: u32,
    /// Bars that are still to be left out.
    resting: Seen<u32>,
}

impl Cooldown {
    /// Its name in the registry.
    pub const NAME: &'static str = "COOLDOWN";

    /// A cooldown of `bars` bars after each entry of a strategy.
    ///
    /// # Errors
    /// [`BuildError::Parameter`] unless `bars` is 1 to 1,000,000.
    pub fn new(strategy: Box<dyn Strategy>, bars: u32) -> Result<Self, BuildError> {
        let parameters = CooldownParameters { strategy: MemberSpec::new(strategy.name()), bars };
        parameters.check()?;
        let identity = Identity::of(Self::NAME, &parameters);
        Ok(Self { identity, member: Member::new(strategy), bars, resting: Seen::default() })
    }
}

impl Strategy for Cooldown {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn warmup(&self) -> usize {
        self.member.strategy.warmup()
    }

    fn on_event(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) {
        let Some(said) = self.member.listen(event, facts, advice) else { return };
        let left = |resting: &Seen<u32>, id| resting.find(id).copied().unwrap_or(0);
        for advised in said {
            let is_quote = matches!(advised, Advised::Quote { .. });
            let holds = openings(advised, facts).any(|o| left(&self.resting, o.instrument) > 0);
            if is_quote || !holds {
                advice.say(advised.clone());
            }
        }
        if let Some(bar) = event.bar()
            && let Some(resting) = self.resting.entry(bar.instrument, || 0)
        {
            *resting = resting.saturating_sub(1);
        }
        for advised in advice.items() {
            if matches!(advised, Advised::Quote { .. }) {
                continue;
            }
            for opening in openings(advised, facts) {
                if let Some(resting) = self.resting.entry(opening.instrument, || 0) {
                    *resting = self.bars;
                }
            }
        }
    }
}

impl State for Cooldown {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        let members = save_all(core::iter::once(&self.member))?;
        self.identity.save(&(&self.resting, members))
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let (resting, members): (Seen<u32>, Vec<Vec<u8>>) = self.identity.read(state)?;
        restore_all(&mut [&mut self.member], &members)?;
        self.resting = resting;
        Ok(())
    }
}
