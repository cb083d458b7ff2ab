use crate::backtest::{Digest, RunHash, Simulation, Timed};
use crate::engine::{Engine, SlotConfig};
use crate::metrics::Tee;
use crate::sim::{SimConfig, SimVenue};
use crate::strategy::{Advice, Advised, Event, Strategy};
use crate::testkit::inputs::{BarShape, bars, unsound_bars};
use crate::testkit::{BrokenLaw, Fault, Suite};
use crate::types::{
    Bar, Confidence, FactBook, Facts, Grid, Instrument, InstrumentId, Instruments, MarketEvent,
    SlotId, StateError, Timestamp,
};

const DETERMINED: &str = "the same events give the same advice";
const RESTORED: &str = "a restored strategy goes on as the saved one";
const FUTURE: &str = "the future does not change the past";
const WARMUP: &str = "nothing is said before the warm-up is over";
const CONFIDENT: &str = "a confidence is a number from 0 to 1, a price is above zero";
const UNSOUND: &str = "unsound data are refused and leave no trace";
const RUNS: &str = "an engine takes the strategy";

/// The two instruments that strategies are shown, bar by bar in turn.
const SHOWN: [InstrumentId; 2] = [InstrumentId(0), InstrumentId(1)];

/// Whole runs of an engine are dearer than strategies alone.
const MOST_RUNS: u32 = 32;

/// A stretch of bars of both instruments.
type Series = Vec<(Timestamp, Bar)>;

/// What a strategy said at one event: its items, or its failure.
type Said = Result<Vec<Advised>, String>;

impl Suite {
    /// The laws of [`Strategy`] on drawn bars, gappy, flat and with outliers: the same events
    /// give the same advice, a saved state goes on alike, the future does not change the past,
    /// nothing is said before the warm-up is over, confidences are fractions, and what the
    /// engine refuses as unsound leaves no trace.
    ///
    /// `build` makes the strategy for a table of two shares, `ONE` and `TWO` in USD with prices
    /// in cents; a strategy without a saved form (one made of a closure) is not asked to be
    /// restored.
    ///
    /// ```
    /// use tradewright::strategy::from_fn;
    /// use tradewright::testkit::Suite;
    /// use tradewright::types::Confidence;
    ///
    /// // It remembers what happened in other runs.
    /// let runs = std::sync::atomic::AtomicU32::new(0);
    /// let leaky = |_: &_| {
    ///     let before = runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    ///     from_fn("LEAKY", move |_, _, advice| {
    ///         if before % 2 == 0 {
    ///             advice.buy(Confidence::FULL);
    ///         }
    ///     })
    /// };
    /// let broken = Suite::new().strategy(leaky).unwrap_err();
    /// assert_eq!(broken.law(), "the same events give the same advice");
    /// ```
    ///
    /// # Errors
    /// [`BrokenLaw`].
    pub fn strategy<S: Strategy + 'static>(
        &self,
        build: impl Fn(&Instruments) -> S,
    ) -> Result<(), BrokenLaw> {
        let table = shares();
        let name = build(&table).name().to_owned();
        let build = || build(&table);
        let series = |length| bars(SHOWN[0], Grid::CENTS, BarShape::Mixed, length);
        let inputs = (series(1..160), series(1..160), proptest::bits::usize::between(0, 8));
        self.check(&name, &inputs, |(first, second, cut)| {
            let (one, two) = (interleave(first), interleave(second));
            let cut = cut % one.len().min(two.len());
            laws(&build, &one, &two, cut)
        })?;
        let bad = proptest::collection::vec(unsound_bars(SHOWN[0]), 1..6);
        let runs = self.cases_at_most(MOST_RUNS);
        runs.check(&name, &(series(40..200), bad), |(series, bad)| {
            let (clean, dirty) = (run(&build, series, &[])?, run(&build, series, bad)?);
            Fault::unless(clean == dirty, UNSOUND, || format!("{dirty}, not {clean}"))
        })
    }
}

fn shares() -> Instruments {
    let mut table = Instruments::new();
    for symbol in ["ONE", "TWO"] {
        // Sound as it is written.
        let _ = table.add(Instrument::stock(symbol, "USD"));
    }
    table
}

/// Every second bar belongs to the second instrument, at twice the price.
fn interleave(series: &[(Timestamp, Bar)]) -> Series {
    let mut both = Vec::with_capacity(series.len().saturating_mul(2));
    for (at, bar) in series {
        both.push((*at, *bar));
        let [open, high, low, close] = [bar.open, bar.high, bar.low, bar.close].map(|p| p * 2.0);
        both.push((*at, Bar { instrument: SHOWN[1], open, high, low, close, ..*bar }));
    }
    both
}

