use serde::{Deserialize, Serialize};

use crate::strategy::parameter::parameters;
use crate::strategy::saved::{Identity, restore_all, save_all};
use crate::strategy::{
    Advice, Advised, BadParameter, BuildError, Event, ParameterKind, Parameters, Strategy,
    StrategyContext,
};
use crate::types::{Confidence, Facts, MarketEvent, Side, Signal, State, StateError};

use super::members::{Member, MemberSpec, Seen, VoterSpec};

parameters! {
    /// Parameters of [`WeightedVote`].
    pub struct VoteParameters {
        /// Who votes; a list of name, weight and parameters.
        pub members: Vec<VoterSpec> =
            vec![VoterSpec::new("MEAN_REVERSION", 1.0), VoterSpec::new("BREAKOUT", 1.0)],
            ParameterKind::Strategies;
        /// The weighted mean of all votes, HOLD counting as zero, from which on it is a signal.
        pub threshold: f64 = 0.5, ParameterKind::Positive { maximum: 1.0 };
        /// Bars for which a vote counts, the bar of the signal included.
        pub memory_bars: u32 = 1, ParameterKind::Count { minimum: 1, maximum: 1_000_000 };
    }
}

/// `WEIGHTED_VOTE`: signals what the weighted sum of its members' signals says.
///
/// A member's vote is its confidence, below zero for SELL; the score is the sum of weight * vote
/// over the sum of all weights, so members that hold count against a signal. From `threshold` on
/// (both ways) the score is a signal and its size the confidence. A vote counts for `memory_bars`
/// bars of its instrument and is replaced by the member's next one; the sum is taken on events on
/// which somebody has voted. Members say signals only: there is no sum of targets or quotes.
///
/// ```
/// use tradewright::strategy::{
///     BreakoutParameters, Breakout, MeanReversion, Strategy, StrategyContext, WeightedVote,
/// };
/// use tradewright::types::{Instrument, Instruments};
///
/// let mut table = Instruments::new();
/// let universe = [table.add(Instrument::stock("AAPL", "USD"))?];
/// let context = StrategyContext::new(&table, &universe);
/// let parameters = BreakoutParameters { lookback: 55, ..Default::default() };
/// let breakout = Breakout::new(parameters, &context)?;
/// let reversion = MeanReversion::new(Default::default(), &context)?;
/// let members: Vec<(Box<dyn Strategy>, f64)> =
///     vec![(Box::new(breakout), 2.0), (Box::new(reversion), 1.0)];
/// let vote = WeightedVote::new(members, 0.6, 1)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WeightedVote {
    identity: Identity,
    voters: Vec<Voter>,
    threshold: f64,
    memory_bars: u32,
    tallies: Seen<Tally>,
}

struct Voter {
    member: Member,
    /// Its share of all weights.
    share: f64,
}

/// The votes on one instrument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tally {
    votes: Vec<Vote>,
    /// Somebody has voted during this event.
    is_fresh: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Vote {
    /// Confidence with the side's sign.
    value: f64,
    /// Bars for which it still counts.
    bars_left: u32,
}

impl WeightedVote {
    /// Its name in the registry.
    pub const NAME: &'static str = "WEIGHTED_VOTE";

    /// A vote of these strategies and weights.
    ///
    /// # Errors
    /// [`BuildError::Parameter`] without members, for a weight, a threshold or a memory out of
    /// range.
    pub fn new(
        members: Vec<(Box<dyn Strategy>, f64)>,
        threshold: f64,
        memory_bars: u32,
    ) -> Result<Self, BuildError> {
        let spec = |(strategy, weight): &(Box<dyn Strategy>, f64)| {
            VoterSpec::new(strategy.name(), *weight)
        };
        let members_by_name = members.iter().map(spec).collect();
        let parameters = VoteParameters { members: members_by_name, threshold, memory_bars };
        parameters.check()?;
        let mut total = 0.0;
        for (index, (_, weight)) in members.iter().enumerate() {
            if !(*weight > 0.0 && *weight <= 1e9) {
                let name = format!("members[{index}].weight");
                let allowed = "numbers above 0 and up to 1000000000";
                return Err(BadParameter::new(&name, weight, allowed).into());
            }
            total += weight;
        }
        let voter =
            |(strategy, weight)| Voter { member: Member::new(strategy), share: weight / total };
        Ok(Self {
            identity: Identity::of(Self::NAME, &parameters),
            voters: members.into_iter().map(voter).collect(),
            threshold,
            memory_bars,
            tallies: Seen::default(),
        })
    }

