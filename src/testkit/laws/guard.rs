use core::time::Duration;

use proptest::prelude::{Just, Strategy, prop, prop_oneof};
use rust_decimal::Decimal;

use crate::risk::{Fact, FactKinds, Guard};
use crate::testkit::inputs::{Scene, fills, scenes, table};
use crate::testkit::{BrokenLaw, Fault, Suite};
use crate::types::{
    Facts, Fill, Halt, HaltCause, InstrumentId, Label, LimitKey, MarketEvent, Money, Print,
    QuotedPrice, Side, Timestamp, Trade,
};

const PURE: &str = "a verdict is pure: asked twice, it is the same";
const ENLARGE: &str = "a verdict never grants less than nothing";
const WANTS: &str = "a guard that is told only what it wants answers as one that is told all";
const TIMED: &str = "a deadline is told by a timed guard alone";
const CLOSED: &str = "an unknown equity never allows more than a known one";
const RELEASE: &str = "the release of another cause changes nothing";
const RESTORED: &str = "a restored guard answers as the saved one";
const LIMITS: &str = "a limit of another name is not this guard's";

/// What a guard is told next.
#[derive(Clone, Debug)]
enum Word {
    Mark(f64),
    Fill(Fill),
    Trade(Fill, i64),
    Capital(i64),
    Time,
    Market(f64),
    Heartbeat,
    Distrusted,
}

/// An account and what happens to it, with the milliseconds before each.
#[derive(Clone, Debug)]
struct History {
    scene: Scene,
    words: Vec<(u32, Word)>,
}

impl Suite {
    /// The laws of [`Guard`] on drawn histories: pure verdicts, the same answer whether it is told
    /// everything or only what it [wants](Guard::wants) and what is not
    /// [calm](Guard::calm_move), nothing more allowed for an unknown
    /// equity, deaf to the release of another cause, and a saved state that answers alike.
    ///
    /// `build` makes the guard; it is told marks, fills, trades, capital, the market, heartbeats,
    /// distrust and time, as an engine would.
    ///
    /// ```
    /// use tradewright::risk::RepeatedExecution;
    /// use tradewright::testkit::Suite;
    ///
    /// Suite::new().guard(|| RepeatedExecution::new(3).unwrap())?;
    /// # Ok::<(), tradewright::testkit::BrokenLaw>(())
    /// ```
    ///
    /// # Errors
    /// [`BrokenLaw`].
    pub fn guard<G: Guard>(&self, build: impl Fn() -> G) -> Result<(), BrokenLaw> {
        self.check(build().name(), &histories(), |history| laws(&build, history))
    }
}

fn histories() -> impl Strategy<Value = History> {
    let instruments = table();
    let of_each = instruments.iter().map(|instrument| fills(instrument).boxed());
    let fill = proptest::strategy::Union::new(of_each);
    let near = 80_000.0..120_000.0_f64;
    let equity = prop_oneof![8 => near, 2 => 0.0..500_000.0, 1 => Just(f64::NAN)];
    let word = prop_oneof![
        6 => equity.prop_map(Word::Mark),
        3 => fill.clone().prop_map(Word::Fill),
        3 => (fill, -2_000_i64..2_000).prop_map(|(fill, gross)| Word::Trade(fill, gross)),
        1 => (-9_000_i64..9_000).prop_map(Word::Capital),
        2 => Just(Word::Time),
        3 => (90.0..110.0_f64).prop_map(Word::Market),
        1 => Just(Word::Heartbeat),
        1 => Just(Word::Distrusted),
    ];
    let pause = prop_oneof![3 => Just(0_u32), 3 => 0..2_000_u32, 1 => 0..40_000_000_u32];
    (scenes(), prop::collection::vec((pause, word), 1..24))
        .prop_map(|(scene, words)| History { scene: Scene { equity: 1e5, ..scene }, words })
}

/// A guard, what it wants now, and whether the next fact is told whatever it is.
struct Listener<G> {
    guard: G,
    wanted: Option<Halt>,
    is_new: bool,
}

