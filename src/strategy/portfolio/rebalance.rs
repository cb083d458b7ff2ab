use serde::{Deserialize, Serialize};

use super::allocators::MOST_ROUNDING;
use super::calendar::CalendarMemory;
use super::covariance::CovarianceEstimate;
use super::rows::Rows;
use super::trades::{Trades, WeightedInstrument};
use super::{
    Allocator, Candidates, CovarianceSpec, EqualWeight, FixedWeights, InverseVolatility,
    RebalanceSchedule, RiskParity,
};
use crate::strategy::parameter::parameters;
use crate::strategy::saved::Identity;
use crate::strategy::{
    Advice, BadParameter, BuildError, Event, ParameterKind, Parameters, Strategy, StrategyContext,
};
use crate::types::{
    Adjustment, AdjustmentKind, Bar, DayBoundary, Facts, InstrumentId, State, StateError, Timestamp,
};

parameters! {
    /// Parameters of [`Rebalance`].
    pub struct RebalanceParameters {
        /// How the money is divided; fixed weights are given in the order of the universe.
        pub allocator: AllocatorSpec = AllocatorSpec::EqualWeight,
            ParameterKind::Choice { choices: AllocatorSpec::WORDS };
        /// When the portfolio is renewed: every so many rows of bars, daily, weekly, monthly.
        pub schedule: RebalanceSchedule = RebalanceSchedule::Monthly,
            ParameterKind::Choice { choices: RebalanceSchedule::WORDS };
        /// Time zone whose calendar the schedule goes by, such as America/New_York.
        pub zone: String = "UTC".to_owned(), ParameterKind::Other;
        /// Distance from the target weight within which a position that is held is left alone.
        pub band: f64 = 0.0, ParameterKind::Number { minimum: 0.0, maximum: 1.0 };
        /// Distance from the target weight that renews the portfolio between the dates; 1 for none.
        pub drift: f64 = 1.0, ParameterKind::Number { minimum: 0.0, maximum: 1.0 };
        /// Share of equity that stays cash.
        pub cash_buffer: f64 = 0.02, ParameterKind::Number { minimum: 0.0, maximum: 0.99 };
        /// How covariances are estimated, for allocators that look at them.
        pub covariance: CovarianceSpec = CovarianceSpec::Rolling { window: 60 },
            ParameterKind::Choice { choices: CovarianceSpec::WORDS };
        /// Rows of bars that purchases wait for sales at most; 0 for not at all.
        pub patience: u32 = 5, ParameterKind::Count { minimum: 0, maximum: 10_000 };
    }
}

/// Which allocator, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AllocatorSpec {
    /// [`EqualWeight`].
    EqualWeight,
    /// [`InverseVolatility`].
    InverseVolatility,
    /// [`RiskParity`].
    RiskParity,
    /// [`FixedWeights`].
    Fixed {
        /// One weight per instrument of the universe.
        weights: Vec<f64>,
    },
}

impl AllocatorSpec {
    const WORDS: &'static [&'static str] =
        &["equal_weight", "inverse_volatility", "risk_parity", "fixed"];

    fn build(&self, universe: &[InstrumentId]) -> Result<Box<dyn Allocator>, BuildError> {
        Ok(match self {
            Self::EqualWeight => Box::new(EqualWeight),
            Self::InverseVolatility => Box::new(InverseVolatility),
            Self::RiskParity => Box::new(RiskParity),
            Self::Fixed { weights } => {
                let (found, needed) = (weights.len(), universe.len());
                if found != needed {
                    let allowed = format!("{needed} weights, one per instrument of the universe");
                    return Err(BadParameter::new("allocator", found, allowed).into());
                }
                Box::new(FixedWeights::new(universe.iter().copied().zip(weights.iter().copied()))?)
            }
        })
    }
}

/// `REBALANCE`: holds its universe at target weights, long only.
///
/// On the dates of its schedule, when a position has drifted too far, when an instrument comes
/// to the candidates and after a split, its [`Allocator`] divides the account's equity less the
/// cash buffer. Each target is rounded down to the instrument's step; positions within the
/// band of their weight stay as they are. What has to be sold is sold first; purchases follow,
/// at the prices of then, once the sales are done or refused, so that cash suffices.
///
/// An instrument is a candidate from its first close on or, where the allocator looks at
/// covariances, when its returns fill the whole estimate. One time of bars is one row: use one
/// timeframe. A bar that is missing in a row counts as a return of zero.
#[derive(Debug)]
pub struct Rebalance {
    identity: Identity,
    parameters: RebalanceParameters,
    zone: DayBoundary,
    universe: Vec<InstrumentId>,
    allocator: BoxedAllocator,
    memory: Memory,
    returns: Vec<f64>,
}

struct BoxedAllocator(Box<dyn Allocator>);

