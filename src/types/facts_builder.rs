use rust_decimal::Decimal;

use super::{
    AssetId, FactBook, HaltLevel, InstrumentId, Instruments, MarkFact, PositionFacts, Price, Reach,
    Side, SlotId, StopFact, Timestamp, WorkingFacts, to_f64,
};

/// Facts made by hand, so that rules, guards and sizers can be used and tested alone.
///
/// Net positions, working totals, gross and equity are computed when it is built, as the
/// account would compute them.
///
/// ```
/// use tradewright::types::{
///     Decimal, FactBookBuilder, Facts, Instrument, Instruments, Price, SlotId, Timestamp,
/// };
///
/// let mut table = Instruments::new();
/// let spy = table.add(Instrument::stock("SPY", "USD"))?;
/// let usd = table.find_asset("USD").unwrap();
/// let price = Price::new(Decimal::from(100)).unwrap();
/// let book = FactBookBuilder::new(&table, usd)
///     .cash(usd, Decimal::from(9_000))
///     .mark(spy, Timestamp::EPOCH, 110.0)
///     .position(SlotId(1), spy, Decimal::from(10), price)
///     .build();
/// let facts = Facts::new(Timestamp::EPOCH, SlotId(1), &table, &book);
/// assert_eq!(facts.equity(), 10_100.0);
/// assert_eq!(facts.position(spy).average, 100.0);
/// # Ok::<(), tradewright::types::InstrumentError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "facts exist once they were built"]
pub struct FactBookBuilder<'a> {
    instruments: &'a Instruments,
    book: FactBook,
    equity: Option<f64>,
    stops: Vec<(SlotId, InstrumentId, StopFact)>,
}

impl<'a> FactBookBuilder<'a> {
    /// An empty account with this reporting currency.
    pub fn new(instruments: &'a Instruments, reporting: AssetId) -> Self {
        let count = instruments.len();
        let book = FactBook {
            reporting,
            cash: vec![Decimal::ZERO; instruments.assets().len()],
            marks: vec![MarkFact::default(); count],
            quoted: Vec::new(),
            net: vec![PositionFacts::FLAT; count],
            slots: vec![vec![PositionFacts::FLAT; count]],
            working: vec![WorkingFacts::default(); count],
            reaches: vec![Reach::default(); count],
            ..FactBook::default()
        };
        Self { instruments, book, equity: None, stops: Vec::new() }
    }

    /// Sets the cash of an asset.
    pub fn cash(mut self, asset: AssetId, amount: Decimal) -> Self {
        if let Some(cash) = self.book.cash.get_mut(asset.index()) {
            *cash = amount;
        }
        self
    }

    /// Sets a mark price; the settlement currency's rate becomes 1.
    pub fn mark(self, instrument: InstrumentId, at: Timestamp, price: f64) -> Self {
        self.rated_mark(instrument, MarkFact { price, at, rate: 1.0 })
    }

    /// Sets a mark with the rate of its settlement currency.
    pub fn rated_mark(mut self, instrument: InstrumentId, mark: MarkFact) -> Self {
        if let Some(entry) = self.book.marks.get_mut(instrument.index()) {
            *entry = mark;
        }
        self
    }

    /// Adds to a strategy's position at an average price; numbers that do not fit are left
    /// out.
    pub fn position(
        mut self,
        slot: SlotId,
        instrument: InstrumentId,
        quantity: Decimal,
        average: Price,
    ) -> Self {
        if let Some(entry) = self.instruments.get(instrument) {
            let cost = entry.value(quantity, average.value()).unwrap_or_default();
            add(self.entry(slot, instrument), quantity, cost, average.to_f64());
            if let Some(net) = self.book.net.get_mut(instrument.index()) {
                add(net, quantity, cost, average.to_f64());
            }
        }
        self
    }

    /// Adds one working order of a strategy with this open quantity.
    pub fn working(
        mut self,
        slot: SlotId,
        instrument: InstrumentId,
        side: Side,
        quantity: Decimal,
    ) -> Self {
        if self.instruments.get(instrument).is_none() {
            return self;
        }
        raise(self.entry(slot, instrument), side, quantity);
        let index = instrument.index();
        let (net, working) = (self.book.net.get_mut(index), self.book.working.get_mut(index));
        if let (Some(net), Some(working)) = (net, working) {
            raise(net, side, quantity);
            (working.buy, working.sell) = (net.working_buy, net.working_sell);
            working.orders += 1;
        }
        self
    }

    /// Sets what limits the loss of a strategy's position.
    pub fn stop(mut self, slot: SlotId, instrument: InstrumentId, stop: StopFact) -> Self {
        if self.instruments.get(instrument).is_some() {
            // The slot's row must be there before the table of stops is laid out.
            self.entry(slot, instrument);
            self.stops.push((slot, instrument, stop));
        }
        self
    }

    /// The halt that covers the whole account.
    pub const fn halt(mut self, level: HaltLevel) -> Self {
        self.book.halt = level;
        self
    }

    /// Overrides the equity that positions and cash give, such as by NaN.
    pub const fn equity(mut self, equity: f64) -> Self {
        self.equity = Some(equity);
        self
    }

    /// The facts. Equity is NaN while a mark of a position is missing.
    pub fn build(mut self) -> FactBook {
        let mut equity = to_f64(self.book.cash(self.book.reporting));
        let mut gross = 0.0;
        for (instrument, position) in self.instruments.iter().zip(&self.book.net) {
            if position.is_flat() {
                continue;
            }
            let (price, rate) = self
                .book
                .mark(instrument.id)
                .map_or((f64::NAN, 1.0), |mark| (mark.price, mark.rate));
            let value = instrument.value_f64(position.size, price) * rate;
            gross += value.abs();
            equity += value;
            if !instrument.kind.is_paid_in_full() {
                equity -= to_f64(position.cost) * rate;
            }
        }
        self.book.gross = gross;
        self.reach();
        for (slot, instrument, stop) in self.stops {
            self.book.set_stop(slot, instrument, stop);
        }
        self.book.equity = self.equity.unwrap_or(equity);
        self.book
    }

    fn reach(&mut self) {
        for instrument in self.instruments.iter() {
            let is_own = instrument.settlement == self.book.reporting;
            let mark = self.book.mark(instrument.id);
            let rate = if is_own { 1.0 } else { mark.map_or(f64::NAN, |mark| mark.rate) };
            self.book.set_units(instrument.id, instrument.price_scale(), rate);
            self.book.settle_reach(instrument.id);
        }
    }

    fn entry(&mut self, slot: SlotId, instrument: InstrumentId) -> &mut PositionFacts {
        let count = self.instruments.len();
        let slots = &mut self.book.slots;
        if slots.len() <= slot.index() {
            slots.resize(slot.index() + 1, vec![PositionFacts::FLAT; count]);
        }
        // Callers have looked the instrument up and every row has an entry per instrument.
        &mut slots[slot.index()][instrument.index()]
    }
}

fn add(position: &mut PositionFacts, quantity: Decimal, cost: Decimal, average: f64) {
    position.quantity = position.quantity.saturating_add(quantity);
    position.size = to_f64(position.quantity);
    position.cost = position.cost.saturating_add(cost);
    position.average = if position.quantity.is_zero() { 0.0 } else { average };
}

fn raise(position: &mut PositionFacts, side: Side, quantity: Decimal) {
    let (mut buy, mut sell) = (position.working_buy, position.working_sell);
    match side {
        Side::Buy => buy = buy.saturating_add(quantity),
        Side::Sell => sell = sell.saturating_add(quantity),
    }
    position.set_working([buy, sell], [buy, sell].map(to_f64));
}
