use core::time::Duration;

use rust_decimal::Decimal;

use super::{ChainExecution, ChainLife, ChainOrder, ChainTrigger};
use crate::types::{
    Amount, Classification, Classify, Grid, Intent, Leg, Order, OrderId, OrderKind, Price, Side,
    TimeInForce, Timestamp,
};
use crate::venue::dydx::identity::NUMBER_BITS;
use crate::venue::dydx::{DydxMarket, DydxUnitError};

/// Why an order of the engine cannot be one of the chain. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainOrderError {
    /// Its quantity or one of its prices has no place on the chain.
    #[error(transparent)]
    Unit(#[from] DydxUnitError),
    /// The chain has no such order.
    #[error("dYdX has no {what}")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
    },
    /// Its end is not ahead, or more than 95 days ahead.
    #[error("the end {until} is not within 95 days from {at}")]
    BadEnd {
        /// The refused end.
        until: Timestamp,
        /// The time it was compared with.
        at: Timestamp,
    },
    /// The run has used up the client ids of its epoch, 4,194,303 of them.
    #[error("order {order} has no client id of 32 bits left in its run")]
    NoClientId {
        /// The refused order.
        order: OrderId,
    },
    /// A market order whose reference price is no number, from which no worst price can be had.
    #[error("a market order needs a reference price, and a worst price above zero")]
    NoPrice,
}

impl Classify for ChainOrderError {
    fn classification(&self) -> Classification {
        Classification::INPUT
    }
}

/// Where limit orders without an end rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resting {
    /// In the memory of validators for some seconds, as market makers quote: whoever wants them
    /// longer places them again.
    ShortTerm,
    /// In the chain's state, until they are cancelled.
    #[default]
    LongTerm,
}

/// What an order of the chain needs besides what the engine says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainTerms {
    /// The chain's height, as the indexer tells it.
    pub height: u32,
    /// The time, by the chain's clock or one near it.
    pub at: Timestamp,
    /// So many blocks above the height is the last one of an order of the short term: 1 to 20.
    pub blocks: u32,
    /// Where limit orders without an end rest.
    pub resting: Resting,
    /// How long orders without an end live in the chain's state, at most 95 days.
    pub lifetime: Duration,
    /// How far from its reference a market order may fill, in basis points: the chain has limit
    /// orders alone.
    pub slippage_bps: u16,
}

const DAY_SECONDS: u64 = 86_400;
/// The chain's window for orders in its state.
const LONGEST: Duration = Duration::from_secs(95 * DAY_SECONDS);
/// The documented window of the short term. The chain's code of March 2026 takes 40.
const MOST_BLOCKS: u32 = 20;

impl ChainTerms {
    /// The usual terms: 20 blocks, orders without an end for 90 days in the chain's state, and
    /// market orders up to 100 basis points from their reference.
    pub const fn new(height: u32, at: Timestamp) -> Self {
        Self {
            height,
            at,
            blocks: MOST_BLOCKS,
            resting: Resting::LongTerm,
            lifetime: Duration::from_secs(90 * DAY_SECONDS),
            slippage_bps: 100,
        }
    }

    fn short(&self) -> ChainLife {
        let blocks = self.blocks.clamp(1, MOST_BLOCKS);
        ChainLife::ShortTerm { last_block: self.height.saturating_add(blocks) }
    }

    /// The last second of an order in the chain's state.
    fn until(&self, time_in_force: TimeInForce) -> Result<u32, ChainOrderError> {
        let until = match time_in_force {
            TimeInForce::Gtc => self.at.after(self.lifetime.min(LONGEST)),
            TimeInForce::Gtd(until) => until,
            TimeInForce::Day => {
                let seconds = self.at.utc_day().saturating_add(1).saturating_mul(86_400);
                Timestamp::from_secs(seconds).unwrap_or(Timestamp::MAX)
            }
            TimeInForce::Ioc => return unsupported("conditional order that fills at once"),
            TimeInForce::Fok => return unsupported("order that fills whole or not at all"),
        };
        let is_ahead = until > self.at && until <= self.at.after(LONGEST);
        let seconds = u32::try_from(until.nanos().div_euclid(1_000_000_000));
        match (is_ahead, seconds) {
            (true, Ok(seconds)) => Ok(seconds),
            (_, _) => Err(ChainOrderError::BadEnd { until, at: self.at }),
        }
    }

    /// The worst price of an order that has none: on the grid, and within the slippage.
    fn worst(
        &self,
        market: &DydxMarket,
        side: Side,
        reference: Decimal,
    ) -> Result<Decimal, ChainOrderError> {
        let bps = Decimal::from(self.slippage_bps);
        let whole = Decimal::from(10_000);
        let ticks = || {
            let share = match side {
                Side::Buy => whole.checked_add(bps)?,
                Side::Sell => whole.checked_sub(bps)?,
            };
            let worst = reference.checked_mul(share)?.checked_div(whole)?;
            let ticks = worst.checked_div(market.tick)?;
            let ticks = match side {
                Side::Buy => ticks.floor(),
                Side::Sell => ticks.ceil(),
            };
            ticks.checked_mul(market.tick)
        };
        ticks().filter(|price| *price > Decimal::ZERO).ok_or(ChainOrderError::NoPrice)
    }
}

fn unsupported<T>(what: &'static str) -> Result<T, ChainOrderError> {
    Err(ChainOrderError::Unsupported { what })
}

