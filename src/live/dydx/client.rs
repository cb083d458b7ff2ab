use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::runtime::Handle as Runtime;

use super::chain::Chain;
use super::indexer::Indexer;
use super::memory::Memory;
use super::{DydxAccount, DydxConfig, DydxMarketData, history, user};
use crate::types::{Bar, InstrumentId, Order, OrderId, Timestamp};
use crate::venue::dydx::DydxMarket;
use crate::venue::{
    Balance, BarQuery, ExchangeClient, ExchangeError, FillsFrom, OrderChange, OrderState,
    PositionState, Submitted, Symbols, UserStream, VenueFill, VenueListings,
};

/// A subaccount of dYdX v4: orders go to the chain, and what became of them is asked of the
/// indexer.
///
/// # Where orders go
///
/// Market orders and limit orders that fill at once are of the short term: validators keep them in
/// memory for some blocks. Limit orders with an end, and everything with a trigger, stand in the
/// chain's state. Limit orders without an end go where [`DydxAccount::resting`] says.
///
/// | | short term | in the chain's state |
/// |---|---|---|
/// | place and cancel | side by side, without a sequence number | one at a time, in sequence |
/// | change | a new quantity and price in place of the old, from the next block on | `Unsupported` |
/// | limit | blocks | 2 in a block, 20 in 100 blocks of an account |
///
/// What is accepted was checked by one validator, and is not yet in a block. A cancel of the short
/// term is an attempt: until the order's last block has passed it may still fill, and only then is
/// it told as over.
///
/// # Which order is whose
///
/// The client id has the run and the number of an order, and a number that the chain ignores has
/// its slot ([`client_metadata`](crate::venue::dydx::client_metadata)), so that orders are known
/// again after a restart. From both follows the indexer's id
/// ([`venue_id`](crate::venue::dydx::venue_id)): an order whose sending was not answered is asked
/// for by it. While a block may still take an order that the indexer does not know,
/// [`ExchangeClient::order`] is [`ExchangeError::Unavailable`] rather than `None`, since it may
/// still come.
///
/// # Balances
///
/// [`ExchangeClient::balances`] is what was deposited and earned, as a book of perpetuals has it
/// ([`DydxHoldings::wallet`](crate::venue::dydx::DydxHoldings::wallet)). The user stream tells no
/// balances: the venue's own number of USDC falls by the price of what is bought.
///
/// The key signs within this client, and stands in no `Debug`, error or address.
#[derive(Clone)]
pub struct DydxClient {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) config: Arc<DydxConfig>,
    pub(super) indexer: Indexer,
    pub(super) symbols: Symbols,
    pub(super) runtime: Runtime,
    pub(super) chain: Chain,
    memory: Mutex<Memory>,
    markets: Mutex<BTreeMap<InstrumentId, DydxMarket>>,
}

impl DydxClient {
    /// A client for an account, which shares with market data the way to the indexer, its limit of
    /// requests, the instruments and the clocks. Market data that nobody has subscribed to connect
    /// to nothing.
    pub fn new(market: &DydxMarketData, account: DydxAccount) -> Self {
        let streams = market.service.venue();
        let inner = Inner {
            config: Arc::clone(&streams.config),
            indexer: streams.indexer.clone(),
            symbols: streams.symbols.clone(),
            runtime: streams.runtime.clone(),
            chain: Chain::new(&streams.config, &streams.indexer, account),
            memory: Mutex::default(),
            markets: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The account.
    pub fn account(&self) -> &DydxAccount {
        &self.inner.chain.account
    }
}

impl Inner {
    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        lock(&self.memory)
    }

    pub(super) fn markets(&self) -> MutexGuard<'_, BTreeMap<InstrumentId, DydxMarket>> {
        lock(&self.markets)
    }
}

#[async_trait]
impl ExchangeClient for DydxClient {
    /// # Errors
    /// As of the trait. [`ExchangeError::Unavailable`] with the code 32 is a sequence number that
    /// was wrong twice, as when another program trades on the account, and with 5001 the chain's
    /// limit of orders; nothing was carried out.
    async fn submit(&self, order: &Order) -> Result<Submitted, ExchangeError> {
        self.inner.submit(order).await
    }

    /// An order of the short term gets another price and quantity in its place, with what it has
    /// filled counted; it loses its place in the queue.
    ///
    /// # Errors
    /// As of the trait. Orders in the chain's state cannot be changed. An order cannot be changed
    /// in the block it was placed or changed in: that is [`ExchangeError::Unavailable`].
    async fn amend(&self, change: &OrderChange) -> Result<OrderState, ExchangeError> {
        self.inner.amend(change).await
    }

    async fn cancel(&self, order: OrderId, instrument: InstrumentId) -> Result<(), ExchangeError> {
        self.inner.cancel(order, instrument).await
    }

    /// Orders of the short term are taken back together, a hundred at a time, and with them those
    /// of this client that the indexer does not know yet; the others one by one.
    ///
    /// # Errors
    /// As of the trait: the first error, after all were tried.
    async fn cancel_all(&self, instrument: InstrumentId) -> Result<(), ExchangeError> {
        self.inner.cancel_all(instrument).await
    }

    async fn order(
        &self,
        order: OrderId,
        instrument: InstrumentId,
    ) -> Result<Option<OrderState>, ExchangeError> {
        self.inner.order(order, instrument).await
    }

    async fn open_orders(
        &self,
        instrument: Option<InstrumentId>,
    ) -> Result<Vec<OrderState>, ExchangeError> {
        self.inner.open_orders(instrument).await
    }

    /// The indexer's list begins with the newest and knows no trade's place: it is read back to
    /// where it was asked from.
    ///
    /// # Errors
    /// As of the trait.
    async fn fills(
        &self,
        instrument: InstrumentId,
        from: FillsFrom,
    ) -> Result<Vec<VenueFill>, ExchangeError> {
        self.inner.fills(instrument, from).await
    }

    async fn balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        self.inner.balances().await
    }

    async fn positions(&self) -> Result<Vec<PositionState>, ExchangeError> {
        self.inner.positions().await
    }

    async fn instruments(&self) -> Result<VenueListings, ExchangeError> {
        self.inner.instruments().await
    }

    async fn bars(&self, query: &BarQuery) -> Result<Vec<(Timestamp, Bar)>, ExchangeError> {
        let inner = &self.inner;
        history::bars(&inner.indexer, &inner.symbols, inner.config.clock.wall(), query).await
    }

    async fn server_time(&self) -> Result<Timestamp, ExchangeError> {
        self.inner.server_time().await
    }

    /// Orders, fills and positions. After each connection the indexer's list of fills is asked for
    /// what was missed, which is told before [`UserEvent::Started`](crate::venue::UserEvent); each
    /// fill is told once. An order of the short term is asked for when its last block has passed,
    /// and told as over.
    ///
    /// # Errors
    /// As of the trait.
    async fn user_stream(&self) -> Result<UserStream, ExchangeError> {
        Ok(user::open(&self.inner))
    }
}

/// Nothing that holds these locks can panic half-way, so what they guard is sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for DydxClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DydxClient")
            .field("indexer", &self.inner.indexer)
            .field("account", self.account())
            .finish_non_exhaustive()
    }
}
