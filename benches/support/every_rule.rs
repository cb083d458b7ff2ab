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
    BreakerLimits, BuyingPower, Ceiling, CorrelationEstimator, DailyLimit, DataLimits,
    DataQualityGuard, DeadManGuard, DrawdownSchedule, ExecutionLimits, ExecutionRate, Fact,
    InstrumentList, MarketAge, MaxOrderNotional, MaxOrderQuantity, OpenOrders, PortfolioGuard,
    PortfolioRisk, PortfolioRiskSettings, RealtimeRiskManager, RepeatedExecution, RiskManager,
    Session, TradingHours,
};
use tradewright::types::{
    DayBoundary, Decimal, FactBook, FactBookBuilder, Facts, HaltScope, Instrument, InstrumentId,
    Instruments, Intent, Price, Side, SlotId, Timestamp,
};

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

/// An account of 50 positions, long and short, and 20 open orders, each in a symbol of its own,
/// under every rule, after 260 rows of marks.
pub struct Crowd {
    pub manager: RealtimeRiskManager,
    table: Instruments,
    book: FactBook,
    at: Timestamp,
}

const OWNER: SlotId = SlotId(1);
const SYMBOLS: u32 = 50;
const ROWS: i64 = 260;

impl Crowd {
    pub fn new() -> Self {
        let mut table = Instruments::new();
        for index in 0..SYMBOLS {
            let stock = Instrument::stock(&format!("S{index}"), "USD");
            table.add(stock).expect("a sound instrument");
        }
        let ids: Vec<InstrumentId> = (0..SYMBOLS).map(InstrumentId).collect();
        let settings = PortfolioRiskSettings {
            correlation: CorrelationEstimator::Rolling { window: 250 },
            ..PortfolioRiskSettings::default()
        };
        let mut manager = every_rule(&ids, settings);
        for row in 0..ROWS {
            let (at, book) = row_of(&table, row);
            let facts = Facts::new(at, SlotId::HOUSE, &table, &book);
            manager.observe(&Fact::Mark, &facts, &mut Vec::new());
        }
        let (at, book) = row_of(&table, ROWS - 1);
        let facts = Facts::new(at, SlotId::HOUSE, &table, &book);
        manager.observe(&Fact::Heartbeat, &facts, &mut Vec::new());
        let orders: u32 = ids.iter().map(|id| book.working(*id).orders).sum();
        assert_eq!(orders, 20);
        Self { manager, table, book, at }
    }

    pub fn facts(&self) -> Facts<'_> {
        Facts::new(self.at, OWNER, &self.table, &self.book)
    }

    /// More of a long position.
    pub fn buy() -> Intent {
        Intent::market(OWNER, InstrumentId(10), Side::Buy, 20.into())
    }

    /// More of a short one.
    pub fn sale() -> Intent {
        Intent::market(OWNER, InstrumentId(13), Side::Sell, 20.into())
    }
}

fn row_of(table: &Instruments, row: i64) -> (Timestamp, FactBook) {
    let usd = table.find_asset("USD").expect("the quote currency");
    let at = Timestamp::from_secs(row).expect("a sound time");
    let price = Price::new(Decimal::from(100)).expect("above zero");
    let mut builder = FactBookBuilder::new(table, usd).cash(usd, Decimal::from(1_000_000));
    for id in (0..SYMBOLS).map(InstrumentId) {
        let wave = (row * (7 + i64::from(id.0)) + i64::from(id.0)) % 13;
        builder = builder.mark(id, at, 100.0 + f64::from(id.0) + wave as f64);
        let sign = if id.0 % 2 == 0 { 10 } else { -10 };
        builder = builder.position(OWNER, id, Decimal::from(sign), price);
        if id.0 % 5 < 2 {
            builder = builder.working(OWNER, id, Side::Buy, Decimal::from(5));
        }
    }
    (at, builder.build())
}
