//! A bot, its venue and its market in virtual time, with a process that may die at any moment.

use std::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tradewright::backtest::{Decisions, Digest, Recording, replay};
use tradewright::engine::{Engine, EngineError, SlotConfig};
use tradewright::live::{
    Bot, BotAction, BotConfig, BotPlan, BotStatus, NoticeKind, Request, Resolution,
    SessionRecorder, engine_state, snapshot_head,
};
use tradewright::metrics::Tee;
use tradewright::prelude::*;
use tradewright::strategy::QuoteSize;
use tradewright::types::{MarketEvent, OrderStatus, Purpose, Quote};

use super::venue::{Chance, PERP, SPOT, USDT, Venue};

/// Wishes anything at any time; what it wishes depends on its own numbers alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Puppet(u64);

impl Puppet {
    fn below(&mut self, most: u64) -> u64 {
        let mut chance = Chance(self.0);
        self.0 ^= 0x5DEE_CE66;
        let drawn = chance.below(most);
        self.0 = chance.0;
        drawn
    }
}

impl Strategy for Puppet {
    fn name(&self) -> &str {
        "PUPPET"
    }

    fn on_event(&mut self, event: &Event<'_>, _: &Facts<'_>, advice: &mut Advice) {
        let Event::Market(MarketEvent::Quote(quote)) = event else { return };
        let id = quote.instrument;
        let units = Qty::from(self.below(9) as i64 - 4);
        // The perpetual trades at one price.
        let offset = if id == PERP { 0 } else { self.below(40) as i64 - 20 };
        let middle = (quote.bid + quote.ask) / 2.0;
        let price = Price::new(Decimal::from(middle as i64 + offset)).unwrap();
        let side = if self.below(2) == 0 { Side::Buy } else { Side::Sell };
        let (key, size) = (self.below(2) as u32, Qty::from(1 + self.below(4) as i64));
        match self.below(16) {
            0..=2 => advice.target(id, units),
            3..=5 => advice.quote(key, side, price, QuoteSize::Resting(size)),
            6 => advice.quote(key, side, price, QuoteSize::Total(size)),
            7 => advice.pull(key),
            8 => advice.cancel_all(),
            _ => {}
        }
    }
}

pub fn instruments() -> Instruments {
    let mut table = Instruments::new();
    let spot = Instrument::spot("BTCUSDT", "BTC", "USDT").tick("1").step("1");
    table.add(spot).unwrap();
    table.add(Instrument::linear_perpetual("BTC-PERP", "BTC", "USDT").tick("1").step("1")).unwrap();
    table
}

type World = Engine<Puppet, Tee<Digest, ()>>;

fn build(seed: u64, epoch: u32) -> Result<World, EngineError> {
    let slots = [1, 2].map(|number| SlotConfig::new(Puppet(seed ^ (number << 40))));
    let [one, two] = slots;
    let builder = Engine::builder(instruments(), USDT).epoch(epoch).slot(one).slot(two);
    builder.sink(Tee(Digest::new(), ())).build()
}

pub fn plan(seed: u64) -> BotPlan<Puppet, ()> {
    let mut plan = BotPlan::new("puppet", move |epoch| build(seed, epoch));
    plan.config = BotConfig { is_recorded: true, ..BotConfig::default() };
    // Not a cent may differ without an explanation.
    plan.config.reconcile.tolerance = 0.0;
    plan
}

/// What a schedule has shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub placed: u64,
    pub fills: u64,
    pub crashes: u64,
    pub downs: u64,
    pub doubted: u64,
    pub found: u64,
    pub replayed: u64,
    pub refused: u64,
}

pub struct Host {
    seed: u64,
    pub at: Timestamp,
    pub venue: Venue,
    plan: BotPlan<Puppet, ()>,
    bot: Bot<Puppet, ()>,
    recorder: SessionRecorder<Vec<u8>>,
    /// The snapshot that the run began with.
    start: Option<Vec<u8>>,
    snapshot: Vec<u8>,
    actions: Vec<BotAction>,
    chance: Chance,
    /// Feeds that are away.
    away: [bool; 2],
    pub tally: Tally,
}

fn recorder() -> SessionRecorder<Vec<u8>> {
    SessionRecorder::new(Vec::new(), Vec::new()).unwrap()
}

