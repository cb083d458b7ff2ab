use core::time::Duration;

use crate::live::watch::ExchangeWatch;
use crate::metrics::{ApiEndpoint, EdgeNews};
use crate::types::ErrorCategory;

/// What is told of requests by HTTP.
impl ExchangeWatch {
    pub(in crate::live) fn call(
        &self,
        endpoint: ApiEndpoint,
        latency: Duration,
        error: Option<ErrorCategory>,
    ) {
        self.sink.tell(&EdgeNews::Call { exchange: self.exchange, endpoint, latency, error });
    }

    pub(in crate::live) fn budget(&self, ratio: f64) {
        self.sink.tell(&EdgeNews::BudgetUsed { exchange: self.exchange, ratio });
    }
}
