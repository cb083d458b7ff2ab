//! In the steady state the whole engine allocates nothing.
//!
//! A binary of its own, because the counting allocator is the process's and counts every thread.

#[path = "../benches/support/mod.rs"]
mod support;
#[path = "../benches/support/workload_c.rs"]
mod workload_c;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const WARM_UP: usize = 50_000;

#[test]
fn nothing_is_allocated_after_warm_up() {
    let tape = support::workload(2 * WARM_UP);
    let mut simulation = workload_c::simulation(&tape);
    let (first, rest) = tape.events().split_at(WARM_UP);
    simulation.run(first).unwrap();
    let trades_before = simulation.sink().0;

    let region = Region::new(ALLOCATOR);
    simulation.run(rest).unwrap();
    let Stats { allocations, reallocations, deallocations, .. } = region.change();

    assert!(simulation.sink().0 > trades_before + 500, "the second half trades");
    assert_eq!((allocations, reallocations, deallocations), (0, 0, 0));
}
