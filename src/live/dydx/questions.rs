//! What is asked of the indexer about an account.

use core::time::Duration;
use std::collections::BTreeSet;

use super::client::Inner;
use crate::types::{InstrumentId, Leg, OrderId, SlotId, Timestamp, TradeId};
use crate::venue::dydx::{
    DydxFill, DydxFills, DydxHoldings, DydxMarket, DydxMarketStatus, DydxOrder, client_id,
    decode_fills, decode_holdings, decode_markets, decode_orders, decode_time, hyphenated,
    venue_id,
};
use crate::venue::{
    Balance, ExchangeError, FillsFrom, Limited, Listing, OrderState, PositionState, RateBudget,
    Urgency, VenueFill, VenueListings,
};

/// Fills of one answer.
const PAGE: usize = 100;
/// The kinds of life that an order may have: most limit orders, those of the short term, those
/// with a trigger.
const FLAGS: [u32; 3] = [64, 0, 32];

impl Inner {
    /// The rules of an instrument; the venue's list is asked for until it is known.
    pub(super) async fn market(
        &self,
        instrument: InstrumentId,
    ) -> Result<DydxMarket, ExchangeError> {
        if let Some(market) = self.markets().get(&instrument) {
            return Ok(market.clone());
        }
        self.list_markets().await?;
        let found = self.markets().get(&instrument).cloned();
        found.ok_or_else(|| ExchangeError::Unsupported {
            what: format!("instrument {} is not listed there", instrument.0),
        })
    }

    async fn list_markets(&self) -> Result<Vec<DydxMarket>, ExchangeError> {
        let body = self.indexer.ask("/perpetualMarkets".to_owned(), Urgency::Query).await?;
        let listed = decode_markets(&body)?;
        let mut known = self.markets();
        for market in &listed {
            if let Some(instrument) = self.symbols.instrument(&market.ticker) {
                known.insert(instrument, market.clone());
            }
        }
        drop(known);
        Ok(listed)
    }

    pub(super) async fn instruments(&self) -> Result<VenueListings, ExchangeError> {
        let listing = |market: DydxMarket| Listing {
            instrument: market.instrument(),
            is_trading: market.status == DydxMarketStatus::Active,
            name: market.ticker,
        };
        let listings = self.list_markets().await?.into_iter().map(listing).collect();
        let mut budget = RateBudget::new(0);
        let second = Duration::from_secs(1);
        budget.limit(Limited::Weight, second, self.config.requests_per_second);
        Ok(VenueListings { listings, passed_over: 0, budget })
    }

    pub(super) async fn server_time(&self) -> Result<Timestamp, ExchangeError> {
        let body = self.indexer.ask("/time".to_owned(), Urgency::Query).await?;
        Ok(decode_time(&body)?)
    }

    /// The account as questions name it.
    fn of_account(&self) -> String {
        let account = &self.chain.account;
        format!("address={}&subaccountNumber={}", account.key.address(), account.subaccount)
    }

    fn ticker(&self, instrument: InstrumentId) -> Result<&str, ExchangeError> {
        let unknown = || ExchangeError::Unsupported {
            what: format!("instrument {} has no name here", instrument.0),
        };
        self.symbols.name(instrument).ok_or_else(unknown)
    }

    /// An order by the id that follows from its name, or, of other programs, from the list.
    pub(super) async fn find(
        &self,
        order: OrderId,
        instrument: InstrumentId,
    ) -> Result<Option<DydxOrder>, ExchangeError> {
        if (order.epoch(), order.slot()) == (0, SlotId::HOUSE) {
            let listed = self.listed(Some(instrument)).await?;
            return Ok(listed.into_iter().find(|it| it.venue_order == order.sequence()));
        }
        let Some(client) = client_id(order) else { return Ok(None) };
        let market = self.market(instrument).await?;
        let owner = self.chain.account.owner();
        let sent = self.memory().get(order).map(|placed| placed.life.flags());
        let kinds = sent.map_or(FLAGS.to_vec(), |flags| vec![flags]);
        for flags in kinds {
            let id = venue_id(&owner, client, market.clob_pair, flags);
            if let Some(found) = self.by_venue_id(id).await? {
                // Client ids come again after 1,024 runs.
                return Ok(Some(found).filter(|it| it.own().is_none_or(|own| own == order)));
            }
        }
        Ok(None)
    }

