//! A guard that says which facts it wants is told fewer of them, and decides the same.

use core::time::Duration;

use proptest::prelude::*;
use tradewright::risk::*;
use tradewright::types::{
    Custom, Decimal, Facts, Fill, Halt, HaltCause, HaltScope, Label, LimitKey, LimitUse, Mark,
    MarketEvent, Purpose, Side, State, StateError, Timestamp,
};

use super::guards::{fill, trade};
use super::{COIN, SHARE, SLOT, World, dec, market, secs};

/// The guard in it, told every fact.
pub(crate) struct Told<G>(pub(crate) G);

impl<G: Guard> Guard for Told<G> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn watch(&mut self, fact: &Fact<'_>, facts: &Facts<'_>) -> Option<Halt> {
        self.0.watch(fact, facts)
    }

    fn scope(&self) -> HaltScope {
        self.0.scope()
    }

    fn verdict(&self, facts: &Facts<'_>) -> Limit {
        self.0.verdict(facts)
    }

    fn rules(&self, ask: &mut dyn FnMut(&dyn RiskRule)) {
        self.0.rules(ask);
    }

    fn usage(&self, facts: &Facts<'_>, out: &mut Vec<LimitUse>) {
        self.0.usage(facts, out);
    }

    fn release(&mut self, cause: HaltCause, facts: &Facts<'_>) {
        self.0.release(cause, facts);
    }

    fn watches_market(&self) -> bool {
        self.0.watches_market()
    }

    fn is_timed(&self) -> bool {
        self.0.is_timed()
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.0.deadline()
    }

    fn deadline_by(&self, facts: &Facts<'_>) -> Option<Timestamp> {
        self.0.deadline_by(facts)
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        self.0.set_limit(key, value)
    }
}

impl<G: Guard> State for Told<G> {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        self.0.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        self.0.restore(state)
    }
}

/// Every guard that can be in a chain, each with limits that a short story reaches.
fn chain(is_told_all: bool) -> RiskChain {
    fn add(chain: RiskChain, guard: impl Guard + 'static, is_told_all: bool) -> RiskChain {
        if is_told_all {
            chain.with_guard(Box::new(Told(guard)))
        } else {
            chain.with_guard(Box::new(guard))
        }
    }
    let sound = "sound limits";
    let data =
        DataLimits { silence: Some(Duration::from_secs(9)), jump: Some(0.2), sound_events: 2 };
    let rate = ExecutionLimits { fills: Some(3), quantity: None, value: None };
    let limits = BreakerLimits { max_consecutive_losses: 2, ..BreakerLimits::default() };
    let tracker = MaxDrawdownTracker::new(dec("0.05")).expect(sound);
    let figures = PortfolioRiskSettings { minimum_rows: 2, ..Default::default() };
    let portfolio = |row_spacing| {
        let figures = PortfolioRiskSettings { row_spacing, ..figures };
        let portfolio = PortfolioRisk::new(figures, [SHARE, COIN]).expect(sound);
        PortfolioGuard::new(portfolio).var_limit(Ceiling::Amount(500.0)).expect(sound)
    };
    let minute = Duration::from_secs(60);
    let chain = RiskChain::new();
    let chain =
        add(chain, BreakerGuard::new(CircuitBreaker::new(limits).expect(sound)), is_told_all);
    let chain = add(chain, DrawdownGuard::new(tracker, PeakReset::Restart), is_told_all);
    let chain = add(chain, DataQualityGuard::new(SHARE, data).expect(sound), is_told_all);
    let chain = add(chain, DeadManGuard::new(Duration::from_secs(7)).expect(sound), is_told_all);
    let rate = ExecutionRate::new(rate, minute, HaltScope::Account).expect(sound);
    let chain = add(chain, rate, is_told_all);
    let chain = add(chain, RepeatedExecution::new(2).expect(sound), is_told_all);
    let chain = add(chain, portfolio(Duration::ZERO), is_told_all);
    add(chain, portfolio(Duration::from_secs(5)), is_told_all)
}

