use core::fmt::Write;
use core::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::params::{Param, sorted};
use super::{Access, Request};
use crate::types::Timestamp;
use crate::venue::ClockOffset;
use crate::venue::binance::{Credentials, SignatureError, text};

/// Turns requests into text that the venue takes: with the key, the venue's time and a signature.
///
/// The time is added here, not where a request is made: one that has waited in a queue would be
/// too old. A request is written into a text that can be used again, without any other allocation.
///
/// ```
/// use tradewright::types::{Instrument, Instruments, Timestamp};
/// use tradewright::venue::binance::{
///     BinanceMarket, Credentials, Request, Requests, SecretString, Signing,
/// };
/// use tradewright::venue::Symbols;
///
/// let mut table = Instruments::new();
/// let bitcoin = table.add(Instrument::spot("BTCUSDT", "BTC", "USDT"))?;
/// let requests = Requests::new(BinanceMarket::Spot, &table, Symbols::of(&table));
/// let credentials = Credentials::hmac("key", &SecretString::from("secret"))?;
/// let mut signing = Signing::new(credentials);
/// // Half a second behind the venue.
/// let at = Timestamp::from_millis(1_700_000_000_000)?;
/// signing.clock_mut().measured(at, at, Timestamp::from_millis(1_700_000_000_500)?);
///
/// let (mut request, mut query) = (Request::new(), String::new());
/// requests.open_orders(Some(bitcoin), &mut request)?;
/// signing.write_query(at, &request, &mut query)?;
/// assert!(query.starts_with("symbol=BTCUSDT&recvWindow=5000&timestamp=1700000000500&signature="));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Signing {
    credentials: Credentials,
    recv_window_ms: u32,
    clock: ClockOffset,
}

/// The venue's own default.
const RECV_WINDOW_MS: u32 = 5_000;
/// The longest that the venue takes.
const LONGEST_RECV_WINDOW_MS: u32 = 60_000;

impl Signing {
    /// With the venue's default window of 5 s, and a clock that has not been measured.
    pub fn new(credentials: Credentials) -> Self {
        Self { credentials, recv_window_ms: RECV_WINDOW_MS, clock: ClockOffset::default() }
    }

    /// For how long a request may be on its way (`recvWindow`), cut to 1 ms to 60 s. The venue
    /// refuses what arrives later: a short window keeps old orders out of a moved market.
    #[must_use]
    pub fn recv_window(mut self, window: Duration) -> Self {
        let millis = u32::try_from(window.as_millis()).unwrap_or(u32::MAX);
        self.recv_window_ms = millis.clamp(1, LONGEST_RECV_WINDOW_MS);
        self
    }

    /// How far the venue's clock is from ours, to be told of measurements.
    pub const fn clock_mut(&mut self) -> &mut ClockOffset {
        &mut self.clock
    }

    /// How far the venue's clock is from ours.
    pub const fn clock(&self) -> &ClockOffset {
        &self.clock
    }

    /// The API key, for the header `X-MBX-APIKEY` of requests that are not public.
    pub const fn api_key(&self) -> &SecretString {
        self.credentials.api_key()
    }

    /// Replaces `out` by the query of a request that leaves `at` this time of our clock. The
    /// signature is over exactly this text, percent-encoded as it is sent.
    ///
    /// # Errors
    /// [`SignatureError`] of the signer; `out` is empty then.
    pub fn write_query(
        &self,
        at: Timestamp,
        request: &Request,
        out: &mut String,
    ) -> Result<(), SignatureError> {
        out.clear();
        request.write_query(out);
        match request.access() {
            Access::Public | Access::Key => return Ok(()),
            Access::Signed => {}
        }
        let (comma, window) = (if out.is_empty() { "" } else { "&" }, self.recv_window_ms);
        let time = self.clock.venue_time(at).millis();
        let _ = write!(out, "{comma}recvWindow={window}&timestamp={time}");
        match self.credentials.sign(out.as_bytes()) {
            Ok(signature) => {
                out.push_str("&signature=");
                signature.write_encoded(out);
                Ok(())
            }
            Err(error) => {
                out.clear();
                Err(error)
            }
        }
    }

