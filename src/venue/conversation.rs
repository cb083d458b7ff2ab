use core::time::Duration;
use std::collections::VecDeque;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::types::{
    FillReport, Label, Order, OrderId, OrderReport, OrderStatus, OrderUpdate, RejectReason,
    Timestamp, exact,
};

/// The talk with a venue about new orders: each is sent at most once, and one whose outcome is
/// unknown is asked for by its client id until the venue has said what became of it.
///
/// A time-out, a server error or a lost connection leaves it open whether an order works. Sent
/// again, it could work twice. So nothing is ever sent again: when the venue does not know the
/// order, and was asked after the last moment at which a request on its way could still be taken,
/// the order counts as refused. The engine then decides anew, with a new id.
///
/// ```
/// use tradewright::types::{
///     InstrumentId, Intent, Order, OrderId, OrderStatus, Qty, Side, SlotId, Timestamp,
/// };
/// use tradewright::venue::{Answer, Conversation, Found, TalkAction};
///
/// let at = |seconds: i64| Timestamp::from_secs(1_700_000_000 + seconds).unwrap();
/// let id = OrderId::new(1, SlotId(1), 1);
/// let intent = Intent::market(SlotId(1), InstrumentId(0), Side::Buy, Qty::new(1.into()));
/// let order = Order { id, intent, created_at: at(0) };
/// let (mut talk, mut actions) = (Conversation::default(), Vec::new());
///
/// talk.place(at(0), &order, &mut actions);
/// assert_eq!(actions, [TalkAction::Send(id)]);
/// // It leaves now, and this once.
/// assert!(talk.send(at(0), id).is_some());
/// assert!(talk.send(at(0), id).is_none());
/// talk.on_answer(at(1), id, Answer::Unknown, &mut actions);
/// assert_eq!(actions[1..], [TalkAction::Uncertain(id), TalkAction::Query(id)]);
/// let found = Found::Order { status: OrderStatus::Open, filled: 0.into() };
/// talk.on_found(at(2), id, found, &mut actions);
/// assert!(matches!(actions.last(), Some(TalkAction::Report(_))));
/// assert!(talk.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    config: ConversationConfig,
    talks: Vec<Talk>,
    recent: VecDeque<OrderId>,
}

/// How long a [`Conversation`] waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationConfig {
    /// Without an answer for so long, the outcome is unknown.
    pub timeout: Duration,
    /// For so long after it was sent, a venue may still take an order that it does not know yet.
    pub window: Duration,
    /// The pause before the second question; it doubles at each further one.
    pub pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Default for ConversationConfig {
    /// 10 s without an answer, as Binance's own engine waits; a window of 20 s, which is that and
    /// twice its default `recvWindow`; questions after 1 s, up to 30 s.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            window: Duration::from_secs(20),
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
        }
    }
}

/// What a [`Conversation`] asks of its driver.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum TalkAction {
    /// Queue this order; when its turn has come, [`Conversation::send`] says whether it may leave.
    Send(OrderId),
    /// Ask the venue for the order with this client id.
    Query(OrderId),
    /// Fetch the order's fills and hand them in with [`Conversation::on_fills`].
    FetchFills(OrderId),
    /// The outcome of the submission is unknown.
    Uncertain(OrderId),
    /// Hand this to the engine.
    Report(OrderUpdate),
}

/// The answer to the request that placed an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The venue has taken the order.
    Accepted,
    /// The venue has refused the order, or it certainly never left.
    Refused(RejectReason),
    /// Neither is known: a time-out, HTTP 5xx, Binance's -1006 and -1007.
    Unknown,
}

