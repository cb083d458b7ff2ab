use crate::types::{Amount, Facts, Instrument, Reason, Signal};

/// Turns an opinion into a size, once, on the instrument's grid.
pub trait Sizer: Send {
    /// The amount to open on this signal.
    ///
    /// # Errors
    /// The [`Reason`] why nothing can be opened (no equity, rounds down to zero …).
    fn size(
        &self,
        signal: &Signal,
        instrument: &Instrument,
        facts: &Facts<'_>,
    ) -> Result<Amount, Reason>;
}
