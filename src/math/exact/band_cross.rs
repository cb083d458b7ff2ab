//! Mean reversion: the close leaves the band around its mean.

use serde::{Deserialize, Serialize};

use super::moments::{Moments, MomentsState, Place, Pushed};
use super::{ABOVE, BELOW, Crossing, Deviation, crossing_of};
use crate::math::{ParameterError, Ratio};

/// When a close outside of the band counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BandForm {
    /// Only when the previous close was not beyond the same band of its own bar.
    #[default]
    Cross,
    /// On every bar outside.
    Level,
}

/// Tells when a close goes beyond mean -+ factor * standard deviation of the last closes, exactly.
///
/// The close itself is part of its window. In [`BandForm::Cross`] the previous close is compared
/// with the previous bar's band, so the bar that fills the window answers [`Crossing::None`]; in
/// [`BandForm::Level`] it can already answer. A flat window never answers anything else. The bands
/// are J. Bollinger's (1983).
///
/// Every `i64` is a valid close. An update costs O(1), amortised over the window around outliers
/// that need more than 64 bits.
///
/// ```
/// use tradewright::math::Ratio;
/// use tradewright::math::exact::{BandCross, BandForm, Crossing, Deviation};
///
/// let factor = Ratio::from_decimal_text_of(1.5)?;
/// let mut band = BandCross::new(4, factor, Deviation::Population, BandForm::Cross)?;
/// for close in [100, 102, 100, 102, 101] {
///     assert_eq!(band.update(close), Crossing::None);
/// }
/// assert_eq!(band.update(95), Crossing::Below); // BUY
/// assert_eq!(band.position_in_band(), Some(1.0));
/// # Ok::<(), tradewright::math::ParameterError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "BandCrossState", into = "BandCrossState")]
pub struct BandCross {
    moments: Moments,
    form: BandForm,
    /// The codes that are no answer to the next close: in the cross form the one that the last
    /// close had, and every one as long as there was none.
    silenced: u8,
    /// Which codes silence themselves.
    silencing: u8,
}

impl BandCross {
    /// A kernel over `window` closes with bands `factor` deviations away from the mean.
    ///
    /// # Errors
    /// [`ParameterError`] when the window is not in 2 to
    /// [`LONGEST_EXACT_WINDOW`](super::LONGEST_EXACT_WINDOW) or a term of the factor is
    /// out of its range.
    pub fn new(
        window: usize,
        factor: Ratio,
        deviation: Deviation,
        form: BandForm,
    ) -> Result<Self, ParameterError> {
        let moments = Moments::new(window, factor, deviation)?;
        let silencing = silencing(form);
        Ok(Self { moments, form, silenced: silencing, silencing })
    }

    /// Takes the next close, in ticks; `Below` is a reason to buy, `Above` one to sell.
    #[inline(always)]
    pub fn update(&mut self, close_ticks: i64) -> Crossing {
        match self.moments.push(close_ticks) {
            Pushed::Settled(place) => crossing_of(self.answer(place)),
            Pushed::Unsettled { oldest } => self.update_unsettled(close_ticks, oldest),
        }
    }

    /// (close - mean) / deviation of the last close; `None` before the window is full or when it is
    /// flat.
    pub fn z_score(&self) -> Option<f64> {
        self.moments.z_score()
    }

    /// min(|close - mean| / (factor * deviation), 1): 0 at the mean, exactly 1 from the band on.
    ///
    /// `None` before the window is full or when it is flat. On every answered cross this is 1, so
    /// it ranks nothing there; a tail probability of [`z_score`](Self::z_score) does.
    pub fn position_in_band(&self) -> Option<f64> {
        self.moments.position_in_band()
    }

    /// Whether the next close can be answered with something else than [`Crossing::None`].
    pub fn is_ready(&self) -> bool {
        match self.form {
            BandForm::Cross => self.moments.is_full(),
            BandForm::Level => self.moments.seen() + 1 >= self.moments.window(),
        }
    }

    #[inline(always)]
    fn answer(&mut self, place: Place) -> u8 {
        let beyond = beyond(place);
        let answer = beyond & !self.silenced;
        self.silenced = beyond & self.silencing;
        answer
    }

    #[cold]
    #[inline(never)]
    fn update_unsettled(&mut self, close_ticks: i64, oldest: i64) -> Crossing {
        match self.moments.settle(close_ticks, oldest) {
            Some(place) => crossing_of(self.answer(place)),
            None => Crossing::None,
        }
    }