/// The answer to a question for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The venue knows it.
    Order {
        /// Where it stands.
        status: OrderStatus,
        /// How much of it was executed.
        filled: Decimal,
    },
    /// The venue does not know it.
    Nothing {
        /// When the question was sent.
        asked: Timestamp,
    },
    /// The question itself failed.
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Talk {
    order: Order,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Stage {
    /// It has not left yet.
    Queued { since: Timestamp },
    /// It has left, and is not answered.
    Sent { since: Timestamp },
    /// The outcome is unknown; the next question is due at `ask_at`.
    Unknown { since: Timestamp, ask_at: Timestamp, questions: u32 },
    /// It is known, and its fills are being fetched.
    Collecting {
        asked: Timestamp,
        status: OrderStatus,
        #[serde(with = "exact")]
        filled: Decimal,
    },
}

/// Ids that are remembered, so that an order is sent once even when it is handed in twice.
const MOST_RECENT: usize = 4_096;

impl Conversation {
    /// A conversation without orders.
    pub fn new(config: ConversationConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// Takes an order that the engine has placed. One that was handed in before is ignored.
    pub fn place(&mut self, at: Timestamp, order: &Order, out: &mut Vec<TalkAction>) {
        if self.recent.contains(&order.id) || self.position(order.id).is_some() {
            return;
        }
        if self.recent.len() >= MOST_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(order.id);
        self.talks.push(Talk { order: *order, stage: Stage::Queued { since: at } });
        out.push(TalkAction::Send(order.id));
    }

    /// The order, when it is to leave now: once, and not when it has waited longer than the
    /// time-out. Whoever gets it must send it.
    pub fn send(&mut self, at: Timestamp, id: OrderId) -> Option<Order> {
        let talk = self.talks.iter_mut().find(|talk| talk.order.id == id)?;
        match talk.stage {
            Stage::Queued { since } if since.after(self.config.timeout) > at => {
                talk.stage = Stage::Sent { since: at };
                Some(talk.order)
            }
            Stage::Queued { .. }
            | Stage::Sent { .. }
            | Stage::Unknown { .. }
            | Stage::Collecting { .. } => None,
        }
    }

    /// Takes in an order of which only the venue knows what became of it: one of a run before
    /// this one, or one that the venue's list of open orders does not have. It is asked for at
    /// once, and never sent. One that is talked about already is left as it is.
    pub fn recall(&mut self, at: Timestamp, order: &Order, out: &mut Vec<TalkAction>) {
        if self.position(order.id).is_some() {
            return;
        }
        let stage = Stage::Unknown { since: at, ask_at: at.after(self.config.pause), questions: 1 };
        self.talks.push(Talk { order: *order, stage });
        out.push(TalkAction::Query(order.id));
    }

    /// Takes the answer to an order. An answer that comes when the outcome is known is ignored.
    pub fn on_answer(
        &mut self,
        at: Timestamp,
        id: OrderId,
        answer: Answer,
        out: &mut Vec<TalkAction>,
    ) {
        let Some(index) = self.position(id) else { return };
        match answer {
            Answer::Accepted => self.end(index, OrderReport::Accepted, out),
            Answer::Refused(reason) => self.end(index, OrderReport::Rejected(reason), out),
            Answer::Unknown => self.doubt(at, index, out),
        }
    }

    /// Takes what the venue's stream says of an order: it is evidence that the order arrived.
    /// Hand the report to the engine, too.
    pub fn on_report(&mut self, id: OrderId, report: &OrderReport) {
        let Some(index) = self.position(id) else { return };
        // A venue that does not know an order refuses to cancel it, too; and while fills are
        // being fetched, the stream may have lost some.
        let is_collecting = matches!(self.talks[index].stage, Stage::Collecting { .. });
        if !matches!(report, OrderReport::ChangeRefused(_)) && !is_collecting {
            self.talks.remove(index);
        }
    }

    /// Takes the answer to a question.
    pub fn on_found(
        &mut self,
        at: Timestamp,
        id: OrderId,
        found: Found,
        out: &mut Vec<TalkAction>,
    ) {
        let Some(index) = self.position(id) else { return };
        let Stage::Unknown { since, .. } = self.talks[index].stage else { return };
        match found {
            Found::Order { status: OrderStatus::Rejected, .. } => {
                let reason = RejectReason::Other(Label::new("rejected"));
                self.end(index, OrderReport::Rejected(reason), out);
            }
            Found::Order { status, filled } if status.is_terminal() || !filled.is_zero() => {
                self.talks[index].stage = Stage::Collecting { asked: at, status, filled };
                out.push(TalkAction::FetchFills(id));
            }
            Found::Order { .. } => self.end(index, OrderReport::Accepted, out),
            Found::Nothing { asked } if asked >= since.after(self.config.window) => {
                self.end(index, OrderReport::Rejected(RejectReason::NotFound), out);
            }
            Found::Nothing { .. } | Found::Failed => {}
        }
    }

    /// Takes all fills of an order, which were asked for. Fills that are fewer than the venue
    /// says were executed are asked for again.
    pub fn on_fills(
        &mut self,
        at: Timestamp,
        id: OrderId,
        fills: &[FillReport],
        out: &mut Vec<TalkAction>,
    ) {
        let Some(index) = self.position(id) else { return };
        let Stage::Collecting { status, filled, .. } = self.talks[index].stage else { return };
        let mut sum = Some(Decimal::ZERO);
        for fill in fills {
            sum = sum.and_then(|sum| sum.checked_add(fill.quantity.value()));
        }
        if sum.is_none_or(|sum| sum < filled) {
            self.talks[index].stage = Stage::Collecting { asked: at, status, filled };
            return;
        }
        let order = self.talks[index].order;
        out.push(TalkAction::Report(update(&order, OrderReport::Accepted)));
        let fills = fills.iter().map(|fill| update(&order, OrderReport::Fill(*fill)));
        out.extend(fills.map(TalkAction::Report));
        match status {
            OrderStatus::Cancelled => self.end(index, OrderReport::Cancelled, out),
            OrderStatus::Expired => self.end(index, OrderReport::Expired, out),
            OrderStatus::Pending
            | OrderStatus::Open
            | OrderStatus::PartiallyFilled
            | OrderStatus::Filled
            | OrderStatus::Rejected => {
                self.talks.remove(index);
            }
        }
    }

    /// The connection is lost: every order without an answer is in doubt.
    pub fn on_disconnected(&mut self, at: Timestamp, out: &mut Vec<TalkAction>) {
        for index in 0..self.talks.len() {
            self.doubt(at, index, out);
        }
    }

    /// Asks what is due, and gives up what has waited too long to be sent.
    pub fn on_time(&mut self, at: Timestamp, out: &mut Vec<TalkAction>) {
        let config = self.config;
        let is_overdue = |talk: &Talk| match talk.stage {
            Stage::Queued { since } => since.after(config.timeout) <= at,
            Stage::Sent { .. } | Stage::Unknown { .. } | Stage::Collecting { .. } => false,
        };
        while let Some(index) = self.talks.iter().position(is_overdue) {
            let reason = RejectReason::Other(Label::new("not_sent_in_time"));
            self.end(index, OrderReport::Rejected(reason), out);
        }
        for index in 0..self.talks.len() {
            let id = self.talks[index].order.id;
            match &mut self.talks[index].stage {
                // What has waited for too long never leaves; it is told below.
                Stage::Queued { .. } => {}
                Stage::Sent { since } => {
                    if since.after(config.timeout) <= at {
                        self.doubt(at, index, out);
                    }
                }
                Stage::Unknown { ask_at, questions, .. } => {
                    if *ask_at <= at {
                        let factor = 1_u32 << (*questions).min(16);
                        *questions = questions.saturating_add(1);
                        let pause = config.pause.saturating_mul(factor);
                        *ask_at = at.after(pause.min(config.longest_pause));
                        out.push(TalkAction::Query(id));
                    }
                }
                Stage::Collecting { asked, .. } => {
                    if asked.after(config.longest_pause) <= at {
                        *asked = at;
                        out.push(TalkAction::FetchFills(id));
                    }
                }
            }
        }
    }

    /// When [`Conversation::on_time`] has something to do.
    pub fn deadline(&self) -> Option<Timestamp> {
        let due = |talk: &Talk| match talk.stage {
            Stage::Queued { since } | Stage::Sent { since } => since.after(self.config.timeout),
            Stage::Unknown { ask_at, .. } => ask_at,
            Stage::Collecting { asked, .. } => asked.after(self.config.longest_pause),
        };
        self.talks.iter().map(due).min()
    }

    /// True when the outcome of this order is unknown.
    pub fn is_unknown(&self, id: OrderId) -> bool {
        let talk = self.talks.iter().find(|talk| talk.order.id == id);
        talk.is_some_and(|talk| {
            matches!(talk.stage, Stage::Unknown { .. } | Stage::Collecting { .. })
        })
    }

    /// An order whose outcome is not known yet, those on their way included.
    pub fn order(&self, id: OrderId) -> Option<&Order> {
        self.talks.iter().find(|talk| talk.order.id == id).map(|talk| &talk.order)
    }

    /// How many orders have no known outcome, those on their way included.
    pub const fn len(&self) -> usize {
        self.talks.len()
    }

    /// True when the outcome of every order is known.
    pub const fn is_empty(&self) -> bool {
        self.talks.is_empty()
    }

    fn position(&self, id: OrderId) -> Option<usize> {
        self.talks.iter().position(|talk| talk.order.id == id)
    }

    /// From now on the outcome is unknown, and the venue is asked at once.
    fn doubt(&mut self, at: Timestamp, index: usize, out: &mut Vec<TalkAction>) {
        let Some(talk) = self.talks.get_mut(index) else { return };
        if let Stage::Sent { since } = talk.stage {
            let ask_at = at.after(self.config.pause);
            talk.stage = Stage::Unknown { since, ask_at, questions: 1 };
            out.extend([TalkAction::Uncertain(talk.order.id), TalkAction::Query(talk.order.id)]);
        }
    }

    fn end(&mut self, index: usize, report: OrderReport, out: &mut Vec<TalkAction>) {
        let talk = self.talks.remove(index);
        out.push(TalkAction::Report(update(&talk.order, report)));
    }
}

/// The engine's form of a report.
const fn update(order: &Order, report: OrderReport) -> OrderUpdate {
    let intent = &order.intent;
    let (instrument, side, leg) = (intent.instrument, intent.side, intent.leg);
    OrderUpdate { order: order.id, instrument, side, leg, report }
}
