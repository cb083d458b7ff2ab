use serde::{Deserialize, Serialize};

use crate::strategy::parameter::parameters;
use crate::strategy::saved::{Identity, restore_all, save_all};
use crate::strategy::{
    Advice, Advised, BadParameter, BuildError, Event, MarketCondition, MarketConditionClassifier,
    MarketConditionParameters, ParameterKind, Strategy, StrategyContext,
};
use crate::types::{Facts, InstrumentId, Side, State, StateError};

use super::members::{Member, MemberSpec, Seen};
use super::reach::{Opening, openings};

parameters! {
    /// Parameters of [`Filter`].
    pub struct FilterParameters {
        /// Whose entries are filtered.
        pub strategy: MemberSpec = MemberSpec::new("MEAN_REVERSION"), ParameterKind::Strategy;
        /// {"conditions": {"any_of": [...]}} or {"agrees_with": {"name": ..., "parameters": ...}}.
        pub only_if: GateSpec = GateSpec::Conditions {
                any_of: vec![MarketCondition::Ranging, MarketCondition::Calm],
                index: None,
                thresholds: MarketConditionParameters::default(),
            },
            ParameterKind::Choice { choices: &["conditions", "agrees_with"] };
    }
}

/// When a [`Filter`] lets entries through, as configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum GateSpec {
    /// While the instrument's market condition is one of these.
    Conditions {
        /// The conditions: `trending_up`, `trending_down`, `ranging`, `volatile`, `calm`,
        /// `unknown`.
        any_of: Vec<MarketCondition>,
        /// Symbol of a volatility index that is fed to the slot.
        #[serde(default)]
        index: Option<String>,
        /// Thresholds of the classifier.
        #[serde(default)]
        thresholds: MarketConditionParameters,
    },
    /// On the side of this strategy's last signal on the same instrument.
    AgreesWith(MemberSpec),
}

/// When a [`Filter`] lets entries through.
pub enum Gate {
    /// While the instrument's market condition is one of these.
    Conditions {
        /// The conditions.
        any_of: Vec<MarketCondition>,
        /// The classifier, from which each instrument gets its own.
        classifier: Box<MarketConditionClassifier>,
    },
    /// On the side of this strategy's last signal on the same instrument; what it says apart from
    /// signals is not heard.
    AgreesWith(Box<dyn Strategy>),
}

/// `FILTER`: lets entries of a strategy through only if something holds.
///
/// Entries are signals, targets and quotes that would open or enlarge the slot's position; exits
/// always pass. A quote that is held back is taken back if it rests. Both strategies see every
/// event.
pub struct Filter {
    identity: Identity,
    member: Member,
    gate: Inner,
}

enum Inner {
    Conditions {
        any_of: Vec<MarketCondition>,
        fresh: Box<MarketConditionClassifier>,
        classifiers: Seen<MarketConditionClassifier>,
    },
    AgreesWith {
        member: Member,
        sides: Seen<Side>,
    },
}

impl Filter {
    /// Its name in the registry.
    pub const NAME: &'static str = "FILTER";

    /// A filter around a strategy.
    pub fn new(strategy: Box<dyn Strategy>, gate: Gate) -> Self {
        let identity = match &gate {
            Gate::Conditions { any_of, classifier } => {
                let what = (strategy.name(), any_of, classifier.parameters());
                Identity::of(Self::NAME, &what)
            }
            Gate::AgreesWith(other) => Identity::of(Self::NAME, &(strategy.name(), other.name())),
        };
        let gate = match gate {
            Gate::Conditions { any_of, classifier } => {
                Inner::Conditions { any_of, fresh: classifier, classifiers: Seen::default() }
            }
            Gate::AgreesWith(other) => {
                Inner::AgreesWith { member: Member::new(other), sides: Seen::default() }
            }
        };
        Self { identity, member: Member::new(strategy), gate }
    }

    pub(super) fn build(
        parameters: &FilterParameters,
        context: &StrategyContext<'_>,
    ) -> Result<Self, BuildError> {
        let strategy = parameters.strategy.build(context)?;
        let gate = match &parameters.only_if {
            GateSpec::AgreesWith(other) => Gate::AgreesWith(other.build(context)?),
            GateSpec::Conditions { any_of, index, thresholds } => {
                if any_of.is_empty() {
                    let allowed = format!("lists of {}", MarketCondition::WORDS.join(", "));
                    let name = "only_if.conditions.any_of";
                    return Err(BadParameter::new(name, "empty", allowed).into());
                }
                let classifier = match index {
                    None => MarketConditionClassifier::new(thresholds.clone())?,
                    Some(symbol) => {
                        let found = context.instruments().find(symbol).ok_or_else(|| {
                            let allowed = "symbols of the run's instruments";
                            BadParameter::new("only_if.conditions.index", symbol, allowed)
                        })?;
                        MarketConditionClassifier::with_index(thresholds.clone(), found.id)?
                    }
                };
                Gate::Conditions { any_of: any_of.clone(), classifier: Box::new(classifier) }
            }
        };
        Ok(Self::new(strategy, gate))
    }
}

