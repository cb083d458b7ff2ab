use crate::types::{Classification, Classify};
use crate::types::{Facts, InstrumentId, State, StateError};

/// Decides how the money of a portfolio is divided between its instruments.
///
/// It is asked when the portfolio is renewed, and knows nothing of orders: a host's own
/// allocator is one function. State is saved through serde; [`from_fn`] makes one of a closure.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use tradewright::strategy::portfolio::{AllocationError, Allocator, Candidates};
///
/// /// The calmest instrument gets everything.
/// #[derive(Serialize, Deserialize)]
/// struct Calmest;
///
/// impl Allocator for Calmest {
///     fn name(&self) -> &str { "CALMEST" }
///
///     fn allocate(
///         &mut self,
///         candidates: &Candidates<'_>,
///         weights: &mut [f64],
///     ) -> Result<(), AllocationError> {
///         let variance = |index: &usize| candidates.covariance(*index, *index);
///         let calmest = (0..candidates.len()).min_by(|a, b| variance(a).total_cmp(&variance(b)));
///         if let Some(weight) = calmest.and_then(|index| weights.get_mut(index)) {
///             *weight = 1.0;
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait Allocator: State + Send {
    /// Its name, part of what a saved state must match.
    fn name(&self) -> &str;

    /// False for one that looks at no covariances: it is then asked from the first prices on,
    /// and [`Candidates::covariance`] is NaN.
    fn needs_covariance(&self) -> bool {
        true
    }

    /// Writes each candidate's share of the money, in the order of the candidates. The shares
    /// are zero when it is called; each is to be at least 0 and their sum at most 1. What is
    /// left of 1 stays cash.
    ///
    /// # Errors
    /// [`AllocationError`]: the strategy stops with it.
    fn allocate(
        &mut self,
        candidates: &Candidates<'_>,
        weights: &mut [f64],
    ) -> Result<(), AllocationError>;
}

/// The instruments that can be held now: those with a price and, where it is needed, with
/// covariances over the whole window.
#[derive(Clone, Copy, Debug)]
pub struct Candidates<'a> {
    instruments: &'a [InstrumentId],
    covariances: &'a [f64],
    facts: &'a Facts<'a>,
}

impl<'a> Candidates<'a> {
    /// Instruments with the matrix of their covariances, row by row; the matrix may be empty.
    pub const fn new(
        instruments: &'a [InstrumentId],
        covariances: &'a [f64],
        facts: &'a Facts<'a>,
    ) -> Self {
        Self { instruments, covariances, facts }
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.instruments.len()
    }

    /// True without any.
    pub const fn is_empty(&self) -> bool {
        self.instruments.is_empty()
    }

    /// The instruments, in the order of the strategy's universe.
    pub const fn instruments(&self) -> &'a [InstrumentId] {
        self.instruments
    }

    /// Covariance of the returns per row of two candidates; NaN when it is not known.
    pub fn covariance(&self, one: usize, other: usize) -> f64 {
        let count = self.len();
        let place = if one < count && other < count { one * count + other } else { usize::MAX };
        self.covariances.get(place).copied().unwrap_or(f64::NAN)
    }

    /// Deviation of the returns per row.
    pub fn volatility(&self, candidate: usize) -> f64 {
        self.covariance(candidate, candidate).sqrt()
    }

    /// The whole matrix row by row; empty for an allocator that needs none.
    pub const fn covariances(&self) -> &'a [f64] {
        self.covariances
    }

    /// The facts as the strategy sees them.
    pub const fn facts(&self) -> &'a Facts<'a> {
        self.facts
    }
}

/// An allocator's refusal, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AllocationError {
    message: String,
}

impl Classify for AllocationError {
    fn classification(&self) -> Classification {
        Classification::FAILURE
    }
}

impl AllocationError {
    /// A refusal with a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// Makes an allocator of a name and a closure that looks at covariances.
///
/// ```
/// use tradewright::strategy::portfolio::{Allocator, from_fn};
///
/// let all_in_the_first = from_fn("FIRST", |_candidates, weights| {
///     if let Some(first) = weights.first_mut() {
///         *first = 1.0;
///     }
///     Ok(())
/// });
/// assert_eq!(all_in_the_first.name(), "FIRST");
/// ```
pub fn from_fn<F>(name: &'static str, allocate: F) -> AllocatorFn<F>
where
    F: Fn(&Candidates<'_>, &mut [f64]) -> Result<(), AllocationError> + Send,
{
    AllocatorFn { name, allocate }
}

/// The allocator that [`from_fn`] makes. It remembers nothing, so that its strategy can be
/// saved.
#[derive(Clone, Copy)]
pub struct AllocatorFn<F> {
    name: &'static str,
    allocate: F,
}

impl<F> State for AllocatorFn<F> {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        Ok(Vec::new())
    }

    fn restore(&mut self, _state: &[u8]) -> Result<(), StateError> {
        Ok(())
    }
}

impl<F> Allocator for AllocatorFn<F>
where
    F: Fn(&Candidates<'_>, &mut [f64]) -> Result<(), AllocationError> + Send,
{
    fn name(&self) -> &str {
        self.name
    }

    fn allocate(
        &mut self,
        candidates: &Candidates<'_>,
        weights: &mut [f64],
    ) -> Result<(), AllocationError> {
        (self.allocate)(candidates, weights)
    }
}
