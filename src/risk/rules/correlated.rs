use super::{Ceiling, capped};
use crate::math::ParameterError;
use crate::risk::reach::each_reach;
use crate::risk::{Limit, Opening, PortfolioRisk, RiskConfigError, RiskRule};
use crate::types::{Facts, Reach, ReasonCode, Side};

/// What is bet on one movement stays below a ceiling: the opening's own position and every
/// position that moves with it, by a correlation at or above a threshold.
///
/// Directions count: beside a long position, a short one in a symbol of correlation -0.9 is the
/// same bet, and a short one in a symbol of correlation 0.9 is a hedge and not counted (it is not
/// subtracted either). Working orders count as filled where that is worse. A correlation that is
/// not known (too few rows, a symbol that does not move, one that is not watched) counts as
/// moving with the opening, in whichever direction.
///
/// What is read and what is computed here:
///
/// - **Read**: the correlations of the last row, and the value of one unit of each instrument at
///   its last mark, as [`PortfolioRisk`] keeps them.
/// - **Per intent**: the sum over all instruments, from the positions and working orders of now.
#[derive(Clone, Copy, Debug)]
pub struct CorrelatedExposure<'a> {
    portfolio: &'a PortfolioRisk,
    threshold: f64,
    ceiling: Ceiling,
}

impl<'a> CorrelatedExposure<'a> {
    /// Its name, and that of the ceiling for changes at run time.
    pub const LIMIT: &'static str = "correlated_exposure";

    /// A ceiling for symbols whose correlation is at least `threshold`, above 0 and below 1.
    ///
    /// # Errors
    /// [`RiskConfigError`] for a threshold outside of 0 to 1 and a negative or non-finite ceiling.
    pub fn new(
        portfolio: &'a PortfolioRisk,
        threshold: f64,
        ceiling: Ceiling,
    ) -> Result<Self, RiskConfigError> {
        let (threshold, ceiling) = checked(threshold, ceiling)?;
        Ok(Self::with(portfolio, (threshold, ceiling)))
    }

    /// The caller has checked both.
    pub(in crate::risk) const fn with(
        portfolio: &'a PortfolioRisk,
        (threshold, ceiling): (f64, Ceiling),
    ) -> Self {
        Self { portfolio, threshold, ceiling }
    }

    /// Exposure beside the opening's own instrument that moves with it.
    fn others(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> f64 {
        let own = opening.intent.instrument;
        match self.portfolio.column(own) {
            Some(column) => self
                .portfolio
                .with_related(column, |related| self.others_of(related, opening, facts)),
            // Of an instrument without a column nothing is known.
            None => self.others_of(&[], opening, facts),
        }
    }

    fn others_of(&self, related: &[f64], opening: &Opening<'_>, facts: &Facts<'_>) -> f64 {
        let own = opening.intent.instrument.index();
        // Of a position without a mark nothing is known: NaN stays, whatever is shared.
        let is_known = !opening.exposure.gross.is_nan();
        let mut sum = 0.0;
        each_reach(opening.earlier, facts, |place, reach| {
            let correlation = related.get(place).copied().unwrap_or(f64::NAN);
            let is_apart = correlation.abs() < self.threshold;
            if !(is_apart && is_known) && place != own && reach.can_be_held() {
                sum += self.shared(correlation, reach, opening.intent.side) * reach.unit_value();
            }
        });
        sum
    }

    /// Units of another instrument that are the same bet.
    #[inline]
    fn shared(&self, correlation: f64, reach: &Reach, side: Side) -> f64 {
        if correlation.abs() < self.threshold {
            0.0
        } else if correlation >= self.threshold {
            reach.held(side)
        } else if correlation <= -self.threshold {
            reach.held(side.opposite())
        } else {
            reach.worst()
        }
    }
}

impl RiskRule for CorrelatedExposure<'_> {
    fn name(&self) -> &'static str {
        Self::LIMIT
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let limit = self.ceiling.amount(facts);
        let others = self.others(opening, facts);
        capped(opening, facts, ReasonCode::CorrelatedExposure, limit, |quantity| {
            others + opening.resulting_value(quantity)
        })
    }
}

/// Threshold and ceiling within their ranges.
pub(in crate::risk) fn checked(
    threshold: f64,
    ceiling: Ceiling,
) -> Result<(f64, Ceiling), RiskConfigError> {
    if !(threshold > 0.0 && threshold < 1.0) {
        let name = "correlation threshold";
        return Err(ParameterError::Fraction { name, value: threshold }.into());
    }
    Ok((threshold, ceiling.checked("correlated exposure")?))
}
