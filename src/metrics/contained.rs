use core::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{MetricsSink, RunStart};
use crate::types::{Facts, LimitUse, MarketEvent, Record, Timestamp};

/// Keeps a panic of a reader of records away from the engine: the reader is told nothing more, and
/// the run goes on as if it had never been there.
///
/// It needs a build that unwinds: with `panic = "abort"` nothing can be caught.
///
/// ```
/// use tradewright::metrics::{ContainedSink, MetricsSink};
/// use tradewright::types::{Record, SlotId, Timestamp};
///
/// struct Broken;
///
/// impl MetricsSink for Broken {
///     fn record(&mut self, _at: Timestamp, _record: &Record<'_>) {
///         panic!("disk full");
///     }
/// }
///
/// let mut sink = ContainedSink::new(Broken);
/// sink.record(Timestamp::EPOCH, &Record::Failed { slot: SlotId(1), error: "no model" });
/// assert_eq!(sink.panic(), Some("disk full"));
/// ```
#[derive(Clone, Debug)]
pub struct ContainedSink<M> {
    sink: M,
    panic: Option<String>,
}

impl<M> ContainedSink<M> {
    /// Contains a reader.
    pub const fn new(sink: M) -> Self {
        Self { sink, panic: None }
    }

    /// What the reader said when it panicked; `None` while it has not.
    pub fn panic(&self) -> Option<&str> {
        self.panic.as_deref()
    }

    /// The reader; after a panic it may be half changed.
    pub const fn sink(&self) -> &M {
        &self.sink
    }

    fn tell(&mut self, tell: impl FnOnce(&mut M)) {
        if self.panic.is_some() {
            return;
        }
        let sink = &mut self.sink;
        // What a panic leaves half changed is the reader, which is not told anything any more.
        let told = catch_unwind(AssertUnwindSafe(|| tell(sink)));
        self.panic = told.err().map(|payload| panic_text(&*payload));
    }
}

impl<M: MetricsSink> MetricsSink for ContainedSink<M> {
    #[inline]
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        self.tell(|sink| sink.record(at, record));
    }

    #[inline]
    fn on_mark(&mut self, facts: &Facts<'_>) {
        self.tell(|sink| sink.on_mark(facts));
    }

    fn on_start(&mut self, run: &RunStart<'_>) {
        self.tell(|sink| sink.on_start(run));
    }

    fn on_market(&mut self, at: Timestamp, event: &MarketEvent) {
        self.tell(|sink| sink.on_market(at, event));
    }

    fn on_settled(&mut self, facts: &Facts<'_>) {
        self.tell(|sink| sink.on_settled(facts));
    }

    fn wants_limits(&self, at: Timestamp) -> bool {
        // It cannot be told of a panic here: one that asks by panicking gets no answer.
        self.panic.is_none()
            && catch_unwind(AssertUnwindSafe(|| self.sink.wants_limits(at))).unwrap_or(false)
    }

    fn on_limits(&mut self, facts: &Facts<'_>, limits: &[LimitUse]) {
        self.tell(|sink| sink.on_limits(facts, limits));
    }
}

/// The words of a panic.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "without a word".to_owned())
}
