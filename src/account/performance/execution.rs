use crate::types::Side;

/// How much more was paid, or less received, than at another price or value; positive is a
/// cost (implementation shortfall, Perold, 1988).
pub(crate) fn worse_than(side: Side, paid: f64, other: f64) -> f64 {
    match side {
        Side::Buy => paid - other,
        Side::Sell => other - paid,
    }
}

/// A cost over a base in basis points; `None` unless the base is above zero.
pub(crate) fn basis_points(cost: f64, base: f64) -> Option<f64> {
    if base > 0.0 { super::finite(cost / base * 10_000.0) } else { None }
}
