//! The results themselves, as they were or scaled to the volatility of now.

use serde::{Deserialize, Serialize};

use super::{Tail, TailError, TailEstimator, TailMeasure, TailModel, TailWork};
use crate::math::statistics::mean;

/// What the historical shortfall takes of the result at the edge of the tail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShortfallRule {
    /// Whole results: the mean of the lowest floor((n - 1) · tail) + 1, as empyrical does.
    #[default]
    Whole,
    /// Exactly a share `tail` of all results, the last of them in part (Acerbi and Tasche, 2002),
    /// which makes it a coherent measure of risk.
    AcerbiTasche,
}

/// Historical expected shortfall of results that are sorted in ascending order, as a positive
/// loss; `tail` is the share of results that it looks at.
///
/// `None` for no results, results that are not finite and a share outside of 0 to 1 (for
/// [`ShortfallRule::AcerbiTasche`] also for a share of zero).
pub fn historical_shortfall(sorted: &[f64], tail: f64, rule: ShortfallRule) -> Option<f64> {
    if !(0.0..=1.0).contains(&tail) || sorted.iter().any(|result| !result.is_finite()) {
        return None;
    }
    match rule {
        ShortfallRule::Whole => {
            let (below, _) = edge(sorted.len(), tail);
            mean(sorted.get(..below + 1)?).map(|lowest| -lowest)
        }
        ShortfallRule::AcerbiTasche => {
            let share = tail * sorted.len() as f64;
            // Between 0 and the number of results, so that the cast cuts and nothing else.
            let whole = share as usize;
            let lowest: f64 = sorted.get(..whole)?.iter().sum();
            let part = (share - whole as f64) * sorted.get(whole).copied().unwrap_or(0.0);
            let shortfall = -(lowest + part) / share;
            shortfall.is_finite().then_some(shortfall)
        }
    }
}

pub(super) fn tail(
    model: &TailModel,
    results: &[f64],
    work: &mut TailWork,
) -> Result<Tail, TailError> {
    let centre = rescale(model.estimator(), results, work)?;
    let edge = rank(model, work);
    Ok(over_horizon(model, centre, edge, work))
}

pub(super) fn gradient(
    model: &TailModel,
    (results, measure): (&[f64], TailMeasure),
    work: &mut TailWork,
    gradient: &mut [f64],
) -> Result<Tail, TailError> {
    let centre = rescale(model.estimator(), results, work)?;
    let (below, share) = rank(model, work);
    let count = results.len() as f64;
    let horizon = model.horizon_bars();
    let root = horizon.sqrt();
    // The part of the mean; a result in the tail moves the figure by its scale beside that.
    let mut scales = 0.0;
    let mut add = |ranked: Option<&(f64, u32)>, part: f64| {
        let Some((_, index)) = ranked else { return };
        let index = *index as usize;
        let scale = part * work.scales.get(index).copied().unwrap_or(1.0);
        scales += scale;
        if let Some(slope) = gradient.get_mut(index) {
            *slope -= root * scale;
        }
    };
    match measure {
        TailMeasure::ValueAtRisk => {
            add(work.ranked.get(below), 1.0 - share);
            add(work.ranked.get(below + 1), share);
        }
        TailMeasure::ExpectedShortfall => {
            let part = 1.0 / (below + 1) as f64;
            work.ranked.iter().take(below + 1).for_each(|ranked| add(Some(ranked), part));
        }
    }
    let of_mean = (root * scales - horizon) / count;
    gradient.iter_mut().for_each(|slope| *slope += of_mean);
    Ok(over_horizon(model, centre, (below, share), work))
}

/// True when all results are one: what their deviation shows then is rounding.
pub(super) fn is_flat(results: &[f64]) -> bool {
    results.windows(2).all(|pair| pair[0] == pair[1])
}

/// Writes the results, as they were or scaled, into the work space; the answer is their mean.
fn rescale(
    estimator: TailEstimator,
    results: &[f64],
    work: &mut TailWork,
) -> Result<f64, TailError> {
    let count = results.len() as f64;
    let centre = if is_flat(results) { results[0] } else { results.iter().sum::<f64>() / count };
    work.values.clear();
    work.scales.clear();
    let TailEstimator::FilteredHistorical { decay } = estimator else {
        work.values.extend_from_slice(results);
        return Ok(centre);
    };
    // The first variance is that of the whole window: nothing is known before it.
    let from_mean = |result: &f64| (result - centre) * (result - centre);
    let mut variance = results.iter().map(from_mean).sum::<f64>() / count;
    for result in results {
        work.scales.push(variance);
        variance = decay * variance + (1.0 - decay) * from_mean(result);
    }
    for (result, scale) in results.iter().zip(&mut work.scales) {
        *scale = if variance > 0.0 { (variance / *scale).sqrt() } else { 1.0 };
        work.values.push(centre + (result - centre) * *scale);
    }
    if work.values.iter().all(|value| value.is_finite()) {
        Ok(centre)
    } else {
        Err(TailError::NotFinite)
    }
}

/// Brings the lowest results to the front, in order; the answer is the edge of the tail.
fn rank(model: &TailModel, work: &mut TailWork) -> (usize, f64) {
    let (below, share) = edge(work.values.len(), 1.0 - model.confidence());
    work.ranked.clear();
    work.ranked.extend(work.values.iter().copied().zip(0_u32..));
    let order =
        |one: &(f64, u32), other: &(f64, u32)| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1));
    let wanted = below + 2;
    if wanted < work.ranked.len() {
        work.ranked.select_nth_unstable_by(wanted, order);
        work.ranked.truncate(wanted);
    }
    // Sorted, so that sums do not depend on how the selection left them.
    work.ranked.sort_unstable_by(order);
    (below, share)
}

/// The place of the quantile (n - 1) · tail: how many results lie below the interval it falls
/// into, and how far into it.
fn edge(count: usize, tail: f64) -> (usize, f64) {
    let place = tail * count.saturating_sub(1) as f64;
    // 1 - 0.9 is not a tenth: a place within a rounding of a whole number is that number.
    let nearest = place.round();
    let place = if (place - nearest).abs() <= 1e-9 { nearest } else { place };
    let below = place.floor();
    (below as usize, place - below)
}

fn over_horizon(
    model: &TailModel,
    centre: f64,
    (below, share): (usize, f64),
    work: &TailWork,
) -> Tail {
    let at = |index: usize| work.ranked.get(index).map(|ranked| ranked.0);
    let lower = at(below).unwrap_or(f64::NAN);
    let upper = at(below + 1).unwrap_or(lower);
    let lowest = work.ranked.iter().take(below + 1).map(|ranked| ranked.0).sum::<f64>();
    let figures = [-(lower + share * (upper - lower)), -lowest / (below + 1) as f64];
    let horizon = model.horizon_bars();
    let [value_at_risk, expected_shortfall] = figures.map(|figure| {
        if horizon == 1.0 { figure } else { horizon.sqrt() * (figure + centre) - horizon * centre }
    });
    Tail { value_at_risk, expected_shortfall }
}
