//! What changes anything: orders placed, replaced and taken back.

use rust_decimal::Decimal;

use super::chain::unsent;
use super::client::Inner;
use super::memory::Placed;
use crate::metrics::ApiEndpoint;
use crate::types::{
    Amount, InstrumentId, Leg, Order, OrderId, OrderKind, OrderStatus, RejectReason, TimeInForce,
    Timestamp,
};
use crate::venue::dydx::{
    ChainCancel, ChainLife, ChainOrder, ChainOrderError, ChainSigner, ChainTrigger, DydxMarket,
    DydxOrder, Resting, client_metadata, venue_id, venue_order,
};
use crate::venue::{ExchangeError, OrderChange, OrderState, Submitted};

/// The most client ids of one transaction that takes orders back.
const MOST_IN_BATCH: usize = 100;

impl Inner {
    pub(super) async fn submit(&self, order: &Order) -> Result<Submitted, ExchangeError> {
        let market = self.market(order.intent.instrument).await.map_err(unsent)?;
        let height = self.chain.height().await.map_err(unsent)?;
        let made = self.made(&market, order, (height, self.chain.account.resting))?;
        let number = self.number(made.client, made.clob_pair, made.life);
        // It is remembered before it leaves: the stream may tell of it before the answer.
        self.memory().place(
            order.id,
            number,
            Placed {
                instrument: order.intent.instrument,
                side: order.intent.side,
                life: made.life,
                clob_pair: made.clob_pair,
                client: made.client,
                quantity: quantity(order),
                filled: Decimal::ZERO,
                height,
                is_over: false,
                short: 0,
            },
        );
        let sent = self.place(ApiEndpoint::PlaceOrder, &made).await;
        if sent.as_ref().is_err_and(|error| !error.is_outcome_unknown()) {
            self.memory().end(order.id);
        }
        sent?;
        let at = self.config.clock.wall();
        Ok(Submitted { venue_order: number, at, status: OrderStatus::Open, fills: Vec::new() })
    }

    /// The chain's order, with what makes it known again.
    fn made(
        &self,
        market: &DydxMarket,
        order: &Order,
        (height, resting): (u64, Resting),
    ) -> Result<ChainOrder, ExchangeError> {
        let height = u32::try_from(height).map_err(|_| ExchangeError::Unavailable {
            code: 0,
            message: format!("not sent: the height {height} has no place in 32 bits"),
        })?;
        let mut terms = self.chain.account.terms(height, self.config.clock.wall());
        terms.resting = resting;
        let made = ChainOrder::new(market, order, &terms).map_err(not_sent)?;
        Ok(ChainOrder { client_metadata: client_metadata(order.id), ..made })
    }

    async fn place(&self, endpoint: ApiEndpoint, made: &ChainOrder) -> Result<(), ExchangeError> {
        let sign = |signer: &ChainSigner, sequence| signer.place(made, sequence);
        match made.life.is_stateful() {
            true => self.chain.send_stateful(endpoint, &sign).await,
            false => self.chain.send_short(endpoint, &sign).await,
        }
    }

    /// The venue's id of an order in 64 bits.
    pub(super) fn number(&self, client: u32, clob_pair: u32, life: ChainLife) -> u64 {
        venue_order(venue_id(&self.chain.account.owner(), client, clob_pair, life.flags()))
    }

    pub(super) async fn amend(&self, change: &OrderChange) -> Result<OrderState, ExchangeError> {
        let order = &change.order;
        let unsupported = |what: &str| ExchangeError::Unsupported { what: what.to_owned() };
        if !matches!(order.intent.kind, OrderKind::Limit { .. }) {
            return Err(unsupported("a change of an order that is no limit order"));
        }
        let placed = self.memory().get(order.id);
        let placed = placed.filter(|placed| !placed.is_over).ok_or_else(|| not_found("known"))?;
        let Some(last) = placed.last_block() else {
            return Err(unsupported("a change of an order in the chain's state"));
        };
        let mut next = *order;
        next.intent.kind = OrderKind::Limit { price: change.price };
        next.intent.amount = Amount::Quantity(change.quantity);
        next.intent.time_in_force = TimeInForce::Gtc;
        let market = self.market(placed.instrument).await.map_err(unsent)?;
        let height = self.chain.height().await.map_err(unsent)?;
        let made = self.made(&market, &next, (height, Resting::ShortTerm))?;
        // The chain replaces an order by one of a later end alone.
        match made.life {
            ChainLife::ShortTerm { last_block } if u64::from(last_block) > last => {}
            _ => {
                let message = "not sent: an order is changed in a later block than it was placed";
                return Err(ExchangeError::Unavailable { code: 0, message: message.to_owned() });
            }
        }
        let sent = self.place(ApiEndpoint::AmendOrder, &made).await;
        // A cancel that lasts as long as the later end takes either of the two back.
        if sent.as_ref().map_or_else(ExchangeError::is_outcome_unknown, |()| true) {
            self.memory().replace(order.id, made.life, change.quantity.value());
        }
        sent?;
        let status = match placed.filled.is_zero() {
            true => OrderStatus::Open,
            false => OrderStatus::PartiallyFilled,
        };
        Ok(OrderState {
            order: order.id,
            venue_order: self.number(made.client, made.clob_pair, made.life),
            instrument: placed.instrument,
            side: placed.side,
            leg: Leg::Net,
            status,
            quantity: change.quantity,
            filled: placed.filled,
            price: Some(change.price),
            trigger: None,
            at: self.config.clock.wall(),
        })
    }

