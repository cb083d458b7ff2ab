use core::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    AssetId, HaltLevel, Instrument, InstrumentId, InstrumentKind, Instruments, Reach, Side, SlotId,
    StopFact, Timestamp, exact, to_f64,
};

/// What is known at one moment: the read-only view that strategies, sizers and risk rules get.
///
/// Facts are tracked once, in the account; whoever judges reads them here.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The time of the event. There is no other clock.
    pub at: Timestamp,
    /// The strategy that is served; [`SlotId::HOUSE`] outside of strategies.
    pub slot: SlotId,
    /// The run's instruments.
    pub instruments: &'a Instruments,
    /// The account's numbers.
    pub book: &'a FactBook,
}

impl<'a> Facts<'a> {
    /// A view for one slot.
    #[inline]
    pub const fn new(
        at: Timestamp,
        slot: SlotId,
        instruments: &'a Instruments,
        book: &'a FactBook,
    ) -> Self {
        Self { at, slot, instruments, book }
    }

    /// Equity in the reporting currency, unrealised profit included.
    #[inline]
    pub const fn equity(&self) -> f64 {
        self.book.equity
    }

    /// This strategy's own position.
    #[inline]
    pub fn position(&self, instrument: InstrumentId) -> &'a PositionFacts {
        self.book.position(self.slot, instrument)
    }

    /// The position at the venue: the sum over all strategies and the house.
    #[inline]
    pub fn net(&self, instrument: InstrumentId) -> &'a PositionFacts {
        self.book.net(instrument)
    }

    /// What limits the loss of this strategy's position.
    pub fn stop(&self, instrument: InstrumentId) -> StopFact {
        self.book.stop(self.slot, instrument)
    }

    /// The last mark price; `None` before the first.
    #[inline]
    pub fn mark(&self, instrument: InstrumentId) -> Option<f64> {
        self.book.mark(instrument).map(|mark| mark.price)
    }

    /// Age of the last mark; `None` before the first.
    pub fn mark_age(&self, instrument: InstrumentId) -> Option<Duration> {
        self.book.mark(instrument).map(|mark| self.at.since(mark.at))
    }

    /// Reporting currency per unit of an asset: by the rate of an instrument that settles in
    /// it, or by the price of one whose base it is; `None` while no mark tells it.
    pub fn rate(&self, asset: AssetId) -> Option<f64> {
        if asset == self.book.reporting {
            return Some(1.0);
        }
        let rate = |instrument: &Instrument| {
            let mark = self.book.mark(instrument.id)?;
            let is_held_itself =
                instrument.kind == InstrumentKind::Spot && instrument.base == asset;
            let rate = if instrument.settlement == asset {
                mark.rate
            } else if is_held_itself {
                mark.price * mark.rate
            } else {
                return None;
            };
            (rate > 0.0 && rate.is_finite()).then_some(rate)
        };
        self.instruments.iter().find_map(rate)
    }

    /// Equity as an exact decimal, recomputed from the ledger; `None` while a mark or a
    /// conversion rate of an open position is missing. Tens of nanoseconds: ask near a limit.
    pub fn equity_exact(&self) -> Option<Decimal> {
        self.book.equity_exact(self.instruments)
    }
}

/// The account's numbers, dense by id. Only the account writes them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FactBook {
    pub(crate) reporting: AssetId,
    pub(crate) equity: f64,
    #[serde(with = "exact::vec")]
    pub(crate) cash: Vec<Decimal>,
    pub(crate) marks: Vec<MarkFact>,
    pub(crate) net: Vec<PositionFacts>,
    pub(crate) slots: Vec<Vec<PositionFacts>>,
    pub(crate) working: Vec<WorkingFacts>,
    pub(crate) halt: HaltLevel,
    pub(crate) gross: f64,
    /// By instrument; kept while somebody watches the market.
    #[serde(default)]
    pub(crate) quoted: Vec<QuotedPrice>,
    /// By instrument; it follows from marks, net positions and working orders.
    pub(crate) reaches: Vec<Reach>,
    /// By slot and instrument; empty until the first stop.
    #[serde(default)]
    pub(crate) stops: Vec<StopFact>,
}

static FLAT: PositionFacts = PositionFacts::FLAT;

impl FactBook {
    /// Equity in the reporting currency: cash and positions at mark.
    pub const fn equity(&self) -> f64 {
        self.equity
    }

