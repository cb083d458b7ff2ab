//! The engine in front of a venue that answers by chance, over a network without manners.

use std::collections::BTreeMap;
use std::time::Duration;

use tradewright::backtest::RunHash;
use tradewright::engine::{Command, Control, EngineError, Input};
use tradewright::prelude::*;
use tradewright::testkit::{Answer, ScriptedVenue, Step};
use tradewright::types::{
    Acknowledgement, Adjustment, AdjustmentCause, AdjustmentKind, FillReport, Funding, Halt,
    HaltCause, HaltScope, Leg, Liquidity, Mark, Money, OrderId, OrderReport, OrderUpdate, Quote,
    RejectReason, SlotId, TradeId,
};

use super::puppet::{BOTH, PERP, SHARE, World, engine, instruments};
use super::watch::{Before, filled_of, laws};
use super::{Random, Tally};

/// Most reports that the end of a sequence may bring.
const MOST_WORDS: usize = 20_000;

struct Driver {
    seed: u64,
    random: Random,
    world: World,
    venue: ScriptedVenue,
    commands: Vec<Command>,
    at: Timestamp,
    /// Prices in cents.
    cents: [i64; 2],
    /// Fills that the venue reports of orders which we never sent.
    foreign: BTreeMap<InstrumentId, Decimal>,
    trades: u128,
    tally: Tally,
}

pub fn sequence(seed: u64) -> Result<(RunHash, Tally), String> {
    let mut driver = Driver {
        seed,
        random: Random::new(seed),
        world: engine(seed),
        venue: ScriptedVenue::new(&instruments()),
        commands: Vec::new(),
        at: Timestamp::from_secs(1_700_000_000).unwrap(),
        cents: [10_000, 2_000],
        foreign: BTreeMap::new(),
        trades: 1 << 64,
        tally: Tally::default(),
    };
    driver.capital(100_000)?;
    let steps = driver.random.between(20, 50);
    for step in 0..steps {
        driver.step()?;
        if step == steps / 2 && seed.is_multiple_of(8) {
            driver.restart()?;
        }
    }
    driver.settle()?;
    let watch = &driver.world.sink().1;
    driver.tally.orders = watch.placed.len() as u64;
    driver.tally.fills = watch.booked.len() as u64;
    driver.tally.repeated = watch.repeated;
    driver.tally.stray = watch.stray;
    driver.tally.halted = watch.halted;
    Ok((driver.world.sink().0.value(), driver.tally))
}

impl Driver {
    /// Hands the engine an input, its commands to the venue, and asks every law.
    fn handle(&mut self, input: &Input) -> Result<(), String> {
        let outcome = self.offer(input)?;
        outcome.map_err(|error| format!("{input:?} was refused: {error}"))
    }

    fn offer(&mut self, input: &Input) -> Result<Result<(), EngineError>, String> {
        self.tally.events += 1;
        let before = Before::of(&self.world);
        let outcome = self.world.handle(self.at, input, &mut self.commands);
        let commands = std::mem::take(&mut self.commands);
        for command in &commands {
            self.world.sink_mut().0.command(self.at, command);
            if matches!(command, Command::Place(_)) {
                let script = self.script();
                self.venue.script(script);
            }
            self.venue.submit(self.at, command);
        }
        self.commands = commands;
        self.commands.clear();
        laws(&self.world, &before).map_err(|broken| format!("{broken}\nafter {input:?}"))?;
        Ok(outcome)
    }

    /// What the venue will do with the next order.
    fn script(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.random.chance(10) {
            steps.push(self.send(Answer::Reject(RejectReason::InsufficientFunds)));
            return steps;
        }
        if self.random.chance(90) {
            steps.push(self.send(Answer::Accept));
        }
        for _ in 0..self.random.below(3) {
            let units = self.random.between(1, 6);
            steps.push(self.send(Answer::Fill(Qty::from(units))));
        }
        match self.random.below(10) {
            0..=3 => steps.push(self.send(Answer::FillRest)),
            4 => steps.push(self.send(Answer::Cancel)),
            5 => steps.push(self.send(Answer::Expire)),
            _ => {}
        }
        steps
    }

    fn send(&mut self, answer: Answer) -> Step {
        match self.random.below(20) {
            0..=11 => answer.once(),
            12..=14 => answer.twice(),
            15..=17 => answer.late(Duration::from_secs(self.random.below(200))),
            _ => answer.lost(),
        }
    }

    fn step(&mut self) -> Result<(), String> {
        match self.random.below(100) {
            0..45 => self.market(),
            45..67 => self.deliver(),
            67..79 => self.venue_acts(),
            79..84 => self.control(),
            84..88 => self.wait(),
            88..92 => self.nonsense(),
            92..94 => {
                let amount = self.random.between(-500, 5_000);
                self.capital(amount)
            }
            94..97 => self.odd_market(),
            97 => self.foreign_fill(),
            _ => {
                self.venue.recover(self.at);
                self.deliver()
            }
        }
    }

