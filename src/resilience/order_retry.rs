use super::GaveUp;
use super::retry::{Retry, RetryBudget, jittered};
use crate::types::{Classification, ErrorCategory, OrderId, RetryAdvice, Timestamp};

/// The attempts to place one order. It is made by
/// [`RetryPolicy::order`](super::RetryPolicy::order).
///
/// Only two ways lead to a second submission: an error that says for certain that nothing was
/// carried out, and the venue's word that it does not know the order. After a time-out, a lost
/// connection or a server's error there is an [`UnknownOrder`], which cannot be sent at all.
///
/// Hosts that use a [`Conversation`](crate::venue::Conversation) need none of this: it never
/// sends twice, and leaves the decision to the engine.
///
/// ```
/// use tradewright::resilience::{OrderStep, RetryBudget, RetryPolicy};
/// use tradewright::types::{
///     Classification, ErrorCategory, OrderId, RetryAdvice, Severity, SlotId, Timestamp,
/// };
///
/// let at = |seconds: i64| Timestamp::from_secs(1_700_000_000 + seconds).unwrap();
/// let id = OrderId::new(1, SlotId(1), 1);
/// let lost = Classification::new(ErrorCategory::Network, Severity::Medium)
///     .retry(RetryAdvice::LookUp);
/// let mut budget = RetryBudget::default();
///
/// let order = RetryPolicy::default().order(at(0), id);
/// let OrderStep::LookUp(unknown) = order.on_failure(at(10), &lost, 0, &mut budget) else {
///     panic!()
/// };
/// // The venue does not know it, but it may still be on its way: ask again later.
/// let OrderStep::LookUp(unknown) = unknown.on_absent(at(11), at(10), 0, &mut budget) else {
///     panic!()
/// };
/// // Asked after the window, "not found" is an answer.
/// let step = unknown.on_absent(at(31), at(30), 0, &mut budget);
/// assert!(matches!(step, OrderStep::Send { .. }));
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct OrderRetry {
    id: OrderId,
    sent: Timestamp,
    retry: Retry,
}

/// What to do about an order that was not answered as it should.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum OrderStep {
    /// It was certainly not taken: send it again at this time, with
    /// [`OrderRetry::on_sent`].
    Send {
        /// The order.
        order: OrderRetry,
        /// When to send it.
        at: Timestamp,
    },
    /// It may have been taken: ask the venue for it.
    LookUp(UnknownOrder),
    /// It was certainly not taken, and is not tried any more.
    GaveUp(GaveUp),
}

impl OrderRetry {
    pub(super) const fn new(id: OrderId, sent: Timestamp, retry: Retry) -> Self {
        Self { id, sent, retry }
    }

    /// The client id.
    pub const fn id(&self) -> OrderId {
        self.id
    }

    /// It leaves again now.
    pub const fn on_sent(self, at: Timestamp) -> Self {
        Self { sent: at, ..self }
    }

    /// The submission has failed at `at`. Errors of the network and of unknown origin leave the
    /// outcome open, whatever they advise.
    pub fn on_failure(
        mut self,
        at: Timestamp,
        error: &Classification,
        chance: u64,
        budget: &mut RetryBudget,
    ) -> OrderStep {
        let is_open = match (error.category, error.retry) {
            (_, RetryAdvice::LookUp) => true,
            (ErrorCategory::Network | ErrorCategory::Unknown | ErrorCategory::System, _) => true,
            (_, _) => false,
        };
        if is_open {
            return OrderStep::LookUp(UnknownOrder { order: self, ask_at: at, questions: 0 });
        }
        match self.retry.on_failure(at, error, chance, budget) {
            Ok(at) => OrderStep::Send { order: self, at },
            Err(why) => OrderStep::GaveUp(why),
        }
    }
}

/// An order whose fate is not known. There is no way to send it: only the venue's word ends
/// this, and it is asked as long as it takes.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct UnknownOrder {
    order: OrderRetry,
    ask_at: Timestamp,
    questions: u32,
}

impl UnknownOrder {
    /// The client id to ask for.
    pub const fn id(&self) -> OrderId {
        self.order.id
    }

    /// When to ask.
    pub const fn ask_at(&self) -> Timestamp {
        self.ask_at
    }

    /// The question itself has failed: it is asked again, without a limit.
    pub fn on_failure(self, at: Timestamp, error: &Classification, chance: u64) -> Self {
        let least = match error.retry {
            RetryAdvice::After(span) => span,
            _ => core::time::Duration::ZERO,
        };
        self.later(at.after(least), chance)
    }

    /// The venue knows the order: its reports say the rest.
    pub const fn on_found(self) -> OrderId {
        self.order.id
    }

    /// The venue does not know the order, to a question that was sent at `asked`. That is an
    /// answer only when the question left after the last moment at which the venue could still
    /// take the order.
    pub fn on_absent(
        mut self,
        at: Timestamp,
        asked: Timestamp,
        chance: u64,
        budget: &mut RetryBudget,
    ) -> OrderStep {
        let decided_at = self.order.sent.after(self.order.retry.policy().order_window);
        if asked < decided_at {
            let mut unknown = self.later(at, chance);
            unknown.ask_at = unknown.ask_at.max(decided_at);
            return OrderStep::LookUp(unknown);
        }
        let lost = Classification::new(ErrorCategory::Api, crate::types::Severity::Medium);
        let lost = lost.retry(RetryAdvice::Backoff);
        match self.order.retry.on_failure(at, &lost, chance, budget) {
            Ok(at) => OrderStep::Send { order: self.order, at },
            Err(why) => OrderStep::GaveUp(why),
        }
    }

    /// The next question, between half a pause and a whole one from now on.
    fn later(self, from: Timestamp, chance: u64) -> Self {
        let policy = self.order.retry.policy();
        let whole = jittered(policy, self.questions, u64::MAX);
        let drawn = jittered(policy, self.questions, chance);
        let pause = whole.saturating_add(drawn).checked_div(2).unwrap_or(whole);
        Self { ask_at: from.after(pause), questions: self.questions.saturating_add(1), ..self }
    }
}
