//! The account, the ledger, running statistics, and tables of margin and stress.

use tradewright::account::{
    Account, Ledger, LedgerConfig, LotMethod, MarginTiers, PnlCalculator, PositionMode,
};
use tradewright::monitor::{ClosedTrade, MonitorConfig, PerformanceMonitor, SampleEvery};
use tradewright::risk::{DrawdownSchedule, OtherPrices, StressScenario};
use tradewright::types::{
    AssetId, Fill, Funding, Instrument, InstrumentId, Instruments, Leg, Purpose, Qty, Side, SlotId,
    Timestamp, TradeId,
};

use super::{Subject, hold, subject};
use crate::risk::guards::fill;
use crate::risk::{SHARE, SLOT, dec, price, secs};

const SLOTS: usize = 2;
const PERP: InstrumentId = InstrumentId(1);

fn table() -> Instruments {
    let mut table = Instruments::new();
    table.add(Instrument::stock("SHARE", "USD")).unwrap();
    table.add(Instrument::inverse_perpetual("PERP", "BTC", "USD").multiplier("100")).unwrap();
    table
}

/// Buys and sells in turn, at prices that move; a position is kept.
fn booking(step: usize) -> Fill {
    let mut fill = fill(step as u64, SLOT, Purpose::Entry);
    let (instrument, at_price, quantity) =
        if step % 3 == 2 { (PERP, "40000", "2") } else { (SHARE, "101", "4") };
    fill.at = secs(step as i64);
    fill.instrument = instrument;
    fill.side = if step % 4 == 3 { Side::Sell } else { Side::Buy };
    fill.execution.trade = TradeId(step as u128 + 1);
    fill.execution.price = price(at_price);
    fill.execution.quantity = Qty::new(dec(quantity));
    fill
}

fn funding() -> Funding {
    Funding { instrument: PERP, rate: 0.0001, mark: 40_500.0 }
}

fn ledger(name: &'static str, config: LedgerConfig, points: &[usize]) -> Subject {
    let make = move || Ledger::new(&table(), SLOTS, config);
    let tell = move |ledger: &mut Ledger, step: usize| {
        let (table, mut closed) = (table(), Vec::new());
        let mut fill = booking(step);
        if config.positions == PositionMode::Hedging && step.is_multiple_of(2) {
            fill.leg = Leg::Long;
        }
        let _ = ledger.on_fill(&table, &fill, &mut closed);
        let _ = ledger.on_funding(secs(step as i64), &table, &funding(), &mut Vec::new());
        let _ = (ledger.holding(SLOT, SHARE, Leg::Net), ledger.sums(AssetId(0)));
    };
    subject(name, make, tell, points)
}

fn account(points: &[usize]) -> Subject {
    let make = || {
        let table = table();
        let usd = table.find_asset("USD").unwrap();
        let ledger = Ledger::new(&table, SLOTS, LedgerConfig::default());
        Account::new(&table, SLOTS, usd, Box::new(ledger)).unwrap()
    };
    let tell = |account: &mut Account, step: usize| {
        let (table, at) = (table(), secs(step as i64));
        account.mark(at, &table, SHARE, 100.0 + step as f64);
        account.mark(at, &table, PERP, 40_000.0);
        let _ = account.on_fill(&table, &booking(step), &mut Vec::new());
        let _ = account.on_funding(at, &table, &funding(), &mut Vec::new());
        let _ = (account.book().equity(), account.book().equity_exact(&table));
    };
    subject("account", make, tell, points)
}

#[test]
fn books_of_money() {
    let lots = |lots| LedgerConfig { lots, positions: PositionMode::Netting };
    let hedging = LedgerConfig { positions: PositionMode::Hedging, ..LedgerConfig::default() };
    let subjects = [
        ledger("ledger", lots(LotMethod::Fifo), &[3]),
        ledger("hedging ledger", hedging, &[2]),
        account(&[3]).only(&[
            ".seen",
            ".pnl",
            ".orders",
            ".is_sound",
            ".book.slots",
            ".book.net",
            ".book.cash",
        ]),
    ];
    hold("money", include_str!("money.txt"), &subjects);
}

/// What a monitor keeps of the account's own statistics.
#[test]
fn statistics() {
    let make = || {
        let config = MonitorConfig {
            sample: SampleEvery::Instant,
            samples: 32,
            trades: 32,
            hours_kept: 4,
            days_kept: 4,
            months_kept: 4,
            groups: 4,
            ..MonitorConfig::default()
        };
        PerformanceMonitor::new(config).unwrap()
    };
    let tell = |monitor: &mut PerformanceMonitor, step: usize| {
        let at = |step: usize| Timestamp::from_secs(60 * step as i64).unwrap();
        let equity = [100.0, 110.0, 99.0, 105.0, 120.0][step % 5];
        monitor.on_equity(at(step), equity, (step % 2) as f64);
        let net = [5.0, -3.0, -2.0, 4.0, 0.0][step % 5];
        let opened = at(step.saturating_sub(2));
        let trade = ClosedTrade::new(SlotId(1), SHARE, Side::Buy, [opened, at(step)], net);
        monitor.on_trade(&trade);
        let _ = monitor.statistics();
    };
    let points = &[1, 8];
    let subjects = [subject("performance", make, tell, points).only(&[
        ".running",
        ".marks",
        ".exposure",
        ".by_strategy",
    ])];
    hold("performance", include_str!("performance.txt"), &subjects);
}

#[test]
fn configurations() {
    let tiers = || {
        let rates = [["0", "0.1", "0.05"], ["1000", "0.2", "0.1"], ["5000", "1", "0.5"]];
        MarginTiers::new(&rates.map(|row| row.map(dec))).unwrap()
    };
    let stress = || {
        let others = OtherPrices::ByBeta { market: -0.2, betas: vec![(PERP, 1.5)] };
        let builder = StressScenario::builder("crash").price(SHARE, -0.5).others(others);
        builder.volatility(PERP, 0.5).asset(AssetId(0), -0.1).build().unwrap()
    };
    let schedule = || DrawdownSchedule::new([(0.1, 0.5), (0.2, 0.5), (1.0, 0.0)]).unwrap();
    let subjects = [
        subject("margin tiers", tiers, |_, _| {}, &[0]),
        subject("stress", stress, |_, _| {}, &[0]),
        subject("schedule", schedule, |_, _| {}, &[0]),
    ];
    hold("configurations", include_str!("configurations.txt"), &subjects);
}