    fn later(&mut self, most_s: u64) {
        self.at = self.at.after(Duration::from_secs(self.random.below(most_s)));
    }

    fn market(&mut self) -> Result<(), String> {
        self.later(90);
        let place = self.random.below(2) as usize;
        let open = self.cents[place];
        let close = (open + self.random.between(-150, 150)).max(500);
        self.cents[place] = close;
        let ohlc = [open, open.max(close) + 10, open.min(close) - 10, close];
        let ohlc = ohlc.map(|cents| cents as f64 / 100.0);
        let bar = Bar::new(BOTH[place], Period::MINUTE, ohlc, 1_000.0).unwrap();
        self.handle(&Input::Market(MarketEvent::Bar(bar)))?;
        if self.random.chance(60) { self.deliver() } else { Ok(()) }
    }

    /// Some of what has arrived is read.
    fn deliver(&mut self) -> Result<(), String> {
        for _ in 0..self.random.below(6) {
            let Some((_, update)) = self.venue.poll(self.at) else { break };
            self.handle(&Input::Order(update))?;
        }
        Ok(())
    }

    fn venue_acts(&mut self) -> Result<(), String> {
        let ids: Vec<OrderId> = self.venue.orders().map(|order| order.order.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let id = ids[self.random.below(ids.len() as u64) as usize];
        let answer = match self.random.below(40) {
            0..20 => Answer::Fill(Qty::from(self.random.between(1, 8))),
            20..30 => Answer::FillRest,
            30..34 => Answer::Cancel,
            34..37 => Answer::Expire,
            37..39 => Answer::Accept,
            _ => Answer::Overfill(Qty::from(self.random.between(1, 4))),
        };
        let step = self.send(answer);
        self.venue.act(self.at, id, step);
        self.deliver()
    }

    fn scope(&mut self) -> HaltScope {
        match self.random.below(4) {
            0 => HaltScope::Account,
            1 => HaltScope::Symbol(SHARE),
            2 => HaltScope::Strategy(SlotId(1)),
            _ => HaltScope::Everything,
        }
    }

    fn control(&mut self) -> Result<(), String> {
        let scope = self.scope();
        let control = match self.random.below(10) {
            0 => Control::Halt(Halt::new(HaltCause::Operator, scope)),
            1 => Control::Halt(Halt::new(HaltCause::KillSwitch, scope)),
            2 => Control::Halt(Halt {
                level: tradewright::types::HaltLevel::Flattening,
                ..Halt::new(HaltCause::Operator, scope)
            }),
            3..=5 => Control::Resume { scope, acknowledgement: Acknowledgement::None },
            6 | 7 => Control::Resume { scope, acknowledgement: Acknowledgement::Emergency },
            8 => Control::Pause(SlotId(1)),
            _ => Control::Unpause(SlotId(1)),
        };
        self.handle(&Input::Control(control))
    }

    fn wait(&mut self) -> Result<(), String> {
        self.later(3_600);
        if let Some(due) = self.world.deadline().filter(|due| *due < self.at.after(HOUR)) {
            self.at = self.at.max(due);
        }
        self.handle(&Input::Time)
    }

    fn capital(&mut self, amount: i64) -> Result<(), String> {
        let usd = self.world.account().book().reporting();
        let kind = AdjustmentKind::Capital(Money::new(Decimal::from(amount), usd));
        let cause = AdjustmentCause::Deposit;
        self.handle(&Input::Adjustment(Adjustment { cause, kind }))
    }

    fn odd_market(&mut self) -> Result<(), String> {
        self.later(30);
        let place = self.random.below(2) as usize;
        let (instrument, price) = (BOTH[place], self.cents[place] as f64 / 100.0);
        let event = match self.random.below(3) {
            0 => {
                let rate = self.random.between(-30, 30) as f64 / 10_000.0;
                MarketEvent::Funding(Funding { instrument: PERP, rate, mark: 20.0 })
            }
            1 => MarketEvent::Mark(Mark { instrument, price }),
            _ => MarketEvent::Quote(Quote {
                instrument,
                bid: price - 0.01,
                bid_quantity: 5.0,
                ask: price + 0.01,
                ask_quantity: 5.0,
            }),
        };
        self.handle(&Input::Market(event))
    }

    fn execution(&mut self, units: i64) -> FillReport {
        self.trades += 1;
        let price = Price::new(Decimal::new(self.cents[0], 2)).unwrap();
        FillReport {
            trade: TradeId(self.trades),
            price,
            quantity: Qty::from(units),
            fee: Money::zero(self.world.account().book().reporting()),
            liquidity: Liquidity::Taker,
            before_slippage: price,
        }
    }

    /// A fill of an order that nobody here has sent: the house books it.
    fn foreign_fill(&mut self) -> Result<(), String> {
        let units = self.random.between(1, 3);
        let side = if self.random.chance(50) { Side::Buy } else { Side::Sell };
        let report = OrderReport::Fill(self.execution(units));
        let order = OrderId::new(9, SlotId(self.random.below(5) as u16), self.random.below(4));
        let update = OrderUpdate { order, instrument: SHARE, side, leg: Leg::Net, report };
        *self.foreign.entry(SHARE).or_default() += side.signed(Decimal::from(units));
        self.handle(&Input::Order(update))
    }

    /// What must be refused, and must leave no trace.
    fn nonsense(&mut self) -> Result<(), String> {
        let bar = Bar::new(SHARE, Period::MINUTE, [100.0; 4], 1.0).unwrap();
        let mut bad = bar;
        let known = self.world.orders().live().first().map(|state| state.order.id);
        let mut fill = |units: Decimal| {
            let mut execution = self.execution(1);
            execution.quantity = Qty::new(units);
            let (order, report) = (known.unwrap_or_default(), OrderReport::Fill(execution));
            let (instrument, side, leg) = (SHARE, Side::Buy, Leg::Net);
            Input::Order(OrderUpdate { order, instrument, side, leg, report })
        };
        let (nothing, everything) = (fill(Decimal::ZERO), fill(Decimal::MAX));
        let input = match self.random.below(8) {
            0 => {
                bad.close = f64::NAN;
                Input::Market(MarketEvent::Bar(bad))
            }
            1 => {
                bad.low = -1.0;
                Input::Market(MarketEvent::Bar(bad))
            }
            2 => {
                bad.instrument = InstrumentId(7);
                Input::Market(MarketEvent::Bar(bad))
            }
            3 => nothing,
            4 => everything,
            5 => Input::Control(Control::Pause(SlotId(77))),
            6 => Input::Control(Control::Halt(Halt {
                level: tradewright::types::HaltLevel::Flat,
                ..Halt::new(HaltCause::Operator, HaltScope::Account)
            })),
            _ => Input::Time,
        };
        let now = self.at;
        if matches!(input, Input::Time) {
            // Time that goes back.
            self.at = Timestamp::EPOCH;
        }
        let before = self.world.save().unwrap();
        let outcome = self.offer(&input)?;
        self.at = now;
        if outcome.is_ok() {
            return Err(format!("broken law: nonsense is refused: {input:?} was taken"));
        }
        self.tally.refused += 1;
        let is_same = self.world.save().unwrap() == before;
        let law = "broken law: what is refused leaves no trace";
        if is_same { Ok(()) } else { Err(format!("{law}: {input:?}, {outcome:?}")) }
    }

    /// The engine is saved, built anew and goes on.
    fn restart(&mut self) -> Result<(), String> {
        let saved = self.world.save().unwrap();
        let mut restored = engine(self.seed);
        restored.restore(&saved).map_err(|error| error.to_string())?;
        if restored.save().unwrap() != saved {
            return Err("broken law: a restored engine is the saved one".to_owned());
        }
        std::mem::swap(self.world.sink_mut(), restored.sink_mut());
        self.world = restored;
        self.tally.restored += 1;
        Ok(())
    }

    /// Strategies fall silent, everything that was lost is told, and both sides agree.
    fn settle(&mut self) -> Result<(), String> {
        for slot in 1..self.world.account().book().slots() {
            self.handle(&Input::Control(Control::Pause(SlotId(slot as u16))))?;
        }
        let mut words = 0;
        while self.venue.owes_reports() {
            self.at = self.at.after(HOUR);
            self.venue.recover(self.at);
            while let Some((_, update)) = self.venue.poll(self.at) {
                words += 1;
                if words > MOST_WORDS {
                    return Err("broken law: a conversation ends".to_owned());
                }
                self.handle(&Input::Order(update))?;
            }
        }
        self.agree()
    }

    fn agree(&self) -> Result<(), String> {
        for id in BOTH {
            let ours = self.world.account().book().net(id).quantity;
            let foreign = self.foreign.get(&id).copied().unwrap_or_default();
            let theirs = self.venue.position(id).value() + foreign;
            if ours != theirs {
                return Err(format!("broken law: positions agree: {ours}, venue {theirs}"));
            }
        }
        let watch = &self.world.sink().1;
        for theirs in self.venue.orders() {
            let id = theirs.order.id;
            let booked = filled_of(watch, id);
            if booked != theirs.filled {
                return Err(format!("broken law: no fill is lost: {booked}, {theirs:?}"));
            }
            let ours = self.world.orders().find(id).map(|state| state.status);
            let over = ours.is_none_or(|status| status.is_terminal());
            // An overfilled order keeps its state until a person has looked at it.
            let is_overfilled = theirs.filled > theirs.quantity;
            if !is_overfilled && over != theirs.status.is_terminal() {
                return Err(format!("broken law: orders agree: {ours:?}, {theirs:?}"));
            }
        }
        Ok(())
    }
}

const HOUR: Duration = Duration::from_secs(3_600);
