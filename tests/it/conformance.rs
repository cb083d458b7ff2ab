//! The crate's own parts go through the conformance suites that it gives to hosts.

use std::time::Duration;

use chrono_tz::Tz;
use proptest::prelude::Strategy as Draw;
use tradewright::account::{Ledger, LedgerConfig, LotMethod, PositionMode};
use tradewright::backtest::{Collector, Digest, Sampling};
use tradewright::math::*;
use tradewright::metrics::Tee;
use tradewright::order::OrderBook;
use tradewright::risk::*;
use tradewright::strategy::{StrategyContext, StrategyRegistry};
use tradewright::testkit::inputs::{self, BarShape};
use tradewright::testkit::{BrokenLaw, Suite};
use tradewright::types::{
    DayBoundary, Decimal, Grid, HaltScope, InstrumentId, Instruments, SlotId,
};

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

type Outcome = Result<(), BrokenLaw>;

/// A suite whose own laws are tried on fewer cases, where a run has dozens of subjects.
fn suite() -> Suite {
    Suite::new().cases(48)
}

/// Bars on a grid of so many digits: prices from a hundred-thousandth to a million.
fn ohlcv(digits: u8) -> impl Draw<Value = Vec<Ohlcv>> {
    let grid = Grid::new(digits).unwrap();
    inputs::bars(InstrumentId(0), grid, BarShape::Mixed, 40..60).prop_map(|bars| {
        let plain = bars.into_iter().map(|(_, bar)| Ohlcv {
            open: bar.open,
            high: bar.high,
            low: bar.low,
            close: bar.close,
            // An average by volume is not defined where nothing was ever traded.
            volume: bar.volume + 1.0,
        });
        plain.collect()
    })
}

fn closes(digits: u8) -> impl Draw<Value = Vec<f64>> {
    ohlcv(digits).prop_map(|bars| bars.iter().map(|bar| bar.close).collect())
}

const BAD_NUMBERS: [f64; 5] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e101, -1e101];
const BAD_PRICES: [f64; 6] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e101, 0.0, -1.0];

fn bad_bars() -> Vec<Ohlcv> {
    let good = Ohlcv { open: 2.0, high: 3.0, low: 1.0, close: 2.0, volume: 1.0 };
    let mut bad = Vec::new();
    for value in BAD_PRICES {
        bad.push(Ohlcv { open: value, ..good });
        bad.push(Ohlcv { high: value, ..good });
        bad.push(Ohlcv { low: value, ..good });
        bad.push(Ohlcv { close: value, ..good });
    }
    for volume in [f64::NAN, f64::INFINITY, -1e-9, 1e101] {
        bad.push(Ohlcv { volume, ..good });
    }
    bad.push(Ohlcv { high: 1.0, low: 3.0, ..good });
    bad.push(Ohlcv { open: 3.5, ..good });
    bad.push(Ohlcv { close: 0.5, ..good });
    bad
}

#[test]
fn indicators_of_numbers_keep_their_laws() -> Outcome {
    let (suite, kind) = (suite(), DeviationKind::Sample);
    for (window, digits) in [(2, 0), (3, 2), (8, 8)] {
        let numbers = closes(digits);
        suite.indicator(&Sma::new(window).unwrap(), &numbers, &BAD_NUMBERS)?;
        suite.indicator(&Ema::new(window).unwrap(), &numbers, &BAD_NUMBERS)?;
        suite.indicator(&Wma::new(window).unwrap(), &numbers, &BAD_NUMBERS)?;
        suite.indicator(&RollingVariance::new(window, kind).unwrap(), &numbers, &BAD_NUMBERS)?;
        let deviation = RollingStandardDeviation::new(window, kind).unwrap();
        suite.indicator(&deviation, &numbers, &BAD_NUMBERS)?;
        suite.indicator(&RollingMaximum::new(window).unwrap(), &numbers, &BAD_NUMBERS)?;
        suite.indicator(&RollingMinimum::new(window).unwrap(), &numbers, &BAD_NUMBERS)?;
        suite.indicator(&LinearRegressionSlope::new(window).unwrap(), &numbers, &BAD_NUMBERS)?;
        suite.indicator(&Bollinger::new(window, 2.0, kind).unwrap(), &numbers, &BAD_PRICES)?;
        suite.indicator(&Rsi::new(window).unwrap(), &numbers, &BAD_PRICES)?;
        suite.indicator(&Macd::new(window, window + 3, 4).unwrap(), &numbers, &BAD_PRICES)?;
        suite.indicator(&Roc::new(window).unwrap(), &numbers, &BAD_PRICES)?;
        // A z-score is undefined in a flat window, so it gets prices that never repeat.
        let rising = numbers.prop_map(|prices| {
            prices.iter().enumerate().map(|(i, price)| price.fract() + 2.0 * i as f64).collect()
        });
        suite.indicator(&ZScore::new(window, kind).unwrap(), &rising, &BAD_NUMBERS)?;
        let pairs = ohlcv(digits)
            .prop_map(|bars| bars.iter().map(|bar| (bar.close, bar.volume)).collect::<Vec<_>>());
        let bad = [(f64::NAN, 1.0), (1.0, f64::INFINITY)];
        suite.indicator(&RollingCorrelation::new(window).unwrap(), &pairs, &bad)?;
    }
    Ok(())
}

