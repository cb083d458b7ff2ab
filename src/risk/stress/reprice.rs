use super::scenario::{Quotes, is_option, rate_source};
use super::{Repricing, StressError, StressResult, StressScenario, StressedPosition};
use crate::math::{black_implied_deviation, black_value};
use crate::types::{
    AssetId, Facts, Instrument, InstrumentId, InstrumentKind, MarkFact, OptionRight, PositionFacts,
    to_f64,
};

/// A year of 365 days, in seconds.
const YEAR_SECS: f64 = 31_536_000.0;

impl StressScenario {
    /// Reprices the net positions of the account and its cash.
    ///
    /// Working orders do not fill, nothing is liquidated, and no time passes.
    ///
    /// # Errors
    /// [`StressError`]: equity, a mark, a rate or a beta is missing, or a stressed value is no
    /// number.
    pub fn apply(&self, facts: &Facts<'_>) -> Result<StressResult, StressError> {
        let equity_before = facts.equity();
        if !(equity_before > 0.0 && equity_before.is_finite()) {
            return Err(StressError::NoEquity { equity: equity_before });
        }
        let mut positions = Vec::new();
        for (entry, position) in facts.instruments.iter().zip(facts.book.nets()) {
            if !position.is_flat() {
                positions.push(self.reprice(entry, position, facts)?);
            }
        }
        let cash_profit = self.revalue_cash(facts)?;
        let profit = cash_profit + positions.iter().map(|entry| entry.profit).sum::<f64>();
        let gross = positions.iter().map(|entry| entry.stressed_value.abs()).sum::<f64>();
        let equity = equity_before + profit;
        let drawdown = if profit < 0.0 { -profit / equity_before } else { 0.0 };
        Ok(StressResult {
            scenario: self.name(),
            equity_before,
            equity,
            profit,
            cash_profit,
            drawdown,
            gross,
            leverage: (equity > 0.0).then(|| gross / equity),
            positions,
        })
    }

    fn reprice(
        &self,
        entry: &Instrument,
        position: &PositionFacts,
        facts: &Facts<'_>,
    ) -> Result<StressedPosition, StressError> {
        let instrument = entry.id;
        let mark = mark(entry, facts)?;
        let (stressed_price, repricing) = self.stressed_price(entry, mark.price, facts)?;
        let stressed_rate = mark.rate * (1.0 + self.asset_shock(entry.settlement, facts)?);
        let value = entry.value_f64(position.size, mark.price);
        let stressed_value = entry.value_f64(position.size, stressed_price);
        // What is not paid in full is worth its profit over its cost.
        let cost = if entry.kind.is_paid_in_full() { 0.0 } else { to_f64(position.cost) };
        let profit = (stressed_value - cost) * stressed_rate - (value - cost) * mark.rate;
        if !profit.is_finite() || !(stressed_price >= 0.0) {
            return Err(StressError::NoValue { instrument, price: stressed_price });
        }
        let directed = |value: f64, rate: f64| position.size.signum() * (value * rate).abs();
        Ok(StressedPosition {
            instrument,
            size: position.size,
            price: mark.price,
            stressed_price,
            value: directed(value, mark.rate),
            stressed_value: directed(stressed_value, stressed_rate),
            profit,
            repricing,
        })
    }

    fn stressed_price(
        &self,
        entry: &Instrument,
        price: f64,
        facts: &Facts<'_>,
    ) -> Result<(f64, Repricing), StressError> {
        if is_option(entry.kind)
            && let Some((underlying, spot)) = underlying(entry, facts)
        {
            let stressed_spot = self.moved(underlying, spot)?;
            return Ok(self.option(entry, price, (underlying, spot, stressed_spot), facts));
        }
        let repricing = match entry.kind {
            InstrumentKind::InversePerpetual => Repricing::Inverse,
            InstrumentKind::Option { .. } => Repricing::OwnPrice,
            InstrumentKind::Spot
            | InstrumentKind::LinearPerpetual
            | InstrumentKind::Future { .. } => Repricing::Linear,
        };
        Ok((self.moved(entry.id, price)?, repricing))
    }

