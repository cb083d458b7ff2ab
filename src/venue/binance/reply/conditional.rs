use serde::Deserialize;

use super::order::{ReplyDecoder, WireOrder, parse};
use crate::venue::{DecodeError, OrderState};

/// Where a conditional order of futures stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConditionalState {
    /// The order as it waits for its trigger. One that was triggered stays open here: the order
    /// that it has become says the rest.
    pub state: OrderState,
    /// The venue's number of the order that it has become: ask for that one with
    /// [`OrderRoute::Book`](crate::venue::binance::OrderRoute::Book) and the house's id.
    pub became: Option<u64>,
}

impl ReplyDecoder {
    /// Reads the answer to a question for a conditional order of futures. `None` when its
    /// instrument is not in the table.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn conditional(&mut self, bytes: &[u8]) -> Result<Option<ConditionalState>, DecodeError> {
        const WHAT: &str = "conditional order";
        let wire: WireOrder<'_> = parse(WHAT, bytes)?;
        let actual: Actual<'_> = parse(WHAT, bytes)?;
        let became = actual.id.filter(|id| !id.is_empty()).and_then(|id| id.parse().ok());
        let state = self.state(WHAT, &wire)?;
        Ok(state.map(|state| ConditionalState { state, became }))
    }
}

#[derive(Deserialize)]
struct Actual<'a> {
    #[serde(borrow, rename = "actualOrderId")]
    id: Option<&'a str>,
}
