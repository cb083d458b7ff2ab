use core::fmt::Write;

/// One of the indexer's channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DydxChannel {
    /// The book of a market.
    Orderbook,
    /// The prints of a market.
    Trades,
    /// The candles of a market, `BTC-USD/1MIN`.
    Candles,
    /// Oracle prices, funding and volumes of all markets.
    Markets,
    /// Orders, fills and positions of a subaccount, `address/number`.
    Subaccounts,
    /// The height of the chain.
    BlockHeight,
}

impl DydxChannel {
    /// The venue's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Orderbook => "v4_orderbook",
            Self::Trades => "v4_trades",
            Self::Candles => "v4_candles",
            Self::Markets => "v4_markets",
            Self::Subaccounts => "v4_subaccounts",
            Self::BlockHeight => "v4_block_height",
        }
    }

    /// The channel of this word.
    pub fn parse(word: &str) -> Option<Self> {
        let all = [
            Self::Orderbook,
            Self::Trades,
            Self::Candles,
            Self::Markets,
            Self::Subaccounts,
            Self::BlockHeight,
        ];
        all.into_iter().find(|channel| channel.as_str() == word)
    }
}

/// What a client asks the indexer for. The indexer takes two requests a second per channel and
/// id, and 32 channels (256 of subaccounts) per connection.
///
/// ```
/// use tradewright::venue::dydx::Subscription;
///
/// let book = Subscription::orderbook("BTC-USD");
/// assert_eq!(
///     book.subscribe(),
///     r#"{"type":"subscribe","channel":"v4_orderbook","id":"BTC-USD","batched":true}"#
/// );
/// assert_eq!(
///     Subscription::markets().unsubscribe(),
///     r#"{"type":"unsubscribe","channel":"v4_markets"}"#
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subscription {
    channel: DydxChannel,
    id: Option<String>,
}

impl Subscription {
    /// What an [`IndexerFrame::Subscribed`](super::IndexerFrame) is the answer to.
    pub const fn of(channel: DydxChannel, id: Option<String>) -> Self {
        Self { channel, id }
    }

    /// The book of a market.
    pub fn orderbook(ticker: &str) -> Self {
        Self { channel: DydxChannel::Orderbook, id: Some(ticker.to_owned()) }
    }

    /// The prints of a market.
    pub fn trades(ticker: &str) -> Self {
        Self { channel: DydxChannel::Trades, id: Some(ticker.to_owned()) }
    }

    /// The candles of a market; none for a span that the venue does not have (1, 5, 15, 30 and
    /// 240 minutes, an hour, a day).
    pub fn candles(ticker: &str, seconds: u32) -> Option<Self> {
        let (word, _) = RESOLUTIONS.iter().find(|(_, known)| *known == seconds)?;
        Some(Self { channel: DydxChannel::Candles, id: Some(format!("{ticker}/{word}")) })
    }

    /// Oracle prices, funding and volumes of all markets.
    pub const fn markets() -> Self {
        Self { channel: DydxChannel::Markets, id: None }
    }

    /// Orders, fills and positions of a subaccount.
    pub fn subaccount(address: &str, number: u32) -> Self {
        Self { channel: DydxChannel::Subaccounts, id: Some(format!("{address}/{number}")) }
    }

    /// The height of the chain, by which short orders end.
    pub const fn block_height() -> Self {
        Self { channel: DydxChannel::BlockHeight, id: None }
    }

    /// The channel.
    pub const fn channel(&self) -> DydxChannel {
        self.channel
    }

    /// The market or account; none for channels that have no such thing.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The request to begin. Data of markets come in batches of 250 ms, so that a busy book does
    /// not come as thousands of frames; those of the own account come at once.
    pub fn subscribe(&self) -> String {
        let batched = match self.channel {
            DydxChannel::Subaccounts | DydxChannel::BlockHeight => "",
            _ => r#","batched":true"#,
        };
        self.text("subscribe", batched)
    }

    /// The request to end.
    pub fn unsubscribe(&self) -> String {
        self.text("unsubscribe", "")
    }

    /// The application's own ping, which is answered by a pong with this number.
    pub fn ping(id: u64) -> String {
        format!(r#"{{"type":"ping","id":{id}}}"#)
    }

    fn text(&self, kind: &str, more: &str) -> String {
        let mut text = format!(r#"{{"type":"{kind}","channel":"{}""#, self.channel.as_str());
        if let Some(id) = &self.id {
            // Serialising a string does not fail, and writing into one does not, either.
            let id = serde_json::to_string(id).unwrap_or_default();
            let _ = write!(text, r#","id":{id}"#);
        }
        text.push_str(more);
        text.push('}');
        text
    }
}

/// The venue's words for spans of candles, in seconds.
pub(super) const RESOLUTIONS: [(&str, u32); 7] = [
    ("1MIN", 60),
    ("5MINS", 300),
    ("15MINS", 900),
    ("30MINS", 1_800),
    ("1HOUR", 3_600),
    ("4HOURS", 14_400),
    ("1DAY", 86_400),
];