    /// The currency of equity.
    #[inline]
    pub const fn reporting(&self) -> AssetId {
        self.reporting
    }

    /// The value of all positions at mark, without signs, in the reporting currency.
    #[inline]
    pub const fn gross(&self) -> f64 {
        self.gross
    }

    /// The severest halt that covers the whole account.
    #[inline]
    pub const fn halt(&self) -> HaltLevel {
        self.halt
    }

    /// Cash of an asset; zero when it never moved.
    #[inline]
    pub fn cash(&self, asset: AssetId) -> Decimal {
        self.cash.get(asset.index()).copied().unwrap_or_default()
    }

    /// A strategy's own position.
    #[inline]
    pub fn position(&self, slot: SlotId, instrument: InstrumentId) -> &PositionFacts {
        self.slots
            .get(slot.index())
            .and_then(|positions| positions.get(instrument.index()))
            .unwrap_or(&FLAT)
    }

    /// The position at the venue.
    #[inline]
    pub fn net(&self, instrument: InstrumentId) -> &PositionFacts {
        self.net.get(instrument.index()).unwrap_or(&FLAT)
    }

    /// All positions at the venue, by instrument.
    #[inline]
    pub fn nets(&self) -> &[PositionFacts] {
        &self.net
    }

    /// Number of slots, the house included.
    #[inline]
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The last mark; `None` before the first.
    #[inline]
    pub fn mark(&self, instrument: InstrumentId) -> Option<&MarkFact> {
        self.marks.get(instrument.index()).filter(|mark| mark.price > 0.0)
    }

    /// What the last event of the market said of an instrument's price: the mark, but for those
    /// that fills have made. `None` before the first, and while no part of the risk manager
    /// [watches the market](crate::risk::RiskManager::watches_market).
    #[inline]
    pub fn quoted(&self, instrument: InstrumentId) -> Option<QuotedPrice> {
        self.quoted.get(instrument.index()).filter(|quoted| quoted.price > 0.0).copied()
    }

    /// True when a price differs by less than a fraction from what the last event of the market
    /// said; false before the first.
    #[inline]
    pub(crate) fn is_near_quoted(&self, id: InstrumentId, price: f64, fraction: f64) -> bool {
        let last = self.quoted.get(id.index()).map_or(0.0, |quoted| quoted.price);
        (price - last).abs() < last * fraction
    }

    /// What the working orders of all strategies would add if they filled.
    #[inline]
    pub fn working(&self, instrument: InstrumentId) -> WorkingFacts {
        self.working.get(instrument.index()).copied().unwrap_or_default()
    }
}

/// The last price of an instrument and the rate of its settlement currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MarkFact {
    /// The price; 0 before the first.
    pub price: f64,
    /// When it was seen.
    pub at: Timestamp,
    /// Reporting currency per unit of the settlement currency.
    pub rate: f64,
}

/// A price that an event of the market brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QuotedPrice {
    /// The price; 0 before the first.
    pub price: f64,
    /// When it came.
    pub at: Timestamp,
}

/// One position and its working orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredPosition", into = "StoredPosition")]
pub struct PositionFacts {
    /// Signed quantity.
    pub quantity: Decimal,
    /// The same as `f64`.
    pub size: f64,
    /// Signed cost of the open quantity in the settlement currency.
    pub cost: Decimal,
    /// Average entry price; 0 while flat.
    pub average: f64,
    /// When it was opened (the last time it left zero).
    pub opened_at: Timestamp,
    /// Unfilled quantity of this owner's working buy orders (linked groups count once).
    pub working_buy: Decimal,
    /// The same of its sell orders.
    pub working_sell: Decimal,
    /// `working_buy` as `f64`.
    pub buying: f64,
    /// `working_sell` as `f64`.
    pub selling: f64,
}

/// What is written of a position: what works is written once.
#[derive(Serialize, Deserialize)]
#[serde(rename = "PositionFacts")]
struct StoredPosition {
    #[serde(with = "exact")]
    quantity: Decimal,
    size: f64,
    #[serde(with = "exact")]
    cost: Decimal,
    average: f64,
    opened_at: Timestamp,
    #[serde(with = "exact")]
    working_buy: Decimal,
    #[serde(with = "exact")]
    working_sell: Decimal,
}

