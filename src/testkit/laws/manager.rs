use crate::risk::{Assessment, Fact, HaltChange, RiskManager, split_after};
use crate::testkit::inputs::{Scene, asked, scenes};
use crate::testkit::{BrokenLaw, Fault, Suite};

const ONE_EACH: &str = "every intent gets one answer, from nothing to what was asked";
const PURE: &str = "a review is pure: asked twice, it answers the same";
const APPROVED: &str = "approved says that everything is granted in full";
const EXITS: &str = "what reduces is never refused";
const CLOSED: &str = "an unknown number never grants more than a known one";
const RESTORED: &str = "a restored manager answers as the saved one";
const SCORE: &str = "the risk score is a fraction";

impl Suite {
    /// The laws of [`RiskManager`] on drawn accounts: one answer for every intent, none larger
    /// than what was asked, pure reviews, exits that always pass, no more granted where equity
    /// is unknown, and a saved state that answers alike.
    ///
    /// `build` makes the manager; each case shows it some equities first.
    ///
    /// ```
    /// use tradewright::risk::EnhancedRiskManager;
    /// use tradewright::testkit::Suite;
    ///
    /// Suite::new().manager("classic", || EnhancedRiskManager::builder().build().unwrap())?;
    /// # Ok::<(), tradewright::testkit::BrokenLaw>(())
    /// ```
    ///
    /// # Errors
    /// [`BrokenLaw`].
    pub fn manager<M: RiskManager>(
        &self,
        name: &str,
        build: impl Fn() -> M,
    ) -> Result<(), BrokenLaw> {
        let history = proptest::collection::vec(scenes(), 1..8);
        self.check(name, &history, |history| laws(&build, history))
    }
}

fn laws<M: RiskManager>(build: &impl Fn() -> M, history: &[Scene]) -> Result<(), Fault> {
    let Some((last, before)) = history.split_last() else { return Ok(()) };
    let mut manager = build();
    let mut changes: Vec<HaltChange> = Vec::new();
    for scene in before.iter().chain([last]) {
        for fact in [Fact::Mark, Fact::Time] {
            scene.with_facts(|facts| manager.observe(&fact, facts, &mut changes));
        }
    }
    let verdict = review(&manager, last);
    let again = review(&manager, last);
    let (text, repeated) = (format!("{verdict:?}"), format!("{again:?}"));
    Fault::unless(text == repeated, PURE, || format!("{text}, then {repeated}"))?;
    answers(last, &verdict)?;

    // An account whose equity is not known shows it to its guards as well, as an engine would.
    let saved = manager.save().map_err(|error| Fault::new(RESTORED, error.to_string()))?;
    let mut restored = build();
    restored.restore(&saved).map_err(|error| Fault::new(RESTORED, error.to_string()))?;
    let same = format!("{:?}", review(&restored, last));
    Fault::unless(same == text, RESTORED, || format!("{same}, not {text}"))?;

    let blind = Scene { equity: f64::NAN, ..last.clone() };
    blind.with_facts(|facts| restored.observe(&Fact::Mark, facts, &mut changes));
    let unknown = review(&restored, &blind);
    let pairs = unknown.granted.iter().zip(&verdict.granted);
    let is_closed = pairs.clone().all(|(blind, seen)| blind <= seen);
    Fault::unless(is_closed, CLOSED, || format!("{unknown:?}, not {text}"))
}

fn review<M: RiskManager>(manager: &M, scene: &Scene) -> Assessment {
    let mut verdict = Assessment::default();
    scene.with_facts(|facts| manager.review(&scene.group(), facts, &mut verdict));
    verdict
}

fn answers(scene: &Scene, verdict: &Assessment) -> Result<(), Fault> {
    let group = scene.group();
    let told = || format!("{verdict:?}");
    Fault::unless(verdict.granted.len() == group.len(), ONE_EACH, told)?;
    let score = (0.0..=1.0).contains(&verdict.risk_score);
    Fault::unless(score, SCORE, told)?;
    let mut is_whole = true;
    for (index, (intent, granted)) in group.iter().zip(&verdict.granted).enumerate() {
        let (granted, wanted) = (granted.value(), asked(intent));
        let is_within = !granted.is_sign_negative() && granted <= wanted;
        Fault::unless(is_within, ONE_EACH, || format!("{granted} of {wanted}"))?;
        is_whole &= granted == wanted;
        let reducing = scene.with_facts(|facts| split_after(intent, &group[..index], facts));
        let passes = granted >= reducing.reducing;
        Fault::unless(passes, EXITS, || format!("{granted}, {reducing:?}"))?;
    }
    Fault::unless(verdict.approved == is_whole, APPROVED, told)
}