    /// Forgets all closes; afterwards the kernel equals a new one.
    pub fn reset(&mut self) {
        self.moments.reset();
        self.silenced = self.silencing;
    }
}

fn silencing(form: BandForm) -> u8 {
    match form {
        BandForm::Cross => ABOVE | BELOW,
        BandForm::Level => 0,
    }
}

/// A code for [`crossing_of`].
#[inline(always)]
fn beyond(place: Place) -> u8 {
    // What is outside of the band is not at the mean.
    u8::from(place.reach.is_gt()) << u8::from(place.to_mean.is_lt())
}

#[derive(Serialize, Deserialize)]
struct BandCrossState {
    moments: MomentsState,
    form: BandForm,
}

impl From<BandCross> for BandCrossState {
    fn from(kernel: BandCross) -> Self {
        Self { moments: kernel.moments.into(), form: kernel.form }
    }
}

impl TryFrom<BandCrossState> for BandCross {
    type Error = String;

    fn try_from(state: BandCrossState) -> Result<Self, String> {
        let moments = Moments::try_from(state.moments)?;
        // What the last close silenced follows from the window, so it is not stored.
        let last = moments.place().map_or(ABOVE | BELOW, beyond);
        let silencing = silencing(state.form);
        Ok(Self { moments, form: state.form, silenced: last & silencing, silencing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel(form: BandForm) -> BandCross {
        let factor = Ratio { numerator: 3, denominator: 2 };
        BandCross::new(4, factor, Deviation::Population, form).unwrap()
    }

    #[test]
    fn a_cross_is_answered_once_and_a_level_on_every_bar() {
        let (mut cross, mut level) = (kernel(BandForm::Cross), kernel(BandForm::Level));
        let closes = [100, 101, 100, 101, 100, 110, 170, 168, 1000];
        let answers = |kernel: &mut BandCross| closes.map(|close| kernel.update(close));
        use Crossing::{Above, None};
        assert_eq!(answers(&mut cross), [None, None, None, None, None, Above, None, None, Above]);
        assert_eq!(answers(&mut level), [None, None, None, None, None, Above, Above, None, Above]);
    }

    #[test]
    fn flat_windows_never_answer() {
        for form in [BandForm::Cross, BandForm::Level] {
            let zero = Ratio { numerator: 0, denominator: 1 };
            let mut flat = BandCross::new(3, zero, Deviation::Sample, form).unwrap();
            for _ in 0..10 {
                assert_eq!(flat.update(i64::MAX), Crossing::None);
                assert_eq!((flat.z_score(), flat.position_in_band()), (None, None));
            }
        }
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let two = Ratio { numerator: 2, denominator: 1 };
        let new = |window, factor| {
            BandCross::new(window, factor, Deviation::Population, BandForm::Cross).unwrap_err()
        };
        assert!(new(1, two).to_string().contains("window is 1"));
        assert!(new((1 << 16) + 1, two).to_string().contains("65536"));
        assert!(matches!(
            new(20, Ratio { numerator: 2, denominator: 0 }),
            ParameterError::NoExactRatio { .. }
        ));
        assert!(matches!(
            new(20, Ratio { numerator: (1 << 32) + 1, denominator: 1 }),
            ParameterError::NoExactRatio { .. }
        ));
    }

    #[test]
    fn ready_says_when_the_next_close_can_be_answered() {
        let (mut cross, mut level) = (kernel(BandForm::Cross), kernel(BandForm::Level));
        for (bar, close) in [5, 6, 7, 9].into_iter().enumerate() {
            assert_eq!((cross.is_ready(), level.is_ready()), (false, bar == 3));
            cross.update(close);
            level.update(close);
        }
        assert!(cross.is_ready() && level.is_ready());
        cross.reset();
        assert_eq!(cross, kernel(BandForm::Cross));
    }

    #[test]
    fn a_damaged_state_is_refused() {
        let mut cross = kernel(BandForm::Cross);
        cross.update(7);
        let text = serde_json::to_string(&cross).unwrap();
        assert_eq!(serde_json::from_str::<BandCross>(&text).unwrap(), cross);
        for (good, bad) in [
            ("\"window\":4", "\"window\":0"),
            ("\"window\":4", "\"window\":99999999"),
            ("[7]", "[1,2,3,4,5]"),
            ("\"denominator\":2", "\"denominator\":0"),
        ] {
            assert!(text.contains(good));
            assert!(serde_json::from_str::<BandCross>(&text.replace(good, bad)).is_err(), "{bad}");
        }
    }
}
