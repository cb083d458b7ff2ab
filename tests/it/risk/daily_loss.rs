//! The day's loss against a naive calendar, and the days on which clocks change.

use proptest::prelude::*;
use tradewright::risk::{DailyLimit, DailyLossGuard, Fact, Guard, Limit};
use tradewright::types::{
    DayBoundary, Decimal, FactBook, HaltCause, HaltLevel, State, Timestamp, TradingDay,
};

use super::{World, dec, secs};

fn guard(limit: &str, boundary: DayBoundary) -> DailyLossGuard {
    DailyLossGuard::new(DailyLimit::Fraction(dec(limit)), boundary).unwrap()
}

fn equity(world: &World, amount: &str) -> FactBook {
    world.book().cash(world.usd, dec(amount)).build()
}

/// A small harness: equity at a time, and is it halted?
fn watch(guard: &mut DailyLossGuard, world: &World, at: Timestamp, amount: &str) -> bool {
    let book = equity(world, amount);
    let halt = guard.watch(&Fact::Mark, &world.facts_at(at, &book));
    if let Some(halt) = halt {
        assert_eq!((halt.cause, halt.level), (HaltCause::DailyLoss, HaltLevel::ReduceOnly));
    }
    halt.is_some()
}

/// The limit itself is no breach; a breach lasts to the next day, whatever equity does.
#[test]
fn a_breach_lasts_to_the_next_day() {
    let world = World::new();
    let mut guard = guard("0.05", DayBoundary::UTC);
    assert!(!watch(&mut guard, &world, secs(0), "100000"));
    assert!(!watch(&mut guard, &world, secs(10), "95000"));
    assert!(watch(&mut guard, &world, secs(20), "94999.99"));
    assert!(watch(&mut guard, &world, secs(86_399), "120000"));
    assert!(!watch(&mut guard, &world, secs(86_400), "120000"));
    let book = equity(&world, "114000");
    let facts = world.facts_at(secs(86_401), &book);
    assert_eq!(guard.watch(&Fact::Mark, &facts), None);
    let status = guard.status(&facts);
    assert_eq!((status.beginning, status.loss, status.limit), (120_000.0, 6_000.0, 6_000.0));
    assert!(matches!(guard.verdict(&facts), Limit::Allow(Some(_))));
}

/// A loss over night belongs to the day on which it is seen: the old close is the beginning.
#[test]
fn a_gap_over_night_is_the_new_days_loss() {
    let world = World::new();
    let mut guard = guard("0.05", DayBoundary::UTC);
    assert!(!watch(&mut guard, &world, secs(86_000), "100000"));
    assert!(watch(&mut guard, &world, secs(86_500), "94000"));
}

/// Deposits and withdrawals are no result.
#[test]
fn capital_is_no_loss() {
    let world = World::new();
    let mut guard = guard("0.05", DayBoundary::UTC);
    assert!(!watch(&mut guard, &world, secs(0), "100000"));
    let book = equity(&world, "40000");
    let withdrawal = Fact::Capital(dec("-60000"));
    assert_eq!(guard.watch(&withdrawal, &world.facts_at(secs(1), &book)), None);
    assert!(!watch(&mut guard, &world, secs(2), "38000"));
    assert!(watch(&mut guard, &world, secs(3), "37999"), "five percent of what is left");
    // A deposit on the first second of a new day does not hide a gap.
    let book = equity(&world, "136000");
    let deposit = Fact::Capital(dec("100000"));
    let halt = guard.watch(&deposit, &world.facts_at(secs(86_400), &book));
    assert_eq!(halt, None);
    let status = guard.status(&world.facts_at(secs(86_400), &book));
    assert_eq!((status.beginning, status.loss), (137_999.0, 1_999.0));
}

/// Unknown equity refuses openings and latches nothing.
#[test]
fn unknown_equity_refuses_and_forgets() {
    let world = World::new();
    let mut guard = guard("0.05", DayBoundary::UTC);
    let unknown = world.book().equity(f64::NAN).build();
    let facts = world.facts_at(secs(0), &unknown);
    assert_eq!(guard.watch(&Fact::Mark, &facts), None);
    assert!(matches!(guard.verdict(&facts), Limit::Deny(_)));
    assert!(!watch(&mut guard, &world, secs(1), "100000"));
    assert_eq!(guard.watch(&Fact::Mark, &facts), None);
    assert!(!watch(&mut guard, &world, secs(2), "99000"));
}

