use crate::account::{Account, Ledger, LedgerConfig, PnlCalculator};
use crate::metrics::{MetricsSink, RunStart};
use crate::order::{OrderBook, OrderLifecycle};
use crate::risk::{
    Assessment, GridGate, Guard, HaltMachine, OrderGate, ParentCheck, RiskChain, RiskManager,
    RiskRule,
};
use crate::strategy::{Advice, Strategy};
use crate::types::{AssetId, Instruments, SlotId, Timestamp};

use super::desk::{Desk, Watching};
use super::execute::Executions;
use super::group::Groups;
use super::limits::LimitBook;
use super::pauses::Pauses;
use super::slot::{Bars, Follower, Slot, SlotMemory};
use super::stops::Stops;
use super::telling::Quiet;
use super::{ActionPolicy, Engine, EngineError, Netting, SlotConfig};

/// An engine in the making. Without a word about risk its chain is empty; the gate that keeps
/// orders on the instrument's grid is always there, and so is [`ParentCheck`], which counts what
/// leaves for a parent order.
#[must_use = "an engine exists once it was built"]
pub struct EngineBuilder<S, M> {
    instruments: Instruments,
    reporting: AssetId,
    epoch: u32,
    slots: Vec<SlotConfig<S>>,
    chain: RiskChain,
    manager: Option<Box<dyn RiskManager>>,
    gates: Vec<Box<dyn OrderGate>>,
    lifecycle: Option<Box<dyn OrderLifecycle>>,
    pnl: Option<Box<dyn PnlCalculator>>,
    ledger: LedgerConfig,
    actions: ActionPolicy,
    netting: Netting,
    required: Vec<String>,
    sink: M,
}

/// What an engine that trades real money should not start without, for
/// [`EngineBuilder::require_limits`]: quantity and value of an order, a price collar, a check for
/// repeated orders, a budget of messages, and stops on drawdown and on the loss of a day.
pub const LIVE_LIMITS: [&str; 7] = [
    "max_order_quantity",
    "max_order_notional",
    "price_collar",
    "duplicate_order",
    "message_throttle",
    "drawdown",
    "daily_loss",
];

impl<S: Strategy> EngineBuilder<S, ()> {
    pub(super) fn new(instruments: Instruments, reporting: AssetId) -> Self {
        Self {
            instruments,
            reporting,
            epoch: 1,
            slots: Vec::new(),
            chain: RiskChain::new(),
            manager: None,
            gates: vec![Box::new(GridGate)],
            lifecycle: None,
            pnl: None,
            ledger: LedgerConfig::default(),
            actions: ActionPolicy::new(),
            netting: Netting::Off,
            required: Vec::new(),
            sink: (),
        }
    }
}

impl<S: Strategy, M: MetricsSink> EngineBuilder<S, M> {
    /// The run's epoch (1 unless said): part of every order id, raised by the host at each
    /// restart so that ids never repeat.
    pub const fn epoch(mut self, epoch: u32) -> Self {
        self.epoch = epoch;
        self
    }

    /// Adds a strategy; slots are numbered from 1 in this order.
    pub fn slot(mut self, slot: SlotConfig<S>) -> Self {
        self.slots.push(slot);
        self
    }

    /// Adds a rule to the engine's own chain.
    pub fn rule(mut self, rule: impl RiskRule + 'static) -> Self {
        self.chain = self.chain.with_rule(Box::new(rule));
        self
    }

    /// Adds a guard to the engine's own chain.
    pub fn guard(mut self, guard: impl Guard + 'static) -> Self {
        self.chain = self.chain.with_guard(Box::new(guard));
        self
    }

    /// A risk manager in place of the engine's own chain; rules and guards that were added
    /// with [`EngineBuilder::rule`] and [`EngineBuilder::guard`] are then not used.
    pub fn risk(mut self, manager: impl RiskManager + 'static) -> Self {
        self.manager = Some(Box::new(manager));
        self
    }

    /// Adds a check that every order must pass, exits too.
    pub fn gate(mut self, gate: impl OrderGate + 'static) -> Self {
        self.gates.push(Box::new(gate));
        self
    }

    /// The host's own life of orders.
    pub fn lifecycle(mut self, lifecycle: impl OrderLifecycle + 'static) -> Self {
        self.lifecycle = Some(Box::new(lifecycle));
        self
    }

    /// The host's own books.
    pub fn pnl(mut self, pnl: impl PnlCalculator + 'static) -> Self {
        self.pnl = Some(Box::new(pnl));
        self
    }

    /// Lots and position mode of the built-in books.
    pub const fn ledger(mut self, config: LedgerConfig) -> Self {
        self.ledger = config;
        self
    }

    /// Which actions of alerts the engine carries out; none but telling a person unless said.
    pub fn alert_actions(mut self, policy: ActionPolicy) -> Self {
        self.actions = policy;
        self
    }

    /// What becomes of opposite orders of several strategies; all go to the venue unless said.
    pub const fn netting(mut self, netting: Netting) -> Self {
        self.netting = netting;
        self
    }

