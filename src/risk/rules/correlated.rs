use super::{Ceiling, capped};
use crate::math::ParameterError;
use crate::risk::exposure::mark_value;
use crate::risk::{Limit, Opening, PortfolioRisk, RiskConfigError, RiskRule, Standing};
use crate::types::{Facts, Instrument, ReasonCode, Side, to_f64};

/// What is bet on one movement stays below a ceiling: the opening's own position and every
/// position that moves with it, by a correlation at or above a threshold.
///
/// Directions count: beside a long position, a short one in a symbol of correlation -0.9 is the
/// same bet, and a short one in a symbol of correlation 0.9 is a hedge and not counted (it is not
/// subtracted either). Working orders count as filled where that is worse. A correlation that is
/// not known (too few rows, a symbol that does not move, one that is not watched) counts as
/// moving with the opening, in whichever direction.
///
/// Everything is computed per intent, from the correlations of the last row.
#[derive(Clone, Copy, Debug)]
pub struct CorrelatedExposure<'a> {
    portfolio: &'a PortfolioRisk,
    threshold: f64,
    ceiling: Ceiling,
}

impl<'a> CorrelatedExposure<'a> {
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
        let own = self.portfolio.column(opening.intent.instrument);
        let mut sum = 0.0;
        for entry in facts.instruments.iter() {
            if entry.id == opening.intent.instrument {
                continue;
            }
            let mut standing = Standing::of(entry.id, facts);
            standing.add_legs(entry.id, opening.earlier, facts);
            if !standing.worst().is_zero() {
                sum += self.shared(own, entry, &standing, opening.intent.side)
                    * mark_value(entry, facts);
            }
        }
        sum
    }

    /// Units of another instrument that are the same bet.
    fn shared(
        &self,
        own: Option<usize>,
        other: &Instrument,
        standing: &Standing,
        side: Side,
    ) -> f64 {
        let column = self.portfolio.column(other.id);
        let correlation = own
            .zip(column)
            .and_then(|(own, column)| self.portfolio.correlations().correlation(own, column));
        let same = match correlation {
            None => standing.worst(),
            Some(value) if value >= self.threshold => standing.held(side),
            Some(value) if value <= -self.threshold => standing.held(side.opposite()),
            Some(_) => return 0.0,
        };
        to_f64(same)
    }
}

impl RiskRule for CorrelatedExposure<'_> {
    fn name(&self) -> &'static str {
        "correlated_exposure"
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
