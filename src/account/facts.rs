use rust_decimal::Decimal;

use super::arithmetic::{add, sub};
use super::rates::RateSource;
use super::seen::SeenTrades;
use super::{AssetSums, LedgerError, PnlCalculator};
use crate::types::{
    AssetId, FactBook, Fill, FillReport, Funding, HaltLevel, InstrumentId, Instruments, Label, Leg,
    Liquidity, MarkFact, Money, OrderId, PositionFacts, Price, Purpose, Qty, QuotedPrice, Reach,
    Side, SlotId, Timestamp, Trade, TradeId, WorkingFacts, small,
};

/// Marks of held instruments after which equity is summed anew: rounding must not add up.
pub(super) const MARKS_PER_SUM: u32 = 1_024;

/// The account: the books of money, the facts that everybody reads, and the memory of booked
/// executions.
///
/// Equity is kept as `f64`: each mark moves it by the change in value of what is held, and
/// each booking, and every 1,024th such mark, sums it anew from the exact books. It is NaN,
/// so that every limit fails closed, as long as a currency that is held has no rate: an
/// instrument between that currency and the reporting currency must be in the table and have
/// a mark. Before an instrument's first mark the price of its first fill or adjustment
/// stands in for it.
///
/// ```
/// use tradewright::account::{Account, AdjustmentEffects, Ledger, LedgerConfig};
/// use tradewright::types::{
///     Adjustment, AdjustmentCause, AdjustmentKind, Decimal, Instrument, Instruments, Money,
///     Timestamp,
/// };
///
/// let mut instruments = Instruments::new();
/// let share = instruments.add(Instrument::stock("ACME", "USD"))?;
/// let usd = instruments[share].quote;
/// let ledger = Box::new(Ledger::new(&instruments, 2, LedgerConfig::default()));
/// let mut account = Account::new(&instruments, 2, usd, ledger)?;
/// let capital = Adjustment {
///     cause: AdjustmentCause::Deposit,
///     kind: AdjustmentKind::Capital(Money::new(Decimal::from(1_000), usd)),
/// };
/// account.adjust(Timestamp::EPOCH, &instruments, &capital, &mut AdjustmentEffects::default())?;
/// account.mark(Timestamp::EPOCH, &instruments, share, 12.5);
/// assert_eq!(account.book().equity(), 1_000.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Account {
    pub(super) pnl: Box<dyn PnlCalculator>,
    /// Positions may have legs; asked once of the books.
    pub(super) has_legs: bool,
    pub(super) book: FactBook,
    pub(super) seen: SeenTrades,
    /// By instrument.
    pub(super) terms: Vec<Terms>,
    /// By asset.
    pub(super) rates: Vec<Rate>,
    /// Number of live orders, by instrument and slot.
    pub(super) orders: Vec<u32>,
    pub(super) marks_left: u32,
    /// False once a sum over all slots did not fit.
    pub(super) is_sound: bool,
}

/// What a mark needs to know of its instrument, in one cache line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) multiplier: f64,
    /// Net quantity over all slots.
    pub(super) size: f64,
    /// Sum of the legs' net quantities without signs.
    pub(super) gross_size: f64,
    pub(super) is_inverse: bool,
    /// Its mark is the rate of a currency.
    pub(super) is_rate: bool,
    /// Its mark changes more than itself.
    pub(super) is_live: bool,
    /// Net quantities of the long and the short leg.
    pub(super) legs: [Decimal; 2],
}

/// How an asset is converted to the reporting currency, and whether that matters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    pub(super) source: RateSource,
    /// Some instrument's profits are paid in it.
    pub(super) settles: bool,
    /// There is cash of it.
    pub(super) is_held: bool,
}

impl Account {
    /// An account of so many slots, the house included; what the books hold already becomes
    /// its facts.
    ///
    /// # Errors
    /// [`LedgerError::UnknownAsset`] when the reporting currency is not in the table,
    /// [`LedgerError::UnknownSlot`] without slots or with more than 65,536, and
    /// [`LedgerError::Overflow`].
    pub fn new(
        instruments: &Instruments,
        slots: usize,
        reporting: AssetId,
        pnl: Box<dyn PnlCalculator>,
    ) -> Result<Self, LedgerError> {
        if instruments.asset_of(reporting).is_none() {
            return Err(LedgerError::UnknownAsset { asset: reporting });
        }
        if slots == 0 || slots > usize::from(u16::MAX) + 1 {
            return Err(LedgerError::UnknownSlot { slot: SlotId::HOUSE });
        }
        let book = FactBook {
            reporting,
            equity: 0.0,
            cash: vec![Decimal::ZERO; instruments.assets().len()],
            marks: vec![MarkFact::default(); instruments.len()],
            net: vec![PositionFacts::FLAT; instruments.len()],
            slots: vec![vec![PositionFacts::FLAT; instruments.len()]; slots],
            working: vec![WorkingFacts::default(); instruments.len()],
            reaches: vec![Reach::default(); instruments.len()],
            halt: HaltLevel::Active,
            gross: 0.0,
            quoted: vec![QuotedPrice::default(); instruments.len()],
            stops: Vec::new(),
        };
        let mut account = Self {
            has_legs: pnl.has_legs(),
            pnl,
            book,
            seen: SeenTrades::new(instruments.len()),
            terms: Vec::with_capacity(instruments.len()),
            rates: Vec::with_capacity(instruments.assets().len()),
            orders: vec![0; instruments.len() * slots],
            marks_left: MARKS_PER_SUM,
            is_sound: true,
        };
        account.settle_terms(instruments);
        for instrument in instruments.iter() {
            for slot in account.slot_ids() {
                account.written(instrument, slot, [Decimal::ZERO; 2])?;
            }
        }
        account.refresh_cash();
        account.sum_up(instruments);
        Ok(account)
    }

