use std::sync::{Arc, Mutex};

use rust_decimal::Decimal;

use crate::risk::{Assessment, Limit, RiskChain, RiskManager, RiskRule, rule_from_fn, split};
use crate::testkit::inputs::{Scene, asked, scenes, table};
use crate::testkit::{BrokenLaw, Fault, Suite};
use crate::types::{Amount, Intent, Qty};

const PURE: &str = "a rule is pure: asked twice, it answers the same";
const ENLARGE: &str = "a rule never enlarges, and never grants less than nothing";
const CLOSED: &str = "an unknown number never allows more than a known one";
const AGAIN: &str = "what a rule grants it grants again";
const MONOTONE: &str = "who holds more is never allowed more";

/// The question and the rule's two answers to it.
#[derive(Clone, Debug)]
struct Answer {
    opening: Decimal,
    limit: Limit,
    again: Limit,
}

impl Answer {
    fn allowed(&self) -> Decimal {
        self.limit.allowed(self.opening)
    }
}

impl Suite {
    /// The laws of [`RiskRule`] on drawn accounts and openings: it is pure, never enlarges, lets
    /// no unknown number allow more than a known one, and grants again what it has granted.
    ///
    /// `build` makes the rule; it is asked anew for each case.
    ///
    /// ```
    /// use tradewright::risk::{Limit, rule_from_fn};
    /// use tradewright::testkit::Suite;
    /// use tradewright::types::{Reason, ReasonCode};
    ///
    /// // Written the wrong way round: an unknown equity is not below the floor.
    /// let open_to_nan = || {
    ///     rule_from_fn("floor", |_opening, facts| {
    ///         if facts.equity() < 95_000.0 {
    ///             return Limit::Deny(Reason::new(ReasonCode::InvalidInput, 95_000.0, 0.0));
    ///         }
    ///         Limit::Allow(None)
    ///     })
    /// };
    /// let broken = Suite::new().rule(open_to_nan).unwrap_err();
    /// assert_eq!(broken.law(), "an unknown number never allows more than a known one");
    /// ```
    ///
    /// # Errors
    /// [`BrokenLaw`].
    pub fn rule<R: RiskRule + 'static>(&self, build: impl Fn() -> R) -> Result<(), BrokenLaw> {
        self.check(build().name(), &scenes(), |scene| laws(&build, &scene.alone()))
    }

    /// [`Suite::rule`], and in addition: with more of the instrument held on the side that is
    /// opened, and all else equal, never more is allowed. Limits on exposure claim this.
    ///
    /// # Errors
    /// [`BrokenLaw`].
    pub fn monotone_rule<R: RiskRule + 'static>(
        &self,
        build: impl Fn() -> R,
    ) -> Result<(), BrokenLaw> {
        self.rule(&build)?;
        let more =
            proptest::strategy::Strategy::prop_map((scenes(), 1_u32..300), |(scene, more)| {
                (scene.alone(), more)
            });
        self.check(build().name(), &more, |(scene, units)| {
            let (less, more) = (ask(&build, scene), ask(&build, &scene.holding_more(*units)));
            let (Some(less), Some(more)) = (less, more) else { return Ok(()) };
            // Where less of the order has to close a position first, more of it opens: compare
            // only what is the same question.
            let holds = less.opening != more.opening || more.allowed() <= less.allowed();
            Fault::unless(holds, MONOTONE, || format!("{more:?} after {less:?}"))
        })
    }
}

fn laws<R: RiskRule + 'static>(build: &impl Fn() -> R, scene: &Scene) -> Result<(), Fault> {
    let Some(answer) = ask(build, scene) else { return Ok(()) };
    let (first, again) = (format!("{:?}", answer.limit), format!("{:?}", answer.again));
    Fault::unless(first == again, PURE, || format!("{first}, then {again}"))?;
    if let Limit::Cap(quantity, _) = answer.limit {
        let is_sound = quantity.value() >= Decimal::ZERO;
        Fault::unless(is_sound, ENLARGE, || format!("{first} of {}", answer.opening))?;
    }
    let allowed = answer.allowed();
    Fault::unless(allowed <= answer.opening, ENLARGE, || format!("{first} of {}", answer.opening))?;

    let unknown = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let unknown = unknown.map(|equity| (Scene { equity, ..scene.clone() }, "equity"));
    let own = scene.wanted.first().map(|(id, _, _)| *id);
    let unmarked = (Scene { unmarked: own, ..scene.clone() }, "mark");
    for (scene, what) in unknown.into_iter().chain([unmarked]) {
        let Some(blind) = ask(build, &scene) else { continue };
        Fault::unless(blind.allowed() <= allowed, CLOSED, || {
            format!("{:?} where the {what} is not known, {first} where it is", blind.limit)
        })?;
    }
    grants_again(build, scene, allowed)
}

/// Asks for what was granted, rounded down to the step.
fn grants_again<R: RiskRule + 'static>(
    build: &impl Fn() -> R,
    scene: &Scene,
    allowed: Decimal,
) -> Result<(), Fault> {
    let instruments = table();
    let Some(intent) = scene.group().first().copied() else { return Ok(()) };
    let Some(instrument) = instruments.get(intent.instrument) else { return Ok(()) };
    let granted = instrument.floor_to_step(allowed).unwrap_or_default();
    let reducing = scene.with_facts(|facts| split(&intent, facts).reducing);
    let smaller = granted.saturating_add(reducing);
    if granted <= Decimal::ZERO || smaller >= asked(&intent) {
        return Ok(());
    }
    let intent = Intent { amount: Amount::Quantity(Qty::new(smaller)), ..intent };
    let Some(answer) = ask_for(build, scene, intent) else { return Ok(()) };
    let left = answer.allowed();
    Fault::unless(left >= granted, AGAIN, || format!("{:?} of {granted}", answer.limit))
}

/// What the rule says to the scene's first leg; `None` where nothing would be opened.
fn ask<R: RiskRule + 'static>(build: &impl Fn() -> R, scene: &Scene) -> Option<Answer> {
    ask_for(build, scene, *scene.group().first()?)
}

fn ask_for<R: RiskRule + 'static>(
    build: &impl Fn() -> R,
    scene: &Scene,
    intent: Intent,
) -> Option<Answer> {
    let answers = Arc::new(Mutex::new(None));
    let (rule, told) = (build(), Arc::clone(&answers));
    // A rule between the chain and the subject: the chain makes the opening as the engine does.
    let probe = rule_from_fn("probe", move |opening, facts| {
        let (limit, again) = (rule.limit(opening, facts), rule.limit(opening, facts));
        if let Ok(mut told) = told.lock() {
            *told = Some(Answer { opening: opening.quantity, limit, again });
        }
        limit
    });
    let chain = RiskChain::new().with_rule(Box::new(probe));
    scene.with_facts(|facts| chain.review(&[intent], facts, &mut Assessment::default()));
    answers.lock().ok()?.take()
}
