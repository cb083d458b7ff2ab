use core::cmp::Ordering;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{CalmRange, Exposure, FactKinds, RiskConfigError, RiskSummary};
use crate::types::{
    Facts, Fill, Halt, HaltCause, HaltScope, InstrumentId, Intent, LimitKey, LimitUse, MarketEvent,
    Qty, Reason, Side, State, Timestamp, Trade,
};

/// What a rule is shown: the part of an intent that would open exposure, with all working
/// orders counted as filled. Reducing parts are never shown.
///
/// Values are in the reporting currency and NaN where a mark or rate is missing, so that
/// `!(value <= limit)` fails closed.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The whole intent.
    pub intent: &'a Intent,
    /// The part that would open or enlarge, above zero.
    pub quantity: Decimal,
    /// The same as `f64`.
    pub units: f64,
    /// The price that values it: the limit or trigger, for sales at least the mark.
    pub price: f64,
    /// The value of one unit at that price.
    pub unit_value: f64,
    /// What is held on this side once working orders, the reducing part and the group's
    /// earlier legs have filled, at mark; never negative.
    pub held_value: f64,
    /// What this instrument contributes to [`Exposure::gross`] before the opening.
    pub worst_value: f64,
    /// All positions with working orders and the group's earlier legs.
    pub exposure: Exposure,
    /// The group's legs before this one, counted as granted in full.
    pub earlier: &'a [Intent],
    /// Value of what the earlier legs open.
    pub group_gross: f64,
    /// The same with signs.
    pub group_net: f64,
}

impl Opening<'_> {
    /// The value of the whole opening part.
    pub fn value(&self) -> f64 {
        self.units * self.unit_value
    }

    /// The value held on this side when `quantity` units are opened.
    pub fn resulting_value(&self, quantity: f64) -> f64 {
        self.held_value + quantity * self.unit_value
    }

    /// Gross exposure when `quantity` units are opened: it grows only as far as this side
    /// becomes the instrument's worst.
    pub fn resulting_gross(&self, quantity: f64) -> f64 {
        let excess = self.resulting_value(quantity) - self.worst_value;
        // NaN must stay NaN, which f64::max would hide.
        self.exposure.gross + if excess <= 0.0 { 0.0 } else { excess }
    }

    /// Net exposure in this side's direction when `quantity` units are opened, with every
    /// working order of the side filled and none of the other.
    pub fn resulting_net(&self, quantity: f64) -> f64 {
        let before = match self.intent.side {
            Side::Buy => self.exposure.up,
            Side::Sell => -self.exposure.down,
        };
        before + quantity * self.unit_value
    }
}

/// A rule's answer. Answers have a total order and the chain's answer is the least, so that
/// the order of rules never changes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// Nothing may be opened.
    Deny(Reason),
    /// At most this much may be opened; the reason tells limit and observed value.
    Cap(Qty, Reason),
    /// No objection; the reason tells how much of the limit is used.
    Allow(Option<Reason>),
}

impl Limit {
    /// The quantity that the answer leaves of what was asked.
    pub fn allowed(&self, asked: Decimal) -> Decimal {
        match self {
            Self::Deny(_) => Decimal::ZERO,
            Self::Cap(quantity, _) => quantity.value().min(asked).max(Decimal::ZERO),
            Self::Allow(_) => asked,
        }
    }

    /// The stricter of two answers.
    #[must_use]
    pub fn least(self, other: Self) -> Self {
        match self.compare(&other) {
            Ordering::Less | Ordering::Equal => self,
            Ordering::Greater => other,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let key = |limit: &Self| match limit {
            Self::Deny(reason) => (0, Decimal::ZERO, Some(reason.code)),
            Self::Cap(quantity, reason) => (1, quantity.value(), Some(reason.code)),
            Self::Allow(reason) => (2, Decimal::ZERO, reason.map(|reason| reason.code)),
        };
        key(self).cmp(&key(other))
    }
}

/// A pure rule on openings: it can refuse or shrink, never enlarge.
///
/// ```
/// use tradewright::risk::{Limit, Opening, RiskRule};
/// use tradewright::types::{Facts, Reason, ReasonCode, Label};
///
/// /// Nothing is opened while more than ten percent of the equity is lost.
/// struct Timid;
///
/// impl RiskRule for Timid {
///     fn name(&self) -> &'static str { "timid" }
///
///     fn limit(&self, _opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
///         if facts.equity() >= 90_000.0 {
///             return Limit::Allow(None);
///         }
///         let code = ReasonCode::Custom(Label::new("timid"));
///         Limit::Deny(Reason::new(code, 90_000.0, facts.equity()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no risk rule",
    label = "`RiskRule` is not implemented for this type",
    note = "implement `RiskRule` (`name` and `limit`), or make a rule of a closure with \
            `risk::rule_from_fn`"
)]
pub trait RiskRule: Send {
    /// Its name in assessments and reports.
    fn name(&self) -> &'static str;

