use core::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::risk::{Fact, FactKinds, Guard, Limit, RiskConfigError, gate::seconds, limits};
use crate::types::{
    Facts, Grid, Halt, HaltCause, HaltScope, InstrumentId, LimitKey, Reason, ReasonCode, State,
    StateError, Timestamp, to_f64,
};

/// Watches the data of one instrument: silence, jumps, and what the host distrusts (a gap, a
/// crossed book, a lost connection). While something is wrong nothing is opened in it, and it
/// ends by itself once enough sound data have come.
///
/// Silence of exactly the limit is trouble; a jump of exactly the limit is none. After a jump
/// the new price is the one that further prices are held against, so that a market that really
/// moved is believed after a few events. Before the first price nothing is opened. Reducing
/// orders are free.
///
/// It wants [`HaltCause::StaleData`] for its instrument. Silence is noticed in time when the
/// host serves the engine's deadline; a refusal at the next order needs no timer.
#[derive(Clone, Debug, PartialEq)]
pub struct DataQualityGuard {
    instrument: InstrumentId,
    limits: DataLimits,
    memory: Memory,
}

/// What is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataLimits {
    /// So long an instrument may be silent; `None` for ever.
    pub silence: Option<Duration>,
    /// The largest move from one price to the next, a fraction; `None` for any.
    pub jump: Option<f64>,
    /// So many sound events in a row end the trouble; at least 1.
    pub sound_events: u32,
}

impl Default for DataLimits {
    /// 60 seconds of silence, jumps of 10 percent, 3 sound events.
    fn default() -> Self {
        Self { silence: Some(Duration::from_secs(60)), jump: Some(0.1), sound_events: 3 }
    }
}

/// What is wrong with the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataTrouble {
    /// Nothing came for too long.
    Silence,
    /// The price moved too far at once.
    Jump,
    /// The host does not trust it.
    Distrust,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Memory {
    last: Option<(f64, Timestamp)>,
    trouble: Option<DataTrouble>,
    sound: u32,
}

impl DataQualityGuard {
    /// The name of the limit on silence for changes at run time, in seconds.
    pub const SILENCE: &'static str = "data_silence_s";
    /// The name of the limit on jumps for changes at run time, a fraction.
    pub const JUMP: &'static str = "data_jump";

    /// Watches an instrument.
    ///
    /// # Errors
    /// [`RiskConfigError`]: no span, a jump that is not above zero, no sound events.
    pub fn new(instrument: InstrumentId, limits: DataLimits) -> Result<Self, RiskConfigError> {
        if let Some(silence) = limits.silence {
            limits::span(Self::SILENCE, silence)?;
        }
        if let Some(jump) = limits.jump {
            checked_jump(jump)?;
        }
        if limits.sound_events == 0 {
            let what = "sound events";
            return Err(RiskConfigError::NotPositive { what, value: Decimal::ZERO });
        }
        Ok(Self { instrument, limits, memory: Memory::default() })
    }

    /// What is wrong now, as far as events have told.
    pub const fn trouble(&self) -> Option<DataTrouble> {
        self.memory.trouble
    }

    /// Takes over the last event that it was not told of: one that moved the price by little.
    fn catch_up(&mut self, facts: &Facts<'_>) {
        self.memory.last = self.last(facts);
    }

    /// The last price of the instrument, and when it came.
    fn last(&self, facts: &Facts<'_>) -> Option<(f64, Timestamp)> {
        let told = self.memory.last;
        let quoted = facts.book.quoted(self.instrument).map(|last| (last.price, last.at));
        if told.map(|(_, at)| at) > quoted.map(|(_, at)| at) { told } else { quoted.or(told) }
    }

    /// When silence after this event will be news.
    fn silent_from(&self, last: Option<(f64, Timestamp)>) -> Option<Timestamp> {
        let (_, last) = last?;
        let is_told = self.memory.trouble == Some(DataTrouble::Silence);
        self.limits.silence.filter(|_| !is_told).map(|most| last.after(most))
    }

    fn is_silent(&self, facts: &Facts<'_>) -> bool {
        match (self.limits.silence, self.last(facts)) {
            (Some(most), Some((_, last))) => facts.at >= last.after(most),
            (_, _) => false,
        }
    }

    fn begin(&mut self, trouble: DataTrouble) {
        self.memory.trouble = Some(trouble);
        self.memory.sound = 0;
    }

    fn on_price(&mut self, at: Timestamp, price: f64) {
        let last = self.memory.last.map_or(price, |(last, _)| last);
        let jump = (price - last).abs() / last;
        self.memory.last = Some((price, at));
        // Twelve digits decide: a jump of exactly the limit is none.
        if self.limits.jump.is_some_and(|most| !(jump <= most + most * 1e-12)) {
            return self.begin(DataTrouble::Jump);
        }
        self.memory.sound = self.memory.sound.saturating_add(1);
        if self.memory.sound >= self.limits.sound_events {
            self.memory.trouble = None;
        }
    }

