//! A manager that says at which equity marks change nothing is told fewer of them, and decides the
//! same.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rust_decimal::Decimal;
use tradewright::backtest::{RunHash, Simulation, Tape};
use tradewright::engine::{Control, Input};
use tradewright::risk::{
    Assessment, CalmRange, DrawdownGuard, EnhancedRiskManager, Fact, HaltChange, RiskConfigError,
    RiskManager,
};
use tradewright::types::{
    Acknowledgement, Facts, HaltCause, HaltScope, Intent, LimitChange, LimitKey, State, StateError,
    Timestamp,
};

use crate::support;
use crate::workload_c_support::{BandTrader, TradeCount, simulation_under};

/// What a manager heard, and how many halts it raised and lifted.
#[derive(Default)]
pub(crate) struct Count {
    pub(crate) marks: AtomicUsize,
    pub(crate) facts: AtomicUsize,
    pub(crate) changes: AtomicUsize,
}

/// The manager in it, with what it hears counted; one that hides what it need not be told is told
/// everything.
pub(crate) struct Spy<R> {
    pub(crate) manager: R,
    pub(crate) is_open: bool,
    pub(crate) count: Arc<Count>,
}

impl<R: RiskManager> RiskManager for Spy<R> {
    fn observe(&mut self, fact: &Fact<'_>, facts: &Facts<'_>, changes: &mut Vec<HaltChange>) {
        self.count.facts.fetch_add(1, Ordering::Relaxed);
        self.count.marks.fetch_add(usize::from(matches!(fact, Fact::Mark)), Ordering::Relaxed);
        let before = changes.len();
        self.manager.observe(fact, facts, changes);
        self.count.changes.fetch_add(changes.len() - before, Ordering::Relaxed);
    }

    fn calm(&self) -> CalmRange {
        if self.is_open { self.manager.calm() } else { CalmRange::NONE }
    }

    fn calm_move(&self) -> f64 {
        if self.is_open { self.manager.calm_move() } else { -1.0 }
    }

    fn review(&self, group: &[Intent], facts: &Facts<'_>, out: &mut Assessment) {
        self.manager.review(group, facts, out);
    }

    fn release(&mut self, cause: HaltCause, facts: &Facts<'_>) {
        self.manager.release(cause, facts);
    }

    fn watches_market(&self) -> bool {
        self.manager.watches_market()
    }

    fn is_timed(&self) -> bool {
        self.manager.is_timed()
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.manager.deadline()
    }

    fn deadline_by(&self, facts: &Facts<'_>) -> Option<Timestamp> {
        self.manager.deadline_by(facts)
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        self.manager.set_limit(key, value)
    }
}

impl<R: RiskManager> State for Spy<R> {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        self.manager.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        self.manager.restore(state)
    }
}

struct Outcome {
    hash: RunHash,
    trades: [usize; 4],
    marks: usize,
}

/// Four parts of a run: under a wide limit; after it was set so low that the next loss breaches it;
/// after it was set wide again and an operator resumed; after the run was saved and restored.
fn run(tape: &Tape, is_open: bool) -> Outcome {
    let count = Arc::<Count>::default();
    let start = || {
        let manager = EnhancedRiskManager::builder().max_drawdown(Decimal::new(9, 1)).build();
        let (manager, count) = (manager.unwrap(), Arc::clone(&count));
        simulation_under(tape, Spy { manager, is_open, count })
    };
    let mut simulation = start();
    let parts = tape.events().chunks(tape.len() / 4);
    let mut trades = [0; 4];
    for (part, (events, trades)) in parts.zip(&mut trades).enumerate() {
        let at = events[0].at.before(std::time::Duration::from_secs(1));
        let limit = |digits: u32| {
            let (value, until) = (Decimal::new(9, digits), None);
            let key = LimitKey::all(DrawdownGuard::LIMIT);
            Control::Limit(LimitChange { key, value, until, actor: "test".into() })
        };
        let (scope, acknowledgement) = (HaltScope::Account, Acknowledgement::None);
        let resume = Control::Resume { scope, acknowledgement };
        let controls: &[Control] = match part {
            1 => &[limit(7)],
            2 => &[limit(1), resume],
            _ => &[],
        };
        for control in controls {
            simulation.input(at, &Input::Control(*control)).unwrap();
        }
        let before = simulation.sink().0;
        simulation.run(events).unwrap();
        *trades = simulation.sink().0 - before;
        if part == 2 {
            simulation = restored(&simulation, start());
        }
    }
    Outcome { hash: simulation.hash(), trades, marks: count.marks.load(Ordering::Relaxed) }
}

type World = Simulation<BandTrader, TradeCount>;

fn restored(simulation: &World, mut fresh: World) -> World {
    fresh.restore(&simulation.save().unwrap()).unwrap();
    fresh
}

#[test]
fn calm_marks_are_not_told_and_change_nothing() {
    let tape = support::workload(8_000);
    let (calm, told) = (run(&tape, true), run(&tape, false));
    assert_eq!(calm.hash, told.hash);
    assert_eq!(calm.trades, told.trades);
    // The limit was felt, and let go of.
    let [wide, low, resumed, restored] = calm.trades;
    assert!(wide > 10 && low <= 1 && resumed > 10 && restored > 10, "{:?}", calm.trades);
    assert!(told.marks >= 8_000 && calm.marks < 4_000, "{} of {}", calm.marks, told.marks);
}