impl Strategy for Filter {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn warmup(&self) -> usize {
        self.member.strategy.warmup()
    }

    fn on_event(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) {
        if !self.gate.watch(event, facts, advice) {
            return;
        }
        let Some(said) = self.member.listen(event, facts, advice) else { return };
        for advised in said {
            if openings(advised, facts).all(|opening| self.gate.is_open(opening)) {
                advice.say(advised.clone());
            } else if let Advised::Quote { key, .. } = advised {
                advice.pull(*key);
            }
        }
    }
}

impl Inner {
    /// Takes the event; false when it cannot.
    fn watch(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) -> bool {
        match self {
            Self::Conditions { fresh, classifiers, .. } => {
                let Event::Market(market) = event else { return true };
                let is_index = fresh.is_index(market.instrument());
                if is_index {
                    // Instruments that are seen later start with the index's level.
                    let _ = fresh.on_event(market);
                } else {
                    classifiers.entry(market.instrument(), || (**fresh).clone());
                }
                for (id, classifier) in classifiers.iter_mut() {
                    if !is_index && *id != market.instrument() {
                        continue;
                    }
                    if let Err(error) = classifier.on_event(market) {
                        advice.fail(error.to_string());
                        return false;
                    }
                }
                true
            }
            Self::AgreesWith { member, sides } => {
                let Some(said) = member.listen(event, facts, advice) else { return false };
                for advised in said {
                    if let Advised::Signal(signal) | Advised::Entry { signal, .. } = advised
                        && let Some(side) = sides.entry(signal.instrument, || signal.side)
                    {
                        *side = signal.side;
                    }
                }
                true
            }
        }
    }

    fn is_open(&self, opening: Opening) -> bool {
        match self {
            Self::Conditions { any_of, classifiers, .. } => {
                any_of.contains(&condition_of(classifiers, opening.instrument))
            }
            Self::AgreesWith { sides, .. } => sides.find(opening.instrument) == Some(&opening.side),
        }
    }
}

fn condition_of(
    classifiers: &Seen<MarketConditionClassifier>,
    instrument: InstrumentId,
) -> MarketCondition {
    classifiers
        .find(instrument)
        .map_or(MarketCondition::Unknown, MarketConditionClassifier::condition)
}

#[derive(Serialize, Deserialize)]
struct SavedGate {
    fresh: Option<MarketConditionClassifier>,
    classifiers: Seen<MarketConditionClassifier>,
    sides: Seen<Side>,
}

impl State for Filter {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        let (gate, other) = match &self.gate {
            Inner::Conditions { fresh, classifiers, .. } => {
                let fresh = Some((**fresh).clone());
                let classifiers = classifiers.clone();
                (SavedGate { fresh, classifiers, sides: Seen::default() }, None)
            }
            Inner::AgreesWith { member, sides } => {
                let (fresh, classifiers) = (None, Seen::default());
                (SavedGate { fresh, classifiers, sides: sides.clone() }, Some(member))
            }
        };
        let members = save_all(core::iter::once(&self.member).chain(other))?;
        self.identity.save(&(gate, members))
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let (saved, members): (SavedGate, Vec<Vec<u8>>) = self.identity.read(state)?;
        match (&mut self.gate, saved.fresh) {
            (Inner::Conditions { fresh, classifiers, .. }, Some(saved_fresh)) => {
                restore_all(&mut [&mut self.member], &members)?;
                **fresh = saved_fresh;
                *classifiers = saved.classifiers;
            }
            (Inner::AgreesWith { member, sides }, None) => {
                restore_all(&mut [&mut self.member, member], &members)?;
                *sides = saved.sides;
            }
            (Inner::Conditions { .. }, None) | (Inner::AgreesWith { .. }, Some(_)) => {
                return Err(StateError::Unreadable("a filter of another kind".to_owned()));
            }
        }
        Ok(())
    }
}
