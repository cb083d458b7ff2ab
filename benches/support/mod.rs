//! The million synthetic one-minute bars of workload C: the same on every machine.
//!
//! A geometric random walk on a grid of 0.01 from the Mersenne Twister (Matsumoto and Nishimura,
//! 1998) with the polar-free Box and Muller normals of Python's `random.gauss`, seed 20240101.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "shared by benches and tests, each uses a part"
)]

use tradewright::backtest::Tape;
use tradewright::types::{Bar, Instrument, Instruments, MarketEvent, Period, Timestamp};

/// A tape of so many bars of one instrument, `ASSET` in `CASH`.
pub fn workload(bars: usize) -> Tape {
    let mut instruments = Instruments::new();
    let asset = Instrument::spot("ASSET", "ASSET", "CASH").tick("0.01").volume_digits(3);
    let id = instruments.add(asset).expect("a sound instrument");
    let mut tape = Tape::new(instruments);
    let mut normal = Normal::new(20_240_101);
    let mut previous = 1_000.0;
    let start = Timestamp::from_millis(1_577_836_800_000).expect("a sound time");
    for index in 0..bars {
        let open = cents(previous * libm::exp(0.00008 * normal.next()));
        let close = cents(open * libm::exp(0.0007 * normal.next()));
        let high = cents(open.max(close) * (1.0 + (0.0003 * normal.next()).abs()));
        let low = cents(open.min(close) * (1.0 - (0.0003 * normal.next()).abs()));
        let phase = 2.0 * (index % 1_440) as f64 / 1_439.0 - 1.0;
        let level = 10.0 * (0.5 + 1.5 * phase * phase);
        let volume = rounded(level * libm::exp(0.35 * normal.next()), 3);
        let bar = Bar::new(id, Period::MINUTE, [open, high, low, close], volume);
        let minutes = std::time::Duration::from_secs(60 * (index as u64 + 1));
        tape.push(start.after(minutes), MarketEvent::Bar(bar.expect("a sound bar")))
            .expect("in order of time");
        previous = close;
    }
    tape
}

fn cents(value: f64) -> f64 {
    rounded(value, 2)
}

/// Rounds by decimal text: correctly, as Python does.
fn rounded(value: f64, digits: usize) -> f64 {
    format!("{value:.digits$}").parse().expect("a number")
}

/// Normal deviates in pairs.
struct Normal {
    random: MersenneTwister,
    spare: Option<f64>,
}

impl Normal {
    fn new(seed: u32) -> Self {
        Self { random: MersenneTwister::new(seed), spare: None }
    }

    fn next(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let angle = self.random.unit() * std::f64::consts::TAU;
        let radius = (-2.0 * libm::log(1.0 - self.random.unit())).sqrt();
        self.spare = Some(libm::sin(angle) * radius);
        libm::cos(angle) * radius
    }
}

const SIZE: usize = 624;
const SHIFT: usize = 397;

struct MersenneTwister {
    state: [u32; SIZE],
    index: usize,
}

impl MersenneTwister {
    /// Seeds by an array of one word, as Python does with small integers.
    fn new(seed: u32) -> Self {
        let mut state = [0_u32; SIZE];
        state[0] = 19_650_218;
        for index in 1..SIZE {
            let last = state[index - 1];
            let mixed = 1_812_433_253_u32.wrapping_mul(last ^ (last >> 30));
            state[index] = mixed.wrapping_add(index as u32);
        }
        let mut index = 1;
        for _ in 0..SIZE {
            let last = state[index - 1];
            let mixed = (last ^ (last >> 30)).wrapping_mul(1_664_525);
            state[index] = (state[index] ^ mixed).wrapping_add(seed);
            index += 1;
            if index >= SIZE {
                state[0] = state[SIZE - 1];
                index = 1;
            }
        }
        for _ in 1..SIZE {
            let last = state[index - 1];
            let mixed = (last ^ (last >> 30)).wrapping_mul(1_566_083_941);
            state[index] = (state[index] ^ mixed).wrapping_sub(index as u32);
            index += 1;
            if index >= SIZE {
                state[0] = state[SIZE - 1];
                index = 1;
            }
        }
        state[0] = 0x8000_0000;
        Self { state, index: SIZE }
    }

    fn word(&mut self) -> u32 {
        if self.index >= SIZE {
            for index in 0..SIZE {
                let upper = self.state[index] & 0x8000_0000;
                let joined = upper | (self.state[(index + 1) % SIZE] & 0x7fff_ffff);
                let twist = if joined & 1 == 0 { 0 } else { 0x9908_b0df };
                self.state[index] = self.state[(index + SHIFT) % SIZE] ^ (joined >> 1) ^ twist;
            }
            self.index = 0;
        }
        let mut word = self.state[self.index];
        self.index += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// Uniform in [0, 1) with 53 bits.
    fn unit(&mut self) -> f64 {
        let (high, low) = (self.word() >> 5, self.word() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }
}