impl core::fmt::Debug for BoxedAllocator {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(self.0.name())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Memory {
    rows: Rows,
    estimate: CovarianceEstimate,
    calendar: CalendarMemory,
    /// Target weights by place in the universe, the cash buffer taken off.
    weights: Vec<f64>,
    /// Candidates of the last renewal.
    members: usize,
    /// The portfolio is renewed on the next row, whatever the calendar says.
    is_due: bool,
    trades: Trades,
}

impl Rebalance {
    /// Its name in the registry.
    pub const NAME: &'static str = "REBALANCE";

    /// A portfolio of the universe with the allocator that the parameters name.
    ///
    /// # Errors
    /// [`BuildError::Parameter`] names the parameter and what is allowed.
    pub fn new(
        parameters: RebalanceParameters,
        context: &StrategyContext<'_>,
    ) -> Result<Self, BuildError> {
        parameters.check()?;
        let allocator = parameters.allocator.build(context.universe())?;
        let identity = Identity::of(Self::NAME, &parameters);
        Self::build(identity, parameters, allocator, context)
    }

    /// The same with an allocator of the host's own; the parameters' is not looked at.
    ///
    /// # Errors
    /// As [`Rebalance::new`].
    pub fn with(
        allocator: impl Allocator + 'static,
        parameters: RebalanceParameters,
        context: &StrategyContext<'_>,
    ) -> Result<Self, BuildError> {
        parameters.check()?;
        let identity = Identity::of(Self::NAME, &(allocator.name(), &parameters));
        Self::build(identity, parameters, Box::new(allocator), context)
    }

    fn build(
        identity: Identity,
        parameters: RebalanceParameters,
        allocator: Box<dyn Allocator>,
        context: &StrategyContext<'_>,
    ) -> Result<Self, BuildError> {
        let refused = |name: &str, value: &str, error: &dyn core::fmt::Display| {
            BuildError::from(BadParameter::new(name, value, error))
        };
        let zone = DayBoundary::new(&parameters.zone, 0)
            .map_err(|_| refused("zone", &parameters.zone, &"time zones of the IANA database"))?;
        if let RebalanceSchedule::Bars(0) = parameters.schedule {
            return Err(refused("schedule", "bars 0", &"at least 1 row of bars"));
        }
        let universe: Vec<InstrumentId> = context.traded()?.iter().map(|found| found.id).collect();
        let is_repeated = |(index, id): (usize, &InstrumentId)| {
            universe.get(..index).is_some_and(|before| before.contains(id))
        };
        if universe.iter().enumerate().any(is_repeated) {
            let needed = "different instruments";
            return Err(BuildError::Universe { needed, found: universe.len() });
        }
        let count = universe.len();
        let estimate = CovarianceEstimate::new(parameters.covariance, count)
            .map_err(|error| refused("covariance", "refused", &error))?;
        let memory = Memory {
            rows: Rows::new(count),
            estimate,
            calendar: CalendarMemory::default(),
            weights: vec![0.0; count],
            members: 0,
            is_due: false,
            trades: Trades::default(),
        };
        let (allocator, returns) = (BoxedAllocator(allocator), Vec::with_capacity(count));
        Ok(Self { identity, parameters, zone, universe, allocator, memory, returns })
    }

    /// The target weights by place in the universe, the cash buffer taken off; zero before the
    /// first renewal.
    pub fn weights(&self) -> &[f64] {
        &self.memory.weights
    }

    fn on_bar(&mut self, bar: &Bar, facts: &Facts<'_>, advice: &mut Advice) {
        let Some(index) = self.universe.iter().position(|id| *id == bar.instrument) else { return };
        if let Err(error) = bar.check() {
            return advice.fail(error.to_string());
        }
        if self.memory.rows.is_overtaken_at(facts.at) {
            self.finish_row(facts, advice);
        }
        if self.memory.rows.take(facts.at, index, bar.close) {
            self.finish_row(facts, advice);
        }
    }

    fn finish_row(&mut self, facts: &Facts<'_>, advice: &mut Advice) {
        let Some(at) = self.memory.rows.finish(&mut self.returns) else { return };
        if self.allocator.0.needs_covariance()
            && let Err(error) = self.memory.estimate.update(&self.returns)
        {
            return advice.fail(error.to_string());
        }
        if self.is_due(at, facts) {
            self.renew(facts, advice);
        } else {
            let patience = self.parameters.patience;
            self.memory.trades.wait_a_row(patience);
        }
        self.follow_up(facts, advice);
    }

    fn is_due(&mut self, at: Timestamp, facts: &Facts<'_>) -> bool {
        let Memory { calendar, members, is_due, .. } = &mut self.memory;
        let scheduled = calendar.advance(at, self.parameters.schedule, &self.zone);
        let (begun, forced) = (*members > 0, *is_due);
        let joined = self.candidates().len() > self.memory.members;
        joined || (begun && (scheduled || forced || self.has_drifted(facts)))
    }

