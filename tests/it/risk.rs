//! Risk: laws as properties against naive references, and exact answers for the examples.

mod boundaries;
mod breaker;
mod chain;
mod changes;
mod controls;
mod daily_loss;
mod drawdown;
mod edges;
mod enhanced;
mod gates;
pub mod guards;
mod halt;
pub(crate) mod hearing;
mod limits;
mod opening;
mod portfolio;
mod realtime;
mod rules;
mod sizing;
mod sizing_laws;
mod stops;
mod stress;
mod thresholds;

use core::time::Duration;

use tradewright::types::{
    AssetId, Confidence, Decimal, FactBook, FactBookBuilder, Facts, Instrument, InstrumentId,
    Instruments, Intent, Label, MarkFact, Price, Qty, Side, Signal, SlotId, Timestamp,
};

pub const SLOT: SlotId = SlotId(1);
/// A share in whole units, tick 0.01.
pub const SHARE: InstrumentId = InstrumentId(0);
/// A coin in steps of 0.1, at least 0.3 units and 10 USD.
pub const COIN: InstrumentId = InstrumentId(1);
/// A perpetual of 10 units a contract.
pub const LINEAR: InstrumentId = InstrumentId(2);
/// A perpetual of 100 USD a contract, settled in BTC.
pub const INVERSE: InstrumentId = InstrumentId(3);

pub struct World {
    pub table: Instruments,
    pub usd: AssetId,
}

impl World {
    pub fn new() -> Self {
        let mut table = Instruments::new();
        table.add(Instrument::stock("SHARE", "USD")).unwrap();
        let coin = Instrument::spot("COIN", "COIN", "USD").step("0.1").tick("0.5");
        table.add(coin.min_quantity("0.3").min_notional("10")).unwrap();
        let linear = Instrument::linear_perpetual("LINEAR", "ETH", "USD").multiplier("10");
        table.add(linear).unwrap();
        let inverse = Instrument::inverse_perpetual("INVERSE", "BTC", "USD").multiplier("100");
        table.add(inverse).unwrap();
        let usd = table.find_asset("USD").unwrap();
        Self { table, usd }
    }

    /// 100,000 USD; marks 100, 50, 20 and 40,000 (a contract of 100 USD is worth 100 USD).
    pub fn book(&self) -> FactBookBuilder<'_> {
        let mark = MarkFact { price: 40_000.0, at: Timestamp::EPOCH, rate: 40_000.0 };
        FactBookBuilder::new(&self.table, self.usd)
            .cash(self.usd, dec("100000"))
            .mark(SHARE, Timestamp::EPOCH, 100.0)
            .mark(COIN, Timestamp::EPOCH, 50.0)
            .mark(LINEAR, Timestamp::EPOCH, 20.0)
            .rated_mark(INVERSE, mark)
    }

    pub fn facts<'a>(&'a self, book: &'a FactBook) -> Facts<'a> {
        Facts::new(Timestamp::EPOCH, SLOT, &self.table, book)
    }

    pub fn facts_at<'a>(&'a self, at: Timestamp, book: &'a FactBook) -> Facts<'a> {
        Facts::new(at, SLOT, &self.table, book)
    }
}

pub fn dec(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

pub fn price(text: &str) -> Price {
    Price::new(dec(text)).unwrap()
}

pub fn secs(seconds: i64) -> Timestamp {
    Timestamp::from_secs(seconds).unwrap()
}

pub const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

pub fn market(instrument: InstrumentId, side: Side, quantity: &str) -> Intent {
    Intent::market(SLOT, instrument, side, Qty::new(dec(quantity)))
}

pub fn signal(instrument: InstrumentId, confidence: f64) -> Signal {
    Signal {
        instrument,
        side: Side::Buy,
        confidence: Confidence::new(confidence).unwrap(),
        tag: Label::default(),
        reason: Label::default(),
    }
}
