use async_trait::async_trait;

use crate::types::{
    AssetId, FillReport, InstrumentId, MarketEvent, Order, OrderId, StateError, Timestamp,
};
use crate::venue::{
    Answer, Balance, FillsFrom, Found, OrderChange, OrderState, PositionState, UserNews, VenueFill,
};

/// What carries out a bot's requests, and tells what came of them: an exchange, or a simulated
/// venue behind live market data. A paper account and a live one differ in it alone.
///
/// It takes requests at once and answers later, in any order. What it cannot find out it says so:
/// an order whose outcome is unknown is never told as refused.
#[async_trait]
pub trait Gateway: Send {
    /// Takes a request; what comes of it is told by [`Gateway::next`].
    fn start(&mut self, at: Timestamp, request: Request);

    /// The market, before the bot sees it; an exchange knows it already.
    fn on_market(&mut self, _at: Timestamp, _event: &MarketEvent) {}

    /// The next thing that it has to say. Dropping the future loses nothing.
    async fn next(&mut self) -> GatewayEvent;

    /// True when every request was answered, or given up.
    fn is_idle(&self) -> bool;

    /// What has to be kept with the bot's own state, when the venue ends with this process. A
    /// venue that goes on without us has nothing to keep: what happened meanwhile is asked for.
    ///
    /// # Errors
    /// [`StateError`] when a part cannot be written.
    fn save(&self) -> Result<Option<Vec<u8>>, StateError> {
        Ok(None)
    }

    /// Takes over what [`Gateway::save`] has given.
    ///
    /// # Errors
    /// [`StateError`] when it belongs to another venue.
    fn restore(&mut self, _saved: &[u8]) -> Result<(), StateError> {
        Ok(())
    }
}

/// What a bot asks its [`Gateway`] for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Request {
    /// Send this order: once, and never again.
    Place(Order),
    /// Take an order back. Done twice it does no more than once.
    Cancel {
        /// Which.
        order: OrderId,
        /// Of which instrument.
        instrument: InstrumentId,
    },
    /// Change a working order.
    Amend(OrderChange),
    /// Where does this order stand?
    Find {
        /// Which.
        order: OrderId,
        /// Of which instrument.
        instrument: InstrumentId,
    },
    /// All fills of this order.
    Fills {
        /// Which.
        order: OrderId,
        /// Of which instrument.
        instrument: InstrumentId,
    },
    /// The account as the venue has it: open orders, balances and positions first, then the fills
    /// from these places on, so that no fill is in a position and not in the list.
    Picture {
        /// Given back with the answer.
        number: u64,
        /// Where the list of fills begins.
        fills: Vec<(InstrumentId, FillsFrom)>,
    },
}

/// What a [`Gateway`] tells.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum GatewayEvent {
    /// The news of the account are current from now on; what happened before may be missing.
    Started,
    /// News may be missing from now on.
    Lost {
        /// Why, for a person.
        reason: String,
    },
    /// News of the account.
    News(UserNews),
    /// The answer to [`Request::Place`].
    Placed {
        /// Which order.
        order: OrderId,
        /// What is known of it.
        answer: Answer,
        /// What the answer says was executed at once; it may be told again.
        fills: Vec<FillReport>,
    },
    /// The answer to [`Request::Cancel`] or [`Request::Amend`]. That it was carried out is told
    /// by the news.
    Changed {
        /// Which order.
        order: OrderId,
        /// What is known of the change.
        answer: Answer,
    },
    /// The answer to [`Request::Find`].
    Found {
        /// Which order.
        order: OrderId,
        /// Where it stands.
        found: Found,
    },
    /// The answer to [`Request::Fills`]; nothing comes when the question failed.
    Fills {
        /// Of which order.
        order: OrderId,
        /// All of them.
        fills: Vec<FillReport>,
    },
    /// The answer to [`Request::Picture`].
    Picture {
        /// The number of the request.
        number: u64,
        /// The account, or why it cannot be told.
        picture: Result<Box<Picture>, String>,
    },
}

/// An account as its venue has it at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// The working orders.
    pub orders: Vec<OrderState>,
    /// The fills since the places that were asked for, each instrument's oldest first.
    pub fills: Vec<VenueFill>,
    /// What the account holds.
    pub balances: Vec<Balance>,
    /// The open positions.
    pub positions: Vec<PositionState>,
    /// The assets that `balances` speak of: one that is not listed there is zero.
    pub assets: Vec<AssetId>,
    /// The instruments that `positions` speak of: one that is not listed there is flat. A spot
    /// instrument that is not among these is compared by the balance of what is traded.
    pub instruments: Vec<InstrumentId>,
}
