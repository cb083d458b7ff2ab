//! The engine in front of the simulated venue, with fees, latency, slippage and thin volume.

use std::time::Duration;

use tradewright::backtest::{RunHash, Simulation, Timed};
use tradewright::engine::{Control, Input};
use tradewright::prelude::*;
use tradewright::sim::{Latency, SimVenue, Slippage};
use tradewright::types::{
    Acknowledgement, Adjustment, AdjustmentCause, AdjustmentKind, Funding, Halt, HaltCause,
    HaltLevel, HaltScope, Money, Print, Quote,
};

use super::puppet::{BOTH, PERP, Puppet, engine, instruments};
use super::watch::{Before, Watch, laws};
use super::{Random, Tally};

type Run = Simulation<Puppet, Watch>;

pub fn sequence(seed: u64) -> Result<(RunHash, Tally), String> {
    let mut random = Random::new(seed);
    let table = instruments();
    let mut config = SimConfig::default().with_seed(seed);
    if random.chance(40) {
        config = config.with_latency(Latency::Fixed(Duration::from_secs(random.below(120))));
    }
    if random.chance(40) {
        let rate = Decimal::new(1, 3);
        config = config.with_fees(FeeSchedule::flat(rate, rate));
    }
    if random.chance(30) {
        config = config.with_volume_share(0.01);
    }
    if random.chance(30) {
        config = config.with_slippage(Slippage::BasisPoints(10.0));
    }
    let venue = SimVenue::new(&table, config).map_err(|error| error.to_string())?;
    let mut run = Simulation::new(engine(seed), venue);
    let mut at = Timestamp::from_secs(1_700_000_000).unwrap();
    let mut tally = Tally::default();
    capital(&mut run, at, 100_000)?;
    let mut cents = [10_000_i64, 2_000];
    for _ in 0..random.between(20, 50) {
        at = at.after(Duration::from_secs(random.below(120)));
        tally.events += 1;
        let before = Before::of(run.engine());
        let place = random.below(2) as usize;
        match random.below(20) {
            0 => capital(&mut run, at, random.between(-500, 5_000))?,
            1 => control(&mut run, at, &mut random)?,
            2 => run.input(at, &Input::Time).map_err(|error| error.to_string())?,
            kind => {
                let event = market(kind, BOTH[place], &mut cents[place], &mut random);
                run.run(&[Timed { at, event }]).map_err(|error| error.to_string())?;
            }
        }
        laws(run.engine(), &before)?;
        for id in BOTH {
            let ours = run.engine().account().book().net(id).quantity;
            let theirs = run.venue().position(id).value();
            if ours != theirs {
                return Err(format!("broken law: positions agree: {ours}, venue {theirs}"));
            }
        }
    }
    let watch = run.sink();
    tally.orders = watch.placed.len() as u64;
    tally.fills = watch.booked.len() as u64;
    tally.stray = watch.stray;
    tally.halted = watch.halted;
    Ok((run.hash(), tally))
}

fn capital(run: &mut Run, at: Timestamp, amount: i64) -> Result<(), String> {
    let usd = run.engine().account().book().reporting();
    let kind = AdjustmentKind::Capital(Money::new(Decimal::from(amount), usd));
    let input = Input::Adjustment(Adjustment { cause: AdjustmentCause::Deposit, kind });
    run.input(at, &input).map_err(|error| error.to_string())
}

fn control(run: &mut Run, at: Timestamp, random: &mut Random) -> Result<(), String> {
    let scope = HaltScope::Account;
    let control = match random.below(3) {
        0 => Control::Halt(Halt::new(HaltCause::Operator, scope)),
        1 => Control::Halt(Halt {
            level: HaltLevel::Flattening,
            ..Halt::new(HaltCause::Operator, scope)
        }),
        _ => Control::Resume { scope, acknowledgement: Acknowledgement::Emergency },
    };
    run.input(at, &Input::Control(control)).map_err(|error| error.to_string())
}

fn market(
    kind: u64,
    instrument: InstrumentId,
    cents: &mut i64,
    random: &mut Random,
) -> MarketEvent {
    let open = *cents;
    *cents = (open + random.between(-150, 150)).max(500);
    let price = |cents: i64| cents as f64 / 100.0;
    match kind {
        3 => {
            let rate = random.between(-30, 30) as f64 / 10_000.0;
            MarketEvent::Funding(Funding { instrument: PERP, rate, mark: 20.0 })
        }
        4 => MarketEvent::Quote(Quote {
            instrument,
            bid: price(*cents - 1),
            bid_quantity: random.below(20) as f64,
            ask: price(*cents + 1),
            ask_quantity: random.below(20) as f64,
        }),
        5 => MarketEvent::Print(Print {
            instrument,
            price: price(*cents),
            quantity: 1.0 + random.below(20) as f64,
            taker: None,
        }),
        _ => {
            let [high, low] = [open.max(*cents) + 30, open.min(*cents) - 30];
            let ohlc = [open, high, low, *cents].map(price);
            let volume = random.below(2_000) as f64;
            MarketEvent::Bar(Bar::new(instrument, Period::MINUTE, ohlc, volume).unwrap())
        }
    }
}
