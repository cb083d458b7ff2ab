use super::account::{Piece, Pieces};
use super::candles::{self, Candles};
use super::market::{self, Seen};
use super::orders::Orders;
use super::subscription::DydxChannel;
use super::wire::{
    Head, Many, One, WireAccount, WireBook, WireCandle, WireCandles, WireHeight, WireMarkets,
    WireTrade, WireTrades, parse,
};
use crate::types::{InstrumentId, OrderId, Timestamp};
use crate::venue::read::{number, word};
use crate::venue::{DecodeCounts, DecodeError, MarketNews, Symbols, UserNews};

/// What a frame of the indexer was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexerFrame {
    /// The connection stands: subscribe now.
    Connected,
    /// A subscription has begun; its snapshot was appended to the caller's buffers.
    Subscribed {
        /// The channel.
        channel: DydxChannel,
        /// Its market or account, as it was asked for.
        id: Option<String>,
    },
    /// A subscription is over.
    Unsubscribed,
    /// News; they were appended to the caller's buffers.
    Data,
    /// The height of the chain.
    Height(u64),
    /// The answer to a ping.
    Pong,
    /// A request was refused, or its snapshot could not be fetched: subscribe again, the
    /// connection is sound.
    Refused {
        /// The venue's text.
        message: String,
    },
    /// A message or channel that the decoder does not know.
    Unknown,
}

/// Reads the frames of one connection with the indexer of dYdX v4, single and batched.
///
/// - Books are given as snapshots and updates with the number of their message, which is the
///   logical time by which a [`BookSync`](crate::venue::BookSync) with
///   [`SyncRule::Stamped`](crate::venue::SyncRule) takes crossed levels out.
/// - Prints are given once each, also when a new subscription tells them again, the oldest first.
/// - A candle is given as forming, and as a bar when a later one has begun: the venue never says
///   that one is closed. With each new connection candles begin anew: one that formed while there
///   was none is not given as closed unless the new snapshot has it.
/// - `BEST_EFFORT_CANCELED` is not the end of an order. It is given as cancelled when the venue
///   says `CANCELED`, or when the chain's height, from the channel or from
///   [`IndexerDecoder::on_height`], has passed its last block.
///
/// `at` is when the frame came in. It stands in for the venue's time where a message has none.
///
/// ```
/// use tradewright::types::{Instrument, Instruments, MarketEvent, Timestamp};
/// use tradewright::venue::dydx::{IndexerDecoder, IndexerFrame};
/// use tradewright::venue::{MarketNews, Symbols};
///
/// let mut table = Instruments::new();
/// table.add(Instrument::linear_perpetual("BTC-USD", "BTC", "USDC"))?;
/// let mut decoder = IndexerDecoder::new(Symbols::of(&table));
/// let frame = br#"{"type":"channel_data","connection_id":"5784","message_id":4,"id":"BTC-USD",
///     "channel":"v4_trades","version":"1.1.0","contents":{"trades":[{"size":"0.01","side":"BUY",
///     "id":"8ee6d90d-272d-5edd-bf0f-2e4d6ae3d3b7","price":"27839","type":"LIMIT",
///     "createdAt":"2023-04-04T00:29:19.353Z"}]}}"#;
/// let (mut news, mut own) = (Vec::new(), Vec::new());
/// let read = decoder.decode(Timestamp::EPOCH, frame, &mut news, &mut own)?;
/// assert_eq!(read, IndexerFrame::Data);
/// let [MarketNews::Event(sighting)] = &news[..] else { panic!("{news:?}") };
/// assert!(matches!(sighting.event, MarketEvent::Print(print) if print.price == 27839.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct IndexerDecoder {
    symbols: Symbols,
    counts: DecodeCounts,
    message: Option<u64>,
    seen: Seen,
    candles: Candles,
    orders: Orders,
}

/// Where the news of one frame go.
struct Out<'a> {
    market: &'a mut Vec<MarketNews>,
    user: &'a mut Vec<UserNews>,
}

