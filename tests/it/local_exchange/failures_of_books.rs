//! What goes wrong with books, from the exchange's side: gaps, events before the snapshot,
//! crossed books, snapshots that do not reach far.

use core::time::Duration;

use tradewright::live::{BinanceConfig, BinanceMarketData};
use tradewright::local_exchange::{Chaos, ExchangeConfig, LocalExchange};
use tradewright::types::{Book, MarketEvent};
use tradewright::venue::binance::BinanceMarket;
use tradewright::venue::{
    BookFault, Channel, MarketDataStream, MarketNews, MarketStream, Subscription, VenueEvent,
};

use super::live::{BTC, config, connection, exchange, next, truth};

const BOTH: [BinanceMarket; 2] = [BinanceMarket::Spot, BinanceMarket::UsdFutures];

/// A reader of bitcoin's book that holds what it is told against the exchange's own.
struct Reader {
    exchange: LocalExchange,
    market: BinanceMarket,
    service: BinanceMarketData,
    stream: MarketStream,
    is_started: bool,
    faults: Vec<BookFault>,
    /// Books that were the exchange's own of the same number, of all that were told.
    checked: usize,
    told: usize,
    shortest: usize,
}

impl Reader {
    async fn new(
        market: BinanceMarket,
        chaos: Chaos,
        levels: u16,
        change: impl FnOnce(&mut BinanceConfig),
    ) -> Self {
        // The book stands for most of the time, so that it can be looked at.
        let exchange = exchange(ExchangeConfig::sample(7), 300).await;
        exchange.set_chaos(chaos);
        let mut config = config(&exchange, market);
        change(&mut config);
        let service = BinanceMarketData::new(&connection(config));
        let asked = [Subscription::new(BTC, Channel::Book { levels })];
        let stream = service.subscribe(&asked).await.unwrap();
        Self {
            exchange,
            market,
            service,
            stream,
            is_started: false,
            faults: Vec::new(),
            checked: 0,
            told: 0,
            shortest: usize::MAX,
        }
    }

    async fn read(&mut self) {
        match next(&mut self.stream).await {
            VenueEvent::Started { .. } => self.is_started = true,
            VenueEvent::Lost { fault, .. } => {
                self.is_started = false;
                self.faults.extend(fault);
            }
            VenueEvent::News { news: MarketNews::Event(sighting), .. } => {
                assert!(self.is_started, "a book that nobody vouches for is told");
                let MarketEvent::Book(book) = sighting.event else { panic!("no book") };
                self.check(sighting.number.unwrap(), &book);
            }
            other => panic!("{other:?}"),
        }
    }

    /// Each level that is told is the exchange's, and none between them is left out.
    fn check(&mut self, number: u64, book: &Book) {
        assert!(book.bids[0].price < book.asks[0].price, "{book:?}");
        self.told += 1;
        self.shortest = self.shortest.min(book.bids.len()).min(book.asks.len());
        let truth = truth(&self.exchange, self.market);
        if truth.last == number {
            self.checked += 1;
            assert_eq!(book.bids[..], truth.bids[..book.bids.len()], "{number}");
            assert_eq!(book.asks[..], truth.asks[..book.asks.len()], "{number}");
        }
    }

    async fn until(&mut self, is_enough: impl Fn(&Self) -> bool) {
        super::live::within("enough", async {
            while !is_enough(self) {
                self.read().await;
            }
        })
        .await;
    }

    /// Nothing goes wrong any more: books are told and right, and go on to be.
    async fn recovers(&mut self) {
        self.exchange.set_chaos(Chaos::default());
        let checked = self.checked;
        self.until(|reader| reader.is_started && reader.checked >= checked + 3).await;
    }
}

/// 6: updates are missing: the book is taken back before anything else is told of it, made anew
/// of a snapshot, and never the old one.
#[tokio::test]
async fn failure_06_gaps_of_a_local_exchange() {
    for market in BOTH {
        let chaos = Chaos { gap: 0.3, ..Chaos::default() };
        let mut reader = Reader::new(market, chaos, 10, |_| {}).await;
        reader.until(|reader| reader.faults.len() >= 3).await;
        assert!(reader.faults.iter().all(|fault| *fault == BookFault::Gap), "{:?}", reader.faults);
        assert!(reader.service.counts().book_gaps >= 3);
        reader.recovers().await;
        assert_eq!(reader.service.counts().attempts, 1, "the connection is as good as before");
    }
}

/// 7: the snapshot takes its time, and what changes meanwhile is not lost.
#[tokio::test]
async fn failure_07_slow_snapshots_of_a_local_exchange() {
    for market in BOTH {
        let chaos = Chaos { slow: Duration::from_millis(700), ..Chaos::default() };
        let mut reader = Reader::new(market, chaos, 10, |_| {}).await;
        reader.until(|reader| reader.checked >= 5).await;
        assert_eq!(reader.faults, []);
        assert_eq!(reader.service.counts().book_gaps, 0);
    }
}

/// 17: a bid above the best offer is an error of ours or of the venue's: no such book is told,
/// and the next one is made of a new snapshot.
#[tokio::test]
async fn failure_17_crossed_books_of_a_local_exchange() {
    for market in BOTH {
        let chaos = Chaos { crossed: 0.3, ..Chaos::default() };
        let mut reader = Reader::new(market, chaos, 10, |_| {}).await;
        reader.until(|reader| reader.faults.len() >= 2).await;
        assert!(reader.faults.iter().all(|fault| *fault == BookFault::Crossed));
        reader.recovers().await;
        assert_eq!(reader.service.counts().attempts, 1);
    }
}

/// 18: a snapshot of five levels: what lies beyond is not told until it is known, however many
/// levels were asked for, so that no level is missing between two that are told.
#[tokio::test]
async fn failure_18_shallow_books_of_a_local_exchange() {
    for market in BOTH {
        let levels = |config: &mut BinanceConfig| config.snapshot_levels = 5;
        let mut reader = Reader::new(market, Chaos::default(), 50, levels).await;
        reader.until(|reader| reader.checked >= 10).await;
        assert!(reader.shortest <= 5, "{} levels of a snapshot of five", reader.shortest);
    }
}
