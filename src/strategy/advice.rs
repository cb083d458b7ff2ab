use crate::types::{
    Bracket, Confidence, ExecutionPlan, InstrumentId, Label, OrderKind, Price, Qty, Side, Signal,
    Timestamp,
};
use crate::types::{Classification, Classify};

/// The buffer that a strategy writes its wishes into; the engine owns it and clears it before
/// each event.
#[derive(Debug, Default)]
pub struct Advice {
    instrument: InstrumentId,
    tag: Label,
    items: Vec<Advised>,
    error: Option<StrategyError>,
}

/// One wish.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Advised {
    /// An opinion, which policy and sizer turn into an intent.
    Signal(Signal),
    /// An opinion that enters with an order of this kind and with exits attached.
    Entry {
        /// The opinion.
        signal: Signal,
        /// The entry order's kind.
        kind: OrderKind,
        /// Its exits.
        bracket: Option<Bracket>,
    },
    /// The position that the strategy wants to have, by market orders.
    Target {
        /// In what.
        instrument: InstrumentId,
        /// The signed position.
        quantity: Qty,
        /// A word for reports.
        tag: Label,
    },
    /// The position that the strategy wants to have, on a way that a plan splits.
    Execute {
        /// In what.
        instrument: InstrumentId,
        /// The signed position.
        quantity: Qty,
        /// How the way there is split.
        plan: Box<ExecutionPlan>,
        /// A word for reports.
        tag: Label,
    },
    /// Several targets that stand or fall together.
    Together(Vec<(InstrumentId, Qty)>, Label),
    /// A resting limit order under a key; the same key replaces it.
    Quote {
        /// Which of the strategy's quotes.
        key: QuoteKey,
        /// In what.
        instrument: InstrumentId,
        /// Which way.
        side: Side,
        /// The limit.
        price: Price,
        /// How much.
        size: QuoteSize,
    },
    /// The quote under the key is taken back.
    Pull(QuoteKey),
    /// All quotes and resting entries of the strategy are taken back.
    CancelAll,
    /// The strategy wants to be called at this time.
    WakeAt(Timestamp),
}

/// Which of a strategy's quotes.
pub type QuoteKey = u32;

/// What the quantity of a quote means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuoteSize {
    /// This much always rests, whatever has filled before.
    Resting(Qty),
    /// This much in total; what has filled is not renewed.
    Total(Qty),
}

impl Advice {
    /// An empty buffer; the engine has its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// BUY on the event's instrument.
    #[inline]
    pub fn buy(&mut self, confidence: Confidence) {
        self.signal(self.instrument, Side::Buy, confidence);
    }

    /// SELL on the event's instrument.
    #[inline]
    pub fn sell(&mut self, confidence: Confidence) {
        self.signal(self.instrument, Side::Sell, confidence);
    }

    /// An opinion on any instrument of the strategy's universe.
    // Kept apart, so that a strategy that mostly says nothing stays short.
    #[inline(never)]
    pub fn signal(&mut self, instrument: InstrumentId, side: Side, confidence: Confidence) {
        let (tag, reason) = (self.tag, Label::default());
        self.items.push(Advised::Signal(Signal { instrument, side, confidence, tag, reason }));
    }

    /// An opinion with everything that can be said about it.
    pub fn opinion(&mut self, signal: Signal) {
        self.items.push(Advised::Signal(signal));
    }

    /// An opinion that enters with a given order kind and exits.
    pub fn enter(&mut self, signal: Signal, kind: OrderKind, bracket: Option<Bracket>) {
        self.items.push(Advised::Entry { signal, kind, bracket });
    }

    /// The tag of everything said after it during this event.
    pub fn tag(&mut self, tag: &str) -> &mut Self {
        self.tag = Label::new(tag);
        self
    }

    /// The signed position that the strategy wants; nothing happens when it has it.
    pub fn target(&mut self, instrument: InstrumentId, quantity: Qty) {
        self.items.push(Advised::Target { instrument, quantity, tag: self.tag });
    }

    /// The signed position that the strategy wants, reached by child orders as the plan says.
    ///
    /// The difference to the position of now becomes a parent order. A wish for the same
    /// instrument replaces it: what works is taken back first. Saying the same again changes
    /// nothing.
    ///
    /// ```
    /// use core::time::Duration;
    /// use tradewright::strategy::Advice;
    /// use tradewright::types::{ExecutionPlan, InstrumentId, Qty};
    ///
    /// let mut advice = Advice::new();
    /// let half_an_hour = ExecutionPlan::twap(Duration::from_secs(1_800), 6)?;
    /// advice.execute(InstrumentId(0), Qty::from(600), half_an_hour);
    /// assert_eq!(advice.items().len(), 1);
    /// # Ok::<(), tradewright::types::PlanError>(())
    /// ```
    pub fn execute(&mut self, instrument: InstrumentId, quantity: Qty, plan: ExecutionPlan) {
        let (plan, tag) = (Box::new(plan), self.tag);
        self.items.push(Advised::Execute { instrument, quantity, plan, tag });
    }