#[test]
fn indicators_of_bars_keep_their_laws() -> Outcome {
    let (suite, bad) = (suite(), bad_bars());
    for (window, digits) in [(2, 0), (3, 2), (8, 8)] {
        let bars = ohlcv(digits);
        suite.indicator(&TypicalPrice::new(), &bars, &bad)?;
        suite.indicator(&Donchian::new(window).unwrap(), &bars, &bad)?;
        suite.indicator(&CumulativeVwap::new(), &bars, &bad)?;
        suite.indicator(&RollingVwap::new(window).unwrap(), &bars, &bad)?;
        suite.indicator(&Atr::new(window).unwrap(), &bars, &bad)?;
        suite.indicator(&Natr::new(window).unwrap(), &bars, &bad)?;
        suite.indicator(&DirectionalMovement::new(window).unwrap(), &bars, &bad)?;
        suite.indicator(&Adx::new(window).unwrap(), &bars, &bad)?;
        suite.indicator(&Stochastic::new(window, 3, 2).unwrap(), &bars, &bad)?;
        suite.indicator(&StochasticFast::new(window, 3).unwrap(), &bars, &bad)?;
        suite.indicator(&WilliamsR::new(window).unwrap(), &bars, &bad)?;
        suite.indicator(&Obv::new(), &bars, &bad)?;
        suite.indicator(&Mfi::new(window).unwrap(), &bars, &bad)?;
        suite.indicator(&Cci::new(window).unwrap(), &bars, &bad)?;
        suite.indicator(&Keltner::new(window, 5, 2.0).unwrap(), &bars, &bad)?;
        suite.indicator(&Supertrend::new(window, 3.0).unwrap(), &bars, &bad)?;
        for estimator in [
            VolatilityEstimator::CloseToClose,
            VolatilityEstimator::Parkinson,
            VolatilityEstimator::GarmanKlass,
            VolatilityEstimator::YangZhang,
        ] {
            let volatility = RealisedVolatility::new(estimator, window, 252.0).unwrap();
            suite.indicator(&volatility, &bars, &bad)?;
        }
    }
    let hours = ohlcv(2).prop_map(|bars| {
        let hours = (0_i64..).map(|hour| hour * 3_600_000_000_000);
        hours.zip(bars).map(|(at_ns, bar)| TimedOhlcv { at_ns, bar }).collect::<Vec<_>>()
    });
    let bad: Vec<_> = bad.into_iter().map(|bar| TimedOhlcv { at_ns: i64::MAX, bar }).collect();
    suite.indicator(&SessionVwap::new(SessionAnchor::utc_midnight()), &hours, &bad)
}

