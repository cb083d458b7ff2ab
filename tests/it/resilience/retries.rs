use core::time::Duration;

use proptest::prelude::*;
use tradewright::resilience::{GaveUp, OrderStep, RetryBudget, RetryPolicy, UnknownOrder};
use tradewright::types::{Classification, ErrorCategory, OrderId, RetryAdvice, Severity, SlotId};

use super::{at, network};

const ID: OrderId = OrderId::new(1, SlotId(1), 7);

proptest! {
    /// Pauses never exceed what the attempt allows, nothing starts after the deadline, and no
    /// more attempts are made than the policy has.
    #[test]
    fn pauses_attempts_and_deadline_are_kept(
        chances in prop::collection::vec(any::<u64>(), 1..20),
        asked_s in 0_u64..20,
    ) {
        let policy = RetryPolicy::default();
        let mut retry = policy.idempotent(at(0));
        let mut budget = RetryBudget::new(1_000, 0);
        let least = Duration::from_secs(asked_s);
        let (mut now, mut made) = (at(0), 1);
        for chance in chances {
            let error = network(RetryAdvice::After(least));
            match retry.on_failure(now, &error, chance, &mut budget) {
                Ok(next) => {
                    let most = policy.first_pause * 2_u32.pow(made - 1);
                    let pause = next.since(now);
                    prop_assert!(pause >= least && pause <= least + most.min(policy.longest_pause));
                    prop_assert!(next <= at(0).after(policy.within));
                    (now, made) = (next, made + 1);
                }
                Err(GaveUp::Attempts) => prop_assert_eq!(made, policy.attempts),
                Err(why) => prop_assert_eq!(why, GaveUp::Deadline),
            }
            prop_assert_eq!(retry.attempts(), made);
        }
    }

    /// However an order's requests and questions fail, two submissions are always separated by
    /// a certain refusal, or by "not found" to a question from after the window.
    #[test]
    fn an_order_in_doubt_is_never_sent_blindly(
        events in prop::collection::vec((0_u8..6, 0_i64..30_000, any::<u64>()), 1..60),
    ) {
        let policy = RetryPolicy { attempts: 1_000, ..RetryPolicy::default() };
        let policy = RetryPolicy { within: Duration::MAX, ..policy };
        let mut budget = RetryBudget::new(u32::MAX, 0);
        let (mut now, mut sent) = (0, 0);
        let mut step = None;
        let mut order = Some(policy.order(at(0), ID));
        for (what, pause, chance) in events {
            now += pause;
            if let Some(flying) = order.take() {
                let error = match what {
                    0 => network(RetryAdvice::Backoff),
                    1 => Classification::new(ErrorCategory::Api, Severity::High)
                        .retry(RetryAdvice::LookUp),
                    2 => Classification::new(ErrorCategory::Unknown, Severity::Low)
                        .retry(RetryAdvice::Backoff),
                    _ => Classification::new(ErrorCategory::RateLimit, Severity::Medium)
                        .retry(RetryAdvice::Backoff),
                };
                let is_certain = what > 2;
                let next = flying.on_failure(at(now), &error, chance, &mut budget);
                prop_assert_eq!(is_certain, matches!(next, OrderStep::Send { .. }));
                step = Some(next);
            } else if let Some(OrderStep::LookUp(unknown)) = step.take() {
                let asked = now - i64::from(what) * 1_000;
                let is_answer = asked >= sent + 20_000;
                let next = match what {
                    5 => OrderStep::LookUp(later(unknown, now, chance)),
                    _ => unknown.on_absent(at(now), at(asked), chance, &mut budget),
                };
                if let OrderStep::Send { .. } = next {
                    prop_assert!(is_answer && what != 5);
                }
                step = Some(next);
            }
            if let Some(OrderStep::Send { .. }) = &step {
                let Some(OrderStep::Send { order: again, at: when }) = step.take() else {
                    unreachable!()
                };
                now = now.max((when.millis()) - at(0).millis() + 1);
                sent = now;
                order = Some(again.on_sent(at(now)));
            }
        }
    }
}

fn later(unknown: UnknownOrder, now: i64, chance: u64) -> UnknownOrder {
    let before = unknown.ask_at();
    let later = unknown.on_failure(at(now), &network(RetryAdvice::LookUp), chance);
    assert!(later.ask_at() > at(now) || before > at(now));
    later
}

#[test]
fn what_the_venue_knows_is_over() {
    let mut budget = RetryBudget::default();
    let order = RetryPolicy::default().order(at(0), ID);
    let lost = network(RetryAdvice::LookUp);
    let OrderStep::LookUp(unknown) = order.on_failure(at(10), &lost, 0, &mut budget) else {
        panic!()
    };
    assert_eq!((unknown.id(), unknown.ask_at()), (ID, at(10)));
    assert_eq!(unknown.on_found(), ID);
    assert_eq!(budget.left(), 20, "a question is no repetition");
}

#[test]
fn a_budget_ends_what_attempts_would_allow() {
    let mut budget = RetryBudget::new(2, 50);
    let busy = network(RetryAdvice::Backoff);
    let give_up = |budget: &mut RetryBudget| {
        RetryPolicy::default().idempotent(at(0)).on_failure(at(0), &busy, 0, budget)
    };
    assert_eq!((give_up(&mut budget), give_up(&mut budget)), (Ok(at(0)), Ok(at(0))));
    assert_eq!(give_up(&mut budget), Err(GaveUp::Budget));
    budget.on_success();
    assert_eq!(give_up(&mut budget), Err(GaveUp::Budget));
    budget.on_success();
    assert_eq!(give_up(&mut budget), Ok(at(0)));
}
