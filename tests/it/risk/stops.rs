//! Stop trackers alone: monotone, on the losing side, narrowed by drawdown, closed to nonsense.

use core::time::Duration;

use proptest::prelude::*;
use tradewright::risk::{
    BreakEven, DrawdownSchedule, StopAction, StopExit, StopGauge, StopPlan, StopReading,
    StopTracker, StopVolatility, StopWidth,
};
use tradewright::types::{Bar, Period, Side};

use super::{SHARE, secs};

fn reading(volatility: f64, drawdown: f64) -> StopReading {
    StopReading { volatility: Some(volatility), drawdown }
}

fn bar(high: f64, low: f64, close: f64) -> Bar {
    Bar::new(SHARE, Period::MINUTE, [close, high, low, close], 1.0).unwrap()
}

fn plan(width: StopWidth) -> StopPlan {
    StopPlan::new(width).unwrap()
}

/// Each part of a plan by hand, long.
#[test]
fn parts_of_a_plan() {
    let calm = reading(2.0, 0.0);
    let start = |plan: StopPlan| StopTracker::new(plan, Side::Buy, 100.0, secs(0));
    let base = || plan(StopWidth::Multiple(2.0));

    let mut unknown = start(base());
    assert_eq!(unknown.on_mark(secs(1), 100.0, StopReading::default()), None);
    assert_eq!(unknown.on_mark(secs(2), 101.0, calm), Some(StopAction::Move(96.0)));
    assert_eq!(unknown.on_mark(secs(3), 101.0, reading(1.0, 0.0)), None, "set at the entry");

    let mut chandelier = start(base().chandelier(StopWidth::Multiple(3.0)).unwrap());
    chandelier.on_mark(secs(1), 100.0, calm);
    let action = chandelier.on_bar(secs(120), &bar(110.0, 99.0, 105.0), calm);
    assert_eq!(action, Some(StopAction::Move(104.0)), "three moves below the high");
    let action = chandelier.on_bar(secs(180), &bar(111.0, 104.5, 104.8), calm);
    assert_eq!(action, Some(StopAction::Exit(StopExit::Crossed)), "behind where it belongs");

    let mut whole = start(base().chandelier(StopWidth::Multiple(3.0)).unwrap());
    whole.on_mark(secs(0), 100.0, calm);
    let action = whole.on_bar(secs(60), &bar(110.0, 99.0, 105.0), calm);
    assert_eq!(action, Some(StopAction::Move(104.0)), "the bar began with the position");

    let mut marked = start(base().chandelier(StopWidth::Multiple(3.0)).unwrap());
    marked.on_mark(secs(1), 100.0, calm);
    assert_eq!(marked.on_mark(secs(2), 112.0, calm), Some(StopAction::Move(106.0)), "of a mark");

    let rule = BreakEven { after: StopWidth::Fraction(0.05), lock: 0.001 };
    let mut even = start(base().break_even(rule).unwrap());
    even.on_mark(secs(1), 100.0, calm);
    assert_eq!(even.on_mark(secs(2), 104.99, calm), None);
    let Some(StopAction::Move(level)) = even.on_mark(secs(3), 105.0, calm) else { panic!() };
    assert!((level - 100.1).abs() < 1e-9);
    let mut short = StopTracker::new(base().break_even(rule).unwrap(), Side::Sell, 100.0, secs(0));
    short.on_mark(secs(1), 100.0, calm);
    assert_eq!(short.on_mark(secs(2), 95.01, calm), None);
    let Some(StopAction::Move(level)) = short.on_mark(secs(3), 95.0, calm) else { panic!() };
    assert!((level - 99.9).abs() < 1e-9, "a little less than the entry");

    let mut timed = start(base().time(Duration::from_secs(10)).unwrap());
    timed.on_mark(secs(1), 100.0, calm);
    assert_eq!(timed.on_mark(secs(9), 100.0, calm), None);
    let action = timed.on_mark(secs(10), 100.0, calm);
    assert_eq!(action, Some(StopAction::Exit(StopExit::Time)));

    let schedule = DrawdownSchedule::new([(0.0, 1.0), (0.2, 0.5)]).unwrap();
    let mut tight = start(base().tightened(schedule).unwrap());
    assert_eq!(tight.on_mark(secs(1), 100.0, calm), Some(StopAction::Move(96.0)));
    let Some(StopAction::Move(level)) = tight.on_mark(secs(2), 100.0, reading(2.0, 0.1)) else {
        panic!()
    };
    assert!((level - 97.0).abs() < 1e-9, "three quarters of the width");
    assert_eq!(tight.on_mark(secs(3), 100.0, calm), None, "what it has reached it keeps");
    assert_eq!(tight.on_mark(secs(4), 100.0, reading(2.0, f64::NAN)), None);
}

