use serde_json::{Value, json};

/// A refusal in Binance's words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ApiError {
    /// The HTTP status.
    pub(super) status: u16,
    pub(super) code: i64,
    pub(super) message: String,
    /// Both halves of a replacement that has failed.
    pub(super) data: Option<Value>,
}

pub(super) type ApiResult = Result<Value, ApiError>;

impl ApiError {
    pub(super) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into(), data: None }
    }

    pub(super) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(super) fn missing(name: &str) -> Self {
        let message =
            format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed.");
        Self::new(-1102, message)
    }

    pub(super) fn illegal(name: &str) -> Self {
        Self::new(-1100, format!("Illegal characters found in parameter '{name}'."))
    }

    pub(super) fn symbol() -> Self {
        Self::new(-1121, "Invalid symbol.")
    }

    pub(super) fn filter(name: &str) -> Self {
        Self::new(-1013, format!("Filter failure: {name}"))
    }

    pub(super) fn signature() -> Self {
        Self::new(-1022, "Signature for this request is not valid.")
    }

    pub(super) fn key() -> Self {
        Self::new(-2015, "Invalid API-key, IP, or permissions for action.").with_status(401)
    }

    pub(super) fn unknown_order() -> Self {
        Self::new(-2011, "Unknown order sent.")
    }

    pub(super) fn no_such_order() -> Self {
        Self::new(-2013, "Order does not exist.")
    }

    /// The order was carried out, but nobody says so.
    pub(super) fn timeout() -> Self {
        let message = "Timeout waiting for response from backend server. Send status unknown; \
                       execution status unknown.";
        Self::new(-1007, message).with_status(503)
    }

    pub(super) fn body(&self) -> Value {
        let mut body = json!({ "code": self.code, "msg": self.message });
        if let (Some(data), Some(fields)) = (&self.data, body.as_object_mut()) {
            fields.insert("data".to_owned(), data.clone());
        }
        body
    }
}
