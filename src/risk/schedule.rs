use serde::{Deserialize, Serialize};

use super::RiskConfigError;

/// How much is left of a full size (or of a full stop distance) at a drawdown: straight lines
/// between points.
///
/// Below the first point the first scale holds, beyond the last point the last one. A drawdown
/// that is not known counts as beyond the last point.
///
/// ```
/// use tradewright::risk::DrawdownSchedule;
///
/// let schedule = DrawdownSchedule::new([(0.05, 1.0), (0.20, 0.25)])?;
/// assert_eq!(schedule.scale(0.02), 1.0);
/// assert!((schedule.scale(0.125) - 0.625).abs() < 1e-12);
/// assert_eq!(schedule.scale(f64::NAN), 0.25);
/// # Ok::<(), tradewright::risk::RiskConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(f64, f64)>", into = "Vec<(f64, f64)>")]
pub struct DrawdownSchedule {
    points: Vec<(f64, f64)>,
}

impl DrawdownSchedule {
    /// Points of drawdown (a fraction of 0 to 1, rising) and scale (0 to 1, never rising).
    ///
    /// # Errors
    /// [`RiskConfigError::BadSchedule`] for the first point that breaks this, and without
    /// points.
    pub fn new(points: impl IntoIterator<Item = (f64, f64)>) -> Result<Self, RiskConfigError> {
        let points: Vec<(f64, f64)> = points.into_iter().collect();
        let unit = 0.0..=1.0;
        let mut before: Option<(f64, f64)> = None;
        for &(drawdown, scale) in &points {
            let rises = before.is_none_or(|(d, s)| drawdown > d && scale <= s);
            if !(unit.contains(&drawdown) && unit.contains(&scale) && rises) {
                return Err(RiskConfigError::BadSchedule { drawdown, scale });
            }
            before = Some((drawdown, scale));
        }
        if points.is_empty() {
            return Err(RiskConfigError::BadSchedule { drawdown: f64::NAN, scale: f64::NAN });
        }
        Ok(Self { points })
    }

    /// The points.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// The scale at a drawdown; never rises with the drawdown.
    pub fn scale(&self, drawdown: f64) -> f64 {
        let last = self.points.last().map_or(0.0, |(_, scale)| *scale);
        let Some(next) = self.points.iter().position(|(point, _)| drawdown <= *point) else {
            return last;
        };
        let (right, low) = self.points[next];
        let Some(&(left, high)) = next.checked_sub(1).and_then(|before| self.points.get(before))
        else {
            return low;
        };
        let part = (drawdown - left) / (right - left);
        // Rounding must not lead out of the segment.
        (high - part * (high - low)).clamp(low, high)
    }
}

impl Default for DrawdownSchedule {
    /// Full size up to a drawdown of 5 %, then falling to a quarter at 20 %: what is left at
    /// the default limit of 25 % can still earn its way back.
    fn default() -> Self {
        Self { points: vec![(0.05, 1.0), (0.20, 0.25)] }
    }
}

impl TryFrom<Vec<(f64, f64)>> for DrawdownSchedule {
    type Error = RiskConfigError;

    fn try_from(points: Vec<(f64, f64)>) -> Result<Self, RiskConfigError> {
        Self::new(points)
    }
}

impl From<DrawdownSchedule> for Vec<(f64, f64)> {
    fn from(schedule: DrawdownSchedule) -> Self {
        schedule.points
    }
}
