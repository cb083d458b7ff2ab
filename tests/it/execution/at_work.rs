//! The engine splits, counts, takes back and ends parent orders, whatever the venue answers.

use std::time::Duration;

use proptest::prelude::*;

use tradewright::engine::{Command, Control, Input};
use tradewright::types::{
    Acknowledgement, AdjustmentCause, AdjustmentKind, Decimal, ExecutionEnd, HaltCause, HaltLevel,
    HaltScope, Linkage, Order, OrderKind, OrderReport, ParentId, ParentStep, Purpose, Qty,
    RejectReason, Side,
};

use super::floor::{Floor, cancels, placed, price, quantities, twap};
use crate::engine_world::{A, ONE, minute};

const REJECTED: OrderReport = OrderReport::Rejected(RejectReason::NoLiquidity);

fn ends(floor: &Floor) -> Vec<ExecutionEnd> {
    let end = |(_, step): &(_, ParentStep)| match step {
        ParentStep::Ended(end) => Some(*end),
        ParentStep::Began => None,
    };
    floor.engine.sink().0.iter().filter_map(end).collect()
}

/// One slice at once, the others when they are due, each as large as the plan says; the parent
/// is told when it begins and when it is over.
#[test]
fn a_twap_leaves_in_slices() {
    let mut floor = Floor::new(None);
    let first = placed(&floor.say(1));
    let order = first[0];
    assert_eq!((first.len(), order.intent.linkage), (1, Linkage::Child(ParentId(1))));
    assert_eq!((order.intent.kind, order.intent.purpose), (OrderKind::Market, Purpose::Entry));
    floor.fill(&order, 12);
    for slice in 1..5 {
        assert_eq!(floor.engine.deadline(), Some(floor.at.after(2 * super::floor::MINUTE)));
        assert_eq!(floor.say(1), [], "the same wish again changes nothing");
        let commands = floor.wait(120);
        assert_eq!(quantities(&commands), ["BUY 12"], "slice {slice}");
        floor.fill(&placed(&commands)[0], 12);
    }
    assert_eq!((floor.held(), floor.engine.deadline()), (Decimal::from(60), None));
    assert_eq!(ends(&floor), [ExecutionEnd::Filled]);
    let told = &floor.engine.sink().0;
    assert_eq!(told[0].0.quantity, Qty::from(60));
    assert_eq!((told[1].0.filled, told[1].0.arrival), (Qty::from(60), 100.0));
}

#[test]
fn a_slice_that_was_filled_in_part_is_caught_up_and_the_rest_goes_at_the_end() {
    let mut floor = Floor::new(None);
    let first = placed(&floor.say(1))[0];
    floor.fill(&first, 5);
    // The venue ends it: what it lacks leaves after a pause.
    assert_eq!(floor.report(&first, OrderReport::Cancelled), []);
    assert_eq!(quantities(&floor.wait(1)), ["BUY 7"]);
    let second = floor.live()[0];
    floor.report(&second, OrderReport::Accepted);
    assert_eq!(quantities(&floor.wait(119)), ["BUY 12"], "the next slice does not wait");
    assert_eq!(quantities(&floor.wait(480)), ["BUY 36"], "the time is over");
    floor.finish();
    assert_eq!((floor.held(), ends(&floor)), (Decimal::from(60), vec![ExecutionEnd::Filled]));
}

#[test]
fn children_that_are_always_refused_end_their_parent() {
    let mut floor = Floor::new(None);
    floor.say(1);
    let mut tries = 0;
    loop {
        if let Some(order) = floor.live().first().copied() {
            tries += 1;
            assert_eq!(placed(&floor.report(&order, REJECTED)), [], "not at the same instant");
        }
        let Some(due) = floor.engine.deadline() else { break };
        floor.at = due;
        floor.input(&Input::Time);
    }
    assert_eq!((tries, ends(&floor)), (8, vec![ExecutionEnd::Refused]));
}

