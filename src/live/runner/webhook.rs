use core::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;

use super::{Notice, Notifier, NotifyError};
use crate::live::{Endpoint, HttpClient, HttpRequest};

/// Posts each notice as JSON to an address of the host's: the fields of a [`Notice`], and its
/// line as `message`.
///
/// The address may hold a secret: it is in no `Debug` and no error.
#[derive(Clone)]
pub struct WebhookNotifier {
    http: HttpClient,
    endpoint: Endpoint,
    path_and_query: String,
}

#[derive(Serialize)]
struct Payload<'a> {
    #[serde(flatten)]
    notice: &'a Notice,
    message: String,
}

impl WebhookNotifier {
    /// Posts to this endpoint and path.
    pub const fn new(http: HttpClient, endpoint: Endpoint, path_and_query: String) -> Self {
        Self { http, endpoint, path_and_query }
    }
}

impl fmt::Debug for WebhookNotifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WebhookNotifier").finish_non_exhaustive()
    }
}

#[async_trait]
impl Notifier for WebhookNotifier {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        let body = to_json(&Payload { notice, message: notice.to_string() })?;
        post(&self.http, &self.endpoint, self.path_and_query.clone(), body).await
    }
}

/// Sends each notice as a text message by the HTTP interface of a messenger's bots, in the form
/// of Telegram's: `POST /bot<token>/sendMessage` with `chat_id` and `text`.
///
/// The token is in no `Debug` and no error.
#[derive(Clone)]
pub struct BotApiNotifier {
    http: HttpClient,
    endpoint: Endpoint,
    token: String,
    chat: String,
}

#[derive(Serialize)]
struct Message<'a> {
    chat_id: &'a str,
    text: String,
}

impl BotApiNotifier {
    /// Sends to a chat, as the bot of this token.
    pub const fn new(http: HttpClient, endpoint: Endpoint, token: String, chat: String) -> Self {
        Self { http, endpoint, token, chat }
    }
}

impl fmt::Debug for BotApiNotifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("BotApiNotifier").finish_non_exhaustive()
    }
}

#[async_trait]
impl Notifier for BotApiNotifier {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        let body = to_json(&Message { chat_id: &self.chat, text: notice.to_string() })?;
        let path = format!("/bot{}/sendMessage", self.token);
        post(&self.http, &self.endpoint, path, body).await
    }
}

fn to_json(body: &impl Serialize) -> Result<Vec<u8>, NotifyError> {
    serde_json::to_vec(body).map_err(|error| NotifyError { message: error.to_string() })
}

async fn post(
    http: &HttpClient,
    endpoint: &Endpoint,
    path_and_query: String,
    body: Vec<u8>,
) -> Result<(), NotifyError> {
    let request = HttpRequest {
        method: Method::POST,
        endpoint: endpoint.clone(),
        path_and_query,
        headers: vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))],
        body: Bytes::from(body),
    };
    let reply = http.send(request).await;
    match reply.map(|reply| reply.status) {
        Ok(200..=299) => Ok(()),
        Ok(status) => Err(NotifyError { message: format!("HTTP status {status}") }),
        // The client's words do not hold the path.
        Err(error) => Err(NotifyError { message: error.to_string() }),
    }
}
