use rust_decimal::Decimal;

use super::{Exposure, Opening, Standing, valuation_price};
use crate::types::{Facts, Intent, to_f64};

/// What earlier legs have left behind; computed when the first rule needs it.
#[derive(Default)]
pub(super) struct Scene {
    exposure: Option<Exposure>,
    gross: f64,
    net: f64,
}

impl Scene {
    pub(super) fn opening<'a>(
        &mut self,
        (intent, quantity): (&'a Intent, Decimal),
        standing: &Standing,
        earlier: &'a [Intent],
        facts: &Facts<'_>,
    ) -> Opening<'a> {
        let exposure = *self.exposure.get_or_insert_with(|| Exposure::of(facts));
        let mut opening = Opening {
            intent,
            quantity,
            units: to_f64(quantity),
            price: f64::NAN,
            unit_value: f64::NAN,
            held_value: f64::NAN,
            worst_value: f64::NAN,
            exposure,
            earlier,
            group_gross: self.gross,
            group_net: self.net,
        };
        let Some(instrument) = facts.instruments.get(intent.instrument) else {
            return opening;
        };
        // Nothing held needs no mark.
        let reach = facts.book.reach(intent.instrument);
        let at_mark = |size: Decimal| match size.is_zero() {
            true => 0.0,
            false => to_f64(size) * reach.unit_value(),
        };
        opening.price = valuation_price(intent, instrument, facts);
        opening.unit_value = reach.unit_value_at(opening.price);
        opening.held_value = at_mark(standing.held(intent.side));
        opening.worst_value = at_mark(standing.worst());
        opening
    }

    pub(super) fn open(&mut self, opening: &Opening<'_>) {
        let value = opening.value();
        let side = opening.intent.side;
        if let Some(exposure) = &mut self.exposure {
            let gross = opening.resulting_gross(opening.units) - exposure.gross;
            exposure.open(side, value, gross);
        }
        self.gross += value;
        self.net += to_f64(side.signed(Decimal::ONE)) * value;
    }
}
