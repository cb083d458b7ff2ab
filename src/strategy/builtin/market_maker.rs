use core::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::strategy::parameter::parameters;
use crate::strategy::saved::Identity;
use crate::strategy::{
    Advice, BadParameter, BuildError, Event, ParameterKind, Parameters, QuoteSize, Strategy,
    StrategyContext,
};
use crate::types::{
    Facts, Grid, Instrument, InstrumentId, MarketEvent, Price, Purpose, Qty, Side, State,
    StateError, Timestamp, exact, to_f64,
};

use super::per_instrument::PerInstrument;

parameters! {
    /// Parameters of [`MarketMaker`].
    pub struct MarketMakerParameters {
        /// Quantity of each quote; the lot in which inventory is counted.
        #[serde(with = "exact")]
        pub quantity: Decimal = Decimal::ONE, ParameterKind::Quantity;
        /// Lots, long or short, from which on the side that adds to them is not quoted.
        pub max_inventory: f64 = 5.0, ParameterKind::Positive { maximum: 1e6 };
        /// Aversion to inventory risk (gamma), per basis point of price and lot.
        pub risk_aversion: f64 = 0.1, ParameterKind::Positive { maximum: 1e3 };
        /// How fast fills get rarer with the distance from the middle (kappa), per basis point.
        pub arrival_decay: f64 = 0.5, ParameterKind::Positive { maximum: 1e3 };
        /// Seconds over which inventory risk is looked at (tau).
        pub horizon_seconds: f64 = 10.0, ParameterKind::Positive { maximum: 1e6 };
        /// Half-life of the volatility estimate in seconds.
        pub half_life_seconds: f64 = 60.0, ParameterKind::Positive { maximum: 1e6 };
        /// Volatility samples, one per second, before the first quote.
        pub warmup_samples: u32 = 30, ParameterKind::Count { minimum: 1, maximum: 1_000_000 };
        /// Least distance of a quote from its centre, in basis points.
        pub min_half_spread_bps: f64 = 0.5, ParameterKind::Positive { maximum: 5000.0 };
        /// A quote is moved when its best price lies so many ticks away from it.
        pub requote_ticks: u32 = 1, ParameterKind::Count { minimum: 1, maximum: 1_000_000 };
    }
}

/// `MARKET_MAKER`: quotes both sides around a price that leans against its inventory.
///
/// With inventory n in lots, variance v of the middle price in squared basis points per second,
/// horizon tau, aversion gamma and decay kappa: centre = middle - n * gamma * v * tau, and each
/// side quotes gamma * v * tau / 2 + ln(1 + gamma / kappa) / gamma away from it, in basis points of
/// the middle. The horizon rolls, as in markets that never close. Quotes are on the tick, never
/// cross the market and rest with their full quantity; at `max_inventory` the side that would add
/// is taken back. Source: Avellaneda and Stoikov (2008).
///
/// It looks at quotes and books only, never at bars: a bar does not say what would have filled.
/// The model knows no fees: `min_half_spread_bps` has to be above them.
#[derive(Clone, Debug)]
pub struct MarketMaker {
    identity: Identity,
    parameters: MarketMakerParameters,
    lanes: PerInstrument<Lane>,
}

impl MarketMaker {
    /// Its name in the registry.
    pub const NAME: &'static str = "MARKET_MAKER";

    /// A strategy for the instruments of the context's universe.
    ///
    /// # Errors
    /// [`BuildError::Parameter`] names the parameter and what is allowed;
    /// [`BuildError::Universe`] without an instrument.
    pub fn new(
        parameters: MarketMakerParameters,
        context: &StrategyContext<'_>,
    ) -> Result<Self, BuildError> {
        parameters.check()?;
        let identity = Identity::of(Self::NAME, &parameters);
        let quantity = parameters.quantity;
        let lanes = PerInstrument::new(context, |instrument| {
            if !instrument.is_on_step(quantity) {
                let step = format!("multiples of {}'s step {}", instrument.symbol, instrument.step);
                return Err(BadParameter::new("quantity", quantity, step).into());
            }
            Ok(Lane::default())
        })?;
        Ok(Self { identity, parameters, lanes })
    }
}

impl State for MarketMaker {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        self.identity.save(&self.lanes)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        self.lanes.take_over(self.identity.read(state)?)
    }
}

impl Strategy for MarketMaker {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn warmup(&self) -> usize {
        self.parameters.warmup_samples as usize + 1
    }

    fn on_event(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) {
        let instrument = match event {
            Event::Market(MarketEvent::Quote(quote)) => {
                self.on_top(quote.instrument, [quote.bid, quote.ask], facts)
            }
            Event::Market(MarketEvent::Book(book)) => {
                let (Some(bid), Some(ask)) = (book.bids.first(), book.asks.first()) else { return };
                self.on_top(book.instrument, [bid.price, ask.price], facts)
            }
            // A fill has changed the inventory: what it asks for cannot wait for the next quote.
            Event::Fill(fill) if fill.purpose == Purpose::Quote => fill.instrument,
            Event::Fill(_) | Event::Refused { .. } => return,
            Event::Market(_) | Event::Wake | Event::Adjusted(_) => return,
        };
        self.quote(instrument, facts, advice);
    }
}

