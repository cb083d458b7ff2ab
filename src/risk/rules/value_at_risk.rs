use super::{Ceiling, capped};
use crate::risk::portfolio::SeriesRisk;
use crate::risk::reach::each_reach;
use crate::risk::{Limit, Opening, PortfolioFigures, PortfolioRisk, RiskConfigError, RiskRule};
use crate::types::{Facts, ReasonCode, Side};

/// The portfolio's value at risk (or expected shortfall) stays below a ceiling with the opening
/// filled.
///
/// What is read and what is computed here:
///
/// - **Read**: the portfolio's figure, its deviation, each series' deviation and its covariance
///   with the portfolio, as [`PortfolioRisk`] has computed them with the last row or fill, and
///   the value of one unit of each instrument at its last mark.
/// - **Per intent**: the deviation with the opening, from those covariances:
///   √(σ² + 2 d c + d² s²) for a change d of the opening's own exposure. What other working orders
///   and earlier legs could open is added with its own deviation, as if it moved with the
///   portfolio: an order that may never fill counts as no hedge. The sum is turned into a loss with
///   the tail multiple that the portfolio has now (its figure over its deviation), at least that of
///   a normal distribution. After the fill the estimator itself measures the new portfolio.
///
/// An opening that brings the figure below the ceiling passes, such as a hedge. Without figures
/// (see [`RiskFigureError`](crate::risk::RiskFigureError)), or in an instrument with too little
/// history, nothing is opened.
#[derive(Clone, Copy, Debug)]
pub struct VarLimit<'a> {
    portfolio: &'a PortfolioRisk,
    ceiling: Ceiling,
}

impl<'a> VarLimit<'a> {
    /// Its name, and that of the ceiling for changes at run time.
    pub const LIMIT: &'static str = "value_at_risk";

    /// A ceiling for the figure that the portfolio's settings measure by, over their horizon.
    ///
    /// # Errors
    /// [`RiskConfigError::LimitOutOfRange`] for a negative or non-finite ceiling.
    pub fn new(portfolio: &'a PortfolioRisk, ceiling: Ceiling) -> Result<Self, RiskConfigError> {
        Ok(Self { portfolio, ceiling: ceiling.checked("value at risk")? })
    }

    /// The caller has checked the ceiling.
    pub(in crate::risk) const fn with(portfolio: &'a PortfolioRisk, ceiling: Ceiling) -> Self {
        Self { portfolio, ceiling }
    }

    /// The figure with so many units of the opening filled; NaN while it is not known.
    pub fn resulting(&self, opening: &Opening<'_>, quantity: f64, facts: &Facts<'_>) -> f64 {
        self.candidate(opening, facts).map_or(f64::NAN, |found| found.figure(opening, quantity))
    }

    fn candidate(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Option<Candidate> {
        let read = |figures: &PortfolioFigures, series: &[SeriesRisk]| {
            self.candidate_of(figures, series, opening, facts)
        };
        self.portfolio.with_series(read).ok().flatten()
    }

    fn candidate_of(
        &self,
        figures: &PortfolioFigures,
        all: &[SeriesRisk],
        opening: &Opening<'_>,
        facts: &Facts<'_>,
    ) -> Option<Candidate> {
        let series = all.get(self.portfolio.column(opening.intent.instrument)?)?;
        let settings = self.portfolio.settings();
        let normal = settings.model.normal_multiple(settings.measure);
        let figure = figures.tail.tail.measure(settings.measure);
        let multiple = if figures.deviation > 0.0 { figure / figures.deviation } else { normal };
        // Too few common rows: as if it moved with the portfolio.
        let bound = figures.deviation * series.deviation;
        Some(Candidate {
            multiple: if multiple > normal { multiple } else { normal },
            variance: figures.deviation * figures.deviation,
            exposure: series.exposure,
            deviation: series.deviation,
            covariance: series.covariance,
            bound,
            others: self.others(all, opening, facts),
        })
    }

    /// Deviation of what working orders and earlier legs in other instruments could open; NaN
    /// while it is not known.
    fn others(&self, all: &[SeriesRisk], opening: &Opening<'_>, facts: &Facts<'_>) -> f64 {
        let own = opening.intent.instrument.index();
        let mut sum = 0.0;
        each_reach(opening.earlier, facts, |place, reach| {
            if reach.opens() && place != own {
                let opened = reach.opened_value();
                let series = all.get(self.portfolio.column_at(place));
                sum += opened * series.map_or(f64::NAN, |series| series.deviation);
            }
        });
        sum
    }
}

impl RiskRule for VarLimit<'_> {
    fn name(&self) -> &'static str {
        Self::LIMIT
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let limit = self.ceiling.amount(facts);
        let candidate = self.candidate(opening, facts);
        capped(opening, facts, ReasonCode::ValueAtRisk, limit, |quantity| {
            candidate.as_ref().map_or(f64::NAN, |found| found.figure(opening, quantity))
        })
    }
}

/// What the portfolio with the opening is computed from.
struct Candidate {
    multiple: f64,
    variance: f64,
    exposure: f64,
    deviation: f64,
    covariance: f64,
    bound: f64,
    others: f64,
}

impl Candidate {
    fn figure(&self, opening: &Opening<'_>, quantity: f64) -> f64 {
        let value = opening.resulting_value(quantity);
        let change = match opening.intent.side {
            Side::Buy => value - self.exposure,
            Side::Sell => -value - self.exposure,
        };
        let common = match self.covariance.is_nan() {
            true => change.abs() * self.bound,
            false => change * self.covariance,
        };
        let own = change * self.deviation;
        let variance = self.variance + 2.0 * common + own * own;
        // Below zero by rounding only; NaN must stay.
        let deviation = if variance < 0.0 { 0.0 } else { variance.sqrt() };
        self.multiple * (deviation + self.others)
    }
}
