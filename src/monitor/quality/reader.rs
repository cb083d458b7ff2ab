use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::figures::QualitySums;
use super::{FillRow, GroupQuality, OrderQuality, QualitySummary, Tracked};
use crate::metrics::MetricsSink;
use crate::monitor::groups::Groups;
use crate::monitor::{History, MonitorError, config};
use crate::types::{
    Facts, Fill, InstrumentId, Order, OrderId, OrderStatus, Record, SlotId, Timestamp,
};

/// What trading cost: a reader of records that follows each order from its decision to its end.
///
/// Of every fill it tells the slippage against the price at the decision, of every order that
/// has ended the implementation shortfall by its parts ([`Shortfall`](super::Shortfall)), fill
/// ratio and time to fill, and the sums by strategy and symbol.
///
/// - The price at the **decision** is the mark when the intent was made: the middle of a quote
///   or the last price, whatever marks the account. A stop decides at its trigger (a trailing
///   one at the last mark before its fill), and what it was placed at is of no matter.
/// - The price at **arrival** is the last mark before the venue said that the order works.
/// - The price at the **end** is the last mark before the order was over. Quotes that were
///   pulled and stops that were not touched missed nothing.
/// - Money is in the reporting currency at the rates of the first mark after the order's end,
///   and so is the row of the order: until then it counts as working.
///
/// An order that was sent again after it was cancelled counts as two.
///
/// ```
/// use tradewright::backtest::{Backtest, Tape};
/// use tradewright::monitor::FillQuality;
/// # use tradewright::types::{Bar, Instrument, Instruments, MarketEvent, Period, Timestamp};
/// # let mut instruments = Instruments::new();
/// # let spy = instruments.add(Instrument::stock("SPY", "USD"))?;
/// # let mut tape = Tape::new(instruments);
/// # for day in 1..=90 {
/// #     let price = 100.0 + f64::from(day * day % 17);
/// #     let bar = Bar::new(spy, Period::DAY, [price, price, price, price], 1e6)?;
/// #     tape.push(Timestamp::from_secs(86_400 * i64::from(day))?, MarketEvent::Bar(bar))?;
/// # }
/// let backtest = Backtest::new(&tape).strategy("MEAN_REVERSION");
/// let (report, quality) = backtest.run_with(FillQuality::default())?;
/// let summary = quality.summary();
/// assert_eq!(summary.all.filled_orders, report.fills.len() as u64);
/// println!("{summary}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct FillQuality {
    live: Vec<Tracked>,
    ended: usize,
    fills: History<FillRow>,
    orders: History<OrderQuality>,
    all: QualitySums,
    by_strategy: Groups<SlotId, QualitySums>,
    by_symbol: Groups<InstrumentId, QualitySums>,
    strays: u64,
    untracked: u64,
}

/// Orders that are followed at once.
const MOST_LIVE: usize = 4_096;

/// Strategies and symbols that have figures of their own.
const MOST_GROUPS: usize = 1_024;

impl Default for FillQuality {
    /// Keeps 1,024 orders and fills.
    fn default() -> Self {
        Self::keeping(1_024)
    }
}

impl FillQuality {
    /// A reader that keeps the rows of so many orders and as many fills, 1 to 1,048,576.
    ///
    /// # Errors
    /// [`MonitorError::OutOfRange`].
    pub fn new(rows: usize) -> Result<Self, MonitorError> {
        config::in_range("rows", rows, 1, config::MOST_ENTRIES)?;
        Ok(Self::keeping(rows))
    }

    fn keeping(rows: usize) -> Self {
        Self {
            live: Vec::new(),
            ended: 0,
            fills: History::new(rows),
            orders: History::new(rows),
            all: QualitySums::default(),
            by_strategy: Groups::new(MOST_GROUPS),
            by_symbol: Groups::new(MOST_GROUPS),
            strays: 0,
            untracked: 0,
        }
    }

    /// The last fills, by pages.
    pub const fn fills(&self) -> &History<FillRow> {
        &self.fills
    }

    /// The last orders that have ended, by pages.
    pub const fn orders(&self) -> &History<OrderQuality> {
        &self.orders
    }

