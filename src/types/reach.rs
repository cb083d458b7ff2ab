use serde::{Deserialize, Serialize};

use super::{FactBook, InstrumentId, Side, to_f64};

/// Where the position in one instrument can end up, over all strategies, and what a unit of it is
/// worth: what a rule on values reads of every instrument.
///
/// All of it follows from the exact facts beside it and is kept in `f64`, so that a rule that looks
/// at fifty instruments reads fifty lines of memory and computes nothing twice.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reach {
    /// Reporting currency per unit and price, negative per unit over price for inverse contracts;
    /// 0 while not known.
    units: f64,
    /// The last mark; 0 before the first.
    price: f64,
    size: f64,
    buying: f64,
    selling: f64,
}

static NOTHING: Reach = Reach { units: 0.0, price: 0.0, size: 0.0, buying: 0.0, selling: 0.0 };

impl Reach {
    /// Signed size at the venue.
    #[inline]
    pub const fn size(&self) -> f64 {
        self.size
    }

    /// The same with every working buy filled and no sale.
    #[inline]
    pub const fn up(&self) -> f64 {
        self.size + self.buying
    }

    /// The same with every working sale filled and no buy.
    #[inline]
    pub const fn down(&self) -> f64 {
        self.size - self.selling
    }

    /// The value of one unit at the last mark in the reporting currency, above zero; NaN while
    /// there is no mark or no rate.
    #[inline]
    pub fn unit_value(&self) -> f64 {
        self.unit_value_at(self.price)
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
        if self.units > 0.0 {
            self.units * price
        } else if self.units < 0.0 {
            self.units / price
        } else {
            f64::NAN
        }
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
    pub fn worst(&self) -> f64 {
        let (up, down) = (self.up().abs(), self.down().abs());
        if up > down { up } else { down }
    }

    /// The value of that position at the last mark, in the reporting currency; 0 where nothing is
    /// held, which needs no mark, NaN while it is not known.
    #[inline]
    pub fn worst_value(&self) -> f64 {
        let worst = self.worst();
        if worst == 0.0 { 0.0 } else { worst * self.unit_value() }
    }

    /// Units that the working orders of a side would open beyond closing what is held.
    #[inline]
    pub fn opened(&self, side: Side) -> f64 {
        let (working, against) = match side {
            Side::Buy => (self.buying, -self.size),
            Side::Sell => (self.selling, self.size),
        };
        let opened = working - if against > 0.0 { against } else { 0.0 };
        if opened > 0.0 { opened } else { 0.0 }
    }

    /// The same with one more working order of so many units.
    #[inline]
    pub(crate) fn add(&mut self, side: Side, units: f64) {
        match side {
            Side::Buy => self.buying += units,
            Side::Sell => self.selling += units,
        }
    }

    /// A new mark, above zero.
    #[inline]
    pub(crate) const fn mark(&mut self, price: f64) {
        self.price = price;
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
            reach.units = if rate > 0.0 && units.is_finite() { units } else { 0.0 };
            reach.price = price;
        }
    }

    /// After a change of the net position or of what works.
    #[inline]
    pub(crate) fn settle_reach(&mut self, instrument: InstrumentId) {
        let index = instrument.index();
        let (net, working) = (self.net.get(index), self.working.get(index));
        if let (Some(reach), Some(net), Some(working)) = (self.reaches.get_mut(index), net, working)
        {
            reach.size = net.size;
            // Only a working order has a quantity.
            [reach.buying, reach.selling] = match working.orders {
                0 => [0.0; 2],
                _ => [working.buy, working.sell].map(to_f64),
            };
        }
    }
}
