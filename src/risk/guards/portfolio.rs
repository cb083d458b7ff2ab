use rust_decimal::Decimal;

use crate::math::TailMeasure;
use crate::risk::rules::{CorrelatedExposure, VarLimit, checked_correlation};
use crate::risk::{Ceiling, Fact, FactKinds, Guard, PortfolioRisk, RiskConfigError, RiskRule};
use crate::types::{
    Facts, Halt, HaltCause, LimitKey, LimitUse, Reason, ReasonCode, State, StateError, Timestamp,
};

/// The owner of the portfolio's figures in a chain or manager: it watches facts for
/// [`PortfolioRisk`] and lends the chain the rules that read it.
///
/// It wants no halt; its limits refuse or shrink openings. It is saved and restored with its
/// figures, so that a restart continues with the same numbers.
///
/// ```
/// use tradewright::risk::{
///     Ceiling, EnhancedRiskManager, PortfolioGuard, PortfolioRisk, PortfolioRiskSettings,
/// };
/// use tradewright::types::InstrumentId;
///
/// let watched = (0..5).map(InstrumentId);
/// let portfolio = PortfolioRisk::new(PortfolioRiskSettings::default(), watched)?;
/// let guard = PortfolioGuard::new(portfolio)
///     .var_limit(Ceiling::OfEquity(0.02))?
///     .correlated_exposure(0.8, Ceiling::OfEquity(0.5))?;
/// let manager = EnhancedRiskManager::builder().with_guard(Box::new(guard)).build()?;
/// # Ok::<(), tradewright::risk::RiskConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PortfolioGuard {
    portfolio: PortfolioRisk,
    value_at_risk: Option<Ceiling>,
    correlated: Option<(f64, Ceiling)>,
}

impl PortfolioGuard {
    /// Watches, without limits.
    pub const fn new(portfolio: PortfolioRisk) -> Self {
        Self { portfolio, value_at_risk: None, correlated: None }
    }

    /// A ceiling for the portfolio's value at risk, or expected shortfall where its settings
    /// measure by that; see [`VarLimit`].
    ///
    /// # Errors
    /// [`RiskConfigError::LimitOutOfRange`] for a negative or non-finite ceiling.
    pub fn var_limit(mut self, ceiling: Ceiling) -> Result<Self, RiskConfigError> {
        VarLimit::new(&self.portfolio, ceiling)?;
        self.value_at_risk = Some(ceiling);
        Ok(self)
    }

    /// A ceiling for exposure in symbols that move together; see [`CorrelatedExposure`].
    ///
    /// # Errors
    /// [`RiskConfigError`] for a threshold outside of 0 to 1 and a negative or non-finite ceiling.
    pub fn correlated_exposure(
        mut self,
        threshold: f64,
        ceiling: Ceiling,
    ) -> Result<Self, RiskConfigError> {
        self.correlated = Some(checked_correlation(threshold, ceiling)?);
        Ok(self)
    }

    /// The figures.
    pub const fn portfolio(&self) -> &PortfolioRisk {
        &self.portfolio
    }
}

impl Guard for PortfolioGuard {
    fn name(&self) -> &'static str {
        "portfolio_risk"
    }

    #[inline]
    fn watch(&mut self, fact: &Fact<'_>, facts: &Facts<'_>) -> Option<Halt> {
        self.portfolio.observe(fact, facts);
        None
    }

    /// What begins a row and what makes new figures: a row that has begun takes its prices from
    /// the facts at its end. Where rows are instants, what comes after one ends it, and what an
    /// event of the market has marked was told before it.
    fn wants(&self) -> FactKinds {
        match self.portfolio.row_due() {
            Some(_) => FactKinds::FILL,
            None if self.portfolio.has_spans() => FactKinds::FILL.and(FactKinds::MARK),
            None => FactKinds::ALL.without(FactKinds::MARKET),
        }
    }

    fn is_timed(&self) -> bool {
        true
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.portfolio.row_due()
    }

    /// No timer has to end a row: what comes next does.
    fn deadline_by(&self, _facts: &Facts<'_>) -> Option<Timestamp> {
        None
    }

    fn rules(&self, ask: &mut dyn FnMut(&dyn RiskRule)) {
        if let Some(ceiling) = self.value_at_risk {
            ask(&VarLimit::with(&self.portfolio, ceiling));
        }
        if let Some(limit) = self.correlated {
            ask(&CorrelatedExposure::with(&self.portfolio, limit));
        }
    }

    fn usage(&self, facts: &Facts<'_>, out: &mut Vec<LimitUse>) {
        let Ok(figures) = self.portfolio.figures() else { return };
        let limited = self.portfolio.settings().measure;
        let measures = [
            ("value_at_risk", TailMeasure::ValueAtRisk),
            ("expected_shortfall", TailMeasure::ExpectedShortfall),
        ];
        for (name, measure) in measures {
            let ceiling = self.value_at_risk.filter(|_| measure == limited);
            let limit = ceiling.map_or(f64::INFINITY, |ceiling| ceiling.amount(facts));
            let observed = figures.tail.tail.measure(measure);
            let reason = Reason::new(ReasonCode::ValueAtRisk, limit, observed);
            out.push(LimitUse::new(name, &reason));
        }
    }

    fn release(&mut self, _cause: HaltCause, _facts: &Facts<'_>) {}

    /// The ceilings under the names of their rules; the threshold of correlations stays.
    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        let ceiling = if key.is_all(VarLimit::LIMIT) {
            self.value_at_risk.as_mut()
        } else if key.is_all(CorrelatedExposure::LIMIT) {
            self.correlated.as_mut().map(|(_, ceiling)| ceiling)
        } else {
            None
        };
        ceiling.map(|ceiling| ceiling.set("portfolio risk", value)).transpose()
    }
}

/// Limits are configuration; the figures are the state.
impl State for PortfolioGuard {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        self.portfolio.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut portfolio = self.portfolio.clone();
        portfolio.restore(state)?;
        self.portfolio.take_over(portfolio)
    }
}
