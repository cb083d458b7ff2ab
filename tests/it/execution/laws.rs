//! The state machine alone, against a model that keeps its own count.

use std::time::Duration;

use proptest::prelude::*;

use tradewright::order::{Execution, ExecutionError, ExecutionStep, Progress};
use tradewright::types::{
    Decimal, ExecutionEnd, ExecutionMethod, ExecutionPlan, Instrument, Instruments, OrderKind,
    PlanError, Price, Qty, Remainder, State, Timestamp, to_f64,
};

const SPAN: Duration = Duration::from_secs(600);

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn price(text: &str) -> Price {
    Price::new(dec(text)).unwrap()
}

fn instrument(step: &str) -> Instrument {
    let mut table = Instruments::new();
    let id = table.add(Instrument::stock("ACME", "USD").step(step)).unwrap();
    table[id].clone()
}

fn plans() -> impl Strategy<Value = ExecutionPlan> {
    let twap = (1u32..20, any::<u64>(), 0.0..=1.0f64)
        .prop_map(|(n, seed, late)| ExecutionPlan::twap(SPAN, n).unwrap().jittered(seed, late));
    let vwap = prop::collection::vec(0.0..10.0f64, 1..12)
        .prop_filter("a sum", |profile| profile.iter().sum::<f64>() > 0.0)
        .prop_map(|profile| ExecutionPlan::vwap(SPAN, profile));
    let share = (0.01..=1.0f64).prop_map(|rate| ExecutionPlan::participation(SPAN, rate));
    let iceberg = (1i64..300).prop_map(|visible| {
        ExecutionPlan::iceberg(Qty::new(Decimal::new(visible, 1)), price("100"))
    });
    let plan = prop_oneof![twap, vwap, share, iceberg].prop_map(Result::unwrap);
    (plan, any::<bool>(), prop::option::of(any::<bool>())).prop_map(|(plan, limit, market)| {
        let plan = if limit { plan.limited(price("100")) } else { plan };
        match market {
            Some(true) => plan.finishing(Remainder::Market),
            Some(false) => plan.finishing(Remainder::Abandon),
            None => plan,
        }
    })
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Wait(u64),
    Volume(f64),
    /// A fraction of a child's open quantity is filled.
    Fill(prop::sample::Index, f64),
    /// The venue refuses or ends a child.
    Lose(prop::sample::Index),
    /// A fill of a child that is over: late, or more than was ordered.
    Stray(i64),
    Cut(f64),
    Cancel,
    Restart,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => (0u64..90).prop_map(Op::Wait),
        6 => (0.0..50.0f64).prop_map(Op::Volume),
        8 => (any::<prop::sample::Index>(), 0.01..=1.5f64).prop_map(|(i, f)| Op::Fill(i, f)),
        2 => any::<prop::sample::Index>().prop_map(Op::Lose),
        1 => (1i64..30).prop_map(Op::Stray),
        1 => (0.0..1.0f64).prop_map(Op::Cut),
        1 => Just(Op::Cancel),
        2 => Just(Op::Restart),
    ];
    prop::collection::vec(op, 0..80)
}

/// Children as the venue knows them.
#[derive(Default)]
struct Model {
    /// What each may still fill.
    open: Vec<Decimal>,
    filled: Decimal,
    limited: bool,
}

impl Model {
    fn progress(&self) -> Progress {
        Progress { filled: self.filled, working: self.open.iter().sum() }
    }
}

struct World {
    parent: Execution,
    instrument: Instrument,
    model: Model,
    at: Timestamp,
    start: Timestamp,
    volume: f64,
    minimum: Decimal,
    most: Decimal,
    has_strays: bool,
    /// The remainder went at the market.
    has_finished: bool,
}

