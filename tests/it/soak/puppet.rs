//! A strategy that wishes at random, and engines full of it.

use serde::{Deserialize, Serialize};
use tradewright::account::{LedgerConfig, LotMethod, PositionMode};
use tradewright::backtest::Digest;
use tradewright::engine::{Engine, SlotConfig};
use tradewright::metrics::Tee;
use tradewright::prelude::*;
use tradewright::risk::{
    BreakerGuard, BreakerLimits, Ceiling, CircuitBreaker, DrawdownGuard, GrossExposure,
    MaxDrawdownTracker, PeakReset, StopPlan, StopWidth, SymbolQuantity,
};
use tradewright::strategy::QuoteSize;
use tradewright::types::{Bracket, Label, OrderKind, Signal};

use super::Random;
use super::watch::Watch;

pub const SHARE: InstrumentId = InstrumentId(0);
pub const PERP: InstrumentId = InstrumentId(1);
pub const BOTH: [InstrumentId; 2] = [SHARE, PERP];

/// The most units of one instrument that may be held or on their way.
pub const MOST_UNITS: i64 = 50;

pub type World = Engine<Puppet, Tee<Digest, Watch>>;

/// Wishes anything at any time; what it wishes depends on its own numbers alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Puppet {
    state: u64,
}

impl Puppet {
    /// A whole number below `most` (Marsaglia's xorshift, 2003).
    fn below(&mut self, most: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 16) % most
    }

    fn units(&mut self, most: u64) -> i64 {
        self.below(2 * most + 1).cast_signed() - most.cast_signed()
    }

    fn wish(&mut self, facts: &Facts<'_>, advice: &mut Advice) {
        let id = advice.instrument();
        let Some(mark) = facts.mark(id) else { return };
        let cents = (mark * 100.0).round() as i64 + self.units(60);
        let near = Price::new(Decimal::new(cents.max(1), 2)).unwrap();
        let far = Price::new(Decimal::new((cents - 200).max(1), 2)).unwrap();
        let side = if self.below(2) == 0 { Side::Buy } else { Side::Sell };
        let confidence = Confidence::clamped(self.below(101) as f64 / 100.0);
        let key = self.below(3) as u32;
        let size = Qty::from(1 + self.below(9).cast_signed());
        match self.below(20) {
            0..=3 => advice.buy(confidence),
            4..=7 => advice.sell(confidence),
            8..=9 => advice.target(id, Qty::from(self.units(20))),
            10..=11 => advice.quote(key, side, near, QuoteSize::Resting(size)),
            12 => advice.quote(key, side, near, QuoteSize::Total(size)),
            13 => advice.pull(key),
            14 => advice.cancel_all(),
            15 => {
                let legs = BOTH.map(|id| (id, Qty::from(self.units(9))));
                advice.together(|group| legs.iter().for_each(|(id, to)| group.target(*id, *to)));
            }
            16 => advice.wake_at(facts.at.after(std::time::Duration::from_secs(self.below(90)))),
            17 => {
                let (tag, reason) = (Label::default(), Label::default());
                let signal = Signal { instrument: id, side: Side::Buy, confidence, tag, reason };
                let bracket = Bracket { take_profit: Some(near), stop_loss: Some(far) };
                advice.enter(signal, OrderKind::Limit { price: near }, Some(bracket));
            }
            _ => {}
        }
    }
}

impl Strategy for Puppet {
    fn name(&self) -> &'static str {
        "PUPPET"
    }

    fn on_event(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) {
        let eager = match event {
            Event::Market(_) | Event::Wake => 70,
            _ => 15,
        };
        if self.below(100) < eager {
            self.wish(facts, advice);
        }
    }
}

pub fn instruments() -> Instruments {
    let mut table = Instruments::new();
    table.add(Instrument::stock("SHARE", "USD")).unwrap();
    let perp = Instrument::linear_perpetual("PERP", "ETH", "USD").multiplier("10");
    table.add(perp).unwrap();
    table
}

/// The engine of a seed: the same each time, so that a snapshot fits it.
pub fn engine(seed: u64) -> World {
    let mut random = Random::new(seed ^ 0x00C0_FFEE);
    let table = instruments();
    let usd = table.find_asset("USD").unwrap();
    let mut builder = Engine::builder(table, usd);
    for slot in 0..=random.below(3) {
        let puppet = Puppet { state: seed.wrapping_mul(0x9E37_79B9) + slot + 1 };
        let policy = match random.below(4) {
            0 => Policy::LongFlat,
            1 => Policy::LongShort,
            2 => Policy::Reverse,
            _ => Policy::Pyramid(3),
        };
        let mut config = SlotConfig::new(puppet).policy(policy);
        config = match random.below(3) {
            0 => config.sizer(FixedQuantity::new(Decimal::from(random.between(1, 12))).unwrap()),
            1 => config.sizer(EquityFraction::new(Decimal::new(random.between(1, 40), 2)).unwrap()),
            _ => config,
        };
        if random.chance(25) {
            config = config.stop(StopPlan::new(StopWidth::Fraction(0.02)).unwrap());
        }
        builder = builder.slot(config);
    }
    let lots = [LotMethod::Fifo, LotMethod::Lifo, LotMethod::Average][random.below(3) as usize];
    let limits = BreakerLimits { max_trades_per_hour: 12, ..BreakerLimits::default() };
    let tracker = MaxDrawdownTracker::new(Decimal::new(random.between(1, 20), 2)).unwrap();
    builder
        .ledger(LedgerConfig { lots, positions: PositionMode::Netting })
        .rule(SymbolQuantity::each(Decimal::from(MOST_UNITS)).unwrap())
        .rule(GrossExposure::new(Ceiling::OfEquity(3.0)).unwrap())
        .guard(DrawdownGuard::new(tracker, PeakReset::Restart))
        .guard(BreakerGuard::new(CircuitBreaker::new(limits).unwrap()))
        .sink(Tee(Digest::new(), Watch::default()))
        .build()
        .unwrap()
}
