use std::collections::VecDeque;

use super::{Cost, RateBudget, Urgency};
use crate::types::Timestamp;

/// The one way of requests to a venue: the urgent first, and none beyond the budget.
///
/// It is bounded; what finds no room is refused to whoever asks, so that nothing is lost in
/// silence. Within one urgency requests leave as they came. A request that does not fit lets no
/// less urgent one pass, so that small questions cannot starve an order.
///
/// ```
/// use tradewright::types::Timestamp;
/// use tradewright::venue::{Cost, RateBudget, RequestQueue, Urgency};
///
/// let at = Timestamp::from_secs(1_700_000_000)?;
/// let mut queue = RequestQueue::new(RateBudget::new(10), 100);
/// let cost = Cost { weight: 1, orders: 0 };
/// queue.push(Urgency::Query, cost, "balances").unwrap();
/// queue.push(Urgency::Cancel, cost, "cancel").unwrap();
/// assert_eq!(queue.next(at), Some("cancel"));
/// assert_eq!(queue.next(at), Some("balances"));
/// assert_eq!(queue.next(at), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RequestQueue<T> {
    budget: RateBudget,
    lanes: [VecDeque<(Cost, T)>; LANES],
    most: usize,
    /// When what is at the head may be tried again.
    next_at: Option<Timestamp>,
}

const LANES: usize = 5;

impl<T> RequestQueue<T> {
    /// A queue for at most `most` requests of each urgency.
    pub fn new(budget: RateBudget, most: usize) -> Self {
        Self { budget, lanes: core::array::from_fn(|_| VecDeque::new()), most, next_at: None }
    }

    /// Takes in a request.
    ///
    /// # Errors
    /// The request itself, when its lane is full.
    pub fn push(&mut self, urgency: Urgency, cost: Cost, request: T) -> Result<(), T> {
        match self.lanes.get_mut(urgency as usize) {
            Some(lane) if lane.len() < self.most => {
                lane.push_back((cost, request));
                self.next_at = None;
                Ok(())
            }
            Some(_) | None => Err(request),
        }
    }

    /// The next request to send now, paid for.
    pub fn next(&mut self, at: Timestamp) -> Option<T> {
        for (lane, urgency) in self.lanes.iter_mut().zip(URGENCIES) {
            let Some((cost, _)) = lane.front() else { continue };
            match self.budget.take(at, urgency, *cost) {
                Ok(()) => {
                    self.next_at = None;
                    return lane.pop_front().map(|(_, request)| request);
                }
                Err(later) => {
                    self.next_at = Some(later);
                    return None;
                }
            }
        }
        self.next_at = None;
        None
    }

    /// When [`RequestQueue::next`] may have something that it had to hold back.
    pub const fn deadline(&self) -> Option<Timestamp> {
        self.next_at
    }

    /// Takes out the requests that are not wanted any more.
    pub fn retain(&mut self, mut is_wanted: impl FnMut(&T) -> bool) {
        for lane in &mut self.lanes {
            lane.retain(|(_, request)| is_wanted(request));
        }
    }

    /// How many requests wait.
    pub fn len(&self) -> usize {
        self.lanes.iter().map(VecDeque::len).sum()
    }

    /// True when none waits.
    pub fn is_empty(&self) -> bool {
        self.lanes.iter().all(VecDeque::is_empty)
    }

    /// The budget, to tell it what the venue says.
    pub const fn budget_mut(&mut self) -> &mut RateBudget {
        &mut self.budget
    }
}

const URGENCIES: [Urgency; LANES] =
    [Urgency::Cancel, Urgency::Resolve, Urgency::Order, Urgency::Query, Urgency::Bulk];
