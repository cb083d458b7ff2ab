use proptest::prelude::*;
use rust_decimal::Decimal;

use super::table;
use crate::types::{
    FactBook, FactBookBuilder, Facts, InstrumentId, Instruments, Intent, MarkFact, Price, Qty,
    Side, SlotId, Timestamp,
};

/// Marks of the four instruments of [`table`], in whole units of the quote currency.
const MARKS: [u32; 4] = [100, 50, 20, 40_000];

/// An account at one moment and what it wants to do: what a rule, a sizer or a manager is shown.
///
/// It is made of plain numbers over the instruments of [`table`], so that a law can change one of
/// them and ask again.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Signed position of slot 1 in each instrument, entered at the mark.
    pub positions: [i64; 4],
    /// Working orders of slot 1: instrument, side, units.
    pub working: Vec<(u32, Side, u32)>,
    /// What is wanted: instrument, side, units; the first is the leg that laws look at.
    pub wanted: Vec<(u32, Side, u32)>,
    /// Equity in USD; positions and cash do not change it, so that a law can vary them alone.
    pub equity: f64,
    /// The instrument whose mark is missing.
    pub unmarked: Option<u32>,
    /// Seconds since the marks were taken.
    pub age_s: u32,
}

impl Scene {
    /// The account as facts over the instruments of [`table`].
    pub fn book(&self, instruments: &Instruments) -> FactBook {
        let usd = instruments.find_asset("USD").unwrap_or_default();
        let mut builder = FactBookBuilder::new(instruments, usd).equity(self.equity);
        for (index, mark) in (0_u32..).zip(MARKS) {
            let id = InstrumentId(index);
            let rate = if index == 3 { f64::from(mark) } else { 1.0 };
            if self.unmarked != Some(index) {
                let fact = MarkFact { price: f64::from(mark), at: Timestamp::EPOCH, rate };
                builder = builder.rated_mark(id, fact);
            }
            let held = self.positions.get(id.index()).copied().unwrap_or_default();
            if let Ok(average) = Price::new(Decimal::from(mark)) {
                builder = builder.position(SlotId(1), id, Decimal::from(held), average);
            }
        }
        for (id, side, units) in &self.working {
            let units = Decimal::from(*units);
            builder = builder.working(SlotId(1), InstrumentId(*id), *side, units);
        }
        builder.build()
    }

    /// Shows the facts of this moment to a closure.
    pub fn with_facts<T>(&self, look: impl FnOnce(&Facts<'_>) -> T) -> T {
        let instruments = table();
        let book = self.book(&instruments);
        let age = core::time::Duration::from_secs(u64::from(self.age_s));
        look(&Facts::new(Timestamp::EPOCH.after(age), SlotId(1), &instruments, &book))
    }

    /// What is wanted, as market intents of slot 1.
    pub fn group(&self) -> Vec<Intent> {
        let one = |&(id, side, units): &(u32, Side, u32)| {
            let quantity = Qty::from(i64::from(units));
            let reference = MARKS.get(id as usize).copied().map_or(f64::NAN, f64::from);
            Intent { reference, ..Intent::market(SlotId(1), InstrumentId(id), side, quantity) }
        };
        self.wanted.iter().map(one).collect()
    }

    /// The same scene in which only the first leg is wanted.
    #[must_use]
    pub fn alone(&self) -> Self {
        Self { wanted: self.wanted.iter().take(1).copied().collect(), ..self.clone() }
    }

    /// The same scene with so many more units held, on the side that the first leg would enlarge.
    #[must_use]
    pub fn holding_more(&self, units: u32) -> Self {
        let mut scene = self.clone();
        if let Some((id, side, _)) = self.wanted.first()
            && let Some(held) = scene.positions.get_mut(*id as usize)
        {
            *held = match side {
                Side::Buy => held.saturating_add(i64::from(units)),
                Side::Sell => held.saturating_sub(i64::from(units)),
            };
        }
        scene
    }
}

/// Accounts with positions, working orders and wishes of any size and side, rich, poor and in
/// debt.
pub fn scenes() -> impl Strategy<Value = Scene> + Clone {
    let side = prop::sample::select(vec![Side::Buy, Side::Sell]);
    let order = (0_u32..4, side, 1_u32..300);
    let equity = prop_oneof![8 => 1_000.0..500_000.0, 1 => -1e5..1e3, 1 => Just(0.0)];
    (
        prop::array::uniform4(prop_oneof![1 => Just(0_i64), 3 => -200_i64..200]),
        prop::collection::vec(order.clone(), 0..5),
        prop::collection::vec(order, 1..4),
        equity,
        0_u32..7_200,
    )
        .prop_map(|(positions, working, wanted, equity, age_s)| Scene {
            positions,
            working,
            wanted,
            equity,
            unmarked: None,
            age_s,
        })
}