#[test]
fn another_wish_takes_back_what_works_before_it_begins() {
    let mut floor = Floor::new(None);
    let child = placed(&floor.say(1))[0];
    floor.fill(&child, 4);
    // To zero, while 8 of the first slice still work.
    let commands = floor.say(3);
    assert_eq!((cancels(&commands), placed(&commands).len()), (1, 0));
    assert_eq!(floor.fill(&child, 3), [], "a fill on the way");
    let commands = floor.report(&child, OrderReport::Cancelled);
    // 7 are held: fifths of 7 on the step.
    assert_eq!(quantities(&commands), ["SELL 1"]);
    assert_eq!(placed(&commands)[0].intent.purpose, Purpose::Exit);
    floor.finish();
    assert_eq!(floor.held(), Decimal::ZERO);
    assert_eq!(ends(&floor), [ExecutionEnd::Cancelled, ExecutionEnd::Filled]);

    // A plain target does the same, and goes at once.
    floor.say(1);
    let child = floor.live()[0];
    let commands = floor.say(7);
    assert_eq!((cancels(&commands), placed(&commands).len()), (1, 0));
    assert_eq!(quantities(&floor.report(&child, OrderReport::Cancelled)), ["BUY 20"]);
    floor.finish();
    assert_eq!(floor.held(), Decimal::from(20));
}

#[test]
fn taking_everything_back_and_closing_end_what_is_on_its_way() {
    let mut floor = Floor::new(None);
    let child = placed(&floor.say(1))[0];
    floor.fill(&child, 12);
    floor.wait(120);
    let second = floor.live()[0];
    assert_eq!(cancels(&floor.say(6)), 1, "the strategy takes all back");
    floor.report(&second, OrderReport::Cancelled);
    assert_eq!((ends(&floor), floor.live().len()), (vec![ExecutionEnd::Cancelled], 0));
    // A signal that closes does not wait for slices, and none comes after it.
    floor.say(3);
    assert_eq!(floor.live().len(), 1, "a slice of the way out");
    let commands = floor.say(8);
    assert_eq!((quantities(&commands), cancels(&commands)), (vec!["SELL 12".to_owned()], 1));
    let [slice, exit] = floor.live()[..] else { panic!("two orders") };
    floor.report(&slice, OrderReport::Cancelled);
    floor.fill(&exit, 12);
    assert_eq!((floor.held(), floor.engine.deadline()), (Decimal::ZERO, None));
}

#[test]
fn an_iceberg_shows_one_part_at_a_time() {
    let mut floor = Floor::new(None);
    let mut commands = floor.say(4);
    for _ in 0..8 {
        assert_eq!(quantities(&commands), ["BUY 5"]);
        let order = placed(&commands)[0];
        assert_eq!(order.intent.kind, OrderKind::Limit { price: price("100") });
        floor.report(&order, OrderReport::Accepted);
        assert_eq!(placed(&floor.fill(&order, 2)), [], "the next part waits for the whole one");
        commands = floor.fill(&order, 3);
    }
    assert_eq!((placed(&commands).len(), floor.held()), (0, Decimal::from(40)));
    assert_eq!(ends(&floor), [ExecutionEnd::Filled]);
}

#[test]
fn a_participation_follows_the_volume_that_comes_after_it() {
    let mut floor = Floor::new(None);
    assert_eq!(placed(&floor.say(5)), [], "nothing has traded yet");
    assert_eq!(placed(&floor.market(A, 1_000.0)), [], "a bar of the same moment is before it");
    floor.wait(60);
    assert_eq!(quantities(&floor.market(A, 99.0)), ["BUY 9"]);
    floor.wait(60);
    assert_eq!(quantities(&floor.market(A, 1.0)), ["BUY 1"], "9 of 100 work already");
    floor.wait(60);
    assert_eq!(quantities(&floor.market(A, 1e9)), ["BUY 40"], "never more than the parent");
    floor.finish();
    assert_eq!((floor.held(), ends(&floor)), (Decimal::from(50), vec![ExecutionEnd::Filled]));
    // Without a market it is given up in the end, and sends nothing of its own.
    let mut quiet = Floor::new(None);
    quiet.say(5);
    quiet.finish();
    assert_eq!((quiet.held(), ends(&quiet)), (Decimal::ZERO, vec![ExecutionEnd::GivenUp]));
}

