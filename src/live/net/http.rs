use core::fmt;
use core::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::{Endpoint, Tls};
use crate::types::{Classification, Classify, ErrorCategory, RetryAdvice, Severity};

/// HTTP/1.1 over kept connections, with a bound on time and size.
///
/// A request is never sent twice: what was taken from the pool and found closed before its first
/// byte left is sent on another connection, and nothing else is.
#[derive(Clone)]
pub struct HttpClient {
    inner: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    timeout: Duration,
}

/// A request. Its `Debug` shows neither the query nor headers nor the body.
#[derive(Clone)]
pub struct HttpRequest {
    /// GET, POST, PUT, DELETE …
    pub method: Method,
    /// Where to.
    pub endpoint: Endpoint,
    /// What follows the endpoint's path, with the query.
    pub path_and_query: String,
    /// Headers; values of secrets should be marked as sensitive.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body; empty for none.
    pub body: Bytes,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct HttpReply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The request has certainly not left: it cannot be written, or there is no connection.
    #[error("not sent: {message}")]
    NotSent {
        /// Why.
        message: String,
    },
    /// The request may have arrived: the connection was lost, the answer did not come in time or
    /// is too large.
    #[error("no answer: {message}")]
    NoAnswer {
        /// Why.
        message: String,
    },
}

impl Classify for HttpError {
    /// What was not sent may be sent again; what may have arrived has to be looked up.
    fn classification(&self) -> Classification {
        let network = Classification::new(ErrorCategory::Network, Severity::Medium);
        match self {
            Self::NotSent { .. } => network.retry(RetryAdvice::Backoff),
            Self::NoAnswer { .. } => network.retry(RetryAdvice::LookUp),
        }
    }
}

/// The largest answer that is read; Binance's list of all instruments has some 15 MB.
const MOST_BYTES: usize = 64 << 20;
const KEEPALIVE: Duration = Duration::from_secs(30);
/// Below the minute after which servers close what is idle.
const IDLE: Duration = Duration::from_secs(45);

impl HttpClient {
    /// A client; `timeout` bounds one request from the connection to the last byte of the answer.
    pub fn new(tls: &Tls, timeout: Duration) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_keepalive(Some(KEEPALIVE));
        http.set_connect_timeout(Some(timeout));
        let config = rustls::ClientConfig::clone(&tls.config());
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let inner = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(https);
        Self { inner, timeout }
    }

    /// Sends a request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`HttpError`], which tells whether the request may have arrived.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpReply, HttpError> {
        let not_sent = |message: String| HttpError::NotSent { message };
        let uri: Uri = request
            .endpoint
            .with(&request.path_and_query)
            .parse()
            .map_err(|_| not_sent("the path or query cannot be written".to_owned()))?;
        let mut built = Request::new(Full::new(request.body));
        *built.method_mut() = request.method;
        *built.uri_mut() = uri;
        built.headers_mut().extend(request.headers);
        let exchange = self.exchange(built);
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(reply) => reply,
            Err(_) => {
                let message = format!("none within {} ms", self.timeout.as_millis());
                Err(HttpError::NoAnswer { message })
            }
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<HttpReply, HttpError> {
        let answer = self.inner.request(request).await.map_err(|error| {
            let message = causes(&error);
            match error.is_connect() {
                true => HttpError::NotSent { message },
                false => HttpError::NoAnswer { message },
            }
        })?;
        let (head, body) = answer.into_parts();
        let read = Limited::new(body, MOST_BYTES).collect().await;
        let body = read.map_err(|error| HttpError::NoAnswer { message: error.to_string() })?;
        let (status, body) = (head.status.as_u16(), body.to_bytes());
        Ok(HttpReply { status, headers: head.headers, body })
    }
}

/// An error with what caused it: the outermost says only that something failed.
fn causes(error: &dyn core::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HttpClient").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path_and_query.split('?').next().unwrap_or_default();
        write!(formatter, "HttpRequest({} {}{path})", self.method, self.endpoint)
    }
}