    fn moved(&self, instrument: InstrumentId, price: f64) -> Result<f64, StressError> {
        let shock = self.price_shock(instrument).ok_or(StressError::NoBeta { instrument })?;
        Ok(price * (1.0 + shock))
    }

    fn option(
        &self,
        entry: &Instrument,
        price: f64,
        (underlying, spot, stressed_spot): (InstrumentId, f64, f64),
        facts: &Facts<'_>,
    ) -> (f64, Repricing) {
        let InstrumentKind::Option { expiry, strike, right } = entry.kind else {
            return (price, Repricing::OwnPrice);
        };
        let (is_call, strike) = (right == OptionRight::Call, to_f64(strike));
        let years = expiry.since(facts.at).as_secs_f64() / YEAR_SECS;
        let implied = black_implied_deviation(is_call, spot, strike, price);
        let Some(deviation) = implied.filter(|_| years > 0.0) else {
            let exercise = |spot: f64| black_value(is_call, spot, strike, 0.0);
            let moved = price + exercise(stressed_spot) - exercise(spot);
            let price = if moved < 0.0 { 0.0 } else { moved };
            return (price, Repricing::Intrinsic { underlying });
        };
        let stress = 1.0 + self.volatility_shock(entry.id, underlying);
        let stressed_price = black_value(is_call, stressed_spot, strike, deviation * stress);
        let implied_volatility = deviation / years.sqrt();
        let stressed_volatility = implied_volatility * stress;
        let repricing =
            Repricing::BlackScholes { underlying, implied_volatility, stressed_volatility };
        (stressed_price, repricing)
    }

    /// What cash in other currencies gains.
    fn revalue_cash(&self, facts: &Facts<'_>) -> Result<f64, StressError> {
        let mut profit = 0.0;
        for index in 0..facts.instruments.assets().len() {
            let asset = AssetId(index as u16);
            let cash = facts.book.cash(asset);
            if asset != facts.book.reporting() && !cash.is_zero() {
                let rate = rate(asset, facts).ok_or(StressError::NoRate { asset })?;
                profit += to_f64(cash) * rate * self.asset_shock(asset, facts)?;
            }
        }
        Ok(profit)
    }
}

/// The mark of a position; its rate is 1 where no conversion is needed.
fn mark(entry: &Instrument, facts: &Facts<'_>) -> Result<MarkFact, StressError> {
    let missing = StressError::NoMark { instrument: entry.id };
    let mut mark = *facts.book.mark(entry.id).ok_or(missing)?;
    if entry.settlement == facts.book.reporting() {
        mark.rate = 1.0;
    }
    if mark.rate > 0.0 && mark.rate.is_finite() { Ok(mark) } else { Err(missing) }
}

/// The marked instrument that an option is written on, and its price.
fn underlying(option: &Instrument, facts: &Facts<'_>) -> Option<(InstrumentId, f64)> {
    let rank = |kind: InstrumentKind| match kind {
        InstrumentKind::Spot => 0,
        InstrumentKind::LinearPerpetual => 1,
        InstrumentKind::InversePerpetual => 2,
        InstrumentKind::Future { .. } => 3,
        InstrumentKind::Option { .. } => 4,
    };
    let quotes = facts.instruments.iter().filter(|entry| {
        (entry.base, entry.quote) == (option.base, option.quote) && !is_option(entry.kind)
    });
    let marked = quotes.filter_map(|entry| Some((entry, facts.mark(entry.id)?)));
    let (entry, price) = marked.min_by_key(|(entry, _)| rank(entry.kind))?;
    Some((entry.id, price))
}

/// Reporting currency per unit of an asset, from the marks.
fn rate(asset: AssetId, facts: &Facts<'_>) -> Option<f64> {
    let settled = facts.instruments.iter().filter(|entry| entry.settlement == asset);
    let rates = settled.filter_map(|entry| facts.book.mark(entry.id)).map(|mark| mark.rate);
    let quoted = rate_source(asset, facts.book.reporting(), facts.instruments)
        .and_then(|(id, quotes)| Some((facts.mark(id)?, quotes)))
        .map(|(price, quotes)| match quotes {
            Quotes::Asset => price,
            Quotes::Reporting => 1.0 / price,
        });
    quoted.into_iter().chain(rates).find(|rate| *rate > 0.0 && rate.is_finite())
}