    /// What it thinks of an opening. NaN and missing inputs must deny: write `!(x <= limit)`.
    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit;

    /// How much of its limit is used while nothing is being opened, for dashboards; `None`
    /// where the rule cannot say it.
    fn usage(&self, _facts: &Facts<'_>) -> Option<Reason> {
        None
    }

    /// Changes one of its limits while the engine runs; the answer is the value before, `None`
    /// when the limit is not this rule's.
    ///
    /// # Errors
    /// [`RiskConfigError`] for a value that cannot be; the old limit stays.
    fn set_limit(
        &mut self,
        _key: &LimitKey,
        _value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        Ok(None)
    }
}

/// Something that happened, for guards and managers.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Fact<'a> {
    /// Prices moved; equity is in the facts.
    Mark,
    /// A fill was booked.
    Fill(&'a Fill),
    /// A piece of position was closed.
    Trade(&'a Trade),
    /// Capital came in (positive) or went out, in the reporting currency: not a result.
    Capital(Decimal),
    /// Time has passed and nothing else happened.
    Time,
    /// The market, for guards that watch it; the mark has been taken already.
    Market(&'a MarketEvent),
    /// The host says that it is alive and connected.
    Heartbeat,
    /// The host says that the data of an instrument are not to be trusted: a gap in the
    /// sequence, a crossed book, a lost connection.
    Distrusted(InstrumentId),
    /// An alert wants the stops in a scope drawn nearer to the market.
    TightenStops(HaltScope),
}

impl Fact<'_> {
    /// True for an event of the market: what it moves has been told as a mark.
    #[inline]
    pub(super) const fn is_market(&self) -> bool {
        matches!(self, Self::Market(_))
    }
}

/// A rule with memory that watches facts, never intents: a breach that recovers between two
/// intents was still a breach.
pub trait Guard: State + Send {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// Looks at a fact; the halt that it wants **now**, `None` when it wants none (any more).
    fn watch(&mut self, fact: &Fact<'_>, facts: &Facts<'_>) -> Option<Halt>;

    /// The kinds of facts that can change its answer or its state; all unless it says so.
    ///
    /// A chain asks after each fact that it has told the guard, so that the answer may change with
    /// the guard's state. Whatever a guard wants, it is also told every fact at or after its
    /// [`Guard::deadline`], and the first fact after a release, a change of a limit or a restore.
    fn wants(&self) -> FactKinds {
        FactKinds::ALL
    }

    /// Which openings its verdict is about.
    fn scope(&self) -> HaltScope {
        HaltScope::Account
    }

    /// What it thinks of openings in its scope at this moment: its limit and how much of it is
    /// used. A guard may deny while it wants no halt, such as when its input is unknown.
    fn verdict(&self, _facts: &Facts<'_>) -> Limit {
        Limit::Allow(None)
    }

    /// Lends the rules that judge openings by what the guard has watched. The chain asks each of
    /// them as if it were one of its own; a guard without such rules leaves this as it is.
    ///
    /// A rule that borrows from its guard stays pure between two facts, is saved and restored with
    /// the guard, and shares nothing that could change behind its back.
    fn rules(&self, _ask: &mut dyn FnMut(&dyn RiskRule)) {}

    /// What it watches beside its verdict, for dashboards; nothing unless it says so.
    fn usage(&self, _facts: &Facts<'_>, _out: &mut Vec<LimitUse>) {}

    /// An operator resumes a halt of this cause: a latched guard lets go.
    fn release(&mut self, cause: HaltCause, facts: &Facts<'_>);

    /// True for a guard for whose sake [`Fact::Market`] has to be told; asked once, when an
    /// engine is built.
    fn watches_market(&self) -> bool {
        false
    }

    /// The largest move of an instrument's price, as a fraction of the one that the
    /// [last event](crate::types::FactBook::quoted) brought, with which an event of the market
    /// changes neither its answer nor its state; asked of a guard that wants
    /// [`FactKinds::MARKET`], after each fact that it was told. Events that move less need not be
    /// told. Below zero, every event is told; so it is unless a guard says otherwise.
    fn calm_move(&self) -> f64 {
        -1.0
    }

    /// True for a guard with deadlines; asked once, when it is added to a chain.
    fn is_timed(&self) -> bool {
        false
    }

    /// When its answer may change if nothing happens; asked of a guard that
    /// [is timed](Self::is_timed), after each fact that it was told. Only a fact that it
    /// [wants](Self::wants), and what is said there, may move it.
    ///
    /// Before anything moves at or after it, an engine tells [`Fact::Time`], with the facts as
    /// they were.
    fn deadline(&self) -> Option<Timestamp> {
        None
    }

    /// The same for the host's timer, by facts that may know of events that it was not told; by
    /// what it was told unless it says otherwise. `None` where no timer is needed, because
    /// whatever comes next is soon enough.
    fn deadline_by(&self, _facts: &Facts<'_>) -> Option<Timestamp> {
        self.deadline()
    }

    /// Changes one of its limits while the engine runs, as [`RiskRule::set_limit`].
    ///
    /// # Errors
    /// [`RiskConfigError`] for a value that cannot be; the old limit stays.
    fn set_limit(
        &mut self,
        _key: &LimitKey,
        _value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        Ok(None)
    }
}

/// A change that a manager asks the halt machine for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HaltChange {
    /// Stop.
    Raise(Halt),
    /// The cause is over by its own rule.
    Lift {
        /// Which cause.
        cause: HaltCause,
        /// In which scope.
        scope: HaltScope,
    },
}

/// The gatekeeper: shown every intent before it becomes an order, told of everything else.
pub trait RiskManager: State + Send {
    /// Takes note of a fact; changes of halts are appended to `changes`.
    fn observe(&mut self, fact: &Fact<'_>, facts: &Facts<'_>, changes: &mut Vec<HaltChange>);

    /// Where equity may be so that [`Fact::Mark`] would change nothing: such marks need not be
    /// told, until something else is. Without a word every mark is told.
    fn calm(&self) -> CalmRange {
        CalmRange::NONE
    }

    /// As [`Guard::calm_move`]: events of the market that move a price by less need not be told.
    fn calm_move(&self) -> f64 {
        -1.0
    }

    /// Judges a group of intents (usually one) that stands or falls together.
    fn review(&self, group: &[Intent], facts: &Facts<'_>, out: &mut Assessment);

    /// An operator resumes a halt of this cause: what is latched lets go.
    fn release(&mut self, cause: HaltCause, facts: &Facts<'_>);

    /// The drawdown that it watches, a fraction; NaN while that is not defined, 0 where it
    /// watches none. Stops are narrowed by it.
    fn drawdown(&self, _facts: &Facts<'_>) -> f64 {
        0.0
    }

    /// How much of its limits is used while nothing is being opened, for dashboards; what cannot
    /// say it is left out.
    fn usage(&self, _facts: &Facts<'_>, _out: &mut Vec<LimitUse>) {}

    /// True when a part of it wants [`Fact::Market`]; asked once, when an engine is built.
    fn watches_market(&self) -> bool {
        false
    }

    /// True when a part of it has deadlines; asked once, when an engine is built.
    fn is_timed(&self) -> bool {
        false
    }

    /// When it wants to be asked again if nothing happens, as [`Guard::deadline`].
    fn deadline(&self) -> Option<Timestamp> {
        None
    }

    /// The same for the host's timer, as [`Guard::deadline_by`].
    fn deadline_by(&self, _facts: &Facts<'_>) -> Option<Timestamp> {
        self.deadline()
    }

    /// Tells the names of its rules and guards, for a check that none is missing. Without a word
    /// it has none.
    fn tell_names(&self, _tell: &mut dyn FnMut(&'static str)) {}

    /// The account's risk in one serialisable value: what the facts tell, and how much of every
    /// limit is used. Without a word the facts alone.
    fn summary(&self, facts: &Facts<'_>) -> RiskSummary {
        RiskSummary { drawdown: self.drawdown(facts), ..RiskSummary::of(facts) }
    }

    /// Changes the limit of one of its parts while the engine runs; the answer is the value
    /// before, `None` when no part has such a limit. Where several have, all of them are
    /// changed, and the first one's value is told.
    ///
    /// # Errors
    /// [`RiskConfigError`] for a value that cannot be; the old limit stays.
    fn set_limit(
        &mut self,
        _key: &LimitKey,
        _value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        Ok(None)
    }
}

/// The verdict on a group of intents. The buffer belongs to the caller and is reused.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Assessment {
    /// True when every intent of the group is granted in full.
    pub approved: bool,
    /// What is granted of each intent, in the order of the group. Cash amounts are granted
    /// whole or not at all: [`Finding::granted`] is then one or zero.
    pub granted: Vec<Qty>,
    /// Every objection, the severest first.
    pub findings: Vec<Finding>,
    /// The highest utilisation among the limits that were checked, 0 to 1.
    pub risk_score: f64,
    /// The largest opening quantity that would have been approved, where the rules can say it.
    pub largest: Option<Qty>,
}

impl Assessment {
    /// Empties the buffer.
    pub fn clear(&mut self) {
        self.approved = true;
        self.granted.clear();
        self.findings.clear();
        self.risk_score = 0.0;
        self.largest = None;
    }
}

/// One objection.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Index of the intent in its group.
    pub intent: usize,
    /// The rule that objects.
    pub rule: &'static str,
    /// What it leaves.
    pub granted: Qty,
    /// Limit and observed value.
    pub reason: Reason,
}