    fn has_drifted(&self, facts: &Facts<'_>) -> bool {
        // Weights never differ by more than 1: nothing is looked at.
        self.parameters.drift < 1.0
            && self.memory.trades.is_done()
            && self.instruments().any(|instrument| {
                let weight = instrument.weight_held(facts);
                weight.is_some_and(|held| (held - instrument.weight).abs() > self.parameters.drift)
            })
    }

    fn instruments(&self) -> impl Iterator<Item = WeightedInstrument> {
        let pairs = self.universe.iter().zip(&self.memory.weights);
        pairs.map(|(id, weight)| WeightedInstrument { id: *id, weight: *weight })
    }

    /// Places in the universe of the instruments that can be held now.
    fn candidates(&self) -> Vec<usize> {
        let Memory { rows, estimate, .. } = &self.memory;
        let needs = self.allocator.0.needs_covariance();
        let is_ready = |index: &usize| {
            rows.is_known(*index) && (!needs || estimate.covariance(*index, *index).is_some())
        };
        (0..self.universe.len()).filter(is_ready).collect()
    }

    fn renew(&mut self, facts: &Facts<'_>, advice: &mut Advice) {
        let places = self.candidates();
        let ids: Vec<InstrumentId> =
            places.iter().filter_map(|place| self.universe.get(*place).copied()).collect();
        let mut covariances = Vec::new();
        if self.allocator.0.needs_covariance() {
            for one in &places {
                let row = places.iter().map(|other| self.memory.estimate.covariance(*one, *other));
                covariances.extend(row.map(|found| found.unwrap_or(f64::NAN)));
            }
        }
        let candidates = Candidates::new(&ids, &covariances, facts);
        let mut weights = vec![0.0; ids.len()];
        let name = self.allocator.0.name().to_owned();
        if let Err(error) = self.allocator.0.allocate(&candidates, &mut weights) {
            return advice.fail(format!("{name}: {error}"));
        }
        let sum: f64 = weights.iter().sum();
        let is_sound = weights.iter().all(|weight| *weight >= 0.0);
        if !(is_sound && sum <= 1.0 + MOST_ROUNDING) {
            return advice.fail(format!("{name}: weights must be at least 0 and sum to at most 1"));
        }
        let invested = 1.0 - self.parameters.cash_buffer;
        self.memory.weights.fill(0.0);
        for (place, weight) in places.iter().zip(weights) {
            if let Some(own) = self.memory.weights.get_mut(*place) {
                *own = weight * invested;
            }
        }
        self.memory.members = places.len();
        self.memory.is_due = false;
        self.memory.calendar.renewed();
        let instruments: Vec<WeightedInstrument> = self.instruments().collect();
        self.memory.trades.begin(&instruments, self.parameters.band, facts, advice);
        if self.parameters.patience == 0 {
            self.memory.trades.stop_waiting();
        }
    }

    /// Purchases follow once the sales are done.
    fn follow_up(&mut self, facts: &Facts<'_>, advice: &mut Advice) {
        self.memory.trades.follow_up(facts, advice);
    }

    /// After a split prices are others, and the venue has cancelled what was on its way.
    fn on_adjusted(&mut self, adjustment: &Adjustment) {
        if let AdjustmentKind::Split { instrument, numerator, denominator } = adjustment.kind
            && let Some(index) = self.universe.iter().position(|id| *id == instrument)
        {
            self.memory.rows.split(index, f64::from(numerator) / f64::from(denominator));
            self.memory.trades = Trades::default();
            self.memory.is_due = true;
        }
    }
}

impl State for Rebalance {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        self.identity.save(&(self.allocator.0.save()?, &self.memory))
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let (allocator, memory): (Vec<u8>, Memory) = self.identity.read(state)?;
        let own = &self.memory;
        let is_sound = own.rows.is_like(&memory.rows)
            && own.estimate.is_like(&memory.estimate)
            && memory.weights.len() == own.weights.len()
            && memory.weights.iter().all(|weight| *weight >= 0.0)
            && memory.trades.is_sound(&self.universe);
        if !is_sound {
            let what = "the portfolio's memory is of another universe".to_owned();
            return Err(StateError::Unreadable(what));
        }
        self.allocator.0.restore(&allocator)?;
        self.memory = memory;
        Ok(())
    }
}

impl Strategy for Rebalance {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn warmup(&self) -> usize {
        let needs = self.allocator.0.needs_covariance();
        // One close more than returns.
        if needs { self.parameters.covariance.rows().saturating_add(1) } else { 1 }
    }

    fn on_event(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) {
        match event {
            Event::Market(_) => {
                if let Some(bar) = event.bar() {
                    self.on_bar(bar, facts, advice);
                }
            }
            Event::Fill(_) => self.follow_up(facts, advice),
            Event::Refused { intent, .. } => {
                self.memory.trades.refused(intent);
                self.follow_up(facts, advice);
            }
            Event::Adjusted(adjustment) => self.on_adjusted(adjustment),
            Event::Wake => {}
        }
    }
}
