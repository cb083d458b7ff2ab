//! Laws 58 to 62 for the sizers that measure: on the grid, within budget, monotone, closed.

use proptest::prelude::*;
use tradewright::math::VolatilityEstimator;
use tradewright::risk::{
    AllIn, ConfidenceScaled, EquityFraction, FixedFractional, Kelly, KellyEdge, KellyWindow, Sizer,
    Smallest, StopDistance, VolatilitySource, VolatilityTarget,
};
use tradewright::types::{
    Amount, AssetId, Bar, Decimal, InstrumentId, Label, Leg, Money, Period, Qty, Reason,
    ReasonCode, Side, StopFact, Timestamp, Trade, to_f64,
};

use super::{COIN, LINEAR, SHARE, SLOT, World, dec, signal};

/// What a sizer opens, zero when it refuses.
fn size(sizer: &dyn Sizer, cash: i64, mark: f64, id: InstrumentId) -> Result<Decimal, Reason> {
    let world = World::new();
    let book = world.book().cash(world.usd, Decimal::from(cash)).mark(id, Timestamp::EPOCH, mark);
    let book = book.build();
    match sizer.size(&signal(id, 1.0), &world.table[id], &world.facts(&book))? {
        Amount::Quantity(quantity) => Ok(quantity.value()),
        Amount::Cash(_) => panic!("no cash amount"),
    }
}

fn or_zero(size: Result<Decimal, Reason>) -> Decimal {
    size.unwrap_or_default()
}

fn fractional(risk: i64, distance: Decimal) -> FixedFractional {
    FixedFractional::new(Decimal::new(risk, 4), StopDistance::Price(distance)).unwrap()
}

fn targeting(target: f64, volatility: f64) -> VolatilityTarget {
    VolatilityTarget::new(target, Decimal::TWO, VolatilitySource::Given(volatility)).unwrap()
}

fn betting(win_rate: f64, payoff: f64) -> Kelly {
    Kelly::given(KellyEdge { win_rate, payoff }, 0.5, dec("0.25")).unwrap()
}

