//! What happens at the edge, for whoever counts it: no name of a metric is known there.

mod feed;
mod news;
mod words;

pub use feed::EdgeMetrics;
pub use news::{EdgeNews, EdgeSink, ProcessFigures};
pub use words::{ApiEndpoint, EdgeQueue, MessageKind};
