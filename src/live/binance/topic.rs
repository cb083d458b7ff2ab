//! What the venue's streams are called, and on which of its addresses they are.

use crate::metrics::MessageKind;
use crate::types::{InstrumentId, MarketEvent, Period};
use crate::venue::binance::{BinanceMarket, StreamFrame, candle_interval};
use crate::venue::{Channel, DecodeError, ExchangeError, MarketNews, Subscription, Symbols};

/// A stream of the venue: several subscriptions may be served by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) instrument: InstrumentId,
    pub(super) topic: Topic,
}

/// A kind of stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    Quotes,
    Trades,
    Bars(Period),
    Depth,
    Ticker,
    Marks,
}

/// Which of the venue's addresses a stream is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Public,
    Market,
}

impl Key {
    /// The stream that serves a subscription.
    ///
    /// # Errors
    /// What the venue does not have.
    pub(super) fn of(
        market: BinanceMarket,
        subscription: Subscription,
    ) -> Result<Self, ExchangeError> {
        let topic = match subscription.channel {
            Channel::Quotes => Topic::Quotes,
            Channel::Trades => Topic::Trades,
            Channel::Bars(period) => {
                candle_interval(market, period).ok_or_else(|| unsupported(subscription))?;
                Topic::Bars(period)
            }
            Channel::Book { .. } | Channel::Depth => Topic::Depth,
            Channel::Ticker => Topic::Ticker,
            Channel::Marks if market == BinanceMarket::UsdFutures => Topic::Marks,
            Channel::Marks => return Err(unsupported(subscription)),
        };
        Ok(Self { instrument: subscription.instrument, topic })
    }

    /// The stream that a piece of news came by.
    pub(super) fn of_news(news: &MarketNews) -> Option<Self> {
        let (instrument, topic) = match news {
            MarketNews::Event(sighting) => {
                let topic = match &sighting.event {
                    MarketEvent::Quote(_) => Topic::Quotes,
                    MarketEvent::Print(_) => Topic::Trades,
                    MarketEvent::Bar(bar) => Topic::Bars(bar.period),
                    MarketEvent::Mark(_) => Topic::Marks,
                    _ => return None,
                };
                (sighting.event.instrument(), topic)
            }
            MarketNews::Forming(bar) => (bar.instrument, Topic::Bars(bar.period)),
            MarketNews::Depth(update) => (update.instrument, Topic::Depth),
            MarketNews::Ticker(ticker) => (ticker.instrument, Topic::Ticker),
            MarketNews::Funding(forecast) => (forecast.instrument, Topic::Marks),
            _ => return None,
        };
        Some(Self { instrument, topic })
    }

    /// The stream's name; none for an instrument that the venue's names do not have.
    pub(super) fn name(&self, market: BinanceMarket, symbols: &Symbols) -> Option<String> {
        let symbol = symbols.name(self.instrument)?.to_lowercase();
        Some(match self.topic {
            Topic::Quotes => format!("{symbol}@bookTicker"),
            Topic::Trades => format!("{symbol}@aggTrade"),
            Topic::Bars(period) => format!("{symbol}@kline_{}", candle_interval(market, period)?),
            Topic::Depth => format!("{symbol}@depth@100ms"),
            Topic::Ticker => format!("{symbol}@ticker"),
            Topic::Marks => format!("{symbol}@markPrice@1s"),
        })
    }

    /// Where it is: futures have parted quotes and books from the rest.
    pub(super) const fn route(&self, market: BinanceMarket) -> Route {
        match (market, self.topic) {
            (BinanceMarket::UsdFutures, Topic::Quotes | Topic::Depth) => Route::Public,
            (_, _) => Route::Market,
        }
    }

    /// True when its messages are numbered, so that what comes twice is known.
    pub(super) const fn is_numbered(&self) -> bool {
        matches!(self.topic, Topic::Quotes | Topic::Trades | Topic::Depth)
    }

    /// True when it may be silent for ever: nobody need trade.
    pub(super) const fn is_quiet(&self) -> bool {
        matches!(self.topic, Topic::Trades)
    }
}

/// What a frame is about: its first piece of news says it.
pub(super) fn message_kind(
    read: &Result<StreamFrame, DecodeError>,
    news: &[MarketNews],
) -> MessageKind {
    match (read, news.first().and_then(Key::of_news)) {
        (Err(_), _) => MessageKind::Unreadable,
        (Ok(StreamFrame::Reply(_)), _) => MessageKind::Reply,
        (Ok(_), None) => MessageKind::Other,
        (Ok(_), Some(key)) => match key.topic {
            Topic::Quotes => MessageKind::Quotes,
            Topic::Trades => MessageKind::Trades,
            Topic::Bars(_) => MessageKind::Bars,
            Topic::Depth => MessageKind::Depth,
            Topic::Ticker => MessageKind::Ticker,
            Topic::Marks => MessageKind::Marks,
        },
    }
}

fn unsupported(subscription: Subscription) -> ExchangeError {
    ExchangeError::Unsupported { what: format!("{:?} here", subscription.channel) }
}

/// A symbol in a query: they may hold any letter.
pub(super) fn encoded(symbol: &str) -> String {
    let mut text = String::with_capacity(symbol.len());
    for byte in symbol.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
