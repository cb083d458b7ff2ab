use bytes::Bytes;

use crate::types::{InstrumentId, Timestamp};
use crate::venue::dydx::{IndexerDecoder, decode_trades};
use crate::venue::{DecodeError, MarketNews, MarketSighting};

/// Prints of one market, each once: while those that were missed are being fetched, page by page
/// back to the last one that was told, later ones wait.
///
/// Prints have ids without an order, so that a hole cannot be seen in them: after each loss of
/// the stream the list is read back to the time of the last print.
#[derive(Debug, Default)]
pub(super) struct Prints {
    /// The venue's time of the last one that was told.
    last: Option<Timestamp>,
    /// The number of the last fetch.
    fetches: u32,
    /// What was fetched, the newest page first.
    pages: Option<Vec<Bytes>>,
    /// Prints of the stream behind those that are fetched. They outlive a further loss: the
    /// decoder does not give them twice.
    held: Vec<MarketSighting>,
}

/// Which part of the list of prints is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Tells its answer from that of an earlier fetch.
    pub(super) number: u32,
    /// At this time or earlier; none for the newest.
    pub(super) before: Option<Timestamp>,
    /// How many.
    pub(super) most: u16,
}

/// What a page has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paged {
    /// The last print that was told is not reached: this page, too.
    Older(Page),
    /// Nothing is missing.
    Whole,
    /// The last print that was told lies too far back.
    TooMany,
}

/// Prints that wait behind a hole.
const MOST_HELD: usize = 10_000;
/// The longest list that the indexer gives.
const MOST_OF_PAGE: u16 = 1_000;
/// Where nothing was told before, the last few are enough.
const FIRST: u16 = 100;
/// As many prints as the decoder knows again, less those that wait.
const MOST_PAGES: usize = 5;

impl Prints {
    /// The stream begins again: what has to be fetched, where a print was told before.
    pub(super) fn start(&mut self) -> Option<Page> {
        self.pages = None;
        self.last.map(|_| self.fetch())
    }

    /// Begins to fetch what the stream would have said.
    pub(super) fn fetch(&mut self) -> Page {
        self.fetches = self.fetches.wrapping_add(1);
        self.pages = Some(Vec::new());
        let most = if self.last.is_some() { MOST_OF_PAGE } else { FIRST };
        Page { number: self.fetches, before: None, most }
    }

    /// The stream is lost, or what was asked for cannot be had.
    pub(super) fn stop(&mut self) {
        self.pages = None;
    }

    pub(super) const fn is_fetching(&self) -> bool {
        self.pages.is_some()
    }

    /// True for the answer to the fetch that is under way.
    pub(super) const fn awaits(&self, page: Page) -> bool {
        self.is_fetching() && self.fetches == page.number
    }

    /// True when pages of a fetch are there.
    pub(super) fn has_pages(&self) -> bool {
        self.pages.as_ref().is_some_and(|pages| !pages.is_empty())
    }

    /// True when so many wait that the hole has to be given up.
    pub(super) fn is_full(&self) -> bool {
        self.held.len() >= MOST_HELD
    }

    /// A print of the stream; it comes back where it is to be told now.
    pub(super) fn take(&mut self, print: MarketSighting) -> Option<MarketSighting> {
        if self.is_fetching() {
            self.held.push(print);
            return None;
        }
        self.last = self.last.max(print.at);
        Some(print)
    }

    /// Takes a page of the list.
    ///
    /// # Errors
    /// [`DecodeError`], and nothing was taken.
    pub(super) fn on_page(
        &mut self,
        instrument: InstrumentId,
        page: Page,
        body: Bytes,
    ) -> Result<Paged, DecodeError> {
        let oldest = decode_trades(instrument, &body)?.first().and_then(|print| print.at);
        let pages = self.pages.get_or_insert_default();
        pages.push(body);
        let is_over = pages.len() >= MOST_PAGES;
        let (Some(last), Some(oldest)) = (self.last, oldest) else { return Ok(Paged::Whole) };
        Ok(match () {
            // The venue has no older ones, or all of the page are of one instant.
            () if oldest < last || page.before == Some(oldest) => Paged::Whole,
            () if is_over => Paged::TooMany,
            () => Paged::Older(Page { before: Some(oldest), ..page }),
        })
    }

