use core::fmt;
use core::net::IpAddr;

use hyper::Uri;

use crate::types::{Classification, Classify};

/// Where a connection goes: scheme, host, port and path, without a query and without credentials.
///
/// Without TLS only this machine can be reached: `ws` and `http` are refused for every host but
/// `localhost` and the loopback addresses.
///
/// ```
/// use tradewright::live::{Endpoint, EndpointError};
///
/// let stream = Endpoint::parse("wss://stream.binance.com:9443")?;
/// assert_eq!((stream.host(), stream.port()), ("stream.binance.com", 9443));
/// assert!(Endpoint::parse("ws://127.0.0.1:8080").is_ok());
/// let plain = Endpoint::parse("ws://stream.binance.com");
/// assert!(matches!(plain, Err(EndpointError::Insecure { .. })));
/// # Ok::<(), EndpointError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    scheme: Scheme,
    host: String,
    port: u16,
    path: String,
}

/// The four schemes that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// HTTP without TLS.
    Http,
    /// HTTP.
    Https,
    /// WebSocket without TLS.
    Ws,
    /// WebSocket.
    Wss,
}

impl Scheme {
    /// As it stands in an address.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// True when it is over TLS.
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Https | Self::Wss)
    }

    /// True for WebSocket.
    pub const fn is_socket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }
}

/// Why an address was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// No address, or none with a host.
    #[error("`{text}` is no address")]
    Unreadable {
        /// The refused text, its first 100 characters.
        text: String,
    },
    /// A scheme that is not spoken, or not here.
    #[error("`{text}` has another scheme than {expected}")]
    Scheme {
        /// The refused text, its first 100 characters.
        text: String,
        /// What may stand there.
        expected: &'static str,
    },
    /// Without TLS to another machine.
    #[error("`{host}` is another machine: without TLS only loopback is allowed, use {instead}")]
    Insecure {
        /// The host.
        host: String,
        /// The scheme to use.
        instead: &'static str,
    },
    /// A query or credentials, which have no place in an address that is shown.
    #[error("the address of `{host}` carries a query or credentials")]
    Burdened {
        /// The host.
        host: String,
    },
}

impl Classify for EndpointError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}

impl Endpoint {
    /// Reads an address.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let short = || text.chars().take(100).collect::<String>();
        let uri: Uri = text.parse().map_err(|_| EndpointError::Unreadable { text: short() })?;
        let (scheme, standard) = match uri.scheme_str() {
            Some("http") => (Scheme::Http, 80),
            Some("https") => (Scheme::Https, 443),
            Some("ws") => (Scheme::Ws, 80),
            Some("wss") => (Scheme::Wss, 443),
            _ => {
                let expected = "http, https, ws or wss";
                return Err(EndpointError::Scheme { text: short(), expected });
            }
        };
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err(EndpointError::Unreadable { text: short() });
        }
        let is_burdened = uri.authority().is_some_and(|all| all.as_str().contains('@'));
        if is_burdened || uri.query().is_some() {
            return Err(EndpointError::Burdened { host });
        }
        if !scheme.is_secure() && !is_loopback(&host) {
            let instead = if scheme.is_socket() { "wss" } else { "https" };
            return Err(EndpointError::Insecure { host, instead });
        }
        let port = uri.port_u16().unwrap_or(standard);
        let path = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { scheme, host, port, path })
    }

    /// Reads the address of a WebSocket.
    ///
    /// # Errors
    /// [`EndpointError`], for another scheme, too.
    pub fn socket(text: &str) -> Result<Self, EndpointError> {
        Self::parse(text)?.expecting(true, text)
    }

    /// Reads an address of HTTP.
    ///
    /// # Errors
    /// [`EndpointError`], for another scheme, too.
    pub fn http(text: &str) -> Result<Self, EndpointError> {
        Self::parse(text)?.expecting(false, text)
    }

    fn expecting(self, socket: bool, text: &str) -> Result<Self, EndpointError> {
        if self.scheme.is_socket() == socket {
            return Ok(self);
        }
        let expected = if socket { "ws or wss" } else { "http or https" };
        Err(EndpointError::Scheme { text: text.chars().take(100).collect(), expected })
    }

    /// The scheme.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// True when it is on this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }

    /// The whole address with more path behind it, which may carry a query.
    #[must_use]
    pub fn with(&self, path_and_query: &str) -> String {
        format!("{self}{path_and_query}")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        let (scheme, host, port) = (self.scheme.as_str(), &self.host, self.port);
        write!(formatter, "{scheme}://{open}{host}{close}:{port}{}", self.path)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Endpoint({self})")
    }
}

fn is_loopback(host: &str) -> bool {
    let address: Result<IpAddr, _> = host.parse();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}
