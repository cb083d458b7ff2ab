use serde::{Deserialize, Serialize};

use super::{AllocationError, Allocator, Candidates};
use crate::math::risk_parity;
use crate::strategy::BadParameter;
use crate::types::InstrumentId;

/// Every candidate has the same weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EqualWeight;

impl Allocator for EqualWeight {
    fn name(&self) -> &str {
        "EQUAL_WEIGHT"
    }

    fn needs_covariance(&self) -> bool {
        false
    }

    fn allocate(
        &mut self,
        candidates: &Candidates<'_>,
        weights: &mut [f64],
    ) -> Result<(), AllocationError> {
        weights.fill(1.0 / candidates.len() as f64);
        Ok(())
    }
}

/// Weights in inverse proportion to the deviations of returns.
///
/// An instrument without variance has nothing to be measured by and gets the weight 0; when
/// none varies all weights are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InverseVolatility;

impl Allocator for InverseVolatility {
    fn name(&self) -> &str {
        "INVERSE_VOLATILITY"
    }

    fn allocate(
        &mut self,
        candidates: &Candidates<'_>,
        weights: &mut [f64],
    ) -> Result<(), AllocationError> {
        for (index, weight) in weights.iter_mut().enumerate() {
            let volatility = candidates.volatility(index);
            *weight = if volatility > 0.0 { 1.0 / volatility } else { 0.0 };
        }
        let sum: f64 = weights.iter().sum();
        if sum > 0.0 && sum.is_finite() {
            weights.iter_mut().for_each(|weight| *weight /= sum);
        } else {
            weights.fill(1.0 / candidates.len() as f64);
        }
        Ok(())
    }
}

/// Weights at which every instrument contributes the same to the portfolio's variance: see
/// [`risk_parity`].
///
/// Where no such weights exist, because some mix of the instruments has no risk at all, the
/// weights are those of [`InverseVolatility`]: equal contributions with correlations left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskParity;

impl Allocator for RiskParity {
    fn name(&self) -> &str {
        "RISK_PARITY"
    }

    fn allocate(
        &mut self,
        candidates: &Candidates<'_>,
        weights: &mut [f64],
    ) -> Result<(), AllocationError> {
        match risk_parity(candidates.covariances(), weights) {
            Ok(()) => Ok(()),
            Err(_) => InverseVolatility.allocate(candidates, weights),
        }
    }
}

/// Weights that a person has set. The share of an instrument that is no candidate yet stays
/// cash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixedWeights {
    weights: Vec<(InstrumentId, f64)>,
}

impl FixedWeights {
    /// A weight per instrument, each at least 0, with a sum above 0 and at most 1.
    ///
    /// # Errors
    /// [`BadParameter`] with the weights and what is allowed.
    pub fn new(
        weights: impl IntoIterator<Item = (InstrumentId, f64)>,
    ) -> Result<Self, BadParameter> {
        let weights: Vec<(InstrumentId, f64)> = weights.into_iter().collect();
        let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let is_sound = weights.iter().all(|(_, weight)| *weight >= 0.0);
        if is_sound && sum > 0.0 && sum <= 1.0 + MOST_ROUNDING {
            return Ok(Self { weights });
        }
        let text: Vec<String> = weights.iter().map(|(_, weight)| weight.to_string()).collect();
        let allowed = "weights of at least 0 with a sum above 0 and at most 1";
        Err(BadParameter::new("weights", format!("[{}]", text.join(", ")), allowed))
    }
}

/// What a sum of weights may be above 1, from rounding alone.
pub(super) const MOST_ROUNDING: f64 = 1e-9;

impl Allocator for FixedWeights {
    fn name(&self) -> &str {
        "FIXED_WEIGHTS"
    }

    fn needs_covariance(&self) -> bool {
        false
    }

    fn allocate(
        &mut self,
        candidates: &Candidates<'_>,
        weights: &mut [f64],
    ) -> Result<(), AllocationError> {
        for (id, weight) in candidates.instruments().iter().zip(weights) {
            let own = self.weights.iter().find(|(own, _)| own == id);
            *weight = own.map_or(0.0, |(_, weight)| *weight);
        }
        Ok(())
    }
}
