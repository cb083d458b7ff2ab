use rust_decimal::Decimal;

use super::RealtimeRiskManager;
use crate::risk::{
    BreakerGuard, BreakerLimits, Ceiling, CircuitBreaker, Concentration, DailyLimit,
    DailyLossGuard, DrawdownGuard, DrawdownScaling, DrawdownSchedule, GrossExposure, GroupExposure,
    Guard, Leverage, MaxDrawdownTracker, NetExposure, PeakReset, PortfolioHeat, PositionCount,
    PositionSize, RiskChain, RiskConfigError, RiskRule, SymbolExposure, SymbolQuantity,
    UnstoppedRisk,
};
use crate::types::{DayBoundary, InstrumentId};

/// A [`RealtimeRiskManager`] in the making.
#[must_use = "the manager exists once it was built"]
pub struct RealtimeRiskBuilder {
    threshold: Decimal,
    on_resume: PeakReset,
    position: f64,
    limits: BreakerLimits,
    daily: Option<(DailyLimit, DayBoundary)>,
    schedule: Option<DrawdownSchedule>,
    heat: Option<f64>,
    unstopped: UnstoppedRisk,
    chain: RiskChain,
    fault: Option<RiskConfigError>,
}

impl Default for RealtimeRiskBuilder {
    fn default() -> Self {
        Self {
            threshold: MaxDrawdownTracker::default().threshold(),
            on_resume: PeakReset::default(),
            position: 0.1,
            limits: BreakerLimits::default(),
            daily: None,
            schedule: None,
            heat: None,
            unstopped: UnstoppedRisk::default(),
            chain: RiskChain::new(),
            fault: None,
        }
    }
}

impl RealtimeRiskBuilder {
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

    /// The largest position shrinks as the drawdown grows.
    pub fn scaled_by_drawdown(mut self, schedule: DrawdownSchedule) -> Self {
        self.schedule = Some(schedule);
        self
    }

    /// The breaker's limits.
    pub const fn breaker(mut self, limits: BreakerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// What a trading day may lose, and when days end.
    pub const fn daily_loss(mut self, limit: DailyLimit, boundary: DayBoundary) -> Self {
        self.daily = Some((limit, boundary));
        self
    }

    /// The most symbols that are held at a time.
    pub fn position_count(self, most: u32) -> Self {
        self.with_rule(Box::new(PositionCount::new(most)))
    }

    /// The most units of each symbol.
    pub fn symbol_quantity(self, most: Decimal) -> Self {
        self.rule(SymbolQuantity::each(most))
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

    /// A ceiling for the sum of all positions without signs.
    pub fn gross_exposure(self, ceiling: Ceiling) -> Self {
        self.rule(GrossExposure::new(ceiling))
    }

    /// A ceiling for the signed sum of all positions.
    pub fn net_exposure(self, ceiling: Ceiling) -> Self {
        self.rule(NetExposure::new(ceiling))
    }

    /// The highest multiple of equity.
    pub fn leverage(self, most: f64) -> Self {
        self.rule(Leverage::new(most))
    }

    /// The largest share of the gross exposure in one symbol.
    pub fn concentration(self, share: f64) -> Self {
        self.rule(Concentration::new(share))
    }

    /// The largest sum of open risk to the stops, as a fraction of equity.
    pub const fn portfolio_heat(mut self, most: f64) -> Self {
        self.heat = Some(most);
        self
    }

    /// What positions without a stop count with in the portfolio heat (their whole value).
    pub const fn unstopped(mut self, risk: UnstoppedRisk) -> Self {
        self.unstopped = risk;
        self
    }

    /// A rule of the host's own.
    pub fn with_rule(mut self, rule: Box<dyn RiskRule>) -> Self {
        self.chain = self.chain.with_rule(rule);
        self
    }

    /// A guard of the host's own; its halts should differ from those of drawdown, breaker and
    /// daily loss.
    pub fn with_guard(mut self, guard: Box<dyn Guard>) -> Self {
        self.chain = self.chain.with_guard(guard);
        self
    }

    /// The manager.
    ///
    /// # Errors
    /// [`RiskConfigError`] for the first limit that cannot be.
    pub fn build(mut self) -> Result<RealtimeRiskManager, RiskConfigError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let heat = match self.heat {
            Some(most) => PortfolioHeat::new(most)?,
            None => PortfolioHeat::unlimited(),
        };
        let heat = heat.unstopped(self.unstopped)?;
        if self.heat.is_some() {
            self.chain = self.chain.with_rule(Box::new(heat));
        }
        let tracker = MaxDrawdownTracker::new(self.threshold)?;
        let position = PositionSize::new(self.position)?;
        let daily = self.daily.map(|(limit, boundary)| DailyLossGuard::new(limit, boundary));
        let scaling = self.schedule.map(|schedule| DrawdownScaling::new(self.position, schedule));
        Ok(RealtimeRiskManager {
            drawdown: DrawdownGuard::new(tracker, self.on_resume),
            breaker: BreakerGuard::new(CircuitBreaker::new(self.limits)?),
            daily: daily.transpose()?,
            wanted: [None; 3],
            scaling: scaling.transpose()?,
            heat,
            chain: self.chain.with_rule(Box::new(position)),
        })
    }

    fn rule<R: RiskRule + 'static>(mut self, rule: Result<R, RiskConfigError>) -> Self {
        match rule {
            Ok(rule) => self.with_rule(Box::new(rule)),
            Err(fault) => {
                self.fault.get_or_insert(fault);
                self
            }
        }
    }
}
