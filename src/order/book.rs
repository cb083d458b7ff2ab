use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::ended::EndedOrders;
use super::reserve::{reserved, valuation};
use super::table::advance;
use super::{Applied, InFlight, OrderError, OrderLifecycle, OrderState, Reserved};
use crate::types::{
    Amount, InstrumentId, Order, OrderId, OrderReport, OrderStatus, Qty, SlotId, Timestamp, small,
};

/// Orders that have ended and are still found by late reports, unless set.
const MEMORY: usize = 1_024;

/// The most that can be set: a damaged snapshot must not ask for all memory.
const MOST_MEMORY: usize = 1 << 20;

/// Live orders that have room before the book grows for the first time.
const ROOM: usize = 64;

/// The built-in [`OrderLifecycle`]: the live orders, sorted by id, and a bounded memory of
/// those that ended last, so that late reports find them.
///
/// In the steady state it does not allocate.
///
/// ```
/// use tradewright::order::{OrderBook, OrderLifecycle};
/// use tradewright::types::{
///     InstrumentId, Intent, Order, OrderId, OrderReport, OrderStatus, Qty, Side, SlotId,
///     Timestamp,
/// };
///
/// let mut book = OrderBook::new();
/// let id = OrderId::new(1, SlotId(1), 1);
/// let intent = Intent::market(SlotId(1), InstrumentId(0), Side::Buy, Qty::from(10));
/// let at = Timestamp::EPOCH;
/// book.open(at, &Order { id, created_at: at, intent })?;
///
/// // The cancel overtook the acknowledgement: both steps are told.
/// let applied = book.apply(at, id, &OrderReport::Cancelled)?;
/// assert_eq!(applied.implied.map(|step| step.to), Some(OrderStatus::Open));
/// assert_eq!(applied.step.map(|step| step.to), Some(OrderStatus::Cancelled));
/// assert!(book.live().is_empty());
/// # Ok::<(), tradewright::order::OrderError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SavedBook", into = "SavedBook")]
pub struct OrderBook {
    live: Vec<OrderState>,
    ended: EndedOrders,
    highest: Option<OrderId>,
}

impl OrderBook {
    /// An empty book that remembers the last 1,024 ended orders.
    pub fn new() -> Self {
        Self::with_memory(MEMORY)
    }

    /// An empty book that remembers so many ended orders (at most 1,048,576), all of them
    /// reserved now.
    pub fn with_memory(orders: usize) -> Self {
        Self {
            live: Vec::with_capacity(ROOM),
            ended: EndedOrders::new(orders.min(MOST_MEMORY)),
            highest: None,
        }
    }

    #[inline]
    fn place_of(&self, id: OrderId) -> Result<usize, usize> {
        // Mostly the venue speaks of the newest.
        match self.live.split_last() {
            Some((newest, older)) if newest.order.id == id => Ok(older.len()),
            _ => self.live.binary_search_by_key(&id, |state| state.order.id),
        }
    }
}

impl Default for OrderBook {
    fn default() -> Self {
        Self::new()
    }
}

impl OrderLifecycle for OrderBook {
    fn open(&mut self, at: Timestamp, order: &Order) -> Result<(), OrderError> {
        let id = order.id;
        let quantity = asked(order)?;
        // Ids rise as orders are created, so that the search is rarely needed.
        let is_new = self.highest.is_none_or(|highest| id > highest);
        if !is_new && self.find(id).is_some() {
            return Err(OrderError::DuplicateId { id });
        }
        // Made where it stays.
        let state = || OrderState {
            order: *order,
            status: OrderStatus::Pending,
            quantity,
            filled: Decimal::ZERO,
            notional: Decimal::ZERO,
            changed_at: at,
            in_flight: InFlight::None,
        };
        if self.live.last().is_none_or(|last| id > last.order.id) {
            self.live.push(state());
        } else {
            let (Ok(place) | Err(place)) = self.place_of(id);
            self.live.insert(place, state());
        }
        if is_new {
            self.highest = Some(id);
        }
        Ok(())
    }

    fn apply(
        &mut self,
        at: Timestamp,
        id: OrderId,
        report: &OrderReport,
    ) -> Result<Applied, OrderError> {
        let place = self.place_of(id);
        let live = place.ok().and_then(|place| self.live.get_mut(place));
        let Some(state) = live.or_else(|| self.ended.find_mut(id)) else {
            return Err(OrderError::Unknown { id });
        };
        let was_live = !state.status.is_terminal();
        let applied = advance(state, at, report)?;
        if was_live
            && state.status.is_terminal()
            && let Ok(place) = place
            && let Some(state) = self.live.get(place)
        {
            self.ended.push(state);
            // Taking one out moves it; the newest can be cut off.
            if place + 1 == self.live.len() {
                self.live.truncate(place);
            } else {
                self.live.remove(place);
            }
        }
        Ok(applied)
    }