    /// Refuses to be built without rules, guards and gates of these names, such as
    /// [`LIVE_LIMITS`]: a limit that was forgotten is no limit.
    pub fn require_limits<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.required.extend(names.into_iter().map(str::to_owned));
        self
    }

    /// The reader of records.
    pub fn sink<N: MetricsSink>(self, sink: N) -> EngineBuilder<S, N> {
        EngineBuilder {
            instruments: self.instruments,
            reporting: self.reporting,
            epoch: self.epoch,
            slots: self.slots,
            chain: self.chain,
            manager: self.manager,
            gates: self.gates,
            lifecycle: self.lifecycle,
            pnl: self.pnl,
            ledger: self.ledger,
            actions: self.actions,
            netting: self.netting,
            required: self.required,
            sink,
        }
    }

    /// Puts the engine together.
    ///
    /// # Errors
    /// [`EngineError`]: no instruments to trade, an unknown one, too many slots, required limits
    /// that are missing.
    pub fn build(mut self) -> Result<Engine<S, M>, EngineError> {
        let slots = build_slots(self.slots, &self.instruments)?;
        let count = slots.len() + 1;
        let pnl = match self.pnl {
            Some(pnl) => pnl,
            None => Box::new(Ledger::new(&self.instruments, count, self.ledger)),
        };
        let account = Account::new(&self.instruments, count, self.reporting, pnl)?;
        let mut gates = self.gates;
        let parents = ParentCheck::new();
        if gates.iter().all(|gate| gate.name() != parents.name()) {
            gates.push(Box::new(parents));
        }
        let strategies: Vec<&str> = slots.iter().map(|slot| slot.strategy.name()).collect();
        let (instruments, reporting) = (&self.instruments, self.reporting);
        self.sink.on_start(&RunStart { instruments, reporting, strategies: &strategies });
        let routes = routes(&slots, self.instruments.len());
        let stops = stops(&slots);
        let is_attended = stops.is_on() || slots.iter().any(|slot| slot.sizer.is_attentive());
        let risk = self.manager.unwrap_or_else(|| Box::new(self.chain));
        check_required(self.required, &*risk, &gates)?;
        let watching = Watching {
            gates: gates.iter().any(|gate| gate.watches_market()),
            risk: risk.watches_market(),
            timer: risk.is_timed(),
        };
        let desk = Desk {
            account,
            instruments: self.instruments,
            orders: self.lifecycle.unwrap_or_else(|| Box::new(OrderBook::new())),
            risk,
            quiet: Quiet::UNKNOWN,
            gates,
            watching,
            actions: self.actions,
            limits: LimitBook::default(),
            waiting: Vec::new(),
            refused: Vec::new(),
            pauses: Pauses::default(),
            chore_at: Timestamp::MAX,
            halts: HaltMachine::new(),
            sink: self.sink,
            groups: Groups::default(),
            stops,
            executions: Executions::default(),
            epoch: self.epoch,
            sequence: 0,
            now: Timestamp::from_nanos(i64::MIN),
            notices: Vec::new(),
            delivery: Vec::new(),
            closed: Vec::new(),
            paid: Vec::new(),
            changes: Vec::new(),
            verdict: Assessment::default(),
            group: Vec::new(),
            netting: self.netting,
            fresh: Vec::new(),
            usage: Vec::new(),
        };
        Ok(Engine {
            is_ungated: !desk.watching.gates,
            desk,
            slots,
            routes,
            advice: Advice::new(),
            next_wake: Timestamp::MAX,
            is_attended,
        })
    }
}

/// Lists every name that neither the manager nor a gate has.
fn check_required(
    mut required: Vec<String>,
    risk: &dyn RiskManager,
    gates: &[Box<dyn OrderGate>],
) -> Result<(), EngineError> {
    required.retain(|name| gates.iter().all(|gate| gate.name() != name));
    risk.tell_names(&mut |known| required.retain(|name| name != known));
    if required.is_empty() { Ok(()) } else { Err(EngineError::MissingLimits { missing: required }) }
}

fn build_slots<S: Strategy>(
    configs: Vec<SlotConfig<S>>,
    instruments: &Instruments,
) -> Result<Vec<Slot<S>>, EngineError> {
    let count = configs.len();
    let mut slots = Vec::with_capacity(count);
    for (index, config) in configs.into_iter().enumerate() {
        let number = u16::try_from(index + 1).ok().filter(|number| *number < u16::MAX);
        let id = SlotId(number.ok_or(EngineError::TooManySlots { slots: count })?);
        let mut universe = config.universe;
        if universe.is_empty() {
            universe = instruments.iter().map(|instrument| instrument.id).collect();
        }
        if universe.is_empty() {
            let strategy = config.strategy.name().to_owned();
            return Err(EngineError::EmptyUniverse { strategy });
        }
        for instrument in &universe {
            if instruments.get(*instrument).is_none() {
                let instrument = *instrument;
                return Err(crate::types::DataError::UnknownInstrument { instrument }.into());
            }
        }
        slots.push(Slot {
            id,
            strategy: config.strategy,
            universe,
            periods: config.periods,
            policy: config.policy,
            sizer: config.sizer,
            stop: config.stop,
            execution: config.execution,
            fingerprint: config.fingerprint,
            memory: SlotMemory::default(),
        });
    }
    Ok(slots)
}

fn stops<S>(slots: &[Slot<S>]) -> Stops {
    let mut stops = Stops::default();
    for slot in slots {
        for instrument in &slot.universe {
            if let Some(plan) = &slot.stop {
                stops.add(slot.id, *instrument, slot.periods.first().copied(), plan);
            }
        }
    }
    stops
}

fn routes<S>(slots: &[Slot<S>], instruments: usize) -> Vec<Vec<Follower>> {
    let mut routes: Vec<Vec<Follower>> = vec![Vec::new(); instruments];
    for (index, slot) in slots.iter().enumerate() {
        let follower = Follower { slot: index, bars: Bars::of(&slot.periods) };
        for instrument in &slot.universe {
            if let Some(route) = routes.get_mut(instrument.index())
                && route.last().is_none_or(|last| last.slot != index)
            {
                route.push(follower);
            }
        }
    }
    routes
}
