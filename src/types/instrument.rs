use core::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{AssetId, Grid, InstrumentId, Label, Timestamp, exact, small};
use super::{Classification, Classify};

/// What kind of contract an instrument is; it decides how value and cash move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum InstrumentKind {
    /// Shares, coins, currencies: cash moves by the whole value.
    Spot,
    /// A perpetual that is settled in the quote currency.
    LinearPerpetual,
    /// A perpetual of fixed quote value that is settled in the base coin.
    InversePerpetual,
    /// A dated future, settled in the quote currency.
    Future {
        /// Last moment of trading.
        expiry: Timestamp,
    },
    /// An option, premium paid in the quote currency.
    Option {
        /// Last moment of trading.
        expiry: Timestamp,
        /// Exercise price.
        #[serde(with = "exact")]
        strike: Decimal,
        /// Call or put.
        right: OptionRight,
    },
}

impl InstrumentKind {
    /// True where the whole value is paid in cash (spot, options): positions are worth their
    /// value; the others are worth their unrealised profit.
    #[inline]
    pub const fn is_paid_in_full(self) -> bool {
        match self {
            Self::Spot | Self::Option { .. } => true,
            Self::LinearPerpetual | Self::InversePerpetual | Self::Future { .. } => false,
        }
    }

    /// True where the value in the settlement coin goes with 1 / price.
    #[inline]
    pub const fn is_inverse(self) -> bool {
        match self {
            Self::InversePerpetual => true,
            Self::Spot | Self::LinearPerpetual | Self::Future { .. } | Self::Option { .. } => false,
        }
    }
}

/// The right that an option gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OptionRight {
    /// To buy.
    Call,
    /// To sell.
    Put,
}

/// A tradable instrument with the venue's rules; made with [`Instrument::spot`] and its
/// siblings, registered with [`Instruments::add`](super::Instruments::add).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct Instrument {
    /// Its place in the table.
    pub id: InstrumentId,
    /// Its name at the venue.
    pub symbol: Label,
    /// What kind of contract.
    pub kind: InstrumentKind,
    /// What is traded.
    pub base: AssetId,
    /// What prices are in.
    pub quote: AssetId,
    /// What profits are paid in.
    pub settlement: AssetId,
    /// Smallest price step of orders.
    #[serde(with = "exact")]
    pub tick: Decimal,
    /// Smallest quantity step of orders.
    #[serde(with = "exact")]
    pub step: Decimal,
    /// Smallest order quantity.
    #[serde(with = "exact")]
    pub min_quantity: Decimal,
    /// Smallest order value in the quote currency; zero for none.
    #[serde(with = "exact")]
    pub min_notional: Decimal,
    /// Units of base (linear) or quote (inverse) in one contract.
    #[serde(with = "exact")]
    pub multiplier: Decimal,
    /// Grid of the prices of the data series.
    pub price_grid: Grid,
    /// Grid of the volumes of the data series.
    pub volume_grid: Grid,
}

impl Instrument {
    /// A share, coin or currency: base against quote.
    ///
    /// Defaults: tick and step 0.01 and 1 for all kinds, no minimum, multiplier 1, data on the
    /// tick's grid. Everything can be set on the [`InstrumentBuilder`].
    ///
    /// ```
    /// use tradewright::types::{Instrument, Instruments};
    ///
    /// let mut table = Instruments::new();
    /// let spot = Instrument::spot("BTCUSDT", "BTC", "USDT").tick("0.01").step("0.00001");
    /// let id = table.add(spot)?;
    /// assert_eq!(table[id].symbol.as_str(), "BTCUSDT");
    /// # Ok::<(), tradewright::types::InstrumentError>(())
    /// ```
    pub fn spot(symbol: &str, base: &str, quote: &str) -> InstrumentBuilder {
        InstrumentBuilder::new(symbol, InstrumentKind::Spot, base, quote, quote)
    }

    /// A share that is priced in `currency`.
    pub fn stock(symbol: &str, currency: &str) -> InstrumentBuilder {
        Self::spot(symbol, symbol, currency)
    }

    /// A perpetual that is settled in its quote currency.
    pub fn linear_perpetual(symbol: &str, base: &str, quote: &str) -> InstrumentBuilder {
        InstrumentBuilder::new(symbol, InstrumentKind::LinearPerpetual, base, quote, quote)
    }

    /// A perpetual of fixed quote value that is settled in its base coin.
    pub fn inverse_perpetual(symbol: &str, base: &str, quote: &str) -> InstrumentBuilder {
        InstrumentBuilder::new(symbol, InstrumentKind::InversePerpetual, base, quote, base)
    }

    /// A dated future that is settled in its quote currency.
    pub fn future(symbol: &str, base: &str, quote: &str, expiry: Timestamp) -> InstrumentBuilder {
        InstrumentBuilder::new(symbol, InstrumentKind::Future { expiry }, base, quote, quote)
    }

