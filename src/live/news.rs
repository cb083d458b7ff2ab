//! The queue from a user stream's driver to its reader.

use std::sync::Arc;

use futures::{StreamExt, stream};

use super::mailbox::Mailbox;
use crate::venue::{Clock, UserEvent, UserStream};

/// What waits for the reader.
pub(super) enum Item {
    Event(UserEvent),
    /// So many were dropped.
    Lagged,
}

/// The driver's end.
pub(super) type Post = Mailbox<(), Item>;

/// News that wait for a slow reader.
const MOST_WAITING: usize = 65_536;

/// Both ends of a queue. A reader that was too slow is told to reconcile.
pub(super) fn queue(clock: &Arc<dyn Clock>) -> (Arc<Post>, UserStream) {
    let (post, reader) = Post::new(MOST_WAITING, |_| Item::Lagged);
    let clock = Arc::clone(clock);
    let told = reader.flat_map(move |item| {
        let at = clock.wall();
        stream::iter(match item {
            Item::Event(event) => vec![event],
            Item::Lagged => vec![
                UserEvent::Lost { at, reason: "the reader was too slow".to_owned() },
                UserEvent::Started { at },
            ],
        })
    });
    (post, told.boxed())
}
