use core::str::FromStr;

use rust_decimal::Decimal;
use serde::Serialize;

use crate::account::{LedgerConfig, RiskFree};
use crate::engine::{Engine, EngineBuilder, EngineError, Input, Netting, Policy, SlotConfig};
use crate::metrics::{MetricsSink, Tee};
use crate::risk::{EquityFraction, Guard, OrderGate, RiskManager, RiskRule, Sizer, StopPlan};
use crate::sim::{FeeSchedule, SimConfig, SimError, SimVenue};
use crate::strategy::{BuildError, Strategy, StrategyContext, StrategyRegistry};
use crate::types::{
    Adjustment, AdjustmentCause, AdjustmentKind, AssetId, ExecutionPlan, InstrumentId, MarketEvent,
    Money, Period, Timestamp,
};
use crate::types::{Classification, Classify};

use super::{Collector, Digest, Report, Sampling, Simulation, Tape};

/// Events that are handled between two calls of the progress callback.
const BLOCK: usize = 4_096;

/// A backtest in the making: a tape, strategies, a venue, and the same engine as everywhere.
///
/// ```
/// use tradewright::backtest::{Backtest, Tape};
/// use tradewright::strategy::from_fn;
/// use tradewright::types::{
///     Bar, Confidence, Instrument, Instruments, MarketEvent, Period, Timestamp,
/// };
///
/// let mut instruments = Instruments::new();
/// let spy = instruments.add(Instrument::stock("SPY", "USD"))?;
/// let mut tape = Tape::new(instruments);
/// for day in 1..=30 {
///     let price = 100.0 + f64::from(day);
///     let bar = Bar::new(spy, Period::DAY, [price, price + 1.0, price - 1.0, price], 1e6)?;
///     tape.push(Timestamp::from_secs(86_400 * i64::from(day))?, MarketEvent::Bar(bar))?;
/// }
/// let always_long = from_fn("ALWAYS_LONG", |event, _, advice| {
///     if event.bar().is_some() {
///         advice.buy(Confidence::FULL);
///     }
/// });
/// let report = Backtest::new(&tape).cash("10000").with(always_long).run()?;
/// assert_eq!(report.fills.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a backtest does nothing until it is run"]
pub struct Backtest<'a> {
    tape: &'a Tape,
    builder: EngineBuilder<Box<dyn Strategy>, ()>,
    fault: Option<BacktestError>,
    registry: StrategyRegistry,
    strategies: Vec<(String, u64)>,
    policy: Policy,
    sizer: Box<dyn Fn() -> Box<dyn Sizer>>,
    stop: Option<StopPlan>,
    execution: Option<ExecutionPlan>,
    cash: Decimal,
    reporting: AssetId,
    venue: SimConfig,
    sampling: Sampling,
    periods_per_year: Option<f64>,
    risk_free: RiskFree,
    benchmark: Option<InstrumentId>,
    progress: Option<Box<dyn FnMut(Progress) + 'a>>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Events handled.
    pub done: usize,
    /// Events in all.
    pub total: usize,
    /// Time of the last event.
    pub at: Timestamp,
}

impl<'a> Backtest<'a> {
    /// A backtest over a tape: 100,000 units of the first instrument's quote currency, no fees,
    /// no risk rules, market orders at the next open, long or flat, a tenth of equity a trade.
    pub fn new(tape: &'a Tape) -> Self {
        let instruments = tape.instruments().clone();
        let benchmark = instruments.iter().next().map(|first| first.id);
        let reporting = instruments.iter().next().map(|first| first.quote).unwrap_or_default();
        Self {
            tape,
            builder: Engine::builder(instruments, reporting),
            fault: None,
            registry: StrategyRegistry::new(),
            strategies: Vec::new(),
            policy: Policy::default(),
            sizer: Box::new(|| Box::new(EquityFraction::default())),
            stop: None,
            execution: None,
            cash: Decimal::from(100_000),
            reporting,
            venue: SimConfig::default(),
            sampling: Sampling::default(),
            periods_per_year: None,
            risk_free: RiskFree::PerPeriod(0.0),
            benchmark,
            progress: None,
        }
    }

    /// The money at the start, as decimal text above zero.
    pub fn cash(mut self, amount: &str) -> Self {
        match Decimal::from_str(amount) {
            Ok(cash) if cash > Decimal::ZERO => self.cash = cash,
            Ok(_) | Err(_) => {
                let text = amount.chars().take(40).collect();
                self.fault.get_or_insert(BacktestError::BadCash { text });
            }
        }
        self
    }

    /// What signals mean, for the strategies that are added after it.
    pub const fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How much signals open, for the strategies that are added after it.
    pub fn sizer(mut self, sizer: impl Sizer + Clone + 'static) -> Self {
        self.sizer = Box::new(move || Box::new(sizer.clone()));
        self
    }

    /// Where the stops of positions are, for the strategies that are added after it.
    pub fn stop(mut self, plan: StopPlan) -> Self {
        self.stop = Some(plan);
        self
    }