    /// The facts.
    #[inline]
    pub const fn book(&self) -> &FactBook {
        &self.book
    }

    /// The books of money.
    pub fn pnl(&self) -> &dyn PnlCalculator {
        self.pnl.as_ref()
    }

    /// The sums of an asset since the start.
    pub fn sums(&self, asset: AssetId) -> AssetSums {
        self.pnl.sums(asset)
    }

    /// Notes the severest halt that covers the whole account.
    pub const fn set_halt(&mut self, level: HaltLevel) {
        self.book.halt = level;
    }

    /// Takes a price of the market: the hot path of every event.
    ///
    /// A price that is not finite and above zero, or of an unknown instrument, changes
    /// nothing.
    #[inline]
    pub fn mark(&mut self, at: Timestamp, instruments: &Instruments, id: InstrumentId, price: f64) {
        if price > 0.0 && price <= f64::MAX {
            self.mark_sound(at, instruments, id, price);
        }
    }

    /// [`Account::mark`] at a price that is known to be finite and above zero.
    #[inline]
    pub(crate) fn mark_sound(
        &mut self,
        at: Timestamp,
        instruments: &Instruments,
        id: InstrumentId,
        price: f64,
    ) {
        let index = id.index();
        let (Some(fact), Some(reach), Some(terms)) = (
            self.book.marks.get_mut(index),
            self.book.reaches.get_mut(index),
            self.terms.get(index),
        ) else {
            return;
        };
        let last = fact.price;
        fact.price = price;
        fact.at = at;
        reach.mark(price);
        if !terms.is_live {
            return;
        }
        self.marks_left = self.marks_left.saturating_sub(1);
        if terms.is_rate || self.marks_left == 0 || !(last > 0.0) {
            return self.sum_marks(instruments, id);
        }
        let units = terms.multiplier * fact.rate;
        let (change, gross) = if terms.is_inverse {
            let change = units / last - units / price;
            (change, -change)
        } else {
            let change = units * (price - last);
            (change, change)
        };
        self.book.equity += terms.size * change;
        self.book.gross += terms.gross_size * gross;
    }

    /// Keeps the price of an event of the market, once everybody has been told of it.
    #[inline]
    pub(crate) fn quote(&mut self, at: Timestamp, id: InstrumentId, price: f64) {
        if let Some(quoted) = self.book.quoted.get_mut(id.index()) {
            *quoted = QuotedPrice { price, at };
        }
    }

    /// Sums everything anew, with new rates where the instrument is one.
    #[inline(never)]
    fn sum_marks(&mut self, instruments: &Instruments, id: InstrumentId) {
        if self.terms.get(id.index()).is_some_and(|terms| terms.is_rate) {
            self.refresh_rates(instruments);
        }
        self.sum_up(instruments);
    }

    /// True when this execution was booked before.
    pub fn is_repeated(&self, instrument: InstrumentId, trade: TradeId) -> bool {
        self.seen.contains(instrument, trade)
    }

    /// Books an execution and remembers its trade id; closed pieces are appended to `closed`.
    /// Answers what it realised, fees not included. The caller has asked
    /// [`Account::is_repeated`] before.
    ///
    /// Should the sum over all slots not fit 28 digits although each slot's numbers do, the
    /// fill is booked and equity is NaN from then on: a fill is never dropped.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing changed, the trade id is not remembered.
    pub fn on_fill(
        &mut self,
        instruments: &Instruments,
        fill: &Fill,
        closed: &mut Vec<Trade>,
    ) -> Result<Money, LedgerError> {
        let realised = self.book_fill(instruments, fill, closed)?;
        self.seen.remember(fill.instrument, fill.execution.trade);
        self.sum_up(instruments);
        Ok(realised)
    }

    /// Books funding on every position of the instrument; payments are appended to `paid`,
    /// positive when received.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing changed.
    pub fn on_funding(
        &mut self,
        at: Timestamp,
        instruments: &Instruments,
        funding: &Funding,
        paid: &mut Vec<(SlotId, Money)>,
    ) -> Result<(), LedgerError> {
        self.pnl.on_funding(at, instruments, funding, paid)?;
        self.refresh_cash();
        self.sum_up(instruments);
        Ok(())
    }