    fn reason(&self, trouble: DataTrouble, facts: &Facts<'_>) -> Reason {
        let age = self.last(facts).map_or(f64::NAN, |(_, last)| seconds(facts.at.since(last)));
        let silence = self.limits.silence.map_or(f64::NAN, seconds);
        match trouble {
            DataTrouble::Silence => Reason::new(ReasonCode::StaleData, silence, age),
            DataTrouble::Jump | DataTrouble::Distrust => {
                let (needed, sound) = (self.limits.sound_events, self.memory.sound);
                Reason::new(ReasonCode::DataQuality, f64::from(needed), f64::from(sound))
            }
        }
    }
}

fn checked_jump(jump: f64) -> Result<f64, RiskConfigError> {
    if jump > 0.0 && jump.is_finite() {
        Ok(jump)
    } else {
        Err(RiskConfigError::LimitOutOfRange { what: DataQualityGuard::JUMP, value: jump })
    }
}

impl Guard for DataQualityGuard {
    fn name(&self) -> &'static str {
        "data_quality"
    }

    fn watch(&mut self, fact: &Fact<'_>, facts: &Facts<'_>) -> Option<Halt> {
        self.catch_up(facts);
        if self.is_silent(facts) && self.memory.trouble != Some(DataTrouble::Silence) {
            self.begin(DataTrouble::Silence);
        }
        match fact {
            Fact::Market(event) if event.instrument() == self.instrument => {
                if let Some(price) = event.mark() {
                    self.on_price(facts.at, price);
                }
            }
            Fact::Distrusted(instrument) if *instrument == self.instrument => {
                self.begin(DataTrouble::Distrust);
            }
            Fact::Market(_)
            | Fact::Distrusted(_)
            | Fact::Mark
            | Fact::Fill(_)
            | Fact::Trade(_)
            | Fact::Capital(_)
            | Fact::Time
            | Fact::Heartbeat
            | Fact::TightenStops(_) => {}
        }
        self.memory.trouble.map(|_| Halt::new(HaltCause::StaleData, self.scope()))
    }

    fn wants(&self) -> FactKinds {
        FactKinds::MARKET.and(FactKinds::UNMARKED).and(FactKinds::DISTRUSTED)
    }

    fn scope(&self) -> HaltScope {
        HaltScope::Symbol(self.instrument)
    }

    fn verdict(&self, facts: &Facts<'_>) -> Limit {
        if let Some(trouble) = self.memory.trouble {
            return Limit::Deny(self.reason(trouble, facts));
        }
        let reason = self.reason(DataTrouble::Silence, facts);
        if self.last(facts).is_none() || self.is_silent(facts) {
            return Limit::Deny(reason);
        }
        Limit::Allow(self.limits.silence.map(|_| reason))
    }

    fn release(&mut self, _cause: HaltCause, _facts: &Facts<'_>) {}

    fn watches_market(&self) -> bool {
        true
    }

    /// While nothing is wrong, a price that does not jump is only remembered, which the facts do.
    fn calm_move(&self) -> f64 {
        match (self.memory.trouble, self.memory.last) {
            (None, Some(_)) => self.limits.jump.unwrap_or(f64::INFINITY),
            (_, _) => -1.0,
        }
    }

    fn is_timed(&self) -> bool {
        true
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.silent_from(self.memory.last)
    }

    fn deadline_by(&self, facts: &Facts<'_>) -> Option<Timestamp> {
        self.silent_from(self.last(facts))
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if *key == LimitKey::of(Self::SILENCE, self.instrument) {
            let Some(silence) = &mut self.limits.silence else { return Ok(None) };
            return limits::set_span(Self::SILENCE, silence, value).map(Some);
        }
        if *key == LimitKey::of(Self::JUMP, self.instrument) {
            let Some(jump) = &mut self.limits.jump else { return Ok(None) };
            let before = core::mem::replace(jump, checked_jump(to_f64(value))?);
            return Ok(Some(Grid::recover(before).unwrap_or(Decimal::MAX)));
        }
        Ok(None)
    }
}

/// The last price that it was told and the trouble are its state; the limits are configuration.
impl State for DataQualityGuard {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        State::save(&(self.instrument, self.memory))
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut saved = (self.instrument, self.memory);
        State::restore(&mut saved, state)?;
        let (instrument, memory) = saved;
        if instrument != self.instrument {
            let text = |it: InstrumentId| format!("data of instrument {}", it.0);
            let (expected, found) = (text(self.instrument), text(instrument));
            return Err(StateError::Mismatch { expected, found });
        }
        if memory.last.is_some_and(|(price, _)| !(price > 0.0 && price.is_finite())) {
            return Err(StateError::Unreadable("the last price is not above zero".to_owned()));
        }
        self.memory = memory;
        Ok(())
    }
}
