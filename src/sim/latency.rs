use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::SimError;

/// How long a request travels from the engine to the venue. Requests never overtake each
/// other: they travel on one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Latency {
    /// No time.
    #[default]
    None,
    /// Always as long.
    Fixed(Duration),
    /// Evenly spread between two durations.
    Uniform {
        /// The shortest.
        shortest: Duration,
        /// The longest.
        longest: Duration,
    },
    /// Bell-shaped around a mean, never below zero: the sum of twelve even numbers
    /// (Irwin 1927, Hall 1927), which ends six deviations from the mean.
    Normal {
        /// The mean.
        mean: Duration,
        /// The standard deviation.
        deviation: Duration,
    },
}

impl Latency {
    pub(super) fn draw(&self, random: &mut SplitMix64) -> Duration {
        match *self {
            Self::None => Duration::ZERO,
            Self::Fixed(duration) => duration,
            Self::Uniform { shortest, longest } => {
                let width = longest.saturating_sub(shortest).as_nanos() as f64;
                shortest.saturating_add(nanos(width * random.fraction()))
            }
            Self::Normal { mean, deviation } => {
                let sum: f64 = (0..12).map(|_| random.fraction()).sum();
                nanos(mean.as_nanos() as f64 + (sum - 6.0) * deviation.as_nanos() as f64)
            }
        }
    }

    pub(super) fn check(&self) -> Result<(), SimError> {
        match *self {
            Self::Uniform { shortest, longest } if shortest > longest => {
                let value = longest.as_secs_f64();
                Err(SimError::BadNumber { what: "longest latency in seconds", value })
            }
            Self::None | Self::Fixed(_) | Self::Uniform { .. } | Self::Normal { .. } => Ok(()),
        }
    }
}

fn nanos(value: f64) -> Duration {
    // The cast saturates, so that negative values and NaN become zero.
    Duration::from_nanos(value as u64)
}

/// The generator `SplitMix64`: small, quick and the same everywhere (Steele, Lea and Flood,
/// "Fast splittable pseudorandom number generators", 2014).
///
/// ```
/// use tradewright::sim::SplitMix64;
///
/// assert_eq!(SplitMix64::new(0).next(), 0xE220_A839_7B1D_CDAF);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// A generator; equal seeds give equal numbers.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// The next number in 0..1, with 53 bits.
    pub const fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / 9_007_199_254_740_992.0
    }
}
