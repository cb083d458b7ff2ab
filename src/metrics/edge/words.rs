//! The words of the edge's labels: each is one of a list, so that no stranger's text gets in.

/// What a message of a connection is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageKind {
    /// Best bid and ask.
    Quotes,
    /// Trades of the public.
    Trades,
    /// Bars, forming ones included.
    Bars,
    /// Changes of a book.
    Depth,
    /// Statistics of a day.
    Ticker,
    /// Mark prices and funding.
    Marks,
    /// Own orders, balances, positions.
    Account,
    /// Answers to requests on the connection.
    Reply,
    /// Pings and pongs.
    Heartbeat,
    /// What could not be read.
    Unreadable,
    /// Anything else.
    Other,
}

impl MessageKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 11] = [
        Self::Quotes,
        Self::Trades,
        Self::Bars,
        Self::Depth,
        Self::Ticker,
        Self::Marks,
        Self::Account,
        Self::Reply,
        Self::Heartbeat,
        Self::Unreadable,
        Self::Other,
    ];

    /// The kind's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quotes => "quotes",
            Self::Trades => "trades",
            Self::Bars => "bars",
            Self::Depth => "depth",
            Self::Ticker => "ticker",
            Self::Marks => "marks",
            Self::Account => "account",
            Self::Reply => "reply",
            Self::Heartbeat => "heartbeat",
            Self::Unreadable => "unreadable",
            Self::Other => "other",
        }
    }
}

/// What a request to an exchange asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApiEndpoint {
    /// A new order.
    PlaceOrder,
    /// Another price or quantity of an order.
    AmendOrder,
    /// An order is taken back.
    CancelOrder,
    /// All orders are taken back.
    CancelAll,
    /// One order is asked for.
    OrderStatus,
    /// The orders that work, or all there were.
    ListOrders,
    /// Own fills.
    ListFills,
    /// The account, or its balances.
    Balances,
    /// Open positions.
    Positions,
    /// The key of a user stream.
    ListenKey,
    /// The exchange's clock.
    Time,
    /// What is traded there.
    Instruments,
    /// Bars of the past.
    Bars,
    /// A book.
    Depth,
    /// Trades of the public.
    Trades,
    /// Quotes, statistics, mark prices.
    Prices,
    /// Anything else, settings of the account among it.
    Other,
}

impl ApiEndpoint {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PlaceOrder => "place_order",
            Self::AmendOrder => "amend_order",
            Self::CancelOrder => "cancel_order",
            Self::CancelAll => "cancel_all",
            Self::OrderStatus => "order_status",
            Self::ListOrders => "list_orders",
            Self::ListFills => "list_fills",
            Self::Balances => "balances",
            Self::Positions => "positions",
            Self::ListenKey => "listen_key",
            Self::Time => "time",
            Self::Instruments => "instruments",
            Self::Bars => "bars",
            Self::Depth => "depth",
            Self::Trades => "trades",
            Self::Prices => "prices",
            Self::Other => "other",
        }
    }
}

/// A kind of queue at the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeQueue {
    /// Requests that wait for their turn.
    Requests,
    /// Frames that came in and wait to be read.
    Frames,
}

impl EdgeQueue {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Requests, Self::Frames];

    /// The kind's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Frames => "frames",
        }
    }
}
