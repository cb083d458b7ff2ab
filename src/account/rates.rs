use rust_decimal::Decimal;

use crate::types::{AssetId, InstrumentId, InstrumentKind, Instruments};

/// Where the reporting currency's price of an asset comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RateSource {
    /// It is the reporting currency.
    One,
    /// The mark of this instrument: asset against reporting currency.
    Mark(InstrumentId),
    /// One over the mark of this instrument: reporting currency against asset.
    Reciprocal(InstrumentId),
    /// Nothing tells it.
    Missing,
}

impl RateSource {
    /// The source of an asset's rate: a spot instrument if there is one, else another kind
    /// whose price is the asset's; the first in the table.
    pub(super) fn of(instruments: &Instruments, asset: AssetId, reporting: AssetId) -> Self {
        if asset == reporting {
            return Self::One;
        }
        let mut found = Self::Missing;
        for instrument in instruments.iter() {
            let source = if (instrument.base, instrument.quote) == (asset, reporting) {
                Self::Mark(instrument.id)
            } else if (instrument.base, instrument.quote) == (reporting, asset) {
                Self::Reciprocal(instrument.id)
            } else {
                continue;
            };
            match instrument.kind {
                InstrumentKind::Spot => return source,
                InstrumentKind::LinearPerpetual
                | InstrumentKind::InversePerpetual
                | InstrumentKind::Future { .. } => {
                    if found == Self::Missing {
                        found = source;
                    }
                }
                // An option's price is a premium.
                InstrumentKind::Option { .. } => {}
            }
        }
        found
    }

    /// The instrument whose marks change the rate.
    pub(super) const fn instrument(self) -> Option<InstrumentId> {
        match self {
            Self::Mark(id) | Self::Reciprocal(id) => Some(id),
            Self::One | Self::Missing => None,
        }
    }

    /// The rate at a mark; NaN where it is not known, so that every limit fails closed.
    pub(super) fn rate(self, mark: Option<f64>) -> f64 {
        match (self, mark) {
            (Self::One, _) => 1.0,
            (Self::Mark(_), Some(mark)) => mark,
            (Self::Reciprocal(_), Some(mark)) => 1.0 / mark,
            (Self::Mark(_) | Self::Reciprocal(_), None) | (Self::Missing, _) => f64::NAN,
        }
    }

    /// The rate as an exact number: the mark on its instrument's grid, or one over it; `None`
    /// where it is not known.
    pub(super) fn exact(self, instruments: &Instruments, mark: Option<f64>) -> Option<Decimal> {
        let exact = |id| instruments.get(id)?.price_grid.nearest(mark?);
        match self {
            Self::One => Some(Decimal::ONE),
            Self::Mark(id) => exact(id),
            Self::Reciprocal(id) => Decimal::ONE.checked_div(exact(id)?),
            Self::Missing => None,
        }
    }
}
