//! A sum that does not lose small amounts beside a large total.

use serde::{Deserialize, Serialize};

/// A running sum with its rounding errors kept apart.
///
/// The error of the total is about one rounding, whatever the number of amounts. Source: Knuth,
/// The Art of Computer Programming 2, 4.2.2 (the exact error of an addition); Ogita, Rump and
/// Oishi, Accurate Sum and Dot Product (2005).
///
/// ```
/// use tradewright::math::CompensatedSum;
///
/// let mut sum = CompensatedSum::default();
/// for amount in [1e16, 1.0, -1e16] {
///     sum.add(amount);
/// }
/// assert_eq!(sum.total(), 1.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CompensatedSum {
    sum: f64,
    lost: f64,
}

impl CompensatedSum {
    /// Adds an amount.
    #[inline]
    pub fn add(&mut self, amount: f64) {
        let sum = self.sum + amount;
        let taken = sum - self.sum;
        self.lost += (self.sum - (sum - taken)) + (amount - taken);
        self.sum = sum;
    }

    /// The sum of all amounts and one more.
    #[inline]
    pub fn total_with(&self, amount: f64) -> f64 {
        self.sum + (self.lost + amount)
    }

    /// The sum of all amounts.
    #[inline]
    pub fn total(&self) -> f64 {
        self.sum + self.lost
    }
}
