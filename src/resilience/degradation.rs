use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::ErrorRates;
use crate::engine::Control;
use crate::monitor::{ComponentHealth, HealthStatus};
use crate::types::{Classification, Classify, Label, OperatingMode, Severity, Timestamp};

/// Decides how much of its work the system still does, by rules with hysteresis.
///
/// A rule holds when its measure has reached `enter` for as long as `enter_after`, and lets go
/// when it has stayed below `leave` for as long as `leave_after`. The mode is the worst of the
/// rules that hold, and of what a person has asked for. What cannot be measured counts as
/// reached.
///
/// ```
/// use std::time::Duration;
/// use tradewright::resilience::{Degradation, Measure, ModeRule, ModeSigns};
/// use tradewright::types::{Label, OperatingMode, Timestamp};
///
/// let at = |seconds: i64| Timestamp::from_secs(1_700_000_000 + seconds).unwrap();
/// let rule = ModeRule {
///     leave_after: Duration::from_secs(60),
///     ..ModeRule::new("breakers", OperatingMode::Degraded, Measure::OpenBreakers, 1.0)
/// };
/// let mut degradation = Degradation::new(vec![rule])?;
/// let broken = ModeSigns { open_breakers: 1, ..Default::default() };
/// let sound = ModeSigns::default();
///
/// let change = degradation.observe(at(0), &broken).unwrap();
/// assert_eq!(change.to, OperatingMode::Degraded);
/// // Hand `change.control()` to the engine.
/// assert_eq!(degradation.observe(at(1), &sound), None);
/// assert_eq!(degradation.observe(at(61), &sound).unwrap().to, OperatingMode::Normal);
/// # Ok::<(), tradewright::resilience::ModeRuleError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Degradation {
    rules: Vec<Watched>,
    asked: OperatingMode,
    mode: OperatingMode,
    since: Option<Timestamp>,
}

/// When a mode begins and when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModeRule {
    /// Its name, once in a set of rules.
    pub name: Label,
    /// The mode that it leads to.
    pub mode: OperatingMode,
    /// What is looked at.
    pub measure: Measure,
    /// It begins at this value or above.
    pub enter: f64,
    /// It ends below this value, which is at most `enter`.
    pub leave: f64,
    /// The value has to stay for so long before it begins.
    pub enter_after: Duration,
    /// The value has to stay away for so long before it ends.
    pub leave_after: Duration,
}

impl ModeRule {
    /// Begins at once at `enter`, and ends after a minute below it.
    pub fn new(name: &str, mode: OperatingMode, measure: Measure, enter: f64) -> Self {
        Self {
            name: Label::new(name),
            mode,
            measure,
            enter,
            leave: enter,
            enter_after: Duration::ZERO,
            leave_after: Duration::from_secs(60),
        }
    }
}

/// What a [`ModeRule`] looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measure {
    /// Errors of this severity or worse in the rates that are handed in.
    Errors(Severity),
    /// Dependency breakers that are not closed.
    OpenBreakers,
    /// The health of a component: 0 healthy, 1 degraded, 2 unhealthy.
    Component(Label),
    /// A number that the host measures.
    Value(Label),
}

/// What the rules look at, at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct ModeSigns<'a> {
    /// How many errors there were lately.
    pub errors: ErrorRates,
    /// Dependency breakers that are not closed.
    pub open_breakers: u32,
    /// The health of the components.
    pub components: &'a [ComponentHealth],
    /// Numbers that the host measures.
    pub values: &'a [(Label, f64)],
}

impl ModeSigns<'_> {
    /// The measure's value; none where it was not measured.
    fn value(&self, measure: Measure) -> Option<f64> {
        match measure {
            Measure::Errors(severity) => Some(self.errors.at_least(severity).into()),
            Measure::OpenBreakers => Some(self.open_breakers.into()),
            Measure::Component(name) => {
                let found = self.components.iter().find(|component| component.name == name)?;
                Some(match found.status {
                    HealthStatus::Healthy => 0.0,
                    HealthStatus::Degraded => 1.0,
                    HealthStatus::Unhealthy => 2.0,
                })
            }
            Measure::Value(name) => {
                self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
            }
        }
    }
}

/// The mode has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModeChange {
    /// When.
    pub at: Timestamp,
    /// The mode before.
    pub from: OperatingMode,
    /// The mode from now on.
    pub to: OperatingMode,
    /// The rule that leads to it; empty when none holds, or a person has asked for it.
    pub rule: Label,
}