#[derive(Clone, Debug)]
enum Step {
    Mark(i32),
    Custom,
    Fill(u64),
    Trade(i32),
    Capital(i32),
    Time,
    Heartbeat,
    Distrust,
    Release(HaltCause),
    Limit(&'static str, i32),
    Restore,
}

fn step() -> impl Strategy<Value = (u8, Step)> {
    let cause = prop::sample::select(vec![
        HaltCause::Drawdown,
        HaltCause::CircuitBreaker,
        HaltCause::RepeatedExecution,
        HaltCause::StaleData,
    ]);
    let name = prop::sample::select(vec![
        DataQualityGuard::SILENCE,
        DeadManGuard::LIMIT,
        RepeatedExecution::LIMIT,
        DrawdownGuard::LIMIT,
    ]);
    let step = prop_oneof![
        6 => (60..140).prop_map(Step::Mark),
        1 => Just(Step::Custom),
        2 => (0..6_u64).prop_map(Step::Fill),
        2 => (-30..30).prop_map(Step::Trade),
        1 => (-900..900).prop_map(Step::Capital),
        1 => Just(Step::Time),
        3 => Just(Step::Heartbeat),
        1 => Just(Step::Distrust),
        1 => cause.prop_map(Step::Release),
        1 => (name, 1..9).prop_map(|(name, value)| Step::Limit(name, value)),
        1 => Just(Step::Restore),
    ];
    (0..6_u8, step)
}

/// One chain and the story that both are told.
struct Listener {
    chain: RiskChain,
    is_told_all: bool,
    changes: Vec<HaltChange>,
}

impl Listener {
    fn new(is_told_all: bool) -> Self {
        Self { chain: chain(is_told_all), is_told_all, changes: Vec::new() }
    }

    fn tell(&mut self, fact: &Fact<'_>, facts: &Facts<'_>) {
        self.chain.observe(fact, facts, &mut self.changes);
    }

    fn take(&mut self, step: &Step, facts: &Facts<'_>) {
        match step {
            Step::Mark(price) => {
                self.tell(&Fact::Mark, facts);
                let mark = Mark { instrument: SHARE, price: f64::from(*price) };
                self.tell(&Fact::Market(&MarketEvent::Mark(mark)), facts);
            }
            Step::Custom => {
                let custom = Custom { instrument: SHARE, key: Label::new("mood"), value: 0.5 };
                self.tell(&Fact::Market(&MarketEvent::Custom(custom)), facts);
            }
            Step::Fill(order) => {
                let fill = Fill { at: facts.at, ..fill(*order, SLOT, Purpose::Entry) };
                self.tell(&Fact::Fill(&fill), facts);
            }
            Step::Trade(gross) => {
                self.tell(&Fact::Trade(&trade(SLOT, &gross.to_string())), facts);
            }
            Step::Capital(amount) => self.tell(&Fact::Capital(Decimal::from(*amount)), facts),
            Step::Time => self.tell(&Fact::Time, facts),
            Step::Heartbeat => self.tell(&Fact::Heartbeat, facts),
            Step::Distrust => self.tell(&Fact::Distrusted(SHARE), facts),
            Step::Release(cause) => self.chain.release(*cause, facts),
            Step::Limit(name, value) => {
                let key = match *name {
                    DataQualityGuard::SILENCE => LimitKey::of(name, SHARE),
                    _ => LimitKey::all(name),
                };
                let value = match *name {
                    DrawdownGuard::LIMIT => Decimal::new(i64::from(*value), 2),
                    _ => Decimal::from(*value),
                };
                self.chain.set_limit(&key, value).expect("a value in range");
            }
            Step::Restore => {
                let saved = self.chain.save().expect("a state");
                // A limit that was changed belongs to the one that is restored into, too.
                let mut other = chain(self.is_told_all);
                if other.restore(&saved).is_ok() {
                    self.chain.restore(&saved).expect("its own state");
                }
            }
        }
    }
}

proptest! {
    /// Same halts raised and lifted, same verdicts, same use of limits, same deadlines.
    #[test]
    fn guards_that_choose_decide_like_guards_that_hear_all(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let world = World::new();
        let (mut choosy, mut told) = (Listener::new(false), Listener::new(true));
        let (mut now, mut marked, mut last) = (0, 0, 100);
        for (pause, step) in &steps {
            now += i64::from(*pause);
            let book = |(marked, last): (i64, i32)| {
                let book = world.book().mark(SHARE, secs(marked), f64::from(last));
                book.position(SLOT, SHARE, Decimal::from(100), super::price("100")).build()
            };
            // Before anything moves at or after a deadline, time is told.
            if choosy.chain.deadline().is_some_and(|due| secs(now) >= due) {
                let before = book((marked, last));
                let facts = world.facts_at(secs(now), &before);
                choosy.take(&Step::Time, &facts);
                told.take(&Step::Time, &facts);
            }
            if let Step::Mark(price) = step {
                (marked, last) = (now, *price);
            }
            let book = book((marked, last));
            let facts = world.facts_at(secs(now), &book);
            choosy.take(step, &facts);
            told.take(step, &facts);
            prop_assert_eq!(&choosy.changes, &told.changes, "after {:?} at {}", step, now);
            prop_assert_eq!(choosy.chain.deadline(), told.chain.deadline());
            let intent = market(SHARE, Side::Buy, "10");
            let [one, other] = [&choosy, &told].map(|listener| {
                let mut out = Assessment::default();
                listener.chain.review(&[intent], &facts, &mut out);
                let mut usage = Vec::new();
                listener.chain.usage(&facts, &mut usage);
                // NaN is not itself.
                format!("{out:?} {usage:?}")
            });
            prop_assert_eq!(one, other, "after {:?} at {}", step, now);
        }
    }
}

/// Counts what it is told.
struct Counter {
    wants: FactKinds,
    due: Option<Timestamp>,
    told: std::sync::Arc<std::sync::Mutex<Vec<FactKinds>>>,
}

impl Guard for Counter {
    fn name(&self) -> &'static str {
        "counter"
    }

