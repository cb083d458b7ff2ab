use core::future::pending;
use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::engine::Command;
use crate::sim::{OpenOrder, SimConfig, SimError, SimVenue};
use crate::types::{
    AssetId, FillReport, InstrumentId, InstrumentKind, Instruments, Leg, MarketEvent, OrderId,
    OrderReport, OrderStatus, OrderUpdate, Qty, State, StateError, Timestamp,
};
use crate::venue::{
    Balance, FillsFrom, Found, OrderNews, OrderState, PositionState, UserNews, VenueFill,
};

use super::{Gateway, GatewayEvent, Picture, Request};

/// A [`Gateway`] to a simulated venue: live market data, simulated fills, and otherwise the way
/// that a live account takes.
///
/// The venue ends with the process, so that it is saved with its bot and restored with it: a
/// paper account goes on at its last snapshot.
///
/// Give it cash ([`SimConfig::with_balance`]): what is on unlimited credit has no balance that
/// could be taken over.
///
/// ```
/// use tradewright::live::PaperGateway;
/// use tradewright::sim::SimConfig;
/// use tradewright::types::{Instrument, Instruments};
///
/// let mut table = Instruments::new();
/// table.add(Instrument::spot("BTCUSDT", "BTC", "USDT").tick("0.01").step("0.00001"))?;
/// let config = SimConfig::default().with_balance("USDT", 10_000.into());
/// let gateway = PaperGateway::new(&table, config)?;
/// assert!(gateway.venue().is_idle());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PaperGateway {
    instruments: Instruments,
    venue: SimVenue,
    /// What is to be told, the oldest first.
    events: VecDeque<GatewayEvent>,
    /// The last fills, the oldest first.
    fills: VecDeque<(Timestamp, OrderUpdate)>,
    /// What working orders have filled.
    filled: BTreeMap<OrderId, Decimal>,
}

/// The written form.
#[derive(Serialize, Deserialize)]
struct Saved {
    venue: Vec<u8>,
    fills: VecDeque<(Timestamp, OrderUpdate)>,
    /// Reports that nobody has taken yet.
    pending: Vec<(Timestamp, OrderUpdate)>,
}

/// Fills that are remembered for questions.
const MOST_FILLS: usize = 4_096;

impl PaperGateway {
    /// A venue for these instruments.
    ///
    /// # Errors
    /// [`SimError`] with the parameter that was refused.
    pub fn new(instruments: &Instruments, config: SimConfig) -> Result<Self, SimError> {
        Ok(Self {
            instruments: instruments.clone(),
            venue: SimVenue::new(instruments, config)?,
            events: VecDeque::from([GatewayEvent::Started]),
            fills: VecDeque::new(),
            filled: BTreeMap::new(),
        })
    }

    /// The venue, to read.
    pub const fn venue(&self) -> &SimVenue {
        &self.venue
    }

    /// The next thing that it has to say, without waiting; `None` when there is nothing.
    pub fn poll(&mut self) -> Option<GatewayEvent> {
        self.events.pop_front()
    }

    /// Turns what the venue reports into news.
    fn pump(&mut self) {
        while let Some((at, update)) = self.venue.poll() {
            self.tell(at, update);
        }
    }

    fn tell(&mut self, at: Timestamp, update: OrderUpdate) {
        let filled = self.filled.entry(update.order).or_default();
        let mut is_over = true;
        match &update.report {
            OrderReport::Fill(fill) | OrderReport::Liquidated(fill) => {
                *filled = filled.saturating_add(fill.quantity.value());
                is_over = false;
                if self.fills.len() >= MOST_FILLS {
                    self.fills.pop_front();
                }
                self.fills.push_back((at, update));
            }
            OrderReport::Rejected(_) | OrderReport::Cancelled | OrderReport::Expired => {}
            _ => is_over = false,
        }
        let filled = *filled;
        if is_over {
            self.filled.remove(&update.order);
        }
        let venue_order = update.order.sequence();
        let news = OrderNews { at, update, venue_order, filled };
        self.events.push_back(GatewayEvent::News(UserNews::Order(news)));
    }

    fn find(&self, at: Timestamp, order: OrderId) -> Found {
        match self.venue.open_orders().find(|open| open.id == order) {
            Some(open) => Found::Order { status: status_of(open), filled: open.filled },
            // It may be on its way.
            None if !self.venue.is_idle() => Found::Failed,
            None => Found::Nothing { asked: at },
        }
    }

    fn fills_of(&self, order: OrderId) -> Vec<FillReport> {
        let of_order = self.fills.iter().filter(|(_, update)| update.order == order);
        of_order.filter_map(|(_, update)| fill_in(update)).collect()
    }

