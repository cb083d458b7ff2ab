//! Fewer points that look the same.

/// Points of a curve, at most.
pub(super) const MOST_POINTS: usize = 2_000;

/// Thins to [`MOST_POINTS`] and keeps the first point, the last one, and the highest and the
/// lowest of each share between. Points that are not finite are left out.
pub(super) fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let points: Vec<(f64, f64)> =
        points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    if points.len() <= MOST_POINTS {
        return points;
    }
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return points };
    let inner = points.get(1..points.len() - 1).unwrap_or_default();
    let share = inner.len().div_ceil(MOST_POINTS / 2 - 1);
    let mut kept = vec![*first];
    for chunk in inner.chunks(share) {
        let by_value = |left: &&(f64, f64), right: &&(f64, f64)| left.1.total_cmp(&right.1);
        let (low, high) = (chunk.iter().min_by(by_value), chunk.iter().max_by(by_value));
        let mut pair: Vec<(f64, f64)> = low.into_iter().chain(high).copied().collect();
        pair.sort_by(|left, right| left.0.total_cmp(&right.0));
        pair.dedup();
        kept.extend(pair);
    }
    kept.push(*last);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_extremes_stay() {
        let mut points: Vec<(f64, f64)> =
            (0..100_000).map(|x| (f64::from(x), f64::from(x % 7))).collect();
        points[77_777].1 = 99.0;
        points[33_333].1 = -99.0;
        let thin = thinned(&points);
        assert!(thin.len() <= MOST_POINTS, "{}", thin.len());
        assert_eq!((thin.first(), thin.last()), (points.first(), points.last()));
        assert!(thin.contains(&(77_777.0, 99.0)) && thin.contains(&(33_333.0, -99.0)));
        assert!(thin.is_sorted_by(|left, right| left.0 < right.0));
        assert_eq!(thinned(&[(0.0, f64::NAN), (1.0, 2.0)]), [(1.0, 2.0)]);
    }
}