    /// Targets of several legs that stand or fall together: all are sent or none, and a leg
    /// that the venue refuses unwinds the others.
    ///
    /// ```
    /// use tradewright::strategy::Advice;
    /// use tradewright::types::{InstrumentId, Qty};
    ///
    /// let mut advice = Advice::new();
    /// advice.together(|legs| {
    ///     legs.target(InstrumentId(0), Qty::from(10));
    ///     legs.target(InstrumentId(1), Qty::from(-7));
    /// });
    /// assert_eq!(advice.items().len(), 1);
    /// ```
    pub fn together(&mut self, fill: impl FnOnce(&mut Legs)) {
        let mut legs = Legs { targets: Vec::new() };
        fill(&mut legs);
        self.items.push(Advised::Together(legs.targets, self.tag));
    }

    /// A resting limit order under a key on the event's instrument; saying it again replaces it.
    pub fn quote(&mut self, key: QuoteKey, side: Side, price: Price, size: QuoteSize) {
        let instrument = self.instrument;
        self.items.push(Advised::Quote { key, instrument, side, price, size });
    }

    /// Takes a quote back.
    pub fn pull(&mut self, key: QuoteKey) {
        self.items.push(Advised::Pull(key));
    }

    /// Takes back all quotes and resting entries.
    pub fn cancel_all(&mut self) {
        self.items.push(Advised::CancelAll);
    }

    /// Asks for an [`Event::Wake`](super::Event::Wake) at this time.
    pub fn wake_at(&mut self, at: Timestamp) {
        self.items.push(Advised::WakeAt(at));
    }

    /// The strategy cannot go on: its slot stops with this error, and what it said during
    /// this event is dropped.
    pub fn fail(&mut self, error: impl Into<StrategyError>) {
        self.error = Some(error.into());
    }

    /// Something that another strategy has said, word for word: for strategies of strategies.
    pub fn say(&mut self, advised: Advised) {
        self.items.push(advised);
    }

    /// The instrument that `buy`, `sell` and `quote` speak of.
    #[inline]
    pub const fn instrument(&self) -> InstrumentId {
        self.instrument
    }

    /// What was said, in order.
    pub fn items(&self) -> &[Advised] {
        &self.items
    }

    /// The failure, where there is one.
    pub const fn error(&self) -> Option<&StrategyError> {
        self.error.as_ref()
    }

    /// Empties the buffer and sets the instrument that `buy`, `sell` and `quote` speak of.
    #[inline]
    pub fn begin(&mut self, instrument: InstrumentId) {
        self.instrument = instrument;
        self.tag = Label::default();
        // Mostly nothing was said last time.
        if !self.is_empty() {
            self.clear();
        }
    }

    /// [`Advice::begin`] of a buffer that is empty, as the engine leaves it.
    #[inline]
    pub(crate) fn turn_to(&mut self, instrument: InstrumentId) {
        debug_assert!(self.is_empty(), "what was said is carried out at once");
        self.instrument = instrument;
        self.tag = Label::default();
    }

    /// Takes out what was said, to be carried out; the buffer comes back by
    /// [`Advice::give_back`].
    #[inline]
    pub(crate) fn take_items(&mut self) -> Vec<Advised> {
        core::mem::take(&mut self.items)
    }

    /// The buffer for what is said next.
    #[inline]
    pub(crate) fn give_back(&mut self, mut items: Vec<Advised>) {
        items.clear();
        self.items = items;
    }

    #[inline(never)]
    fn clear(&mut self) {
        self.items.clear();
        self.error = None;
    }

    /// True when nothing was said.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty() && self.error.is_none()
    }
}

/// The legs of a group in the making.
#[derive(Debug)]
pub struct Legs {
    targets: Vec<(InstrumentId, Qty)>,
}

impl Legs {
    /// The signed position that the strategy wants in one leg.
    pub fn target(&mut self, instrument: InstrumentId, quantity: Qty) {
        self.targets.push((instrument, quantity));
    }
}

/// A strategy's failure, with its own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StrategyError {
    message: String,
}

impl Classify for StrategyError {
    fn classification(&self) -> Classification {
        Classification::FAILURE
    }
}

impl StrategyError {
    /// A failure with a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl From<&str> for StrategyError {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl From<String> for StrategyError {
    fn from(message: String) -> Self {
        Self { message }
    }
}
