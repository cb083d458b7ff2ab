use std::collections::VecDeque;

use rust_decimal::Decimal;

use super::DydxFill;
use super::identity::own_order;
use super::market::side;
use super::wire::{WireOrder, time, uuid};
use crate::types::{
    InstrumentId, Leg, OrderId, OrderReport, OrderStatus, OrderUpdate, Side, SlotId, Timestamp,
};
use crate::venue::read::{self, decimal};
use crate::venue::{DecodeError, OrderNews, Symbols, VenueFill};

/// The venue's words for where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DydxOrderState {
    /// A validator has it in its memory.
    BestEffortOpened,
    /// It is on the book.
    Open,
    /// It is filled whole.
    Filled,
    /// It is over.
    Canceled,
    /// A validator has dropped it. Others may still fill it until its last block has passed.
    BestEffortCanceled,
    /// It waits for its trigger.
    Untriggered,
}

impl DydxOrderState {
    /// The state of this word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "BEST_EFFORT_OPENED" => Some(Self::BestEffortOpened),
            "OPEN" => Some(Self::Open),
            "FILLED" => Some(Self::Filled),
            "CANCELED" => Some(Self::Canceled),
            "BEST_EFFORT_CANCELED" => Some(Self::BestEffortCanceled),
            "UNTRIGGERED" => Some(Self::Untriggered),
            _ => None,
        }
    }

    /// True when nothing more can happen to the order.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Filled | Self::Canceled => true,
            Self::BestEffortOpened | Self::Open | Self::BestEffortCanceled | Self::Untriggered => {
                false
            }
        }
    }

    /// The state in the words of the engine, for an order of which so much is filled.
    pub const fn status(self, is_filled_in_part: bool) -> OrderStatus {
        match (self, is_filled_in_part) {
            (Self::Filled, _) => OrderStatus::Filled,
            (Self::Canceled, _) => OrderStatus::Cancelled,
            (_, true) => OrderStatus::PartiallyFilled,
            (_, false) => OrderStatus::Open,
        }
    }
}

/// Orders that were told, so that fills find theirs: they name the venue's id alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    /// Client ids of the engine's own orders, as the host has said.
    own: VecDeque<(u32, OrderId)>,
    known: VecDeque<Known>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    id: u128,
    order: OrderId,
    filled: Decimal,
    /// The last block in which an order may still fill that a validator has dropped, and what to
    /// say once it has passed.
    ending: Option<(u64, OrderNews)>,
}

/// The venue's id of an order in the 64 bits of all venues' numbers, as
/// [`OrderNews::venue_order`] has it.
pub const fn venue_order(id: u128) -> u64 {
    (id >> 64) as u64 ^ id as u64
}

const WHAT: &str = "order";

impl Orders {
    const MOST: usize = 4_096;

    /// The host places an order under this client id.
    pub(super) fn own(&mut self, client: u32, order: OrderId) {
        self.own.retain(|(known, _)| *known != client);
        if self.own.len() >= Self::MOST {
            self.own.pop_front();
        }
        self.own.push_back((client, order));
    }

    /// What an order's message tells an engine; none where it tells nothing. Of an order that is
    /// filled its fills say the rest, and one that a validator has dropped is not over yet.
    pub(super) fn apply(&mut self, order: &OrderPiece) -> Option<OrderNews> {
        let (own, filled) = self.identity(order);
        let filled = filled.max(order.filled);
        let news = |report| OrderNews {
            at: order.at,
            update: OrderUpdate {
                order: own,
                instrument: order.instrument,
                side: order.side,
                leg: Leg::Net,
                report,
            },
            venue_order: venue_order(order.id),
            filled,
        };
        let ending = match (order.state, order.last_block) {
            (DydxOrderState::BestEffortCanceled, Some(block)) => {
                Some((block, news(OrderReport::Cancelled)))
            }
            (_, _) => None,
        };
        self.keep(Known { id: order.id, order: own, filled, ending });
        match order.state {
            DydxOrderState::BestEffortOpened
            | DydxOrderState::Open
            | DydxOrderState::Untriggered => Some(news(OrderReport::Accepted)),
            DydxOrderState::Canceled => Some(news(OrderReport::Cancelled)),
            DydxOrderState::Filled | DydxOrderState::BestEffortCanceled => None,
        }
    }

