use rust_decimal::Decimal;

use crate::account::{AdjustmentEffects, LotMethod, PnlCalculator};
use crate::testkit::inputs::{MoneyEvent, money_events, money_table};
use crate::testkit::reference::{NaiveLedger, naive_value};
use crate::testkit::{BrokenLaw, Fault, Suite};
use crate::types::{AssetId, Instrument, Instruments, Leg, Money, Price, SlotId, Timestamp};

const TAKEN: &str = "what is sound is booked";
const HELD: &str = "positions are what raw fills add up to";
const FLAT: &str = "what is closed costs nothing and has no profit left";
const COST: &str = "lots cost what their units cost";
const FEES: &str = "fees and funding are what raw events add up to";
const PROFIT: &str = "realised and unrealised profit are worth less spending";
const CONSERVED: &str = "cash, positions and deposits balance with profit, fees and funding";
const TRADES: &str = "the trades' profit is the realised profit";
const RESTORED: &str = "restored books are the saved ones";
const REFUSED: &str = "what is refused changes nothing";

/// Slots of the books, the house included.
const SLOTS: u16 = 3;

/// The assets that [`money_events`] move.
const ASSETS: [usize; 3] = [0, 1, 2];

impl Suite {
    /// The laws of [`PnlCalculator`]: on drawn fills, funding, dividends, splits, settlements and
    /// capital the books equal a naive ledger that knows raw events only, in each asset, after
    /// every event, to the last digit; they are restored as they were saved, and what they
    /// refuse changes nothing.
    ///
    /// `build` makes empty books for a table and a number of slots; `lots` says how they match.
    ///
    /// ```
    /// use tradewright::account::{Ledger, LedgerConfig, LotMethod};
    /// use tradewright::testkit::Suite;
    ///
    /// let build = |table: &_, slots| Ledger::new(table, slots, LedgerConfig::default());
    /// Suite::new().cases(16).pnl(LotMethod::Average, build)?;
    /// # Ok::<(), tradewright::testkit::BrokenLaw>(())
    /// ```
    ///
    /// # Errors
    /// [`BrokenLaw`].
    pub fn pnl<P: PnlCalculator>(
        &self,
        lots: LotMethod,
        build: impl Fn(&Instruments, usize) -> P,
    ) -> Result<(), BrokenLaw> {
        let inputs = (money_events(1..40), 20_i64..60);
        let name = format!("books by {lots:?}");
        self.check(&name, &inputs, |(events, mark)| {
            let table = money_table();
            let mut books = Books {
                books: build(&table, usize::from(SLOTS)),
                table,
                lots,
                naive: NaiveLedger::default(),
                effects: AdjustmentEffects::default(),
                mark: Decimal::from(*mark),
            };
            for (second, event) in (1_i64..).zip(events) {
                books.take(Timestamp::from_nanos(second.saturating_mul(1_000_000_000)), event)?;
                books.laws()?;
            }
            books.refuses()?;
            let saved = saved(&books.books)?;
            let mut restored = build(&books.table, usize::from(SLOTS));
            restored.restore(&saved).map_err(|error| Fault::new(RESTORED, error.to_string()))?;
            let same = self::saved(&restored)? == saved;
            Fault::unless(same, RESTORED, || "another state".to_owned())
        })
    }
}

fn saved<P: PnlCalculator>(books: &P) -> Result<Vec<u8>, Fault> {
    books.save().map_err(|error| Fault::new(RESTORED, error.to_string()))
}

/// Books beside their naive model.
struct Books<P> {
    books: P,
    table: Instruments,
    lots: LotMethod,
    naive: NaiveLedger,
    effects: AdjustmentEffects,
    mark: Decimal,
}

impl<P: PnlCalculator> Books<P> {
    fn take(&mut self, at: Timestamp, event: &MoneyEvent) -> Result<(), Fault> {
        self.naive.take(event, self.lots);
        event
            .book(at, &self.table, &mut self.books, &mut self.effects)
            .map_err(|error| Fault::new(TAKEN, error.to_string()))
    }