#[test]
fn limit_children_are_taken_back_when_the_time_is_over() {
    let mut floor = Floor::new(None);
    floor.say(9);
    floor.wait(300);
    let rests = floor.live();
    assert_eq!(rests.len(), 2);
    floor.fill(&rests[0], 20);
    assert_eq!(cancels(&floor.wait(300)), 1);
    floor.report(&rests[1], OrderReport::Cancelled);
    assert_eq!((floor.held(), ends(&floor)), (Decimal::from(20), vec![ExecutionEnd::GivenUp]));
    assert_eq!(floor.engine.deadline(), None);
}

#[test]
fn halts_end_what_opens_and_let_go_on_what_reduces() {
    for level in [HaltLevel::ReduceOnly, HaltLevel::Halted] {
        let mut floor = Floor::new(None);
        let child = placed(&floor.say(1))[0];
        floor.fill(&child, 12);
        floor.wait(120);
        let second = floor.live()[0];
        assert_eq!(cancels(&floor.halt(level)), 1, "{level:?}");
        floor.report(&second, OrderReport::Cancelled);
        assert_eq!(ends(&floor), [ExecutionEnd::Halted], "{level:?}");
        // The way out is free, slice by slice, and no further.
        assert_eq!(quantities(&floor.say(2)), ["SELL 8"], "a fifth of 42: {level:?}");
        floor.finish();
        assert_eq!(floor.held(), Decimal::ZERO, "{level:?}");
        assert_eq!(ends(&floor).last(), Some(&ExecutionEnd::Filled), "{level:?}");
        // Nothing begins to open while it lasts.
        assert_eq!(placed(&floor.say(1)), [], "{level:?}");
        assert_eq!((ends(&floor).last(), floor.live().len()), (Some(&ExecutionEnd::Halted), 0));
    }
}

#[test]
fn a_halt_cuts_what_would_cross_zero_to_what_closes() {
    let mut floor = Floor::new(None);
    floor.say(7);
    floor.finish();
    assert_eq!(floor.held(), Decimal::from(20));
    // From 20 to -30 by fifths of 50.
    let first = placed(&floor.say(2))[0];
    floor.fill(&first, 10);
    floor.halt(HaltLevel::ReduceOnly);
    floor.finish();
    assert_eq!(floor.held(), Decimal::ZERO);
    // Flattening does the rest by itself.
    let mut floor = Floor::new(None);
    let child = placed(&floor.say(1))[0];
    floor.fill(&child, 12);
    let commands = floor.halt(HaltLevel::Flattening);
    assert_eq!(quantities(&commands), ["SELL 12"]);
    assert_eq!(ends(&floor), [ExecutionEnd::Halted]);
}

#[test]
fn a_split_or_settlement_ends_what_was_counted_in_old_units() {
    let split = AdjustmentKind::Split { instrument: A, numerator: 2, denominator: 1 };
    let settled = AdjustmentKind::Settlement { instrument: A, price: Decimal::from(100) };
    for kind in [split, settled] {
        let mut floor = Floor::new(None);
        let child = placed(&floor.say(1))[0];
        floor.fill(&child, 12);
        floor.wait(120);
        let second = floor.live()[0];
        let commands = floor.adjust(AdjustmentCause::Split, kind);
        assert_eq!((cancels(&commands), placed(&commands).len()), (1, 0));
        floor.report(&second, OrderReport::Cancelled);
        assert_eq!(ends(&floor), [ExecutionEnd::Adjusted]);
        assert_eq!((floor.live().len(), floor.engine.deadline()), (0, None));
        assert_eq!(floor.engine.slot(ONE).unwrap().0.adjusted, 1, "the strategy is told");
    }
    // A target that is said anew is reached in new units.
    let mut floor = Floor::new(None);
    let child = placed(&floor.say(1))[0];
    floor.fill(&child, 12);
    floor.adjust(AdjustmentCause::Split, split);
    floor.say(1);
    floor.finish();
    assert_eq!(floor.held(), Decimal::from(60));
}

