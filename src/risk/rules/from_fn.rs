use crate::risk::{Limit, Opening, RiskRule};
use crate::types::Facts;

/// A rule made of a closure; see [`rule_from_fn`].
pub struct RuleFn<F> {
    name: &'static str,
    judge: F,
}

/// Makes a rule of a name and a pure closure.
///
/// ```
/// use tradewright::risk::{Limit, RiskChain, rule_from_fn};
/// use tradewright::types::{Label, Qty, Reason, ReasonCode};
///
/// let small = rule_from_fn("small", |opening, _facts| {
///     let code = ReasonCode::Custom(Label::new("small"));
///     Limit::Cap(Qty::from(5), Reason::new(code, 5.0, opening.value()))
/// });
/// let chain = RiskChain::new().with_rule(Box::new(small));
/// assert!(chain.names().eq(["small"]));
/// ```
pub const fn rule_from_fn<F>(name: &'static str, judge: F) -> RuleFn<F>
where
    F: Fn(&Opening<'_>, &Facts<'_>) -> Limit + Send,
{
    RuleFn { name, judge }
}

impl<F> RiskRule for RuleFn<F>
where
    F: Fn(&Opening<'_>, &Facts<'_>) -> Limit + Send,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        (self.judge)(opening, facts)
    }
}