    /// An option; the strike is decimal text such as `"105.5"`.
    pub fn option(
        symbol: &str,
        [base, quote]: [&str; 2],
        (right, strike): (OptionRight, &str),
        expiry: Timestamp,
    ) -> InstrumentBuilder {
        let parsed = Decimal::from_str_exact(strike);
        let kind =
            InstrumentKind::Option { expiry, strike: parsed.clone().unwrap_or_default(), right };
        let mut builder = InstrumentBuilder::new(symbol, kind, base, quote, quote);
        builder.set("strike", strike, |_, _| ());
        builder
    }

    /// The signed value of a signed quantity at a price, in the settlement currency:
    /// `quantity * multiplier * price`, and for inverse contracts
    /// `-quantity * multiplier / price`, so that value always rises with a long position's
    /// profit. `None` on overflow or at price zero.
    pub fn value(&self, quantity: Decimal, price: Decimal) -> Option<Decimal> {
        if self.is_plain() && !self.kind.is_inverse() && !quantity.is_zero() {
            return small::product(quantity, price);
        }
        self.value_by_units(quantity, price)
    }

    #[inline(never)]
    fn value_by_units(&self, quantity: Decimal, price: Decimal) -> Option<Decimal> {
        let units = self.units(quantity)?;
        if self.kind.is_inverse() {
            units.checked_div(price).map(|value| -value)
        } else {
            small::product(units, price)
        }
    }

    /// `quantity * multiplier`; most multipliers are one.
    #[inline]
    pub(crate) fn units(&self, quantity: Decimal) -> Option<Decimal> {
        if self.is_plain() && !quantity.is_zero() {
            return Some(quantity);
        }
        small::product(quantity, self.multiplier)
    }

    /// True where a unit of the instrument is one unit of what it is of.
    #[inline]
    fn is_plain(&self) -> bool {
        small::is_same(self.multiplier, Decimal::ONE)
    }

    /// [`Instrument::value`] in `f64`, for facts that are read on every mark.
    #[inline]
    pub fn value_f64(&self, size: f64, price: f64) -> f64 {
        let units = size * super::to_f64(self.multiplier);
        if self.kind.is_inverse() { -units / price } else { units * price }
    }

    /// Settlement currency per unit and price; negative, per unit over price, where the contract
    /// is inverse.
    pub(crate) fn price_scale(&self) -> f64 {
        let multiplier = super::to_f64(self.multiplier);
        if self.kind.is_inverse() { -multiplier } else { multiplier }
    }

    /// Quantity rounded towards zero to a whole number of steps.
    ///
    /// `None` on overflow.
    pub fn floor_to_step(&self, quantity: Decimal) -> Option<Decimal> {
        if small::is_multiple(quantity, self.step) {
            return Some(quantity.normalize());
        }
        let rest = quantity.checked_rem(self.step)?;
        // Without the zeros that a division leaves behind: books must not run out of digits.
        quantity.checked_sub(rest).map(|floored| floored.normalize())
    }

    /// Price rounded to the nearest tick, half away from zero; `None` on overflow.
    pub fn round_to_tick(&self, price: Decimal) -> Option<Decimal> {
        let ticks = price.checked_div(self.tick)?;
        let strategy = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
        ticks.round_dp_with_strategy(0, strategy).checked_mul(self.tick)
    }

    /// True when the price is a whole number of ticks.
    #[inline]
    pub fn is_on_tick(&self, price: Decimal) -> bool {
        small::is_multiple(price, self.tick)
    }

    /// True when the quantity is a whole number of steps.
    #[inline]
    pub fn is_on_step(&self, quantity: Decimal) -> bool {
        small::is_multiple(quantity, self.step)
    }
}

/// An instrument in the making; numbers are given as decimal text, so that they are exact.
#[derive(Clone, Debug)]
#[must_use = "an instrument exists once it was added to a table"]
pub struct InstrumentBuilder {
    instrument: Instrument,
    codes: [Label; 3],
    grid: Option<u8>,
    volume_digits: Option<u8>,
    fault: Option<InstrumentError>,
}

impl InstrumentBuilder {
    fn new(symbol: &str, kind: InstrumentKind, base: &str, quote: &str, settlement: &str) -> Self {
        let instrument = Instrument {
            id: InstrumentId::default(),
            symbol: Label::new(symbol),
            kind,
            base: AssetId::default(),
            quote: AssetId::default(),
            settlement: AssetId::default(),
            tick: Decimal::new(1, 2),
            step: Decimal::ONE,
            min_quantity: Decimal::ZERO,
            min_notional: Decimal::ZERO,
            multiplier: Decimal::ONE,
            price_grid: Grid::CENTS,
            volume_grid: Grid::UNITS,
        };
        let codes = [base, quote, settlement].map(Label::new);
        let mut builder = Self { instrument, codes, grid: None, volume_digits: None, fault: None };
        if symbol.is_empty() || symbol.len() > 31 {
            builder.fault = Some(InstrumentError::BadSymbol { symbol: symbol.to_owned() });
        }
        builder
    }

