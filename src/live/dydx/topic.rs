use crate::metrics::MessageKind;
use crate::types::{InstrumentId, MarketEvent, Period};
use crate::venue::dydx::{self, IndexerFrame};
use crate::venue::{Channel, DecodeError, ExchangeError, MarketNews, Subscription, Symbols};

/// A stream of the indexer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// The book, which quotes come from, too.
    Book(InstrumentId),
    Trades(InstrumentId),
    Candles(InstrumentId, Period),
    /// Marks, funding and volumes of all markets.
    Markets,
}

impl Key {
    /// The stream that serves a subscription.
    pub(super) const fn of(subscription: Subscription) -> Self {
        let instrument = subscription.instrument;
        match subscription.channel {
            Channel::Quotes | Channel::Book { .. } | Channel::Depth => Self::Book(instrument),
            Channel::Trades => Self::Trades(instrument),
            Channel::Bars(period) => Self::Candles(instrument, period),
            Channel::Ticker | Channel::Marks => Self::Markets,
        }
    }

    /// The stream that a piece of news came by, and of what it is.
    pub(super) fn of_news(news: &MarketNews) -> Option<Self> {
        Some(match news {
            MarketNews::Event(sighting) => match &sighting.event {
                MarketEvent::Print(print) => Self::Trades(print.instrument),
                MarketEvent::Bar(bar) => Self::Candles(bar.instrument, bar.period),
                MarketEvent::Mark(_) => Self::Markets,
                _ => return None,
            },
            MarketNews::Forming(bar) => Self::Candles(bar.instrument, bar.period),
            MarketNews::Depth(update) => Self::Book(update.instrument),
            MarketNews::Snapshot(snapshot) => Self::Book(snapshot.instrument),
            MarketNews::Ticker(_) | MarketNews::Funding(_) => Self::Markets,
        })
    }

    /// What the indexer is asked for.
    ///
    /// # Errors
    /// What it does not have.
    pub(super) fn ask(self, symbols: &Symbols) -> Result<dydx::Subscription, ExchangeError> {
        let name = |instrument: InstrumentId| {
            let unknown = || ExchangeError::Unsupported {
                what: format!("instrument {} has no name here", instrument.0),
            };
            symbols.name(instrument).ok_or_else(unknown)
        };
        match self {
            Self::Book(instrument) => Ok(dydx::Subscription::orderbook(name(instrument)?)),
            Self::Trades(instrument) => Ok(dydx::Subscription::trades(name(instrument)?)),
            Self::Candles(instrument, period) => {
                let seconds = period.span().and_then(|span| u32::try_from(span.as_secs()).ok());
                let name = name(instrument)?;
                let asked = seconds.and_then(|seconds| dydx::Subscription::candles(name, seconds));
                let what = || format!("bars of {period:?} here");
                asked.ok_or_else(|| ExchangeError::Unsupported { what: what() })
            }
            Self::Markets => Ok(dydx::Subscription::markets()),
        }
    }

    /// Of what it is; the markets' stream is of all.
    pub(super) const fn instrument(self) -> Option<InstrumentId> {
        match self {
            Self::Book(instrument) | Self::Trades(instrument) | Self::Candles(instrument, _) => {
                Some(instrument)
            }
            Self::Markets => None,
        }
    }

    /// True when it may be silent for ever: nobody need trade.
    pub(super) const fn is_quiet(self) -> bool {
        matches!(self, Self::Trades(_) | Self::Candles(..))
    }
}

/// What a frame was, for who counts them.
pub(super) fn message_kind(
    read: &Result<IndexerFrame, DecodeError>,
    news: &[MarketNews],
) -> MessageKind {
    match (read, news.first().and_then(Key::of_news)) {
        (Err(_), _) => MessageKind::Unreadable,
        (Ok(IndexerFrame::Pong), _) => MessageKind::Heartbeat,
        (Ok(IndexerFrame::Subscribed { .. } | IndexerFrame::Unsubscribed), None) => {
            MessageKind::Reply
        }
        (Ok(_), None) => MessageKind::Other,
        (Ok(_), Some(Key::Book(_))) => MessageKind::Depth,
        (Ok(_), Some(Key::Trades(_))) => MessageKind::Trades,
        (Ok(_), Some(Key::Candles(..))) => MessageKind::Bars,
        (Ok(_), Some(Key::Markets)) => MessageKind::Marks,
    }
}

/// Whether a subscriber wants this piece of news of its stream. Books are told apart elsewhere.
pub(super) fn wants(subscription: Subscription, news: &MarketNews) -> bool {
    let instrument = subscription.instrument;
    match (news, subscription.channel) {
        (MarketNews::Event(sighting), Channel::Marks) => {
            matches!(sighting.event, MarketEvent::Mark(_))
                && sighting.event.instrument() == instrument
        }
        (MarketNews::Event(_), Channel::Ticker) => false,
        (MarketNews::Funding(funding), channel) => {
            funding.instrument == instrument && channel == Channel::Marks
        }
        (MarketNews::Ticker(ticker), channel) => {
            ticker.instrument == instrument && channel == Channel::Ticker
        }
        (_, _) => true,
    }
}