/// The client id of an order: the last 10 bits of its run's epoch, then the 22 bits of its number.
/// None for numbers above 4,194,303. The slot is not part of it: it stands in
/// [`client_metadata`](super::super::client_metadata), or a host tells an
/// [`IndexerDecoder`](super::super::IndexerDecoder::own) whose order it is.
///
/// ```
/// use tradewright::types::{OrderId, SlotId};
/// use tradewright::venue::dydx::client_id;
///
/// assert_eq!(client_id(OrderId::new(3, SlotId(1), 17)), Some(3 << 22 | 17));
/// assert_eq!(client_id(OrderId::new(3, SlotId(1), 1 << 22)), None);
/// ```
pub fn client_id(order: OrderId) -> Option<u32> {
    let number = u32::try_from(order.sequence()).ok().filter(|it| it >> NUMBER_BITS == 0)?;
    Some(order.epoch() << NUMBER_BITS | number)
}

impl ChainOrder {
    /// The chain's order for one of the engine's, under [`client_id`].
    ///
    /// Market orders and those that fill at once are of the short term, limit orders with an end
    /// and everything with a trigger are stateful, and limit orders without an end go where
    /// [`ChainTerms::resting`] says. A market order is a limit order that fills at once, at a
    /// price [`ChainTerms::slippage_bps`] beyond its reference or its trigger.
    ///
    /// # Errors
    /// [`ChainOrderError`].
    pub fn new(
        market: &DydxMarket,
        order: &Order,
        terms: &ChainTerms,
    ) -> Result<Self, ChainOrderError> {
        let intent = &order.intent;
        let quantity = match (intent.amount, intent.leg) {
            (Amount::Quantity(quantity), Leg::Net) => quantity.value(),
            (Amount::Cash(_), _) => return unsupported("order for an amount of cash"),
            (_, Leg::Long | Leg::Short) => return unsupported("positions of two legs"),
        };
        let client = client_id(order.id);
        let client = client.ok_or(ChainOrderError::NoClientId { order: order.id })?;
        let Way { price, life, execution } = way(market, intent, terms)?;
        let is_market =
            execution == ChainExecution::ImmediateOrCancel && intent.kind.limit().is_none();
        Ok(Self {
            client,
            clob_pair: market.clob_pair,
            side: intent.side,
            quantums: market.quantums(quantity)?,
            subticks: market.subticks(price)?,
            life,
            execution,
            reduce_only: intent.flags.reduce_only,
            client_metadata: u32::from(is_market),
        })
    }
}

/// How an intent goes its way.
struct Way {
    price: Decimal,
    life: ChainLife,
    execution: ChainExecution,
}

fn way(market: &DydxMarket, intent: &Intent, terms: &ChainTerms) -> Result<Way, ChainOrderError> {
    let resting = match intent.flags.post_only {
        true => ChainExecution::PostOnly,
        false => ChainExecution::Rest,
    };
    let at_once = ChainExecution::ImmediateOrCancel;
    let worst = |reference| terms.worst(market, intent.side, reference);
    let stop = |trigger: Price| market.subticks(trigger.value()).map(stop_loss);
    let target = |trigger: Price| market.subticks(trigger.value()).map(take_profit);
    let conditional = |trigger| -> Result<ChainLife, ChainOrderError> {
        Ok(ChainLife::Conditional { until: terms.until(intent.time_in_force)?, trigger })
    };
    match intent.kind {
        OrderKind::Market => match intent.time_in_force {
            TimeInForce::Fok => unsupported("order that fills whole or not at all"),
            _ => {
                let reference = Grid::recover(intent.reference).ok_or(ChainOrderError::NoPrice)?;
                let price = worst(reference)?;
                Ok(Way { price, life: terms.short(), execution: at_once })
            }
        },
        OrderKind::Limit { price } => {
            let (life, execution) = limit(intent, terms, resting)?;
            Ok(Way { price: price.value(), life, execution })
        }
        OrderKind::StopMarket { trigger } => {
            let life = conditional(stop(trigger)?)?;
            Ok(Way { price: worst(trigger.value())?, life, execution: at_once })
        }
        OrderKind::StopLimit { trigger, price } => {
            let life = conditional(stop(trigger)?)?;
            Ok(Way { price: price.value(), life, execution: resting })
        }
        OrderKind::TakeProfit { trigger } => {
            let life = conditional(target(trigger)?)?;
            Ok(Way { price: worst(trigger.value())?, life, execution: at_once })
        }
        OrderKind::TrailingStop { .. } => unsupported("trailing stop"),
    }
}

fn limit(
    intent: &Intent,
    terms: &ChainTerms,
    resting: ChainExecution,
) -> Result<(ChainLife, ChainExecution), ChainOrderError> {
    match (intent.time_in_force, terms.resting) {
        (TimeInForce::Ioc, _) if intent.flags.post_only => {
            unsupported("order that fills at once and takes nothing")
        }
        (TimeInForce::Ioc, _) => Ok((terms.short(), ChainExecution::ImmediateOrCancel)),
        (TimeInForce::Gtc, Resting::ShortTerm) => Ok((terms.short(), resting)),
        (other, _) => Ok((ChainLife::LongTerm { until: terms.until(other)? }, resting)),
    }
}

const fn stop_loss(subticks: u64) -> ChainTrigger {
    ChainTrigger::StopLoss { subticks }
}

const fn take_profit(subticks: u64) -> ChainTrigger {
    ChainTrigger::TakeProfit { subticks }
}