impl<G: Guard> Listener<G> {
    /// Tells a fact if the guard wants to hear it, by the engine's way of asking.
    fn hear(&mut self, fact: &Fact<'_>, facts: &Facts<'_>) {
        let is_due = self.guard.deadline().is_some_and(|due| facts.at >= due);
        let is_unheard = matches!(fact, Fact::Market(_)) && !self.guard.watches_market();
        let is_told = is_due || self.is_new;
        let is_wanted =
            self.guard.wants().contains(FactKinds::of(fact)) && !self.is_calm(fact, facts);
        if (is_told || is_wanted) && !is_unheard {
            self.is_new = false;
            self.wanted = self.guard.watch(fact, facts);
        }
    }

    /// True for an event that moves a price by less than the guard looks at.
    fn is_calm(&self, fact: &Fact<'_>, facts: &Facts<'_>) -> bool {
        let Fact::Market(event) = fact else { return false };
        let Some(price) = event.mark() else { return false };
        facts.book.is_near_quoted(event.instrument(), price, self.guard.calm_move())
    }

    fn answer(&self, facts: &Facts<'_>) -> String {
        format!("{:?}, {:?}", self.wanted, self.guard.verdict(facts))
    }
}

fn laws<G: Guard>(build: &impl Fn() -> G, history: &History) -> Result<(), Fault> {
    let mut all = build();
    let other = all.set_limit(&LimitKey::all("nobody's"), Decimal::ONE);
    Fault::unless(other == Ok(None), LIMITS, || format!("{other:?}"))?;
    let mut some = Listener { guard: build(), wanted: None, is_new: true };
    let mut scene = history.scene.clone();
    let mut at = Timestamp::EPOCH.after(Duration::from_secs(86_400));
    let mut quoted = QuotedPrice::default();
    for (pause, word) in &history.words {
        at = at.after(Duration::from_millis(u64::from(*pause)));
        match word {
            Word::Mark(equity) => scene.equity = *equity,
            Word::Capital(amount) => scene.equity += *amount as f64,
            _ => {}
        }
        scene.with_facts(|facts| {
            let mut book = facts.book.clone();
            book.quoted = vec![quoted];
            let before = &Facts { at, book: &book, ..*facts };
            let mut tell = |fact: &Fact<'_>| {
                some.hear(fact, before);
                all.watch(fact, before)
            };
            if matches!(word, Word::Market(_)) {
                // What an event of the market moves is told before it.
                tell(&Fact::Mark);
            }
            let wanted = word.with_fact(tell);
            if let Word::Market(price) = word {
                quoted = QuotedPrice { price: *price, at };
            }
            let mut book = book.clone();
            book.quoted = vec![quoted];
            step(build, (&all, wanted), &some, &Facts { at, book: &book, ..*facts })
        })?;
    }
    scene.with_facts(|facts| released(build, &all, &Facts { at, ..*facts }))?;
    closed(build, &all, &scene, at)
}

/// After one fact: the guard that heard all against the one that heard what it wants.
fn step<G: Guard>(
    build: &impl Fn() -> G,
    (all, wanted): (&G, Option<Halt>),
    some: &Listener<G>,
    facts: &Facts<'_>,
) -> Result<(), Fault> {
    let (verdict, again) = (all.verdict(facts), all.verdict(facts));
    let is_pure = format!("{verdict:?}") == format!("{again:?}");
    Fault::unless(is_pure, PURE, || format!("{verdict:?}, then {again:?}"))?;
    let is_sound = match verdict {
        crate::risk::Limit::Cap(quantity, _) => quantity.value() >= Decimal::ZERO,
        _ => true,
    };
    Fault::unless(is_sound, ENLARGE, || format!("{verdict:?}"))?;
    let is_timed = all.is_timed() || all.deadline().is_none();
    Fault::unless(is_timed, TIMED, || format!("{:?}", all.deadline()))?;
    if !some.is_new {
        let (told, heard) = (format!("{wanted:?}, {verdict:?}"), some.answer(facts));
        Fault::unless(told == heard, WANTS, || format!("{heard}, not {told}"))?;
    }
    let restored = copy(build, all)?;
    let (same, text) = (restored.verdict(facts), format!("{verdict:?}"));
    Fault::unless(format!("{same:?}") == text, RESTORED, || format!("{same:?}, not {text}"))?;
    let dues = (restored.deadline(), all.deadline());
    Fault::unless(dues.0 == dues.1, RESTORED, || format!("{dues:?}"))
}