    /// How targets are split into child orders, for the strategies that are added after it.
    pub fn execution(mut self, plan: ExecutionPlan) -> Self {
        self.execution = Some(plan);
        self
    }

    /// Strategies of the host's own under names.
    pub fn registry(mut self, registry: StrategyRegistry) -> Self {
        self.registry = registry;
        self
    }

    /// Adds a registered strategy with its default parameters.
    pub fn strategy(self, name: &str) -> Self {
        self.strategy_with(name, "{}")
    }

    /// Adds a registered strategy with parameters as JSON.
    pub fn strategy_with(self, name: &str, parameters: &str) -> Self {
        let universe: Vec<InstrumentId> =
            self.tape.instruments().iter().map(|instrument| instrument.id).collect();
        self.strategy_on(name, parameters, universe)
    }

    /// Adds a registered strategy that trades some of the instruments.
    pub fn strategy_on(
        mut self,
        name: &str,
        parameters: &str,
        universe: impl Into<Vec<InstrumentId>>,
    ) -> Self {
        let universe = universe.into();
        let context = StrategyContext::new(self.tape.instruments(), &universe);
        match self.registry.build_json(name, parameters, &context) {
            Ok(built) => {
                let fingerprint = built.fingerprint.value();
                let slot =
                    SlotConfig::new(built.strategy).trades(universe).fingerprint(fingerprint);
                self.plan(slot)
            }
            Err(error) => {
                self.fault.get_or_insert(error.into());
                self
            }
        }
    }

    /// Adds a strategy object on all instruments.
    pub fn with(self, strategy: impl Strategy + 'static) -> Self {
        let strategy: Box<dyn Strategy> = Box::new(strategy);
        self.plan(SlotConfig::new(strategy))
    }

    fn plan(self, slot: SlotConfig<Box<dyn Strategy>>) -> Self {
        let (policy, sizer) = (self.policy, (self.sizer)());
        let slot = match &self.stop {
            Some(plan) => slot.stop(plan.clone()),
            None => slot,
        };
        let slot = match &self.execution {
            Some(plan) => slot.execution(plan.clone()),
            None => slot,
        };
        self.slot(slot.policy(policy).sizer(sizer))
    }

    /// Adds a slot with everything set by hand.
    pub fn slot(mut self, slot: SlotConfig<Box<dyn Strategy>>) -> Self {
        self.strategies.push((slot.name().to_owned(), slot.print()));
        self.builder = self.builder.slot(slot);
        self
    }

    /// The venue's behaviour: fees, slippage, latency, fill models.
    pub fn venue(mut self, config: SimConfig) -> Self {
        self.venue = config;
        self
    }

    /// The venue's fees.
    pub fn fees(mut self, fees: FeeSchedule) -> Self {
        self.venue.fees = fees;
        self
    }

    /// Adds a risk rule.
    pub fn rule(mut self, rule: impl RiskRule + 'static) -> Self {
        self.builder = self.builder.rule(rule);
        self
    }

    /// Adds a guard.
    pub fn guard(mut self, guard: impl Guard + 'static) -> Self {
        self.builder = self.builder.guard(guard);
        self
    }

    /// A risk manager in place of rules and guards.
    pub fn risk(mut self, manager: impl RiskManager + 'static) -> Self {
        self.builder = self.builder.risk(manager);
        self
    }

    /// Adds a check of every order.
    pub fn gate(mut self, gate: impl OrderGate + 'static) -> Self {
        self.builder = self.builder.gate(gate);
        self
    }

    /// Lots and position mode of the books.
    pub fn ledger(mut self, config: LedgerConfig) -> Self {
        self.builder = self.builder.ledger(config);
        self
    }

    /// What becomes of opposite orders of several strategies; all go to the venue unless said.
    pub fn netting(mut self, netting: Netting) -> Self {
        self.builder = self.builder.netting(netting);
        self
    }

