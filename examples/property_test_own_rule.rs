//! A property test of your own risk rule: the law that it breaks, the smallest case, and the cure.
//!
//! In a project of your own the two calls stand in tests; see docs/testing-your-strategy.md.

use tradewright::prelude::*;
use tradewright::testkit::Suite;
use tradewright::types::{Reason, ReasonCode};

/// No more than a tenth of the equity in one position, and nothing below a floor.
struct Cautious {
    /// Written the wrong way round: what is not a number is not below the floor.
    trusts_unknown_equity: bool,
}

impl RiskRule for Cautious {
    fn name(&self) -> &'static str {
        "cautious"
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let (equity, floor) = (facts.equity(), 50_000.0);
        let reason = |limit, observed| Reason::new(ReasonCode::PositionSize, limit, observed);
        let is_above = match self.trusts_unknown_equity {
            true => !(equity < floor),
            false => (floor..f64::MAX).contains(&equity),
        };
        if !is_above {
            return Limit::Deny(reason(floor, equity));
        }
        let resulting = opening.held_value + opening.value();
        // `resulting > limit` would let a missing mark pass: the suite finds that, too.
        if !(resulting <= 0.1 * equity) {
            return Limit::Deny(reason(0.1 * equity, resulting));
        }
        Limit::Allow(Some(reason(0.1 * equity, resulting)))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let suite = Suite::new();
    match suite.monotone_rule(|| Cautious { trusts_unknown_equity: true }) {
        Ok(()) => println!("the fault went unseen"),
        Err(broken) => println!("{broken}\n"),
    }
    suite.monotone_rule(|| Cautious { trusts_unknown_equity: false })?;
    println!("`cautious` keeps its laws once it asks whether equity is known");
    Ok(())
}