impl ModeChange {
    /// What an engine is told of it.
    pub const fn control(&self) -> Control {
        Control::Mode(self.to)
    }
}

/// Why a set of rules was refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModeRuleError {
    /// The values are no numbers, or the rule would end before it begins.
    #[error("rule `{rule}` begins at {enter} and ends below {leave}")]
    BadValues {
        /// Which rule.
        rule: Label,
        /// Where it begins.
        enter: f64,
        /// Where it ends.
        leave: f64,
    },
    /// Two rules have one name, or a rule has none.
    #[error("the rule's name `{rule}` is empty or there twice")]
    BadName {
        /// Which name.
        rule: Label,
    },
    /// A rule leads nowhere.
    #[error("rule `{rule}` leads to {mode}, which needs no rule", mode = OperatingMode::Normal)]
    ToNormal {
        /// Which rule.
        rule: Label,
    },
}

impl Classify for ModeRuleError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Watched {
    rule: ModeRule,
    holds: bool,
    /// Since when the value stands where the rule would change.
    turning: Option<Timestamp>,
}

impl Watched {
    fn observe(&mut self, at: Timestamp, signs: &ModeSigns<'_>) {
        let value = signs.value(self.rule.measure);
        // What is no number is neither below, and so counts as reached.
        let is_below = |limit: f64| value.is_some_and(|value| value < limit);
        let (turns, after) = match self.holds {
            false => (!is_below(self.rule.enter), self.rule.enter_after),
            true => (is_below(self.rule.leave), self.rule.leave_after),
        };
        if !turns {
            self.turning = None;
            return;
        }
        let since = *self.turning.get_or_insert(at);
        if at.since(since) >= after {
            self.holds = !self.holds;
            self.turning = None;
        }
    }
}

impl Degradation {
    /// Mode NORMAL under these rules.
    ///
    /// # Errors
    /// [`ModeRuleError`] for values that are no numbers or the wrong way round, names that are
    /// empty or there twice, and rules that lead to NORMAL.
    pub fn new(rules: Vec<ModeRule>) -> Result<Self, ModeRuleError> {
        for (index, rule) in rules.iter().enumerate() {
            let ModeRule { name, enter, leave, .. } = *rule;
            if !(leave <= enter && enter.is_finite() && leave.is_finite()) {
                return Err(ModeRuleError::BadValues { rule: name, enter, leave });
            }
            let is_repeated = rules.iter().take(index).any(|other| other.name == name);
            if name.is_empty() || is_repeated {
                return Err(ModeRuleError::BadName { rule: name });
            }
            if rule.mode == OperatingMode::Normal {
                return Err(ModeRuleError::ToNormal { rule: name });
            }
        }
        let watch = |rule| Watched { rule, holds: false, turning: None };
        let rules = rules.into_iter().map(watch).collect();
        let normal = OperatingMode::Normal;
        Ok(Self { rules, asked: normal, mode: normal, since: None })
    }

    /// Looks at the system. The answer is a change of the mode, where there is one.
    pub fn observe(&mut self, at: Timestamp, signs: &ModeSigns<'_>) -> Option<ModeChange> {
        for watched in &mut self.rules {
            watched.observe(at, signs);
        }
        self.settle(at)
    }

    /// A person asks for a mode that is at least as bad as this; NORMAL takes it back.
    pub fn ask(&mut self, at: Timestamp, mode: OperatingMode) -> Option<ModeChange> {
        self.asked = mode;
        self.settle(at)
    }

    /// The mode.
    pub const fn mode(&self) -> OperatingMode {
        self.mode
    }

    /// When the mode last changed; none when it never did.
    pub const fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// The rules that hold.
    pub fn holding(&self) -> impl Iterator<Item = &ModeRule> {
        self.rules.iter().filter(|watched| watched.holds).map(|watched| &watched.rule)
    }

    fn settle(&mut self, at: Timestamp) -> Option<ModeChange> {
        // Of equally bad rules the first counts.
        let mut worst: Option<(OperatingMode, Label)> = None;
        for rule in self.holding() {
            if worst.is_none_or(|(mode, _)| rule.mode > mode) {
                worst = Some((rule.mode, rule.name));
            }
        }
        let (to, rule) = match worst {
            Some((mode, name)) if mode >= self.asked => (mode, name),
            _ => (self.asked, Label::default()),
        };
        let from = core::mem::replace(&mut self.mode, to);
        if from == to {
            return None;
        }
        self.since = Some(at);
        Some(ModeChange { at, from, to, rule })
    }
}
