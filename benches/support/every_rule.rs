//! A manager with every built-in rule and guard on, and so wide that everything passes.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "shared by benches and tests, each uses a part"
)]

use std::time::Duration;

use chrono::Weekday;
use chrono_tz::Tz;
use tradewright::risk::{
    BreakerLimits, BuyingPower, Ceiling, DailyLimit, DataLimits, DataQualityGuard, DeadManGuard,
    DrawdownSchedule, ExecutionLimits, ExecutionRate, InstrumentList, MarketAge, MaxOrderNotional,
    MaxOrderQuantity, OpenOrders, PortfolioGuard, PortfolioRisk, PortfolioRiskSettings,
    RealtimeRiskManager, RepeatedExecution, Session, TradingHours,
};
use tradewright::types::{DayBoundary, Decimal, HaltScope, InstrumentId};

/// Drawdown, breaker, daily loss, sizes that shrink with the drawdown, position count, quantity,
/// gross, net, symbol, group and leverage limits, concentration, heat, position size, buying
/// power, order quantity and notional, open orders, age of the mark, hours, a list, data quality
/// of the first symbol, dead man, fills, quantity and value per hour, repeated execution, value
/// at risk and correlated exposure. It opens nothing before the first heartbeat.
pub fn every_rule(ids: &[InstrumentId], figures: PortfolioRiskSettings) -> RealtimeRiskManager {
    let much = Decimal::from(1_000_000_000);
    let ample = Ceiling::OfEquity(100.0);
    let group = ids.iter().copied().step_by(5);
    let week = [
        Weekday::Mon,
        Weekday::Tue,
        Weekday::Wed,
        Weekday::Thu,
        Weekday::Fri,
        Weekday::Sat,
        Weekday::Sun,
    ];
    let session = Session::new(week, "00:00", "00:00").expect("sound times");
    let rate = ExecutionLimits { fills: Some(u32::MAX), quantity: Some(much), value: Some(much) };
    let hour = Duration::from_secs(3_600);
    let long = Duration::from_secs(10_000 * 86_400);
    let of_first = HaltScope::Symbol(ids[0]);
    let data = DataLimits { silence: Some(long), jump: Some(0.9), sound_events: 3 };
    let portfolio = PortfolioRisk::new(figures, ids.iter().copied()).expect("sound settings");
    let portfolio = PortfolioGuard::new(portfolio)
        .var_limit(ample)
        .and_then(|guard| guard.correlated_exposure(0.8, ample))
        .expect("sound ceilings");
    let sound = "sound limits";
    RealtimeRiskManager::builder()
        .max_drawdown("0.9".parse().expect("a number"))
        .max_position_fraction(1.0)
        .scaled_by_drawdown(DrawdownSchedule::default())
        .breaker(BreakerLimits {
            max_consecutive_losses: 1_000_000,
            max_trades_per_hour: 100,
            ..BreakerLimits::default()
        })
        .daily_loss(DailyLimit::Fraction("0.9".parse().expect("a number")), DayBoundary::UTC)
        .position_count(1_000)
        .symbol_quantity(much)
        .symbol_exposure(ample)
        .group_exposure("sector", group, ample)
        .gross_exposure(ample)
        .net_exposure(ample)
        .leverage(100.0)
        .concentration(1.0)
        .portfolio_heat(100.0)
        .with_rule(Box::new(BuyingPower::new(much).expect(sound)))
        .with_rule(Box::new(MaxOrderQuantity::each(much).expect(sound)))
        .with_rule(Box::new(MaxOrderNotional::new(ample).expect(sound)))
        .with_rule(Box::new(OpenOrders::new(100, 1_000)))
        .with_rule(Box::new(MarketAge::new(hour).expect(sound)))
        .with_rule(Box::new(TradingHours::new(Tz::UTC).session(session)))
        .with_rule(Box::new(InstrumentList::allow(ids.iter().copied())))
        .with_guard(Box::new(DataQualityGuard::new(ids[0], data).expect(sound)))
        .with_guard(Box::new(DeadManGuard::new(long).expect(sound)))
        .with_guard(Box::new(ExecutionRate::new(rate, hour, of_first).expect(sound)))
        .with_guard(Box::new(RepeatedExecution::new(u32::MAX).expect(sound)))
        .with_guard(Box::new(portfolio))
        .build()
        .expect(sound)
}
