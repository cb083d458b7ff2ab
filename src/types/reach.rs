use serde::{Deserialize, Serialize};

use super::{FactBook, InstrumentId, PositionFacts, Side};

/// Where the position in one instrument can end up, over all strategies, and what a unit of it is
/// worth: what a rule on values reads of every instrument.
///
/// All of it follows from the exact facts beside it and is kept in `f64`: a fill and an order
/// compute what their instrument can become, a mark is a price beside it, and a rule that looks at
/// fifty instruments multiplies and adds.
///
/// ```
/// use tradewright::types::{
///     Decimal, FactBookBuilder, Instrument, Instruments, Price, Side, SlotId, Timestamp,
/// };
///
/// let mut table = Instruments::new();
/// let spy = table.add(Instrument::stock("SPY", "USD"))?;
/// let entry = Price::new(Decimal::from(90)).unwrap();
/// let book = FactBookBuilder::new(&table, table.find_asset("USD").unwrap())
///     .mark(spy, Timestamp::EPOCH, 100.0)
///     .position(SlotId(1), spy, Decimal::from(10), entry)
///     .working(SlotId(1), spy, Side::Sell, Decimal::from(25))
///     .build();
/// let reach = book.reach(spy);
/// assert_eq!((reach.size(), reach.up(), reach.down()), (10.0, 10.0, -15.0));
/// assert_eq!(reach.worst() * reach.unit_value(), 1_500.0);
/// assert_eq!(reach.opened(Side::Sell), 15.0);
/// # Ok::<(), tradewright::types::InstrumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Reach {
    basis: Stored,
    span: Span,
    /// The basis' units; NaN while they are not known, so that what they are multiplied with needs
    /// no look at them.
    scale: f64,
    /// The value of one unit at the last mark; NaN while it is not known.
    unit: f64,
}

/// What everything else follows from, and what is written of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename = "Reach")]
struct Stored {
    /// Reporting currency per unit and price, negative per unit over price for inverse contracts;
    /// 0 while not known.
    units: f64,
    /// The last mark; 0 before the first.
    price: f64,
    size: f64,
    buying: f64,
    selling: f64,
}

/// Units that follow from position and working orders.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Span {
    worst: f64,
    /// What working orders open, of the side that opens more.
    opened: f64,
    /// The same of both sides together.
    opened_in_all: f64,
}

static NOTHING: Reach = Reach {
    basis: Stored { units: 0.0, price: 0.0, size: 0.0, buying: 0.0, selling: 0.0 },
    span: Span { worst: 0.0, opened: 0.0, opened_in_all: 0.0 },
    scale: f64::NAN,
    unit: f64::NAN,
};

impl Default for Reach {
    fn default() -> Self {
        NOTHING
    }
}

/// Everything else follows from the basis.
impl PartialEq for Reach {
    fn eq(&self, other: &Self) -> bool {
        self.basis == other.basis
    }
}

impl From<Stored> for Reach {
    fn from(basis: Stored) -> Self {
        let mut reach = Self { basis, ..NOTHING };
        reach.settle();
        reach.rescale(basis.units, basis.price);
        reach
    }
}

impl From<Reach> for Stored {
    fn from(reach: Reach) -> Self {
        reach.basis
    }
}

impl Reach {
    /// Signed size at the venue.
    #[inline]
    pub const fn size(&self) -> f64 {
        self.basis.size
    }

    /// The same with every working buy filled and no sale.
    #[inline]
    pub const fn up(&self) -> f64 {
        self.basis.size + self.basis.buying
    }

    /// The same with every working sale filled and no buy.
    #[inline]
    pub const fn down(&self) -> f64 {
        self.basis.size - self.basis.selling
    }

    /// The value of one unit at the last mark in the reporting currency, zero or above; NaN while
    /// there is no mark or no rate, infinite where it is more than an `f64` can tell.
    #[inline]
    pub const fn unit_value(&self) -> f64 {
        self.unit
    }

    /// The value of one unit at a price in the reporting currency, above zero; NaN while it is not
    /// known.
    #[inline]
    pub fn unit_value_at(&self, price: f64) -> f64 {
        known(self.signed_value_at(price).abs())
    }

    /// The value of one unit at a price, which rises with the price: negative for inverse
    /// contracts. NaN while the rate of the currency is not known.
    #[inline]
    pub fn signed_value_at(&self, price: f64) -> f64 {
        if self.basis.units > 0.0 {
            self.basis.units * price
        } else if self.basis.units < 0.0 {
            self.basis.units / price
        } else {
            f64::NAN
        }
    }

    /// True while working orders would open something.
    #[inline]
    pub(crate) const fn opens(&self) -> bool {
        // No sum below zero is kept, nor a zero with a sign: the bits tell it.
        self.span.opened_in_all.to_bits() != 0
    }

    /// True while something is held or would be, were working orders filled.
    #[inline]
    pub(crate) const fn can_be_held(&self) -> bool {
        self.span.worst.to_bits() != 0
    }

