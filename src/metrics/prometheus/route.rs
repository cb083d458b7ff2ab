use axum::Router;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use axum::routing::get;

use super::{ExpositionFormat, exposition};
use crate::metrics::Registry;

/// `GET /metrics`: the registry in the format that the request's `Accept` header asks for.
///
/// ```
/// use tradewright::metrics::Registry;
/// use tradewright::metrics::prometheus::metrics_route;
///
/// let registry = Registry::new();
/// let app: axum::Router = axum::Router::new().merge(metrics_route(registry));
/// # let _ = app;
/// ```
pub fn metrics_route<S: Clone + Send + Sync + 'static>(registry: Registry) -> Router<S> {
    let answer = move |headers: HeaderMap| {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let format = ExpositionFormat::of_accept(accept.unwrap_or_default());
        let text = exposition(&registry, format);
        let kind = [(header::CONTENT_TYPE, format.content_type())];
        core::future::ready((kind, text).into_response())
    };
    Router::new().route("/metrics", get(answer))
}