impl From<StoredPosition> for PositionFacts {
    fn from(stored: StoredPosition) -> Self {
        let StoredPosition { quantity, size, cost, average, opened_at, .. } = stored;
        let mut position = Self { quantity, size, cost, average, opened_at, ..Self::FLAT };
        let working = [stored.working_buy, stored.working_sell];
        position.set_working(working, working.map(to_f64));
        position
    }
}

impl From<PositionFacts> for StoredPosition {
    fn from(position: PositionFacts) -> Self {
        let PositionFacts { quantity, size, cost, average, opened_at, .. } = position;
        let PositionFacts { working_buy, working_sell, .. } = position;
        Self { quantity, size, cost, average, opened_at, working_buy, working_sell }
    }
}

impl PositionFacts {
    /// No position, no orders.
    pub const FLAT: Self = Self {
        quantity: Decimal::ZERO,
        size: 0.0,
        cost: Decimal::ZERO,
        average: 0.0,
        opened_at: Timestamp::EPOCH,
        working_buy: Decimal::ZERO,
        working_sell: Decimal::ZERO,
        buying: 0.0,
        selling: 0.0,
    };

    /// True at zero quantity.
    #[inline]
    pub fn is_flat(&self) -> bool {
        self.quantity.is_zero()
    }

    /// True above zero.
    #[inline]
    pub fn is_long(&self) -> bool {
        self.size > 0.0
    }

    /// True below zero.
    #[inline]
    pub fn is_short(&self) -> bool {
        self.size < 0.0
    }

    /// Unfilled quantity of working orders on one side.
    #[inline]
    pub const fn working(&self, side: Side) -> Decimal {
        match side {
            Side::Buy => self.working_buy,
            Side::Sell => self.working_sell,
        }
    }

    /// True while its owner holds nothing and no order works.
    #[inline]
    pub(crate) const fn is_idle(&self) -> bool {
        self.size.to_bits() | self.buying.to_bits() | self.selling.to_bits() == 0
    }

    /// True while orders of its owner work.
    #[inline]
    pub(crate) const fn has_orders(&self) -> bool {
        self.buying.to_bits() | self.selling.to_bits() != 0
    }

    /// The unfilled quantities of its working orders.
    #[inline]
    pub(crate) const fn set_working(
        &mut self,
        [buy, sell]: [Decimal; 2],
        [buying, selling]: [f64; 2],
    ) {
        (self.working_buy, self.working_sell) = (buy, sell);
        (self.buying, self.selling) = (buying, selling);
    }
}

/// Working orders of all strategies in one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkingFacts {
    /// Unfilled quantity of buy orders (linked groups count once).
    #[serde(with = "exact")]
    pub buy: Decimal,
    /// Unfilled quantity of sell orders.
    #[serde(with = "exact")]
    pub sell: Decimal,
    /// Number of working orders.
    pub orders: u32,
}

impl WorkingFacts {
    /// Both quantities as `f64`: bought, sold.
    #[inline]
    pub(crate) fn sizes(&self) -> [f64; 2] {
        // Mostly one of them is zero.
        let size = |units: Decimal| if units.is_zero() { 0.0 } else { to_f64(units) };
        [size(self.buy), size(self.sell)]
    }

    /// The quantity of one side.
    #[inline]
    pub const fn side(&self, side: Side) -> Decimal {
        match side {
            Side::Buy => self.buy,
            Side::Sell => self.sell,
        }
    }
}

/// Valuation: what positions are worth, exactly.
impl FactBook {
    /// Cash plus carried positions in the reporting currency; `None` where a currency would
    /// have to be converted, while a needed mark is missing, and on overflow.
    pub fn equity_exact(&self, instruments: &Instruments) -> Option<Decimal> {
        let foreign =
            |(index, cash): (usize, &Decimal)| index != self.reporting.index() && !cash.is_zero();
        if self.cash.iter().enumerate().any(foreign) {
            return None;
        }
        let mut sum = self.cash(self.reporting);
        for (instrument, position) in instruments.iter().zip(&self.net) {
            if position.is_flat() && position.cost.is_zero() {
                continue;
            }
            if instrument.settlement != self.reporting {
                return None;
            }
            let mark = instrument.price_grid.nearest(self.mark(instrument.id)?.price)?;
            let value = instrument.value(position.quantity, mark)?;
            sum = sum.checked_add(value)?;
            if !instrument.kind.is_paid_in_full() {
                sum = sum.checked_sub(position.cost)?;
            }
        }
        Some(sum)
    }
}