impl World {
    /// Asks until the machine has nothing to say; checks every answer.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        for _ in 0..64 {
            let progress = self.model.progress();
            match self.parent.next(self.at, progress, self.minimum) {
                ExecutionStep::Wait => return Ok(()),
                ExecutionStep::Send { quantity, kind } => self.sent(progress, quantity, kind)?,
                ExecutionStep::Withdraw => {
                    prop_assert!(!self.model.open.is_empty(), "something to take back");
                    self.model.open.clear();
                }
                ExecutionStep::Over(_) => {
                    prop_assert!(self.model.open.is_empty(), "over with children at work");
                    return Ok(());
                }
            }
        }
        Err(TestCaseError::fail("it turns in circles"))
    }

    fn sent(
        &mut self,
        progress: Progress,
        quantity: Decimal,
        kind: OrderKind,
    ) -> Result<(), TestCaseError> {
        let out = progress.filled + progress.working + quantity;
        prop_assert!(quantity > Decimal::ZERO && self.instrument.is_on_step(quantity));
        prop_assert!(quantity >= self.minimum, "{quantity} is below {}", self.minimum);
        prop_assert!(out <= self.parent.quantity(), "{out} of {}", self.parent.quantity());
        let is_over_time = self.at >= self.start.after(SPAN);
        let is_last = kind == OrderKind::Market && is_over_time;
        self.has_finished |= is_last;
        if self.model.limited && !is_last {
            prop_assert_eq!(kind, OrderKind::Limit { price: price("100") });
        }
        match self.parent.plan().method() {
            ExecutionMethod::Participation { rate } if !is_last => {
                let cap = rate * self.volume + to_f64(self.instrument.step);
                prop_assert!(to_f64(out) <= cap + 1e-6, "{out} of a cap of {cap}");
            }
            ExecutionMethod::Iceberg { visible } if !is_last => {
                prop_assert!(progress.working + quantity <= visible.value());
            }
            _ if !is_last => prop_assert!(out <= self.parent.due(self.at), "ahead of time"),
            _ => {}
        }
        self.model.open.push(quantity);
        Ok(())
    }

    fn take(&mut self, op: Op) -> Result<(), TestCaseError> {
        let before = self.parent.due(self.at);
        let mut has_shrunk = false;
        match op {
            Op::Wait(seconds) => self.at = self.at.after(Duration::from_secs(seconds)),
            Op::Volume(quantity) => {
                self.volume += quantity;
                self.parent.on_volume(quantity);
            }
            Op::Fill(index, part) if !self.model.open.is_empty() => {
                let place = index.index(self.model.open.len());
                let open = self.model.open[place];
                let units = (to_f64(open / self.instrument.step) * part).ceil().max(1.0);
                let wanted = Decimal::from(units as i64) * self.instrument.step;
                let quantity = wanted.min(open);
                self.model.filled += quantity;
                self.model.open[place] -= quantity;
                self.model.open.retain(|open| !open.is_zero());
                self.parent.advanced();
            }
            Op::Lose(index) if !self.model.open.is_empty() => {
                self.model.open.swap_remove(index.index(self.model.open.len()));
                self.parent.refused(self.at);
            }
            Op::Stray(units) => {
                self.has_strays = true;
                self.model.filled += Decimal::from(units) * self.instrument.step;
            }
            Op::Cut(part) => {
                has_shrunk = true;
                let steps = (to_f64(self.parent.quantity() / self.instrument.step) * part) as i64;
                self.parent.cut(Decimal::from(steps) * self.instrument.step);
            }
            Op::Cancel => self.parent.end(ExecutionEnd::Cancelled),
            Op::Restart => {
                let saved = self.parent.save().unwrap();
                let mut restored = self.parent.clone();
                restored.end(ExecutionEnd::Refused);
                restored.restore(&saved).unwrap();
                prop_assert!(restored.is_sound());
                prop_assert_eq!(&restored, &self.parent);
                self.parent = restored;
            }
            Op::Fill(..) | Op::Lose(_) => {}
        }
        prop_assert!(has_shrunk || self.parent.due(self.at) >= before, "the schedule rises");
        self.settle()?;
        let Progress { filled, working } = self.model.progress();
        if !self.has_strays && !has_shrunk {
            prop_assert!(filled + working <= self.most, "{filled} + {working} of {}", self.most);
        }
        Ok(())
    }
}

