//! Seeded schedules of faults: no order lives twice, no fill is lost or booked twice, nothing is
//! opened without market data or before a reconciliation, and every run can be repeated.

use super::world::{Host, Tally};

/// Steps of half a second in which anything may happen.
const STEPS: u32 = 60;

/// In release, where the optimised engine makes them cheap, the claim's ten thousand.
/// `TRADEWRIGHT_SCHEDULES` asks for another number.
const SCHEDULES: u64 = if cfg!(debug_assertions) { 60 } else { 10_000 };

fn schedule(seed: u64) -> Result<Tally, String> {
    let mut host = Host::new(seed);
    for _ in 0..STEPS {
        host.step()?;
        host.disturb()?;
    }
    host.settle()
}

#[test]
fn no_order_lives_twice_and_no_fill_is_lost() {
    let mut sum = Tally::default();
    let asked = std::env::var("TRADEWRIGHT_SCHEDULES").ok();
    let schedules = asked.map_or(SCHEDULES, |asked| asked.parse().unwrap());
    for seed in 0..schedules {
        let tally = schedule(seed).unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
        sum.placed += tally.placed;
        sum.fills += tally.fills;
        sum.crashes += tally.crashes;
        sum.downs += tally.downs;
        sum.doubted += tally.doubted;
        sum.found += tally.found;
        sum.replayed += tally.replayed;
    }
    // The schedules did what they are for.
    assert!(sum.placed > 10 * schedules, "{sum:?}");
    assert!(sum.fills > 5 * schedules, "{sum:?}");
    assert!(sum.crashes > schedules / 2 && sum.downs > schedules / 2, "{sum:?}");
    assert!(sum.doubted > schedules && sum.found > schedules / 4, "{sum:?}");
    println!("{schedules} schedules: {sum:?}");
}