    /// Units held on a side once its working orders have filled; never negative.
    #[inline]
    pub fn held(&self, side: Side) -> f64 {
        let held = match side {
            Side::Buy => self.up(),
            Side::Sell => -self.down(),
        };
        if held > 0.0 { held } else { 0.0 }
    }

    /// Units of the largest position that working orders can bring about, on either side.
    #[inline]
    pub const fn worst(&self) -> f64 {
        self.span.worst
    }

    /// The value of that position at the last mark, in the reporting currency; 0 where nothing is
    /// held, which needs no mark, NaN while it is not known.
    #[inline]
    pub fn worst_value(&self) -> f64 {
        self.value_of(self.span.worst)
    }

    /// The value at the last mark of what working orders would open, of the side that opens more;
    /// 0 where they open nothing, NaN while it is not known.
    #[inline]
    pub fn opened_value(&self) -> f64 {
        self.value_of(self.span.opened)
    }

    /// The same of both sides together: what all working orders would have to be paid with.
    #[inline]
    pub fn opened_value_in_all(&self) -> f64 {
        self.value_of(self.span.opened_in_all)
    }

    /// Nothing is worth nothing, whatever the mark.
    #[inline]
    fn value_of(&self, units: f64) -> f64 {
        if units == 0.0 { 0.0 } else { units * self.unit_value() }
    }

    /// Units that the working orders of a side would open beyond closing what is held.
    #[inline]
    pub fn opened(&self, side: Side) -> f64 {
        let (working, against) = match side {
            Side::Buy => (self.basis.buying, -self.basis.size),
            Side::Sell => (self.basis.selling, self.basis.size),
        };
        let opened = working - if against > 0.0 { against } else { 0.0 };
        if opened > 0.0 { opened } else { 0.0 }
    }

    /// The same with one more working order of so many units.
    #[inline]
    pub(crate) fn add(&mut self, side: Side, units: f64) {
        match side {
            Side::Buy => self.basis.buying += units,
            Side::Sell => self.basis.selling += units,
        }
        self.settle();
    }

    /// After a change of the position or of what works.
    fn settle(&mut self) {
        if self.basis.buying == 0.0 && self.basis.selling == 0.0 {
            self.span = Span { worst: self.basis.size.abs(), ..Span::default() };
            return;
        }
        let (up, down) = (self.up().abs(), self.down().abs());
        let (buys, sales) = (self.opened(Side::Buy), self.opened(Side::Sell));
        self.span = Span {
            worst: if up > down { up } else { down },
            opened: if buys > sales { buys } else { sales },
            opened_in_all: buys + sales,
        };
    }

    /// A new mark, above zero.
    #[inline]
    pub(crate) fn mark(&mut self, price: f64) {
        self.basis.price = price;
        self.unit = if self.scale < 0.0 { -self.scale / price } else { self.scale * price };
    }

    /// What moves a value beside the price, 0 while it is not known, and the last mark, 0 before
    /// the first.
    fn rescale(&mut self, units: f64, price: f64) {
        self.basis.units = units;
        self.scale = if units == 0.0 { f64::NAN } else { units };
        self.mark(price);
        if !(price > 0.0) {
            self.unit = f64::NAN;
        }
    }

    /// The last mark; NaN before the first.
    #[inline]
    pub(crate) const fn price(&self) -> f64 {
        if self.basis.price > 0.0 { self.basis.price } else { f64::NAN }
    }
}

/// An unknown value is no small one.
#[inline]
fn known(value: f64) -> f64 {
    if value > 0.0 && value < f64::INFINITY { value } else { f64::NAN }
}

impl FactBook {
    /// Where the position in an instrument can end up, over all strategies.
    #[inline]
    pub fn reach(&self, instrument: InstrumentId) -> &Reach {
        self.reaches.get(instrument.index()).unwrap_or(&NOTHING)
    }

    /// The same of all instruments, by id.
    #[inline]
    pub fn reaches(&self) -> &[Reach] {
        &self.reaches
    }

    /// What moves a value beside the price: the instrument's scale (settlement currency per unit
    /// and price, negative for inverse contracts) and the rate of its currency. A rate that is no
    /// number above zero is none.
    pub(crate) fn set_units(&mut self, instrument: InstrumentId, scale: f64, rate: f64) {
        let units = scale * rate;
        let price = self.mark(instrument).map_or(0.0, |mark| mark.price);
        if let Some(reach) = self.reaches.get_mut(instrument.index()) {
            reach.rescale(if rate > 0.0 && units.is_finite() { units } else { 0.0 }, price);
        }
    }

    /// After a change of the net position or of what works.
    #[inline(never)]
    pub(crate) fn settle_reach(&mut self, instrument: InstrumentId) {
        let index = instrument.index();
        if let (Some(reach), Some(net)) = (self.reaches.get_mut(index), self.net.get(index)) {
            let PositionFacts { size, buying, selling, .. } = *net;
            reach.basis = Stored { size, buying, selling, ..reach.basis };
            reach.settle();
        }
    }
}