    fn request(&mut self, at: Timestamp, id: OrderId, request: InFlight) -> Result<(), OrderError> {
        let place = self.place_of(id);
        let Some(state) = place.ok().and_then(|place| self.live.get_mut(place)) else {
            return Err(match self.ended.find(id) {
                Some(state) => OrderError::NotLive { id, status: state.status },
                None => OrderError::Unknown { id },
            });
        };
        let next = noted(state, request);
        if state.in_flight != next {
            state.in_flight = next;
            state.changed_at = state.changed_at.max(at);
        }
        Ok(())
    }

    fn find(&self, id: OrderId) -> Option<&OrderState> {
        let live = self.place_of(id).ok().and_then(|place| self.live.get(place));
        live.or_else(|| self.ended.find(id))
    }

    fn live(&self) -> &[OrderState] {
        &self.live
    }

    fn reserved(&self, slot: SlotId, instrument: InstrumentId) -> Reserved {
        reserved(&self.live, slot, instrument)
    }
}

/// The quantity that an order asks for; `None` for a cash amount.
fn asked(order: &Order) -> Result<Option<Qty>, OrderError> {
    let id = order.id;
    let zero = Decimal::ZERO;
    match order.intent.amount {
        Amount::Quantity(quantity) if small::is_above_zero(quantity.value()) => Ok(Some(quantity)),
        Amount::Quantity(quantity) => {
            Err(OrderError::BadQuantity { id, quantity: quantity.value() })
        }
        Amount::Cash(money) if money.amount <= zero => {
            Err(OrderError::BadQuantity { id, quantity: money.amount })
        }
        Amount::Cash(_) => match valuation(&order.intent) {
            Some(_) => Ok(None),
            None => Err(OrderError::NoPrice { id }),
        },
    }
}

/// What is in flight after a request was sent.
///
/// An unknown submission stays unknown whatever else is sent: the venue's word alone ends it.
/// And a submission whose outcome the venue has told already cannot become unknown.
fn noted(state: &OrderState, request: InFlight) -> InFlight {
    match (state.in_flight, request) {
        (InFlight::Unknown, _) => InFlight::Unknown,
        (InFlight::None | InFlight::Cancel | InFlight::Amend, InFlight::Unknown) => {
            match state.status {
                OrderStatus::Pending => InFlight::Unknown,
                OrderStatus::Open
                | OrderStatus::PartiallyFilled
                | OrderStatus::Filled
                | OrderStatus::Cancelled
                | OrderStatus::Rejected
                | OrderStatus::Expired => state.in_flight,
            }
        }
        (
            InFlight::None | InFlight::Cancel | InFlight::Amend,
            InFlight::None | InFlight::Cancel | InFlight::Amend,
        ) => request,
    }
}

/// The written form of a book.
#[derive(Serialize, Deserialize)]
struct SavedBook {
    live: Vec<OrderState>,
    ended: Vec<OrderState>,
    memory: usize,
    highest: Option<OrderId>,
}

impl From<OrderBook> for SavedBook {
    fn from(book: OrderBook) -> Self {
        Self {
            memory: book.ended.capacity(),
            ended: book.ended.into_oldest_first(),
            live: book.live,
            highest: book.highest,
        }
    }
}

impl TryFrom<SavedBook> for OrderBook {
    type Error = &'static str;

    fn try_from(saved: SavedBook) -> Result<Self, Self::Error> {
        let sorted = saved
            .live
            .windows(2)
            .all(|pair| matches!(pair, [first, second] if first.order.id < second.order.id));
        if !sorted {
            return Err("live orders are not sorted by their ids");
        }
        if saved.live.iter().any(|state| state.status.is_terminal()) {
            return Err("a live order is over");
        }
        if saved.ended.iter().any(|state| !state.status.is_terminal()) {
            return Err("an ended order is live");
        }
        let newest = saved.live.iter().chain(&saved.ended).map(|state| state.order.id).max();
        if newest > saved.highest {
            return Err("an order is newer than the newest");
        }
        if saved.memory > MOST_MEMORY || saved.ended.len() > saved.memory {
            return Err("more ended orders than the memory holds");
        }
        let mut book = Self::with_memory(saved.memory);
        book.live.extend(saved.live);
        book.highest = saved.highest;
        saved.ended.iter().for_each(|state| book.ended.push(state));
        Ok(book)
    }
}
