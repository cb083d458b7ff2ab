use super::messages::{self, CancelUntil, OrderUntil};
use super::{ChainAddress, Subaccount};
use crate::types::Side;

/// An order as the chain takes it. Its identity is the subaccount, the client id, the kind of its
/// life and the pair: the chain gives it no number of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainOrder {
    /// The client id, unique among the subaccount's orders of this kind in this pair.
    pub client: u32,
    /// The number of the order book, [`DydxMarket::clob_pair`](super::super::DydxMarket).
    pub clob_pair: u32,
    /// Which way.
    pub side: Side,
    /// How much, as [`DydxMarket::quantums`](super::super::DydxMarket::quantums) says.
    pub quantums: u64,
    /// The worst price, as [`DydxMarket::subticks`](super::super::DydxMarket::subticks) says.
    pub subticks: u64,
    /// How long it lives, and whether it waits for a trigger.
    pub life: ChainLife,
    /// What it may do with a book.
    pub execution: ChainExecution,
    /// Never opens or enlarges a position. The chain takes it for what fills at once.
    pub reduce_only: bool,
    /// A number that the chain ignores and the indexer shows: 1 makes of a limit a market order
    /// in its lists, 0 leaves it a limit.
    pub client_metadata: u32,
}

/// How long an order lives, which decides where it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainLife {
    /// In the memory of validators, until this block at most. It needs no sequence number.
    ShortTerm {
        /// The last block in which it may fill: at most 20 above the chain's height, as the
        /// documentation says (the chain's code of 2026 takes 40).
        last_block: u32,
    },
    /// In the chain's state, until this second since 1970 at most. It needs the account's next
    /// sequence number.
    LongTerm {
        /// The last second, at most 95 days ahead.
        until: u32,
    },
    /// In the chain's state, until the oracle's price has reached its trigger.
    Conditional {
        /// The last second, at most 95 days ahead.
        until: u32,
        /// What it waits for.
        trigger: ChainTrigger,
    },
}

/// What a conditional order waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainTrigger {
    /// A sale waits for a price at or below it, a purchase for one at or above it.
    StopLoss {
        /// The trigger in subticks.
        subticks: u64,
    },
    /// A sale waits for a price at or above it, a purchase for one at or below it.
    TakeProfit {
        /// The trigger in subticks.
        subticks: u64,
    },
}

/// What an order may do with a book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChainExecution {
    /// It takes what it can, and rests with what is left.
    #[default]
    Rest,
    /// It takes what it can, and the rest is cancelled.
    ImmediateOrCancel,
    /// It is refused rather than taking liquidity.
    PostOnly,
}

/// Takes an order back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainCancel {
    /// The order's client id.
    pub client: u32,
    /// The order's pair.
    pub clob_pair: u32,
    /// The kind of the order's life, and how long the cancel holds: not less than the order's
    /// own end. A trigger is not looked at.
    pub life: ChainLife,
}

impl ChainCancel {
    /// The cancel of this order, which holds as long as the order would.
    pub const fn of(order: &ChainOrder) -> Self {
        Self { client: order.client, clob_pair: order.clob_pair, life: order.life }
    }

    pub(super) fn message(&self, owner: &Subaccount) -> messages::CancelOrder {
        let until = match self.life {
            ChainLife::ShortTerm { last_block } => CancelUntil::Block(last_block),
            ChainLife::LongTerm { until } | ChainLife::Conditional { until, .. } => {
                CancelUntil::Time(until)
            }
        };
        let id = order_id(owner, self.client, self.life, self.clob_pair);
        messages::CancelOrder { id: Some(id), until: Some(until) }
    }
}

impl ChainLife {
    /// The chain's number of this kind of order.
    pub const fn flags(self) -> u32 {
        match self {
            Self::ShortTerm { .. } => 0,
            Self::Conditional { .. } => 32,
            Self::LongTerm { .. } => 64,
        }
    }

    /// True when transactions about it need the account's next sequence number.
    pub const fn is_stateful(self) -> bool {
        match self {
            Self::ShortTerm { .. } => false,
            Self::LongTerm { .. } | Self::Conditional { .. } => true,
        }
    }
}

impl ChainOrder {
    pub(super) fn message(&self, owner: &Subaccount) -> messages::PlaceOrder {
        let (until, condition, trigger_subticks) = match self.life {
            ChainLife::ShortTerm { last_block } => (OrderUntil::Block(last_block), 0, 0),
            ChainLife::LongTerm { until } => (OrderUntil::Time(until), 0, 0),
            ChainLife::Conditional { until, trigger } => match trigger {
                ChainTrigger::StopLoss { subticks } => (OrderUntil::Time(until), 1, subticks),
                ChainTrigger::TakeProfit { subticks } => (OrderUntil::Time(until), 2, subticks),
            },
        };
        let order = messages::Order {
            id: Some(order_id(owner, self.client, self.life, self.clob_pair)),
            side: match self.side {
                Side::Buy => 1,
                Side::Sell => 2,
            },
            quantums: self.quantums,
            subticks: self.subticks,
            until: Some(until),
            time_in_force: match self.execution {
                ChainExecution::Rest => 0,
                ChainExecution::ImmediateOrCancel => 1,
                ChainExecution::PostOnly => 2,
            },
            reduce_only: self.reduce_only,
            client_metadata: self.client_metadata,
            condition,
            trigger_subticks,
        };
        messages::PlaceOrder { order: Some(order) }
    }
}

fn order_id(owner: &Subaccount, client: u32, life: ChainLife, clob_pair: u32) -> messages::OrderId {
    messages::OrderId {
        subaccount: Some(subaccount(&owner.address, owner.number)),
        client,
        flags: life.flags(),
        clob_pair,
    }
}

pub(super) fn subaccount(address: &ChainAddress, number: u32) -> messages::Subaccount {
    messages::Subaccount { owner: address.as_str().to_owned(), number }
}
