//! Strategies of strategies: they change what others say.

mod members;
mod reach;

mod contained;
mod cooldown;
mod filter;
mod invert;
mod weighted_vote;

pub use contained::Contained;
pub use cooldown::{Cooldown, CooldownParameters};
pub use filter::{Filter, FilterParameters, Gate, GateSpec};
pub use invert::{Invert, InvertParameters};
pub use members::{MemberSpec, VoterSpec};
pub use weighted_vote::{VoteParameters, WeightedVote};

use super::StrategyRegistry;

/// Adds the combinators to a registry.
pub(super) fn register(registry: &mut StrategyRegistry) {
    let results = [
        registry.register(
            WeightedVote::NAME,
            "Signals what the weighted sum of its members' signals says",
            |parameters, context| Ok(Box::new(WeightedVote::build(parameters, context)?)),
        ),
        registry.register(
            Filter::NAME,
            "Lets entries of a strategy through only in some market conditions or by agreement",
            |parameters, context| Ok(Box::new(Filter::build(&parameters, context)?)),
        ),
        registry.register(
            Invert::NAME,
            "Does the opposite of a strategy",
            |parameters: InvertParameters, context| {
                Ok(Box::new(Invert::new(parameters.strategy.build(context)?)))
            },
        ),
        registry.register(
            Cooldown::NAME,
            "Holds back a strategy's entries for some bars after each of them",
            |parameters: CooldownParameters, context| {
                Ok(Box::new(Cooldown::new(parameters.strategy.build(context)?, parameters.bars)?))
            },
        ),
    ];
    debug_assert_eq!(results.into_iter().find_map(Result::err), None);
}