    fn laws(&self) -> Result<(), Fault> {
        let zero = [Decimal::ZERO; 4];
        let (mut open, mut carried, mut unrealised) = (zero, zero, zero);
        for (index, instrument) in self.table.iter().enumerate() {
            let asset = NaiveLedger::settlement(index);
            for slot in 0..SLOTS {
                let [value, at_risk, profit] = self.position(SlotId(slot), index, instrument)?;
                add(&mut open[asset], value)?;
                add(&mut carried[asset], at_risk)?;
                add(&mut unrealised[asset], profit)?;
            }
        }
        for asset in ASSETS {
            let sums = self.books.sums(id(asset));
            let naive = &self.naive;
            same(FEES, (sums.fees, sums.funding), (naive.fees[asset], naive.funding[asset]))?;
            let worth = sum([open[asset], -naive.spent[asset], naive.income[asset]])?;
            same(PROFIT, sum([sums.realised, unrealised[asset]])?, worth)?;
            let left = sum([sums.cash, carried[asset], -sums.deposits])?;
            let right = sum([worth, -naive.fees[asset], naive.funding[asset]])?;
            same(CONSERVED, left, right)?;
        }
        // The third asset moves by capital and fees alone.
        let third = self.books.sums(id(2));
        let expected = sum([self.naive.capital[2], -self.naive.fees[2]])?;
        same(CONSERVED, (third.cash, third.deposits), (expected, self.naive.capital[2]))?;
        self.trades()
    }

    /// Value, carried value and unrealised profit of one position, each held against the model.
    fn position(
        &self,
        slot: SlotId,
        index: usize,
        instrument: &Instrument,
    ) -> Result<[Decimal; 3], Fault> {
        let holding = self.books.holding(slot, instrument.id, Leg::Net);
        same(HELD, holding.quantity, self.naive.held[slot.index()][index])?;
        if self.lots != LotMethod::Average && !instrument.kind.is_inverse() {
            same(COST, holding.cost, self.naive.cost(slot.index(), index))?;
        }
        let mark = Price::new(self.mark).map_err(|error| Fault::new(TAKEN, error.to_string()))?;
        let told = self
            .books
            .unrealized(instrument, slot, mark)
            .map_err(|error| Fault::new(TAKEN, error.to_string()))?;
        same(PROFIT, told.asset, instrument.settlement)?;
        if holding.quantity.is_zero() {
            same(FLAT, (holding.cost, told.amount), (Decimal::ZERO, Decimal::ZERO))?;
        }
        let value = naive_value(index, holding.quantity, self.mark);
        let is_paid = instrument.kind.is_paid_in_full();
        let carried = if is_paid { value } else { sum([value, -holding.cost])? };
        Ok([value, carried, told.amount])
    }

    /// Every piece that was closed is a trade, whatever closed it.
    fn trades(&self) -> Result<(), Fault> {
        let mut gross = self.naive.income;
        for trade in &self.effects.closed {
            let Money { amount, asset } = trade.gross;
            if let Some(sum) = gross.get_mut(asset.index()) {
                add(sum, amount)?;
            }
        }
        for asset in [0, 1] {
            same(TRADES, self.books.sums(id(asset)).realised, gross[asset])?;
        }
        if self.lots == LotMethod::Average {
            return Ok(());
        }
        let [spot, linear, _, option] = self.naive.matched;
        let matched = sum([spot, linear, option, self.naive.income[1]])?;
        same(TRADES, self.books.sums(id(1)).realised, matched)
    }

    /// Fills of nothing, of unknown instruments and of unknown slots.
    fn refuses(&mut self) -> Result<(), Fault> {
        let before = saved(&self.books)?;
        let fill = |slot, instrument, quantity| MoneyEvent::Fill {
            slot,
            instrument,
            quantity,
            price: 50,
            fee: (1, 1),
        };
        for bad in
            [fill(1, 0, 0), fill(1, 9, 5), fill(SLOTS, 0, 5), MoneyEvent::Split { instrument: 9 }]
        {
            let closed = self.effects.closed.len();
            let at = Timestamp::MAX;
            let outcome = bad.book(at, &self.table, &mut self.books, &mut self.effects);
            let is_same = saved(&self.books)? == before && self.effects.closed.len() == closed;
            Fault::unless(outcome.is_err() && is_same, REFUSED, || {
                format!("{bad:?}: {outcome:?}")
            })?;
        }
        Ok(())
    }
}

fn id(asset: usize) -> AssetId {
    AssetId(u16::try_from(asset).unwrap_or(u16::MAX))
}

fn same<T: PartialEq + core::fmt::Debug>(
    law: &'static str,
    told: T,
    naive: T,
) -> Result<(), Fault> {
    Fault::unless(told == naive, law, || format!("{told:?} in the books, {naive:?} of raw events"))
}

fn add(total: &mut Decimal, amount: Decimal) -> Result<(), Fault> {
    *total = sum([*total, amount])?;
    Ok(())
}

fn sum<const N: usize>(terms: [Decimal; N]) -> Result<Decimal, Fault> {
    let total = terms.iter().try_fold(Decimal::ZERO, |sum, term| sum.checked_add(*term));
    total.ok_or_else(|| Fault::new(TAKEN, "sums beyond 28 digits"))
}
