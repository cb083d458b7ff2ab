use core::time::Duration;

use super::requests::{about, within};
use super::{Access, Endpoint, Method, Request, RequestError, Requests};
use crate::types::{InstrumentId, Timestamp};
use crate::venue::Urgency;
use crate::venue::binance::BinanceMarket;

/// Where a list of one's own trades begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TradesFrom {
    /// This trade, and the later ones.
    Trade(u64),
    /// The first trade at or after this time, by the venue's clock.
    Time(Timestamp),
    /// The trades of the order with this number of the venue.
    Order(u64),
}

/// What the margin of a futures position is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarginType {
    /// All of the account.
    Crossed,
    /// What was set aside for it.
    Isolated,
}

const SPOT_OPEN: Endpoint = Endpoint::new(Method::Get, "/api/v3/openOrders", "openOrders.status");
const OPEN: Endpoint = Endpoint::new(Method::Get, "/fapi/v1/openOrders", "");
const OPEN_ALGO: Endpoint = Endpoint::new(Method::Get, "/fapi/v1/openAlgoOrders", "");
const SPOT_ALL: Endpoint = Endpoint::new(Method::Get, "/api/v3/allOrders", "allOrders");
const ALL: Endpoint = Endpoint::new(Method::Get, "/fapi/v1/allOrders", "");
const SPOT_TRADES: Endpoint = Endpoint::new(Method::Get, "/api/v3/myTrades", "myTrades");
const TRADES: Endpoint = Endpoint::new(Method::Get, "/fapi/v1/userTrades", "");
const SPOT_ACCOUNT: Endpoint = Endpoint::new(Method::Get, "/api/v3/account", "account.status");
const ACCOUNT: Endpoint = Endpoint::new(Method::Get, "/fapi/v3/account", "v2/account.status");
const BALANCES: Endpoint = Endpoint::new(Method::Get, "/fapi/v3/balance", "v2/account.balance");
const POSITIONS: Endpoint =
    Endpoint::new(Method::Get, "/fapi/v3/positionRisk", "v2/account.position");
const LISTEN: Endpoint = Endpoint::new(Method::Post, "/fapi/v1/listenKey", "userDataStream.start")
    .of(Access::Key, Urgency::Resolve);
const LISTEN_ON: Endpoint = Endpoint::new(Method::Put, "/fapi/v1/listenKey", "userDataStream.ping")
    .of(Access::Key, Urgency::Resolve);
const LEVERAGE: Endpoint = Endpoint::new(Method::Post, "/fapi/v1/leverage", "");
const MARGIN_TYPE: Endpoint = Endpoint::new(Method::Post, "/fapi/v1/marginType", "");
const COUNTDOWN: Endpoint = Endpoint::new(Method::Post, "/fapi/v1/countdownCancelAll", "")
    .of(Access::Signed, Urgency::Resolve);
const SUBSCRIBE: Endpoint = Endpoint::new(Method::Post, "", "userDataStream.subscribe.signature")
    .of(Access::Signed, Urgency::Resolve);
const LOG_ON: Endpoint =
    Endpoint::new(Method::Post, "", "session.logon").of(Access::Signed, Urgency::Resolve);

/// The most rows of a list.
const MOST_ROWS: u16 = 1_000;