    /// Smallest price step of orders, above zero.
    pub fn tick(mut self, tick: &str) -> Self {
        self.set("tick", tick, |instrument, value| instrument.tick = value);
        self
    }

    /// Smallest quantity step of orders, above zero.
    pub fn step(mut self, step: &str) -> Self {
        self.set("step", step, |instrument, value| instrument.step = value);
        self
    }

    /// Smallest order quantity.
    pub fn min_quantity(mut self, quantity: &str) -> Self {
        self.set("min_quantity", quantity, |instrument, value| instrument.min_quantity = value);
        self
    }

    /// Smallest order value in the quote currency.
    pub fn min_notional(mut self, notional: &str) -> Self {
        self.set("min_notional", notional, |instrument, value| instrument.min_notional = value);
        self
    }

    /// Units of base (linear) or quote (inverse) in one contract, above zero.
    pub fn multiplier(mut self, multiplier: &str) -> Self {
        self.set("multiplier", multiplier, |instrument, value| instrument.multiplier = value);
        self
    }

    /// Decimals of the data series' prices, when finer than the tick (a mid price).
    pub const fn price_digits(mut self, digits: u8) -> Self {
        self.grid = Some(digits);
        self
    }

    /// Decimals of the data series' volumes, when finer than the step.
    pub const fn volume_digits(mut self, digits: u8) -> Self {
        self.volume_digits = Some(digits);
        self
    }

    /// Which of the two digits were set: prices, volumes.
    pub(crate) const fn digits_set(&self) -> [bool; 2] {
        [self.grid.is_some(), self.volume_digits.is_some()]
    }

    /// Fills in the digits that were not set, as found in the data. Prices stay at least as
    /// fine as the tick, so that an order's price is a point of the series' grid.
    pub(crate) fn infer_digits(&mut self, price: u8, volume: u8) {
        let tick = u8::try_from(self.instrument.tick.scale()).unwrap_or(Grid::MAX_DIGITS);
        self.grid.get_or_insert(price.max(tick.min(Grid::MAX_DIGITS)));
        self.volume_digits.get_or_insert(volume);
    }

    fn set(&mut self, what: &'static str, text: &str, put: fn(&mut Instrument, Decimal)) {
        match Decimal::from_str_exact(text) {
            Ok(value) if value > Decimal::ZERO => put(&mut self.instrument, value.normalize()),
            Ok(_) | Err(_) => {
                let text = text.chars().take(40).collect();
                self.fault.get_or_insert(InstrumentError::BadNumber { what, text });
            }
        }
    }

    pub(super) fn build(mut self) -> Result<(Instrument, [Label; 3]), InstrumentError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let symbol = self.instrument.symbol;
        let digits = |given: Option<u8>, step: Decimal| {
            let digits = given.unwrap_or_else(|| u8::try_from(step.scale()).unwrap_or(u8::MAX));
            Grid::new(digits.min(if given.is_some() { u8::MAX } else { Grid::MAX_DIGITS }))
                .map_err(|_| InstrumentError::BadGrid { symbol, digits })
        };
        self.instrument.price_grid = digits(self.grid, self.instrument.tick)?;
        self.instrument.volume_grid = digits(self.volume_digits, self.instrument.step)?;
        Ok((self.instrument, self.codes))
    }
}

impl fmt::Display for Instrument {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.symbol.fmt(formatter)
    }
}

/// Why an instrument was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InstrumentError {
    /// A number is no decimal above zero.
    #[error("{what} `{text}` is no decimal number above zero")]
    BadNumber {
        /// Which parameter.
        what: &'static str,
        /// The refused text.
        text: String,
    },
    /// A symbol must have 1 to 31 bytes.
    #[error("symbol `{symbol}` does not have 1 to 31 bytes")]
    BadSymbol {
        /// The refused symbol.
        symbol: String,
    },
    /// The data grid is finer than 15 decimals.
    #[error("{symbol}: a data grid of {digits} decimals is too fine, at most 15 are possible")]
    BadGrid {
        /// The instrument.
        symbol: Label,
        /// The refused number of decimals.
        digits: u8,
    },
    /// More ledger digits than large sums have room for.
    #[error("{digits} ledger digits are too many, at most 18 are possible")]
    BadLedgerDigits {
        /// The refused number.
        digits: u32,
    },
    /// The symbol is in the table already.
    #[error("symbol `{symbol}` is registered twice")]
    Duplicate {
        /// The refused symbol.
        symbol: Label,
    },
    /// The table cannot take more entries.
    #[error("the table of instruments is full")]
    TableFull,
}

impl Classify for InstrumentError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}