    /// Sets the unfilled quantities and the number of a slot's live orders in an instrument.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing changed.
    pub fn reserve(
        &mut self,
        slot: SlotId,
        instrument: InstrumentId,
        buy: Decimal,
        sell: Decimal,
        orders: u32,
    ) -> Result<(), LedgerError> {
        let index = instrument.index();
        let place = index * self.book.slots.len() + slot.index();
        let own = self.book.slots.get_mut(slot.index()).ok_or(LedgerError::UnknownSlot { slot })?;
        let unknown = LedgerError::UnknownInstrument { instrument };
        let own = own.get_mut(index).ok_or(unknown)?;
        let count = self.orders.get_mut(place).ok_or(unknown)?;
        let before = WorkingFacts { buy: own.working_buy, sell: own.working_sell, orders: *count };
        let after = WorkingFacts { buy, sell, orders };
        if is_same(&before, &after) {
            return Ok(());
        }
        let working = self.book.working.get_mut(index).ok_or(unknown)?;
        let net = self.book.net.get_mut(index).ok_or(unknown)?;
        // What others have working stays; mostly there are none.
        let is_alone = is_same(working, &before);
        let sum = if is_alone { None } else { Some(moved(*working, before, after)?) };
        *count = orders;
        let sizes = after.sizes();
        own.set_working([buy, sell], sizes);
        // Written from the same source, not copied from what was just written.
        if let Some(sum) = sum {
            net.set_working([sum.buy, sum.sell], sum.sizes());
            *working = sum;
        } else {
            net.set_working([buy, sell], sizes);
            *working = WorkingFacts { buy, sell, orders };
        }
        self.book.settle_reach(instrument);
        Ok(())
    }

    /// Crosses two slots' opposite wishes inside the account: two bookings without fees, the
    /// position at the venue stays. Nothing happens when a slot trades with itself.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing changed. When the buyer's books take it and the seller's
    /// overflow, the buyer sells back at the same price.
    #[expect(clippy::too_many_arguments, reason = "the parties of one trade")]
    pub fn cross(
        &mut self,
        at: Timestamp,
        instruments: &Instruments,
        instrument: InstrumentId,
        buyer: SlotId,
        seller: SlotId,
        quantity: Decimal,
        price: Price,
        closed: &mut Vec<Trade>,
    ) -> Result<(), LedgerError> {
        if quantity <= Decimal::ZERO {
            return Err(LedgerError::BadQuantity { quantity });
        }
        let settlement = self.known(instruments, instrument, buyer)?.settlement;
        self.known(instruments, instrument, seller)?;
        if buyer == seller {
            return Ok(());
        }
        let fill = |slot: SlotId, side: Side| Fill {
            at,
            order: OrderId::default(),
            slot,
            instrument,
            side,
            leg: Leg::Net,
            execution: FillReport {
                trade: TradeId::default(),
                price,
                quantity: Qty::new(quantity),
                fee: Money::zero(settlement),
                liquidity: Liquidity::Maker,
                before_slippage: price,
            },
            arrival: f64::NAN,
            purpose: Purpose::Entry,
            tag: Label::default(),
        };
        let (bought, sold) = (fill(buyer, Side::Buy), fill(seller, Side::Sell));
        self.cross_fills(instruments, &bought, &sold, closed).map(|_| ())
    }

    /// The same for two fills that name their orders; answers what each of them realised. The
    /// closed trades of the buyer come before those of the seller.
    ///
    /// The two must be of one instrument, quantity and price, of different slots and without a
    /// fee.
    ///
    /// # Errors
    /// As [`Account::cross`].
    pub fn cross_fills(
        &mut self,
        instruments: &Instruments,
        bought: &Fill,
        sold: &Fill,
        closed: &mut Vec<Trade>,
    ) -> Result<[Money; 2], LedgerError> {
        let before = closed.len();
        let first = self.book_fill(instruments, bought, closed)?;
        let second = self.book_fill(instruments, sold, closed).map_err(|error| {
            let back = Fill { side: bought.side.opposite(), ..*bought };
            let undone = self.book_fill(instruments, &back, closed);
            closed.truncate(before);
            undone.err().unwrap_or(error)
        });
        self.sum_up(instruments);
        Ok([first, second?])
    }
}

/// True when two reservations have the same numbers to the last zero.
fn is_same(a: &WorkingFacts, b: &WorkingFacts) -> bool {
    a.orders == b.orders && small::is_same(a.buy, b.buy) && small::is_same(a.sell, b.sell)
}

/// What all owners have working after one of them went from `before` to `after`.
#[inline(never)]
fn moved(
    all: WorkingFacts,
    before: WorkingFacts,
    after: WorkingFacts,
) -> Result<WorkingFacts, LedgerError> {
    let what = "working orders";
    let moved = |all: Decimal, old: Decimal, new: Decimal| {
        if small::is_same(all, old) { Ok(new) } else { add(sub(all, old, what)?, new, what) }
    };
    let others = all.orders.checked_sub(before.orders);
    Ok(WorkingFacts {
        buy: moved(all.buy, before.buy, after.buy)?,
        sell: moved(all.sell, before.sell, after.sell)?,
        orders: others
            .and_then(|others| others.checked_add(after.orders))
            .ok_or(LedgerError::Overflow { what })?,
    })
}