    /// All sums in one value.
    pub fn summary(&self) -> QualitySummary {
        QualitySummary {
            all: self.all.figures(),
            by_strategy: view(&self.by_strategy),
            by_symbol: view(&self.by_symbol),
            working: self.live.len(),
            strays: self.strays,
            untracked: self.untracked,
        }
    }

    fn place(&mut self, order: &Order) {
        let Err(place) = self.live.binary_search_by_key(&order.id, |known| known.id) else {
            return;
        };
        if self.live.len() >= MOST_LIVE {
            self.untracked = self.untracked.saturating_add(1);
            return;
        }
        self.live.insert(place, Tracked::new(order));
    }

    fn find(&mut self, id: OrderId) -> Option<&mut Tracked> {
        let place = self.live.binary_search_by_key(&id, |known| known.id).ok()?;
        self.live.get_mut(place)
    }

    fn change(&mut self, at: Timestamp, id: OrderId, to: OrderStatus) {
        let Some(order) = self.find(id) else { return };
        match to {
            OrderStatus::Pending => {}
            OrderStatus::Open | OrderStatus::PartiallyFilled => order.arrive(),
            OrderStatus::Filled
            | OrderStatus::Cancelled
            | OrderStatus::Rejected
            | OrderStatus::Expired => {
                if order.end.replace((to, at)).is_none() {
                    self.ended += 1;
                }
            }
        }
    }

    fn fill(&mut self, fill: &Fill) {
        let row = match self.find(fill.order) {
            Some(order) => order.fill(fill),
            None => {
                self.strays = self.strays.saturating_add(1);
                FillRow::new(fill, fill.arrival)
            }
        };
        self.fills.push(row);
    }

    #[cold]
    fn finish(&mut self, facts: &Facts<'_>) {
        for order in self.live.iter().filter(|order| order.end.is_some()) {
            let (row, money) = order.finish(facts);
            let money = money.as_ref();
            self.all.add(&row, money);
            if let Some(sums) = self.by_strategy.of(row.slot) {
                sums.add(&row, money);
            }
            if let Some(sums) = self.by_symbol.of(row.instrument) {
                sums.add(&row, money);
            }
            self.orders.push(row);
        }
        self.live.retain(|order| order.end.is_none());
        self.ended = 0;
    }

    /// Why it cannot have come from records.
    fn fault(&self) -> Option<&'static str> {
        let pairs = self.live.iter().zip(self.live.iter().skip(1));
        if self.live.len() > MOST_LIVE || pairs.into_iter().any(|(one, next)| one.id >= next.id) {
            return Some("the orders that are tracked are not in order");
        }
        if self.ended != self.live.iter().filter(|order| order.end.is_some()).count() {
            return Some("orders that have ended are counted wrongly");
        }
        if self.orders.next() != self.all.orders {
            return Some("the orders and their sums do not belong together");
        }
        (self.all.fault())
            .or_else(|| self.live.iter().find_map(Tracked::fault))
            .or_else(|| self.by_strategy.fault(MOST_GROUPS, QualitySums::fault))
            .or_else(|| self.by_symbol.fault(MOST_GROUPS, QualitySums::fault))
    }
}

fn view<K: Copy + Ord>(groups: &Groups<K, QualitySums>) -> Vec<GroupQuality<K>> {
    let row = |(key, sums): &(K, QualitySums)| GroupQuality { key: *key, figures: sums.figures() };
    groups.iter().map(row).collect()
}

impl MetricsSink for FillQuality {
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        match record {
            Record::Placed { order } => self.place(order),
            Record::Transition { order, to, .. } => self.change(at, *order, *to),
            Record::Filled { fill, .. } => self.fill(fill),
            _ => {}
        }
    }

    #[inline]
    fn on_mark(&mut self, facts: &Facts<'_>) {
        if self.ended > 0 {
            self.finish(facts);
        }
        for order in &mut self.live {
            if let Some(mark) = facts.mark(order.instrument) {
                order.mark = mark;
            }
        }
    }
}

impl Serialize for FillQuality {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for FillQuality {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = Self::deserialize(deserializer)?;
        found.fault().map_or(Ok(found), |fault| Err(de::Error::custom(fault)))
    }
}