    pub(super) fn build(
        parameters: VoteParameters,
        context: &StrategyContext<'_>,
    ) -> Result<Self, BuildError> {
        let mut members = Vec::with_capacity(parameters.members.len());
        for VoterSpec { name, weight, parameters } in parameters.members {
            members.push((MemberSpec { name, parameters }.build(context)?, weight));
        }
        Self::new(members, parameters.threshold, parameters.memory_bars)
    }

    /// Collects the votes of one event; false when a member failed.
    fn collect(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) -> bool {
        let count = self.voters.len();
        for (index, voter) in self.voters.iter_mut().enumerate() {
            let Some(said) = voter.member.listen(event, facts, advice) else { return false };
            for advised in said {
                match advised {
                    Advised::Signal(signal) => {
                        let new = || Tally { votes: vec![Vote::default(); count], is_fresh: false };
                        let Some(tally) = self.tallies.entry(signal.instrument, new) else {
                            continue;
                        };
                        tally.is_fresh = true;
                        let confidence = signal.confidence.value();
                        let value = match signal.side {
                            Side::Buy => confidence,
                            Side::Sell => -confidence,
                        };
                        if let Some(vote) = tally.votes.get_mut(index) {
                            *vote = Vote { value, bars_left: self.memory_bars };
                        }
                    }
                    Advised::WakeAt(at) => advice.wake_at(*at),
                    Advised::Entry { .. }
                    | Advised::Target { .. }
                    | Advised::Execute { .. }
                    | Advised::Together(..)
                    | Advised::Quote { .. }
                    | Advised::Pull(_)
                    | Advised::CancelAll => {
                        let name = voter.member.strategy.name();
                        advice.fail(format!("{name}: only signals can be voted on"));
                        return false;
                    }
                }
            }
        }
        true
    }

    fn decide(&mut self, advice: &mut Advice) {
        for (instrument, tally) in self.tallies.iter_mut() {
            if !core::mem::take(&mut tally.is_fresh) {
                continue;
            }
            let live = tally.votes.iter().zip(&self.voters).filter(|(vote, _)| vote.bars_left > 0);
            let score: f64 = live.map(|(vote, voter)| vote.value * voter.share).sum();
            // Shares are rounded; unanimity must reach a threshold of 1.
            if score.abs() + 1e-12 >= self.threshold {
                let side = if score > 0.0 { Side::Buy } else { Side::Sell };
                let confidence = Confidence::clamped(score.abs());
                let tag = crate::types::Label::new("vote");
                let reason = crate::types::Label::default();
                advice.opinion(Signal { instrument: *instrument, side, confidence, tag, reason });
            }
        }
    }
}

impl State for WeightedVote {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        let members = save_all(self.voters.iter().map(|voter| &voter.member))?;
        self.identity.save(&(&self.tallies, members))
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let (tallies, members): (Seen<Tally>, Vec<Vec<u8>>) = self.identity.read(state)?;
        if tallies.iter().any(|(_, tally)| tally.votes.len() != self.voters.len()) {
            return Err(StateError::Unreadable("votes of other members".to_owned()));
        }
        let mut parts: Vec<_> = self.voters.iter_mut().map(|voter| &mut voter.member).collect();
        restore_all(&mut parts, &members)?;
        self.tallies = tallies;
        Ok(())
    }
}

impl Strategy for WeightedVote {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn warmup(&self) -> usize {
        self.voters.iter().map(|voter| voter.member.strategy.warmup()).min().unwrap_or(0)
    }

    fn on_event(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) {
        if let Event::Market(MarketEvent::Bar(bar)) = event
            && let Some((_, tally)) = self.tallies.iter_mut().find(|(id, _)| *id == bar.instrument)
        {
            for vote in &mut tally.votes {
                vote.bars_left = vote.bars_left.saturating_sub(1);
            }
        }
        if self.collect(event, facts, advice) {
            self.decide(advice);
        }
    }
}