/// A bar's low before the entry is none of the position's business.
#[test]
fn the_entry_bar_counts_with_its_close() {
    let mut stop = StopTracker::new(plan(StopWidth::Fraction(0.05)), Side::Buy, 100.0, secs(50));
    stop.on_mark(secs(50), 100.0, StopReading::default());
    let first = stop.on_bar(secs(60), &bar(130.0, 90.0, 100.0), StopReading::default());
    assert_eq!(first, None);
    let second = stop.on_bar(secs(120), &bar(100.0, 90.0, 99.0), StopReading::default());
    assert_eq!(second, Some(StopAction::Exit(StopExit::Crossed)));
}

/// A share split moves all levels along.
#[test]
fn a_split_moves_the_stop() {
    let mut stop = StopTracker::new(plan(StopWidth::Fraction(0.1)), Side::Sell, 100.0, secs(0));
    stop.on_mark(secs(0), 100.0, StopReading::default());
    stop.split(4.0);
    assert!((stop.level().unwrap() - 27.5).abs() < 1e-9);
    assert_eq!(stop.on_mark(secs(1), 26.0, StopReading::default()), None);
    // The entry has moved along: breaking even is at a quarter of it.
    let rule = BreakEven { after: StopWidth::Fraction(0.05), lock: 0.0 };
    let even = plan(StopWidth::Fraction(0.1)).break_even(rule).unwrap();
    let mut stop = StopTracker::new(even, Side::Buy, 100.0, secs(0));
    stop.on_mark(secs(0), 100.0, StopReading::default());
    stop.split(4.0);
    let moved = stop.on_mark(secs(1), 26.25, StopReading::default());
    assert_eq!(moved, Some(StopAction::Move(25.0)));
}

/// Usual moves: a range, a deviation, and nothing in a flat market.
#[test]
fn gauges_measure() {
    let mut range = StopGauge::new(StopVolatility::Atr { period: 2 }).unwrap();
    let mut change = StopGauge::new(StopVolatility::Deviation { window: 2 }).unwrap();
    for close in [10.0, 11.0, 9.0] {
        range.on_bar(&bar(close + 1.0, close - 1.0, close));
        change.on_bar(&bar(close + 1.0, close - 1.0, close));
    }
    assert_eq!(range.value(), Some(2.5), "the true ranges are 2 and 3");
    assert!((change.value().unwrap() - 4.5_f64.sqrt()).abs() < 1e-12, "of 1 and -2");
    let mut flat = StopGauge::new(StopVolatility::Deviation { window: 2 }).unwrap();
    (0..5).for_each(|_| flat.on_bar(&bar(10.0, 10.0, 10.0)));
    assert_eq!(flat.value(), None);
    range.reset();
    assert_eq!(range.value(), None);
}