fn copy<G: Guard>(build: &impl Fn() -> G, guard: &G) -> Result<G, Fault> {
    let saved = guard.save().map_err(|error| Fault::new(RESTORED, error.to_string()))?;
    let mut restored = build();
    restored.restore(&saved).map_err(|error| Fault::new(RESTORED, error.to_string()))?;
    Ok(restored)
}

/// An operator resumes something else.
fn released<G: Guard>(build: &impl Fn() -> G, guard: &G, facts: &Facts<'_>) -> Result<(), Fault> {
    let (mut touched, mut left) = (copy(build, guard)?, copy(build, guard)?);
    touched.release(HaltCause::Custom(Label::new("nobody's")), facts);
    let pairs = [
        (format!("{:?}", touched.verdict(facts)), format!("{:?}", left.verdict(facts))),
        (format!("{:?}", touched.watch(&Fact::Mark, facts)), {
            format!("{:?}", left.watch(&Fact::Mark, facts))
        }),
    ];
    for (one, other) in pairs {
        Fault::unless(one == other, RELEASE, || format!("{one}, not {other}"))?;
    }
    Ok(())
}

/// Two copies see a mark: one with an equity, one without.
fn closed<G: Guard>(
    build: &impl Fn() -> G,
    guard: &G,
    scene: &Scene,
    at: Timestamp,
) -> Result<(), Fault> {
    let allowed = |equity: f64| -> Result<Decimal, Fault> {
        let mut guard = copy(build, guard)?;
        let scene = Scene { equity, ..scene.clone() };
        Ok(scene.with_facts(|facts| {
            let facts = &Facts { at, ..*facts };
            guard.watch(&Fact::Mark, facts);
            guard.verdict(facts).allowed(Decimal::ONE_THOUSAND)
        }))
    };
    let (blind, seen) = (allowed(f64::NAN)?, allowed(1e5)?);
    Fault::unless(blind <= seen, CLOSED, || format!("{blind} of 1000 blindly, {seen} seeing"))
}

impl Word {
    fn with_fact<T>(&self, tell: impl FnOnce(&Fact<'_>) -> T) -> T {
        let print = |price| {
            let (instrument, taker) = (InstrumentId(0), Some(Side::Buy));
            MarketEvent::Print(Print { instrument, price, quantity: 1.0, taker })
        };
        match self {
            Self::Mark(_) => tell(&Fact::Mark),
            Self::Fill(fill) => tell(&Fact::Fill(fill)),
            Self::Trade(fill, gross) => tell(&Fact::Trade(&trade(fill, *gross))),
            Self::Capital(amount) => tell(&Fact::Capital(Decimal::from(*amount))),
            Self::Time => tell(&Fact::Time),
            Self::Market(price) => tell(&Fact::Market(&print(*price))),
            Self::Heartbeat => tell(&Fact::Heartbeat),
            Self::Distrusted => tell(&Fact::Distrusted(InstrumentId(0))),
        }
    }
}

fn trade(fill: &Fill, gross: i64) -> Trade {
    Trade {
        slot: fill.slot,
        instrument: fill.instrument,
        leg: fill.leg,
        side: fill.side,
        quantity: fill.execution.quantity,
        opened_at: fill.at,
        closed_at: fill.at,
        entry: fill.execution.price.value(),
        exit: fill.execution.price.value(),
        gross: Money::new(Decimal::from(gross), fill.execution.fee.asset),
        fees: Decimal::ZERO,
        funding: Decimal::ZERO,
        tag: fill.tag,
    }
}
