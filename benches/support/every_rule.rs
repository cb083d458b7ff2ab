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
use tradewright::account::{Account, AdjustmentEffects, Ledger, LedgerConfig};
use tradewright::risk::{
    BreakerLimits, BuyingPower, Ceiling, CorrelationEstimator, DailyLimit, DataLimits,
    DataQualityGuard, DeadManGuard, DrawdownSchedule, ExecutionLimits, ExecutionRate, Fact,
    InstrumentList, MarketAge, MaxOrderNotional, MaxOrderQuantity, OpenOrders, PortfolioGuard,
    PortfolioRisk, PortfolioRiskSettings, RealtimeRiskManager, RepeatedExecution, RiskManager,
    Session, TradingHours,
};
use tradewright::types::{
    Adjustment, AdjustmentCause, AdjustmentKind, DayBoundary, Decimal, Facts, Fill, FillReport,
    HaltScope, Instrument, InstrumentId, Instruments, Intent, Label, Leg, Liquidity, Money,
    OrderId, Price, Purpose, Qty, Side, SlotId, Timestamp, TradeId,
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
    account: Account,
    at: Timestamp,
    steps: u32,
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
        let mut account = account_of(&table);
        let mut at = Timestamp::EPOCH;
        for row in 0..ROWS {
            at = Timestamp::from_secs(row).expect("a sound time");
            for id in &ids {
                let wave = (row * (7 + i64::from(id.0)) + i64::from(id.0)) % 13;
                account.mark(at, &table, *id, 100.0 + f64::from(id.0) + wave as f64);
            }
            let facts = Facts::new(at, SlotId::HOUSE, &table, account.book());
            manager.observe(&Fact::Mark, &facts, &mut Vec::new());
        }
        let facts = Facts::new(at, SlotId::HOUSE, &table, account.book());
        manager.observe(&Fact::Heartbeat, &facts, &mut Vec::new());
        let orders: u32 = ids.iter().map(|id| account.book().working(*id).orders).sum();
        assert_eq!(orders, 20);
        Self { manager, table, account, at, steps: 0 }
    }

    pub fn facts(&self) -> Facts<'_> {
        Facts::new(self.at, OWNER, &self.table, self.account.book())
    }

    /// Facts that move: one of the marks, and each tenth time one of the orders too.
    pub fn step(&mut self) {
        self.steps += 1;
        let id = InstrumentId(self.steps % SYMBOLS);
        let price = 100.0 + f64::from(id.0) + f64::from(self.steps % 13);
        self.account.mark(self.at, &self.table, id, price);
        if self.steps.is_multiple_of(10) {
            let order = InstrumentId(self.steps / 10 % 10 * 5);
            let left = Decimal::from(4 + self.steps / 100 % 2);
            let reserved = self.account.reserve(OWNER, order, left, Decimal::ZERO, 1);
            reserved.expect("a sound reservation");
        }
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

fn account_of(table: &Instruments) -> Account {
    let usd = table.find_asset("USD").expect("the quote currency");
    let ledger = Box::new(Ledger::new(table, 2, LedgerConfig::default()));
    let mut account = Account::new(table, 2, usd, ledger).expect("a sound account");
    let capital = Adjustment {
        cause: AdjustmentCause::Deposit,
        kind: AdjustmentKind::Capital(Money::new(Decimal::from(1_000_000), usd)),
    };
    let mut effects = AdjustmentEffects::default();
    account.adjust(Timestamp::EPOCH, table, &capital, &mut effects).expect("sound capital");
    for id in (0..SYMBOLS).map(InstrumentId) {
        let fill = fill_of(id, Money::zero(usd));
        account.on_fill(table, &fill, &mut Vec::new()).expect("a sound fill");
        if id.0 % 5 < 2 {
            let left = Decimal::from(5);
            account.reserve(OWNER, id, left, Decimal::ZERO, 1).expect("a sound reservation");
        }
    }
    account
}

fn fill_of(id: InstrumentId, fee: Money) -> Fill {
    let price = Price::new(Decimal::from(100)).expect("above zero");
    Fill {
        at: Timestamp::EPOCH,
        order: OrderId::new(1, OWNER, u64::from(id.0)),
        slot: OWNER,
        instrument: id,
        side: if id.0.is_multiple_of(2) { Side::Buy } else { Side::Sell },
        leg: Leg::Net,
        execution: FillReport {
            trade: TradeId(u128::from(id.0)),
            price,
            quantity: Qty::from(10),
            fee,
            liquidity: Liquidity::Taker,
            before_slippage: price,
        },
        arrival: f64::NAN,
        purpose: Purpose::Entry,
        tag: Label::default(),
    }
}