    /// What a fill tells an engine.
    pub(super) fn apply_fill(&mut self, fill: &FillPiece) -> OrderNews {
        let known = self.known.iter_mut().rev().find(|known| known.id == fill.order);
        let (order, filled) = match known {
            Some(known) => {
                known.filled = known.filled.max(fill.quantity);
                (known.order, known.filled)
            }
            None => (house(fill.order), fill.quantity),
        };
        let FillPiece { instrument, side, report, .. } = *fill;
        OrderNews {
            at: fill.at,
            update: OrderUpdate { order, instrument, side, leg: Leg::Net, report },
            venue_order: venue_order(fill.order),
            filled,
        }
    }

    /// The chain has reached this block: what could fill until an earlier one is over.
    pub(super) fn on_height(&mut self, at: Timestamp, height: u64, out: &mut Vec<OrderNews>) {
        for known in &mut self.known {
            if let Some((_, mut news)) = known.ending.take_if(|(last, _)| *last < height) {
                (news.at, news.filled) = (at, known.filled);
                out.push(news);
            }
        }
    }

    /// Whose order it is, and what it has filled so far.
    fn identity(&self, piece: &OrderPiece) -> (OrderId, Decimal) {
        let known = self.known.iter().rev().find(|known| known.id == piece.id);
        let (order, filled) =
            known.map_or((house(piece.id), Decimal::ZERO), |known| (known.order, known.filled));
        let named = piece.client.and_then(|id| self.own.iter().rev().find(|it| it.0 == id));
        let own = named.map(|(_, order)| *order).or(piece.marked);
        (own.unwrap_or(order), filled)
    }

    fn keep(&mut self, known: Known) {
        if let Some(place) = self.known.iter_mut().rev().find(|it| it.id == known.id) {
            *place = known;
            return;
        }
        if self.known.len() >= Self::MOST {
            self.known.pop_front();
        }
        self.known.push_back(known);
    }
}

/// An order that nobody has named.
pub(super) const fn house(id: u128) -> OrderId {
    OrderId::new(0, SlotId::HOUSE, venue_order(id))
}

/// An order's message, read whole.
pub(super) struct OrderPiece {
    at: Timestamp,
    id: u128,
    client: Option<u32>,
    /// The engine's order by its metadata.
    marked: Option<OrderId>,
    instrument: InstrumentId,
    side: Side,
    state: DydxOrderState,
    filled: Decimal,
    last_block: Option<u64>,
}

impl OrderPiece {
    /// None for an instrument that is not in the table.
    pub(super) fn read(
        at: Timestamp,
        order: &WireOrder<'_>,
        symbols: &Symbols,
    ) -> Result<Option<Self>, DecodeError> {
        let ticker = order.ticker.ok_or(DecodeError::Missing { what: WHAT, field: "ticker" })?;
        let Some(instrument) = symbols.instrument(ticker) else { return Ok(None) };
        let block = order
            .good_til_block
            .map(|text| text.parse().map_err(|_| read::number(WHAT, "goodTilBlock", text)));
        let filled = order.total_filled.map(|text| decimal(WHAT, "totalFilled", text));
        Ok(Some(Self {
            at: order.updated_at.map_or(Ok(at), |text| time(WHAT, "updatedAt", text))?,
            id: uuid(WHAT, "id", order.id)?,
            client: order.client_id.and_then(|text| text.parse().ok()),
            marked: marked(order),
            instrument,
            side: side(WHAT, order.side)?,
            state: DydxOrderState::parse(order.status)
                .ok_or_else(|| read::word(WHAT, "status", order.status))?,
            filled: filled.transpose()?.unwrap_or_default(),
            last_block: block.transpose()?,
        }))
    }
}

/// The engine's order that an order's message names by its client id and metadata.
fn marked(order: &WireOrder<'_>) -> Option<OrderId> {
    let client = order.client_id?.parse().ok()?;
    own_order(client, order.client_metadata?.parse().ok()?)
}

/// A fill, read whole.
pub(super) struct FillPiece {
    pub at: Timestamp,
    /// The venue's id of its order, or its own where it has none.
    pub order: u128,
    pub instrument: InstrumentId,
    pub side: Side,
    pub quantity: Decimal,
    pub report: OrderReport,
}

impl FillPiece {
    /// The fill as a list has it; none where it carries no execution.
    pub(super) fn listed(&self) -> Option<DydxFill> {
        let (OrderReport::Fill(fill) | OrderReport::Liquidated(fill)) = self.report else {
            return None;
        };
        let is_forced = matches!(self.report, OrderReport::Liquidated(_));
        let fill = VenueFill {
            at: self.at,
            order: house(self.order),
            venue_order: venue_order(self.order),
            instrument: self.instrument,
            side: self.side,
            leg: Leg::Net,
            fill,
        };
        Some(DydxFill { order: (!is_forced).then_some(self.order), fill })
    }
}