impl Requests {
    /// All working orders, of one instrument or of all; those of all are dear. Futures leave out
    /// the conditional ones: [`Requests::open_conditional_orders`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn open_orders(
        &self,
        instrument: Option<InstrumentId>,
        out: &mut Request,
    ) -> Result<(), RequestError> {
        let (endpoint, one, all) =
            (self.either(SPOT_OPEN, OPEN), self.weight(6, 1), self.weight(80, 40));
        self.of_one_or_all(endpoint, [one, all], instrument, out)
    }

    /// All conditional orders of futures that wait for their trigger.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn open_conditional_orders(
        &self,
        instrument: Option<InstrumentId>,
        out: &mut Request,
    ) -> Result<(), RequestError> {
        self.only(BinanceMarket::UsdFutures, "a list of conditional orders")?;
        self.of_one_or_all(OPEN_ALGO, [1, 40], instrument, out)
    }

    fn of_one_or_all(
        &self,
        endpoint: Endpoint,
        [one, all]: [u32; 2],
        instrument: Option<InstrumentId>,
        out: &mut Request,
    ) -> Result<(), RequestError> {
        match instrument {
            Some(instrument) => {
                about(out, endpoint, [one, 0], self.name(instrument)?);
            }
            None => {
                out.fill(endpoint, all, 0);
            }
        }
        Ok(())
    }

    /// The orders of an instrument from a number of the venue on, those that are over included;
    /// without a number the latest ones. At most 1,000.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn all_orders(
        &self,
        instrument: InstrumentId,
        from: Option<u64>,
        out: &mut Request,
    ) -> Result<(), RequestError> {
        let name = self.name(instrument)?;
        let endpoint = self.either(SPOT_ALL, ALL);
        let params = about(out, endpoint, [self.weight(20, 5), 0], name);
        if let Some(from) = from {
            params.number("orderId", from);
        }
        params.number("limit", MOST_ROWS);
        Ok(())
    }

    /// One's own trades in an instrument, the oldest first, at most 1,000: ask again from the
    /// last one's number plus one until a list is shorter.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn trades(
        &self,
        instrument: InstrumentId,
        from: TradesFrom,
        out: &mut Request,
    ) -> Result<(), RequestError> {
        let name = self.name(instrument)?;
        let spot = if matches!(from, TradesFrom::Order(_)) { 5 } else { 20 };
        let endpoint = self.either(SPOT_TRADES, TRADES);
        let params = about(out, endpoint, [self.weight(spot, 5), 0], name);
        match from {
            TradesFrom::Trade(number) => params.number("fromId", number),
            TradesFrom::Time(at) => params.time("startTime", at),
            TradesFrom::Order(number) => params.number("orderId", number),
        };
        params.number("limit", MOST_ROWS);
        Ok(())
    }

    /// Balances and, for futures, positions.
    pub fn account(&self, out: &mut Request) {
        let endpoint = self.either(SPOT_ACCOUNT, ACCOUNT);
        let params = out.fill(endpoint, self.weight(20, 5), 0);
        if self.market == BinanceMarket::Spot {
            params.text("omitZeroBalances", "true");
        }
    }

    /// Balances; the whole account on spot.
    pub fn balances(&self, out: &mut Request) {
        match self.market {
            BinanceMarket::Spot => self.account(out),
            BinanceMarket::UsdFutures => {
                out.fill(BALANCES, 5, 0);
            }
        }
    }

    /// Positions of futures.
    ///
    /// # Errors
    /// [`RequestError::Unsupported`] on spot, which has balances alone.
    pub fn positions(&self, out: &mut Request) -> Result<(), RequestError> {
        self.only(BinanceMarket::UsdFutures, "a position")?;
        out.fill(POSITIONS, 5, 0);
        Ok(())
    }

    /// A key for the user stream of futures, for an hour. When there is one, the venue gives it
    /// again and extends it. Spot has none any more: [`Requests::subscribe_user_data`].
    ///
    /// # Errors
    /// [`RequestError::Unsupported`] on spot.
    pub fn create_listen_key(&self, out: &mut Request) -> Result<(), RequestError> {
        self.only(BinanceMarket::UsdFutures, "a listenKey")?;
        out.fill(LISTEN, 1, 0);
        Ok(())
    }

    /// Another hour for the key of the user stream. Error -1125 means that it is gone: create
    /// one.
    ///
    /// # Errors
    /// [`RequestError::Unsupported`] on spot.
    pub fn extend_listen_key(&self, out: &mut Request) -> Result<(), RequestError> {
        self.only(BinanceMarket::UsdFutures, "a listenKey")?;
        out.fill(LISTEN_ON, 1, 0);
        Ok(())
    }

    /// The user data of spot on this connection of the WebSocket API, for every kind of key.
    ///
    /// # Errors
    /// [`RequestError::Unsupported`] on futures, which have a listenKey.
    pub fn subscribe_user_data(&self, out: &mut Request) -> Result<(), RequestError> {
        self.only(BinanceMarket::Spot, "user data over the WebSocket API")?;
        out.fill(SUBSCRIBE, 2, 0);
        Ok(())
    }

    /// Authorises this connection of the WebSocket API, so that requests on it need no signature;
    /// only with a key of Ed25519.
    pub fn log_on(&self, out: &mut Request) {
        out.fill(LOG_ON, self.weight(2, 2), 0);
    }

    /// The leverage of an instrument of futures, 1 to 125.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn leverage(
        &self,
        instrument: InstrumentId,
        leverage: u8,
        out: &mut Request,
    ) -> Result<(), RequestError> {
        self.only(BinanceMarket::UsdFutures, "a leverage")?;
        within("the leverage", leverage.into(), [1, 125])?;
        about(out, LEVERAGE, [1, 0], self.name(instrument)?).number("leverage", leverage);
        Ok(())
    }

    /// What the margin of an instrument's positions is made of. Error -4046 means that it was so
    /// already.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn margin_type(
        &self,
        instrument: InstrumentId,
        margin: MarginType,
        out: &mut Request,
    ) -> Result<(), RequestError> {
        self.only(BinanceMarket::UsdFutures, "a margin type")?;
        let word = match margin {
            MarginType::Crossed => "CROSSED",
            MarginType::Isolated => "ISOLATED",
        };
        about(out, MARGIN_TYPE, [1, 0], self.name(instrument)?).text("marginType", word);
        Ok(())
    }

    /// The venue's dead-man switch: when it is not asked again within this time, it takes back
    /// all orders of the instrument. Zero switches it off. Spot has none.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn cancel_all_after(
        &self,
        instrument: InstrumentId,
        after: Duration,
        out: &mut Request,
    ) -> Result<(), RequestError> {
        self.only(BinanceMarket::UsdFutures, "a dead-man switch")?;
        let millis = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
        within("the countdown in milliseconds", millis, [0, 86_400_000])?;
        about(out, COUNTDOWN, [10, 0], self.name(instrument)?).number("countdownTime", millis);
        Ok(())
    }
}
