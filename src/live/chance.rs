use core::hash::{BuildHasher, Hasher};
use core::time::Duration;
use std::hash::RandomState;

/// A number that nobody can foresee, evenly from all of `u64`: for jitter, not for keys.
///
/// The standard library keys each hasher by the system's randomness; its hash of nothing is as
/// good a draw as jitter needs.
pub(super) fn draw() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A part of a span, evenly drawn.
pub(super) fn share(span: Duration) -> Duration {
    let nanos = (span.as_nanos() * u128::from(draw())) >> 64;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    #[test]
    fn draws_differ_and_fill_the_range() {
        let draws: Vec<u64> = (0..64).map(|_| super::draw()).collect();
        let mut unique = draws.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), draws.len());
        assert!(draws.iter().any(|draw| draw >> 63 == 1) && draws.iter().any(|d| d >> 63 == 0));
    }
}