impl MarketMaker {
    fn on_top(&mut self, id: InstrumentId, top: [f64; 2], facts: &Facts<'_>) -> InstrumentId {
        if let Some(lane) = self.lanes.find(id) {
            lane.on_top(facts.at, top, self.parameters.half_life_seconds);
        }
        id
    }

    fn quote(&mut self, id: InstrumentId, facts: &Facts<'_>, advice: &mut Advice) {
        let (Some(lane), Some(instrument)) = (self.lanes.find(id), facts.instruments.get(id))
        else {
            return;
        };
        let parameters = &self.parameters;
        let Some(top) = lane.top.filter(|_| lane.samples >= parameters.warmup_samples) else {
            return;
        };
        let lots = facts.position(id).size / to_f64(parameters.quantity);
        let prices = prices(parameters, lane.variance, lots, top, instrument);
        for (side, price) in [Side::Buy, Side::Sell].into_iter().zip(prices) {
            // At most a few thousand instruments: twice an id is a key of its own.
            let key = id.0.wrapping_mul(2).wrapping_add(u32::from(side == Side::Sell));
            let Some(quoted) = lane.quoted.get_mut(usize::from(side == Side::Sell)) else { return };
            match price {
                None if quoted.take().is_some() => advice.pull(key),
                None => {}
                Some(price) if is_near(*quoted, price, parameters.requote_ticks, instrument) => {}
                Some(price) => {
                    *quoted = Some(price);
                    advice.quote(
                        key,
                        side,
                        price,
                        QuoteSize::Resting(Qty::new(parameters.quantity)),
                    );
                }
            }
        }
    }
}

/// Bid and offer of the model; `None` for a side that is not to be quoted.
fn prices(
    parameters: &MarketMakerParameters,
    variance: f64,
    lots: f64,
    [bid, ask]: [f64; 2],
    instrument: &Instrument,
) -> [Option<Price>; 2] {
    let &MarketMakerParameters { risk_aversion, arrival_decay, horizon_seconds, .. } = parameters;
    let risk = risk_aversion * variance * horizon_seconds;
    let width = risk / 2.0 + libm::log1p(risk_aversion / arrival_decay) / risk_aversion;
    // Comparisons that fail for NaN leave a side unquoted below: no price comes of it.
    let half =
        if width < parameters.min_half_spread_bps { parameters.min_half_spread_bps } else { width };
    let middle = f64::midpoint(bid, ask);
    let at = |distance_bps: f64| middle * (1.0 + (distance_bps - lots * risk) / 1e4);
    let tick = to_f64(instrument.tick);
    let (best_bid, best_ask) = (bid + tick, ask - tick);
    let (low, high) = (at(-half), at(half));
    let low = if low < best_ask { low } else { best_ask };
    let high = if high > best_bid { high } else { best_bid };
    let buy = (lots < parameters.max_inventory).then(|| on_tick(low, Side::Buy, instrument));
    let sell = (lots > -parameters.max_inventory).then(|| on_tick(high, Side::Sell, instrument));
    [buy.flatten(), sell.flatten()]
}

/// The tick at or below for a bid, at or above for an offer.
fn on_tick(value: f64, side: Side, instrument: &Instrument) -> Option<Price> {
    let digits = u8::try_from(instrument.tick.scale()).ok()?.saturating_add(3);
    let near = Grid::new(digits.min(Grid::MAX_DIGITS)).ok()?.nearest(value)?;
    let ticks = near.checked_div(instrument.tick)?;
    let whole = match side {
        Side::Buy => ticks.floor(),
        Side::Sell => ticks.ceil(),
    };
    Price::new(whole.checked_mul(instrument.tick)?).ok()
}

fn is_near(quoted: Option<Price>, price: Price, ticks: u32, instrument: &Instrument) -> bool {
    let Some(quoted) = quoted else { return false };
    let distance = quoted.value().checked_sub(price.value()).map(|distance| distance.abs());
    let limit = instrument.tick.checked_mul(Decimal::from(ticks));
    matches!((distance, limit), (Some(distance), Some(limit)) if distance < limit)
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Lane {
    /// Best bid and offer.
    top: Option<[f64; 2]>,
    /// The middle price at the last volatility sample.
    sampled: Option<(Timestamp, f64)>,
    /// Squared basis points per second.
    variance: f64,
    samples: u32,
    /// The bid and the offer that rest.
    quoted: [Option<Price>; 2],
}

/// More often, and the bounce between bid and offer would pass for volatility.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

impl Lane {
    fn on_top(&mut self, at: Timestamp, [bid, ask]: [f64; 2], half_life_seconds: f64) {
        if !(0.0 < bid && bid <= ask && ask < f64::INFINITY) {
            return;
        }
        self.top = Some([bid, ask]);
        let middle = f64::midpoint(bid, ask);
        let Some((then, before)) = self.sampled else {
            self.sampled = Some((at, middle));
            return;
        };
        let passed = at.since(then);
        if passed < SAMPLE_EVERY {
            return;
        }
        let seconds = passed.as_secs_f64();
        let change_bps = (middle / before - 1.0) * 1e4;
        let sample = change_bps * change_bps / seconds;
        let weight = 1.0 - libm::exp2(-seconds / half_life_seconds);
        self.variance = if self.samples == 0 {
            sample
        } else {
            self.variance + weight * (sample - self.variance)
        };
        self.samples = self.samples.saturating_add(1);
        self.sampled = Some((at, middle));
    }
}
