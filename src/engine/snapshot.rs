//! The whole engine as bytes: restored, it answers every future input as the original would.

use serde::{Deserialize, Serialize};

use crate::metrics::MetricsSink;
use crate::risk::{HaltMachine, RiskConfigError};
use crate::strategy::Strategy;
use crate::types::{Instruments, OrderId, State, StateError, Timestamp};

use super::Engine;
use super::execute::Executions;
use super::group::Groups;
use super::limits::LimitBook;
use super::pauses::Pauses;
use super::slot::SlotMemory;
use super::stops::Stops;

/// The version of the form below.
const VERSION: u32 = 2;

#[derive(Serialize, Deserialize)]
struct Snapshot {
    version: u32,
    instruments: Instruments,
    epoch: u32,
    sequence: u64,
    now: Timestamp,
    account: Vec<u8>,
    orders: Vec<u8>,
    risk: Vec<u8>,
    gates: Vec<(String, Vec<u8>)>,
    halts: HaltMachine,
    groups: Groups,
    stops: Stops,
    limits: LimitBook,
    waiting: Vec<OrderId>,
    #[serde(default)]
    refused: Vec<(OrderId, Timestamp)>,
    pauses: Pauses,
    #[serde(default)]
    executions: Executions,
    slots: Vec<SlotSnapshot>,
}

#[derive(Serialize, Deserialize)]
struct SlotSnapshot {
    name: String,
    fingerprint: u64,
    strategy: Vec<u8>,
    #[serde(default)]
    sizer: Vec<u8>,
    memory: SlotMemory,
}

impl<S: Strategy, M: MetricsSink> Engine<S, M> {
    /// The whole state as bytes: account, orders, risk, halts, strategies. What
    /// sizers remember and where stops stand is part of it; policies, plans and the reader of
    /// records are configuration and not.
    ///
    /// # Errors
    /// [`StateError::Unwritable`], such as for a strategy made of a closure.
    pub fn save(&self) -> Result<Vec<u8>, StateError> {
        let slots = self.slots.iter().map(|slot| {
            Ok(SlotSnapshot {
                name: slot.strategy.name().to_owned(),
                fingerprint: slot.fingerprint,
                strategy: slot.strategy.save()?,
                sizer: slot.sizer.save_memory()?,
                memory: slot.memory.clone(),
            })
        });
        let gates = self.desk.gates.iter().map(|gate| Ok((gate.name().to_owned(), gate.save()?)));
        let snapshot = Snapshot {
            version: VERSION,
            instruments: self.desk.instruments.clone(),
            epoch: self.desk.epoch,
            sequence: self.desk.sequence,
            now: self.desk.now,
            account: self.desk.account.save()?,
            orders: self.desk.orders.save()?,
            risk: self.desk.risk.save()?,
            gates: gates.collect::<Result<_, StateError>>()?,
            halts: self.desk.halts.clone(),
            groups: self.desk.groups.clone(),
            stops: self.desk.stops.clone(),
            limits: self.desk.limits.clone(),
            waiting: self.desk.waiting.clone(),
            refused: self.desk.refused.clone(),
            pauses: self.desk.pauses.clone(),
            executions: self.desk.executions.clone(),
            slots: slots.collect::<Result<_, StateError>>()?,
        };
        State::save(&snapshot)
    }

    /// Takes over a saved state. The engine must have been built with the same instruments,
    /// strategies and parameters; its own epoch is kept when it is higher, so that a restarted
    /// run never reuses an order id.
    ///
    /// # Errors
    /// [`StateError::Mismatch`] or [`StateError::Unreadable`]. Parts may already have been
    /// taken over then: build the engine anew.
    pub fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let snapshot: Snapshot = rmp_serde::from_slice(state)
            .map_err(|error| StateError::Unreadable(error.to_string()))?;
        self.check(&snapshot)?;
        for (slot, saved) in self.slots.iter_mut().zip(snapshot.slots) {
            slot.strategy.restore(&saved.strategy)?;
            slot.sizer.restore_memory(&saved.sizer)?;
            slot.memory = saved.memory;
        }
        for (gate, (_, saved)) in self.desk.gates.iter_mut().zip(&snapshot.gates) {
            gate.restore(saved)?;
        }
        self.desk.account.restore(&snapshot.account)?;
        self.desk.orders.restore(&snapshot.orders)?;
        self.desk.touch_risk();
        self.desk.risk.restore(&snapshot.risk)?;
        self.desk.halts = snapshot.halts;
        self.desk.groups = snapshot.groups;
        self.desk.stops = snapshot.stops;
        self.desk.limits = snapshot.limits;
        self.desk.waiting = snapshot.waiting;
        self.desk.refused = snapshot.refused;
        self.desk.pauses = snapshot.pauses;
        self.desk.executions = snapshot.executions;
        self.is_attended |= self.desk.executions.follows_volume();
        self.desk.now = snapshot.now;
        if self.desk.epoch <= snapshot.epoch {
            self.desk.epoch = snapshot.epoch;
            self.desk.sequence = snapshot.sequence;
        }
        let refused = |error: RiskConfigError| StateError::Unreadable(error.to_string());
        self.desk.apply_limits().map_err(refused)?;
        self.desk.plan_chores(snapshot.now);
        self.plan_wake();
        Ok(())
    }

    fn check(&self, snapshot: &Snapshot) -> Result<(), StateError> {
        let mismatch = |expected: String, found: String| {
            if expected == found { Ok(()) } else { Err(StateError::Mismatch { expected, found }) }
        };
        mismatch(
            format!("snapshot version {VERSION}"),
            format!("snapshot version {}", snapshot.version),
        )?;
        if self.desk.instruments != snapshot.instruments {
            return Err(StateError::Mismatch {
                expected: "the engine's table of instruments".to_owned(),
                found: "another table of instruments".to_owned(),
            });
        }
        let ours: Vec<_> =
            self.slots.iter().map(|slot| (slot.strategy.name(), slot.fingerprint)).collect();
        let theirs: Vec<_> =
            snapshot.slots.iter().map(|slot| (slot.name.as_str(), slot.fingerprint)).collect();
        mismatch(format!("{ours:?}"), format!("{theirs:?}"))?;
        self.desk.stops.check(&snapshot.stops)?;
        if !snapshot.executions.is_sound() {
            return Err(StateError::Unreadable("the parent orders are not valid".to_owned()));
        }
        let ours: Vec<_> = self.desk.gates.iter().map(|gate| gate.name()).collect();
        let theirs: Vec<_> = snapshot.gates.iter().map(|(name, _)| name.as_str()).collect();
        mismatch(format!("gates {ours:?}"), format!("gates {theirs:?}"))
    }
}
