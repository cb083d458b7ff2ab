use super::indexer::Indexer;
use super::polled;
use crate::types::{Bar, MarketEvent, Timestamp};
use crate::venue::{BarQuery, ExchangeError, Symbols, Urgency};

/// The closed bars of a span, the oldest first, page by page.
///
/// # Errors
/// [`ExchangeError`].
pub(super) async fn bars(
    indexer: &Indexer,
    symbols: &Symbols,
    wall: Timestamp,
    query: &BarQuery,
) -> Result<Vec<(Timestamp, Bar)>, ExchangeError> {
    let BarQuery { instrument, period, to, .. } = *query;
    let unknown = || ExchangeError::Unsupported {
        what: format!("instrument {} has no name here", instrument.0),
    };
    let ticker = symbols.name(instrument).ok_or_else(unknown)?;
    let span = period.span().unwrap_or_default();
    let to = to.min(wall);
    let (mut from, mut bars) = (query.from, Vec::new());
    while from.after(span) <= to {
        let unsupported =
            || ExchangeError::Unsupported { what: format!("bars of {period:?} here") };
        let end = polled::window_end(period, from).min(to);
        let path = polled::candles(ticker, period, from, Some(to)).ok_or_else(unsupported)?;
        let body = indexer.ask(path, Urgency::Query).await?;
        for sighting in polled::read_bars(wall, instrument, &body)? {
            if let (MarketEvent::Bar(bar), Some(close)) = (sighting.event, sighting.at)
                && close <= end
            {
                bars.push((close, bar));
            }
        }
        from = polled::window_end(period, from);
    }
    Ok(bars)
}
