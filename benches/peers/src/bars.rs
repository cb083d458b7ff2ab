//! Synthetic bars, the same on every machine.

/// One bar; prices on a 0.01 grid, volume on a 0.001 grid.
#[derive(Clone, Copy, Debug)]
pub struct Bar {
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    pub volume: f64,
}

/// A random walk with nearly normal steps (the sum of four uniform ones) and uneven volume, from
/// Steele, Lea and Flood's SplitMix64 (2014) with a fixed seed. Only integers and divisions by
/// powers of ten are used, so no platform can differ.
pub fn bars(count: usize) -> Vec<Bar> {
    let mut state = 20_240_101_u64;
    let mut below = move |range: u64| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let word = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((word ^ (word >> 31)) >> 16) % range).cast_signed()
    };
    let price = |ticks: i64| ticks as f64 / 100.0;
    let mut close_ticks = 100_000_i64;
    let mut bar = || {
        let open = close_ticks;
        let step: i64 = (0..4).map(|_| below(61) - 30).sum();
        // Reflected far away from zero.
        close_ticks = if open + step < 50_000 { open - step } else { open + step };
        let high = open.max(close_ticks) + below(30);
        let low = open.min(close_ticks) - below(30);
        let volume = 2_000 + below(8_000) + below(120) * below(120);
        Bar {
            open: price(open),
            high: price(high),
            low: price(low),
            close: price(close_ticks),
            volume: volume as f64 / 1_000.0,
        }
    };
    (0..count).map(|_| bar()).collect()
}