proptest! {
    /// Laws 58 and 59: on the step, minima kept or nothing, and never above the budget.
    #[test]
    fn sizes_fit_grid_and_budget(
        cash in 100_i64..10_000_000,
        cents in 100_i64..100_000,
        risk in 1_i64..1_000,
        distance_cents in 1_i64..50_000,
        volatility in 0.02_f64..3.0,
        win_rate in 0.0_f64..1.0,
        payoff in 0.1_f64..5.0,
        id in 0_u32..3,
    ) {
        let id = InstrumentId(id);
        let mark = cents as f64 / 100.0;
        let world = World::new();
        let instrument = &world.table[id];
        let (price, cash_d) = (instrument.price_grid.nearest(mark).unwrap(), Decimal::from(cash));
        let unit = instrument.value(Decimal::ONE, price).unwrap();
        let distance = Decimal::new(distance_cents, 2);
        let loss = instrument.value(Decimal::ONE, distance.min(price)).unwrap();
        let risk_budget = cash_d * Decimal::new(risk, 4);
        let (volatile, kelly) = (targeting(0.15, volatility), betting(win_rate, payoff));
        let share = (0.15 / volatility).min(2.0);
        let cases: [(Result<Decimal, Reason>, Decimal, f64); 3] = [
            (size(&fractional(risk, distance), cash, mark, id), loss, to_f64(risk_budget)),
            (size(&volatile, cash, mark, id), unit, cash as f64 * share),
            (size(&kelly, cash, mark, id), unit, cash as f64 * kelly.fraction()),
        ];
        for (found, unit, budget) in cases {
            match found {
                Ok(quantity) => {
                    prop_assert!(quantity > Decimal::ZERO && instrument.is_on_step(quantity));
                    prop_assert!(quantity >= instrument.min_quantity);
                    let notional = quantity * instrument.multiplier * price;
                    prop_assert!(notional >= instrument.min_notional);
                    prop_assert!(to_f64(quantity * unit) <= budget * (1.0 + 1e-12));
                    // The next step would be too much.
                    let more = to_f64((quantity + instrument.step) * unit);
                    prop_assert!(more > budget * (1.0 - 1e-6) - 1e-6, "{} {}", more, budget);
                }
                Err(reason) => prop_assert!(matches!(
                    reason.code,
                    ReasonCode::SizeZero | ReasonCode::MinNotional | ReasonCode::NoEdge
                ), "{reason:?}"),
            }
        }
    }

    /// Law 60: more equity or edge never makes smaller, more volatility or distance never
    /// larger; the smallest of several is their minimum.
    #[test]
    fn sizes_are_monotone(
        cash in 1_000_i64..1_000_000,
        more in 0_i64..1_000_000,
        distance in 1_i64..5_000,
        further in 0_i64..5_000,
        volatility in 0.02_f64..2.0,
        wilder in 0.0_f64..2.0,
        win_rate in 0.3_f64..0.8,
        luckier in 0.0_f64..0.2,
        confidence in 0.0_f64..=1.0,
        surer in 0.0_f64..=1.0,
    ) {
        let at = |sizer: &dyn Sizer, cash: i64| or_zero(size(sizer, cash, 50.0, COIN));
        let near = fractional(100, Decimal::new(distance, 2));
        let far = fractional(100, Decimal::new(distance + further, 2));
        prop_assert!(at(&far, cash) <= at(&near, cash));
        prop_assert!(at(&near, cash) <= at(&near, cash + more));
        let (calm, wild) = (targeting(0.2, volatility), targeting(0.2, volatility + wilder));
        prop_assert!(at(&wild, cash) <= at(&calm, cash));
        prop_assert!(at(&calm, cash) <= at(&calm, cash + more));
        let (poor, good) = (betting(win_rate, 1.5), betting(win_rate + luckier, 1.5));
        prop_assert!(at(&poor, cash) <= at(&good, cash));
        prop_assert!(at(&good, cash) <= at(&good, cash + more));
        let all = Smallest::new(near).and(calm.clone()).and(good.clone());
        let least = at(&near, cash).min(at(&calm, cash)).min(at(&good, cash));
        prop_assert_eq!(at(&all, cash), least);
        let world = World::new();
        let book = world.book().build();
        let sure = |confidence: f64| {
            let sizer = ConfidenceScaled::new(near);
            let signal = signal(COIN, confidence);
            let found = sizer.size(&signal, &world.table[COIN], &world.facts(&book));
            found.map_or(Decimal::ZERO, |amount| match amount {
                Amount::Quantity(quantity) => quantity.value(),
                Amount::Cash(_) => Decimal::NEGATIVE_ONE,
            })
        };
        let (low, high) = (confidence.min(surer), confidence.max(surer));
        prop_assert!(sure(low) <= sure(high));
    }

    /// A restored sizer sizes as the one that was saved.
    #[test]
    fn memories_are_restored(results in prop::collection::vec(-50_i64..60, 0..40)) {
        let window = KellyWindow { trades: 20, least: 5, until_then: 0.1 };
        let make = || Kelly::observed(window, 0.5, dec("0.3")).unwrap();
        let mut sizer = make();
        for result in &results {
            sizer.on_trade(&trade(*result));
        }
        let kept: Vec<f64> = results.iter().filter(|r| **r != 0).map(|r| *r as f64).collect();
        let last = &kept[kept.len().saturating_sub(20)..];
        match sizer.edge() {
            None => prop_assert!(last.len() < 5),
            Some(edge) => {
                let wins: Vec<f64> = last.iter().copied().filter(|r| *r > 0.0).collect();
                prop_assert!((edge.win_rate - wins.len() as f64 / last.len() as f64).abs() < 1e-12);
            }
        }
        let mut other = make();
        other.restore_memory(&sizer.save_memory().unwrap()).unwrap();
        prop_assert_eq!(&other, &sizer);
    }
}

fn trade(net: i64) -> Trade {
    Trade {
        slot: SLOT,
        instrument: SHARE,
        leg: Leg::Net,
        side: Side::Buy,
        quantity: Qty::from(1),
        opened_at: Timestamp::EPOCH,
        closed_at: Timestamp::EPOCH,
        entry: Decimal::ONE_HUNDRED,
        exit: Decimal::ONE_HUNDRED,
        gross: Money::new(Decimal::from(net), AssetId(0)),
        fees: Decimal::ZERO,
        funding: Decimal::ZERO,
        tag: Label::default(),
    }
}