fn laws<S: Strategy>(
    build: &impl Fn() -> S,
    one: &Series,
    two: &Series,
    cut: usize,
) -> Result<(), Fault> {
    let mut strategy = build();
    let warmup = strategy.warmup();
    let said = listen(&mut strategy, one);
    let again = listen(&mut build(), one);
    differ(DETERMINED, &again, &said)?;
    sound(&said, one, warmup)?;

    // Another future after the same past.
    let mut other: Series = one.iter().take(cut).copied().collect();
    let end = other.last().map_or(Timestamp::EPOCH, |(at, _)| *at);
    other.extend(two.iter().map(|(at, bar)| ((*at).max(end), *bar)));
    let past = listen(&mut build(), &other);
    differ(FUTURE, &past[..cut], &said[..cut])?;

    let mut halfway = build();
    listen(&mut halfway, &one[..cut]);
    let saved = match halfway.save() {
        Ok(saved) => saved,
        Err(StateError::Unwritable(_)) => return Ok(()),
        Err(error) => return Err(Fault::new(RESTORED, error.to_string())),
    };
    let mut restored = build();
    restored.restore(&saved).map_err(|error| Fault::new(RESTORED, error.to_string()))?;
    differ(RESTORED, &listen(&mut restored, &one[cut..]), &said[cut..])
}

/// Shows a strategy bars alone and writes down what it says.
fn listen<S: Strategy>(strategy: &mut S, series: &[(Timestamp, Bar)]) -> Vec<Said> {
    let (table, book, mut advice) = (shares(), FactBook::default(), Advice::new());
    let mut said = Vec::with_capacity(series.len());
    for (at, bar) in series {
        advice.begin(bar.instrument);
        let facts = Facts::new(*at, SlotId(1), &table, &book);
        strategy.on_event(&Event::Market(&MarketEvent::Bar(*bar)), &facts, &mut advice);
        said.push(match advice.error() {
            Some(error) => Err(error.to_string()),
            None => Ok(advice.items().to_vec()),
        });
    }
    said
}

fn differ(law: &'static str, told: &[Said], expected: &[Said]) -> Result<(), Fault> {
    let place = told.iter().zip(expected).position(|(told, expected)| told != expected);
    let Some(index) = place else {
        return Fault::unless(told.len() == expected.len(), law, || "another length".to_owned());
    };
    let found = format!("at event {index} {:?}, not {:?}", told[index], expected[index]);
    Err(Fault::new(law, found))
}

fn sound(said: &[Said], series: &Series, warmup: usize) -> Result<(), Fault> {
    let mut seen = 0_usize;
    for (index, (said, (_, bar))) in said.iter().zip(series).enumerate() {
        seen = seen.saturating_add(usize::from(bar.instrument == SHOWN[0]));
        for item in said.iter().flatten() {
            let is_sound = match item {
                Advised::Signal(signal) | Advised::Entry { signal, .. } => {
                    let early = || format!("{item:?} at event {index}, warm-up {warmup}");
                    Fault::unless(seen >= warmup, WARMUP, early)?;
                    Confidence::new(signal.confidence.value()).is_ok()
                }
                Advised::Quote { price, .. } => price.value().is_sign_positive(),
                Advised::Target { .. }
                | Advised::Together(..)
                | Advised::Pull(_)
                | Advised::CancelAll
                | Advised::WakeAt(_)
                | Advised::Execute { .. } => true,
            };
            Fault::unless(is_sound, CONFIDENT, || format!("{item:?} at event {index}"))?;
        }
    }
    Ok(())
}

/// The hash of a run in which unsound bars come between the sound ones.
fn run<S: Strategy + 'static>(
    build: &impl Fn() -> S,
    series: &Series,
    bad: &[Bar],
) -> Result<RunHash, Fault> {
    let table = shares();
    let fault = |error: &dyn core::fmt::Display| Fault::new(RUNS, error.to_string());
    let usd = table.find_asset("USD").unwrap_or_default();
    let strategy: Box<dyn Strategy> = Box::new(build());
    let sink = Tee(Digest::new(), ());
    let engine = Engine::builder(table.clone(), usd)
        .slot(SlotConfig::new(strategy))
        .sink(sink)
        .build()
        .map_err(|error| fault(&error))?;
    let venue = SimVenue::new(&table, SimConfig::default()).map_err(|error| fault(&error))?;
    let mut simulation = Simulation::new(engine, venue);
    for (index, (at, bar)) in series.iter().enumerate() {
        let timed = |bar: Bar| [Timed { at: *at, event: MarketEvent::Bar(bar) }];
        if let Some(bad) = bad.get(index % 7) {
            let refused = simulation.run(&timed(*bad)).is_err();
            Fault::unless(refused, UNSOUND, || format!("{bad:?} was taken"))?;
        }
        simulation.run(&timed(*bar)).map_err(|error| fault(&error))?;
    }
    Ok(simulation.hash())
}