/// A position that was put right leaves another way to the same target.
#[test]
fn a_reconciled_position_is_brought_to_the_target_all_the_same() {
    let mut floor = Floor::new(None);
    let child = placed(&floor.say(1))[0];
    floor.fill(&child, 12);
    let (slot, change) = (ONE, Qty::from(30));
    let kind = AdjustmentKind::Position { slot, instrument: A, change, price: price("100") };
    assert_eq!(quantities(&floor.adjust(AdjustmentCause::Reconciliation, kind)), ["BUY 3"]);
    floor.finish();
    assert_eq!(floor.held(), Decimal::from(60));
    assert_eq!(ends(&floor), [ExecutionEnd::Adjusted, ExecutionEnd::Filled]);
}

#[test]
fn a_late_fill_counts_and_halts_the_instrument() {
    let mut floor = Floor::new(None);
    let child = placed(&floor.say(1))[0];
    floor.report(&child, OrderReport::Accepted);
    floor.report(&child, OrderReport::Cancelled);
    floor.fill(&child, 12);
    assert_eq!(ends(&floor), [ExecutionEnd::Halted]);
    let (parent, _) = floor.engine.sink().0[1];
    assert_eq!((parent.filled, floor.held()), (Qty::from(12), Decimal::from(12)));
    assert!(floor.engine.halts().halts().iter().any(|it| it.halt.cause == HaltCause::FillAnomaly));
}

/// An exit of which the venue has filled too much: what was filled counts, and the snapshot of
/// such an engine can be read.
#[test]
fn an_overfilled_slice_is_counted_and_survives_a_restart() {
    let mut floor = Floor::new(None);
    floor.say(7);
    floor.finish();
    let child = placed(&floor.say(3))[0];
    floor.report(&child, OrderReport::Accepted);
    // A fifth of 20 was sent, 7 were filled.
    floor.fill(&child, 7);
    floor.restart(None);
    assert_eq!(quantities(&floor.wait(120)), ["SELL 1"], "8 are due, 7 are out");
    floor.report(&child, OrderReport::Cancelled);
    floor.finish();
    assert_eq!(floor.held(), Decimal::ZERO);
}

#[test]
fn all_targets_of_a_slot_go_by_its_plan() {
    let mut floor = Floor::new(Some(twap(10, 4)));
    assert_eq!(quantities(&floor.say(7)), ["BUY 5"], "a quarter of the target");
    floor.finish();
    let last_slice = minute(0).after(Duration::from_secs(450));
    assert_eq!((floor.held(), floor.at), (Decimal::from(20), last_slice));
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Say(u32),
    Market(f64),
    Wait(u64),
    Accept(prop::sample::Index),
    Fill(prop::sample::Index, f64),
    Reject(prop::sample::Index),
    Cancelled(prop::sample::Index),
    Halt(HaltLevel),
    Resume,
    Split,
    Restart,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let any_order = any::<prop::sample::Index>;
    let levels = vec![HaltLevel::ReduceOnly, HaltLevel::Halted, HaltLevel::Flattening];
    let op = prop_oneof![
        6 => (1u32..11).prop_map(Op::Say),
        4 => (0.0..400.0f64).prop_map(Op::Market),
        8 => (1u64..200).prop_map(Op::Wait),
        4 => any_order().prop_map(Op::Accept),
        10 => (any_order(), 0.05..=1.2f64).prop_map(|(i, f)| Op::Fill(i, f)),
        2 => any_order().prop_map(Op::Reject),
        4 => any_order().prop_map(Op::Cancelled),
        1 => prop::sample::select(levels).prop_map(Op::Halt),
        2 => Just(Op::Resume),
        1 => Just(Op::Split),
        2 => Just(Op::Restart),
    ];
    prop::collection::vec(op, 1..90)
}

