use super::{FactBook, InstrumentId, PositionFacts, Reach, Side, SlotId, StopFact, to_f64};

/// What one slot holds at risk in one instrument, and what its working orders would open: what the
/// portfolio's heat reads of it.
///
/// It follows from position, working orders and stops and is kept beside them, so that a review
/// converts no decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct OpenRisk {
    /// What the units that a stop covers lose from their entry down to it, in the reporting
    /// currency: 0 once it is past the entry, NaN while it is not known.
    pub(crate) stopped: f64,
    /// Units held that no stop covers.
    pub(crate) bare: f64,
    /// Units that working buys would open beyond closing what is held.
    pub(crate) buys: f64,
    /// Units that working sales would open beyond closing what is held.
    pub(crate) sales: f64,
}

static NOTHING: OpenRisk = OpenRisk { stopped: 0.0, bare: 0.0, buys: 0.0, sales: 0.0 };

impl OpenRisk {
    /// Of a position at the value of its instrument's units.
    pub(crate) fn of(position: &PositionFacts, stop: StopFact, reach: &Reach) -> Self {
        let mut risk = Self::default();
        let size = position.size.abs();
        if size > 0.0 {
            let covered = if stop.level > 0.0 { stop.covered.clamp(0.0, size) } else { 0.0 };
            if covered > 0.0 {
                let side = if position.is_long() { Side::Buy } else { Side::Sell };
                let loss = reach.loss(side, position.average, stop.level);
                // Past the entry nothing is at risk any more; NaN must stay.
                risk.stopped = covered * if loss <= 0.0 { 0.0 } else { loss };
            }
            risk.bare = size - covered;
        }
        if !position.working_buy.is_zero() || !position.working_sell.is_zero() {
            let opened = |working: f64, against: f64| (working - against.max(0.0)).max(0.0);
            risk.buys = opened(to_f64(position.working_buy), -position.size);
            risk.sales = opened(to_f64(position.working_sell), position.size);
        }
        risk
    }

    /// True where nothing can be lost.
    #[inline]
    pub(crate) fn is_none(&self) -> bool {
        // None of them is ever negative; NaN is something.
        self.stopped + self.bare + (self.buys + self.sales) == 0.0
    }
}

/// Open risks by slot and instrument. They follow from the facts beside them: two books with equal
/// facts are equal, and none are written.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenRisks(pub(crate) Vec<OpenRisk>);

impl PartialEq for OpenRisks {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl FactBook {
    /// What a slot holds at risk in each instrument, by id. `None` while nobody has derived it:
    /// for facts that were read from text and have no account.
    #[inline]
    pub(crate) fn open_risks(&self, slot: usize) -> Option<&[OpenRisk]> {
        let count = self.net.len();
        self.open_risks.0.get(slot * count..(slot + 1) * count)
    }

    /// The same of one instrument.
    pub(crate) fn open_risk(&self, slot: SlotId, instrument: InstrumentId) -> OpenRisk {
        let risks = self.open_risks(slot.index());
        match risks {
            Some(risks) => *risks.get(instrument.index()).unwrap_or(&NOTHING),
            None => self.derived_risk(slot, instrument),
        }
    }

    /// After a change of a slot's position, working orders or stops.
    #[inline]
    pub(crate) fn settle_risk(&mut self, slot: SlotId, instrument: InstrumentId) {
        let Some(place) = self.stop_place(slot, instrument) else { return };
        if place < self.open_risks.0.len() {
            self.open_risks.0[place] = self.derived_risk(slot, instrument);
        }
    }

    /// All of them anew.
    pub(crate) fn derive_risks(&mut self) {
        let slots = (0..=u16::MAX).map(SlotId).take(self.slots.len());
        let ids = || (0..=u32::MAX).map(InstrumentId).take(self.net.len());
        let all = slots.flat_map(|slot| ids().map(move |id| (slot, id)));
        let risks = all.map(|(slot, id)| self.derived_risk(slot, id)).collect();
        self.open_risks = OpenRisks(risks);
    }

    fn derived_risk(&self, slot: SlotId, instrument: InstrumentId) -> OpenRisk {
        let position = self.position(slot, instrument);
        OpenRisk::of(position, self.stop(slot, instrument), self.reach(instrument))
    }
}