impl IndexerDecoder {
    /// A decoder for these instruments and assets, `USDC` among them.
    pub fn new(symbols: Symbols) -> Self {
        Self {
            symbols,
            counts: DecodeCounts::default(),
            message: None,
            seen: Seen::default(),
            candles: Candles::default(),
            orders: Orders::default(),
        }
    }

    /// What was passed over so far.
    pub const fn counts(&self) -> DecodeCounts {
        self.counts
    }

    /// The number of the last frame among all of its connection, for
    /// [`MessageNumbers`](super::MessageNumbers); none where the frame could not be read.
    pub const fn message(&self) -> Option<u64> {
        self.message
    }

    /// Says that the engine's order goes out under this client id, which has 32 bits here. Orders
    /// that nobody has named, and that bear no [`client_metadata`](super::client_metadata),
    /// belong to the house. The last 4,096 are kept.
    pub fn own(&mut self, client: u32, order: OrderId) {
        self.orders.own(client, order);
    }

    /// Reads the answer to `GET /v4/trades/perpetualMarket/..`: the prints that were not told
    /// before, whether by frames or by answers, the oldest first. The ids of the last 8,192 of a
    /// market are remembered.
    ///
    /// # Errors
    /// [`DecodeError`], and nothing was appended.
    ///
    /// ```
    /// use tradewright::types::{Instrument, Instruments};
    /// use tradewright::venue::Symbols;
    /// use tradewright::venue::dydx::IndexerDecoder;
    ///
    /// let mut table = Instruments::new();
    /// let id = table.add(Instrument::linear_perpetual("BTC-USD", "BTC", "USDC"))?;
    /// let mut decoder = IndexerDecoder::new(Symbols::of(&table));
    /// let answer = br#"{"trades":[{"id":"03f89a550000000200000002","side":"BUY","size":"0.0001",
    ///     "price":"89942","type":"LIMIT","createdAt":"2025-12-08T16:11:30.590Z"}]}"#;
    /// let mut news = Vec::new();
    /// decoder.prints(id, answer, &mut news)?;
    /// decoder.prints(id, answer, &mut news)?;
    /// assert_eq!(news.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn prints(
        &mut self,
        instrument: InstrumentId,
        bytes: &[u8],
        out: &mut Vec<MarketNews>,
    ) -> Result<(), DecodeError> {
        let contents: WireTrades<'_> = parse("trades", bytes)?;
        self.tell_prints(instrument, contents.trades.iter(), out)
    }

    /// Reads the answer to `GET /v4/perpetualMarkets` as the channel of all markets tells it:
    /// oracle prices, funding and volumes.
    ///
    /// # Errors
    /// [`DecodeError`], and nothing was appended.
    pub fn figures(&mut self, bytes: &[u8], out: &mut Vec<MarketNews>) -> Result<(), DecodeError> {
        let before = out.len();
        let contents: WireMarkets<'_> = parse("perpetualMarkets", bytes)?;
        let read = market::markets(&contents, &self.symbols, &mut self.counts, out);
        if read.is_err() {
            out.truncate(before);
        }
        read
    }

    /// The chain has reached this height: orders that a validator has dropped, and whose last
    /// block lies before it, are over.
    pub fn on_height(&mut self, at: Timestamp, height: u64, out: &mut Vec<UserNews>) {
        let mut ended = Vec::new();
        self.orders.on_height(at, height, &mut ended);
        out.extend(ended.into_iter().map(UserNews::Order));
    }

    /// Reads one frame and appends what it says.
    ///
    /// # Errors
    /// [`DecodeError`], and nothing was appended.
    pub fn decode(
        &mut self,
        at: Timestamp,
        bytes: &[u8],
        market: &mut Vec<MarketNews>,
        user: &mut Vec<UserNews>,
    ) -> Result<IndexerFrame, DecodeError> {
        let before = (market.len(), user.len());
        let read = self.read(at, bytes, &mut Out { market, user });
        if read.is_err() {
            market.truncate(before.0);
            user.truncate(before.1);
        }
        read
    }

    fn read(
        &mut self,
        at: Timestamp,
        bytes: &[u8],
        out: &mut Out<'_>,
    ) -> Result<IndexerFrame, DecodeError> {
        self.message = None;
        let head: Head<'_> = parse("frame", bytes)?;
        self.message = Some(head.message_id);
        let channel = head.channel.and_then(DydxChannel::parse);
        let form = match (head.kind, channel) {
            ("connected", _) => {
                // How a candle went on meanwhile is not known: it is not to be told as closed.
                self.candles = Candles::default();
                return Ok(IndexerFrame::Connected);
            }
            ("pong", _) => return Ok(IndexerFrame::Pong),
            ("unsubscribed", _) => return Ok(IndexerFrame::Unsubscribed),
            ("error", _) => {
                let message = head.message.unwrap_or_default().chars().take(200).collect();
                return Ok(IndexerFrame::Refused { message });
            }
            ("subscribed", Some(channel)) => (Form::Snapshot, channel),
            ("channel_data", Some(channel)) => (Form::Single, channel),
            ("channel_batch_data", Some(channel)) => (Form::Batch, channel),
            (_, _) => {
                self.counts.unknown += 1;
                return Ok(IndexerFrame::Unknown);
            }
        };
        let (form, channel) = form;
        let height = match channel {
            DydxChannel::Orderbook => self.book(form, &head, bytes, out.market)?,
            DydxChannel::Trades => self.trades(form, &head, bytes, out.market)?,
            DydxChannel::Candles => self.candles(form, &head, bytes, out.market)?,
            DydxChannel::Markets => {
                for contents in form.open::<WireMarkets<'_>>("v4_markets", bytes)? {
                    market::markets(&contents, &self.symbols, &mut self.counts, out.market)?;
                }
                None
            }
            DydxChannel::Subaccounts => {
                let contents = form.open::<WireAccount<'_>>("v4_subaccounts", bytes)?;
                let mut pieces = Pieces::new(at, &self.symbols);
                contents.iter().try_for_each(|contents| pieces.account(contents))?;
                let pieces = pieces.done();
                self.tell(pieces, out.user);
                None
            }
            DydxChannel::BlockHeight => Some(self.height(at, form, bytes, out.user)?),
        };
        Ok(match (form, height) {
            (Form::Snapshot, _) => {
                let id = head.id.map(|id| id.into_owned());
                IndexerFrame::Subscribed { channel, id }
            }
            (_, Some(height)) => IndexerFrame::Height(height),
            (_, None) => IndexerFrame::Data,
        })
    }

    /// What is to be read of the own account, at this time.
    pub(super) fn pieces(&self, at: Timestamp) -> Pieces<'_> {
        Pieces::new(at, &self.symbols)
    }

    /// Tells what was read whole.
    pub(super) fn tell(&mut self, pieces: Vec<Piece>, out: &mut Vec<UserNews>) {
        for piece in pieces {
            match piece {
                Piece::Order(order) => match self.orders.apply(&order) {
                    Some(news) => out.push(UserNews::Order(news)),
                    None => self.counts.ignored += 1,
                },
                Piece::Fill(fill) => out.push(UserNews::Order(self.orders.apply_fill(&fill))),
                Piece::News(news) => out.push(news),
                Piece::Foreign => self.counts.foreign += 1,
            }
        }
    }

    /// The instrument of this name; one that is not in the table is counted.
    fn listed(&mut self, ticker: &str) -> Option<InstrumentId> {
        let found = self.symbols.instrument(ticker);
        self.counts.foreign += u64::from(found.is_none());
        found
    }

    fn book(
        &mut self,
        form: Form,
        head: &Head<'_>,
        bytes: &[u8],
        out: &mut Vec<MarketNews>,
    ) -> Result<Option<u64>, DecodeError> {
        const WHAT: &str = "v4_orderbook";
        let Some(instrument) = self.listed(id_of(WHAT, head)?) else { return Ok(None) };
        let mut books = form.open::<WireBook>(WHAT, bytes)?;
        out.push(match (form, books.pop()) {
            (Form::Snapshot, book) => {
                market::snapshot(instrument, head.message_id, book.unwrap_or_default())
            }
            (_, last) => {
                books.extend(last);
                market::update(instrument, head.message_id, books)
            }
        });
        Ok(None)
    }

    fn trades(
        &mut self,
        form: Form,
        head: &Head<'_>,
        bytes: &[u8],
        out: &mut Vec<MarketNews>,
    ) -> Result<Option<u64>, DecodeError> {
        const WHAT: &str = "v4_trades";
        let Some(instrument) = self.listed(id_of(WHAT, head)?) else { return Ok(None) };
        let contents = form.open::<WireTrades<'_>>(WHAT, bytes)?;
        let trades = contents.iter().flat_map(|contents| &contents.trades);
        self.tell_prints(instrument, trades, out).map(|()| None)
    }

    /// Tells what was traded, each once.
    fn tell_prints<'a>(
        &mut self,
        instrument: InstrumentId,
        trades: impl Iterator<Item = &'a WireTrade<'a>>,
        out: &mut Vec<MarketNews>,
    ) -> Result<(), DecodeError> {
        let mut prints = Vec::new();
        for trade in trades {
            match market::print(instrument, trade)? {
                Some(print) => prints.push(print),
                None => self.counts.ignored += 1,
            }
        }
        // Lists begin with the newest; of one instant the venue's order is kept.
        prints.sort_by_key(|(_, sighting)| sighting.at);
        for (id, sighting) in prints {
            match self.seen.is_new(instrument, id) {
                true => out.push(MarketNews::Event(sighting)),
                false => self.counts.ignored += 1,
            }
        }
        Ok(())
    }

    fn candles(
        &mut self,
        form: Form,
        head: &Head<'_>,
        bytes: &[u8],
        out: &mut Vec<MarketNews>,
    ) -> Result<Option<u64>, DecodeError> {
        const WHAT: &str = "v4_candles";
        let id = id_of(WHAT, head)?;
        let (ticker, span) = id.split_once('/').ok_or_else(|| word(WHAT, "id", id))?;
        let seconds = candles::seconds(span)?;
        let Some(instrument) = self.listed(ticker) else { return Ok(None) };
        let mut bars = Vec::new();
        let mut read = |candle: &WireCandle<'_>| -> Result<(), DecodeError> {
            bars.push(candles::bar(instrument, seconds, candle)?);
            Ok(())
        };
        match form {
            Form::Snapshot => {
                for contents in form.open::<WireCandles<'_>>(WHAT, bytes)? {
                    contents.candles.iter().try_for_each(&mut read)?;
                }
            }
            Form::Single | Form::Batch => {
                form.open::<WireCandle<'_>>(WHAT, bytes)?.iter().try_for_each(&mut read)?;
            }
        }
        // Snapshots begin with the newest.
        bars.sort_by_key(|(started, _)| *started);
        for bar in bars {
            if !self.candles.take(instrument, seconds, bar, out) {
                self.counts.ignored += 1;
            }
        }
        Ok(None)
    }

    fn height(
        &mut self,
        at: Timestamp,
        form: Form,
        bytes: &[u8],
        out: &mut Vec<UserNews>,
    ) -> Result<u64, DecodeError> {
        const WHAT: &str = "v4_block_height";
        let contents = form.open::<WireHeight<'_>>(WHAT, bytes)?;
        let last = contents.last().ok_or(DecodeError::Missing { what: WHAT, field: "contents" })?;
        let height = last.height.parse().map_err(|_| number(WHAT, "height", &last.height))?;
        self.on_height(at, height, out);
        Ok(height)
    }
}

fn id_of<'a>(what: &'static str, head: &'a Head<'_>) -> Result<&'a str, DecodeError> {
    head.id.as_deref().ok_or(DecodeError::Missing { what, field: "id" })
}

/// How contents are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Snapshot,
    Single,
    Batch,
}

impl Form {
    fn open<'a, T: serde::Deserialize<'a>>(
        self,
        what: &'static str,
        bytes: &'a [u8],
    ) -> Result<Vec<T>, DecodeError> {
        match self {
            Self::Snapshot | Self::Single => Ok(vec![parse::<One<T>>(what, bytes)?.contents]),
            Self::Batch => Ok(parse::<Many<T>>(what, bytes)?.contents),
        }
    }
}