    /// How often equity is kept.
    pub const fn sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = sampling;
        self
    }

    /// The number of equity points in a year, when it is not to be derived from their spacing.
    pub const fn periods_per_year(mut self, periods: f64) -> Self {
        self.periods_per_year = Some(periods);
        self
    }

    /// The return without risk that Sharpe and the like subtract; nothing unless set.
    pub const fn risk_free(mut self, risk_free: RiskFree) -> Self {
        self.risk_free = risk_free;
        self
    }

    /// The instrument that the report holds against the run, bought at its first mark and kept;
    /// `None` for none. The first instrument of the tape unless set.
    pub const fn benchmark(mut self, instrument: Option<InstrumentId>) -> Self {
        self.benchmark = instrument;
        self
    }

    /// Called every few thousand events.
    pub fn on_progress(mut self, progress: impl FnMut(Progress) + 'a) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Runs to the end of the tape.
    ///
    /// # Errors
    /// [`BacktestError`]: a bad parameter, or data that the engine refuses.
    pub fn run(self) -> Result<Report, BacktestError> {
        self.run_with(()).map(|(report, ())| report)
    }

    /// Runs to the end of the tape with a reader of records of the host's own.
    ///
    /// # Errors
    /// As [`Backtest::run`].
    pub fn run_with<M: MetricsSink>(mut self, sink: M) -> Result<(Report, M), BacktestError> {
        let mut progress = self.progress.take();
        let tape = self.tape;
        let (plan, mut simulation) = self.prepare(sink)?;
        let mut done = 0;
        for block in tape.blocks(BLOCK) {
            simulation.run(block)?;
            done += block.len();
            if let (Some(progress), Some(last)) = (&mut progress, block.last()) {
                progress(Progress { done, total: tape.len(), at: last.at });
            }
        }
        Ok(Report::new(tape, &plan, simulation))
    }

    /// The simulation before its first market event, for hosts that hold the loop themselves.
    ///
    /// # Errors
    /// As [`Backtest::run`].
    pub fn prepare<M: MetricsSink>(self, sink: M) -> Result<(Plan, Run<M>), BacktestError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let Some(start) = start(self.tape) else { return Err(BacktestError::EmptyTape) };
        let collector = Collector::new(self.sampling, self.tape.len());
        let sink = Tee(Digest::new(), Tee(collector, sink));
        let engine = self.builder.sink(sink).build()?;
        let capital = Money::new(self.cash, self.reporting);
        let mut config = self.venue.clone();
        if !config.margin.is_empty() {
            // Margin needs cash at the venue: the capital, unless balances were named.
            config.balances_or(self.tape.instruments().code(self.reporting), self.cash);
        }
        let venue = venue(self.tape, &config)?;
        let mut simulation = Simulation::new(engine, venue);
        let kind = AdjustmentKind::Capital(capital);
        let deposit = Adjustment { cause: AdjustmentCause::Deposit, kind };
        simulation.input(start, &Input::Adjustment(deposit))?;
        let plan = Plan {
            strategies: self.strategies,
            capital,
            venue: self.venue,
            periods_per_year: self.periods_per_year,
            start,
            risk_free: self.risk_free,
            benchmark: self.benchmark,
        };
        Ok((plan, simulation))
    }
}

/// A prepared run: boxed strategies, the collector of the report, and a reader of records of
/// the host's own.
pub type Run<M = ()> = Simulation<Box<dyn Strategy>, Tee<Collector, M>>;

/// What a run was asked to do. Strategies, money and venue are part of the run hash; what only
/// the report reads is not.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// Names and parameter hashes of the strategies.
    pub strategies: Vec<(String, u64)>,
    /// The money at the start.
    pub capital: Money,
    /// The venue.
    pub venue: SimConfig,
    /// Equity points in a year, where it was set.
    pub periods_per_year: Option<f64>,
    /// When the money was there.
    #[serde(skip)]
    pub start: Timestamp,
    /// What the report subtracts as return without risk.
    #[serde(skip)]
    pub risk_free: RiskFree,
    /// What the report holds against the run.
    #[serde(skip)]
    pub benchmark: Option<InstrumentId>,
}

/// The open of the first bar, or the time of the first event.
fn start(tape: &Tape) -> Option<Timestamp> {
    let first = tape.events().first()?;
    let span = match &first.event {
        MarketEvent::Bar(bar) => bar.period.span().unwrap_or_default(),
        _ => core::time::Duration::ZERO,
    };
    Some(first.at.before(span))
}

/// A venue whose matching follows the finest bars of each instrument.
fn venue(tape: &Tape, config: &SimConfig) -> Result<SimVenue, SimError> {
    let mut venue = SimVenue::new(tape.instruments(), config.clone())?;
    let mut finest: Vec<Option<Period>> = vec![None; tape.instruments().len()];
    for timed in tape.events() {
        if let MarketEvent::Bar(bar) = &timed.event
            && let Some(known) = finest.get_mut(bar.instrument.index())
        {
            *known = Some(known.map_or(bar.period, |period| period.min(bar.period)));
        }
    }
    for (instrument, period) in tape.instruments().iter().zip(finest) {
        if let Some(period) = period {
            venue.drive_by(instrument.id, period);
        }
    }
    Ok(venue)
}

/// Why a backtest could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BacktestError {
    /// The tape holds no events.
    #[error("the tape is empty")]
    EmptyTape,
    /// The money at the start is no decimal number above zero.
    #[error("cash `{text}` is no decimal number above zero")]
    BadCash {
        /// The refused text.
        text: String,
    },
    /// A strategy cannot be built.
    #[error(transparent)]
    Strategy(#[from] BuildError),
    /// The venue's configuration is not sound.
    #[error(transparent)]
    Venue(#[from] SimError),
    /// The engine cannot be built, or refuses an event.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Classify for BacktestError {
    fn classification(&self) -> Classification {
        match self {
            Self::EmptyTape | Self::BadCash { .. } => Classification::SETTINGS,
            Self::Strategy(error) => error.classification(),
            Self::Venue(error) => error.classification(),
            Self::Engine(error) => error.classification(),
        }
    }
}
