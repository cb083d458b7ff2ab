use core::fmt::Debug;

use async_trait::async_trait;

use super::{ExchangeError, UserStream};
use crate::types::{Bar, InstrumentId, Order, OrderId, Period, Timestamp};
use crate::venue::{
    Balance, FillsFrom, OrderChange, OrderState, PositionState, Submitted, VenueFill, VenueListings,
};

/// A venue that takes orders and answers questions about one account.
///
/// It carries out [`Command`](crate::engine::Command)s and gives the parts that a reconciliation
/// compares. Every call waits for its turn in the venue's budget of requests, and is bounded in
/// time. Orders are named by the engine's own [`OrderId`], whose text is the client id.
///
/// # What a failure means
///
/// [`ExchangeError`] tells apart whether a request may have been carried out. A client sends no
/// request that changes anything a second time by itself: that is for the caller, after it has
/// learnt the outcome, and [`Conversation`](crate::venue::Conversation) keeps count. Questions it
/// may repeat.
///
/// Dropping a future stops the waiting, not the request: what was on its way may be carried out.
#[async_trait]
pub trait ExchangeClient: Send + Sync + Debug {
    /// Sends an order, once.
    ///
    /// # Errors
    /// [`ExchangeError`]; [`ExchangeError::answer`] is what it means for the order.
    async fn submit(&self, order: &Order) -> Result<Submitted, ExchangeError>;

    /// Changes a working order, where the venue can; the id stays.
    ///
    /// # Errors
    /// [`ExchangeError`]; where the venue cannot change an order of this kind without losing it
    /// for a moment it is [`ExchangeError::Unsupported`], and the order works on unchanged.
    async fn amend(&self, change: &OrderChange) -> Result<OrderState, ExchangeError>;

    /// Takes an order back. That it was taken back is told by the user stream, too.
    ///
    /// # Errors
    /// [`ExchangeError`]; an order that the venue does not know or that is over makes
    /// [`ExchangeError::is_not_found`] true.
    async fn cancel(&self, order: OrderId, instrument: InstrumentId) -> Result<(), ExchangeError>;

    /// Takes back all orders of an instrument, those of other programs on the account included.
    ///
    /// # Errors
    /// [`ExchangeError`]; that there was no order is none.
    async fn cancel_all(&self, instrument: InstrumentId) -> Result<(), ExchangeError>;

    /// Asks where an order stands; `None` when the venue does not know it.
    ///
    /// # Errors
    /// [`ExchangeError`]; none of them says anything about the order.
    async fn order(
        &self,
        order: OrderId,
        instrument: InstrumentId,
    ) -> Result<Option<OrderState>, ExchangeError>;

    /// All working orders, of one instrument or of all.
    ///
    /// # Errors
    /// [`ExchangeError`].
    async fn open_orders(
        &self,
        instrument: Option<InstrumentId>,
    ) -> Result<Vec<OrderState>, ExchangeError>;

    /// The account's fills in an instrument, the oldest first; all of them, however many requests
    /// that takes.
    ///
    /// # Errors
    /// [`ExchangeError`].
    async fn fills(
        &self,
        instrument: InstrumentId,
        from: FillsFrom,
    ) -> Result<Vec<VenueFill>, ExchangeError>;

    /// What the account holds.
    ///
    /// # Errors
    /// [`ExchangeError`].
    async fn balances(&self) -> Result<Vec<Balance>, ExchangeError>;

    /// The positions that are not flat. A venue that knows balances alone has none.
    ///
    /// # Errors
    /// [`ExchangeError`].
    async fn positions(&self) -> Result<Vec<PositionState>, ExchangeError>;

    /// What can be traded, with its rules.
    ///
    /// # Errors
    /// [`ExchangeError`].
    async fn instruments(&self) -> Result<VenueListings, ExchangeError>;

    /// Closed bars with the times of their close, the oldest first; however many requests that
    /// takes.
    ///
    /// # Errors
    /// [`ExchangeError`]; a period that the venue does not have is
    /// [`ExchangeError::Unsupported`].
    async fn bars(&self, query: &BarQuery) -> Result<Vec<(Timestamp, Bar)>, ExchangeError>;

    /// What o'clock it is at the venue, by its own word.
    ///
    /// # Errors
    /// [`ExchangeError`].
    async fn server_time(&self) -> Result<Timestamp, ExchangeError>;

    /// News of the account from now on. The stream reconnects by itself and says when it has:
    /// [`UserEvent::Started`](super::UserEvent::Started) asks for a reconciliation.
    ///
    /// # Errors
    /// [`ExchangeError`], when it cannot be had at all; a connection that fails for now is told
    /// by the stream.
    async fn user_stream(&self) -> Result<UserStream, ExchangeError>;

    /// The venue's own dead-man switch: without another call within `seconds`, it takes back all
    /// orders of the instrument. Zero switches it off.
    ///
    /// # Errors
    /// [`ExchangeError`]; [`ExchangeError::Unsupported`] where the venue has none, which is what
    /// a client says that does not override this.
    async fn cancel_all_after(
        &self,
        instrument: InstrumentId,
        seconds: u32,
    ) -> Result<(), ExchangeError> {
        let what = format!("a dead-man switch of {seconds} s for instrument {}", instrument.0);
        Err(ExchangeError::Unsupported { what })
    }
}

/// Which bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarQuery {
    /// Of what.
    pub instrument: InstrumentId,
    /// Of which length.
    pub period: Period,
    /// The first bar opens at or after this time.
    pub from: Timestamp,
    /// The last bar closes at or before this time.
    pub to: Timestamp,
}