fn world(plan: ExecutionPlan, units: i64, minimum: i64, step: &str) -> World {
    let instrument = instrument(step);
    let start = Timestamp::from_secs(1_700_000_000).unwrap();
    let most = Decimal::from(units) * instrument.step;
    let limited = plan.limit().is_some();
    let parent = Execution::new(start, plan, most, &instrument).unwrap();
    let minimum = Decimal::from(minimum) * instrument.step;
    let model = Model { limited, ..Model::default() };
    let (at, volume, has_strays, has_finished) = (start, 0.0, false, false);
    World { parent, instrument, model, at, start, volume, minimum, most, has_strays, has_finished }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever the venue and the host do, at every instant: never more than the parent, never
    /// ahead of the schedule, the volume or the visible part; on the step, above the minimum; a
    /// restart changes nothing; it ends.
    #[test]
    fn no_child_is_too_much(
        plan in plans(),
        ops in ops(),
        units in 1i64..2_000,
        minimum in 1i64..8,
        step in prop::sample::select(vec!["1", "0.1", "0.003"]),
    ) {
        let mut world = world(plan, units, minimum, step);
        world.settle()?;
        for op in ops {
            world.take(op)?;
        }
        // Time alone brings everything with an end to its end.
        if world.parent.plan().span().is_some() {
            for _ in 0..40 {
                world.at = world.at.after(SPAN);
                world.settle()?;
                if !world.model.open.is_empty() {
                    world.model.open.clear();
                    world.parent.refused(world.at);
                }
            }
            let last = world.parent.next(world.at, world.model.progress(), world.minimum);
            prop_assert!(matches!(last, ExecutionStep::Over(_)), "{last:?}");
            prop_assert_eq!(world.parent.deadline(world.at), None);
        }
    }

    /// When the market takes every child at once, the children are the parent, exactly.
    #[test]
    fn children_sum_to_their_parent(
        plan in plans(),
        units in 1i64..5_000,
        step in prop::sample::select(vec!["1", "0.1", "0.003"]),
    ) {
        let is_slow = plan.follows_volume() && plan.left_over() == Remainder::Abandon;
        let visible = match plan.method() {
            ExecutionMethod::Iceberg { visible } => visible.value(),
            _ => Decimal::MAX,
        };
        let mut world = world(plan, units, 1, step);
        prop_assume!(visible >= world.instrument.step);
        for _ in 0..20_000 {
            world.settle()?;
            if world.parent.is_ending() {
                break;
            }
            world.model.filled += world.model.open.drain(..).sum::<Decimal>();
            world.parent.on_volume(if is_slow { 1e9 } else { 0.0 });
            world.volume += if is_slow { 1e9 } else { 0.0 };
            if let Some(next) = world.parent.deadline(world.at).filter(|_| !is_slow) {
                world.at = next;
            }
        }
        prop_assert_eq!(world.model.filled, world.most);
        let over = world.parent.next(world.at, world.model.progress(), Decimal::ONE);
        prop_assert_eq!(over, ExecutionStep::Over(ExecutionEnd::Filled));
    }
}

#[test]
fn slices_are_equal_and_on_time_and_jitter_is_an_input() {
    let instrument = instrument("1");
    let times = |plan: ExecutionPlan| {
        let mut parent = Execution::new(Timestamp::EPOCH, plan, dec("10"), &instrument).unwrap();
        let (mut progress, mut at, mut sent) = (Progress::default(), Timestamp::EPOCH, Vec::new());
        loop {
            if let ExecutionStep::Send { quantity, .. } = parent.next(at, progress, Decimal::ONE) {
                progress.filled += quantity;
                sent.push((at.millis(), quantity.to_string()));
            }
            let Some(next) = parent.deadline(at) else { return sent };
            at = next;
        }
    };
    let plain = ExecutionPlan::twap(SPAN, 4).unwrap();
    let slices = [(0, "2"), (150_000, "3"), (300_000, "2"), (450_000, "3")];
    let slices = slices.map(|(at, quantity)| (at, quantity.to_owned()));
    assert_eq!(times(plain.clone()), slices);
    let jittered = |seed| times(plain.clone().jittered(seed, 1.0).unwrap());
    assert_eq!(jittered(1), jittered(1));
    assert_ne!(jittered(1), jittered(2));
    for ((late, _), (at, _)) in jittered(1).iter().zip(&slices) {
        assert!((*at..at + 150_000).contains(late), "{late} for {at}");
    }
    // A profile of 1 : 0 : 3 in three parts.
    let profile = times(ExecutionPlan::vwap(SPAN, [1.0, 0.0, 3.0]).unwrap());
    assert_eq!(profile, [(0, "2".to_owned()), (400_000, "8".to_owned())]);
}

