use serde::{Deserialize, Serialize};

use crate::order::audit::{Violation, violations};
use crate::risk::{OrderGate, Refusal};
use crate::types::{Facts, Label, Order, ReasonCode};

/// Refuses what the audit's validation finds: beside the grid, take-profit and stop-loss on the
/// wrong side of the entry, exits and triggers that the market has passed, and impossible
/// combinations of kind and time in force.
///
/// It is a validity control and applies to reducing orders too. The reason's code is the
/// violation's word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditGate;

impl OrderGate for AuditGate {
    fn name(&self) -> &'static str {
        "audit"
    }

    fn check(&self, order: &Order, facts: &Facts<'_>) -> Result<(), Refusal> {
        let mark = facts.mark(order.intent.instrument);
        let found = violations(order, facts.instruments, mark);
        let Some(first) = found.first() else { return Ok(()) };
        let code = match first {
            Violation::UnknownSymbol => ReasonCode::UnknownInstrument,
            Violation::BelowMinNotional => ReasonCode::MinNotional,
            other => ReasonCode::Custom(Label::new(other.as_str())),
        };
        Err(Refusal::new(code, f64::NAN, mark.unwrap_or(f64::NAN)))
    }
}
