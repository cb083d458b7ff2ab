use rust_decimal::Decimal;

use super::RealtimeRiskManager;
use crate::risk::builder::RiskBuilder;
use crate::risk::{
    Concentration, DailyLimit, DailyLossGuard, DrawdownScaling, DrawdownSchedule, PortfolioHeat,
    PositionCount, RiskConfigError, SymbolQuantity, UnstoppedRisk,
};
use crate::types::DayBoundary;

/// A [`RealtimeRiskManager`] in the making.
pub type RealtimeRiskBuilder = RiskBuilder<RealtimeLimits>;

/// What a [`RealtimeRiskManager`] limits beside what an
/// [`EnhancedRiskManager`](super::EnhancedRiskManager) does; all of it is off until set.
#[derive(Clone, Debug, Default)]
pub struct RealtimeLimits {
    daily: Option<(DailyLimit, DayBoundary)>,
    schedule: Option<DrawdownSchedule>,
    heat: Option<f64>,
    unstopped: UnstoppedRisk,
}

impl RealtimeRiskBuilder {
    /// The largest position shrinks as the drawdown grows.
    pub fn scaled_by_drawdown(mut self, schedule: DrawdownSchedule) -> Self {
        self.extra.schedule = Some(schedule);
        self
    }

    /// What a trading day may lose, and when days end.
    pub const fn daily_loss(mut self, limit: DailyLimit, boundary: DayBoundary) -> Self {
        self.extra.daily = Some((limit, boundary));
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

    /// The largest share of the gross exposure in one symbol.
    pub fn concentration(self, share: f64) -> Self {
        self.rule(Concentration::new(share))
    }

    /// The largest sum of open risk to the stops, as a fraction of equity.
    pub const fn portfolio_heat(mut self, most: f64) -> Self {
        self.extra.heat = Some(most);
        self
    }

    /// What positions without a stop count with in the portfolio heat (their whole value).
    pub const fn unstopped(mut self, risk: UnstoppedRisk) -> Self {
        self.extra.unstopped = risk;
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
        let extra = self.extra.clone();
        let heat = extra.heat.map_or(Ok(PortfolioHeat::unlimited()), PortfolioHeat::new)?;
        let heat = heat.unstopped(extra.unstopped)?;
        if extra.heat.is_some() {
            self.chain = self.chain.with_rule(Box::new(heat));
        }
        let daily = extra.daily.map(|(limit, boundary)| DailyLossGuard::new(limit, boundary));
        let scaling = extra.schedule.map(|schedule| DrawdownScaling::new(self.position, schedule));
        Ok(RealtimeRiskManager {
            daily: daily.transpose()?,
            wanted: None,
            scaling: scaling.transpose()?,
            heat,
            base: self.base()?,
        })
    }
}
