use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Deserialize;
use std::collections::BTreeMap;

use super::wire::{WireMarket, parse};
use crate::types::{Classification, Classify, Instrument, InstrumentBuilder};
use crate::venue::DecodeError;
use crate::venue::read::{decimal, number, word};

/// A perpetual of dYdX, with the units of its chain.
///
/// A quantity is a whole number of quantums, `size · 10^-atomic`, in steps; a price is a whole
/// number of subticks, `price · 10^(atomic - quantum_conversion + 6)`, in ticks. What lies
/// between two steps or ticks is refused: rounded, an order could silently grow.
///
/// ```
/// use tradewright::types::Decimal;
/// use tradewright::venue::dydx::decode_markets;
///
/// let body = br#"{"markets":{"BTC-USD":{"clobPairId":"0","ticker":"BTC-USD","status":"ACTIVE",
///     "oraclePrice":"118810","tickSize":"1","stepSize":"0.0001","atomicResolution":-10,
///     "quantumConversionExponent":-9,"stepBaseQuantums":1000000,"subticksPerTick":100000,
///     "initialMarginFraction":"0.02","maintenanceMarginFraction":"0.012"}}}"#;
/// let [bitcoin] = &decode_markets(body)?[..] else { panic!() };
/// assert_eq!(bitcoin.quantums("0.0001".parse()?), Ok(1_000_000));
/// assert_eq!(bitcoin.subticks(Decimal::from(118_810)), Ok(11_881_000_000));
/// assert!(bitcoin.quantums("0.00015".parse()?).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DydxMarket {
    /// The venue's name, `BTC-USD`.
    pub ticker: String,
    /// The number of its order book.
    pub clob_pair: u32,
    /// Whether it trades.
    pub status: DydxMarketStatus,
    /// Smallest step of prices.
    pub tick: Decimal,
    /// Smallest step of quantities.
    pub step: Decimal,
    /// Margin of a new position, as a share of its value.
    pub initial_margin: Decimal,
    /// Margin below which a position is closed by force, as a share of its value.
    pub maintenance_margin: Decimal,
    /// The power of ten of a quantum.
    pub atomic_resolution: i32,
    /// The power of ten between quantums of the base and of the quote.
    pub quantum_conversion_exponent: i32,
    /// Quantums of a step.
    pub step_base_quantums: u64,
    /// Subticks of a tick.
    pub subticks_per_tick: u64,
}

/// Whether a market trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DydxMarketStatus {
    /// It trades.
    Active,
    /// Nothing can be done.
    Paused,
    /// Orders can be cancelled.
    CancelOnly,
    /// Orders can be placed that take nothing.
    PostOnly,
    /// It opens soon.
    Initializing,
    /// It is over.
    FinalSettlement,
    /// A word that is not known here.
    Other,
}

/// Why a number has no place on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DydxUnitError {
    /// It lies between two steps or ticks.
    #[error("{value} lies between two multiples of {step}")]
    BetweenSteps {
        /// The refused number.
        value: Decimal,
        /// The step or tick.
        step: Decimal,
    },
    /// It is zero, negative or too large.
    #[error("{value} is not above zero, or has no place in 64 bits")]
    OutOfRange {
        /// The refused number.
        value: Decimal,
    },
}

impl Classify for DydxUnitError {
    fn classification(&self) -> Classification {
        Classification::INPUT
    }
}

/// The power of ten of a quantum of the quote, USDC.
const QUOTE_RESOLUTION: i32 = -6;

impl DydxMarket {
    /// The instrument, with the venue's name, USDC as its quote and the venue's grid.
    pub fn instrument(&self) -> InstrumentBuilder {
        let base = self.ticker.split('-').next().unwrap_or_default();
        Instrument::linear_perpetual(&self.ticker, base, "USDC")
            .tick(&self.tick.to_string())
            .step(&self.step.to_string())
            .min_quantity(&self.step.to_string())
    }

    /// A quantity in quantums.
    ///
    /// # Errors
    /// [`DydxUnitError`] for what is not above zero, lies between two steps or does not fit.
    pub fn quantums(&self, quantity: Decimal) -> Result<u64, DydxUnitError> {
        let exponent = self.atomic_resolution.checked_neg();
        units(quantity, self.step, exponent, self.step_base_quantums)
    }

    /// A price in subticks.
    ///
    /// # Errors
    /// [`DydxUnitError`] for what is not above zero, lies between two ticks or does not fit.
    pub fn subticks(&self, price: Decimal) -> Result<u64, DydxUnitError> {
        units(price, self.tick, self.price_exponent(), self.subticks_per_tick)
    }