    pub(super) async fn cancel(
        &self,
        order: OrderId,
        instrument: InstrumentId,
    ) -> Result<(), ExchangeError> {
        let placed = self.memory().get(order);
        let cancel = match placed {
            Some(placed) if placed.is_over => return Err(not_found("works")),
            Some(Placed { client, clob_pair, life, .. }) => ChainCancel { client, clob_pair, life },
            None => {
                let found = self.find(order, instrument).await.map_err(unsent)?;
                let found = found.ok_or_else(|| not_found("known"))?;
                let market = self.market(instrument).await.map_err(unsent)?;
                cancel_of(&found, market.clob_pair).ok_or_else(|| not_found("works"))?
            }
        };
        if let ChainLife::ShortTerm { last_block } = cancel.life
            && u64::from(last_block) < self.chain.height().await.map_err(unsent)?
        {
            return Err(not_found("works"));
        }
        self.take_back(ApiEndpoint::CancelOrder, &cancel).await
    }

    async fn take_back(
        &self,
        endpoint: ApiEndpoint,
        cancel: &ChainCancel,
    ) -> Result<(), ExchangeError> {
        let sign = |signer: &ChainSigner, sequence| signer.cancel(cancel, sequence);
        match cancel.life.is_stateful() {
            true => self.chain.send_stateful(endpoint, &sign).await,
            false => self.chain.send_short(endpoint, &sign).await,
        }
    }

    pub(super) async fn cancel_all(&self, instrument: InstrumentId) -> Result<(), ExchangeError> {
        let market = self.market(instrument).await.map_err(unsent)?;
        let height = self.chain.height().await.map_err(unsent)?;
        let listed = self.listed(Some(instrument)).await.map_err(unsent)?;
        let works = |order: &&DydxOrder| !order.status(height).is_terminal();
        let known = listed.iter().filter(works).filter_map(|it| cancel_of(it, market.clob_pair));
        let own = self.memory().working(instrument, height).into_iter();
        let own =
            own.map(|it| ChainCancel { client: it.client, clob_pair: it.clob_pair, life: it.life });
        let mut cancels: Vec<ChainCancel> = known.chain(own).collect();
        cancels.sort_by_key(|cancel| (cancel.life.flags(), cancel.client));
        cancels.dedup_by_key(|cancel| (cancel.life.flags(), cancel.client));
        let (stateful, short): (Vec<_>, Vec<_>) =
            cancels.into_iter().partition(|cancel| cancel.life.is_stateful());
        let mut first = Ok(());
        for cancels in short.chunks(MOST_IN_BATCH) {
            first = first.and(self.cancel_batch(market.clob_pair, cancels).await);
        }
        for cancel in &stateful {
            match self.take_back(ApiEndpoint::CancelAll, cancel).await {
                Err(error) if !error.is_not_found() => first = first.and(Err(error)),
                Ok(()) | Err(_) => {}
            }
        }
        first
    }

    async fn cancel_batch(
        &self,
        clob_pair: u32,
        cancels: &[ChainCancel],
    ) -> Result<(), ExchangeError> {
        let last = |cancel: &ChainCancel| match cancel.life {
            ChainLife::ShortTerm { last_block } => last_block,
            ChainLife::LongTerm { .. } | ChainLife::Conditional { .. } => 0,
        };
        let last_block = cancels.iter().map(last).max().unwrap_or_default();
        let clients = cancels.iter().map(|cancel| cancel.client).collect();
        let pairs = [(clob_pair, clients)];
        let sign = |signer: &ChainSigner, _sequence| signer.cancel_batch(&pairs, last_block);
        match self.chain.send_short(ApiEndpoint::CancelAll, &sign).await {
            Err(error) if error.is_not_found() => Ok(()),
            sent => sent,
        }
    }
}

/// The cancel of an order that the indexer lists; none where it does not say how long it lives.
fn cancel_of(order: &DydxOrder, clob_pair: u32) -> Option<ChainCancel> {
    let until = |time: Timestamp| u32::try_from(time.nanos().div_euclid(1_000_000_000)).ok();
    let life = match order.flags {
        0 => ChainLife::ShortTerm { last_block: u32::try_from(order.good_til_block?).ok()? },
        32 => {
            // A cancel does not look at the trigger.
            let trigger = ChainTrigger::StopLoss { subticks: 0 };
            ChainLife::Conditional { until: until(order.good_til_time?)?, trigger }
        }
        64 => ChainLife::LongTerm { until: until(order.good_til_time?)? },
        _ => return None,
    };
    Some(ChainCancel { client: order.client, clob_pair, life })
}

fn quantity(order: &Order) -> Decimal {
    match order.intent.amount {
        Amount::Quantity(quantity) => quantity.value(),
        Amount::Cash(_) => Decimal::ZERO,
    }
}

/// Nothing was sent about an order that is not there.
fn not_found(what: &str) -> ExchangeError {
    let message = format!("not sent: no such order is {what}");
    ExchangeError::Refused { reason: RejectReason::NotFound, code: 0, message }
}

/// An order that the chain cannot have was never sent.
fn not_sent(error: ChainOrderError) -> ExchangeError {
    match error {
        ChainOrderError::Unsupported { .. } => {
            ExchangeError::Unsupported { what: error.to_string() }
        }
        other => ExchangeError::Refused {
            reason: RejectReason::InvalidOrder,
            code: 0,
            message: format!("not sent: {other}"),
        },
    }
}