impl Host {
    pub fn new(seed: u64) -> Self {
        let at = Timestamp::from_secs(1_700_000_000).unwrap();
        let (plan, mut actions) = (plan(seed), Vec::new());
        let bot = plan.begin(at, &[], &mut actions).unwrap();
        let snapshot = bot.save(None).unwrap();
        let mut venue = Venue::new(seed);
        venue.down_until = Some(at);
        let mut host = Self {
            seed,
            at,
            venue,
            plan,
            bot,
            recorder: recorder(),
            start: None,
            snapshot,
            actions,
            chance: Chance(seed ^ 0xABCD),
            away: [true; 2],
            tally: Tally::default(),
        };
        host.carry_out().unwrap();
        host
    }

    /// Carries out what the bot asks for, once it is on record.
    fn carry_out(&mut self) -> Result<(), String> {
        self.bot.record(&mut self.recorder).unwrap();
        for action in std::mem::take(&mut self.actions) {
            match action {
                BotAction::Request(request) => self.check_and_send(request)?,
                BotAction::Notify(notice) => match notice.kind {
                    NoticeKind::ReconciliationFailed if notice.text.contains("tolerance") => {
                        return Err(format!("books differ: {notice}"));
                    }
                    NoticeKind::BotError => return Err(format!("the bot failed: {notice}")),
                    _ => {}
                },
                _ => {}
            }
        }
        Ok(())
    }

    fn check_and_send(&mut self, request: Request) -> Result<(), String> {
        let is_starting = self.bot.status() == BotStatus::Starting;
        match &request {
            Request::Place(order) => {
                self.tally.placed += 1;
                let intent = &order.intent;
                let opens = matches!(intent.purpose, Purpose::Entry | Purpose::Quote);
                if is_starting {
                    return Err(format!("{} was sent before a reconciliation", order.id));
                }
                if opens && self.away[intent.instrument.index()] {
                    return Err(format!("{} was sent without market data", order.id));
                }
            }
            Request::Amend(change) if is_starting => {
                return Err(format!("{} was changed too early", change.order.id));
            }
            Request::Find { .. } => self.tally.doubted += 1,
            _ => {}
        }
        self.venue.request(self.at, request);
        Ok(())
    }

    /// One step: what arrives, what is due, what the market says.
    pub fn step(&mut self) -> Result<(), String> {
        let tick = self.at.after(Duration::from_millis(500));
        loop {
            let due = self.bot.deadline().map(|due| due.max(self.at)).filter(|due| *due < tick);
            let arrives = self.venue.next_at().filter(|at| *at < tick);
            let Some(next) = due.into_iter().chain(arrives).min() else { break };
            // Whatever is due at once is due again a millisecond later at the earliest.
            let is_late = next <= self.at && due == Some(next);
            self.at = if is_late { self.at.after(Duration::from_millis(1)) } else { next };
            let mut events = Vec::new();
            self.venue.run(self.at, &mut events);
            for (at, event) in events {
                self.bot.gateway(at, event, &mut self.actions);
                self.carry_out()?;
            }
            self.bot.on_time(self.at, &mut self.actions);
            self.carry_out()?;
        }
        self.at = tick;
        self.venue.come_back(self.at);
        self.trade();
        for instrument in [SPOT, PERP] {
            self.quote(instrument)?;
        }
        Ok(())
    }

    /// The venue executes and cancels by chance.
    fn trade(&mut self) {
        let open: Vec<_> = self.venue.open().map(|own| own.order.id).collect();
        for id in open {
            match self.chance.below(30) {
                0..=3 => self.venue.fill(self.at, id, Decimal::ONE),
                4 => self.venue.fill(self.at, id, Decimal::TEN),
                5 => {
                    self.venue.end(self.at, id, OrderStatus::Cancelled);
                }
                _ => {}
            }
        }
    }

    fn quote(&mut self, instrument: InstrumentId) -> Result<(), String> {
        let index = instrument.index();
        if self.away[index] {
            if self.chance.percent(80) && self.venue.is_faulty {
                return Ok(());
            }
            self.away[index] = false;
            self.bot.market_started(instrument);
        } else if self.venue.is_faulty && self.chance.percent(3) {
            self.away[index] = true;
            self.bot.market_lost(self.at, instrument, &mut self.actions);
            return self.carry_out();
        }
        if instrument == SPOT {
            self.venue.prices[0] =
                (self.venue.prices[0] + self.chance.below(7) as i64 - 3).max(100);
        }
        let price = self.venue.prices[index] as f64;
        let (bid, ask, bid_quantity, ask_quantity) = (price - 1.0, price + 1.0, 5.0, 5.0);
        let quote = Quote { instrument, bid, ask, bid_quantity, ask_quantity };
        self.bot.market(self.at, &MarketEvent::Quote(quote), None, &mut self.actions);
        self.carry_out()
    }