/// Widths, windows and times out of their ranges.
#[test]
fn bad_plans_are_refused() {
    for width in [0.0, 1.0, -0.1, f64::NAN] {
        assert!(StopPlan::new(StopWidth::Fraction(width)).is_err(), "{width}");
    }
    for width in [0.0, 1_000.1, f64::INFINITY] {
        assert!(StopPlan::new(StopWidth::Multiple(width)).is_err(), "{width}");
    }
    let base = || plan(StopWidth::Fraction(0.1));
    assert!(base().measured_by(StopVolatility::Deviation { window: 1 }).is_err());
    assert!(base().time(Duration::ZERO).is_err());
    let rule = BreakEven { after: StopWidth::Fraction(0.1), lock: 1.0 };
    assert!(base().break_even(rule).is_err());
    let closed = DrawdownSchedule::new([(0.1, 1.0), (0.2, 0.0)]).unwrap();
    assert!(base().tightened(closed).is_err());
}

fn any_price() -> impl Strategy<Value = f64> {
    prop_oneof![9 => 50.0_f64..150.0, 1 => Just(f64::NAN), 1 => Just(0.0), 1 => any::<f64>()]
}

proptest! {
    /// Law 62 and the ratchet: whatever is fed in, the first level is on the losing side of
    /// the entry and no later one is further from the price.
    #[test]
    fn levels_never_move_away(
        is_long in any::<bool>(),
        events in prop::collection::vec((any_price(), 0.1_f64..10.0, -0.1_f64..1.1), 1..100),
        width in 0.01_f64..0.5,
        multiple in 0.5_f64..6.0,
    ) {
        let side = if is_long { Side::Buy } else { Side::Sell };
        let plan = plan(StopWidth::Fraction(width))
            .trailing(StopWidth::Multiple(multiple)).unwrap()
            .chandelier(StopWidth::Fraction(width)).unwrap()
            .break_even(BreakEven { after: StopWidth::Multiple(1.0), lock: 0.002 }).unwrap()
            .tightened(DrawdownSchedule::default()).unwrap();
        let mut stop = StopTracker::new(plan, side, 100.0, secs(0));
        let mut last: Option<f64> = None;
        for (second, (price, volatility, drawdown)) in events.into_iter().enumerate() {
            let now = reading(volatility, drawdown);
            let action = stop.on_mark(secs(second as i64), price, now);
            let level = stop.level();
            if let Some(StopAction::Move(to)) = action {
                prop_assert_eq!(Some(to), level);
            }
            match (last, level) {
                (None, Some(level)) => {
                    let is_losing = if is_long { level < 100.0 } else { level > 100.0 };
                    prop_assert!(is_losing);
                }
                (Some(last), Some(level)) => {
                    let is_kept = if is_long { level >= last } else { level <= last };
                    prop_assert!(is_kept);
                }
                (before, None) => prop_assert_eq!(before, None),
            }
            last = level;
        }
    }

    /// A tracker that is written and read is the same tracker.
    #[test]
    fn trackers_are_restored(prices in prop::collection::vec(80.0_f64..120.0, 0..30)) {
        let plan = plan(StopWidth::Fraction(0.1)).trailing(StopWidth::Fraction(0.05)).unwrap();
        let mut stop = StopTracker::new(plan, Side::Buy, 100.0, secs(0));
        for price in prices {
            stop.on_mark(secs(1), price, StopReading::default());
        }
        let saved = rmp_serde::to_vec_named(&stop).unwrap();
        prop_assert_eq!(rmp_serde::from_slice::<StopTracker>(&saved).unwrap(), stop);
    }
}

/// A distance is above zero and has an end.
#[test]
fn a_width_is_a_distance() {
    let twice = |volatility| StopWidth::Multiple(2.0).of(100.0, Some(volatility));
    assert_eq!(twice(1.5), Some(3.0));
    for volatility in [0.0, -1.0, f64::NAN, f64::MAX] {
        assert_eq!(twice(volatility), None, "{volatility}");
    }
    assert_eq!(StopWidth::Multiple(2.0).of(100.0, None), None);
    assert_eq!(StopWidth::Fraction(0.5).of(f64::INFINITY, None), None);
}