/// Every registered strategy with its defaults, and the followers and faders with short windows,
/// so that they say something.
#[test]
fn strategies_keep_their_laws() -> Outcome {
    let build = |name: &str, parameters: &str, table: &Instruments| {
        let universe: Vec<_> = table.iter().map(|found| found.id).collect();
        let context = StrategyContext::new(table, &universe);
        StrategyRegistry::new().build_json(name, parameters, &context).unwrap().strategy
    };
    let suite = Suite::new().cases(24);
    for name in StrategyRegistry::new().names() {
        suite.strategy(|table| build(name, "{}", table))?;
    }
    for (name, parameters) in [
        ("BREAKOUT", r#"{"lookback": 5}"#),
        ("MEAN_REVERSION", r#"{"window": 5}"#),
        ("EMA_CROSS", r#"{"fast": 2, "slow": 5}"#),
    ] {
        suite.strategy(|table| build(name, parameters, table))?;
    }
    Ok(())
}

/// Rules that do not look at what is held.
#[test]
fn rules_keep_their_laws() -> Outcome {
    let suite = Suite::new();
    suite.rule(|| MaxOrderQuantity::each(dec("40")).unwrap())?;
    suite.rule(|| MaxOrderNotional::new(Ceiling::Amount(4_000.0)).unwrap())?;
    suite.rule(|| MaxOrderNotional::new(Ceiling::OfEquity(0.1)).unwrap())?;
    suite.rule(|| InstrumentList::allow([InstrumentId(0), InstrumentId(2)]))?;
    suite.rule(|| InstrumentList::deny([InstrumentId(0)]))?;
    suite.rule(|| MarketAge::new(Duration::from_secs(1_800)).unwrap())?;
    suite.rule(|| TradingHours::new(Tz::America__New_York))?;
    suite.rule(|| OpenOrders::new(2, 3))?;
    suite.rule(|| PositionCount::new(3))?;
    suite.rule(|| BuyingPower::new(dec("1")).unwrap())?;
    suite.rule(|| PortfolioHeat::new(0.2).unwrap())
}

/// Limits on exposure: who holds more is never allowed more.
#[test]
fn limits_on_exposure_keep_their_laws() -> Outcome {
    let suite = Suite::new();
    suite.monotone_rule(|| PositionSize::new(0.1).unwrap())?;
    suite.monotone_rule(|| GrossExposure::new(Ceiling::OfEquity(0.6)).unwrap())?;
    suite.monotone_rule(|| GrossExposure::new(Ceiling::Amount(40_000.0)).unwrap())?;
    suite.monotone_rule(|| NetExposure::new(Ceiling::OfEquity(0.3)).unwrap())?;
    suite.monotone_rule(|| SymbolExposure::each(Ceiling::Amount(15_000.0)).unwrap())?;
    let pair = [InstrumentId(0), InstrumentId(2)];
    let group = || GroupExposure::new("pair", pair, Ceiling::Amount(30_000.0)).unwrap();
    suite.monotone_rule(group)?;
    suite.monotone_rule(|| Leverage::new(0.8).unwrap())?;
    suite.monotone_rule(|| SymbolQuantity::each(dec("90")).unwrap())
}

/// A share of the whole falls when the whole grows, so that concentration claims no monotony.
#[test]
fn concentration_keeps_its_laws() -> Outcome {
    Suite::new().rule(|| Concentration::new(0.4).unwrap())
}

#[test]
fn risk_managers_keep_their_laws() -> Outcome {
    let suite = Suite::new();
    let enhanced = || {
        let builder = EnhancedRiskManager::builder().max_drawdown(dec("0.2"));
        let builder = builder.gross_exposure(Ceiling::OfEquity(0.9));
        builder.with_rule(Box::new(PositionCount::new(3))).build().unwrap()
    };
    suite.manager("EnhancedRiskManager", enhanced)?;
    suite.manager("RealtimeRiskManager", || RealtimeRiskManager::builder().build().unwrap())?;
    suite.manager("RiskChain", || {
        let guard = DrawdownGuard::new(MaxDrawdownTracker::default(), PeakReset::Keep);
        let rule = PositionSize::new(0.2).unwrap();
        RiskChain::new().with_rule(Box::new(rule)).with_guard(Box::new(guard))
    })
}

#[test]
fn the_order_book_keeps_its_laws() -> Outcome {
    Suite::new().cases(256).lifecycle(OrderBook::new)
}

/// Laws 45, 46, 49, 52 and 53, by every way of matching lots.
#[test]
fn the_ledger_keeps_its_laws() -> Outcome {
    for lots in [LotMethod::Fifo, LotMethod::Lifo, LotMethod::Average] {
        let config = LedgerConfig { lots, positions: PositionMode::Netting };
        Suite::new().cases(256).pnl(lots, |table, slots| Ledger::new(table, slots, config))?;
    }
    Ok(())
}

#[test]
fn readers_of_records_keep_their_laws() -> Outcome {
    Suite::new().sink("()", || ())?;
    Suite::new().sink("Digest", Digest::new)?;
    let collector = || Collector::new(Sampling::Every, 0);
    Suite::new().sink("Collector", collector)?;
    Suite::new().sink("Tee", || Tee(Digest::new(), Collector::new(Sampling::Every, 0)))
}

#[test]
fn guards_keep_their_laws() -> Outcome {
    let (suite, share, second) = (Suite::new(), InstrumentId(0), Duration::from_secs(1));
    let data = DataLimits { silence: Some(second * 9), jump: Some(0.2), sound_events: 2 };
    let rate = ExecutionLimits { fills: Some(3), quantity: None, value: None };
    let limits = BreakerLimits { max_consecutive_losses: 2, ..BreakerLimits::default() };
    suite.guard(|| BreakerGuard::new(CircuitBreaker::new(limits).unwrap()))?;
    let day = DailyLimit::Fraction(dec("0.05"));
    suite.guard(|| DailyLossGuard::new(day, DayBoundary::UTC).unwrap())?;
    suite.guard(|| DataQualityGuard::new(share, data).unwrap())?;
    suite.guard(|| DeadManGuard::new(second * 7).unwrap())?;
    for resets in [PeakReset::Keep, PeakReset::Restart] {
        let tracker = || MaxDrawdownTracker::new(dec("0.05")).unwrap();
        suite.guard(|| DrawdownGuard::new(tracker(), resets))?;
    }
    suite.guard(|| ExecutionRate::new(rate, second * 60, HaltScope::Account).unwrap())?;
    suite.guard(|| RepeatedExecution::new(3).unwrap())?;
    suite.guard(|| RepeatedExecution::for_strategy(2, SlotId(1)).unwrap())
}

#[test]
fn gates_keep_their_laws() -> Outcome {
    let (suite, second) = (Suite::new(), Duration::from_secs(1));
    suite.gate(|| GridGate)?;
    suite.gate(|| PriceCollar::new(0.05, second * 100_000).unwrap())?;
    suite.gate(|| DuplicateOrders::within(second * 2).unwrap())?;
    suite.gate(ParentCheck::new)?;
    suite.gate(SelfMatch::new)?;
    suite.gate(|| MessageThrottle::new(4, second * 2).unwrap())?;
    suite.gate(|| MessageThrottle::new(1, second * 2).unwrap())
}

#[test]
fn sizers_keep_their_laws() -> Outcome {
    let suite = Suite::new();
    suite.sizer("all in", || AllIn)?;
    suite.sizer("cash", || FixedCash::new(dec("5000")).unwrap())?;
    suite.sizer("quantity", || FixedQuantity::new(dec("3")).unwrap())?;
    suite.sizer("equity", || EquityFraction::new(dec("0.1")).unwrap())?;
    suite.sizer("by confidence", || ConfidenceScaled::new(EquityFraction::default()))?;
    let risk = |stop| FixedFractional::new(dec("0.01"), stop).unwrap();
    suite.sizer("risk to a distance", || risk(StopDistance::Price(dec("2"))))?;
    suite.sizer("risk to the plan", || risk(StopDistance::Plan))?;
    let edge = KellyEdge { win_rate: 0.6, payoff: 1.5 };
    suite.sizer("Kelly", || Kelly::given(edge, 0.5, dec("0.25")).unwrap())?;
    let window = KellyWindow { trades: 20, least: 5, until_then: 0.1 };
    suite.sizer("Kelly observed", || Kelly::observed(window, 0.5, dec("0.3")).unwrap())?;
    let given = VolatilitySource::Given(0.4);
    suite.sizer("volatility", || VolatilityTarget::new(0.1, Decimal::TWO, given).unwrap())?;
    suite.sizer("smallest", || Smallest::new(AllIn).and(EquityFraction::default()))
}
