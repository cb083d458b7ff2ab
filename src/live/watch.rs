//! Who is told what happens at the door of one exchange.

use core::fmt;
use std::sync::Arc;

use crate::metrics::{EdgeNews, EdgeQueue, EdgeSink, MessageKind};
use crate::types::{ErrorCategory, Label};

/// Tells a sink about one exchange.
#[derive(Clone)]
pub(crate) struct ExchangeWatch {
    pub(super) sink: Arc<dyn EdgeSink>,
    pub(super) exchange: Label,
}

impl ExchangeWatch {
    pub(crate) fn new(sink: &Arc<dyn EdgeSink>, exchange: &str) -> Self {
        Self { sink: Arc::clone(sink), exchange: Label::new(exchange) }
    }

    /// A connection stands, until what is given back is dropped.
    pub(crate) fn opened(&self, is_again: bool) -> Standing {
        self.sink.tell(&EdgeNews::SocketOpened { exchange: self.exchange, is_again });
        Standing(self.clone())
    }

    pub(crate) fn failed(&self, error: ErrorCategory) {
        self.sink.tell(&EdgeNews::SocketFailed { exchange: self.exchange, error });
    }

    pub(crate) fn message(&self, kind: MessageKind) {
        if kind == MessageKind::Unreadable {
            self.failed(ErrorCategory::Api);
        }
        self.sink.tell(&EdgeNews::Message { exchange: self.exchange, kind });
    }

    pub(crate) fn gaps(&self, symbol: Option<&str>, count: u64) {
        let symbol = Label::new(symbol.unwrap_or_default());
        self.sink.tell(&EdgeNews::Gaps { symbol, count });
    }

    /// So many wait now; `told` is what was said last.
    pub(crate) fn queue(&self, queue: EdgeQueue, told: &mut usize, to: usize) {
        let from = core::mem::replace(told, to);
        if from != to {
            self.sink.tell(&EdgeNews::QueueMoved { queue, from, to });
        }
    }
}

impl fmt::Debug for ExchangeWatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("ExchangeWatch").field(&self.exchange).finish()
    }
}

/// A connection that stands: however its task ends, its end is told.
#[derive(Debug)]
pub(crate) struct Standing(ExchangeWatch);

impl Drop for Standing {
    fn drop(&mut self) {
        self.0.sink.tell(&EdgeNews::SocketClosed { exchange: self.0.exchange });
    }
}