/// The test's own count of what left for each parent.
#[derive(Default)]
struct Count {
    children: Vec<(ParentId, Order, Decimal)>,
}

impl Count {
    fn check(&self, floor: &Floor) -> Result<(), TestCaseError> {
        for (parent, step) in &floor.engine.sink().0 {
            if *step != ParentStep::Began {
                continue;
            }
            let own = self.children.iter().filter(|(id, ..)| *id == parent.id);
            let out: Decimal = own
                .map(|(_, order, filled)| {
                    let state = floor.engine.orders().find(order.id);
                    filled + state.map_or(Decimal::ZERO, |state| state.remaining())
                })
                .sum();
            prop_assert!(out <= parent.quantity.value(), "{out} left for {parent:?}");
        }
        Ok(())
    }
}

fn answer(floor: &mut Floor, count: &mut Count, op: Op) -> Vec<Command> {
    let live = floor.live();
    let pick =
        |index: prop::sample::Index| (!live.is_empty()).then(|| live[index.index(live.len())]);
    match op {
        Op::Say(code) => floor.say(code),
        Op::Market(volume) => floor.market(A, volume),
        Op::Wait(seconds) => floor.wait(seconds),
        Op::Halt(level) => floor.halt(level),
        Op::Resume => {
            let acknowledgement = Acknowledgement::Emergency;
            let scope = HaltScope::Symbol(A);
            floor.input(&Input::Control(Control::Resume { scope, acknowledgement }))
        }
        Op::Split => {
            let kind = AdjustmentKind::Split { instrument: A, numerator: 2, denominator: 1 };
            floor.adjust(AdjustmentCause::Split, kind)
        }
        Op::Restart => {
            floor.restart(None);
            Vec::new()
        }
        Op::Accept(index) => {
            pick(index).map_or_else(Vec::new, |order| floor.report(&order, OrderReport::Accepted))
        }
        Op::Reject(index) => {
            pick(index).map_or_else(Vec::new, |order| floor.report(&order, REJECTED))
        }
        Op::Cancelled(index) => {
            pick(index).map_or_else(Vec::new, |order| floor.report(&order, OrderReport::Cancelled))
        }
        Op::Fill(index, part) => {
            let Some(order) = pick(index) else { return Vec::new() };
            let open = floor.engine.orders().find(order.id).unwrap().remaining();
            let units = (tradewright::types::to_f64(open) * part).ceil() as i64;
            let quantity = Decimal::from(units.max(1)).min(open);
            if let Some(own) = count.children.iter_mut().find(|(_, own, _)| own.id == order.id) {
                own.2 += quantity;
            }
            floor.fill(&order, quantity)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever strategy, venue and operator do: never more out than the parent, nothing that
    /// opens under a halt, a restart changes nothing, and everything comes to an end.
    #[test]
    fn parents_are_never_exceeded(ops in ops()) {
        let (mut floor, mut count) = (Floor::new(None), Count::default());
        for op in ops {
            let commands = answer(&mut floor, &mut count, op);
            let level = floor.engine.halts().level(ONE, A);
            for order in placed(&commands) {
                if let Linkage::Child(parent) = order.intent.linkage {
                    count.children.push((parent, order, Decimal::ZERO));
                    let held = floor.held();
                    let reduces = Side::of(held) == Some(order.intent.side.opposite());
                    prop_assert!(level == HaltLevel::Active || reduces, "{order:?} at {level:?}");
                }
            }
            let breach = HaltCause::ParentBreach;
            prop_assert!(floor.engine.halts().halts().iter().all(|it| it.halt.cause != breach));
            count.check(&floor)?;
        }
        for _ in 0..4 {
            answer(&mut floor, &mut count, Op::Resume);
        }
        floor.finish();
        let began = floor.engine.sink().0.iter().filter(|(_, step)| *step == ParentStep::Began);
        prop_assert_eq!(began.count(), ends(&floor).len(), "every parent is over");
    }
}