    /// Replaces `out` by the message of a request to the WebSocket API with its own signature.
    /// The answer carries the same `id`.
    ///
    /// # Errors
    /// [`SignatureError`] of the signer, or [`SignatureError::NoCall`] for what the WebSocket API
    /// does not have ([`Request::call`]); `out` is empty then.
    pub fn write_message(
        &self,
        at: Timestamp,
        id: u64,
        request: &Request,
        out: &mut String,
    ) -> Result<(), SignatureError> {
        self.write_as(at, (id, Some(self.credentials.api_key().expose_secret())), request, out)
    }

    /// Replaces `out` by the message of a request on a connection that has logged on
    /// ([`Requests::log_on`](super::Requests::log_on)): it needs neither key nor signature.
    ///
    /// # Errors
    /// [`SignatureError::NoCall`] for what the WebSocket API does not have.
    pub fn write_session_message(
        &self,
        at: Timestamp,
        id: u64,
        request: &Request,
        out: &mut String,
    ) -> Result<(), SignatureError> {
        self.write_as(at, (id, None), request, out)
    }

    /// With a key, and a signature where one is needed, or in a session without both.
    fn write_as(
        &self,
        at: Timestamp,
        (id, key): (u64, Option<&str>),
        request: &Request,
        out: &mut String,
    ) -> Result<(), SignatureError> {
        out.clear();
        let Some(call) = request.call() else {
            return Err(SignatureError::NoCall);
        };
        let (mut window, mut time) = (Digits::default(), Digits::default());
        let own = [
            text("apiKey", key.unwrap_or_default()),
            number("recvWindow", window.write(i64::from(self.recv_window_ms))),
            number("timestamp", time.write(self.clock.venue_time(at).millis())),
        ];
        let access = request.access();
        let own = own.iter().enumerate().filter(|(index, _)| match access {
            Access::Public => false,
            Access::Key => *index == 0 && key.is_some(),
            Access::Signed => *index > 0 || key.is_some(),
        });
        let params = request.params.iter().chain(own.map(|(_, param)| *param));
        if access != Access::Signed || key.is_none() {
            write_call(id, call, params, out);
            out.push_str("}}");
            return Ok(());
        }
        for param in sorted(params.clone()) {
            let ampersand = if out.is_empty() { "" } else { "&" };
            out.extend([ampersand, param.name, "=", param.value]);
        }
        let signature = self.credentials.sign(out.as_bytes());
        out.clear();
        let signature = signature?;
        write_call(id, call, params, out);
        out.push_str(",\"signature\":\"");
        signature.write(out);
        out.push_str("\"}}");
        Ok(())
    }
}

const fn text<'a>(name: &'static str, value: &'a str) -> Param<'a> {
    Param { name, value, is_number: false }
}

const fn number<'a>(name: &'static str, value: &'a str) -> Param<'a> {
    Param { name, value, is_number: true }
}

/// The message up to its last parameter, without the brackets that close it.
fn write_call<'a>(id: u64, call: &str, params: impl Iterator<Item = Param<'a>>, out: &mut String) {
    let _ = write!(out, "{{\"id\":{id},\"method\":\"{call}\",\"params\":{{");
    for (index, param) in params.enumerate() {
        out.push_str(if index > 0 { ",\"" } else { "\"" });
        out.extend([param.name, "\":"]);
        match param.is_number {
            true => out.push_str(param.value),
            false => text::json(param.value, out),
        }
    }
}

/// A number's digits on the stack.
#[derive(Default)]
struct Digits {
    bytes: [u8; 20],
}

impl Digits {
    /// Times and windows are not negative: what is, counts as zero.
    fn write(&mut self, value: i64) -> &str {
        let mut rest = value.unsigned_abs() * u64::from(value > 0);
        let mut start = self.bytes.len();
        for byte in self.bytes.iter_mut().rev() {
            *byte = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
            start -= 1;
            if rest == 0 {
                break;
            }
        }
        core::str::from_utf8(self.bytes.get(start..).unwrap_or_default()).unwrap_or_default()
    }
}