    async fn by_venue_id(&self, id: u128) -> Result<Option<DydxOrder>, ExchangeError> {
        let path = format!("/orders/{}", hyphenated(id));
        match self.indexer.ask(path, Urgency::Resolve).await {
            Ok(body) => Ok(decode_orders(&body)?.into_iter().find(|order| order.id == id)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn order(
        &self,
        order: OrderId,
        instrument: InstrumentId,
    ) -> Result<Option<OrderState>, ExchangeError> {
        // The height first: what the answer does not say of the blocks up to it did not happen.
        let height = self.chain.height().await?;
        if let Some(found) = self.find(order, instrument).await? {
            let stands = found.stands(&self.symbols, Some(order), height);
            self.memory().owns(found.venue_order, order);
            return Ok(stands.filter(|stands| stands.instrument == instrument));
        }
        let placed = self.memory().get(order).filter(|placed| !placed.is_over);
        let until = placed.map(|placed| match placed.last_block() {
            Some(last) => last,
            None => placed.height.saturating_add(self.chain.account.stateful_blocks.into()),
        });
        match until {
            Some(until) if height <= until => Err(ExchangeError::Unavailable {
                code: 0,
                message: format!("not known at block {height}, and may come until {until}"),
            }),
            _ => Ok(None),
        }
    }

    /// The orders that the indexer lists as working or waiting, or that may still fill.
    pub(super) async fn listed(
        &self,
        instrument: Option<InstrumentId>,
    ) -> Result<Vec<DydxOrder>, ExchangeError> {
        const WORKING: &str = "OPEN,BEST_EFFORT_OPENED,BEST_EFFORT_CANCELED,UNTRIGGERED";
        let mut path =
            format!("/orders?{}&status={WORKING}&returnLatestOrders=true", self.of_account());
        if let Some(instrument) = instrument {
            path.push_str(&format!("&ticker={}", self.ticker(instrument)?));
        }
        match self.indexer.ask(path, Urgency::Query).await {
            Ok(body) => Ok(decode_orders(&body)?),
            // A subaccount that nothing was paid into is not known.
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn open_orders(
        &self,
        instrument: Option<InstrumentId>,
    ) -> Result<Vec<OrderState>, ExchangeError> {
        let height = self.chain.height().await?;
        let listed = self.listed(instrument).await?;
        let mut memory = self.memory();
        let mut open = Vec::with_capacity(listed.len());
        for order in listed {
            let own = order.own().or_else(|| memory.owner(order.venue_order));
            if let Some(own) = own {
                memory.owns(order.venue_order, own);
            }
            open.extend(order.stands(&self.symbols, own, height));
        }
        open.retain(|order| !order.status.is_terminal());
        Ok(open)
    }

    pub(super) async fn fills(
        &self,
        instrument: InstrumentId,
        from: FillsFrom,
    ) -> Result<Vec<VenueFill>, ExchangeError> {
        let mut walk = Walk::default();
        match from {
            FillsFrom::After(trade) => {
                // Of one instant the list's order means nothing: all of it is told.
                let mut since = None;
                let is_before = |fill: &VenueFill| {
                    if fill.fill.trade == trade {
                        since = Some(fill.at);
                    }
                    since.is_some_and(|at| fill.at < at)
                };
                self.walk((Some(instrument), None), &mut walk, is_before).await?;
                walk.fills.retain(|fill| fill.fill.fill.trade != trade);
            }
            FillsFrom::Time(at) => {
                let of = (Some(instrument), Some(at));
                self.walk(of, &mut walk, |fill| fill.at < at).await?;
            }
            FillsFrom::Order(order) => {
                let Some(found) = self.find(order, instrument).await? else {
                    return Ok(Vec::new());
                };
                self.memory().owns(found.venue_order, order);
                let mut left = found.filled;
                let is_before = |fill: &VenueFill| {
                    let is_whole = left.is_zero() || left.is_sign_negative();
                    if fill.venue_order == found.venue_order {
                        left = left.saturating_sub(fill.fill.quantity.value());
                    }
                    is_whole
                };
                self.walk((Some(instrument), None), &mut walk, is_before).await?;
                walk.fills.retain(|fill| fill.fill.venue_order == found.venue_order);
            }
        }
        self.named(walk).await
    }

    /// The fills of all instruments since a time, the oldest first.
    pub(super) async fn fills_since(&self, at: Timestamp) -> Result<Vec<VenueFill>, ExchangeError> {
        let mut walk = Walk::default();
        self.walk((None, Some(at)), &mut walk, |fill| fill.at < at).await?;
        self.named(walk).await
    }

    /// Reads the list of fills, of one instrument or all, from the newest back to one that is
    /// before what is wanted, or before a time.
    async fn walk(
        &self,
        (instrument, since): (Option<InstrumentId>, Option<Timestamp>),
        walk: &mut Walk,
        mut is_before: impl FnMut(&VenueFill) -> bool,
    ) -> Result<(), ExchangeError> {
        let mut path = format!("/fills?{}&limit={PAGE}", self.of_account());
        if let Some(instrument) = instrument {
            let ticker = self.ticker(instrument)?;
            path.push_str(&format!("&market={ticker}&marketType=PERPETUAL"));
        }
        let mut before: Option<Timestamp> = None;
        loop {
            let page = match before {
                None => path.clone(),
                Some(before) => format!("{path}&createdBeforeOrAt={before}"),
            };
            let body = match self.indexer.ask(page, Urgency::Query).await {
                Ok(body) => body,
                Err(error) if error.is_not_found() => return Ok(()),
                Err(error) => return Err(error),
            };
            let DydxFills { count, oldest, fills, .. } = decode_fills(&self.symbols, &body)?;
            for fill in fills.iter().rev() {
                // A page begins with the instant that the one before has ended with.
                if walk.is_new(&fill.fill) {
                    if is_before(&fill.fill) {
                        return Ok(());
                    }
                    walk.fills.push(*fill);
                }
            }
            let Some(oldest) = oldest.filter(|_| count >= PAGE) else { return Ok(()) };
            if since.is_some_and(|since| oldest < since) {
                return Ok(());
            }
            if before.is_some_and(|before| oldest >= before) {
                let message = "one instant has more fills than an answer holds".to_owned();
                return Err(ExchangeError::Unavailable { code: 0, message });
            }
            before = Some(oldest);
        }
    }

    /// The fills, the oldest first, with their orders: lists name those by the venue's id alone.
    async fn named(&self, walk: Walk) -> Result<Vec<VenueFill>, ExchangeError> {
        let mut fills = Vec::with_capacity(walk.fills.len());
        for DydxFill { order, mut fill, .. } in walk.fills.into_iter().rev() {
            let known = self.memory().owner(fill.venue_order);
            fill.order = match (known, order) {
                (Some(owner), _) => owner,
                (None, None) => fill.order,
                (None, Some(id)) => {
                    let found = self.by_venue_id(id).await?;
                    let owner = found.and_then(|order| order.own()).unwrap_or(fill.order);
                    self.memory().owns(fill.venue_order, owner);
                    owner
                }
            };
            fills.push(fill);
        }
        Ok(fills)
    }

    /// None of a subaccount that nothing was paid into.
    async fn holdings(&self) -> Result<Option<DydxHoldings>, ExchangeError> {
        let account = &self.chain.account;
        let (address, number) = (account.key.address(), account.subaccount);
        let path = format!("/addresses/{address}/subaccountNumber/{number}");
        match self.indexer.ask(path, Urgency::Query).await {
            Ok(body) => Ok(Some(decode_holdings(&body)?)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        let asset = self.symbols.asset("USDC");
        let Some((asset, holdings)) = asset.zip(self.holdings().await?) else {
            return Ok(Vec::new());
        };
        let total = holdings.wallet().ok_or_else(|| ExchangeError::Unavailable {
            code: 0,
            message: "the account's holdings have no sum in a decimal".to_owned(),
        })?;
        Ok(vec![Balance { asset, total, locked: holdings.bound() }])
    }

    pub(super) async fn positions(&self) -> Result<Vec<PositionState>, ExchangeError> {
        let positions = self.holdings().await?.map(|holdings| holdings.positions);
        let known = positions.unwrap_or_default().into_iter().filter_map(|position| {
            let instrument = self.symbols.instrument(&position.ticker)?;
            let (quantity, entry) = (position.quantity, position.entry);
            Some(PositionState { instrument, leg: Leg::Net, quantity, entry })
        });
        Ok(known.filter(|position| !position.quantity.is_zero()).collect())
    }
}

/// What was read of a list, the newest first.
#[derive(Default)]
struct Walk {
    fills: Vec<DydxFill>,
    seen: BTreeSet<(InstrumentId, TradeId)>,
}

impl Walk {
    fn is_new(&mut self, fill: &VenueFill) -> bool {
        self.seen.insert((fill.instrument, fill.fill.trade))
    }
}
