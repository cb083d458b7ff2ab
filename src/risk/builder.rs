use rust_decimal::Decimal;

use super::{
    BreakerGuard, BreakerLimits, Ceiling, CircuitBreaker, DrawdownGuard, EnhancedRiskManager,
    GrossExposure, GroupExposure, Guard, Leverage, MaxDrawdownTracker, NetExposure, PeakReset,
    PositionSize, RiskChain, RiskConfigError, RiskRule, SymbolExposure,
};
use crate::types::InstrumentId;

/// A risk manager in the making: what [`EnhancedRiskManager`] and
/// [`RealtimeRiskManager`](super::RealtimeRiskManager) have in common, and in `X` what the latter
/// has beside.
#[must_use = "the manager exists once it was built"]
pub struct RiskBuilder<X> {
    threshold: Decimal,
    on_resume: PeakReset,
    pub(super) position: f64,
    limits: BreakerLimits,
    pub(super) chain: RiskChain,
    pub(super) fault: Option<RiskConfigError>,
    pub(super) extra: X,
}

/// An [`EnhancedRiskManager`] in the making.
pub type EnhancedRiskBuilder = RiskBuilder<()>;

impl<X: Default> Default for RiskBuilder<X> {
    fn default() -> Self {
        Self {
            threshold: MaxDrawdownTracker::default().threshold(),
            on_resume: PeakReset::default(),
            position: 0.1,
            limits: BreakerLimits::default(),
            chain: RiskChain::new(),
            fault: None,
            extra: X::default(),
        }
    }
}

impl<X> RiskBuilder<X> {
    /// The drawdown above which trading halts, a fraction (0.25).
    pub const fn max_drawdown(mut self, threshold: Decimal) -> Self {
        self.threshold = threshold;
        self
    }

    /// What an operator's resume does with the peak (it restarts).
    pub const fn on_resume(mut self, reset: PeakReset) -> Self {
        self.on_resume = reset;
        self
    }

    /// The largest value of one position as a fraction of equity (0.1).
    pub const fn max_position_fraction(mut self, fraction: f64) -> Self {
        self.position = fraction;
        self
    }

    /// The breaker's limits.
    pub const fn breaker(mut self, limits: BreakerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// A ceiling for the sum of all positions without signs.
    pub fn gross_exposure(self, ceiling: Ceiling) -> Self {
        self.rule(GrossExposure::new(ceiling))
    }

    /// A ceiling for the signed sum of all positions.
    pub fn net_exposure(self, ceiling: Ceiling) -> Self {
        self.rule(NetExposure::new(ceiling))
    }

    /// A ceiling for each symbol.
    pub fn symbol_exposure(self, ceiling: Ceiling) -> Self {
        self.rule(SymbolExposure::each(ceiling))
    }

    /// A ceiling for some symbols together.
    pub fn group_exposure(
        self,
        name: &'static str,
        members: impl IntoIterator<Item = InstrumentId>,
        ceiling: Ceiling,
    ) -> Self {
        self.rule(GroupExposure::new(name, members, ceiling))
    }

    /// The highest multiple of equity.
    pub fn leverage(self, most: f64) -> Self {
        self.rule(Leverage::new(most))
    }

    /// A rule of the host's own.
    pub fn with_rule(mut self, rule: Box<dyn RiskRule>) -> Self {
        self.chain = self.chain.with_rule(rule);
        self
    }

    /// A guard of the host's own; its halts should differ from those of the manager's own
    /// guards.
    pub fn with_guard(mut self, guard: Box<dyn Guard>) -> Self {
        self.chain = self.chain.with_guard(guard);
        self
    }

    /// Adds a rule, or keeps the first reason why one cannot be.
    pub(super) fn rule<R: RiskRule + 'static>(mut self, rule: Result<R, RiskConfigError>) -> Self {
        match rule {
            Ok(rule) => self.with_rule(Box::new(rule)),
            Err(fault) => {
                self.fault.get_or_insert(fault);
                self
            }
        }
    }

    /// What both managers have in common.
    pub(super) fn base(self) -> Result<EnhancedRiskManager, RiskConfigError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let tracker = MaxDrawdownTracker::new(self.threshold)?;
        let breaker = CircuitBreaker::new(self.limits)?;
        let position = PositionSize::new(self.position)?;
        Ok(EnhancedRiskManager::of(
            DrawdownGuard::new(tracker, self.on_resume),
            BreakerGuard::new(breaker),
            self.chain.with_rule(Box::new(position)),
        ))
    }
}

impl EnhancedRiskBuilder {
    /// The manager.
    ///
    /// # Errors
    /// [`RiskConfigError`] for the first limit that cannot be.
    pub fn build(self) -> Result<EnhancedRiskManager, RiskConfigError> {
        self.base()
    }
}
