use crate::types::{AssetId, Facts, Instruments, LimitUse, MarketEvent, Record, Timestamp};

/// A reader of the engine's records. It can neither fail nor change the engine.
///
/// `()` listens to nothing and costs nothing.
///
/// ```
/// use tradewright::metrics::MetricsSink;
/// use tradewright::types::{Record, Timestamp};
///
/// #[derive(Default)]
/// struct Orders(u64);
///
/// impl MetricsSink for Orders {
///     fn record(&mut self, _at: Timestamp, record: &Record<'_>) {
///         if matches!(record, Record::Placed { .. }) {
///             self.0 += 1;
///         }
///     }
/// }
/// ```
pub trait MetricsSink {
    /// A state has changed.
    fn record(&mut self, at: Timestamp, record: &Record<'_>);

    /// A market event has been handled; equity and positions are in the facts.
    fn on_mark(&mut self, _facts: &Facts<'_>) {}

    /// An engine is built around this sink: whom and what its records will be about.
    fn on_start(&mut self, _run: &RunStart<'_>) {}

    /// A sound market event has come in; strategies have not seen it yet.
    fn on_market(&mut self, _at: Timestamp, _event: &MarketEvent) {}

    /// An input that is no market event has been handled.
    fn on_settled(&mut self, _facts: &Facts<'_>) {}

    /// True when the use of limits is wanted after this market event. It is computed for who
    /// asks, so ask seldom.
    fn wants_limits(&self, _at: Timestamp) -> bool {
        false
    }

    /// How much of every limit is used; it may come without having been asked for.
    fn on_limits(&mut self, _facts: &Facts<'_>, _limits: &[LimitUse]) {}
}

/// What an engine tells its sink when it is built.
#[derive(Clone, Copy, Debug)]
pub struct RunStart<'a> {
    /// The instruments of the run.
    pub instruments: &'a Instruments,
    /// The currency of equity.
    pub reporting: AssetId,
    /// The names of the strategies, from slot 1 on; two may have the same.
    pub strategies: &'a [&'a str],
}

impl MetricsSink for () {
    #[inline]
    fn record(&mut self, _at: Timestamp, _record: &Record<'_>) {}
}

impl<M: MetricsSink + ?Sized> MetricsSink for &mut M {
    #[inline]
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        (**self).record(at, record);
    }

    #[inline]
    fn on_mark(&mut self, facts: &Facts<'_>) {
        (**self).on_mark(facts);
    }

    #[inline]
    fn on_start(&mut self, run: &RunStart<'_>) {
        (**self).on_start(run);
    }

    #[inline]
    fn on_market(&mut self, at: Timestamp, event: &MarketEvent) {
        (**self).on_market(at, event);
    }

    #[inline]
    fn on_settled(&mut self, facts: &Facts<'_>) {
        (**self).on_settled(facts);
    }

    #[inline]
    fn wants_limits(&self, at: Timestamp) -> bool {
        (**self).wants_limits(at)
    }

    #[inline]
    fn on_limits(&mut self, facts: &Facts<'_>, limits: &[LimitUse]) {
        (**self).on_limits(facts, limits);
    }
}

impl<M: MetricsSink + ?Sized> MetricsSink for Box<M> {
    #[inline]
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        (**self).record(at, record);
    }

    #[inline]
    fn on_mark(&mut self, facts: &Facts<'_>) {
        (**self).on_mark(facts);
    }

    #[inline]
    fn on_start(&mut self, run: &RunStart<'_>) {
        (**self).on_start(run);
    }

    #[inline]
    fn on_market(&mut self, at: Timestamp, event: &MarketEvent) {
        (**self).on_market(at, event);
    }

    #[inline]
    fn on_settled(&mut self, facts: &Facts<'_>) {
        (**self).on_settled(facts);
    }

    #[inline]
    fn wants_limits(&self, at: Timestamp) -> bool {
        (**self).wants_limits(at)
    }

    #[inline]
    fn on_limits(&mut self, facts: &Facts<'_>, limits: &[LimitUse]) {
        (**self).on_limits(facts, limits);
    }
}

/// Two readers as one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tee<A, B>(pub A, pub B);

impl<A: MetricsSink, B: MetricsSink> MetricsSink for Tee<A, B> {
    // Where a record is made its kind is known: inlined there, nothing has to find it out.
    #[inline(always)]
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        self.0.record(at, record);
        self.1.record(at, record);
    }

    #[inline]
    fn on_mark(&mut self, facts: &Facts<'_>) {
        self.0.on_mark(facts);
        self.1.on_mark(facts);
    }

    #[inline]
    fn on_start(&mut self, run: &RunStart<'_>) {
        self.0.on_start(run);
        self.1.on_start(run);
    }

    #[inline]
    fn on_market(&mut self, at: Timestamp, event: &MarketEvent) {
        self.0.on_market(at, event);
        self.1.on_market(at, event);
    }

    #[inline]
    fn on_settled(&mut self, facts: &Facts<'_>) {
        self.0.on_settled(facts);
        self.1.on_settled(facts);
    }

    #[inline]
    fn wants_limits(&self, at: Timestamp) -> bool {
        self.0.wants_limits(at) || self.1.wants_limits(at)
    }

    #[inline]
    fn on_limits(&mut self, facts: &Facts<'_>, limits: &[LimitUse]) {
        self.0.on_limits(facts, limits);
        self.1.on_limits(facts, limits);
    }
}