    /// Quantums as a quantity; none where it has more than 28 digits.
    pub fn quantity(&self, quantums: u64) -> Option<Decimal> {
        shifted(Decimal::from(quantums), self.atomic_resolution)
    }

    /// Subticks as a price; none where it has more than 28 digits.
    pub fn price(&self, subticks: u64) -> Option<Decimal> {
        shifted(Decimal::from(subticks), self.price_exponent()?.checked_neg()?)
    }

    fn price_exponent(&self) -> Option<i32> {
        let difference = self.atomic_resolution.checked_sub(self.quantum_conversion_exponent)?;
        difference.checked_sub(QUOTE_RESOLUTION)
    }
}

fn units(
    value: Decimal,
    step: Decimal,
    exponent: Option<i32>,
    per_step: u64,
) -> Result<u64, DydxUnitError> {
    let out_of_range = DydxUnitError::OutOfRange { value };
    if value <= Decimal::ZERO {
        return Err(out_of_range);
    }
    let shifted = exponent.and_then(|exponent| shifted(value, exponent)).ok_or(out_of_range)?;
    if !shifted.is_integer() {
        return Err(DydxUnitError::BetweenSteps { value, step });
    }
    let units = shifted.to_u64().ok_or(out_of_range)?;
    match units.checked_rem(per_step) {
        Some(0) => Ok(units),
        Some(_) | None => Err(DydxUnitError::BetweenSteps { value, step }),
    }
}

/// `value · 10^exponent`, exactly.
fn shifted(value: Decimal, exponent: i32) -> Option<Decimal> {
    let power = 10_u64.checked_pow(exponent.unsigned_abs())?;
    let power = Decimal::from(power);
    if exponent >= 0 {
        return value.checked_mul(power);
    }
    let divided = value.checked_div(power)?;
    (divided.checked_mul(power)? == value).then(|| divided.normalize())
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    markets: BTreeMap<&'a str, WireMarket<'a>>,
}

/// Reads the answer to `GET /v4/perpetualMarkets`.
///
/// # Errors
/// [`DecodeError`].
pub fn decode_markets(bytes: &[u8]) -> Result<Vec<DydxMarket>, DecodeError> {
    let body: Body<'_> = parse(WHAT, bytes)?;
    body.markets.iter().map(|(ticker, wire)| market(ticker, wire)).collect()
}

const WHAT: &str = "perpetualMarkets";

fn market(ticker: &str, wire: &WireMarket<'_>) -> Result<DydxMarket, DecodeError> {
    let missing = |field| DecodeError::Missing { what: WHAT, field };
    let exact = |field: &'static str, text: Option<&str>| {
        decimal(WHAT, field, text.ok_or_else(|| missing(field))?)
    };
    let above_zero = |field: &'static str, text: Option<&str>| match exact(field, text) {
        Ok(value) if value <= Decimal::ZERO => Err(number(WHAT, field, &value.to_string())),
        other => other,
    };
    let pair = wire.clob_pair_id.ok_or_else(|| missing("clobPairId"))?;
    let status = match wire.status.ok_or_else(|| missing("status"))? {
        "" => return Err(word(WHAT, "status", "")),
        "ACTIVE" => DydxMarketStatus::Active,
        "PAUSED" => DydxMarketStatus::Paused,
        "CANCEL_ONLY" => DydxMarketStatus::CancelOnly,
        "POST_ONLY" => DydxMarketStatus::PostOnly,
        "INITIALIZING" => DydxMarketStatus::Initializing,
        "FINAL_SETTLEMENT" => DydxMarketStatus::FinalSettlement,
        _ => DydxMarketStatus::Other,
    };
    Ok(DydxMarket {
        ticker: ticker.to_owned(),
        clob_pair: pair.parse().map_err(|_| number(WHAT, "clobPairId", pair))?,
        status,
        tick: above_zero("tickSize", wire.tick_size)?,
        step: above_zero("stepSize", wire.step_size)?,
        initial_margin: exact("initialMarginFraction", wire.initial_margin_fraction)?,
        maintenance_margin: exact("maintenanceMarginFraction", wire.maintenance_margin_fraction)?,
        atomic_resolution: wire.atomic_resolution.ok_or_else(|| missing("atomicResolution"))?,
        quantum_conversion_exponent: wire
            .quantum_conversion_exponent
            .ok_or_else(|| missing("quantumConversionExponent"))?,
        step_base_quantums: wire.step_base_quantums.ok_or_else(|| missing("stepBaseQuantums"))?,
        subticks_per_tick: wire.subticks_per_tick.ok_or_else(|| missing("subticksPerTick"))?,
    })
}