#[test]
fn a_small_rest_joins_the_child_before_it() {
    let instrument = instrument("1");
    let plan = ExecutionPlan::twap(SPAN, 3).unwrap();
    let mut parent = Execution::new(Timestamp::EPOCH, plan, dec("100"), &instrument).unwrap();
    let mut progress = Progress::default();
    let mut ask = |parent: &mut Execution, seconds: u64, minimum: &str| {
        let at = Timestamp::EPOCH.after(Duration::from_secs(seconds));
        match parent.next(at, progress, dec(minimum)) {
            ExecutionStep::Send { quantity, .. } => {
                progress.filled += quantity;
                quantity
            }
            _ => Decimal::ZERO,
        }
    };
    // 33 is below the venue's 40, 66 would leave 34.
    assert_eq!(ask(&mut parent, 0, "40"), Decimal::ZERO);
    assert_eq!(ask(&mut parent, 200, "40"), dec("60"));
    assert_eq!(ask(&mut parent, 400, "40"), dec("40"));
    // What can never be sent is given up at once.
    let mut small =
        Execution::new(Timestamp::EPOCH, ExecutionPlan::at_once(), dec("3"), &instrument).unwrap();
    let over = small.next(Timestamp::EPOCH, Progress::default(), dec("4"));
    assert_eq!(over, ExecutionStep::Over(ExecutionEnd::GivenUp));
}

#[test]
fn plans_that_cannot_be_are_refused() {
    let twap = |slices| ExecutionPlan::twap(SPAN, slices);
    assert_eq!(twap(0), Err(PlanError::Slices { count: 0 }));
    assert_eq!(twap(10_001), Err(PlanError::Slices { count: 10_001 }));
    assert_eq!(ExecutionPlan::twap(Duration::ZERO, 2), Err(PlanError::Span));
    assert!(ExecutionPlan::twap(Duration::ZERO, 1).is_ok());
    for profile in [vec![], vec![0.0], vec![-1.0, 2.0], vec![f64::NAN], vec![f64::INFINITY]] {
        assert!(ExecutionPlan::vwap(SPAN, profile).is_err());
    }
    for rate in [0.0, -0.1, 1.1, f64::NAN] {
        assert!(ExecutionPlan::participation(SPAN, rate).is_err());
    }
    assert!(ExecutionPlan::iceberg(Qty::ZERO, price("1")).is_err());
    assert!(twap(2).unwrap().jittered(0, 1.5).is_err());
    let iceberg = ExecutionPlan::iceberg(Qty::from(1), price("1")).unwrap();
    assert!(iceberg.clone().jittered(0, 0.5).is_err());
    // A saved plan is checked as a new one is.
    let mut saved = serde_json::to_value(&iceberg).unwrap();
    assert_eq!(serde_json::from_value::<ExecutionPlan>(saved.clone()).unwrap(), iceberg);
    saved["limit"] = serde_json::Value::Null;
    assert!(serde_json::from_value::<ExecutionPlan>(saved).is_err());
    let (plan, start) = (twap(2).unwrap(), Timestamp::EPOCH);
    for quantity in ["0", "-1", "1.5"] {
        let refused = Execution::new(start, plan.clone(), dec(quantity), &instrument("1"));
        assert!(matches!(refused, Err(ExecutionError::Quantity { .. })));
    }
    let most = Decimal::MAX;
    let refused = Execution::new(start, plan, most, &instrument("1"));
    assert_eq!(refused, Err(ExecutionError::Overflow { quantity: most }));
}

