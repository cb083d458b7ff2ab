/// At which equity a mark changes nothing: strictly between two numbers, and further from both than
/// the sums behind it can be rounded, or where nothing has moved since the last look.
///
/// ```
/// use tradewright::risk::CalmRange;
///
/// let calm = CalmRange::new(75_000.0, 100_000.0);
/// assert!(calm.holds(90_000.0, 40_000.0));
/// assert!(!calm.holds(100_000.0, 40_000.0));
/// assert!(calm.seen(100_000.0, 40_000.0).holds(100_000.0, 40_000.0));
/// assert!(!calm.holds(f64::NAN, 40_000.0));
/// assert!(!CalmRange::NONE.holds(90_000.0, 40_000.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalmRange {
    low: f64,
    high: f64,
    /// Equity and gross value of the last look, NaN for none.
    equity: f64,
    gross: f64,
}

/// How far `f64` sums are trusted, as a fraction of the values that were added.
const TRUST: f64 = 1e-9;

impl CalmRange {
    /// No equity lies in it.
    pub const NONE: Self = Self::new(f64::INFINITY, f64::NEG_INFINITY);

    /// Every equity that is a number.
    pub const ALL: Self = Self::new(f64::NEG_INFINITY, f64::INFINITY);

    /// What lies strictly between two equities; nothing unless the first is the smaller one.
    pub const fn new(low: f64, high: f64) -> Self {
        Self { low, high, equity: f64::NAN, gross: f64::NAN }
    }

    /// And this equity and gross value themselves, at which everything was decided.
    #[must_use]
    pub const fn seen(self, equity: f64, gross: f64) -> Self {
        Self { equity, gross, ..self }
    }

    /// The part above an equity; nothing of it where that is no finite number.
    #[must_use]
    pub const fn above(self, low: f64) -> Self {
        if !low.is_finite() {
            Self::NONE
        } else if low > self.low {
            Self { low, ..self }
        } else {
            self
        }
    }

    /// The range alone.
    #[must_use]
    pub const fn unseen(self) -> Self {
        self.seen(f64::NAN, f64::NAN)
    }

    /// True when a mark that led to this equity and gross value changes nothing for sure.
    #[inline]
    pub fn holds(&self, equity: f64, gross: f64) -> bool {
        let margin = TRUST * (gross + gross + equity.abs());
        let is_between = equity > self.low + margin && equity < self.high - margin;
        is_between || (equity == self.equity && gross == self.gross)
    }
}