/// Law 61: an unknown or zero distance, an unknown volatility, no edge and unknown equity open
/// nothing, and say why.
#[test]
fn nothing_is_opened_on_what_is_not_known() {
    let code = |sizer: &dyn Sizer| size(sizer, 100_000, 50.0, COIN).unwrap_err().code;
    let planned = FixedFractional::new(dec("0.01"), StopDistance::Plan).unwrap();
    assert_eq!(code(&planned), ReasonCode::StopDistance);
    let source = VolatilitySource::Measured {
        estimator: VolatilityEstimator::CloseToClose,
        window: 5,
        bars_per_year: 252.0,
        period: None,
    };
    let mut measured = VolatilityTarget::new(0.1, Decimal::ONE, source).unwrap();
    assert_eq!(code(&measured), ReasonCode::Volatility);
    assert!(measured.is_attentive());
    for _ in 0..10 {
        measured.on_bar(&Bar::new(COIN, Period::DAY, [50.0; 4], 1.0).unwrap());
    }
    assert_eq!(measured.volatility(COIN), Some(0.0));
    assert_eq!(code(&measured), ReasonCode::Volatility, "a flat market");
    for step in 0..10 {
        let close = 50.0 + f64::from(step % 2);
        measured.on_bar(&Bar::new(COIN, Period::DAY, [close; 4], 1.0).unwrap());
    }
    assert!(size(&measured, 100_000, 50.0, COIN).is_ok());
    let mut other = VolatilityTarget::new(0.1, Decimal::ONE, source).unwrap();
    other.restore_memory(&measured.save_memory().unwrap()).unwrap();
    assert_eq!(other, measured);
    assert_eq!(code(&betting(0.4, 1.0)), ReasonCode::NoEdge);
    let world = World::new();
    let unknown = world.book().equity(f64::NAN).build();
    let found =
        betting(0.6, 2.0).size(&signal(COIN, 1.0), &world.table[COIN], &world.facts(&unknown));
    assert_eq!(found.unwrap_err().code, ReasonCode::InvalidInput);
    let all = Smallest::new(AllIn).and(betting(0.4, 1.0));
    assert_eq!(code(&all), ReasonCode::NoEdge, "the one that refuses, refuses for all");
}

/// The plan's distance sizes a trade; a short one is sized by its loss above.
#[test]
fn the_plan_tells_the_distance() {
    let world = World::new();
    let planned = StopFact { distance: 2.0, ..StopFact::default() };
    let book = world.book().stop(SLOT, LINEAR, planned).build();
    let sizer = FixedFractional::new(dec("0.01"), StopDistance::Plan).unwrap();
    for side in [Side::Buy, Side::Sell] {
        let signal = tradewright::types::Signal { side, ..signal(LINEAR, 1.0) };
        let found = sizer.size(&signal, &world.table[LINEAR], &world.facts(&book));
        assert_eq!(found, Ok(Amount::Quantity(Qty::from(50))), "1000 over 2 times 10 units");
    }
}

/// The smallest takes cash amounts at the mark.
#[test]
fn cash_is_counted_in_units() {
    let sizer = Smallest::new(AllIn).and(EquityFraction::new(Decimal::TWO).unwrap());
    assert_eq!(size(&sizer, 1_030, 100.0, SHARE), Ok(Decimal::TEN));
}

/// Parameters out of their ranges.
#[test]
fn bad_sizers_are_refused() {
    let fraction = |risk, stop| FixedFractional::new(risk, stop).is_err();
    assert!(fraction(Decimal::ZERO, StopDistance::Plan));
    assert!(fraction(Decimal::TWO, StopDistance::Plan));
    assert!(fraction(dec("0.01"), StopDistance::Price(Decimal::ZERO)));
    assert!(fraction(dec("0.01"), StopDistance::Fraction(Decimal::ONE)));
    let given = |target, volatility| {
        VolatilityTarget::new(target, Decimal::ONE, VolatilitySource::Given(volatility)).is_err()
    };
    assert!(
        given(0.0, 0.2) && given(f64::NAN, 0.2) && given(0.1, 0.0) && given(0.1, f64::INFINITY)
    );
    let edge =
        |win_rate, payoff| Kelly::given(KellyEdge { win_rate, payoff }, 0.5, Decimal::ONE).is_err();
    assert!(edge(1.1, 1.0) && edge(f64::NAN, 1.0) && edge(0.5, 0.0) && edge(0.5, f64::NAN));
    let window = KellyWindow { trades: 5, least: 6, until_then: 0.1 };
    assert!(Kelly::observed(window, 0.5, Decimal::ONE).is_err());
}
