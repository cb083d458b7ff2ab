//! Trackers and breakers against models that keep everything and scan it anew.

use core::time::Duration;

use proptest::prelude::*;
use tradewright::risk::{BreakerLimits, CircuitBreaker, DrawdownState, MaxDrawdownTracker};
use tradewright::testkit::reference::{BreakerStep, NaiveBreaker, NaiveDrawdown};
use tradewright::types::{Decimal, State, Timestamp};

const HOUR_S: i64 = 3_600;

fn secs(seconds: i64) -> Timestamp {
    Timestamp::from_secs(seconds).unwrap()
}

fn step() -> impl Strategy<Value = BreakerStep> {
    prop_oneof![
        4 => (-1_i64..=1).prop_map(BreakerStep::Trade),
        4 => Just(BreakerStep::Entry),
        1 => Just(BreakerStep::Trip),
        1 => Just(BreakerStep::Reset),
        1 => (0_i64..5_000).prop_map(BreakerStep::Override),
    ]
}

fn apply(breaker: &mut CircuitBreaker, at: Timestamp, step: BreakerStep) {
    match step {
        BreakerStep::Trade(net) => breaker.on_trade(at, Decimal::from(net)),
        BreakerStep::Entry => breaker.on_entry_fill(at),
        BreakerStep::Trip => drop(breaker.trip(at)),
        BreakerStep::Reset => drop(breaker.reset(at)),
        BreakerStep::Override(span) => {
            breaker.override_for(at, Duration::from_secs(span.unsigned_abs()));
        }
    }
}

proptest! {
    /// Laws 12 to 19: every answer equals a scan of the whole history, with times that repeat and
    /// go back.
    #[test]
    fn the_breaker_equals_the_list_scan(
        steps in prop::collection::vec((-300_i64..2_500, step()), 1..80),
        losses in 1_u32..5,
        cooldown_s in 0_u64..5_000,
        rate in 0_u32..6,
        cut in 0_usize..80,
    ) {
        let limits = BreakerLimits {
            max_consecutive_losses: losses,
            cooldown: Duration::from_secs(cooldown_s),
            max_trades_per_hour: rate,
        };
        let mut breaker = CircuitBreaker::new(limits).unwrap();
        let mut naive = NaiveBreaker::new(limits);
        let mut at = 100_000;
        for (index, (jump, step)) in steps.iter().enumerate() {
            at += jump;
            apply(&mut breaker, secs(at), *step);
            naive.apply(at, *step);
            if index == cut {
                let saved = breaker.save().unwrap();
                breaker = CircuitBreaker::default();
                breaker.restore(&saved).unwrap();
            }
            prop_assert!(breaker.remembered() <= rate as usize);
            for ahead in [-50, 0, 1, 600, cooldown_s as i64, HOUR_S - 1, HOUR_S, HOUR_S + 1] {
                let asked = secs(at + ahead);
                let now = (at + ahead).max(naive.latest);
                let allowed = breaker.allowed(asked);
                prop_assert_eq!(allowed, naive.allowed(at + ahead));
                prop_assert_eq!(breaker.allowed(asked), allowed, "asking changes nothing");
                let status = breaker.status(asked);
                let in_window = naive.count(now);
                let is_full = in_window >= rate as usize;
                prop_assert_eq!(status.trades_last_hour as usize, in_window.min(rate as usize));
                prop_assert_eq!(status.tripped, naive.is_tripped(now) || is_full);
                prop_assert_eq!(status.reason.is_some(), status.tripped);
                if naive.is_tripped(now) {
                    prop_assert_eq!(status.reason, naive.trips.last().map(|trip| trip.1));
                }
                let is_over = naive.until.is_some() && !naive.is_tripped(now);
                let streak = if is_over { 0 } else { naive.losses };
                prop_assert_eq!(status.consecutive_losses, streak);
                let today = now.div_euclid(86_400);
                let trips = naive.trips.iter().filter(|trip| trip.0.div_euclid(86_400) == today);
                prop_assert_eq!(status.triggers_today as usize, trips.count());
                prop_assert_eq!(status.cooldown_remaining_s == 0, !status.tripped);
                if status.tripped && rate > 0 {
                    let end = secs(now).after(Duration::from_secs(status.cooldown_remaining_s));
                    prop_assert!(breaker.allowed(end), "open when it says");
                    let just_before = end.before(Duration::from_secs(1));
                    prop_assert!(breaker.status(just_before).tripped, "not before");
                }
            }
        }
    }

    /// Laws 1 to 7 and 10: the peak is the running maximum, the deepest drawdown the largest of
    /// all pairs, and the halt comes with the first strict breach of a threshold in hundredths.
    #[test]
    fn the_drawdown_equals_the_quadratic_model(
        values in prop::collection::vec(1_i64..2_000_000, 1..60),
        hundredths in 1_i64..=100,
    ) {
        let mut tracker = MaxDrawdownTracker::new(Decimal::new(hundredths, 2)).unwrap();
        let mut naive = NaiveDrawdown::default();
        for (index, value) in values.iter().enumerate() {
            let before = tracker.peak();
            let equity = Decimal::new(*value, 2);
            let state = tracker.update(secs(index as i64), equity);
            naive.update(equity);
            prop_assert_eq!(tracker.peak(), Some(naive.peak()));
            prop_assert!(before <= tracker.peak(), "the peak never falls");
            let breached = naive.was_breached(hundredths);
            prop_assert_eq!(state == DrawdownState::Halted, breached);
            prop_assert_eq!(tracker.is_halted(), breached);
            prop_assert_eq!(tracker.allows_entries(), !breached);
            let drawdown = tracker.drawdown().unwrap();
            prop_assert_eq!(drawdown, naive.drawdown());
            prop_assert!(drawdown >= Decimal::ZERO && drawdown < Decimal::ONE);
            prop_assert_eq!(drawdown.is_zero(), equity == naive.peak());
            prop_assert_eq!(tracker.deepest(), naive.deepest());
        }
    }
}