/// New York closes at 17:00: in winter 22:00 UTC, in summer 21:00, and the days of the change
/// have 23 and 25 hours.
#[test]
fn days_follow_the_clocks() {
    let boundary = DayBoundary::new("America/New_York", 17 * 3_600).unwrap();
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let day = |text: &str| boundary.day(at(text)).to_string();
    assert_eq!(day("2026-01-15T21:59:59Z"), "2026-01-14");
    assert_eq!(day("2026-01-15T22:00:00Z"), "2026-01-15");
    assert_eq!(day("2026-07-15T21:00:00Z"), "2026-07-15");
    let length = |from: &str| {
        let start = boundary.next(at(from));
        boundary.next(start).since(start).as_secs() / 3_600
    };
    assert_eq!(length("2026-03-07T12:00:00Z"), 23);
    assert_eq!(length("2026-03-09T12:00:00Z"), 24);
    assert_eq!(length("2026-10-31T12:00:00Z"), 25);
    // Half past two does not exist on 8 March; the day begins an hour later.
    let night = DayBoundary::new("America/New_York", 9_000).unwrap();
    assert_eq!(night.next(at("2026-03-08T05:00:00Z")), at("2026-03-08T07:30:00Z"));
    // Samoa leapt over 30 December 2011.
    let samoa = DayBoundary::new("Pacific/Apia", 0).unwrap();
    let before = at("2011-12-30T09:59:59Z");
    assert_eq!(samoa.day(before).to_string(), "2011-12-29");
    assert_eq!(samoa.day(samoa.next(before)).to_string(), "2011-12-31");
    assert!(DayBoundary::new("Mars/Olympus", 0).is_err());
    assert!(DayBoundary::new("UTC", 86_400).is_err());
}

const ZONES: [(&str, u32); 5] = [
    ("UTC", 0),
    ("America/New_York", 61_200),
    ("Europe/Berlin", 9_000),
    ("Australia/Lord_Howe", 7_200),
    ("Asia/Kolkata", 0),
];

proptest! {
    /// Law 28: over any walk through time the day begins anew exactly once per trading day.
    #[test]
    fn a_day_resets_exactly_once(
        zone in 0_usize..ZONES.len(),
        start in 1_700_000_000_i64..1_800_000_000,
        steps in prop::collection::vec(1_i64..200_000, 1..200),
        amounts in prop::collection::vec(90_000_i64..110_000, 200),
    ) {
        let (name, second) = ZONES[zone];
        let boundary = DayBoundary::new(name, second).unwrap();
        let world = World::new();
        let mut guard = guard("0.03", boundary);
        let (mut now, mut naive): (i64, Option<(TradingDay, i64, bool)>) = (start, None);
        let mut last = 0;
        for (step, amount) in steps.iter().zip(&amounts) {
            now += step;
            let at = secs(now);
            let day = boundary.day(at);
            prop_assert!(boundary.day(boundary.next(at)) > day);
            let before = Timestamp::from_nanos(boundary.next(at).nanos() - 1);
            prop_assert_eq!(boundary.day(before), day);
            let (_, beginning, breached) = match naive {
                Some(same) if same.0 == day => same,
                Some(_) => (day, last, false),
                None => (day, *amount, false),
            };
            let breached = breached || (beginning - amount) * 100 > 3 * beginning;
            naive = Some((day, beginning, breached));
            last = *amount;
            let halted = watch(&mut guard, &world, at, &amount.to_string());
            prop_assert_eq!(halted, breached);
            let book = equity(&world, &amount.to_string());
            let status = guard.status(&world.facts_at(at, &book));
            prop_assert_eq!(status.day, Some(day));
            prop_assert_eq!(status.beginning, beginning as f64);
        }
    }

    /// Saved and restored at any point it goes on as before; time that goes back changes
    /// nothing.
    #[test]
    fn it_is_restored(
        cut in 0_usize..40,
        amounts in prop::collection::vec(80_000_i64..120_000, 40),
    ) {
        let world = World::new();
        let mut whole = guard("0.05", DayBoundary::UTC);
        let mut parts = guard("0.05", DayBoundary::UTC);
        for (index, amount) in amounts.iter().enumerate() {
            if index == cut {
                let saved = parts.save().unwrap();
                parts = guard("0.05", DayBoundary::UTC);
                parts.restore(&saved).unwrap();
                prop_assert_eq!(parts.save().unwrap(), saved);
            }
            let at = secs(index as i64 * 20_000 - if index % 7 == 6 { 50_000 } else { 0 });
            let amount = amount.to_string();
            let expected = watch(&mut whole, &world, at, &amount);
            prop_assert_eq!(watch(&mut parts, &world, at, &amount), expected);
        }
        let mut other = guard("0.06", DayBoundary::UTC);
        prop_assert!(other.restore(&whole.save().unwrap()).is_err());
    }
}

/// Limits outside of their ranges, and bytes that are no state.
#[test]
fn bad_limits_and_states_are_refused() {
    for limit in [
        DailyLimit::Fraction(Decimal::ZERO),
        DailyLimit::Fraction(dec("1.01")),
        DailyLimit::Amount(dec("-1")),
    ] {
        assert!(DailyLossGuard::new(limit, DayBoundary::UTC).is_err());
    }
    let mut guard = guard("0.05", DayBoundary::UTC);
    assert!(guard.restore(b"nonsense").is_err());
    let amount = DailyLimit::Amount(dec("500"));
    let mut guard = DailyLossGuard::new(amount, DayBoundary::UTC).unwrap();
    let world = World::new();
    assert!(!watch(&mut guard, &world, secs(0), "1000"));
    assert!(!watch(&mut guard, &world, secs(1), "500"));
    assert!(watch(&mut guard, &world, secs(2), "499"));
}
