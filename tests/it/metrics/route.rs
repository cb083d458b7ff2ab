//! `GET /metrics`.

use std::task::{Context, Poll, Waker};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use tower::Service;
use tradewright::metrics::prometheus::metrics_route;
use tradewright::metrics::{MetricsExporter, Registry};

/// The answer to a request; nothing in the route waits.
fn answer(registry: &Registry, request: Request<Body>) -> (StatusCode, String, Body) {
    let mut route = metrics_route::<()>(registry.clone()).with_state(());
    let mut future = Box::pin(Service::call(&mut route, request));
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut context) else { panic!() };
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.map_or(String::new(), |kind| kind.to_str().unwrap().to_owned());
    (response.status(), kind, response.into_body())
}

fn text(body: Body) -> String {
    let mut future = Box::pin(axum::body::to_bytes(body, 1 << 20));
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(bytes)) = future.as_mut().poll(&mut context) else { panic!() };
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_registry_is_served_in_the_format_that_is_asked_for() {
    let exporter = MetricsExporter::new(Registry::new());
    exporter.signal("trend", None);
    let request = |accept: &str| {
        let request = Request::get("/metrics").header(header::ACCEPT, accept);
        request.body(Body::empty()).unwrap()
    };
    let (status, kind, body) = answer(exporter.registry(), request("*/*"));
    assert_eq!(
        (status, kind.as_str()),
        (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8")
    );
    assert!(text(body).contains("\ntrading_strategy_signals_total{strategy=\"trend\""));
    let open = "application/openmetrics-text; version=1.0.0";
    let (_, kind, body) = answer(exporter.registry(), request(open));
    assert!(kind.starts_with(open));
    assert!(text(body).ends_with("# EOF\n"));
    let post = Request::post("/metrics").body(Body::empty()).unwrap();
    assert_eq!(answer(exporter.registry(), post).0, StatusCode::METHOD_NOT_ALLOWED);
}