    /// Something goes wrong, at times.
    pub fn disturb(&mut self) -> Result<(), String> {
        if self.chance.percent(2) {
            self.venue.go_down(self.at);
            self.tally.downs += 1;
        }
        if self.chance.percent(10) {
            self.snapshot = self.bot.save(None).unwrap();
        }
        if self.chance.percent(2) {
            self.restart()?;
        }
        Ok(())
    }

    /// The process dies, and another one begins where it was.
    pub fn restart(&mut self) -> Result<(), String> {
        self.tally.crashes += 1;
        self.count();
        let recording = self.check_replay()?;
        let head = snapshot_head(&self.snapshot).unwrap();
        assert_eq!(head.epoch, self.bot.epoch());
        let tail = &recording.inputs()[head.inputs as usize..];
        self.venue.crash();
        self.venue.down_until = Some(self.at);
        self.away = [true; 2];
        self.at = self.at.after(self.chance.millis(10_000));
        let saved = (&self.snapshot[..], tail);
        self.actions.clear();
        let plan = plan(self.seed);
        self.bot = plan.resume(self.at, saved, &[], &mut self.actions).unwrap();
        self.plan = plan;
        self.snapshot = self.bot.save(None).unwrap();
        self.start = Some(self.snapshot.clone());
        self.carry_out()
    }

    /// The run so far, repeated on a new engine, decides the same.
    fn check_replay(&mut self) -> Result<Recording, String> {
        let (inputs, decisions) = std::mem::replace(&mut self.recorder, recorder()).into_inner();
        let recording = Recording::read(&inputs[..]).unwrap();
        let mut engine = (self.plan.build)(self.bot.epoch()).unwrap();
        if let Some(start) = &self.start {
            engine.restore(&engine_state(start).unwrap()).unwrap();
        }
        let again = replay(&mut engine, &recording).map_err(|error| error.to_string())?;
        let decided = Decisions::read(&decisions[..]).unwrap();
        let differences = decided.diff(&again);
        if !differences.is_empty() || engine.sink().0.value() != self.bot.hash() {
            let run = self.bot.epoch();
            return Err(format!("the replay of run {run} differs: {:?}", differences.first()));
        }
        self.tally.replayed += recording.inputs().len() as u64;
        Ok(recording)
    }

    fn count(&mut self) {
        let found = self.bot.explained().filter(|it| it.resolution == Resolution::Booked);
        self.tally.found += found.count() as u64;
    }

    /// The faults end; the bot stops wishing, and everything has to agree.
    pub fn settle(&mut self) -> Result<Tally, String> {
        self.venue.is_faulty = false;
        for _ in 0..400 {
            self.step()?;
            let is_quiet = self.bot.doubts() == 0 && self.bot.is_reconciled();
            if is_quiet && self.agrees() {
                break;
            }
        }
        self.verdict()?;
        self.count();
        self.check_replay()?;
        self.tally.fills = self.venue.fills.len() as u64;
        Ok(self.tally)
    }

    fn agrees(&self) -> bool {
        self.verdict().is_ok()
    }

    fn verdict(&self) -> Result<(), String> {
        if self.venue.twice > 0 {
            return Err(format!("{} orders arrived twice", self.venue.twice));
        }
        let book = self.bot.engine().account().book();
        let coins = book.net(SPOT).quantity + book.cash(super::venue::BTC);
        let holdings = (book.cash(USDT), coins, book.net(PERP).quantity);
        let truth = (self.venue.cash, self.venue.coins, self.venue.position);
        if holdings != truth {
            return Err(format!("ours {holdings:?}, theirs {truth:?}"));
        }
        let ours: Vec<_> =
            self.bot.engine().orders().live().iter().map(|own| own.order.id).collect();
        let theirs: Vec<_> = self.venue.open().map(|own| own.order.id).collect();
        if ours != theirs {
            return Err(format!("our orders {ours:?}, theirs {theirs:?}"));
        }
        if self.bot.doubts() > 0 || !self.bot.is_reconciled() {
            return Err(format!("{} in doubt", self.bot.doubts()));
        }
        Ok(())
    }
}