    fn watch(&mut self, fact: &Fact<'_>, _facts: &Facts<'_>) -> Option<Halt> {
        self.told.lock().unwrap().push(FactKinds::of(fact));
        None
    }

    fn wants(&self) -> FactKinds {
        self.wants
    }

    fn release(&mut self, _cause: HaltCause, _facts: &Facts<'_>) {}

    fn is_timed(&self) -> bool {
        true
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.due
    }
}

impl State for Counter {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        Ok(Vec::new())
    }

    fn restore(&mut self, _state: &[u8]) -> Result<(), StateError> {
        Ok(())
    }
}

#[test]
fn a_guard_is_told_what_it_wants_what_is_due_and_the_fact_after_a_change() {
    let world = World::new();
    let book = world.book().build();
    let told = std::sync::Arc::default();
    let guard =
        Counter { wants: FactKinds::FILL, due: Some(secs(10)), told: std::sync::Arc::clone(&told) };
    let mut chain = RiskChain::new().with_guard(Box::new(guard));
    let tell = |chain: &mut RiskChain, at: i64, fact: Fact<'_>| {
        chain.observe(&fact, &world.facts_at(secs(at), &book), &mut Vec::new());
        std::mem::take(&mut *told.lock().unwrap())
    };
    assert_eq!(tell(&mut chain, 0, Fact::Mark), [FactKinds::MARK], "the first of all");
    assert_eq!(tell(&mut chain, 1, Fact::Mark), []);
    let one = fill(1, SLOT, Purpose::Entry);
    assert_eq!(tell(&mut chain, 1, Fact::Fill(&one)), [FactKinds::FILL]);
    assert_eq!(tell(&mut chain, 10, Fact::Heartbeat), [FactKinds::HEARTBEAT], "it is due");
    chain.release(HaltCause::Drawdown, &world.facts(&book));
    assert_eq!(tell(&mut chain, 2, Fact::Time), [FactKinds::TIME], "the first after a release");
    assert_eq!(tell(&mut chain, 2, Fact::Time), []);
    chain.set_limit(&LimitKey::all("nothing"), Decimal::ONE).unwrap();
    assert_eq!(tell(&mut chain, 3, Fact::Time), [FactKinds::TIME], "the first after a change");
    let saved = chain.save().unwrap();
    chain.restore(&saved).unwrap();
    assert_eq!(tell(&mut chain, 3, Fact::Mark), [FactKinds::MARK], "the first after a restore");
    assert_eq!(tell(&mut chain, 4, Fact::Mark), []);
}
