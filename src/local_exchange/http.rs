use core::time::Duration;

/// A request over HTTP, as it was sent.
///
/// ```
/// use tradewright::local_exchange::HttpRequest;
///
/// let request = HttpRequest::get("/api/v3/time");
/// assert_eq!(request.method, "GET");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: String,
    /// Path and query, still percent-encoded: signatures are over this very text.
    pub target: String,
    /// The header `X-MBX-APIKEY`.
    pub key: Option<String>,
    /// The body, a form.
    pub body: String,
}

impl HttpRequest {
    /// A request without key and body.
    pub fn get(target: &str) -> Self {
        Self { method: "GET".to_owned(), target: target.to_owned(), ..Self::default() }
    }
}

/// An answer over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpReply {
    /// The status code.
    pub status: u16,
    /// Rate limits and `Retry-After`.
    pub headers: Vec<(String, String)>,
    /// JSON.
    pub body: String,
    /// So much later it is to be sent.
    pub delay: Duration,
    /// True where the connection is to be closed instead of answered.
    pub is_lost: bool,
}
