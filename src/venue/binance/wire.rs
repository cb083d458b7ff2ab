use core::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::field::{Field, WireLevel};
use crate::types::BookLevel;

/// The union of the market streams' events: one pass over the bytes reads whichever it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Event<'a> {
    #[serde(borrow)]
    pub(super) e: Option<&'a str>,
    #[serde(borrow)]
    pub(super) s: Field<'a>,
    #[serde(borrow, rename = "E")]
    pub(super) event_time: Field<'a>,
    #[serde(borrow, rename = "T")]
    pub(super) time: Field<'a>,
    #[serde(borrow)]
    pub(super) a: Field<'a>,
    #[serde(borrow, rename = "A")]
    pub(super) upper_a: Field<'a>,
    #[serde(borrow)]
    pub(super) b: Field<'a>,
    #[serde(borrow, rename = "B")]
    pub(super) upper_b: Field<'a>,
    #[serde(borrow)]
    pub(super) u: Field<'a>,
    #[serde(borrow, rename = "U")]
    pub(super) upper_u: Field<'a>,
    #[serde(borrow)]
    pub(super) pu: Field<'a>,
    #[serde(borrow)]
    pub(super) p: Field<'a>,
    #[serde(borrow)]
    pub(super) q: Field<'a>,
    #[serde(borrow)]
    pub(super) t: Field<'a>,
    #[serde(borrow)]
    pub(super) m: Field<'a>,
    #[serde(borrow, rename = "X")]
    pub(super) upper_x: Field<'a>,
    #[serde(borrow)]
    pub(super) r: Field<'a>,
    #[serde(borrow)]
    pub(super) o: Field<'a>,
    #[serde(borrow)]
    pub(super) h: Field<'a>,
    #[serde(borrow)]
    pub(super) l: Field<'a>,
    #[serde(borrow)]
    pub(super) c: Field<'a>,
    #[serde(borrow)]
    pub(super) v: Field<'a>,
    #[serde(borrow)]
    pub(super) k: Option<Candle<'a>>,
    #[serde(borrow)]
    pub(super) id: Field<'a>,
    /// The server's farewell, where it is wrapped.
    #[serde(borrow)]
    pub(super) event: Option<Farewell<'a>>,
}

/// The inside of a `kline` event.
#[derive(Debug, Deserialize)]
pub(super) struct Candle<'a> {
    pub(super) t: u64,
    #[serde(borrow)]
    pub(super) i: &'a str,
    pub(super) o: &'a str,
    pub(super) h: &'a str,
    pub(super) l: &'a str,
    pub(super) c: &'a str,
    pub(super) v: &'a str,
    pub(super) x: bool,
}

/// An event inside of `event`, of which only the kind matters here.
#[derive(Debug, Deserialize)]
pub(super) struct Farewell<'a> {
    #[serde(borrow)]
    pub(super) e: Option<&'a str>,
}

/// What a combined connection wraps around each event.
#[derive(Debug, Deserialize)]
pub(super) struct Combined<'a> {
    #[serde(borrow)]
    pub(super) data: Option<Events<'a>>,
}

/// One event or an array of them.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "one event must not cost an allocation")]
pub(super) enum Events<'a> {
    One(Event<'a>),
    Many(Vec<Event<'a>>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Events<'a> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EventsVisitor)
    }
}

struct EventsVisitor;

impl<'de> Visitor<'de> for EventsVisitor {
    type Value = Events<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an event or an array of events")
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let inner = serde::de::value::MapAccessDeserializer::new(map);
        Event::deserialize(inner).map(Events::One)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut events = Vec::new();
        while let Some(event) = seq.next_element()? {
            events.push(event);
        }
        Ok(Events::Many(events))
    }
}

/// `GET depth`.
#[derive(Debug, Deserialize)]
pub(super) struct Depth {
    #[serde(rename = "lastUpdateId")]
    pub(super) last: u64,
    #[serde(deserialize_with = "levels")]
    pub(super) bids: Vec<BookLevel>,
    #[serde(deserialize_with = "levels")]
    pub(super) asks: Vec<BookLevel>,
}

fn levels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<BookLevel>, D::Error> {
    let read: Vec<WireLevel> = Deserialize::deserialize(deserializer)?;
    Ok(read.into_iter().map(|level| level.0).collect())
}
