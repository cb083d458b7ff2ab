use core::hash::{BuildHasher, Hasher};
use std::hash::RandomState;

/// A number that nobody can foresee, evenly from all of `u64`: for jitter, not for keys.
///
/// The standard library keys each hasher by the system's randomness; its hash of nothing is as
/// good a draw as jitter needs.
pub(super) fn draw() -> u64 {
    RandomState::new().build_hasher().finish()
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