    /// Ends the fetch: all that is to be told, the oldest first.
    pub(super) fn finish(
        &mut self,
        instrument: InstrumentId,
        decoder: &mut IndexerDecoder,
    ) -> Vec<MarketSighting> {
        let mut news = Vec::new();
        for page in self.pages.take().unwrap_or_default().iter().rev() {
            // It was read once, so that it can be read again.
            let _sound = decoder.prints(instrument, page, &mut news);
        }
        let since = self.last;
        let fetched = news.into_iter().filter_map(|news| match news {
            MarketNews::Event(print) => Some(print).filter(|print| print.at >= since),
            _ => None,
        });
        let mut prints: Vec<_> = fetched.chain(core::mem::take(&mut self.held)).collect();
        prints.sort_by_key(|print| print.at);
        self.last = self.last.max(prints.last().and_then(|print| print.at));
        prints
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Instrument, Instruments, MarketEvent, Print};
    use crate::venue::Symbols;

    const ID: InstrumentId = InstrumentId(0);

    fn decoder() -> IndexerDecoder {
        let mut table = Instruments::new();
        table.add(Instrument::linear_perpetual("BTC-USD", "BTC", "USDC")).unwrap();
        IndexerDecoder::new(Symbols::of(&table))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_secs(second).unwrap()
    }

    fn print(second: i64) -> MarketSighting {
        let print = Print { instrument: ID, price: second as f64, quantity: 1.0, taker: None };
        MarketSighting { event: MarketEvent::Print(print), at: Some(at(second)), number: None }
    }

    /// A page of the seconds, the newest first as the venue lists them.
    fn page(seconds: impl DoubleEndedIterator<Item = i64>) -> Bytes {
        let trades = seconds.rev().map(|second| {
            let time = at(second);
            format!(
                r#"{{"id":"{second}","side":"BUY","size":"1","price":"{second}","type":"LIMIT",
                "createdAt":"{time}"}}"#
            )
        });
        let trades: Vec<String> = trades.collect();
        format!(r#"{{"trades":[{}]}}"#, trades.join(",")).into()
    }

    fn seconds(prints: &[MarketSighting]) -> Vec<i64> {
        prints.iter().map(|print| print.at.unwrap().millis() / 1_000).collect()
    }

    #[test]
    fn pages_reach_back_to_the_last_print_and_each_is_told_once() {
        let mut decoder = decoder();
        let mut prints = Prints::default();
        assert_eq!(prints.start(), None, "nothing can be missing yet");
        assert!(prints.take(print(5)).is_some());
        let mut told = Vec::new();
        decoder.prints(ID, &page(5..6), &mut told).unwrap();
        prints.stop();

        let old = prints.start().unwrap();
        let first = prints.start().unwrap();
        assert!(prints.awaits(first) && !prints.awaits(old), "of another connection");
        assert_eq!(prints.take(print(20)), None, "it waits");
        decoder.prints(ID, &page(20..21), &mut told).unwrap();
        let paged = prints.on_page(ID, first, page(10..21)).unwrap();
        let Paged::Older(second) = paged else { panic!("{paged:?}") };
        assert_eq!(second.before, Some(at(10)));
        assert_eq!(prints.on_page(ID, second, page(3..11)).unwrap(), Paged::Whole);
        let all = prints.finish(ID, &mut decoder);
        assert_eq!(seconds(&all), (6..21).collect::<Vec<_>>());
        assert!(!prints.is_fetching() && prints.take(print(21)).is_some());
    }

    #[test]
    fn what_waits_outlives_another_loss_and_the_end_of_the_list_is_the_end() {
        let mut decoder = decoder();
        let mut prints = Prints::default();
        prints.take(print(5));
        prints.start().unwrap();
        prints.take(print(8));
        prints.stop();
        let page_ = prints.start().unwrap();
        let Paged::Older(next) = prints.on_page(ID, page_, page(6..8)).unwrap() else { panic!() };
        // There is nothing older: the venue gives the same one again.
        assert_eq!(prints.on_page(ID, next, page(6..7)).unwrap(), Paged::Whole);
        assert_eq!(seconds(&prints.finish(ID, &mut decoder)), [6, 7, 8]);
    }

    #[test]
    fn lists_that_do_not_reach_back_are_given_up() {
        let mut prints = Prints::default();
        prints.take(print(5));
        let mut next = prints.start().unwrap();
        for number in 1..=MOST_PAGES as i64 {
            let newest = 1_000 - number * 10;
            match prints.on_page(ID, next, page(newest..newest + 10)).unwrap() {
                Paged::Older(page) => next = page,
                other => {
                    assert_eq!((other, number), (Paged::TooMany, MOST_PAGES as i64));
                    return;
                }
            }
        }
        panic!("it goes on for ever");
    }
}
