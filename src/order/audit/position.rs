use serde::{Deserialize, Serialize};

/// Where a position stands. [`PositionState::after`] is the whole table.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PositionState {
    /// Nothing is held or on its way.
    #[default]
    Flat,
    /// An entry works, or has begun to fill.
    Opening,
    /// The entry is over and something is held.
    Open,
    /// A part has been closed.
    Reducing,
    /// Everything has been closed.
    Closed,
}

/// What happens to a position. A fill that turns it over is [`Closed`](Self::Closed) followed by
/// [`Increased`](Self::Increased).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PositionEvent {
    /// An entry order left.
    EntrySent,
    /// The last working entry is over and something is held.
    EntryOver,
    /// The last working entry is over and nothing is held.
    EntryVoid,
    /// A fill opened or enlarged it.
    Increased,
    /// A fill closed a part of it.
    Reduced,
    /// A fill closed all of it.
    Closed,
}

impl PositionState {
    /// Every state.
    pub const ALL: [Self; 5] =
        [Self::Flat, Self::Opening, Self::Open, Self::Reducing, Self::Closed];

    /// The state after an event; `None` where the event cannot happen.
    ///
    /// ```
    /// use tradewright::order::audit::{PositionEvent, PositionState};
    ///
    /// let open = PositionState::Open;
    /// assert_eq!(open.after(PositionEvent::Closed), Some(PositionState::Closed));
    /// assert_eq!(PositionState::Flat.after(PositionEvent::Reduced), None);
    /// ```
    pub const fn after(self, event: PositionEvent) -> Option<Self> {
        use PositionEvent as Event;
        match self {
            Self::Flat | Self::Closed => match event {
                Event::EntrySent | Event::Increased => Some(Self::Opening),
                Event::EntryVoid => Some(self),
                Event::EntryOver | Event::Reduced | Event::Closed => None,
            },
            Self::Opening => match event {
                Event::EntrySent | Event::Increased => Some(Self::Opening),
                Event::EntryOver => Some(Self::Open),
                Event::EntryVoid => Some(Self::Flat),
                Event::Reduced => Some(Self::Reducing),
                Event::Closed => Some(Self::Closed),
            },
            Self::Open => match event {
                Event::EntrySent | Event::EntryOver | Event::Increased => Some(Self::Open),
                Event::Reduced => Some(Self::Reducing),
                Event::Closed => Some(Self::Closed),
                Event::EntryVoid => None,
            },
            Self::Reducing => match event {
                Event::EntrySent | Event::EntryOver | Event::Reduced => Some(Self::Reducing),
                Event::Increased => Some(Self::Open),
                Event::Closed => Some(Self::Closed),
                Event::EntryVoid => None,
            },
        }
    }
}

impl PositionEvent {
    /// Every event.
    pub const ALL: [Self; 6] = [
        Self::EntrySent,
        Self::EntryOver,
        Self::EntryVoid,
        Self::Increased,
        Self::Reduced,
        Self::Closed,
    ];
}