    fn picture(&self, from: &[(InstrumentId, FillsFrom)]) -> Picture {
        let mut picture = Picture::default();
        let assets = (0..self.instruments.assets().len()).filter_map(|id| u16::try_from(id).ok());
        for asset in assets.map(AssetId) {
            if let Some(total) = self.venue.balance(asset) {
                picture.assets.push(asset);
                let locked = Decimal::ZERO;
                picture.balances.push(Balance { asset, total, locked });
            }
        }
        for instrument in self.instruments.iter() {
            // What is bought of a limited asset is in its balance.
            let is_spot = instrument.kind == InstrumentKind::Spot;
            if is_spot && self.venue.balance(instrument.base).is_some() {
                continue;
            }
            picture.instruments.push(instrument.id);
            for leg in [Leg::Net, Leg::Long, Leg::Short] {
                let quantity = self.venue.position_of(instrument.id, leg).value();
                if !quantity.is_zero() {
                    let (instrument, entry) = (instrument.id, Decimal::ZERO);
                    picture.positions.push(PositionState { instrument, leg, quantity, entry });
                }
            }
        }
        picture.orders = self.venue.open_orders().map(state_of).collect();
        let fills = self.fills.iter().filter_map(|(at, update)| venue_fill(*at, update));
        let is_asked = |fill: &VenueFill| {
            from.iter()
                .any(|(instrument, from)| *instrument == fill.instrument && is_in(fill, *from))
        };
        picture.fills = fills.filter(is_asked).collect();
        picture
    }
}

#[async_trait]
impl Gateway for PaperGateway {
    fn start(&mut self, at: Timestamp, request: Request) {
        match request {
            Request::Place(order) => self.venue.submit(at, &Command::Place(order)),
            Request::Cancel { order, instrument } => {
                self.venue.submit(at, &Command::Cancel { order, instrument });
            }
            Request::Amend(change) => {
                let (order, instrument) = (change.order.id, change.order.intent.instrument);
                let (quantity, price) = (change.quantity, change.price);
                self.venue.submit(at, &Command::Amend { order, instrument, quantity, price });
            }
            Request::Find { order, .. } => {
                let found = self.find(at, order);
                self.events.push_back(GatewayEvent::Found { order, found });
            }
            Request::Fills { order, .. } => {
                let fills = self.fills_of(order);
                self.events.push_back(GatewayEvent::Fills { order, fills });
            }
            Request::Picture { number, fills } => {
                self.pump();
                let picture = Ok(Box::new(self.picture(&fills)));
                self.events.push_back(GatewayEvent::Picture { number, picture });
            }
        }
        self.pump();
    }

    fn on_market(&mut self, at: Timestamp, event: &MarketEvent) {
        self.venue.on_market(at, event);
        self.pump();
    }

    async fn next(&mut self) -> GatewayEvent {
        match self.events.pop_front() {
            Some(event) => event,
            // Whoever drives it asks again after each request and each market event.
            None => pending().await,
        }
    }

    fn is_idle(&self) -> bool {
        self.events.is_empty()
    }

    fn save(&self) -> Result<Option<Vec<u8>>, StateError> {
        let pending = self.events.iter().filter_map(|event| match event {
            GatewayEvent::News(UserNews::Order(news)) => Some((news.at, news.update)),
            _ => None,
        });
        let (venue, fills) = (self.venue.save()?, self.fills.clone());
        State::save(&Saved { venue, fills, pending: pending.collect() }).map(Some)
    }

    fn restore(&mut self, saved: &[u8]) -> Result<(), StateError> {
        let saved: Saved = rmp_serde::from_slice(saved)
            .map_err(|error| StateError::Unreadable(error.to_string()))?;
        self.venue.restore(&saved.venue)?;
        self.fills = saved.fills;
        self.filled = self.venue.open_orders().map(|open| (open.id, open.filled)).collect();
        let news = saved.pending.into_iter().map(|(at, update)| {
            let (venue_order, filled) = (update.order.sequence(), Decimal::ZERO);
            GatewayEvent::News(UserNews::Order(OrderNews { at, update, venue_order, filled }))
        });
        self.events = news.chain([GatewayEvent::Started]).collect();
        Ok(())
    }
}

const fn fill_in(update: &OrderUpdate) -> Option<FillReport> {
    match update.report {
        OrderReport::Fill(fill) | OrderReport::Liquidated(fill) => Some(fill),
        _ => None,
    }
}

fn venue_fill(at: Timestamp, update: &OrderUpdate) -> Option<VenueFill> {
    let &OrderUpdate { order, instrument, side, leg, .. } = update;
    let (venue_order, fill) = (order.sequence(), fill_in(update)?);
    Some(VenueFill { at, order, venue_order, instrument, side, leg, fill })
}

fn is_in(fill: &VenueFill, from: FillsFrom) -> bool {
    match from {
        FillsFrom::After(trade) => fill.fill.trade > trade,
        FillsFrom::Time(at) => fill.at >= at,
        FillsFrom::Order(order) => fill.order == order,
    }
}

const fn status_of(open: &OpenOrder) -> OrderStatus {
    if open.filled.is_zero() { OrderStatus::Open } else { OrderStatus::PartiallyFilled }
}

fn state_of(open: &OpenOrder) -> OrderState {
    OrderState {
        order: open.id,
        venue_order: open.id.sequence(),
        instrument: open.instrument,
        side: open.side,
        leg: open.leg,
        status: status_of(open),
        quantity: open.quantity.unwrap_or(Qty::ZERO),
        filled: open.filled,
        price: open.kind.limit(),
        trigger: open.kind.trigger(),
        at: open.accepted_at,
    }
}
