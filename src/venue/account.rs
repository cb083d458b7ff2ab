use rust_decimal::Decimal;

use super::{Found, RateBudget};
use crate::types::{
    AssetId, FillReport, InstrumentBuilder, InstrumentId, Leg, Order, OrderId, OrderReport,
    OrderStatus, OrderUpdate, Price, Qty, Side, Timestamp, TradeId,
};

/// The venue's answer to an order that it has taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Submitted {
    /// The venue's number of the order.
    pub venue_order: u64,
    /// When it was taken, by the venue's clock.
    pub at: Timestamp,
    /// Where it stands.
    pub status: OrderStatus,
    /// What was executed at once, as far as the answer says. The user stream tells it again,
    /// with the same trade ids.
    pub fills: Vec<FillReport>,
}

/// A change of a working order, as [`Command::Amend`](crate::engine::Command::Amend) gives it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrderChange {
    /// The order as it was placed; some venues want its side and kind again.
    pub order: Order,
    /// The new total quantity, what is filled included.
    pub quantity: Qty,
    /// The new limit price, or the new trigger where there is no limit.
    pub price: Price,
    /// The price that it has now.
    pub price_now: Option<Price>,
    /// The total quantity that it has now.
    pub quantity_now: Qty,
}

/// Where an order stands at the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderState {
    /// Which. An order that is not the engine's own belongs to the house: epoch 0, and the
    /// venue's number as its sequence.
    pub order: OrderId,
    /// The venue's number of the order.
    pub venue_order: u64,
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// Which position it changes.
    pub leg: Leg,
    /// Where it stands.
    pub status: OrderStatus,
    /// Its whole quantity, what is filled included.
    pub quantity: Qty,
    /// How much of it was executed.
    pub filled: Decimal,
    /// Its limit.
    pub price: Option<Price>,
    /// Its trigger.
    pub trigger: Option<Price>,
    /// Its last change, by the venue's clock.
    pub at: Timestamp,
}

impl OrderState {
    /// What this is to a [`Conversation`](crate::venue::Conversation) that has asked for it.
    pub const fn found(&self) -> Found {
        Found::Order { status: self.status, filled: self.filled }
    }
}

/// A fill as the venue's list of them has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VenueFill {
    /// When, by the venue's clock.
    pub at: Timestamp,
    /// Of which order; of the house, when it is not the engine's own.
    pub order: OrderId,
    /// The venue's number of the order.
    pub venue_order: u64,
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// Which position it changed.
    pub leg: Leg,
    /// The execution. The engine books each trade id once.
    pub fill: FillReport,
}

impl VenueFill {
    /// What the engine takes as an input.
    pub const fn update(&self) -> OrderUpdate {
        OrderUpdate {
            order: self.order,
            instrument: self.instrument,
            side: self.side,
            leg: self.leg,
            report: OrderReport::Fill(self.fill),
        }
    }
}

/// Where a list of fills begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillsFrom {
    /// The first fill after this trade of the venue.
    After(TradeId),
    /// The first fill at or after this time, by the venue's clock.
    Time(Timestamp),
    /// The fills of this order alone.
    Order(OrderId),
}

/// What an account holds of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Of what.
    pub asset: AssetId,
    /// How much, what is locked included.
    pub total: Decimal,
    /// How much of it working orders (or, for futures, margins) have locked.
    pub locked: Decimal,
}

/// A position as the venue has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionState {
    /// In what.
    pub instrument: InstrumentId,
    /// Which position.
    pub leg: Leg,
    /// How much; negative when short.
    pub quantity: Decimal,
    /// The average price that it was entered at.
    pub entry: Decimal,
}

/// What a venue lists, and how many requests it allows.
#[derive(Clone, Debug)]
pub struct VenueListings {
    /// The instruments, in the venue's order.
    pub listings: Vec<Listing>,
    /// Instruments that the library cannot express, and rules that it does not know; an order may
    /// still be refused by such a rule.
    pub passed_over: u64,
    /// The venue's limits, for a budget of one's own.
    pub budget: RateBudget,
}

/// An instrument as a venue lists it.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The venue's name of it.
    pub name: String,
    /// Its rules, to be added to a table.
    pub instrument: InstrumentBuilder,
    /// True while orders are taken.
    pub is_trading: bool,
}
