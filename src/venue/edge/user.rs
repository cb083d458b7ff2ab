use futures::stream::BoxStream;

use crate::types::Timestamp;
use crate::venue::UserNews;

/// News of an account, without an end until the client is closed. Nothing of it is dropped: who
/// does not read in time ends the stream's connection, and is told by [`UserEvent::Lost`].
pub type UserStream = BoxStream<'static, UserEvent>;

/// One piece of what a user stream says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum UserEvent {
    /// The stream is current from now on; what happened before may be missing. Compare open
    /// orders, fills, balances and positions before trading goes on.
    Started {
        /// When, by our wall clock.
        at: Timestamp,
    },
    /// The venue's word.
    News {
        /// When it was received, by our wall clock.
        at: Timestamp,
        /// What it says.
        news: UserNews,
    },
    /// News may be missing from now on, until it is started again.
    Lost {
        /// Since when, by our wall clock.
        at: Timestamp,
        /// Why, for a person.
        reason: String,
    },
}