/// When the last child is over and something is left, the parent has ended.
#[test]
fn a_parent_ends_with_its_last_child() {
    let plan = ExecutionPlan::twap(SPAN, 2).unwrap().finishing(Remainder::Market);
    let mut parent = Execution::new(Timestamp::EPOCH, plan, dec("10"), &instrument("1")).unwrap();
    let end = Timestamp::EPOCH.after(SPAN);
    let so_far = |filled| Progress { filled: dec(filled), working: Decimal::ZERO };
    let last = ExecutionStep::Send { quantity: dec("10"), kind: OrderKind::Market };
    assert_eq!(parent.next(end, so_far("0"), Decimal::ONE), last);
    let over = ExecutionStep::Over(ExecutionEnd::GivenUp);
    assert_eq!(parent.next(end, so_far("4"), Decimal::ONE), over);
    assert!(parent.is_ending());
}

/// A last child that the venue would not take ends the parent, and a child leaves as much as the
/// smallest order is for.
#[test]
fn what_is_too_small_is_given_up() {
    let plan = || ExecutionPlan::twap(SPAN, 4).unwrap().finishing(Remainder::Market);
    let of = |units: &str| {
        Execution::new(Timestamp::EPOCH, plan(), dec(units), &instrument("1")).unwrap()
    };
    let so_far = |filled| Progress { filled: dec(filled), working: Decimal::ZERO };
    let mut parent = of("8");
    let end = Timestamp::EPOCH.after(SPAN);
    let over = ExecutionStep::Over(ExecutionEnd::GivenUp);
    assert_eq!(parent.next(end, so_far("7"), Decimal::TWO), over);
    assert!(parent.is_ending());
    let mut sliced = of("8");
    let last = Timestamp::EPOCH.after(SPAN / 4 * 3);
    assert_eq!(sliced.next(last, so_far("7"), Decimal::TWO), over);
    assert!(sliced.is_ending());
    // A refused remainder is sent again after a pause.
    let mut refused = of("8");
    let rest = ExecutionStep::Send { quantity: dec("8"), kind: OrderKind::Market };
    assert_eq!(refused.next(end, so_far("0"), Decimal::ONE), rest);
    refused.refused(end);
    assert_eq!(refused.next(end, so_far("0"), Decimal::ONE), ExecutionStep::Wait);
    let later = end.after(Duration::from_secs(1));
    assert_eq!(refused.next(later, so_far("0"), Decimal::ONE), rest);
    // Six of eight are due; two would be left, where four are the least.
    let late = Timestamp::EPOCH.after(SPAN / 2);
    let child = |units| ExecutionStep::Send { quantity: dec(units), kind: OrderKind::Market };
    assert_eq!(of("8").next(late, so_far("0"), dec("4")), child("4"));
    assert_eq!(of("8").next(late, so_far("0"), dec("2")), child("6"));
    assert_eq!(of("8").next(late, so_far("0"), dec("5")), child("6"), "both cannot be");
}

/// Nothing is no order, also where the venue has no smallest one.
#[test]
fn nothing_is_not_sent() {
    let plan = ExecutionPlan::twap(SPAN, 2).unwrap();
    let mut parent = Execution::new(Timestamp::EPOCH, plan, dec("10"), &instrument("1")).unwrap();
    let half = Progress { filled: dec("5"), working: Decimal::ZERO };
    for minimum in [Decimal::ZERO, Decimal::ONE] {
        assert_eq!(parent.next(Timestamp::EPOCH, half, minimum), ExecutionStep::Wait);
    }
}

/// A volume that is no number, without end or not above zero counts as nothing.
#[test]
fn a_volume_is_a_number_above_zero() {
    let plan = ExecutionPlan::participation(SPAN, 0.5).unwrap();
    let mut parent = Execution::new(Timestamp::EPOCH, plan, dec("10"), &instrument("1")).unwrap();
    for volume in [f64::INFINITY, f64::NAN, -4.0, 0.0] {
        parent.on_volume(volume);
        assert_eq!(parent.due(Timestamp::EPOCH), Decimal::ZERO, "{volume}");
    }
    parent.on_volume(8.0);
    assert_eq!(parent.due(Timestamp::EPOCH), dec("4"));
    // What no sum takes is left out: the volume stays a number.
    for _ in 0..2 {
        parent.on_volume(f64::MAX);
        assert_eq!(parent.due(Timestamp::EPOCH), dec("10"));
        assert!(parent.is_sound());
    }
}
